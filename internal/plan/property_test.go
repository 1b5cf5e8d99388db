package plan_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// policyFiles are what the properties are tried under: every retention rule,
// floors of 0 to 3, several policies on one resource, one that is missing.
func policyFiles() []string {
	return []string{
		gold,
		`
  gold: {match: {name: ".*"}, every: 6h, keep: {last: 3, floor: 3}, objective: {rpo: 8h}}
`, `
  gold: {match: {name: ".*"}, every: 1h, keep: {hourly: 4, daily: 3, weekly: 2, monthly: 2, yearly: 1, floor: 2}}
  silver: {match: {name: "^b"}, cron: "30 2 * * *", timezone: America/New_York, keep: {within: 3d, floor: 0}}
`, `
  silver: {match: {name: ".*"}, every: 1d, keep: forever}
`,
	}
}

// world is an inventory as it might be found, good and bad mixed.
func world(t *rapid.T) (policy.File, dr.Inventory) {
	f := parse(t, rapid.SampledFrom(policyFiles()).Draw(t, "policies"))
	var inv dr.Inventory
	for i, id := range []string{"orders", "billing", "b-2"} {
		site := prod
		if i == 2 {
			site = west
		}
		if rapid.Bool().Draw(t, "there") {
			state := rapid.SampledFrom([]dr.Readiness{dr.Ready, dr.Ready, dr.Ready, dr.Busy, dr.Blocked, dr.Leaving}).Draw(t, "state")
			inv.Resources = append(inv.Resources, db(site, id, state, string(state)))
		}
		seen := map[string]bool{}
		for range rapid.IntRange(0, 14).Draw(t, "snapshots") {
			if s := drawSnapshot(t, site, id); !seen[s.Ref.ID] {
				seen[s.Ref.ID] = true
				inv.Snapshots = append(inv.Snapshots, s)
			}
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "gap") == 0 {
		inv.Gaps = map[dr.Scope]error{{Kind: "rds", Site: prod}: errors.New("throttled")}
	}
	return f, inv
}

func drawSnapshot(t *rapid.T, site dr.Site, of string) dr.Snapshot {
	back := rapid.OneOf(rapid.IntRange(0, 30), rapid.IntRange(0, 24*40)).Draw(t, "hours")
	slot := now.Truncate(time.Hour).Add(-time.Duration(back) * time.Hour)
	s := snap(site, of, rapid.SampledFrom([]string{"gold", "gold", "silver"}).Draw(t, "policy"),
		slot.Format("2006-01-02 15:04"),
		rapid.SampledFrom([]dr.Condition{dr.Good, dr.Good, dr.Good, dr.Good, dr.Pending, dr.Failed, dr.Going, dr.Unclear}).Draw(t, "condition"))
	switch rapid.IntRange(0, 11).Draw(t, "sort") {
	case 0:
		s = hold(s)
	case 1:
		s = owner(s, "other")
	case 2:
		s = owner(s, "")
	case 3:
		s = flawed(s)
	}
	return s
}

// after gives what would be found once a plan is applied, its new snapshots in a
// state.
func after(p plan.Plan, inv dr.Inventory, state dr.Condition) dr.Inventory {
	gone := map[dr.Ref]bool{}
	out := dr.Inventory{Resources: inv.Resources, Gaps: inv.Gaps}
	for _, a := range p.Actions {
		switch a.Verb {
		case plan.Delete:
			gone[a.From] = true
		case plan.Create:
			out.Snapshots = append(out.Snapshots, dr.Snapshot{
				Ref: dr.Ref{Kind: a.From.Kind, Site: a.To, ID: a.Name}, Of: a.From, Taken: p.At, State: state, Claim: a.Claim,
			})
		case plan.Retire:
			out.Resources = slices.DeleteFunc(slices.Clone(out.Resources), func(r dr.Resource) bool { return r.Ref == a.From })
		case plan.Promote, plan.Adopt, plan.Hold, plan.Release, plan.Copy, plan.Share, plan.Withdraw, plan.Configure: // Not of this world.
		}
	}
	for _, s := range inv.Snapshots {
		if !gone[s.Ref] {
			out.Snapshots = append(out.Snapshots, s)
		}
	}
	return out
}

// TestSecondPlanIsEmpty: while what was taken is being made there is nothing
// more to do, but to clean up after a try that failed; once it is good, one plan
// expires what it replaces, and then there is nothing to do.
func TestSecondPlanIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, inv := world(t)
		first := plan.Build(now, f, inv, all())
		second := plan.Build(now, f, after(first, inv, dr.Pending), all())
		for _, a := range second.Actions {
			if a.Reason.Code != plan.Broken {
				t.Fatalf("second plan:\n%s", show(second))
			}
		}
		good := after(second, after(first, inv, dr.Good), dr.Good)
		third := plan.Build(now, f, good, all())
		if n := third.Count(plan.Create); n > 0 {
			t.Fatalf("third plan creates:\n%s", show(third))
		}
		if last := plan.Build(now, f, after(third, good, dr.Good), all()); len(last.Actions) > 0 {
			t.Fatalf("last plan:\n%s", show(last))
		}
	})
}

// TestOrderDoesNotMatter: the same things seen in another order give the same plan.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, inv := world(t)
		want := plan.Build(now, f, inv, plan.Limits{})
		survey := plan.Survey(now, f, inv)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(len(inv.Snapshots), func(i, j int) { inv.Snapshots[i], inv.Snapshots[j] = inv.Snapshots[j], inv.Snapshots[i] })
		r.Shuffle(len(inv.Resources), func(i, j int) { inv.Resources[i], inv.Resources[j] = inv.Resources[j], inv.Resources[i] })
		if diff := cmp.Diff(want, plan.Build(now, f, inv, plan.Limits{})); diff != "" {
			t.Fatalf("another order, another plan:\n%s", diff)
		}
		if diff := cmp.Diff(survey, plan.Survey(now, f, inv)); diff != "" {
			t.Fatalf("another order, another survey:\n%s", diff)
		}
	})
}

// TestNothingGoodIsLost states promise 1 in its own words, apart from Check.
func TestNothingGoodIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, inv := world(t)
		lim := all()
		if rapid.Bool().Draw(t, "default limit") {
			lim = plan.Limits{}
		}
		p := plan.Build(now, f, inv, lim)
		if found := plan.Check(p, f, inv); len(found) > 0 {
			t.Fatalf("the check objects: %v", found)
		}
		seen := map[dr.Ref]dr.Snapshot{}
		for _, s := range inv.Snapshots {
			seen[s.Ref] = s
		}
		for _, a := range p.Actions {
			if a.Verb == plan.Delete {
				mayGo(t, f, inv, seen, a)
			}
		}
		floorsHold(t, f, inv, after(p, inv, dr.Pending))
	})
}

func mayGo(t *rapid.T, f policy.File, inv dr.Inventory, seen map[dr.Ref]dr.Snapshot, a plan.Action) {
	s, ok := seen[a.From]
	if !ok {
		t.Fatalf("%s was never seen", a.From)
	}
	if s.Claim.Owner != "test" || s.Flaw != "" {
		t.Fatalf("%s is not ours", a.From)
	}
	if s.Claim.Keep {
		t.Fatalf("%s is held", a.From)
	}
	if _, known := f.Policy(s.Claim.Policy); !known {
		t.Fatalf("%s is under no policy", a.From)
	}
	if _, gap := inv.Gaps[a.From.Scope()]; gap {
		t.Fatalf("%s lies in a gap", a.From)
	}
	if s.State != dr.Good && s.State != dr.Failed {
		t.Fatalf("%s is %s", a.From, s.State)
	}
}

func floorsHold(t *rapid.T, f policy.File, before, later dr.Inventory) {
	count := func(inv dr.Inventory) map[string]int {
		n := map[string]int{}
		for _, s := range inv.Snapshots {
			if s.State == dr.Good && s.Claim.Owner == "test" {
				n[fmt.Sprint(s.Claim.Source, s.Claim.Policy, s.Ref.Site)]++
			}
		}
		return n
	}
	had, have := count(before), count(later)
	for _, s := range before.Snapshots {
		p, ok := f.Policy(s.Claim.Policy)
		if key := fmt.Sprint(s.Claim.Source, s.Claim.Policy, s.Ref.Site); ok && have[key] < min(p.Keep.Floor, had[key]) {
			t.Fatalf("%d of %d good snapshots of %s are left, floor %d", have[key], had[key], key, p.Keep.Floor)
		}
	}
}

// TestOverdueIsCaughtUp: after a week without a run one plan deletes all that
// expired meanwhile, and the next has nothing left.
func TestOverdueIsCaughtUp(t *testing.T) {
	f := parse(t, gold)
	inv := dr.Inventory{
		Resources: []dr.Resource{ready("orders")},
		Snapshots: hourly(prod, "orders", "2026-11-19 15:00", "2026-11-20 14:00"),
	}
	later := now.AddDate(0, 0, 7)
	p := plan.Build(later, f, inv, all())
	if got := p.Count(plan.Delete); got != 24-3 { // Two days keep one each, and the floor one more.
		t.Errorf("%d deletes of 24 after a week, want 21:\n%s", got, show(p))
	}
	if again := plan.Build(later, f, after(p, inv, dr.Pending), all()); len(again.Actions) > 0 {
		t.Errorf("something is left to do:\n%s", show(again))
	}
}
