package storetest

import (
	"context"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func failing() []testCase {
	return []testCase{
		{name: "a listing of snapshots that breaks off on its second page is an error", run: breaksOff(func(c Calls) string { return c.ListSnapshots }), served: true},
		{name: "a listing of resources that breaks off on its second page is an error", run: breaksOff(func(c Calls) string { return c.ListResources }), served: true},
		{name: "a snapshot listing that breaks off is no last look before deletes", run: lastLookBreaksOff, served: true},
		{name: "throttled pages are tried again", run: throttledPages, served: true},
		{name: "a service that is broken for a moment is tried again", run: brokenForAMoment, served: true},
		{name: "throttled for good is throttled or unreachable", run: throttledForGood, served: true},
		{name: "denied is denied", run: denied, served: true},
		{name: "the quota is the quota", run: quota, served: true},
		{name: "stopping is quick", run: stopped},
		{name: "stopping is quick between two tries", run: stoppedBetweenTries, served: true},
	}
}

func breaksOff(which func(Calls) string) func(*scene) {
	return func(s *scene) {
		s.crowd(s.Home())
		end := s.Strike(Trouble{Kind: Broken, Call: which(s.h.Calls), Skip: 1})
		inv, err := s.drv.Observe(s.Context(), s.Home())
		if err == nil || len(inv.Resources)+len(inv.Snapshots)+len(inv.Gaps) > 0 {
			s.Errorf("it gave %d resources and %d snapshots with the error %v", len(inv.Resources), len(inv.Snapshots), err)
		}
		end()
		s.Strike(Trouble{Kind: Broken, Call: which(s.h.Calls), Skip: 1})
		s.want(s.gap(), store.Unreachable)
	}
}

// gap observes home through the Store and gives the error of the one gap that
// must be all that it sees.
func (s *scene) gap() error {
	s.Helper()
	inv := s.store.Observe(s.Context(), s.Home())
	if len(inv.Resources)+len(inv.Snapshots) > 0 || len(inv.Gaps) != 1 {
		s.Fatalf("saw %d resources, %d snapshots and the gaps %v; want one gap and nothing else", len(inv.Resources), len(inv.Snapshots), inv.Gaps)
	}
	return inv.Gaps[dr.Scope{Kind: s.drv.Kind(), Site: s.Home()}]
}

func lastLookBreaksOff(s *scene) {
	s.crowd(s.Home())
	s.Strike(Trouble{Kind: Broken, Call: s.h.Calls.ListSnapshots, Skip: 1})
	got, err := s.store.Snapshots(s.Context(), s.Home())
	s.want(err, store.Unreachable)
	if len(got) > 0 {
		s.Errorf("it gave %d snapshots all the same", len(got))
	}
}

func throttledPages(s *scene) {
	s.crowd(s.Home())
	for _, call := range []string{s.h.Calls.ListResources, s.h.Calls.ListSnapshots} {
		s.Strike(Trouble{Kind: Throttled, Call: call, Skip: 1, Times: 3})
	}
	s.wantCrowd(s.observe(s.Home()))
}

func brokenForAMoment(s *scene) {
	s.Strike(Trouble{Kind: Broken, Times: 2})
	x := s.taken(s.Home(), "orders")
	for _, verb := range []plan.Verb{plan.Hold, plan.Release, plan.Delete} {
		s.Strike(Trouble{Kind: Broken, Times: 2})
		s.must(about(verb, x))
	}
}

func throttledForGood(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	s.Strike(Trouble{Kind: Throttled})
	begun := time.Now()
	s.want(s.apply(a), store.Throttled)
	s.want(s.gap(), store.Throttled)
	if took := time.Since(begun); took > 10*time.Minute {
		s.Errorf("it took %v to give up", took)
	}
}

func denied(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	end := s.Strike(Trouble{Kind: Denied, Call: s.h.Calls.Create})
	calls := s.since(func() { s.want(s.apply(a), store.Denied) })
	if len(calls) != len(s.h.creating()) {
		s.Errorf("it called %v: what is denied is not tried again", calls)
	}
	end()
	ref := s.must(a)
	s.settle(s.Home())
	for verb, call := range map[plan.Verb]string{plan.Delete: s.h.Calls.Delete, plan.Hold: s.h.Calls.Tag, plan.Release: s.h.Calls.Untag} {
		end := s.Strike(Trouble{Kind: Denied, Call: call})
		s.unchanged(s.Home(), func() { s.want(s.apply(about(verb, s.snapshot(ref))), store.Denied) })
		end()
	}
	for _, call := range []string{s.h.Calls.ListResources, s.h.Calls.ListSnapshots} {
		end := s.Strike(Trouble{Kind: Denied, Call: call})
		s.want(s.gap(), store.Denied)
		end()
	}
}

func quota(s *scene) {
	one := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	two := s.creation(s.put(s.Home(), Resource{Name: "carts"}), 0)
	s.SetQuota(s.Home(), 1)
	s.must(one)
	s.settle(s.Home())
	s.unchanged(s.Home(), func() { s.want(s.apply(two), store.Quota) })
}

func stopped(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	ctx, cancel := background()
	cancel()
	calls := s.since(func() { s.wantStopped(ctx, a) })
	if len(calls) > 0 {
		s.Errorf("it still called %v", calls)
	}
}

func stoppedBetweenTries(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	s.Strike(Trouble{Kind: Throttled})
	for _, after := range []time.Duration{time.Millisecond, time.Second, 7 * time.Second} {
		ctx, cancel := background()
		time.AfterFunc(after, cancel)
		s.wantStopped(ctx, a)
		cancel()
	}
}

// wantStopped does what a driver does, under a context that is cancelled before
// it or during it.
func (s *scene) wantStopped(ctx context.Context, a plan.Action) {
	s.Helper()
	_, err := s.store.Apply(ctx, a)
	s.want(err, store.Stopped)
	if _, err = s.store.Snapshots(ctx, s.Home()); err == nil {
		s.Error("reading snapshots goes on")
	}
	s.want(err, store.Stopped)
	inv := s.store.Observe(ctx, s.Home())
	s.want(inv.Gaps[dr.Scope{Kind: s.drv.Kind(), Site: s.Home()}], store.Stopped)
	if ctx.Err() == nil {
		s.Error("it gave up before it was told to")
	}
}
