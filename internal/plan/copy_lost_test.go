package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// The policy file has lost what made the copies. What they are made from stays while
// they are being made, and what was on the way goes afterwards, unless nothing else
// holds data as new.
func TestCopiesOfALostPolicy(t *testing.T) {
	const lostCopies = `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 1}}
`
	const lostPolicy = `
  silver: {match: {name: none}, every: 1h, keep: {last: 1}}
`
	two := under(managedKey, hourly(prod, "orders", "2026-11-20 13:00", "2026-11-20 14:00")...)
	stage := copyOf(two[0], prod, plan.RekeyStage, "", dr.Good)
	for _, tc := range []struct {
		name, policies string
		snaps          []dr.Snapshot
		// goes and stays are the snapshots that the plan has to let go and to keep.
		goes, stays []dr.Snapshot
	}{
		{"a copy from the original", lostCopies, []dr.Snapshot{copyOf(two[0], west, "", "last=3 floor=1", dr.Pending)}, nil, two},
		{"a copy from the way", lostCopies, []dr.Snapshot{stage, copyOf(stage, other, "", "last=3 floor=1", dr.Pending)}, nil, append([]dr.Snapshot{stage}, two...)},
		{"the same, without the policy", lostPolicy, []dr.Snapshot{stage, copyOf(stage, other, "", "last=3 floor=1", dr.Pending)}, nil, append([]dr.Snapshot{stage}, two...)},
		{"the copy is there", lostPolicy, []dr.Snapshot{stage, copyOf(stage, other, "", "last=3 floor=1", dr.Good)}, []dr.Snapshot{stage}, two},
		{"nothing is copied", lostPolicy, []dr.Snapshot{stage}, []dr.Snapshot{stage}, two},
		{"the way is made", lostCopies, []dr.Snapshot{copyOf(two[0], prod, plan.RekeyStage, "", dr.Pending)}, nil, two},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := parseCopies(t, tc.policies)
			inv := dr.Inventory{Snapshots: append(slices.Clone(two), tc.snaps...), Sites: []dr.Site{prod, west, other, far}}
			p := plan.Build(now, f, inv, routes(20))
			if found := plan.Check(p, f, inv); len(found) > 0 {
				t.Errorf("the check objects: %v", found)
			}
			for _, s := range tc.goes {
				if !deletes(p, s) {
					t.Errorf("%s stays:\n%s", s.Ref, show(p))
				}
			}
			for _, s := range tc.stays {
				if deletes(p, s) {
					t.Errorf("%s goes:\n%s", s.Ref, show(p))
				}
				bad := plan.Plan{Actions: []plan.Action{{Verb: plan.Delete, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim}}}
				if needed(p, s) && len(plan.Check(bad, f, inv)) == 0 {
					t.Errorf("the check lets %s go", s.Ref)
				}
			}
		})
	}
	// The original is gone, and no copy was ever made.
	inv := dr.Inventory{Snapshots: []dr.Snapshot{stage}, Sites: []dr.Site{prod, other}}
	if p := plan.Build(now, parseCopies(t, lostPolicy), inv, routes(20)); deletes(p, stage) || !strings.Contains(show(p), "nothing else holds data as new") {
		t.Errorf("the last of it goes:\n%s", show(p))
	}
}

func deletes(p plan.Plan, s dr.Snapshot) bool {
	return slices.ContainsFunc(p.Actions, func(a plan.Action) bool { return a.Verb == plan.Delete && a.From == s.Ref })
}

func needed(p plan.Plan, s dr.Snapshot) bool {
	return slices.ContainsFunc(p.Kept, func(v plan.Verdict) bool { return v.Ref == s.Ref && v.Reason.Code == plan.Needed })
}
