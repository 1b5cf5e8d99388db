package storetest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func sharing() []testCase {
	return []testCase{
		{name: "a share shows at the other account, and is gone when it is taken back", run: inCopies(shareShows), copied: true},
		{name: "sharing and taking back twice is a success", run: inCopies(shareTwice), copied: true},
		{name: "an answer that is lost is a success", run: inCopies(shareLost), copied: true},
		{name: "shares of one snapshot at once all have their marks", run: inCopies(shareMany), copied: true},
		{name: "what one account has is not taken from another", run: inCopies(withdrawOne), copied: true},
		{name: "there are no more shares than the mark can name", run: inCopies(shareMost), copied: true},
		{name: "what is not ours is not shared", run: inCopies(shareTheirs), copied: true},
		{name: "what is gone is not shared, and its shares are gone", run: inCopies(shareGone), copied: true},
	}
}

func shareShows(s copyScene) {
	x, away := s.taken(s.Home(), "orders"), s.Away()
	before := s.SnapshotTags(x.Ref)
	if s.w.Sees(away, x) {
		s.Error("it shows before it is shared")
	}
	s.must(s.shared(plan.Share, x, away.Account))
	if !s.w.Sees(away, x) {
		s.Error("it does not show when it is shared")
	}
	if got := s.snapshot(x.Ref); !slices.Equal(got.Shared, []string{away.Account}) || got.Claim != x.Claim {
		s.Errorf("shared, it reads %+v", got)
	}
	if own := s.snapshots(away); len(own) > 0 {
		s.Errorf("what is shared with %s is taken for its own: %v", away, names(own))
	}
	s.must(s.shared(plan.Withdraw, x, away.Account))
	if s.w.Sees(away, x) || len(s.snapshot(x.Ref).Shared) > 0 {
		s.Error("it still shows when the share is taken back")
	}
	s.wantTags(x.Ref, before)
}

func shareTwice(s copyScene) {
	x, with := s.taken(s.Home(), "orders"), s.Away().Account
	for _, verb := range []plan.Verb{plan.Share, plan.Share, plan.Withdraw, plan.Withdraw} {
		s.must(s.shared(verb, x, with))
		want := []string{with}
		if verb == plan.Withdraw {
			want = nil
		}
		if got := s.w.SharedWith(x); !slices.Equal(got, want) || !slices.Equal(s.snapshot(x.Ref).Shared, want) {
			s.Errorf("after %s it is shared with %v and marked %v", verb, got, s.snapshot(x.Ref).Shared)
		}
	}
}

func shareLost(s copyScene) {
	x, with := s.taken(s.Home(), "orders"), s.Away().Account
	for _, verb := range []plan.Verb{plan.Share, plan.Withdraw} {
		for _, call := range []string{s.h.Copies.Share, s.h.Calls.Tag, s.h.Calls.Untag} {
			end := s.Strike(Trouble{Kind: LostAnswer, Call: call, Times: 1})
			s.must(s.shared(verb, x, with))
			s.marked(s.Home())
			end()
		}
		if got := s.w.SharedWith(x); len(got) > 0 != (verb == plan.Share) {
			s.Errorf("after %s it is shared with %v", verb, got)
		}
	}
}

// account makes up the ids of accounts.
func account(n int) string { return fmt.Sprintf("3333%08d", n) }

func shareMany(s copyScene) {
	x := s.taken(s.Home(), "orders")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := s.apply(s.shared(plan.Share, x, account(i))); err != nil {
				s.Errorf("%s: %v", account(i), err)
			}
		})
	}
	wg.Wait()
	s.marked(s.Home())
	if got := s.w.SharedWith(x); len(got) != 8 {
		s.Errorf("it is shared with %v", got)
	}
}

func withdrawOne(s copyScene) {
	x := s.taken(s.Home(), "orders")
	for i := range 3 {
		s.must(s.shared(plan.Share, x, account(i)))
	}
	s.must(s.shared(plan.Withdraw, x, account(1)))
	want := []string{account(0), account(2)}
	if got := s.w.SharedWith(x); !slices.Equal(got, want) || !slices.Equal(s.snapshot(x.Ref).Shared, want) {
		s.Errorf("it is shared with %v and marked %v, want %v", got, s.snapshot(x.Ref).Shared, want)
	}
}

func shareMost(s copyScene) {
	x := s.taken(s.Home(), "orders")
	for i := range dr.MostShared {
		s.must(s.shared(plan.Share, x, account(i)))
	}
	s.unchanged(s.Home(), func() { s.want(s.apply(s.shared(plan.Share, x, account(dr.MostShared))), store.Quota) })
	s.must(s.shared(plan.Share, x, account(0)))
	if got := s.w.SharedWith(x); len(got) != dr.MostShared {
		s.Errorf("it is shared with %v", got)
	}
}

func shareTheirs(s copyScene) {
	x := s.taken(s.Home(), "orders")
	other := x.Claim
	other.Owner = "somebody-else"
	for i, tags := range []dr.Tags{nil, other.Tags()} {
		theirs := s.snapshot(s.PutSnapshot(s.Home(), Snapshot{Of: x.Of, Name: numbered("theirs", i), Tags: tags}))
		for _, verb := range []plan.Verb{plan.Share, plan.Withdraw} {
			a := s.shared(verb, theirs, s.Away().Account)
			a.Claim = x.Claim
			s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Conflict) })
		}
		if got := s.w.SharedWith(theirs); len(got) > 0 {
			s.Errorf("%s is shared with %v", theirs.Ref, got)
		}
	}
}

func shareGone(s copyScene) {
	x := s.taken(s.Home(), "orders")
	s.must(s.shared(plan.Share, x, s.Away().Account))
	s.must(about(plan.Delete, x))
	s.must(s.shared(plan.Withdraw, x, s.Away().Account)) // While it is on its way out.
	s.settle(s.Home())
	s.must(s.shared(plan.Withdraw, x, s.Away().Account))
	s.want(s.apply(s.shared(plan.Share, x, s.Away().Account)), store.NotFound)
}
