package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// settlement is what was decided about one snapshot, in few bytes: there may be
// a million of them.
type settlement struct {
	at    int // index into the inventory's snapshots
	rules policy.Rules
	code  settled
}

// settled is a small Code.
type settled uint8

const (
	retained settled = iota
	held
	unfinished
	failedCurrent
	orphaned
	unseen
	unreadable
	odd
	tooMany
	needed
	onTheWay
	final
	// Those from here on let the snapshot go.
	expired
	broken
	duplicate
	passed
)

// retain decides about every snapshot that is ours.
func (b *builder) retain() {
	b.settled = make([]settlement, 0, b.ix.ours+len(b.ix.flawed))
	for n := range b.ix.lines {
		l := &b.ix.lines[n]
		if l.key.stage != "" {
			b.clearWay(l)
			continue
		}
		if l.key.policy == dr.PolicyFinal {
			b.keepFinals(l)
			continue
		}
		if p, keep, ok := b.retention(l); ok {
			b.decide(l, p, keep)
		} else {
			b.keepAll(l)
		}
	}
	for _, at := range b.ix.flawed {
		b.settled = append(b.settled, settlement{at: at, code: unreadable})
	}
}

// retention finds the rules under which a line falls: the policy's own for
// originals, those of the copy's destination for copies.
func (b *builder) retention(l *line) (*policy.Policy, policy.Retention, bool) {
	if l.key.copy {
		return b.copyRetention(l)
	}
	if l.key.policy == policy.TagPolicyName {
		p, ok := b.tagRetention(l)
		return &p, p.Keep, ok
	}
	for i := range b.file.Policies {
		if p := &b.file.Policies[i]; p.Name == l.key.policy {
			return p, p.Keep, true
		}
	}
	return nil, policy.Retention{}, false
}

// copyRetention finds the rules of copies: those of their destination as the policy
// states them now, or, where that is gone, as they were written with the newest of
// them. A copy's retention goes on without its source.
func (b *builder) copyRetention(l *line) (*policy.Policy, policy.Retention, bool) {
	p, ok := b.policyOf(l)
	if ok {
		for _, c := range p.Copies {
			if c.To == b.ix.sites[l.key.site].Name {
				return p, c.Keep, true
			}
		}
	}
	if s, stated := b.stated[l.key.source]; stated && s.err != nil && l.key.policy == policy.TagPolicyName {
		return nil, policy.Retention{}, false // What the tags mean is not known.
	}
	for _, e := range l.snaps {
		if text := b.ix.inv.Snapshots[e.at].Claim.Retention; text != "" {
			keep, err := policy.ParseRetention(text)
			return &policy.Policy{Name: l.key.policy, Location: time.UTC}, keep, err == nil
		}
	}
	return nil, policy.Retention{}, false
}

// clearWay lets go what was only on the way of a copy, when no copy needs it any
// longer and something else holds data as new. That its policy is gone does not keep
// it: it is no recovery point, and those stay.
func (b *builder) clearWay(l *line) {
	for _, e := range l.snaps {
		s := &b.ix.inv.Snapshots[e.at]
		to := settlement{at: e.at}
		_, need := b.copying.needed[e.at]
		switch {
		case s.Claim.Keep:
			to.code = held
		case s.State == dr.Pending:
			to.code = unfinished
		case s.State == dr.Going:
			continue
		case s.State == dr.Unclear:
			to.code = odd
		case need:
			to.code = needed
		case s.State == dr.Failed && b.copying.failing[failing{lineKey: l.key, slot: e.slot}]:
			to.code = failedCurrent
		case s.State == dr.Failed:
			to.code = b.unlessHidden(s, broken)
		case !b.outlived(l, e.slot):
			to.code = onTheWay
		default:
			to.code = b.unlessHidden(s, passed)
		}
		b.settled = append(b.settled, to)
	}
}

// outlived reports whether a good recovery point of the same source and policy
// holds data as new as those of a slot.
func (b *builder) outlived(l *line, slot int64) bool {
	for _, n := range b.ix.bySource[l.key.source] {
		o := &b.ix.lines[n]
		if o.key.policy != l.key.policy || o.key.stage != "" {
			continue
		}
		for _, e := range o.snaps {
			if e.slot < slot {
				break
			}
			if b.ix.inv.Snapshots[e.at].State == dr.Good {
				return true
			}
		}
	}
	return false
}

// keepAll keeps the whole line: its policy is not in the file, and a policy that
// was lost by mistake must not cost a snapshot.
func (b *builder) keepAll(l *line) {
	for _, e := range l.snaps {
		b.settled = append(b.settled, settlement{at: e.at, code: orphaned})
	}
}

// ManualPolicy is the policy name in the claim of a snapshot that a person asked
// for of a resource that no policy covers.
const ManualPolicy = policy.ManualName

// decide applies retention to a line: only good snapshots count, and only those
// that no rule keeps may go.
func (b *builder) decide(l *line, p *policy.Policy, keep policy.Retention) {
	twice := b.gatherPoints(l, keep.Floor)
	b.rules = keep.Decide(b.now, p.Location, b.points, b.rules[:0])
	good, last := 0, int64(-1)
	for _, e := range l.snaps {
		s := &b.ix.inv.Snapshots[e.at]
		to := settlement{at: e.at}
		switch s.State {
		case dr.Good:
			if twice && e.slot == last {
				to.code = b.unlessHeld(s, duplicate)
				break
			}
			last = e.slot
			to.rules = b.rules[good]
			to.code = b.goodOne(e.at, s, to.rules)
			good++
		case dr.Pending:
			to.code = unfinished
		case dr.Failed:
			to.code = b.failedOne(l, p, s)
		case dr.Going:
			continue // It is on its way; there is nothing to say or do.
		case dr.Unclear:
			to.code = odd
		}
		b.settled = append(b.settled, to)
	}
}

// gatherPoints collects the good snapshots of a line. Where some slot has more
// than one, which lost answers can bring about where a service has no names,
// only the first counts and twice is true; but not while fewer slots than the
// floor are served, when each one counts.
func (b *builder) gatherPoints(l *line, floor int) (twice bool) {
	b.points = b.points[:0]
	slots, last := 0, int64(-1)
	for _, e := range l.snaps {
		if s := &b.ix.inv.Snapshots[e.at]; s.State == dr.Good {
			b.points = append(b.points, policy.Point{Slot: s.Claim.Slot, Taken: dataOf(s)})
			if e.slot != last {
				slots++
			}
			last = e.slot
		}
	}
	if slots == len(b.points) || slots < floor {
		return false
	}
	b.points = slices.CompactFunc(b.points, func(x, y policy.Point) bool { return x.Slot.Equal(y.Slot) })
	return true
}

// unlessHeld lets a snapshot go unless a person holds it or it lies in a gap.
func (b *builder) unlessHeld(s *dr.Snapshot, code settled) settled {
	if s.Claim.Keep {
		return held
	}
	return b.unlessHidden(s, code)
}

// goodOne keeps a good snapshot or lets it go.
func (b *builder) goodOne(at int, s *dr.Snapshot, rules policy.Rules) settled {
	switch {
	case s.Claim.Keep:
		return held
	case rules != 0:
		return retained
	case b.copying.needed[at] != "":
		return needed
	default:
		return b.unlessHidden(s, expired)
	}
}

// failedOne lets a failed snapshot go once its slot is over or served by another.
// Until then it stays, so that a run which sees the past a little cannot take
// its name anew and make two of one.
func (b *builder) failedOne(l *line, p *policy.Policy, s *dr.Snapshot) settled {
	switch {
	case s.Claim.Keep:
		return held
	case l.key.copy && b.copying.failing[failing{l.key, s.Claim.Slot.Unix()}]:
		return failedCurrent
	case !l.key.copy && !s.Claim.Slot.Before(b.slot(*p)) && !b.served(l, s.Claim.Slot):
		return failedCurrent
	default:
		return b.unlessHidden(s, broken)
	}
}

// unlessHidden lets a snapshot go unless it lies in a gap.
func (b *builder) unlessHidden(s *dr.Snapshot, code settled) settled {
	if len(b.ix.inv.Gaps) > 0 {
		if _, gap := b.ix.inv.Gaps[s.Ref.Scope()]; gap {
			return unseen
		}
	}
	return code
}

// limitDeletes takes back all deletes of a scope where they are more than the
// limit allows. A mistake in a policy file shows as many deletes at once.
func (b *builder) limitDeletes(lim Limits) {
	leaving, all := tally{into: map[dr.Scope]int{}}, tally{into: map[dr.Scope]int{}}
	for _, t := range b.settled {
		s := &b.ix.inv.Snapshots[t.at]
		if s.State != dr.Good || s.Flaw != "" {
			continue
		}
		all.add(s.Ref)
		if t.code == expired {
			leaving.add(s.Ref)
		}
	}
	for i := range b.retired { // An old one counts as much as a snapshot.
		leaving.add(b.retired[i].From)
		all.add(b.retired[i].From)
	}
	going, total := leaving.counts(), all.counts()
	for scope, n := range going {
		if lim.MaxDelete.Allows(n, total[scope]) {
			delete(going, scope)
			continue
		}
		b.plan.Refused = append(b.plan.Refused, Verdict{
			Ref: dr.Ref{Kind: scope.Kind, Site: scope.Site}, Name: string(scope.Kind) + " deletes",
			Reason: Reason{Code: TooMany, Text: fmt.Sprintf("%d of %d good snapshots%s would go at once, so none is deleted", n, total[scope], b.alsoRetired(scope))},
			Remedy: fmt.Sprintf("look at the plan; if that is what you mean, run once with --max-delete %d", n),
		})
	}
	if len(going) == 0 {
		return
	}
	b.retired = slices.DeleteFunc(b.retired, func(a Action) bool { _, stopped := going[a.From.Scope()]; return stopped })
	for i := range b.settled {
		t := &b.settled[i]
		if _, stopped := going[b.ix.inv.Snapshots[t.at].Ref.Scope()]; stopped && t.code == expired {
			t.code = tooMany
		}
	}
}

// write turns settlements into what the plan shows. Deletes go oldest first
// within a line, so that a run which is cut short has kept the newer ones.
func (b *builder) write() {
	deletes := 0
	for _, t := range b.settled {
		if t.code >= expired {
			deletes++
		}
	}
	b.plan.Kept = make([]Verdict, 0, len(b.settled)-deletes)
	actions := make([]Action, len(b.plan.Actions), len(b.plan.Actions)+deletes)
	copy(actions, b.plan.Actions)
	for _, t := range b.settled {
		s := &b.ix.inv.Snapshots[t.at]
		if t.code >= expired {
			actions = append(actions, Action{
				Verb: Delete, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim, Members: s.Members, Taken: s.Taken,
				Reason: b.why(s, t),
			})
			continue
		}
		b.plan.Kept = append(b.plan.Kept, Verdict{Ref: s.Ref, Name: s.Ref.ID, Policy: s.Claim.Policy, Taken: s.Taken, Reason: b.why(s, t)})
	}
	reverseLines(actions[len(b.plan.Actions):])
	actions = append(actions, b.retired...)
	b.plan.Actions = actions
}

// reverseLines turns round every stretch of deletes that belong together.
func reverseLines(deletes []Action) {
	for len(deletes) > 0 {
		n, first := 1, deletes[0]
		for n < len(deletes) && deletes[n].Claim.Source == first.Claim.Source &&
			deletes[n].Claim.Policy == first.Claim.Policy && deletes[n].To == first.To {
			n++
		}
		slices.Reverse(deletes[:n])
		deletes = deletes[n:]
	}
}

// why gives the reason behind a settlement.
func (b *builder) why(s *dr.Snapshot, t settlement) Reason {
	switch t.code {
	case retained:
		return Reason{Code: Retained, Rules: t.rules}
	case held:
		return Reason{Code: Held, Rules: t.rules}
	case unfinished:
		return Reason{Code: Unfinished, Text: s.Status}
	case failedCurrent:
		return Reason{Code: FailedCurrent, Text: "status " + s.Status}
	case orphaned:
		if s.Claim.Policy == policy.TagPolicyName {
			return Reason{Code: Orphaned, Text: "its policy stood in the tags of its source and cannot be read, so nothing says when it expires"}
		}
		if s.Claim.Policy == ManualPolicy {
			return Reason{Code: Orphaned, Text: "taken by hand outside any policy; it stays until a person deletes it"}
		}
		return Reason{Code: Orphaned, Text: fmt.Sprintf("policy %q is not in the file, so nothing says when it expires", s.Claim.Policy)}
	case unseen:
		return Reason{Code: Unseen, Text: "it would expire, but its site could not be seen whole"}
	case unreadable:
		return Reason{Code: Unreadable, Text: "its holdfast tags cannot be read (" + s.Flaw + "), so it is not touched"}
	case odd:
		return Reason{Code: Odd, Text: fmt.Sprintf("its status %q is not known to holdfast, so it is not touched", s.Status)}
	case tooMany:
		return Reason{Code: TooMany, Text: "it would expire, but too many would go at once"}
	case needed:
		return Reason{Code: Needed, Text: b.copying.needed[t.at]}
	case final:
		return Reason{Code: Final, Text: "final snapshot of " + s.Of.ID + ", which a restore replaced; delete it when you are content"}
	case onTheWay:
		return Reason{Code: Needed, Text: "it was on the way of a copy, and nothing else holds data as new"}
	case passed:
		return Reason{Code: Passed, Text: "it was on the way of a copy, and is not needed any more"}
	case expired:
		return Reason{Code: Expired}
	case duplicate:
		return Reason{Code: Duplicate, Text: "another good one serves slot " + stamp(s.Claim.Slot)}
	case broken:
		return Reason{Code: Broken, Text: "status " + s.Status}
	}
	return Reason{}
}
