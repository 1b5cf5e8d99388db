package all_test

import (
	"slices"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

func TestKindsAreTheDriversAndDiffer(t *testing.T) {
	var kinds []dr.Kind
	for _, d := range all.Drivers(nil, policy.File{}) {
		kinds = append(kinds, d.Kind())
	}
	if !slices.Equal(kinds, all.Kinds()) || !slices.Contains(kinds, "rds") {
		t.Errorf("drivers are %v, kinds %v", kinds, all.Kinds())
	}
	slices.Sort(kinds)
	if len(slices.Compact(slices.Clone(kinds))) != len(kinds) {
		t.Errorf("two drivers have one kind: %v", kinds)
	}
}

// All that a planner needs to know of a route is declared.
func TestRoutes(t *testing.T) {
	routes := all.Routes()
	for _, kind := range []dr.Kind{"rds", "aurora"} {
		if routes[kind].Means != plan.ByCall {
			t.Errorf("%s is not copied by calls: %+v", kind, routes[kind])
		}
	}
	for kind, r := range routes {
		if !slices.Contains(all.Kinds(), kind) || r.Means == "" || r.Means == plan.ByCall && (r.Default == "" || r.NameLimit == 0) {
			t.Errorf("%s: %+v", kind, r)
		}
	}
}
