package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// A delete brings along of what its snapshot consists; JSON says nothing of members
// where there are none.
func TestDeletesCarryMembers(t *testing.T) {
	var inv dr.Inventory
	for _, slot := range []string{"14:00", "12:00", "10:00", "08:00", "06:00"} {
		s := snap(prod, "orders", "gold", "2026-11-20 "+slot, dr.Good)
		if slot == "06:00" {
			s.Members = []string{"snap-1", "snap-2"}
		}
		inv.Snapshots = append(inv.Snapshots, s)
	}
	p := plan.Build(now, parse(t, everything), inv, all())
	if len(p.Actions) != 2 || p.Count(plan.Delete) != 2 {
		t.Fatalf("planned is %+v", p.Actions)
	}
	for i, want := range [][]string{{"snap-1", "snap-2"}, nil} {
		a := p.Actions[i]
		text, err := json.Marshal(a)
		if err != nil || !slices.Equal(a.Members, want) || strings.Contains(string(text), `"members"`) != (want != nil) {
			t.Errorf("%s has members %v, want %v: %s, %v", a.Name, a.Members, want, text, err)
		}
	}
}
