package dr

import (
	"slices"
	"strings"
)

// MostShared is how many accounts holdfast shares one snapshot with: their ids and
// the spaces between them fit into one tag of 256 characters. RDS and Redshift
// would allow 20.
const MostShared = 19

// SharedTag gives the value of the tag that names the accounts a snapshot is shared
// with: sorted, with a space between. It is written before the snapshot is shared
// and shortened after a share was withdrawn, so that no share of ours is without
// its mark.
func SharedTag(accounts []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(accounts)))
	return strings.Join(sorted, " ")
}

// ParseShared reads the accounts that holdfast shares a snapshot with from its tags.
// What is no account id is passed over: holdfast never wrote it.
func ParseShared(t Tags) []string {
	var out []string
	for word := range strings.FieldsSeq(t[TagShared]) {
		if len(word) == 12 && strings.Trim(word, "0123456789") == "" {
			out = append(out, word)
		}
	}
	return out
}
