package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// copying is what planning copies leaves behind for the rest of the plan.
type copying struct {
	// needed are snapshots that a copy still needs, and why; by their index.
	needed map[int]string
	// shares are the accounts that a snapshot has to be shared with still.
	shares map[int][]string
	// failing are the slots of a line whose copies failed and are tried again.
	failing map[failing]bool
	// errands are the copies that can be begun now.
	errands []errand
	// lent are shares for accounts that restore and do not copy, and unlent the
	// sites that would not keep a snapshot any longer; by its index.
	lent   []lending
	unlent map[int]string
	// told are the refusals that have been made, so that each is made once.
	told map[refusal]bool
}

type failing struct {
	lineKey
	slot int64
}

type refusal struct {
	ref    dr.Ref
	policy string
	to     string
}

// errand is a copy to be made: the call, and the share that it needs first.
type errand struct {
	share *Action
	copy  Action
	// weight is how many copy slots it takes; 0 within a Region.
	weight int
	// newest is the newest slot that the destination has of its source.
	newest int64
}

// copies plans how recovery points get to the other sites of their policies. It
// looks at all snapshots of one source under one policy together, wherever they
// are: what a destination's own retention would keep of them and is not there has
// to be copied. Nothing is remembered: a hop that failed or whose outcome vanished
// is planned again from what exists.
func (b *builder) copies(lim Limits) {
	b.copying = copying{needed: map[int]string{}, shares: map[int][]string{}, failing: map[failing]bool{}, unlent: map[int]string{}, told: map[refusal]bool{}}
	b.holdSources()
	for lines := b.ix.lines; len(lines) > 0; {
		n := 1
		for n < len(lines) && lines[n].key.source == lines[0].key.source && lines[n].key.policy == lines[0].key.policy {
			n++
		}
		if p, ok := b.policyOf(&lines[0]); ok {
			for i := range p.Copies {
				b.copyTo(lim, journey{policy: p, to: &p.Copies[i], lines: lines[:n]})
			}
		}
		lines = lines[n:]
	}
}

// holdSources keeps what copies are being made from, whatever the policies want by
// now: AWS goes on with a copy that nobody wants any more, and fails it when what it
// is made from is gone.
func (b *builder) holdSources() {
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		if s.State != dr.Pending {
			continue
		}
		c := s.Claim
		if s.Presumed != nil {
			c = *s.Presumed
		}
		if c.Origin != "" && c.Owner == b.file.Namespace {
			b.holdSource(c, "being copied to "+s.Ref.Site.Name)
		}
	}
}

// holdSource keeps what a copy of this claim may be made from.
func (b *builder) holdSource(c dr.Claim, why string) {
	for _, n := range b.ix.bySource[c.Source] {
		l := &b.ix.lines[n]
		if l.key.policy != c.Policy {
			continue
		}
		for _, e := range l.snaps {
			x := &b.ix.inv.Snapshots[e.at]
			from := !l.key.copy && x.Ref.Origin() == c.Origin
			over := l.key.stage != "" && c.Stage == "" && x.Claim.Origin == c.Origin
			if from || over {
				b.copying.needed[e.at] = why
			}
		}
	}
}

// policyOf gives the policy of a line, as the file or the tags of its source state
// it now.
func (b *builder) policyOf(l *line) (*policy.Policy, bool) {
	if l.key.policy == policy.TagPolicyName {
		s, ok := b.stated[l.key.source]
		return &s.policy, ok && s.err == nil && s.policy.Name == policy.TagPolicyName
	}
	for i := range b.file.Policies {
		if b.file.Policies[i].Name == l.key.policy {
			return &b.file.Policies[i], true
		}
	}
	return nil, false
}

// journey is the snapshots of one source under one policy, and one destination.
type journey struct {
	policy *policy.Policy
	to     *policy.Copy
	lines  []line
	// newest is the newest slot that is at the destination, or coming.
	newest int64
}

// stop is one recovery point on its way: what there is of it, by index; -1 where
// there is nothing.
type stop struct {
	slot     int64
	point    policy.Point
	original int
	staged   int
	// pending are still being made.
	originalPending, stagePending bool
	// there says that a copy is at the destination, or coming.
	there, coming bool
	// failed are the tries at the destination and on the way that failed.
	failed, failedStage []int
}

// copyTo plans the copies of one source to one destination.
func (b *builder) copyTo(lim Limits, f journey) {
	to, seen := b.destination(f)
	kind, from, ok := b.origin(f.lines)
	if !ok || to.Name == from.Name {
		return
	}
	if seen && !b.seesSnapshots(kind, to) {
		seen = false
	}
	if lim.Routes[kind].Means == BySetting {
		b.bySetting(f, from, to, seen)
		return
	}
	stops := b.stops(f, to)
	if i := slices.IndexFunc(stops, func(s stop) bool { return s.there || s.coming }); i >= 0 {
		f.newest = stops[i].slot
	}
	wanted := b.wanted(f, stops)
	for i := range stops {
		s := &stops[i]
		if s.stagePending {
			b.hold(s, "being copied on the way to another site")
		}
		switch {
		case s.coming:
			b.underWay(f, s, to)
		case s.there:
		case !seen && (wanted[i] || b.now.Sub(s.point.Taken) < copyMayTake):
			b.hold(s, "not yet copied to "+f.to.To+", as far as can be seen")
			b.keepShared(s, to.Account)
		case !wanted[i]:
		default:
			b.send(lim, f, s, kind, from, to)
		}
	}
	if seen {
		b.follow(f, stops, to)
	}
}

// destination gives the site of a destination as it was found; seen is false where
// it was not.
func (b *builder) destination(f journey) (to dr.Site, seen bool) {
	for _, s := range b.ix.inv.Sites {
		if s.Name == f.to.To {
			return s, true
		}
	}
	known, _ := b.file.Site(f.to.To)
	return known.Site, false
}

// seesSnapshots reports whether the snapshots of a kind at a site were seen.
func (b *builder) seesSnapshots(k dr.Kind, s dr.Site) bool {
	for gap := range b.ix.inv.Gaps {
		if gap.Kind == k && gap.Site.Name == s.Name {
			return false
		}
	}
	return true
}

// origin gives the kind and the site of what is to be copied.
func (b *builder) origin(lines []line) (dr.Kind, dr.Site, bool) {
	for _, l := range lines {
		if !l.key.copy || l.key.stage != "" {
			return b.ix.inv.Snapshots[l.snaps[0].at].Ref.Kind, b.ix.sites[l.key.site], true
		}
	}
	return "", dr.Site{}, false
}

// stops puts together what there is of each recovery point, newest first.
func (b *builder) stops(f journey, to dr.Site) []stop {
	bySlot := map[int64]*stop{}
	for i := range f.lines {
		l := &f.lines[i]
		site := b.ix.sites[l.key.site]
		if l.key.copy && l.key.stage == "" && site != to {
			continue // At another destination.
		}
		for _, e := range l.snaps {
			s := bySlot[e.slot]
			if s == nil {
				s = &stop{slot: e.slot, original: -1, staged: -1}
				bySlot[e.slot] = s
			}
			b.note(s, l, e.at)
		}
	}
	out := make([]stop, 0, len(bySlot))
	for _, s := range bySlot {
		if !s.point.Slot.IsZero() || s.originalPending {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(x, y stop) int { return cmp.Compare(y.slot, x.slot) })
	return out
}

// note takes one snapshot into the picture of its recovery point. Of several good
// ones of one slot the first, which is the newest, counts.
func (b *builder) note(s *stop, l *line, at int) {
	x := &b.ix.inv.Snapshots[at]
	good := x.State == dr.Good
	switch {
	case l.key.stage != "":
		if good && s.staged < 0 {
			s.staged = at
		}
		s.stagePending = s.stagePending || x.State == dr.Pending
		if x.State == dr.Failed {
			s.failedStage = append(s.failedStage, at)
		}
	case l.key.copy:
		s.there = s.there || good
		s.coming = s.coming || x.State == dr.Pending
		if x.State == dr.Failed {
			s.failed = append(s.failed, at)
		}
		good = good || x.State == dr.Pending
	default:
		if good && s.original < 0 {
			s.original = at
		}
		s.originalPending = s.originalPending || x.State == dr.Pending
	}
	if good && s.point.Slot.IsZero() {
		s.point = policy.Point{Slot: x.Claim.Slot, Taken: dataOf(x)}
	}
}

// dataOf gives the moment whose data a snapshot holds.
func dataOf(x *dr.Snapshot) time.Time {
	if !x.Claim.Taken.IsZero() {
		return x.Claim.Taken
	}
	return x.Taken
}

// wanted says which recovery points the destination's retention would keep, were
// they all there. Because a rule that keeps a point among all keeps it among fewer
// too, nothing is copied that would expire at once, and nothing that has expired
// there is copied again.
func (b *builder) wanted(f journey, stops []stop) []bool {
	in := b.paced(f, stops)
	points := make([]policy.Point, 0, len(stops))
	for i := range stops {
		if in[i] {
			points = append(points, stops[i].point)
		}
	}
	rules := f.to.Keep.Decide(b.now, f.policy.Location, points, nil)
	next := 0
	for i := range stops {
		if in[i] {
			in[i] = rules[next] != 0
			next++
		}
	}
	return in
}

// paced leaves out what a destination with a schedule of its own passes over: of
// each of its slots it takes the first recovery point, unless it has one already.
func (b *builder) paced(f journey, stops []stop) []bool {
	in := make([]bool, len(stops))
	served := map[time.Time]bool{}
	for i, s := range stops {
		in[i] = !s.point.Slot.IsZero()
		if s.there || s.coming {
			served[f.to.Schedule.Slot(s.point.Slot)] = true
		}
	}
	if f.to.Schedule.IsZero() {
		return in
	}
	for i := len(stops) - 1; i >= 0; i-- { // Oldest first.
		s := &stops[i]
		if !in[i] || s.there || s.coming {
			continue
		}
		slot := f.to.Schedule.Slot(s.point.Slot)
		in[i] = !served[slot]
		served[slot] = true
	}
	return in
}

// hold keeps what a copy still needs.
func (b *builder) hold(s *stop, why string) {
	for _, at := range [...]int{s.original, s.staged} {
		if at >= 0 {
			b.copying.needed[at] = why
		}
	}
}

// keepShared keeps up what is shared with an account already.
func (b *builder) keepShared(s *stop, account string) {
	for _, at := range [...]int{s.original, s.staged} {
		if at >= 0 {
			b.copying.shares[at] = append(b.copying.shares[at], account)
		}
	}
}

// underWay notes a copy that is being made.
func (b *builder) underWay(f journey, s *stop, to dr.Site) {
	b.hold(s, "being copied to "+to.Name)
	b.keepShared(s, to.Account)
	b.later(f, s, to, Reason{Code: Copying, Text: "the copy of slot " + stamp(s.point.Slot) + " to " + to.Name + " is under way"})
}

func (b *builder) later(f journey, s *stop, to dr.Site, why Reason) {
	ref := dr.Ref{Site: to}
	for _, at := range [...]int{s.original, s.staged} {
		if at >= 0 {
			ref = b.ix.inv.Snapshots[at].Of
			break
		}
	}
	b.plan.Waiting = append(b.plan.Waiting, Verdict{Ref: ref, Name: ref.ID, Policy: f.policy.Name, Reason: why})
}

// follow tells of recovery points that are copied once they are complete.
func (b *builder) follow(f journey, stops []stop, to dr.Site) {
	for i := range stops {
		s := &stops[i]
		if !s.originalPending || s.there || s.coming || s.original >= 0 {
			continue
		}
		for _, l := range f.lines {
			for _, e := range l.snaps {
				if x := &b.ix.inv.Snapshots[e.at]; e.slot == s.slot && x.State == dr.Pending && !l.key.copy {
					b.plan.Waiting = append(b.plan.Waiting, Verdict{
						Ref: x.Of, Name: x.Of.ID, Policy: f.policy.Name,
						Reason: Reason{Code: CopyFollows, Text: "it is copied to " + to.Name + " when it is complete"},
					})
				}
			}
		}
	}
}

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
