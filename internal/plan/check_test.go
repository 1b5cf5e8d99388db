package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// TestCheckObjects hands Check plans that Build would never make: each must be
// refused, and for the reason that is wrong with it.
func TestCheckObjects(t *testing.T) {
	f := parse(t, gold)
	three := hourly(prod, "orders", "2026-11-01 01:00", "2026-11-01 03:00")
	del := func(s dr.Snapshot) plan.Action {
		return plan.Action{Verb: plan.Delete, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim}
	}
	create := plan.Build(now, f, dr.Inventory{Resources: []dr.Resource{ready("orders")}}, plan.Limits{}).Actions[0]
	foreignCreate := create
	foreignCreate.Claim.Owner = "other"
	disguised := del(three[0])
	disguised.Reason.Code = plan.Broken // The reason given must not matter.
	stolen := del(three[0])
	stolen.Claim.Policy = "silver"
	lost := snap(prod, "orders", "retired", "2026-11-01 01:00", dr.Good)

	for _, c := range []struct {
		name    string
		actions []plan.Action
		inv     dr.Inventory
		want    string
	}{
		{"not seen", []plan.Action{del(three[0])}, dr.Inventory{}, "no such snapshot was seen"},
		{"not ours", []plan.Action{del(three[0])}, dr.Inventory{Snapshots: []dr.Snapshot{owner(three[0], "other"), three[1], three[2]}}, "not ours"},
		{"no claim", []plan.Action{del(three[0])}, dr.Inventory{Snapshots: []dr.Snapshot{flawed(three[0]), three[1], three[2]}}, "cannot be read"},
		{"held", []plan.Action{del(three[0])}, dr.Inventory{Snapshots: []dr.Snapshot{hold(three[0]), three[1], three[2]}}, "a person holds it"},
		{"pending", []plan.Action{del(with(three[0], dr.Pending))}, dr.Inventory{Snapshots: []dr.Snapshot{with(three[0], dr.Pending), three[1], three[2]}}, "it is pending"},
		{"unclear", []plan.Action{del(with(three[0], dr.Unclear))}, dr.Inventory{Snapshots: []dr.Snapshot{with(three[0], dr.Unclear), three[1], three[2]}}, "it is unclear"},
		{"another claim", []plan.Action{stolen}, dr.Inventory{Snapshots: three}, "not the one that was seen"},
		{"in a gap", []plan.Action{del(three[0])}, dr.Inventory{Snapshots: three, Gaps: map[dr.Scope]error{{Kind: "rds", Site: prod}: errors.New("denied")}}, "could not be seen whole"},
		{"below the floor", []plan.Action{del(three[0]), del(three[1])}, dr.Inventory{Snapshots: three}, "1 of 3 good snapshots would be left, and the floor is 2"},
		{"below the floor under a false reason", []plan.Action{disguised, del(three[1])}, dr.Inventory{Snapshots: three}, "the floor is 2"},
		{"failed ones do not count", []plan.Action{del(three[0])}, dr.Inventory{Snapshots: []dr.Snapshot{three[0], three[1], with(three[2], dr.Failed)}}, "1 of 2"},
		{"no policy", []plan.Action{del(lost)}, dr.Inventory{Snapshots: []dr.Snapshot{lost}}, `no policy "retired"`},
		{"twice", []plan.Action{del(three[0]), del(three[0])}, dr.Inventory{Snapshots: three}, "deletes it twice"},
		{"two of one name", []plan.Action{create, create}, dr.Inventory{}, "two snapshots of this name"},
		{"claimed for another", []plan.Action{foreignCreate}, dr.Inventory{}, `claimed for "other"`},
		{"a hold", []plan.Action{{Verb: plan.Release, From: three[0].Ref, Name: "x"}}, dr.Inventory{}, "never planned"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := plan.Check(plan.Plan{Actions: c.actions}, f, c.inv)
			for _, v := range found {
				if strings.Contains(v.Error(), c.want) {
					return
				}
			}
			t.Errorf("found %v, want an objection about %q", found, c.want)
		})
	}
}

func with(s dr.Snapshot, state dr.Condition) dr.Snapshot { s.State = state; return s }

// TestWithhold: one objection takes all deletes out of a plan, and of the
// creates only the one objected to.
func TestWithhold(t *testing.T) {
	f := parse(t, gold)
	inv := dr.Inventory{
		Resources: []dr.Resource{ready("orders"), ready("billing")},
		Snapshots: hourly(prod, "orders", "2026-11-19 20:00", "2026-11-20 13:00"),
	}
	p := plan.Build(now, f, inv, all())
	creates, deletes := p.Count(plan.Create), p.Count(plan.Delete)
	if creates != 2 || deletes == 0 {
		t.Fatalf("the scene is not as it should be:\n%s", show(p))
	}
	bad := p.Actions[0]
	got := plan.Withhold(p, []plan.Violation{{Action: bad, Why: "of a test"}})
	if got.Count(plan.Create) != 1 || got.Count(plan.Delete) != 0 || len(got.Refused) != deletes+1 {
		t.Errorf("withheld plan:\n%s", show(got))
	}
	if same := plan.Withhold(p, nil); len(same.Actions) != len(p.Actions) {
		t.Errorf("a plan without objections lost actions")
	}
}

// TestMaxDelete tells shares from counts, and the default from none.
func TestMaxDelete(t *testing.T) {
	for _, c := range []struct {
		m        plan.MaxDelete
		n, total int
		want     bool
	}{
		{plan.MaxDelete{}, 5, 10, true},
		{plan.MaxDelete{}, 6, 10, false},
		{plan.MaxDelete{IsSet: true, Percent: 80}, 8, 10, true},
		{plan.MaxDelete{IsSet: true, Percent: 80}, 9, 10, false},
		{plan.MaxDelete{IsSet: true, Count: 9}, 9, 10, true},
		{plan.MaxDelete{IsSet: true, Count: 8}, 9, 10, false},
		{plan.MaxDelete{IsSet: true}, 1, 10, false},
	} {
		if got := c.m.Allows(c.n, c.total); got != c.want {
			t.Errorf("%+v allows %d of %d: %v", c.m, c.n, c.total, got)
		}
	}
}
