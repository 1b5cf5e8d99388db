package storetest

import (
	"slices"
	"sync"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func granting() []testCase {
	return []testCase{
		{name: "all are granted, and trying changes nothing", run: allGranted, served: true},
		{name: "exactly the one that is denied is missing", run: oneDenied, served: true},
		{name: "all that is denied is missing", run: allDenied, served: true},
	}
}

func allGranted(s *scene) {
	s.taken(s.Home(), "orders")
	s.unchanged(s.Home(), func() {
		grants := s.store.Grants(s.Context(), s.Home())
		for _, g := range grants {
			if g.Err != nil {
				s.Errorf("%s: %v", g.Permission, g.Err)
			}
			if g.Needed == "" {
				s.Errorf("%s: it does not say what for", g.Permission)
			}
		}
		for _, call := range s.h.calls() {
			if !slices.ContainsFunc(grants, func(g store.Grant) bool { return g.Permission == call }) {
				s.Errorf("%s was not tried", call)
			}
		}
	})
	s.unchanged(s.Away(), func() { s.store.Grants(s.Context(), s.Away()) })
}

func oneDenied(s *scene) {
	s.taken(s.Home(), "orders")
	for _, call := range s.h.calls() {
		s.unchanged(s.Home(), func() {
			defer s.Strike(Trouble{Kind: Denied, Call: call})()
			for _, g := range s.store.Grants(s.Context(), s.Home()) {
				switch {
				case g.Permission == call:
					s.want(g.Err, store.Denied)
				case g.Err != nil:
					s.Errorf("%s is denied, and %s is said to be missing: %v", call, g.Permission, g.Err)
				}
			}
		})
	}
}

func allDenied(s *scene) {
	s.Strike(Trouble{Kind: Denied})
	grants := s.store.Grants(s.Context(), s.Home())
	if len(grants) == 0 {
		s.Error("nothing was tried")
	}
	for _, g := range grants {
		s.want(g.Err, store.Denied)
	}
}

func concurring() []testCase {
	return []testCase{
		{name: "many actions and looks at once", run: manyAtOnce},
		{name: "one action many times at once is one snapshot", run: oneManyTimes},
	}
}

func manyAtOnce(s *scene) {
	const n = 24
	var wg sync.WaitGroup
	for i := range n {
		a := s.creation(s.put(s.Home(), Resource{Name: numbered("db", i)}), 0)
		wg.Go(func() {
			if err := s.apply(a); err != nil {
				s.Errorf("%s: %v", a.Name, err)
			}
		})
		wg.Go(func() { s.store.Observe(s.Context(), s.Home()) })
	}
	wg.Wait()
	s.settle(s.Home())
	seen := map[string]bool{}
	for _, x := range s.snapshots(s.Home()) {
		seen[x.Claim.Source] = x.State == dr.Good
	}
	if len(seen) != n || len(s.snapshots(s.Home())) != n {
		s.Errorf("%d sources have %d snapshots, want %d of each", len(seen), len(s.snapshots(s.Home())), n)
	}
}

func oneManyTimes(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	var wg sync.WaitGroup
	for range 24 {
		wg.Go(func() {
			if err := s.apply(a); err != nil && store.FaultOf(err) != store.Busy {
				s.Errorf("%v (%s)", err, store.FaultOf(err))
			}
		})
	}
	wg.Wait()
	if x := s.only(s.Home()); x.Claim != a.Claim {
		s.Errorf("there is %+v", x)
	}
	s.settle(s.Home())
	s.must(a)
	s.only(s.Home())
}
