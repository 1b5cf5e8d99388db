package plan_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

const (
	oldName = "orders-old-r1"
	over    = "2026-11-20T13:00:00Z"
)

// kept is what a restore of orders replaced.
func kept(until string) dr.Resource {
	r := ready(oldName)
	r.Tags = maps.Clone(r.Tags)
	r.Tags[dr.TagExpires], r.Tags[dr.TagKeeper], r.Tags[dr.TagReplaced] = until, "test", "orders"
	return r
}

// lastOne is a final snapshot of it.
func lastOne(state dr.Condition) dr.Snapshot {
	return snap(prod, oldName, dr.PolicyFinal, "2026-11-20 13:00", state)
}

func changed(r dr.Resource, tags dr.Tags) dr.Resource {
	r.Tags = maps.Clone(r.Tags)
	maps.Copy(r.Tags, tags)
	maps.DeleteFunc(r.Tags, func(_, v string) bool { return v == "" })
	return r
}

func in(r dr.Resource, state dr.Readiness, status string) dr.Resource {
	r.State, r.Status = state, status
	return r
}

// retireScenes are old ones in every state that there can be.
func retireScenes() []scene {
	all24 := hourly(prod, "orders", "2026-11-20 11:00", "2026-11-20 14:00")
	inv := func(gaps map[dr.Scope]error, snaps []dr.Snapshot, rs ...dr.Resource) dr.Inventory {
		return dr.Inventory{Resources: rs, Snapshots: append(slices.Clone(all24), snaps...), Gaps: gaps}
	}
	good := []dr.Snapshot{lastOne(dr.Good)}
	orders := ready("orders")
	return []scene{
		{name: "retire-not-yet", inv: inv(nil, nil, orders, kept("2026-11-20T15:00:00Z"))},
		{name: "retire-final-first", inv: inv(nil, nil, orders, kept(over))},
		{name: "retire-final-pending", inv: inv(nil, []dr.Snapshot{lastOne(dr.Pending)}, orders, kept(over))},
		{name: "retire-final-failed", inv: inv(nil, []dr.Snapshot{lastOne(dr.Failed)}, orders, kept(over))},
		{name: "retire", inv: inv(nil, good, orders, kept(over))},
		{name: "retire-stopped", inv: inv(nil, good, orders, in(kept(over), dr.Blocked, "stopped"))},
		{name: "retire-stopped-without-final", inv: inv(nil, nil, orders, in(kept(over), dr.Blocked, "stopped"))},
		{name: "retire-over", inv: inv(nil, good, orders)},
		{name: "retire-extended", inv: inv(nil, good, orders, kept("2026-11-20T14:00:00Z"))},
		{name: "retire-another-keeper", inv: inv(nil, good, orders, changed(kept(over), dr.Tags{dr.TagKeeper: "other"}))},
		{name: "retire-bad-tag", inv: inv(nil, good, orders, kept("tomorrow"))},
		{name: "retire-replacement-missing", inv: inv(nil, good, kept(over))},
		{name: "retire-replacement-unknown", inv: inv(nil, good, orders, changed(kept(over), dr.Tags{dr.TagReplaced: ""}))},
		{name: "retire-replacement-stopped", inv: inv(nil, good, in(orders, dr.Blocked, "stopped"), kept(over))},
		{name: "retire-replaced-by-itself", inv: inv(nil, good, changed(kept(over), dr.Tags{dr.TagReplaced: oldName}))},
		{name: "retire-restore-under-way", inv: inv(nil, good, changed(orders, dr.Tags{dr.TagRestore: "r2", dr.TagRole: dr.RoleOld}), kept(over))},
		{name: "retire-busy", inv: inv(nil, good, orders, in(kept(over), dr.Busy, "backing-up"))},
		{name: "retire-leaving", inv: inv(nil, good, orders, in(kept(over), dr.Leaving, "deleting"))},
		{name: "retire-gap", inv: inv(map[dr.Scope]error{{Kind: "rds", Site: prod}: errors.New("throttled")}, good, orders, kept(over))},
		{name: "retire-too-many", inv: inv(nil, good, orders, kept(over)), lim: plan.Limits{MaxDelete: plan.MaxDelete{IsSet: true}}},
	}
}

// TestRetire holds what is done about what a restore replaced.
func TestRetire(t *testing.T) {
	f := parse(t, gold)
	for _, s := range retireScenes() {
		t.Run(s.name, func(t *testing.T) {
			p := plan.Build(now, f, s.inv, s.lim)
			if found := plan.Check(p, f, s.inv); len(found) > 0 {
				t.Errorf("the check objects to a plan of Build: %v", found)
			}
			golden(t, s.name, show(p))
			if want := s.name == "retire" || s.name == "retire-stopped"; want != (p.Count(plan.Retire) == 1) {
				t.Errorf("it is deleted: %v, want %v", !want, want)
			}
			for _, b := range append(p.Breaches, p.Foretold...) {
				if b.Name == oldName {
					t.Errorf("there is a word about the old one: %v", b)
				}
			}
			for _, st := range plan.Survey(now, f, s.inv) {
				if st.Resource.ID == oldName && st.Standard != plan.Aside && st.Standard != plan.Gone {
					t.Errorf("it stands as %s", st.Standard)
				}
			}
		})
	}
}

// TestRetiringIsOfOne: what a person does not wait for is not done.
func TestRetiringIsOfOne(t *testing.T) {
	f := parse(t, gold)
	other := kept(over)
	other.Ref.ID = "billing-old-r2"
	inv := dr.Inventory{Resources: []dr.Resource{ready("orders"), kept(over), other}}
	p := plan.Retiring(now, f, inv, kept(over).Ref)
	if len(p.Actions) != 1 || p.Actions[0].From.ID != oldName || p.Actions[0].Claim.Policy != dr.PolicyFinal || len(p.Kept) > 0 {
		t.Errorf("%s", show(p))
	}
	inv.Snapshots = []dr.Snapshot{lastOne(dr.Good)}
	if p := plan.Retiring(now, f, inv, kept(over).Ref); len(p.Actions) != 1 || p.Actions[0].Verb != plan.Retire {
		t.Errorf("%s", show(p))
	}
}

// TestFinalsAreNoRecoveryPoints of what has the old one's place or its name.
func TestFinalsAreNoRecoveryPoints(t *testing.T) {
	f := parse(t, gold)
	again := ready(oldName) // ElastiCache leaves the old one its name.
	inv := dr.Inventory{Resources: []dr.Resource{again}, Snapshots: []dr.Snapshot{lastOne(dr.Good)}}
	p := plan.Build(now, f, inv, all())
	if p.Count(plan.Create) != 1 || len(p.Breaches) != 1 || len(p.Kept) != 1 || p.Kept[0].Reason.Code != plan.Final {
		t.Errorf("%s", show(p))
	}
	if later := plan.Build(now.AddDate(9, 0, 0), f, inv, all()); later.Count(plan.Delete) != 0 {
		t.Errorf("a final snapshot expires:\n%s", show(later))
	}
}

// retirement is a plan that deletes an old one, and what it was made of.
func retirement(t failer) (policy.File, plan.Plan, dr.Inventory) {
	t.Helper()
	f := parse(t, gold)
	inv := dr.Inventory{
		Resources: []dr.Resource{ready("orders"), kept(over)},
		Snapshots: append(hourly(prod, "orders", "2026-11-20 11:00", "2026-11-20 14:00"), lastOne(dr.Good)),
	}
	p := plan.Build(now, f, inv, all())
	if len(p.Actions) != 1 || p.Actions[0].Verb != plan.Retire {
		t.Fatalf("%s", show(p))
	}
	return f, p, inv
}

// TestCheckRetire: each single thing that is not as it has to be is objected to.
func TestCheckRetire(t *testing.T) {
	type change func(p *plan.Plan, inv *dr.Inventory)
	old := func(f func(r *dr.Resource)) change {
		return func(_ *plan.Plan, inv *dr.Inventory) { f(&inv.Resources[1]) }
	}
	final := func(f func(s *dr.Snapshot)) change {
		return func(_ *plan.Plan, inv *dr.Inventory) { f(&inv.Snapshots[len(inv.Snapshots)-1]) }
	}
	act := func(f func(a *plan.Action)) change {
		return func(p *plan.Plan, _ *dr.Inventory) { f(&p.Actions[0]) }
	}
	tag := func(k, v string) change {
		return old(func(r *dr.Resource) { *r = changed(*r, dr.Tags{k: v}) })
	}
	both := func(k, v string) change { // Plan and world agree.
		return func(p *plan.Plan, inv *dr.Inventory) {
			inv.Resources[1] = changed(inv.Resources[1], dr.Tags{k: v})
			p.Actions[0].Tags = maps.Clone(p.Actions[0].Tags)
			p.Actions[0].Tags[k] = v
		}
	}
	claim := func(f func(c *dr.Claim)) change {
		return func(p *plan.Plan, inv *dr.Inventory) {
			s := &inv.Snapshots[len(inv.Snapshots)-1]
			f(&s.Claim)
			p.Actions[0].Claim = s.Claim
		}
	}
	for _, c := range []struct {
		name   string
		change change
		want   string
	}{
		{"nothing", func(*plan.Plan, *dr.Inventory) {}, ""},
		{"too early", func(p *plan.Plan, _ *dr.Inventory) { p.At = at("2026-11-20 12:59") }, "time has not come"},
		{"no time", func(p *plan.Plan, _ *dr.Inventory) { p.At = time.Time{} }, "time has not come"},
		{"not seen", act(func(a *plan.Action) { a.From.ID, a.Name = "nobody", "nobody" }), "no such resource"},
		{"the replacement itself", act(func(a *plan.Action) { a.From.ID, a.Name = "orders", "orders" }), "not the one that was planned"},
		{"another name", act(func(a *plan.Action) { a.Name = "orders" }), "it names orders"},
		{"extended", tag(dr.TagExpires, "2026-12-01T00:00:00Z"), "not the one that was planned"},
		{"extended, and planned so", both(dr.TagExpires, "2026-12-01T00:00:00Z"), "time has not come"},
		{"unreadable", both(dr.TagExpires, "soon"), "time has not come"},
		{"without a keeper", tag(dr.TagKeeper, ""), "not the one that was planned"},
		{"another's", both(dr.TagKeeper, "other"), "kept for"},
		{"under restore", tag(dr.TagRestore, "r9"), "under way"},
		{"busy", old(func(r *dr.Resource) { r.State = dr.Busy }), "it is busy"},
		{"leaving", old(func(r *dr.Resource) { r.State = dr.Leaving }), "it is leaving"},
		{"replacement gone", func(_ *plan.Plan, inv *dr.Inventory) { inv.Resources = inv.Resources[1:] }, "was not seen"},
		{"replacement elsewhere", func(_ *plan.Plan, inv *dr.Inventory) { inv.Resources[0].Ref.Site = west }, "was not seen"},
		{"replaced by itself", both(dr.TagReplaced, oldName), "was not seen"},
		{"replacement stopped", func(_ *plan.Plan, inv *dr.Inventory) { inv.Resources[0].State = dr.Blocked }, "what replaced it is blocked"},
		{"replacement under restore", func(_ *plan.Plan, inv *dr.Inventory) {
			inv.Resources[0] = changed(inv.Resources[0], dr.Tags{dr.TagRestore: "r9"})
		}, "not settled itself"},
		{"replacement kept itself", func(_ *plan.Plan, inv *dr.Inventory) {
			inv.Resources[0] = changed(inv.Resources[0], dr.Tags{dr.TagExpires: over})
		}, "not settled itself"},
		{"gap", func(_ *plan.Plan, inv *dr.Inventory) {
			inv.Gaps = map[dr.Scope]error{{Kind: "rds", Site: prod}: errors.New("denied")}
		}, "could not be seen whole"},
		{"twice", func(p *plan.Plan, _ *dr.Inventory) { p.Actions = append(p.Actions, p.Actions[0]) }, "does something else to it"},
		{"no final", func(_ *plan.Plan, inv *dr.Inventory) { inv.Snapshots = inv.Snapshots[:len(inv.Snapshots)-1] }, "no good final"},
		{"final failed", final(func(s *dr.Snapshot) { s.State = dr.Failed }), "no good final"},
		{"final pending", final(func(s *dr.Snapshot) { s.State = dr.Pending }), "no good final"},
		{"final of another", claim(func(c *dr.Claim) { c.Source = ready("orders").Ref.Source() }), "no good final"},
		{"final of an earlier time", claim(func(c *dr.Claim) { c.Slot = c.Slot.Add(-time.Hour) }), "no good final"},
		{"an ordinary one", claim(func(c *dr.Claim) { c.Policy = "gold" }), "no good final"},
		{"another's final", claim(func(c *dr.Claim) { c.Owner = "other" }), "no good final"},
		{"a copy", claim(func(c *dr.Claim) { c.Origin = "rds/x/y/z" }), "no good final"},
		{"a claim not seen", act(func(a *plan.Action) { a.Claim.Config = "x=y" }), "no good final"},
		{"old data", final(func(s *dr.Snapshot) { s.Taken = at("2026-11-20 12:00") }), "no good final"},
		{"final elsewhere", final(func(s *dr.Snapshot) { s.Ref.Site = west }), "no good final"},
		{"final flawed", final(func(s *dr.Snapshot) { s.Flaw = "unreadable" }), "no good final"},
		{"final deleted too", func(p *plan.Plan, inv *dr.Inventory) {
			s := inv.Snapshots[len(inv.Snapshots)-1]
			p.Actions = append(p.Actions, plan.Action{Verb: plan.Delete, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim})
		}, "no good final"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, p, inv := retirement(t)
			inv.Resources, inv.Snapshots, p.Actions = slices.Clone(inv.Resources), slices.Clone(inv.Snapshots), slices.Clone(p.Actions)
			c.change(&p, &inv)
			found := plan.Check(p, f, inv)
			switch {
			case c.want == "" && len(found) > 0:
				t.Fatalf("it objects: %v", found)
			case c.want != "" && !strings.Contains(fmt.Sprint(found), c.want):
				t.Fatalf("found %v, want %q", found, c.want)
			case c.want != "" && plan.Withhold(p, found).Count(plan.Retire) != 0:
				t.Fatal("it is deleted all the same")
			}
		})
	}
}

// TestFinalsStay: no plan deletes a good final snapshot.
func TestFinalsStay(t *testing.T) {
	f, p, inv := retirement(t)
	s := inv.Snapshots[len(inv.Snapshots)-1]
	p.Actions = []plan.Action{{Verb: plan.Delete, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim}}
	if found := plan.Check(p, f, inv); !strings.Contains(fmt.Sprint(found), "final snapshot") {
		t.Errorf("found %v", found)
	}
}

// keptWorld adds to a world old ones that restores replaced, in any state, and their
// final snapshots.
func keptWorld(t *rapid.T) (policy.File, dr.Inventory) {
	f, inv := world(t)
	for i := range rapid.IntRange(0, 3).Draw(t, "old ones") {
		r := kept(rapid.SampledFrom([]string{over, over, over, "2026-11-20T14:00:00Z", "2026-11-21T00:00:00Z", "soon", ""}).Draw(t, "until"))
		r.Ref.ID = fmt.Sprintf("orders-old-r%d", i)
		r = changed(r, dr.Tags{
			dr.TagKeeper:   rapid.SampledFrom([]string{"test", "test", "test", "other", ""}).Draw(t, "keeper"),
			dr.TagReplaced: rapid.SampledFrom([]string{"orders", "orders", "billing", "b-2", r.Ref.ID, "orders-old-r0", ""}).Draw(t, "by"),
			dr.TagRestore:  rapid.SampledFrom([]string{"", "", "", "", "r9"}).Draw(t, "mark"),
		})
		r.State = rapid.SampledFrom([]dr.Readiness{dr.Ready, dr.Ready, dr.Ready, dr.Busy, dr.Blocked, dr.Leaving}).Draw(t, "state of the old one")
		inv.Resources = append(inv.Resources, r)
		for n := range rapid.IntRange(0, 2).Draw(t, "finals") {
			s := snap(prod, r.Ref.ID, dr.PolicyFinal, rapid.SampledFrom([]string{"2026-11-20 13:00", "2026-11-20 14:00"}).Draw(t, "slot"),
				rapid.SampledFrom([]dr.Condition{dr.Good, dr.Good, dr.Pending, dr.Failed, dr.Going, dr.Unclear}).Draw(t, "final"))
			s.Ref.ID += fmt.Sprint("-", n+1)
			s.Taken = s.Taken.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 0, 10, 60}).Draw(t, "older")) * time.Minute)
			inv.Snapshots = append(inv.Snapshots, s)
		}
	}
	return f, inv
}

// TestRetireLosesNothing states in words of its own when a store may be deleted; it
// also tries the guard on plans for another world than the one that is there.
func TestRetireLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, inv := keptWorld(t)
		p := plan.Build(now, f, inv, all())
		if found := plan.Check(p, f, inv); len(found) > 0 {
			t.Fatalf("the check objects: %v", found)
		}
		judgeRetired(t, p, inv)
		_, other := keptWorld(t)
		judgeRetired(t, plan.Withhold(p, plan.Check(p, f, other)), other)
	})
}

func judgeRetired(t *rapid.T, p plan.Plan, inv dr.Inventory) {
	for _, a := range p.Actions {
		if a.Verb == plan.Delete && a.Claim.Policy == dr.PolicyFinal {
			for _, s := range inv.Snapshots {
				if s.Ref == a.From && s.State == dr.Good {
					t.Fatalf("final snapshot %s is deleted", a.Name)
				}
			}
		}
		if a.Verb != plan.Retire {
			continue
		}
		safe, replaced := false, false
		for _, s := range inv.Snapshots {
			safe = safe || s.State == dr.Good && s.Claim.Policy == dr.PolicyFinal && s.Claim.Source == a.From.Source() && !s.Taken.Before(at("2026-11-20 12:45"))
		}
		for _, r := range inv.Resources {
			switch {
			case r.Ref == a.From:
				until, err := time.Parse(time.RFC3339, r.Tags[dr.TagExpires])
				if err != nil || until.After(now) || r.Tags[dr.TagKeeper] != "test" || r.Tags[dr.TagRestore] != "" {
					t.Fatalf("%s is deleted with the tags %v", a.From, r.Tags)
				}
			case r.Ref.Site == a.From.Site && r.Ref.ID == a.Tags[dr.TagReplaced]:
				replaced = (r.State == dr.Ready || r.State == dr.Busy) && r.Tags[dr.TagExpires] == ""
			}
		}
		if _, gap := inv.Gaps[a.From.Scope()]; gap || !safe || !replaced {
			t.Fatalf("%s is deleted: its data is safe: %v, replaced: %v, gap: %v", a.From, safe, replaced, gap)
		}
	}
}

// TestRetireEnds: what was planned comes to an end, and then there is nothing to do.
func TestRetireEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, inv := keptWorld(t)
		for range 6 {
			p := plan.Build(now, f, inv, all())
			if len(p.Actions) == 0 {
				return
			}
			inv = after(p, inv, dr.Good)
		}
		t.Fatalf("there is always something to do:\n%s", show(plan.Build(now, f, inv, all())))
	})
}
