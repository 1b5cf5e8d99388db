package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// The grammar of what holdfast prints, for people who read it at night:
//
//	A headline says what this is, of when, and how much of each.
//	A block has a title in one word and a table below it, one thing a line.
//	Where somebody has to act, the line below begins with "→".
//	Standard output holds results; standard error holds what went wrong.
//
// Times are UTC, written 2006-01-02 15:04Z.

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// orEmpty gives a list that is written to JSON as [] when it is empty, not as null.
func orEmpty[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// number writes a count with its noun.
func number(n int, noun, nouns string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, nouns)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

// age says how long ago something was, coarsely.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "0m"
	case d < time.Hour:
		return policy.FormatDuration(d.Truncate(time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
}

// table writes rows in aligned columns, indented, without trailing space.
func table(w io.Writer, rows [][]string) {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(tw, "  %s\n", strings.Join(r, "\t"))
	}
	_ = tw.Flush() // A strings.Builder never fails.
	for line := range strings.Lines(b.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n"))
	}
}

// tally writes counts in words and leaves out those that are zero.
func tally(parts ...any) string {
	var words []string
	for i := 0; i+1 < len(parts); i += 2 {
		if n, ok := parts[i].(int); ok && n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, parts[i+1]))
		}
	}
	if len(words) == 0 {
		return "nothing to do"
	}
	return strings.Join(words, ", ")
}

// place names where a thing is when there are several sites.
func place(v plan.Verdict) string {
	if v.Ref.Site.Name == "" {
		return v.Name
	}
	return v.Name + " at " + v.Ref.Site.Name
}
