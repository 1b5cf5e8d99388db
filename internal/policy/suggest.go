package policy

import (
	"fmt"
	"slices"
	"strings"
)

// maxKnown is how many known words a hint lists.
const maxKnown = 20

// didYouMean gives a hint for a word that is none of the known ones.
func didYouMean(word string, known []string) string {
	best, distance := "", 0
	for _, k := range known {
		if d := editDistance(strings.ToLower(word), k); closeTo(word, k) && (best == "" || d < distance) {
			best, distance = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(known) == 0:
		return ""
	case len(known) == 1:
		return fmt.Sprintf("there is only %q", known[0])
	default:
		sorted := slices.Sorted(slices.Values(known))
		if len(sorted) > maxKnown {
			sorted = append(sorted[:maxKnown], "…")
		}
		return "known are " + strings.Join(sorted, ", ")
	}
}

// closeTo reports whether a word may be another one misspelt.
func closeTo(word, known string) bool {
	return editDistance(strings.ToLower(word), known) <= 1+min(len(word), len(known))/4
}

// editDistance counts the letters to insert, delete, replace or swap with their
// neighbour to turn one word into the other.
func editDistance(a, b string) int {
	const tooFar = 99
	if len(a) > 50 || len(b) > 50 { // No known word is that long.
		return tooFar
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
