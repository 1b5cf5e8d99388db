package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

func quotaOf(n int) plan.Limits {
	return plan.Limits{MaxDelete: all().MaxDelete, Quota: map[dr.Kind]int{"rds": n}}
}

// free makes a resource or snapshot one that does not count.
func free(r dr.Resource) dr.Resource { r.Uncounted = true; return r }

func freeSnap(s dr.Snapshot) dr.Snapshot { s.Uncounted = true; return s }

func codesOf(verdicts []plan.Verdict) []plan.Code {
	var out []plan.Code
	for _, v := range verdicts {
		out = append(out, v.Reason.Code)
	}
	return out
}

// TestQuotaCountsWhatCounts goes through what takes room in the quota and what
// does not. The policy keeps three and takes one more before one goes.
func TestQuotaCountsWhatCounts(t *testing.T) {
	theirs := owner(snap(prod, "x", "gold", "2026-11-20 10:00", dr.Good), "")
	free0 := automated("a", "2026-11-20 14:01")
	for _, c := range []struct {
		name           string
		quota          int
		inv            dr.Inventory
		done           []plan.Verb
		full, foretold int
	}{
		{"one that counts has no room", 0, dr.Inventory{Resources: []dr.Resource{ready("a")}}, nil, 1, 1},
		{"one that does not count needs none", 0, dr.Inventory{Resources: []dr.Resource{free(ready("a"))}}, []plan.Verb{plan.Create}, 0, 0},
		{
			"the uncounted take no room from the others", 4,
			dr.Inventory{
				Resources: []dr.Resource{ready("a"), free(ready("b"))},
				Snapshots: []dr.Snapshot{
					freeSnap(theirs), freeSnap(snap(prod, "b", "gold", "2026-11-20 12:00", dr.Good)), freeSnap(snap(prod, "b", "gold", "2026-11-20 10:00", dr.Good)),
				},
			},
			[]plan.Verb{plan.Create, plan.Create},
			0, 0,
		},
		{
			"the deletion of one that does not count makes no room", 1,
			dr.Inventory{
				Resources: []dr.Resource{ready("a")},
				Snapshots: []dr.Snapshot{
					theirs, freeSnap(snap(prod, "b", "gold", "2026-11-20 06:00", dr.Good)), freeSnap(snap(prod, "b", "gold", "2026-11-20 08:00", dr.Good)),
					freeSnap(snap(prod, "b", "gold", "2026-11-20 10:00", dr.Good)), freeSnap(snap(prod, "b", "gold", "2026-11-20 12:00", dr.Good)),
				},
			},
			[]plan.Verb{plan.Delete},
			1, 1,
		},
		{"a promotion of what counts needs room", 0, dr.Inventory{Resources: []dr.Resource{ready("a")}, Snapshots: []dr.Snapshot{free0}}, nil, 1, 1},
		{
			"what is only to be claimed needs none", 4,
			dr.Inventory{
				Resources: []dr.Resource{ready("a")},
				Snapshots: []dr.Snapshot{
					leftOver("a", "gold", "2026-11-20 14:00", dr.Good), snap(prod, "a", "gold", "2026-11-20 12:00", dr.Good),
					snap(prod, "a", "gold", "2026-11-20 10:00", dr.Good), snap(prod, "a", "gold", "2026-11-20 08:00", dr.Good),
				},
			},
			[]plan.Verb{plan.Adopt},
			0, 0,
		},
		{
			"a promotion of what does not count needs none", 0,
			dr.Inventory{Resources: []dr.Resource{free(ready("a"))}, Snapshots: []dr.Snapshot{freeSnap(free0)}},
			[]plan.Verb{plan.Promote},
			0, 0,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, everything)
			p := plan.Build(now, f, c.inv, quotaOf(c.quota))
			var verbs []plan.Verb
			for _, a := range p.Actions {
				verbs = append(verbs, a.Verb)
			}
			if !slices.Equal(verbs, c.done) || len(codesOf(p.Refused)) != c.full || len(p.Foretold) != c.foretold {
				t.Errorf("want %v, %d refused, %d foretold:\n%s", c.done, c.full, c.foretold, show(p))
			}
			for _, code := range codesOf(p.Refused) {
				if code != plan.QuotaFull {
					t.Errorf("refused as %s", code)
				}
			}
		})
	}
}

// TestQuotaIsNeverExceeded: whatever there is, no plan makes more of what counts
// than there is room for once its deletes are done, and what does not count is
// never refused for it.
func TestQuotaIsNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quota := rapid.IntRange(0, 12).Draw(t, "quota")
		f, inv := parse(t, everything), dr.Inventory{}
		uncounted := map[dr.Ref]bool{}
		counted := 0
		for i := range rapid.IntRange(1, 6).Draw(t, "resources") {
			r := ready(fmt.Sprintf("db-%d", i))
			r.Uncounted = rapid.Bool().Draw(t, "uncounted")
			uncounted[r.Ref] = r.Uncounted
			inv.Resources = append(inv.Resources, r)
			for hours := range rapid.IntRange(0, 5).Draw(t, "snapshots") {
				slot := now.Truncate(2 * time.Hour).Add(-time.Duration(2*hours+2) * time.Hour)
				s := snap(prod, r.Ref.ID, "gold", slot.Format("2006-01-02 15:04"), dr.Good)
				s.Uncounted = r.Uncounted
				inv.Snapshots = append(inv.Snapshots, s)
				if !s.Uncounted {
					counted++
				}
			}
			if rapid.Bool().Draw(t, "automated") {
				s := automated(r.Ref.ID, "2026-11-20 14:01")
				s.Uncounted, uncounted[s.Ref] = r.Uncounted, r.Uncounted
				inv.Snapshots = append(inv.Snapshots, s)
			}
		}
		p := plan.Build(now, f, inv, quotaOf(quota))
		left, made := counted, 0
		for _, a := range p.Actions {
			switch {
			case a.Verb == plan.Delete && !freeIn(inv, a.From):
				left--
			case a.Verb != plan.Delete && !uncounted[a.From]:
				made++
			}
		}
		if made > 0 && left+made > quota {
			t.Fatalf("%d are left and %d made, and the quota is %d:\n%s", left, made, quota, show(p))
		}
		for _, v := range p.Refused {
			if v.Reason.Code == plan.QuotaFull && uncounted[v.Ref] {
				t.Fatalf("%s does not count and is refused:\n%s", v.Ref, show(p))
			}
		}
	})
}

func freeIn(inv dr.Inventory, ref dr.Ref) bool {
	return slices.ContainsFunc(inv.Snapshots, func(s dr.Snapshot) bool { return s.Ref == ref && s.Uncounted })
}

// TestForeverForetellsAWeek: what is kept for ever fills any quota one day. It is told
// when that will be within a week.
func TestForeverForetellsAWeek(t *testing.T) {
	f := parse(t, "  gold: {match: {name: \".*\"}, every: 1d, keep: forever}\n")
	inv := dr.Inventory{
		Resources: []dr.Resource{ready("a")},
		Snapshots: []dr.Snapshot{snap(prod, "a", "gold", "2026-11-18 00:00", dr.Good), snap(prod, "a", "gold", "2026-11-19 00:00", dr.Good)},
	}
	for quota, foretold := range map[int]int{9: 1, 10: 0, 100_000: 0} { // Two, seven more, and one while the next is made.
		if p := plan.Build(now, f, inv, quotaOf(quota)); len(p.Foretold) != foretold {
			t.Errorf("with a quota of %d %d are foretold, want %d:\n%s", quota, len(p.Foretold), foretold, show(p))
		}
	}
}
