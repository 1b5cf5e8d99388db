package ebs

import "github.com/holdfast-dr/holdfast/internal/store"

// Bound says which settings name what another account or Region does not have. Those of
// an instance are not among them: a restore makes volumes, and needs none of them. Nor is
// the zone: AWS chooses none for a volume, so a person says it.
func (*Driver) Bound() map[string]store.Binding {
	return map[string]store.Binding{"key": {To: store.ToCopyKey}}
}
