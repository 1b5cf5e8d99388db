package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// send plans the next hop of a recovery point.
func (b *builder) send(lim Limits, f journey, s *stop, kind dr.Kind, from, to dr.Site) {
	b.hold(s, "not yet copied to "+to.Name)
	b.keepShared(s, to.Account)
	routing, ok := lim.Routes[kind]
	if !ok {
		b.refuseCopy(f, s, to, Reason{Code: NoRoute, Text: fmt.Sprintf("%s snapshots are not copied to other sites by this version of holdfast", kind)},
			"copy them by other means until then, or ask for no copies")
		return
	}
	trip := b.trip(s, from, to)
	hops, detour := routing.Route(trip)
	if detour != nil {
		b.refuseCopy(f, s, to, Reason{Code: NoRoute, Text: "it cannot be copied to " + to.Name + ": " + detour.Why}, detour.Remedy)
		return
	}
	if s.original >= 0 && s.staged < 0 {
		if why := b.ix.inv.Snapshots[s.original].Stays; why != "" {
			b.refuseCopy(f, s, to, Reason{Code: NoRoute, Text: "it cannot be copied to " + to.Name + ": " + why}, "copy its data by other means, or ask for no copies of it")
			return
		}
	}
	if s.original < 0 { // Only what was on its way is left of it.
		hops = slices.DeleteFunc(hops, func(h Hop) bool { return h.Stage != "" })
	}
	b.hop(f, s, routing, hops, trip)
}

// trip gives what the route of a recovery point depends on.
func (b *builder) trip(s *stop, from, to dr.Site) Trip {
	at := s.original
	if at < 0 {
		at = s.staged
	}
	return b.tripOf(b.ix.inv.Snapshots[at].Key, from, to)
}

// hop plans the first hop that is not done yet, with the share that comes before it.
func (b *builder) hop(f journey, s *stop, r Routing, hops []Hop, t Trip) {
	var share *Hop
	for i := range hops {
		h := &hops[i]
		switch {
		case h.Verb == Share:
			share = h
		case h.Stage != "" && s.staged >= 0:
		case h.Stage != "" && s.stagePending:
			b.later(f, s, t.To, Reason{Code: Copying, Text: "it is on its way to " + t.To.Name + " (" + h.Stage + ")"})
			return
		default:
			b.begin(f, s, r, *h, share, t)
			return
		}
	}
}

// begin makes the errand of one hop, unless a key is of no use or the last try
// failed a moment ago.
func (b *builder) begin(f journey, s *stop, r Routing, h Hop, share *Hop, t Trip) {
	source := s.original
	if h.Stage == "" && s.staged >= 0 {
		source = s.staged
	}
	x := &b.ix.inv.Snapshots[source]
	failed := s.failed
	if h.Stage != "" {
		failed = s.failedStage
	}
	b.retrying(f, s, h, t)
	if why, remedy := b.badKey(x, h, t); why != "" {
		b.refuseCopy(f, s, t.To, Reason{Code: BadKey, Text: why}, remedy)
		return
	}
	if again, last := b.again(failed); b.now.Before(again) {
		b.refuseCopy(f, s, t.To, Reason{Code: CopyFailed, Text: fmt.Sprintf("the copy of slot %s to %s failed (%s); it is tried again after %s",
			stamp(s.point.Slot), t.To.Name, last.Status, stamp(again))}, "see whether the account may use the keys of the snapshot and of site "+t.To.Name)
		return
	}
	act := b.copyAction(f, s, r, h, x, failed)
	if share != nil {
		with := Action{
			Verb: Share, From: x.Ref, To: x.Ref.Site, Name: x.Ref.ID, Of: act.Of, Claim: x.Claim, Taken: x.Taken, With: share.With, Members: x.Members,
			Reason: Reason{Code: ForCopy, Text: share.Why},
		}
		b.copying.errands = append(b.copying.errands, errand{&with, act, b.weight(x, h), f.newest})
		return
	}
	b.copying.errands = append(b.copying.errands, errand{nil, act, b.weight(x, h), f.newest})
}

func (b *builder) weight(x *dr.Snapshot, h Hop) int {
	if x.Ref.Site.Region == h.At.Region {
		return 0
	}
	return max(len(x.Members), 1)
}

// retrying keeps failed tries until the recovery point is there, so that their
// number tells how long to wait before the next.
func (b *builder) retrying(f journey, s *stop, h Hop, t Trip) {
	for i := range f.lines {
		l := &f.lines[i]
		site := b.ix.sites[l.key.site]
		if l.key.stage == h.Stage && l.key.copy && (h.Stage != "" || site == t.To) {
			b.copying.failing[failing{l.key, s.slot}] = true
		}
	}
}

// copyMayTake is how long a copy may have been under way at a site that cannot be
// seen.
const copyMayTake = 24 * time.Hour

// The wait before a copy that failed is tried again: four times longer each time.
const (
	firstRetry = 10 * time.Minute
	lastRetry  = 24 * time.Hour
)

// again gives when a copy may be tried again, and the last try that failed.
func (b *builder) again(failed []int) (time.Time, *dr.Snapshot) {
	if len(failed) == 0 {
		return time.Time{}, nil
	}
	var last *dr.Snapshot
	wait := firstRetry
	for i, at := range failed {
		x := &b.ix.inv.Snapshots[at]
		if last == nil || x.Made.After(last.Made) {
			last = x
		}
		if i > 0 {
			wait = min(wait*4, lastRetry)
		}
	}
	return last.Made.Add(wait), last
}

// copyAction makes the action of a hop. The copy's claim carries all that is needed
// when its source and the policy file are gone.
func (b *builder) copyAction(f journey, s *stop, r Routing, h Hop, x *dr.Snapshot, failed []int) Action {
	origin := x.Claim.Origin
	if s.original >= 0 {
		origin = b.ix.inv.Snapshots[s.original].Ref.Origin()
	}
	claim := dr.Claim{
		Owner: b.file.Namespace, Policy: f.policy.Name, Slot: x.Claim.Slot, Source: x.Claim.Source, Origin: origin, Stage: h.Stage,
		Keep: x.Claim.Keep, Retention: f.to.Keep.Tag(), Config: x.Claim.Config, Taken: dataOf(x).UTC().Truncate(time.Second),
	}
	if h.Stage != "" {
		claim.Keep, claim.Retention = false, "" // What is on the way goes when the copy is there.
	}
	of := b.called(x)
	return Action{
		Verb: Copy, From: x.Ref, To: h.At, Name: b.copyName(claim, of, r, failed), Of: of, Claim: claim,
		Tags: ownTags(b.tagsOf(x.Claim.Source)), Taken: x.Taken, Key: h.Key, ARN: x.ARN, Members: x.Members,
		Reason: Reason{Code: CopyDue, Text: fmt.Sprintf("slot %s: %s", stamp(x.Claim.Slot), h.Why)},
	}
}

// called gives what people call the source of a snapshot.
func (b *builder) called(x *dr.Snapshot) string {
	if r := b.bySource[x.Claim.Source]; r != nil {
		return r.Name
	}
	if part := strings.Split(x.Claim.Source, "/"); len(part) == 4 {
		return part[3]
	}
	return x.Of.ID
}

func (b *builder) tagsOf(source string) dr.Tags {
	if r := b.bySource[source]; r != nil {
		return r.Tags
	}
	return nil
}

// copyName gives the first name that no failed try bears.
func (b *builder) copyName(c dr.Claim, of string, r Routing, failed []int) string {
	for attempt := 0; ; attempt++ {
		name := dr.SnapshotName(c, of, attempt, cmp.Or(r.NameLimit, 255))
		if !slices.ContainsFunc(failed, func(at int) bool { return b.ix.inv.Snapshots[at].Ref.ID == name }) {
			return name
		}
	}
}

// badKey says why a key that a hop needs is of no use.
func (b *builder) badKey(x *dr.Snapshot, h Hop, t Trip) (why, remedy string) {
	for _, k := range [...]struct {
		site dr.Site
		name string
		what string
	}{{x.Ref.Site, x.Key, "the snapshot's key"}, {h.At, h.Key, "the key of site " + h.At.Name}} {
		if key := b.ix.inv.Keys[dr.KeyRef{Site: k.site, Name: k.name}]; k.name != "" && key.Trouble != "" {
			return fmt.Sprintf("it cannot be copied to %s: %s, %s, %s", t.To.Name, k.what, k.name, key.Trouble),
				"enable the key or cancel its deletion; what only it can decrypt is lost with it"
		}
	}
	return "", ""
}

// refuseCopy refuses the copies of a source to a site, once.
func (b *builder) refuseCopy(f journey, s *stop, to dr.Site, why Reason, remedy string) {
	at := s.original
	if at < 0 {
		at = s.staged
	}
	x := &b.ix.inv.Snapshots[at]
	key := refusal{x.Of, f.policy.Name, to.Name}
	if b.copying.told[key] {
		return
	}
	b.copying.told[key] = true
	b.plan.Refused = append(b.plan.Refused, Verdict{Ref: x.Of, Name: b.called(x), Policy: f.policy.Name, Reason: why, Remedy: remedy})
}
