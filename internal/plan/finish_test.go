package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// leftOver is what a promotion leaves that was interrupted before its claim was
// written.
func leftOver(of, policyName, slot string, state dr.Condition) dr.Snapshot {
	s := snap(prod, of, policyName, slot, state)
	c := s.Claim
	s.Presumed, s.Claim = &c, dr.Claim{}
	return s
}

func adoptions(p plan.Plan) []plan.Action {
	var out []plan.Action
	for _, a := range p.Actions {
		if a.Verb == plan.Adopt {
			out = append(out, a)
		}
	}
	return out
}

// TestFinish: what is left over is claimed with what its name says, its resource's
// configuration and tags, and its slot is not served twice.
func TestFinish(t *testing.T) {
	other := leftOver("orders", "gold", "2026-11-20 06:00", dr.Good)
	other.Presumed.Owner = "other"
	stated := tagged("stated", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "1d"})
	for _, c := range []struct {
		name string
		inv  dr.Inventory
		want map[plan.Verb]int
		say  func(t *testing.T, a plan.Action)
	}{
		{
			"of the current slot",
			dr.Inventory{
				Resources: []dr.Resource{ready("orders")},
				Snapshots: []dr.Snapshot{leftOver("orders", "gold", "2026-11-20 14:00", dr.Pending), automated("orders", "2026-11-20 14:01")},
			},
			map[plan.Verb]int{plan.Adopt: 1},
			func(t *testing.T, a plan.Action) {
				t.Helper()
				if a.Claim.Config != "class=db.r6g.large+tag.backup=gold+tag.holdfast:policy=gold+tag.team=shop" || a.Tags["team"] != "shop" || a.Of != "orders" || a.Reason.Code != plan.Interrupted {
					t.Errorf("it is claimed with %+v", a)
				}
			},
		},
		{
			"of an older slot, and the current one is taken",
			dr.Inventory{
				Resources: []dr.Resource{ready("orders")},
				Snapshots: []dr.Snapshot{leftOver("orders", "gold", "2026-11-19 14:00", dr.Good)},
			},
			map[plan.Verb]int{plan.Adopt: 1, plan.Create: 1},
			nil,
		},
		{
			"of what is gone",
			dr.Inventory{Snapshots: []dr.Snapshot{leftOver("gone", "gold", "2026-11-19 14:00", dr.Good)}},
			map[plan.Verb]int{plan.Adopt: 1},
			func(t *testing.T, a plan.Action) {
				t.Helper()
				if a.Claim.Config != "" || a.Claim.Policy != "gold" || a.Of != "gone" {
					t.Errorf("it is claimed with %+v", a)
				}
			},
		},
		{
			"of a policy in tags, which says how long",
			dr.Inventory{
				Resources: []dr.Resource{stated},
				Snapshots: []dr.Snapshot{leftOver("stated", "tags", "2026-11-20 12:00", dr.Good)},
			},
			map[plan.Verb]int{plan.Adopt: 1},
			func(t *testing.T, a plan.Action) {
				t.Helper()
				if a.Claim.Retention == "" {
					t.Error("it does not say how long to keep it")
				}
			},
		},
		{
			"that failed, beside a new one under another name",
			dr.Inventory{
				Resources: []dr.Resource{ready("orders")},
				Snapshots: []dr.Snapshot{leftOver("orders", "gold", "2026-11-20 14:00", dr.Failed)},
			},
			map[plan.Verb]int{plan.Adopt: 1, plan.Create: 1},
			nil,
		},
		{"that goes", dr.Inventory{Snapshots: []dr.Snapshot{leftOver("gone", "gold", "2026-11-19 14:00", dr.Going)}}, map[plan.Verb]int{}, nil},
		{"of another installation", dr.Inventory{Snapshots: []dr.Snapshot{other}}, map[plan.Verb]int{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := parse(t, gold)
			p := plan.Build(now, f, c.inv, quotaOf(5))
			got, names := map[plan.Verb]int{}, map[string]bool{}
			for _, a := range p.Actions {
				got[a.Verb]++
				if names[a.Name] {
					t.Errorf("two actions are about %s", a.Name)
				}
				names[a.Name] = true
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("actions (-want +got):\n%s\n%s", diff, show(p))
			}
			if found := plan.Check(p, f, c.inv); len(found) > 0 {
				t.Errorf("the check objects: %v", found)
			}
			for _, a := range adoptions(p) {
				if c.say != nil {
					c.say(t, a)
				}
			}
		})
	}
}

// TestFinishedCountsFromThenOn: nothing is deleted on account of what is only
// presumed; once it is claimed it counts, and expires as any other.
func TestFinishedCountsFromThenOn(t *testing.T) {
	f := parse(t, "\n  gold: {match: {name: \".*\"}, every: 1h, keep: {last: 1, floor: 1}}\n")
	left, old := leftOver("orders", "gold", "2026-11-20 13:00", dr.Good), snap(prod, "orders", "gold", "2026-11-20 12:00", dr.Good)
	inv := dr.Inventory{Resources: []dr.Resource{ready("orders")}, Snapshots: []dr.Snapshot{left, old}}
	p := plan.Build(now, f, inv, all())
	if p.Count(plan.Delete) != 0 || len(adoptions(p)) != 1 {
		t.Fatalf("at first:\n%s", show(p))
	}
	left.Claim, left.Presumed = adoptions(p)[0].Claim, nil
	inv.Snapshots = []dr.Snapshot{left, old}
	p = plan.Build(now, f, inv, all())
	if p.Count(plan.Delete) != 1 || len(adoptions(p)) != 0 || p.Actions[len(p.Actions)-1].From != old.Ref {
		t.Errorf("claimed:\n%s", show(p))
	}
}

// TestFinishIsGuarded: the check refuses to claim it for anything but what its
// name says, and to delete it.
func TestFinishIsGuarded(t *testing.T) {
	f := parse(t, gold)
	left := leftOver("orders", "gold", "2026-11-20 13:00", dr.Good)
	inv := dr.Inventory{Snapshots: []dr.Snapshot{left}}
	wrong := *left.Presumed
	wrong.Slot = at("2026-11-20 14:00")
	for _, a := range []plan.Action{
		{Verb: plan.Adopt, From: left.Ref, To: prod, Name: left.Ref.ID, Claim: wrong},
		{Verb: plan.Delete, From: left.Ref, To: prod, Name: left.Ref.ID, Claim: *left.Presumed},
	} {
		if found := plan.Check(plan.Plan{Actions: []plan.Action{a}}, f, inv); len(found) == 0 {
			t.Errorf("%s passes", a.Verb)
		}
	}
}
