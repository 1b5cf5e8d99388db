package storetest

import (
	"maps"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func deleting() []testCase {
	return []testCase{
		{name: "deletes it and nothing else", run: deletesOne, served: true},
		{name: "deleting twice is a success", run: deletesTwice},
		{name: "deleting what is not there is a success", run: deletesNothing},
		{name: "an answer that is lost is a success", run: deleteLost, served: true},
		{name: "deletes what failed", run: deletesFailed, served: true},
		{name: "what is being made is busy, and stays", run: deletesPending, served: true},
	}
}

func deletesOne(s *scene) {
	x := s.taken(s.Home(), "orders")
	neighbour := s.taken(s.Home(), "orders-2")
	foreign := s.PutSnapshot(s.Home(), Snapshot{Of: x.Of, Name: "night", Tags: dr.Tags{"team": "shop"}})
	s.must(about(plan.Delete, x))
	s.settle(s.Home())
	if all := s.snapshots(s.Home()); len(all) != 2 {
		s.Errorf("left are %v", names(all))
	}
	s.snapshot(neighbour.Ref)
	s.wantTags(foreign, dr.Tags{"team": "shop"})
}

func deletesTwice(s *scene) {
	x := s.taken(s.Home(), "orders")
	s.must(about(plan.Delete, x))
	s.must(about(plan.Delete, x)) // While it is on its way out.
	s.settle(s.Home())
	s.must(about(plan.Delete, x)) // When it is gone.
	if all := s.snapshots(s.Home()); len(all) > 0 {
		s.Errorf("left are %v", names(all))
	}
}

func deletesNothing(s *scene) {
	x := s.taken(s.Home(), "orders")
	never := about(plan.Delete, x)
	never.Name += "-never"
	never.From.ID = never.Name
	s.unchanged(s.Home(), func() { s.must(never) })
}

func deleteLost(s *scene) {
	x := s.taken(s.Home(), "orders")
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Calls.Delete, Times: 1})
	s.must(about(plan.Delete, x))
	s.settle(s.Home())
	if all := s.snapshots(s.Home()); len(all) > 0 {
		s.Errorf("left are %v", names(all))
	}
}

func deletesFailed(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	s.FailNext(r.Ref)
	ref := s.must(s.creation(r, 0))
	s.settle(s.Home())
	s.must(about(plan.Delete, s.snapshot(ref)))
	s.settle(s.Home())
	if all := s.snapshots(s.Home()); len(all) > 0 {
		s.Errorf("left are %v", names(all))
	}
}

func deletesPending(s *scene) {
	ref := s.must(s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0))
	s.want(s.apply(about(plan.Delete, s.snapshot(ref))), store.Busy)
	s.settle(s.Home())
	if x := s.snapshot(ref); x.State != dr.Good {
		s.Errorf("it became %s", x.State)
	}
}

func holding() []testCase {
	return []testCase{
		{name: "hold and release leave all other tags alone", run: holdAndRelease},
		{name: "holding and releasing twice is a success", run: holdTwice},
		{name: "an answer that is lost is a success", run: holdLost, served: true},
		{name: "what is not there is not found", run: holdNothing},
	}
}

func holdAndRelease(s *scene) {
	x := s.taken(s.Home(), "orders")
	before := s.SnapshotTags(x.Ref)
	s.must(about(plan.Hold, x))
	held := s.snapshot(x.Ref)
	if !held.Claim.Keep || !held.Claim.Is(x.Claim) || held.Claim.Config != x.Claim.Config {
		s.Errorf("held, its claim reads %+v", held.Claim)
	}
	want := maps.Clone(before)
	want[dr.TagKeep] = s.SnapshotTags(x.Ref)[dr.TagKeep]
	s.wantTags(x.Ref, want)
	s.must(about(plan.Release, held))
	if got := s.snapshot(x.Ref).Claim; got != x.Claim {
		s.Errorf("released, its claim reads %+v, want %+v", got, x.Claim)
	}
	s.wantTags(x.Ref, before)
}

func holdTwice(s *scene) {
	x := s.taken(s.Home(), "orders")
	for _, verb := range []plan.Verb{plan.Hold, plan.Hold, plan.Release, plan.Release} {
		s.must(about(verb, x))
		if got := s.snapshot(x.Ref).Claim.Keep; got != (verb == plan.Hold) {
			s.Errorf("after %s it is held: %t", verb, got)
		}
	}
}

func holdLost(s *scene) {
	x := s.taken(s.Home(), "orders")
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Calls.Tag, Times: 1})
	s.must(about(plan.Hold, x))
	if !s.snapshot(x.Ref).Claim.Keep {
		s.Error("it is not held")
	}
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Calls.Untag, Times: 1})
	s.must(about(plan.Release, x))
	if s.snapshot(x.Ref).Claim.Keep {
		s.Error("it is still held")
	}
}

func holdNothing(s *scene) {
	x := s.taken(s.Home(), "orders")
	for _, verb := range []plan.Verb{plan.Hold, plan.Release} {
		never := about(verb, x)
		never.Name += "-never"
		never.From.ID = never.Name
		s.unchanged(s.Home(), func() { s.want(s.apply(never), store.NotFound) })
	}
}
