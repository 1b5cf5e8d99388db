package storetest

import (
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// fromKey is the customer's key at Home that the other account may use.
const fromKey = "alias/to-share"

// journey is a snapshot on its way to another site.
type journey struct {
	x    dr.Snapshot
	to   dr.Site
	hops []plan.Hop
	// fromARN and toARN are the keys of the customer at both ends.
	fromARN, toARN string
}

// journey takes a snapshot under a key at Home and plans its way to a site, which
// has a key of its own or none.
func (s copyScene) journey(name, key string, to dr.Site, toKey string) journey {
	s.Helper()
	j := journey{to: to}
	j.fromARN = s.key(s.Home(), fromKey, s.Away().Account)
	if toKey != "" {
		j.toARN = s.key(to, toKey)
	}
	ref := s.must(s.creation(s.put(s.Home(), Resource{Name: name, Key: key}), 0))
	s.settle(s.Home())
	j.x = s.snapshot(ref)
	if (j.x.Key != "") != (key != "") {
		s.Fatalf("under %q the snapshot has the key %q", key, j.x.Key)
	}
	trip := plan.Trip{Key: j.x.Key, Managed: key == s.routing.Default, From: s.Home(), To: to, FromKey: fromKey, ToKey: toKey}
	hops, detour := s.routing.Route(trip)
	if detour != nil {
		s.Fatalf("there is no route: %s", detour.Why)
	}
	j.hops = hops
	return j
}

func (s copyScene) key(site dr.Site, alias string, others ...string) string {
	s.Helper()
	arn, err := s.w.PutKey(site, alias, others...)
	if err != nil {
		s.Fatal(err)
	}
	return arn
}

// here finds what came of a hop of the journey at a site.
func (s copyScene) here(j journey, site dr.Site, stage string) (dr.Snapshot, bool) {
	all := s.snapshots(site)
	i := slices.IndexFunc(all, func(x dr.Snapshot) bool {
		return x.Claim.Origin == j.x.Ref.Source() && x.Claim.Stage == stage
	})
	if i < 0 {
		return dr.Snapshot{}, false
	}
	return all[i], true
}

// travel does what is left to do of a journey, as runs do one after the other.
func (s copyScene) travel(st *store.Store, j journey) error {
	s.Helper()
	if _, there := s.here(j, j.to, ""); !there {
		if err := s.hop(st, j); err != nil {
			return err
		}
	}
	s.settle(j.to)
	return s.tidy(st, j)
}

// hop does all hops, each when the one before it is done.
func (s copyScene) hop(st *store.Store, j journey) error {
	s.Helper()
	at := j.x
	for _, h := range j.hops {
		if h.Verb == plan.Share {
			if _, err := st.Apply(s.Context(), s.shared(plan.Share, at, h.With)); err != nil {
				return err
			}
			continue
		}
		ref, err := st.Apply(s.Context(), s.copying(at, h))
		if err != nil {
			return err
		}
		s.settle(h.At)
		at = s.snapshot(ref)
	}
	return nil
}

// tidy takes shares back and drops what was only on the way.
func (s copyScene) tidy(st *store.Store, j journey) error {
	s.Helper()
	left := []dr.Snapshot{s.snapshot(j.x.Ref)}
	if stage, ok := s.here(j, s.Home(), plan.RekeyStage); ok {
		left = append(left, stage)
	}
	for _, x := range left {
		for _, account := range x.Shared {
			if _, err := st.Apply(s.Context(), s.shared(plan.Withdraw, x, account)); err != nil {
				return err
			}
		}
		if x.Claim.Stage == "" {
			continue
		}
		if _, err := st.Apply(s.Context(), about(plan.Delete, x)); err != nil {
			return err
		}
	}
	s.settle(s.Home())
	return nil
}

// arrived holds that there is one copy, whole and under the right key, and that
// nothing of the way is left.
func (s copyScene) arrived(j journey) {
	s.Helper()
	got, ok := s.here(j, j.to, "")
	if !ok || got.State != dr.Good {
		s.Fatalf("the copy is %+v", got)
	}
	want := s.copying(j.x, j.hops[len(j.hops)-1])
	if got.Claim != want.Claim || !got.Taken.Equal(j.x.Taken.Truncate(time.Second)) {
		s.Errorf("the claim reads %+v, taken %v; want %+v", got.Claim, got.Taken, want.Claim)
	}
	n := 0
	for _, x := range s.snapshots(j.to) {
		if x.Claim.Origin == j.x.Ref.Source() {
			n++
		}
	}
	if n != 1 {
		s.Errorf("there are %d copies", n)
	}
	if _, ok := s.here(j, s.Home(), plan.RekeyStage); ok {
		s.Error("what was on the way is still there")
	}
	if x := s.snapshot(j.x.Ref); len(s.w.SharedWith(x)) > 0 || len(x.Shared) > 0 {
		s.Errorf("it is still shared with %v and marked %v", s.w.SharedWith(x), x.Shared)
	}
	s.rightKey(j, got.Key)
}

// rightKey holds that a copy is under the key of its site: the customer's where there
// is one, else the one that AWS manages there. What is plain stays so where there is
// no key, or where the service cannot encrypt it.
func (s copyScene) rightKey(j journey, got string) {
	s.Helper()
	switch {
	case j.x.Key == "" && (j.toARN == "" || s.routing.PlainStaysPlain):
		if got != "" {
			s.Errorf("the copy of a plain one is under %s", got)
		}
	case j.toARN != "":
		if got != j.toARN {
			s.Errorf("the copy is under %q, want %s", got, j.toARN)
		}
	case dr.KeyAccount(got) != j.to.Account || !strings.Contains(got, ":"+j.to.Region+":") || got == j.fromARN:
		s.Errorf("the copy is under %q, want the key that AWS manages at %s", got, j.to)
	}
}

func routing() []testCase {
	return []testCase{
		{name: "every route leads there", run: inCopies(everyRoute), copied: true},
		{name: "a key that is not open to the account is named, with what to do", run: inCopies(closedSource), copied: true},
		{name: "a key that is not there is named, with what to do", run: inCopies(noTarget), copied: true},
	}
}

// everyRoute goes all ways from Home: to the same and another account and Region,
// with a plain snapshot and one under either sort of key, with and without a key at
// the destination.
func everyRoute(s copyScene) {
	copyOnly, sharing := []plan.Verb{plan.Copy}, []plan.Verb{plan.Share, plan.Copy}
	rekeying := []plan.Verb{plan.Copy, plan.Share, plan.Copy}
	n := 0
	for _, c := range []struct {
		to   dr.Site
		key  string
		want []plan.Verb
	}{
		{s.w.Abroad(), "", copyOnly},
		{s.w.Abroad(), fromKey, copyOnly},
		{s.w.Abroad(), s.routing.Default, copyOnly},
		{s.Away(), "", sharing},
		{s.Away(), fromKey, sharing},
		{s.Away(), s.routing.Default, rekeying},
		{s.w.AwayAbroad(), "", sharing},
		{s.w.AwayAbroad(), fromKey, sharing},
		{s.w.AwayAbroad(), s.routing.Default, rekeying},
	} {
		for _, toKey := range []string{"", "alias/there"} {
			n++
			j := s.journey(numbered("orders", n), c.key, c.to, toKey)
			var verbs []plan.Verb
			for _, h := range j.hops {
				verbs = append(verbs, h.Verb)
			}
			if !slices.Equal(verbs, c.want) {
				s.Errorf("from %q to %s under %q the hops are %v, want %v", c.key, c.to, toKey, verbs, c.want)
			}
			s.onTheWay(j)
			if err := s.travel(s.store, j); err != nil {
				s.Fatalf("from %q to %s under %q: %v (%s)", c.key, c.to, toKey, err, store.Remedy(err))
			}
			s.arrived(j)
		}
	}
}

// onTheWay does the hops and looks at what a share shows, and at what is between.
func (s copyScene) onTheWay(j journey) {
	s.Helper()
	if err := s.hop(s.store, j); err != nil {
		s.Fatalf("to %s: %v (%s)", j.to, err, store.Remedy(err))
	}
	at := j.x
	if stage, ok := s.here(j, s.Home(), plan.RekeyStage); ok {
		if at = stage; at.Key != j.fromARN {
			s.Errorf("what is between is under %s, want %s", at.Key, j.fromARN)
		}
	}
	if want := j.to.Account != j.x.Ref.Site.Account; len(s.w.SharedWith(at)) > 0 != want {
		s.Errorf("on its way to %s it is shared with %v", j.to, s.w.SharedWith(at))
	}
}

func closedSource(s copyScene) {
	arn := s.key(s.Home(), "alias/closed")
	ref := s.must(s.creation(s.put(s.Home(), Resource{Name: "orders", Key: "alias/closed"}), 0))
	s.settle(s.Home())
	x := s.snapshot(ref)
	s.must(s.shared(plan.Share, x, s.Away().Account))
	for _, to := range []dr.Site{s.Away(), s.w.AwayAbroad()} {
		s.key(to, "alias/there")
		s.keyRefused(s.refusal(s.copying(x, plan.Hop{At: to, Key: "alias/there"})), arn, to.Account)
	}
}

func noTarget(s copyScene) {
	s.key(s.w.Abroad(), "alias/other")
	s.key(s.Home(), fromKey)
	ref := s.must(s.creation(s.put(s.Home(), Resource{Name: "orders", Key: fromKey}), 0))
	s.settle(s.Home())
	to := s.w.Abroad()
	s.keyRefused(s.refusal(s.copying(s.snapshot(ref), plan.Hop{At: to, Key: "alias/nowhere"})), "alias/nowhere", to.Name)
}

// refusal gives the error of a copy under a key of no use. Where that shows only when
// the copy has begun, it is failed and says so, and the error is that of the next try.
func (s copyScene) refusal(a plan.Action) error {
	s.Helper()
	if !s.h.Copies.KeysLater {
		return s.apply(a)
	}
	ref := s.must(a)
	s.settle(a.To)
	if x := s.snapshot(ref); x.State != dr.Failed || !strings.Contains(x.Status, "key") {
		s.Errorf("under a key of no use the copy is %s (%s)", x.State, x.Status)
	}
	return s.apply(a)
}

// keyRefused wants an error that is denied, with a remedy that names all these.
func (s copyScene) keyRefused(err error, named ...string) {
	s.Helper()
	s.want(err, store.Denied)
	for _, name := range append(named, "kms:DescribeKey", "kms:CreateGrant") {
		if !strings.Contains(store.Remedy(err), name) {
			s.Errorf("%v: the remedy %q does not name %s", err, store.Remedy(err), name)
		}
	}
}
