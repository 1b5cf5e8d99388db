package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// CopyCalls names the calls with which a driver copies and shares.
type CopyCalls struct {
	Copy, Share string
	// MemberMark is the tag in which the driver notes of each part of a copy what it
	// holds, where the service does not tell.
	MemberMark string
	// KeysLater says that the service looks at keys only when a copy has begun: one
	// under a key of no use fails then, and not the call.
	KeysLater bool
}

// CopyWorld is a World in which snapshots get to other sites. A Cloud has most of
// it.
type CopyWorld interface {
	World
	// Abroad is in the account of Home and in another Region, AwayAbroad in that
	// Region and in the account of Away.
	Abroad() dr.Site
	AwayAbroad() dr.Site
	// PutKey makes a customer's key exist at a site, which the other accounts may
	// use too, and gives its ARN.
	PutKey(site dr.Site, alias string, others ...string) (string, error)
	// SharedWith gives the accounts that a snapshot is shared with, and Sees says
	// whether it shows at a site of another account, both by other means than the
	// driver's.
	SharedWith(x dr.Snapshot) []string
	Sees(at dr.Site, x dr.Snapshot) bool
	// Mortal gives the sessions of a process that dies at a call, before or after it
	// took effect, having made so many; Over gives a driver that uses them.
	Mortal(calls int, after bool) (sessions store.Sessions, died func() bool)
	Over(sessions store.Sessions) store.Driver
}

// copyScene is a case about copies at work.
type copyScene struct {
	*scene
	w       CopyWorld
	routing plan.Routing
}

// inCopies makes a case of one that needs a CopyWorld.
func inCopies(run func(copyScene)) func(*scene) {
	return func(s *scene) {
		s.Helper()
		w, ok := s.World.(CopyWorld)
		if !ok {
			s.Fatal("the harness names calls that copy, and its World is no CopyWorld")
		}
		routing, ok := s.store.Routing()
		if !ok || routing.Means != plan.ByCall {
			s.Fatalf("the harness names calls that copy, and the driver's routing is %+v", routing)
		}
		run(copyScene{s, w, routing})
	}
}

func copying() []testCase {
	return []testCase{
		{name: "claim, tags and configuration are there with the call", run: inCopies(copyWhole), copied: true},
		{name: "the same action twice is one copy", run: inCopies(copyTwice), copied: true},
		{name: "a copy is pending, then good, and as old as its original", run: inCopies(copyStates), copied: true},
		{name: "copies of one slot for two accounts do not collide", run: inCopies(copiesSideBySide), copied: true},
		{name: "copies between Regions have slots", run: inCopies(copySlots), copied: true},
		{name: "the original and its tags are untouched", run: inCopies(originalUntouched), copied: true},
		{name: "a copy outlives its original", run: inCopies(copyOutlives), copied: true},
	}
}

// copying is the action with which a plan asks for a copy.
func (s copyScene) copying(x dr.Snapshot, hop plan.Hop) plan.Action {
	claim := x.Claim
	if claim.Origin == "" {
		claim.Origin, claim.Taken = x.Ref.Source(), x.Taken.UTC().Truncate(time.Second)
	}
	claim.Stage, claim.Keep = hop.Stage, false
	return plan.Action{
		Verb: plan.Copy, From: x.Ref, To: hop.At, Name: dr.SnapshotName(claim, "orders", 0, s.routing.NameLimit), Of: "orders",
		Claim: claim, Tags: dr.Tags{"team": "shop"}, Taken: x.Taken, Key: hop.Key, ARN: x.ARN, Members: x.Members,
	}
}

// plainly is a copy of a plain snapshot.
func plainly(to dr.Site) plan.Hop { return plan.Hop{Verb: plan.Copy, At: to} }

func (s copyScene) shared(verb plan.Verb, x dr.Snapshot, with string) plan.Action {
	a := about(verb, x)
	a.With, a.Members = with, x.Members
	return a
}

// copied makes a good copy of a snapshot at a site.
func (s copyScene) copied(x dr.Snapshot, hop plan.Hop) dr.Snapshot {
	s.Helper()
	if x.Ref.Site.Account != hop.At.Account {
		s.must(s.shared(plan.Share, x, hop.At.Account))
	}
	ref := s.must(s.copying(x, hop))
	s.settle(hop.At)
	got := s.snapshot(ref)
	if got.State != dr.Good {
		s.Fatalf("%s is %s (%s), want good", ref, got.State, got.Status)
	}
	return got
}

// places are where a snapshot of Home can be copied to.
func (s copyScene) places() []dr.Site { return []dr.Site{s.w.Abroad(), s.Away(), s.w.AwayAbroad()} }

func copyWhole(s copyScene) {
	r := s.put(s.Home(), Resource{Name: "orders", Tags: dr.Tags{"team": "shop"}})
	r.Config = dr.NewConfig(map[string]string{"class": "large", "note": strings.Repeat("long ", 300)})
	ref := s.must(s.creation(r, 0))
	s.settle(s.Home())
	x := s.snapshot(ref)
	for _, to := range s.places() {
		a := s.copying(x, plainly(to))
		got := s.copied(x, plainly(to))
		if got.Claim != a.Claim || got.Flaw != "" {
			s.Errorf("at %s the claim reads %+v, want %+v", to, got.Claim, a.Claim)
		}
		want := a.Claim.Tags()
		want["team"] = "shop"
		for _, mark := range []string{s.h.NameMark, s.h.Copies.MemberMark} {
			if mark != "" {
				want[mark] = s.SnapshotTags(got.Ref)[mark]
			}
		}
		s.wantTags(got.Ref, want)
	}
}

func copyTwice(s copyScene) {
	x := s.taken(s.Home(), "orders")
	for _, to := range s.places() {
		if to.Account != x.Ref.Site.Account {
			s.must(s.shared(plan.Share, x, to.Account))
		}
		a := s.copying(x, plainly(to))
		first, second := s.must(a), s.must(a)
		s.settle(to)
		s.unchanged(to, func() { s.must(a) })
		if first != second || s.only(to).Ref != first {
			s.Errorf("first %v, then %v", first, second)
		}
	}
}

func copyStates(s copyScene) {
	x := s.taken(s.Home(), "orders")
	time.Sleep(26 * time.Hour)
	begun := time.Now().Add(-time.Second)
	ref := s.must(s.copying(x, plainly(s.w.Abroad())))
	for _, want := range []dr.Condition{dr.Pending, dr.Good} {
		got := s.snapshot(ref)
		if got.State != want || got.Percent < 0 || got.Percent > 100 {
			s.Errorf("it is %s (%s, %d %%), want %s", got.State, got.Status, got.Percent, want)
		}
		if !got.Taken.Equal(x.Taken.Truncate(time.Second)) || got.Claim.Origin != x.Ref.Source() {
			s.Errorf("%s it was taken at %v, of %q; the original at %v", want, got.Taken, got.Claim.Origin, x.Taken)
		}
		if want == dr.Good && (got.Made.Before(begun) || got.Made.After(time.Now())) {
			s.Errorf("it was begun at %v, and says %v", begun, got.Made)
		}
		s.settle(s.w.Abroad())
	}
	if !x.Made.IsZero() || x.CopyOf != "" {
		s.Errorf("the original says that it is a copy: %+v", x)
	}
}

// copiesSideBySide holds that two originals of one slot and one name are two copies.
func copiesSideBySide(s copyScene) {
	home, away := s.taken(s.Home(), "orders"), s.taken(s.Away(), "orders")
	s.copied(home, plainly(s.w.AwayAbroad()))
	s.copied(away, plainly(s.w.AwayAbroad()))
	origins := map[string]bool{}
	for _, x := range s.snapshots(s.w.AwayAbroad()) {
		origins[x.Claim.Origin] = true
	}
	if !origins[home.Ref.Source()] || !origins[away.Ref.Source()] || len(origins) != 2 {
		s.Errorf("there are copies of %v", origins)
	}
}

// copySlots holds that the number that the driver declares is what AWS allows.
func copySlots(s copyScene) {
	if s.routing.Copies == 0 {
		s.Skip("there is no limit")
	}
	x := s.taken(s.Home(), "orders")
	a := s.copying(x, plainly(s.w.Abroad()))
	for i := range s.routing.Copies {
		one := a
		one.Claim.Slot = a.Claim.Slot.Add(-time.Duration(i+1) * time.Hour)
		one.Name = dr.SnapshotName(one.Claim, "orders", 0, s.routing.NameLimit)
		s.must(one)
	}
	s.unchanged(s.w.Abroad(), func() { s.want(s.apply(a), store.Quota) })
	s.settle(s.w.Abroad())
	s.must(a)
}

func originalUntouched(s copyScene) {
	x := s.taken(s.Home(), "orders")
	s.must(about(plan.Hold, x))
	before := s.SnapshotTags(x.Ref)
	for _, to := range s.places() {
		got := s.copied(x, plainly(to))
		if got.Claim.Keep {
			s.Error("the hold of the original went with the copy")
		}
	}
	s.must(s.shared(plan.Withdraw, x, s.Away().Account))
	s.wantTags(x.Ref, before)
}

func copyOutlives(s copyScene) {
	x := s.taken(s.Home(), "orders")
	a := s.copying(x, plainly(s.w.AwayAbroad()))
	before := s.copied(x, plainly(s.w.AwayAbroad()))
	s.must(about(plan.Delete, x))
	s.settle(s.Home())
	s.must(a) // The same action again, when its source is gone.
	if diff := cmp.Diff(before, s.only(s.w.AwayAbroad())); diff != "" {
		s.Errorf("the copy changed (-before +after):\n%s", diff)
	}
}

func recopying() []testCase {
	return []testCase{
		{name: "an answer that is lost is one copy and a success", run: inCopies(copyLost), copied: true},
		{name: "an answer lost when the quota is used up by it is a success", run: inCopies(copyAtQuota), copied: true},
		{name: "a name that somebody else has taken is a conflict", run: inCopies(copyNameTaken), copied: true, named: true},
		{name: "what is not shared yet is busy, and goes on when it is", run: inCopies(copyUnshared), copied: true},
		{name: "an original that is not done is busy", run: inCopies(copyTooEarly), copied: true},
		{name: "an original that is not there is not found", run: inCopies(copyOfNothing), copied: true},
		{name: "denied is denied", run: inCopies(copyDenied), copied: true},
		{name: "killed at any call and run again, there is one copy and no share", run: inCopies(killedAnywhere), copied: true},
	}
}

func copyLost(s copyScene) {
	x := s.taken(s.Home(), "orders")
	a := s.copying(x, plainly(s.w.Abroad()))
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Copies.Copy, Times: 1})
	s.must(a)
	s.only(s.w.Abroad())
	s.must(s.shared(plan.Share, x, s.Away().Account))
	a = s.copying(x, plainly(s.Away()))
	end := s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Copies.Copy})
	if err := s.apply(a); err != nil {
		s.want(err, store.Unreachable)
	}
	end()
	s.only(s.Away())
	s.must(a)
	s.only(s.Away())
}

func copyAtQuota(s copyScene) {
	x := s.taken(s.Home(), "orders")
	other := s.taken(s.Home(), "carts")
	s.SetQuota(s.w.Abroad(), 1)
	a := s.copying(x, plainly(s.w.Abroad()))
	s.Strike(Trouble{Kind: LostAnswer, Call: s.h.Copies.Copy, Times: 1})
	s.must(a)
	s.settle(s.w.Abroad())
	s.must(a)
	s.unchanged(s.w.Abroad(), func() { s.want(s.apply(s.copying(other, plainly(s.w.Abroad()))), store.Quota) })
}

// copyNameTaken holds that nothing of that name is touched, wherever it is.
func copyNameTaken(s copyScene) {
	x := s.taken(s.Home(), "orders")
	s.must(s.shared(plan.Share, x, s.Away().Account))
	for i, tags := range []dr.Tags{nil, {"team": "shop"}, {dr.TagOwner: x.Claim.Owner, dr.TagPolicy: "gold"}, x.Claim.Tags()} {
		for _, to := range s.places() {
			a := s.copying(x, plainly(to))
			a.Name = strings.TrimRight(a.Name[:len(a.Name)-3], "-") + "-" + string(rune('a'+i))
			s.PutSnapshot(to, Snapshot{Of: dr.Ref{Kind: x.Ref.Kind, Site: to, ID: "orders"}, Name: a.Name, Tags: tags, Age: time.Hour})
			s.unchanged(to, func() { s.want(s.apply(a), store.Conflict) })
		}
	}
}

func copyUnshared(s copyScene) {
	x := s.taken(s.Home(), "orders")
	for _, to := range []dr.Site{s.Away(), s.w.AwayAbroad()} {
		a := s.copying(x, plainly(to))
		s.unchanged(to, func() { s.want(s.apply(a), store.Busy) })
		s.must(s.shared(plan.Share, x, to.Account))
		s.must(a)
		s.must(s.shared(plan.Withdraw, x, to.Account))
		s.must(a) // It is there, whether it could be made again or not.
		s.settle(to)
		s.only(to)
	}
}

func copyTooEarly(s copyScene) {
	ref := s.must(s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0))
	a := s.copying(s.snapshot(ref), plainly(s.w.Abroad()))
	s.unchanged(s.w.Abroad(), func() { s.want(s.apply(a), store.Busy) })
	s.settle(s.Home())
	s.must(a)
}

func copyOfNothing(s copyScene) {
	x := s.taken(s.Home(), "orders")
	a := s.copying(x, plainly(s.w.Abroad()))
	s.must(about(plan.Delete, x))
	s.settle(s.Home())
	s.unchanged(s.w.Abroad(), func() { s.want(s.apply(a), store.NotFound) })
}

func copyDenied(s copyScene) {
	x := s.taken(s.Home(), "orders")
	s.Strike(Trouble{Kind: Denied, Call: s.h.Copies.Copy})
	s.unchanged(s.w.Abroad(), func() { s.want(s.apply(s.copying(x, plainly(s.w.Abroad()))), store.Denied) })
	s.Strike(Trouble{Kind: Denied, Call: s.h.Copies.Share})
	s.want(s.apply(s.shared(plan.Share, x, s.Away().Account)), store.Denied)
	if got := s.w.SharedWith(x); len(got) > 0 {
		s.Errorf("it is shared with %v", got)
	}
}

// marked holds that no share is without its mark.
func (s copyScene) marked(site dr.Site) {
	s.Helper()
	for _, x := range s.snapshots(site) {
		marks := dr.ParseShared(s.SnapshotTags(x.Ref))
		for _, account := range s.w.SharedWith(x) {
			if !slices.Contains(marks, account) {
				s.Errorf("%s is shared with %s, and its mark names %v", x.Ref, account, marks)
			}
		}
	}
}

// killedAnywhere kills the process that does all hops of the longest route, from a
// key that AWS manages to another account, at each call in turn.
func killedAnywhere(s copyScene) {
	for _, after := range []bool{false, true} {
		calls := 0
		for alive := false; !alive; calls++ {
			j := s.journey(fmt.Sprintf("orders-%t-%d", after, calls), s.routing.Default, s.w.AwayAbroad(), "alias/there")
			sessions, died := s.w.Mortal(calls, after)
			err := s.travel(store.New(s.w.Over(sessions)), j)
			s.marked(s.Home())
			if alive = !died(); alive != (err == nil) {
				s.Fatalf("killed at call %d: %t, and it ended with %v", calls, died(), err)
			}
			if err := s.travel(s.store, j); err != nil {
				s.Fatalf("after it was killed at call %d: %v", calls, err)
			}
			s.arrived(j)
		}
		if calls < 6 { // Two copies, a share with its mark, and both taken away again.
			s.Errorf("it made only %d calls", calls)
		}
	}
}
