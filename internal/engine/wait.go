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
		if len(r.Plan.Waiting) > 0 || copies(r) {
			e.goOn(ctx, &r, inv)
		}
		e.loseSight(&r, inv, blind)
	}
	return r
}

// copies reports whether a run has made what may have to be copied from here on.
func copies(r Report) bool {
	return slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return makes(o.Action) })
}

// goOn does what had to wait and can be done now.
func (e *Engine) goOn(ctx context.Context, r *Report, inv dr.Inventory) {
	before := r.Plan.Waiting
	next := e.nowReady(inv, *r)
	r.Plan.Gaps = next.Gaps
	r.Plan.Refused = append(r.Plan.Refused, among(next.Refused, before)...)
	r.Plan.Refused = append(r.Plan.Refused, newlyRefused(next.Refused, r.Plan.Refused)...)
	r.Plan.Waiting = next.Waiting
	for _, w := range before {
		if gapAt(inv, w.Ref.Scope()) != nil {
			r.Plan.Waiting = append(r.Plan.Waiting, w) // Not seen is not done.
		}
	}
	r.Plan.Actions = slices.DeleteFunc(r.Plan.Actions, func(a plan.Action) bool { return isAmong(next.Actions, a) })
	r.Plan.Actions = append(r.Plan.Actions, next.Actions...)
	put := map[attempt]int{}
	r.Outcomes = slices.DeleteFunc(r.Outcomes, func(o Outcome) bool {
		again := isAmong(next.Actions, o.Action) && (o.Left != "" || o.Action.Verb == plan.Share)
		put[attemptOf(o.Action)] = o.puts
		return again
	})
	made := e.apply(ctx, next, inv)
	for i := range made {
		made[i].puts += put[attemptOf(made[i].Action)]
	}
	r.Outcomes = append(r.Outcomes, made...)
	r.Plan.Waiting = append(r.Plan.Waiting, waiting(made)...)
}

// isAmong reports whether an action is tried again by others.
func isAmong(actions []plan.Action, a plan.Action) bool {
	return slices.ContainsFunc(actions, func(o plan.Action) bool { return attemptOf(o) == attemptOf(a) })
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

// newlyRefused gives the copies that are refused and were not before.
func newlyRefused(verdicts, before []plan.Verdict) []plan.Verdict {
	var out []plan.Verdict
	for _, v := range verdicts {
		switch v.Reason.Code {
		case plan.CopyFailed, plan.NoRoute, plan.BadKey, plan.QuotaFull:
			if len(among([]plan.Verdict{v}, before)) == 0 {
				out = append(out, v)
			}
		default:
		}
	}
	return out
}

// attempt is what is tried once in a run: a snapshot of one resource under one
// policy, or one hop of a copy.
type attempt struct {
	from   dr.Ref
	policy string
	// verb, made and with are those of a hop; empty otherwise.
	verb plan.Verb
	made dr.Ref
	with string
}

// makes reports whether an action ends in a snapshot that has to become complete.
func makes(a plan.Action) bool {
	return a.Verb == plan.Create || a.Verb == plan.Promote || a.Verb == plan.Copy
}

// follows reports whether an action belongs to copies and is done while a run waits
// for them.
func follows(a plan.Action) bool {
	switch a.Verb {
	case plan.Copy, plan.Share, plan.Withdraw:
		return true
	case plan.Delete:
		return a.Claim.Stage != ""
	default:
		return false
	}
}

func attemptOf(a plan.Action) attempt {
	if follows(a) {
		return attempt{a.From, a.Claim.Policy, a.Verb, dr.Ref{Kind: a.From.Kind, Site: a.To, ID: a.Name}, a.With}
	}
	return attempt{from: a.From, policy: a.Claim.Policy}
}

// nowReady plans what had to wait and can be done now.
func (e *Engine) nowReady(inv dr.Inventory, r Report) plan.Plan {
	tried, unshared := triedIn(r), unsharedIn(r.Outcomes)
	limits := e.Limits
	limits.Keeping = true // No delete of it is used.
	p := plan.Build(e.Clock.Now(), e.File, inv, limits)
	p = plan.Withhold(p, plan.Check(p, e.File, inv))
	p = onlyAsked(p, r)
	fresh := p.Actions[:0]
	for _, a := range p.Actions {
		if (makes(a) || follows(a)) && !tried[attemptOf(a)] && !unshared.stops(a) {
			fresh = append(fresh, a)
		}
	}
	p.Actions = fresh
	return p
}

// onlyAsked leaves, where a person asked for snapshots, no more of a plan than the
// copies of these: what else is due is for the next run.
func onlyAsked(p plan.Plan, r Report) plan.Plan {
	slots := map[string]time.Time{}
	for _, o := range r.Outcomes {
		if o.Action.Reason.Code == plan.Asked && makes(o.Action) {
			slots[o.Action.Claim.Source] = o.Action.Claim.Slot
		}
	}
	if len(slots) == 0 {
		return p
	}
	p.Actions = slices.DeleteFunc(p.Actions, func(a plan.Action) bool {
		slot, asked := slots[a.Claim.Source]
		return !follows(a) || !asked || !slot.Equal(a.Claim.Slot)
	})
	others := func(v plan.Verdict) bool { _, asked := slots[v.Ref.Source()]; return !asked }
	p.Waiting = slices.DeleteFunc(p.Waiting, others)
	p.Refused = slices.DeleteFunc(p.Refused, others)
	return p
}

// putsOff is how often in a row AWS may put off a copy before a run that waits
// leaves it to the next one. What the plan itself puts off does not count: it sees
// the copies that have to end first.
const putsOff = 20

// triedIn gives what a run has tried and does not try again. A share that went well
// may be made again: the copy that it is for was put off, and somebody may have taken
// it back since.
func triedIn(r Report) map[attempt]bool {
	tried := map[attempt]bool{}
	for _, o := range r.Outcomes {
		again := o.Left != "" && o.puts < putsOff || o.Action.Verb == plan.Share && o.Err == nil
		if !again {
			tried[attemptOf(o.Action)] = true
		}
	}
	return tried
}

func unfinished(r Report) bool {
	for _, w := range r.Plan.Waiting {
		switch w.Reason.Code {
		case plan.Busy, plan.Copying, plan.CopyFollows, plan.CopySlots, plan.CopyRoom:
			return true
		default:
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
		o.Err = ended(o, s)
	}
	e.tell(Event{Kind: Settled, Outcome: *o, Err: o.Err})
}

// ended says that a snapshot or a copy came to nothing.
func ended(o *Outcome, s *dr.Snapshot) error {
	e := &store.Error{
		Doing: fmt.Sprintf("take snapshot %s of %s", o.Made.ID, o.Action.From), Fault: store.Unknown,
		Err:    fmt.Errorf("it ended %s", s.Status),
		Remedy: "look at the events of the database; the next run tries again under another name",
	}
	if o.Action.Verb == plan.Copy {
		e.Doing = fmt.Sprintf("copy %s to %s", o.Action.From, o.Action.To.Name)
		e.Remedy = "see whether the account may use the keys of the snapshot and of site " + o.Action.To.Name + "; it is tried again after a while"
	}
	return e
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
