package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// RunAndWait is RunOnce, and returns when every snapshot that it took is
// available or has failed, and everything that had to wait for a busy resource
// is done. It looks again every poll.
func (e *Engine) RunAndWait(ctx context.Context, poll time.Duration) Report {
	r := e.RunOnce(ctx)
	return e.Settle(ctx, r, poll)
}

// Settle waits for what a report left unfinished.
func (e *Engine) Settle(ctx context.Context, r Report, poll time.Duration) Report {
	tried := map[attempt]bool{}
	note := func(actions []plan.Action) {
		for _, a := range actions {
			tried[attempt{a.From, a.Claim.Policy}] = true
		}
	}
	note(r.Plan.Actions)
	for unfinished(r) {
		if err := e.Clock.Sleep(ctx, poll); err != nil {
			return e.giveUp(r, err)
		}
		inv := e.Observe(ctx)
		e.follow(&r, inv)
		if len(r.Plan.Waiting) == 0 {
			continue
		}
		next := e.nowReady(inv, tried)
		note(next.Actions)
		r.Plan.Waiting, r.Plan.Gaps = next.Waiting, next.Gaps
		r.Plan.Actions = append(r.Plan.Actions, next.Actions...)
		r.Outcomes = append(r.Outcomes, e.apply(ctx, next)...)
	}
	return r
}

// attempt is one resource under one policy: each is tried once in a run.
type attempt struct {
	resource dr.Ref
	policy   string
}

// nowReady plans what had to wait and can be done now.
func (e *Engine) nowReady(inv dr.Inventory, tried map[attempt]bool) plan.Plan {
	p := plan.Build(e.Clock.Now(), e.File, inv, e.Limits)
	p = plan.Withhold(p, plan.Check(p, e.File, inv))
	fresh := p.Actions[:0]
	for _, a := range p.Actions {
		if a.Verb == plan.Create && !tried[attempt{a.From, a.Claim.Policy}] {
			fresh = append(fresh, a)
		}
	}
	p.Actions = fresh
	return p
}

func unfinished(r Report) bool {
	for _, w := range r.Plan.Waiting {
		if w.Reason.Code == plan.Busy {
			return true
		}
	}
	for _, o := range r.Outcomes {
		if o.waited() {
			return true
		}
	}
	return false
}

// waited reports whether the outcome is a snapshot whose end is still open.
func (o Outcome) waited() bool {
	return o.Action.Verb == plan.Create && o.Err == nil && (o.State == "" || o.State == dr.Pending)
}

// follow looks what became of the snapshots that were taken.
func (e *Engine) follow(r *Report, inv dr.Inventory) {
	seen := map[dr.Ref]*dr.Snapshot{}
	for i := range inv.Snapshots {
		seen[inv.Snapshots[i].Ref] = &inv.Snapshots[i]
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if _, gap := inv.Gaps[o.Made.Scope()]; gap || !o.waited() {
			continue // Not seen is not gone: look again next time.
		}
		e.update(o, seen[o.Made])
	}
}

// goneAfter is how many looks in a row must miss a snapshot before it counts as
// gone: what a service lists can lag behind what it did.
const goneAfter = 4

func (e *Engine) update(o *Outcome, s *dr.Snapshot) {
	o.unseen++
	switch {
	case s == nil && o.unseen < goneAfter:
		return
	case s == nil:
		o.Err = fmt.Errorf("snapshot %s of %s is gone before it was available", o.Made.ID, o.Action.From)
	case s.State == dr.Good:
		o.State = dr.Good
	case s.State == dr.Pending:
		o.State, o.unseen = dr.Pending, 0
		e.tell(Event{Kind: Progressed, Outcome: *o, Percent: s.Percent})
		return
	default:
		o.State = s.State
		o.Err = &store.Error{
			Doing: fmt.Sprintf("take snapshot %s of %s", o.Made.ID, o.Action.From), Fault: store.Unknown,
			Err:    fmt.Errorf("it ended %s", s.Status),
			Remedy: "look at the events of the database; the next run tries again under another name",
		}
	}
	e.tell(Event{Kind: Settled, Outcome: *o, Err: o.Err})
}

// giveUp marks what was still open when waiting was cut short.
func (e *Engine) giveUp(r Report, err error) Report {
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; o.waited() {
			o.Err = &store.Error{
				Doing: fmt.Sprintf("wait for snapshot %s of %s", o.Made.ID, o.Action.From), Fault: store.Stopped, Err: err,
				Remedy: "it goes on by itself; `holdfast status` shows when it is available",
			}
		}
	}
	return r
}
