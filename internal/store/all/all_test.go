package all_test

import (
	"slices"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
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
