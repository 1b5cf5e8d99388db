package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func creating() []testCase {
	return []testCase{
		{name: "the claim comes with the create call", run: claimWithCreate, served: true},
		{name: "the same action twice at once is one snapshot", run: twiceAtOnce},
		{name: "the same action when the snapshot is done is one snapshot", run: twiceLater},
		{name: "the source and its tags are untouched", run: sourceUntouched},
		{name: "the longest names are accepted", run: longestNames, named: true},
		{name: "resources with the longest names are accepted", run: longResourceNames},
		{name: "resources of one name in two accounts do not collide", run: twoAccounts},
	}
}

func claimWithCreate(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders", Tags: dr.Tags{"team": "shop"}, Rich: true})
	a := s.creation(r, 0)
	a.Claim.Set, a.Claim.Origin, a.Claim.Keep = "set-1", "rds/111111111111/us-east-1/first", true
	var ref dr.Ref
	calls := s.since(func() { ref = s.must(a) })
	if want := s.h.creating(); !slices.Equal(calls, want) {
		s.Errorf("it took the calls %v, want %v", calls, want)
	}
	if got := s.snapshot(ref).Claim; got != a.Claim {
		s.Errorf("the claim reads %+v, want %+v", got, a.Claim)
	}
	want := a.Claim.Tags()
	want["team"] = "shop"
	if mark := s.h.NameMark; mark != "" {
		want[mark] = s.SnapshotTags(ref)[mark]
	}
	want = s.h.named(want, "orders")
	s.wantTags(ref, want)
}

func twiceAtOnce(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	first, second := s.must(a), s.must(a)
	if first != second {
		s.Errorf("first %v, then %v", first, second)
	}
	s.only(s.Home())
}

func twiceLater(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	first := s.must(a)
	s.settle(s.Home())
	s.unchanged(s.Home(), func() {
		if second := s.must(a); first != second {
			s.Errorf("first %v, then %v", first, second)
		}
	})
	s.only(s.Home())
}

func sourceUntouched(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders", Tags: dr.Tags{"team": "shop", "holdfast:policy": "gold"}, Rich: true})
	ref := s.must(s.creation(r, 0))
	s.settle(s.Home())
	s.must(about(plan.Hold, s.snapshot(ref)))
	s.must(about(plan.Release, s.snapshot(ref)))
	s.must(about(plan.Delete, s.snapshot(ref)))
	s.settle(s.Home())
	after := s.resource(r.Ref)
	if after.Tags["holdfast:policy"] != "gold" || after.Tags["team"] != "shop" || len(after.Tags) != len(r.Tags) {
		s.Errorf("the resource's tags are now %v", after.Tags)
	}
	if after.Config != r.Config || after.State != r.State {
		s.Errorf("the resource changed from %+v to %+v", r, after)
	}
}

func longestNames(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	a.Name += strings.Repeat("x", r.NameLimit-len(a.Name))
	if ref := s.must(a); s.only(s.Home()).Ref != ref || ref.ID != s.h.Prefix+a.Name {
		s.Errorf("a name of %d characters became %q", len(a.Name), s.only(s.Home()).Ref.ID)
	}
}

func longResourceNames(s *scene) {
	name := strings.Repeat("long-name-", 30)[:s.h.ResourceName-1]
	for _, last := range []string{"a", "b"} { // Alike but for what a cut would lose.
		r := s.put(s.Home(), Resource{Name: name + last, Rich: true})
		a := s.creation(r, 0)
		if len(a.Name) > r.NameLimit {
			s.Errorf("the name %s is longer than %d", a.Name, r.NameLimit)
		}
		if got := s.snapshot(s.must(a)).Claim; got != a.Claim {
			s.Errorf("the claim reads %+v, want %+v", got, a.Claim)
		}
	}
	if n := len(s.snapshots(s.Home())); n != 2 {
		s.Errorf("there are %d snapshots, want 2", n)
	}
}

func twoAccounts(s *scene) {
	home := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	away := s.creation(s.put(s.Away(), Resource{Name: "orders"}), 0)
	if home.Claim.Is(away.Claim) || home.Name == away.Name {
		s.Errorf("%+v and %+v are taken for one", home, away)
	}
	s.must(home)
	s.must(away)
	if got := s.only(s.Home()); got.Claim != home.Claim || got.Ref.Site != s.Home() {
		s.Errorf("at home: %+v", got)
	}
	if got := s.only(s.Away()); got.Claim != away.Claim || got.Ref.Site != s.Away() {
		s.Errorf("away: %+v", got)
	}
}

func recreating() []testCase {
	return []testCase{
		{name: "an answer that is lost once is one snapshot and a success", run: lostOnce, served: true},
		{name: "answers that are all lost are one snapshot, and the next run succeeds", run: lostAlways, served: true},
		{name: "an answer lost when the quota is used up by it is a success", run: lostAtQuota, served: true},
		{name: "a name that somebody else has taken is a conflict", run: nameTaken, named: true},
		{name: "a name that another slot has taken is a conflict", run: nameOfOtherSlot, named: true},
		{name: "an earlier try that failed is busy, and the next attempt succeeds", run: failedBefore, served: true},
		{name: "an earlier one that is being deleted is not taken for it", run: leavingBefore, named: true},
		{name: "a stale read makes no second snapshot", run: staleRead, named: true, served: true},
		{name: "a name that is taken and does not show is no success", run: takenUnseen, named: true, served: true},
		{name: "a busy resource is busy", run: busyResource, served: true},
		{name: "a resource that is not there is not found", run: noResource},
	}
}

func lostOnce(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Calls.Create, Times: 1})
	ref := s.must(a)
	if x := s.only(s.Home()); x.Ref != ref || x.Claim != a.Claim {
		s.Errorf("there is %+v, want %v", x, ref)
	}
}

func lostAlways(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	end := s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Calls.Create})
	if err := s.apply(a); err != nil {
		s.want(err, store.Unreachable)
	}
	end()
	s.only(s.Home())
	s.must(a)
	s.only(s.Home())
}

func lostAtQuota(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	s.SetQuota(s.Home(), 1)
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Calls.Create, Times: 1})
	s.must(a)
	s.settle(s.Home())
	s.must(a)
	s.only(s.Home())
}

func nameTaken(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	other := a.Claim
	other.Owner = "somebody-else"
	for i, tags := range []dr.Tags{nil, {"team": "shop"}, other.Tags(), {dr.TagOwner: a.Claim.Owner, dr.TagPolicy: "gold"}} {
		a := s.creation(r, i)
		s.PutSnapshot(s.Home(), Snapshot{Of: r.Ref, Name: a.Name, Tags: tags, Age: time.Hour})
		s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Conflict) })
	}
}

func nameOfOtherSlot(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	s.must(a)
	s.settle(s.Home())
	a.Claim.Slot = a.Claim.Slot.Add(time.Hour)
	s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Conflict) })
}

func failedBefore(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	s.FailNext(r.Ref)
	a := s.creation(r, 0)
	s.must(a)
	s.settle(s.Home())
	if s.h.NamesAreKeys {
		s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Busy) })
	}
	again := a
	again.Name = dr.SnapshotName(a.Claim, r.Name, 1, r.NameLimit)
	ref := s.must(again)
	s.settle(s.Home())
	if x := s.snapshot(ref); x.State != dr.Good || x.Claim != a.Claim {
		s.Errorf("the second try is %+v", x)
	}
}

func leavingBefore(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	ref := s.must(a)
	s.settle(s.Home())
	s.must(about(plan.Delete, s.snapshot(ref)))
	if err := s.apply(a); err != nil {
		s.want(err, store.Busy)
		s.settle(s.Home())
		s.must(a)
	}
	s.settle(s.Home())
	s.only(s.Home())
}

func staleRead(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	s.must(a)
	for _, when := range []string{"while it is being made", "when it is done"} {
		end := s.Strike(Trouble{Kind: Stale, By: 12 * time.Hour})
		if inv := s.observe(s.Home()); len(inv.Snapshots) > 0 {
			s.Fatalf("the read is not stale: %v", names(inv.Snapshots))
		}
		if err := s.apply(a); err != nil {
			s.want(err, store.Busy)
		}
		end()
		if x := s.only(s.Home()); x.Claim != a.Claim {
			s.Errorf("%s: %+v", when, x)
		}
		s.settle(s.Home())
	}
}

// takenUnseen holds that nothing is taken for ours whose claim was not read.
func takenUnseen(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	s.PutSnapshot(s.Home(), Snapshot{Of: r.Ref, Name: a.Name})
	end := s.Strike(Trouble{Kind: Stale, By: 12 * time.Hour})
	s.want(s.apply(a), store.Busy)
	end()
	s.want(s.apply(a), store.Conflict)
}

func busyResource(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	for _, state := range []dr.Readiness{dr.Busy, dr.Blocked, dr.Leaving} {
		s.SetStatus(r.Ref, s.h.Statuses[state][0])
		s.want(s.apply(a), store.Busy)
	}
	if all := s.snapshots(s.Home()); len(all) > 0 {
		s.Errorf("there are snapshots: %v", names(all))
	}
}

func noResource(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	a := s.creation(r, 0)
	a.From.ID += "-gone"
	s.want(s.apply(a), store.NotFound)
}
