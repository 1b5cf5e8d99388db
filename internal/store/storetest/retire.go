package storetest

import (
	"slices"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// RetireCalls are the calls by which a driver deletes what a restore replaced.
type RetireCalls struct {
	// Delete is the one that deletes; Unprotect lifts the protection from that, where
	// there is any.
	Delete, Unprotect string
}

func retiring() []testCase {
	return []testCase{
		{name: "deletes what was replaced, and nothing else", retired: true, run: retiresOne},
		{name: "twice is a success", retired: true, run: retiresTwice},
		{name: "an answer that is lost", retired: true, run: retireLost},
		{name: "what a person keeps longer stays", retired: true, run: retiresNotLonger},
		{name: "what bears no such tags stays", retired: true, run: retiresNotOthers},
		{name: "what may not be deleted stays", retired: true, run: retireDenied},
	}
}

// replaced makes a resource that a restore replaced, with all the configuration that
// there can be, protection from deletion included, and gives the action that ends it.
func (s *scene) replaced(tags dr.Tags) plan.Action {
	s.Helper()
	r := s.put(s.Home(), Resource{Name: "orders-old", Rich: true, Tags: tags})
	return plan.Action{
		Verb: plan.Retire, From: r.Ref, To: r.Ref.Site, Name: r.Ref.ID, Of: r.Name,
		Tags: dr.Tags{dr.TagExpires: replacedTags[dr.TagExpires], dr.TagKeeper: replacedTags[dr.TagKeeper], dr.TagReplaced: replacedTags[dr.TagReplaced]},
	}
}

var replacedTags = dr.Tags{
	"team": "shop", dr.TagExpires: "2000-12-31T00:00:00Z", dr.TagKeeper: "conformance", dr.TagReplaced: "orders",
}

// there reports whether a resource is there and not on its way out.
func (s *scene) there(ref dr.Ref) bool {
	s.Helper()
	return slices.ContainsFunc(s.observe(ref.Site).Resources, func(r dr.Resource) bool { return r.Ref == ref && r.State != dr.Leaving })
}

// gone waits until a resource is no longer listed.
func (s *scene) gone(ref dr.Ref) {
	s.Helper()
	for range 24 * 60 {
		if !slices.ContainsFunc(s.observe(ref.Site).Resources, func(r dr.Resource) bool { return r.Ref == ref }) {
			return
		}
		time.Sleep(time.Minute)
	}
	s.Fatalf("%s is still there after a day", ref)
}

func retiresOne(s *scene) {
	neighbour := s.taken(s.Home(), "orders")
	a := s.replaced(replacedTags)
	if ref := s.must(a); ref != a.From {
		s.Errorf("it is said to be of %s, want %s", ref, a.From)
	}
	s.gone(a.From)
	if !s.there(neighbour.Of) {
		s.Error("the neighbour is gone too")
	}
	// No further snapshot is taken: the final one was planned, and bears a claim.
	if all := s.snapshots(s.Home()); len(all) != 1 || all[0].Ref != neighbour.Ref {
		s.Errorf("there are snapshots %v", names(all))
	}
}

func retiresTwice(s *scene) {
	a := s.replaced(replacedTags)
	s.must(a)
	s.must(a) // While it is on its way out.
	s.gone(a.From)
	s.must(a)
}

func retireLost(s *scene) {
	for _, call := range []string{s.h.Retires.Unprotect, s.h.Retires.Delete} {
		if call == "" {
			continue
		}
		a := s.replaced(replacedTags)
		s.Strike(Trouble{Kind: LostAnswer, Call: call, Times: 1})
		if err := s.apply(a); err != nil && s.there(a.From) { // The next run ends it.
			s.settle(s.Home())
			s.must(a)
		}
		s.gone(a.From)
	}
}

func retiresNotLonger(s *scene) {
	a := s.replaced(replacedTags)
	a.Tags[dr.TagExpires] = "2000-06-30T00:00:00Z" // As an older look saw it.
	s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Conflict) })
}

func retiresNotOthers(s *scene) {
	a := s.replaced(dr.Tags{"team": "shop"})
	s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Conflict) })
	a.Tags = nil // Nor where nothing was seen of any.
	s.unchanged(s.Home(), func() { s.want(s.apply(a), store.Conflict) })
}

func retireDenied(s *scene) {
	a := s.replaced(replacedTags)
	defer s.Strike(Trouble{Kind: Denied, Call: s.h.Retires.Delete})()
	s.want(s.apply(a), store.Denied)
	if !s.there(a.From) {
		s.Error("it is gone all the same")
	}
}
