package engine

import (
	"context"
	"fmt"
	"slices"
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
	blind := map[dr.Scope]int{}
	for unfinished(r) {
		if err := e.Clock.Sleep(ctx, poll); err != nil {
			return e.giveUp(r, err)
		}
		inv := e.Observe(ctx)
		if ctx.Err() != nil {
			return e.giveUp(r, ctx.Err())
		}
		e.follow(&r, inv)
		if len(r.Plan.Waiting) > 0 {
			e.goOn(ctx, &r, inv)
		}
		e.loseSight(&r, inv, blind)
	}
	return r
}

// goOn does what had to wait and can be done now.
func (e *Engine) goOn(ctx context.Context, r *Report, inv dr.Inventory) {
	before := r.Plan.Waiting
	next := e.nowReady(inv, *r)
	r.Plan.Gaps = next.Gaps
	r.Plan.Actions = append(r.Plan.Actions, next.Actions...)
	r.Plan.Refused = append(r.Plan.Refused, among(next.Refused, before)...)
	r.Plan.Waiting = next.Waiting
	for _, w := range before {
		if gapAt(inv, w.Ref.Scope()) != nil {
			r.Plan.Waiting = append(r.Plan.Waiting, w) // Not seen is not done.
		}
	}
	r.Outcomes = slices.DeleteFunc(r.Outcomes, func(o Outcome) bool {
		return o.Action.Verb == plan.Create && o.Left != "" && slices.ContainsFunc(next.Actions, func(a plan.Action) bool {
			return attemptOf(a) == attemptOf(o.Action)
		})
	})
	made := e.apply(ctx, next)
	r.Outcomes = append(r.Outcomes, made...)
	r.Plan.Waiting = append(r.Plan.Waiting, waiting(made)...)
}

// among gives the verdicts about what is in the other list.
func among(verdicts, others []plan.Verdict) []plan.Verdict {
	var out []plan.Verdict
	for _, v := range verdicts {
		if slices.ContainsFunc(others, func(o plan.Verdict) bool { return o.Ref == v.Ref && o.Policy == v.Policy }) {
			out = append(out, v)
		}
	}
	return out
}

// attempt is one resource under one policy: each is tried once in a run.
type attempt struct {
	resource dr.Ref
	policy   string
}

// makes reports whether an action ends in a snapshot that has to become complete.
func makes(a plan.Action) bool { return a.Verb == plan.Create || a.Verb == plan.Promote }

func attemptOf(a plan.Action) attempt { return attempt{a.From, a.Claim.Policy} }

// nowReady plans what had to wait and can be done now.
func (e *Engine) nowReady(inv dr.Inventory, r Report) plan.Plan {
	tried := map[attempt]bool{}
	for _, o := range r.Outcomes {
		if o.Left == "" {
			tried[attemptOf(o.Action)] = true
		}
	}
	p := plan.Build(e.Clock.Now(), e.File, inv, e.Limits) // No delete of it is used.
	p = plan.Withhold(p, plan.Check(p, e.File, inv))
	fresh := p.Actions[:0]
	for _, a := range p.Actions {
		if makes(a) && !tried[attemptOf(a)] {
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
	return makes(o.Action) && o.Err == nil && o.Left == "" && (o.State == "" || o.State == dr.Pending)
}

// gapAt gives the gap in which a scope lies, or nil. A site that could not be reached has
// its account from the policy file only, so its name decides.
func gapAt(inv dr.Inventory, s dr.Scope) error {
	for gap, err := range inv.Gaps {
		if gap.Kind == s.Kind && gap.Site.Name == s.Site.Name {
			return err
		}
	}
	return nil
}

// follow looks what became of the snapshots that were taken.
func (e *Engine) follow(r *Report, inv dr.Inventory) {
	seen := map[dr.Ref]*dr.Snapshot{}
	for i := range inv.Snapshots {
		seen[inv.Snapshots[i].Ref] = &inv.Snapshots[i]
	}
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if gapAt(inv, o.Made.Scope()) != nil || !o.waited() {
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

// blindAfter is how many looks in a row may miss a scope before nothing there is
// waited for any longer. Each look has tried its calls several times already.
const blindAfter = 20

// loseSight gives up what is waited for in scopes that stay out of sight.
func (e *Engine) loseSight(r *Report, inv dr.Inventory, blind map[dr.Scope]int) {
	for gap := range inv.Gaps {
		blind[gap]++
	}
	for scope, n := range blind {
		err := gapAt(inv, scope)
		switch {
		case err == nil:
			delete(blind, scope)
		case n >= blindAfter:
			e.leave(r, scope, err)
		}
	}
}

// leave gives up what is waited for in one scope.
func (e *Engine) leave(r *Report, scope dr.Scope, err error) {
	same := func(s dr.Scope) bool { return s.Kind == scope.Kind && s.Site.Name == scope.Site.Name }
	r.Plan.Waiting = slices.DeleteFunc(r.Plan.Waiting, func(v plan.Verdict) bool { return same(v.Ref.Scope()) })
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; o.waited() && same(o.Made.Scope()) {
			o.Err = outOfSight(*o, store.FaultOf(err), err)
			e.tell(Event{Kind: Settled, Outcome: *o, Err: o.Err})
		}
	}
}

// giveUp marks what was still open when waiting was cut short.
func (e *Engine) giveUp(r Report, err error) Report {
	for _, w := range r.Plan.Waiting {
		if w.Reason.Code == plan.Busy {
			w.Reason.Text = "waited in vain: " + w.Reason.Text
			w.Remedy = "the next run takes it"
			r.Plan.Refused = append(r.Plan.Refused, w)
		}
	}
	for i := range r.Outcomes {
		if o := &r.Outcomes[i]; o.waited() {
			o.Err = outOfSight(*o, store.Stopped, err)
		}
	}
	return r
}

func outOfSight(o Outcome, f store.Fault, err error) error {
	return &store.Error{
		Doing: fmt.Sprintf("wait for snapshot %s of %s", o.Made.ID, o.Action.From), Fault: f, Err: err,
		Remedy: "it goes on by itself; `holdfast status` shows when it is available",
	}
}
