package policy

import (
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Wants reports whether a kind of store has to be looked at. Where the file lists
// kinds, these are looked at; where it does not and every policy says which kinds
// it means, theirs are; otherwise all are.
func (f File) Wants(k dr.Kind) bool {
	if len(f.Kinds) > 0 {
		return slices.Contains(f.Kinds, k)
	}
	if len(f.Policies) == 0 || len(f.Dialects) > 0 {
		return true
	}
	for _, p := range f.Policies {
		if len(p.Match.Kinds) == 0 || slices.Contains(p.Match.Kinds, k) {
			return true
		}
	}
	return false
}
