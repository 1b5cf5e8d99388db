package plan_test

import (
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// A snapshot from which a restore is under way stays, and is let go when the restore is
// over. The guard knows by itself.
func TestKeepsWhatIsBeingRestored(t *testing.T) {
	f := parse(t, `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 1, floor: 1}}
`)
	two := hourly(prod, "orders", "2026-11-20 13:00", "2026-11-20 14:00")
	old := two[0]
	under := ready("orders-new-r1")
	under.Tags = dr.RestoreMark("r1", dr.RoleNew, dr.NewConfig(map[string]string{"snapshot": old.Ref.ID}))
	elsewhere := under
	elsewhere.Ref.Site = west
	for name, c := range map[string]struct {
		resources []dr.Resource
		stays     bool
	}{
		"under way":              {[]dr.Resource{ready("orders"), under}, true},
		"under way at elsewhere": {[]dr.Resource{ready("orders"), elsewhere}, false},
		"over":                   {[]dr.Resource{ready("orders")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inv := dr.Inventory{Resources: c.resources, Snapshots: two, Sites: []dr.Site{prod, west}}
			p := plan.Build(now, f, inv, plan.Limits{})
			if deletes(p, old) == c.stays {
				t.Errorf("deleted: %v\n%s", !c.stays, show(p))
			}
			bad := plan.Plan{Actions: []plan.Action{{Verb: plan.Delete, From: old.Ref, To: prod, Name: old.Ref.ID, Claim: old.Claim}}}
			if objects := len(plan.Check(bad, f, inv)) > 0; objects != c.stays {
				t.Errorf("the guard objects: %v, want %v", objects, c.stays)
			}
		})
	}
}
