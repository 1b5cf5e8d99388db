package plan

import (
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// retain decides about every snapshot that is ours.
func (b *builder) retain() {
	for n := range b.ix.lines {
		l := &b.ix.lines[n]
		if p, keep, ok := b.retention(l); ok {
			b.decide(l, p, keep)
		} else {
			b.keepAll(l)
		}
	}
	for _, at := range b.ix.flawed {
		s := &b.ix.inv.Snapshots[at]
		b.keep(s, Reason{Code: Unreadable, Text: "its holdfast tags cannot be read (" + s.Flaw + "), so it is not touched"})
	}
}

// retention finds the rules under which a line falls: the policy's own for
// originals, those of the copy's destination for copies.
func (b *builder) retention(l *line) (*policy.Policy, policy.Retention, bool) {
	for i := range b.file.Policies {
		p := &b.file.Policies[i]
		if p.Name != l.key.policy {
			continue
		}
		if !l.key.copy {
			return p, p.Keep, true
		}
		for _, c := range p.Copies {
			if c.To == b.ix.sites[l.key.site].Name {
				return p, c.Keep, true
			}
		}
	}
	return nil, policy.Retention{}, false
}

// keepAll keeps the whole line: its policy is not in the file, and a policy that
// was lost by mistake must not cost a snapshot.
func (b *builder) keepAll(l *line) {
	why := Reason{Code: Orphaned, Text: fmt.Sprintf("policy %q is not in the file, so nothing says when it expires", l.key.policy)}
	if l.key.policy == ManualPolicy {
		why.Text = "taken by hand outside any policy; it stays until a person deletes it"
	}
	for _, e := range l.snaps {
		b.keep(&b.ix.inv.Snapshots[e.at], why)
	}
}

// ManualPolicy is the policy name in the claim of a snapshot that a person asked
// for of a resource that no policy covers.
const ManualPolicy = "manual"

// decide applies retention to a line: only good snapshots count, and only those
// that no rule keeps may go.
func (b *builder) decide(l *line, p *policy.Policy, keep policy.Retention) {
	b.points = b.points[:0]
	for _, e := range l.snaps {
		if s := &b.ix.inv.Snapshots[e.at]; s.State == dr.Good {
			b.points = append(b.points, policy.Point{Slot: s.Claim.Slot, Taken: s.Taken})
		}
	}
	b.rules = keep.Decide(b.now, p.Location, b.points, b.rules[:0])
	good := 0
	for _, e := range l.snaps {
		s := &b.ix.inv.Snapshots[e.at]
		switch s.State {
		case dr.Good:
			b.settle(s, b.rules[good])
			good++
		case dr.Pending:
			b.keep(s, Reason{Code: Unfinished, Text: s.Status})
		case dr.Failed:
			b.clean(l, p, s)
		case dr.Going:
			// It is on its way; there is nothing to say or do.
		case dr.Unclear:
			b.keep(s, Reason{Code: Odd, Text: fmt.Sprintf("its status %q is not known to holdfast, so it is not touched", s.Status)})
		}
	}
}

// settle keeps a good snapshot or lets it go.
func (b *builder) settle(s *dr.Snapshot, rules policy.Rules) {
	switch {
	case s.Claim.Keep:
		b.keep(s, Reason{Code: Held, Rules: rules})
		return
	case rules != 0:
		b.keep(s, Reason{Code: Retained, Rules: rules})
		return
	}
	b.drop(s, Reason{Code: Expired, Text: "taken " + stamp(s.Taken) + " under policy " + s.Claim.Policy})
}

// clean lets a failed snapshot go once its slot is over or served by another.
// Until then it stays, so that a run which sees the past a little cannot take
// its name anew and make two of one.
func (b *builder) clean(l *line, p *policy.Policy, s *dr.Snapshot) {
	if !s.Claim.Slot.Before(p.Schedule.Slot(b.now)) && !b.served(l, s.Claim.Slot) {
		b.keep(s, Reason{Code: FailedCurrent, Text: "status " + s.Status})
		return
	}
	b.drop(s, Reason{Code: Broken, Text: "status " + s.Status})
}

// drop plans a delete unless a person's hold or a gap forbids it.
func (b *builder) drop(s *dr.Snapshot, why Reason) {
	if s.Claim.Keep {
		b.keep(s, Reason{Code: Held})
		return
	}
	if _, gap := b.ix.inv.Gaps[s.Ref.Scope()]; gap {
		b.keep(s, Reason{Code: Unseen, Text: "it would expire, but its site could not be seen whole"})
		return
	}
	b.deletes = append(b.deletes, Action{Verb: Delete, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim, Taken: s.Taken, Reason: why})
}

func (b *builder) keep(s *dr.Snapshot, why Reason) {
	b.plan.Kept = append(b.plan.Kept, Verdict{Ref: s.Ref, Name: s.Ref.ID, Policy: s.Claim.Policy, Taken: s.Taken, Reason: why})
}

// limitDeletes takes back all deletes of a scope where they are more than the
// limit allows. A mistake in a policy file shows as many deletes at once.
func (b *builder) limitDeletes(lim Limits) {
	going, total := map[dr.Scope]int{}, map[dr.Scope]int{}
	for _, a := range b.deletes {
		if a.Reason.Code != Broken {
			going[a.From.Scope()]++
		}
	}
	if len(going) == 0 {
		return
	}
	for n := range b.ix.lines {
		for _, e := range b.ix.lines[n].snaps {
			if s := &b.ix.inv.Snapshots[e.at]; s.State == dr.Good {
				total[s.Ref.Scope()]++
			}
		}
	}
	allowed := b.deletes[:0]
	told := map[dr.Scope]bool{}
	for _, a := range b.deletes {
		scope := a.From.Scope()
		n, all := going[scope], total[scope]
		if a.Reason.Code == Broken || lim.MaxDelete.Allows(n, all) {
			allowed = append(allowed, a)
			continue
		}
		b.keepAction(a, Reason{Code: TooMany, Text: "it would expire, but too many would go at once"})
		if !told[scope] {
			told[scope] = true
			b.plan.Refused = append(b.plan.Refused, tooMany(scope, n, all))
		}
	}
	b.deletes = allowed
}

func (b *builder) keepAction(a Action, why Reason) {
	b.plan.Kept = append(b.plan.Kept, Verdict{Ref: a.From, Name: a.Name, Policy: a.Claim.Policy, Taken: a.Taken, Reason: why})
}

func tooMany(s dr.Scope, n, total int) Verdict {
	return Verdict{
		Ref: dr.Ref{Kind: s.Kind, Site: s.Site}, Name: "deletes",
		Reason: Reason{Code: TooMany, Text: fmt.Sprintf("%d of %d good snapshots would go at once, so none is deleted", n, total)},
		Remedy: fmt.Sprintf("look at the plan; if that is what you mean, run once with --max-delete %d", n),
	}
}
