package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// apply does the plan: first what services are to do by themselves, then what makes
// snapshots, then the shares and the copies that need them, then what deletes, snapshots first, then once more what a full quota had stopped,
// for which the deletes may have made room. One scope's trouble does not touch
// another's.
func (e *Engine) apply(ctx context.Context, p plan.Plan, inv dr.Inventory) []Outcome {
	st := stagesOf(p)
	out := make([]Outcome, len(p.Actions))
	for i, a := range p.Actions {
		out[i] = Outcome{Action: a}
	}
	e.create(ctx, st.settings, out)
	e.create(ctx, st.creates, out)
	e.create(ctx, st.shares, out)
	copies := e.shared(st, out)
	e.create(ctx, copies, out)
	e.delete(ctx, st.deletes, out, abroad(p, inv))
	e.retire(ctx, st.retired, out)
	for _, pause := range roomAfter {
		full := quotaStopped(slices.Concat(st.creates, copies), st.deletes, out)
		if len(full) == 0 || e.Clock.Sleep(ctx, pause) != nil {
			break
		}
		e.create(ctx, full, out)
	}
	for i := range out {
		out[i].putOffCopy()
	}
	return out
}

// stages are the indexes of a plan's actions in the order in which they are done.
// Settings come first: what is made before one is in force does not fall under it.
type stages struct{ settings, creates, shares, copies, deletes, retired []int }

func stagesOf(p plan.Plan) stages {
	var st stages
	for i, a := range p.Actions {
		switch a.Verb {
		case plan.Delete:
			st.deletes = append(st.deletes, i)
		case plan.Retire:
			st.retired = append(st.retired, i)
		case plan.Share, plan.Withdraw:
			st.shares = append(st.shares, i)
		case plan.Copy:
			st.copies = append(st.copies, i)
		case plan.Configure:
			st.settings = append(st.settings, i)
		case plan.Create, plan.Promote, plan.Adopt, plan.Hold, plan.Release:
			st.creates = append(st.creates, i)
		}
	}
	return st
}

// shared gives the copies that can be begun; those whose share failed are left for
// the next run.
func (e *Engine) shared(st stages, out []Outcome) []int {
	failed := unsharedIn(out)
	var ready []int
	for _, i := range st.copies {
		a := out[i].Action
		if !failed.stops(a) {
			ready = append(ready, i)
			continue
		}
		out[i].Left = "it could not be shared with account " + a.To.Account
		e.tell(Event{Kind: Ended, Outcome: out[i]})
	}
	return ready
}

// unshared are the shares that failed.
type unshared map[share]bool

type share struct {
	snapshot dr.Ref
	with     string
}

func unsharedIn(out []Outcome) unshared {
	failed := unshared{}
	for _, o := range out {
		if a := o.Action; a.Verb == plan.Share && o.Err != nil {
			failed[share{a.From, a.With}] = true
		}
	}
	return failed
}

// stops reports whether a copy cannot be begun for want of its share. That is told
// as the failure of the share.
func (u unshared) stops(a plan.Action) bool {
	return a.Verb == plan.Copy && u[share{a.From, a.To.Account}]
}

// scopeOf gives the scope in which the call of an action is made.
func scopeOf(a plan.Action) dr.Scope { return dr.Scope{Kind: a.From.Kind, Site: a.To} }

// roomAfter is how long to wait for the room that deletes make: what is being
// deleted still counts against the quota until it is gone.
var roomAfter = [...]time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}

// quotaStopped gives the creates that a full quota stopped in scopes where
// something has been deleted since.
func quotaStopped(creates, deletes []int, out []Outcome) []int {
	freed := map[dr.Scope]bool{}
	for _, i := range deletes {
		if out[i].Err == nil && out[i].Left == "" {
			freed[scopeOf(out[i].Action)] = true
		}
	}
	var full []int
	for _, i := range creates {
		if store.FaultOf(out[i].Err) == store.Quota && freed[scopeOf(out[i].Action)] {
			full = append(full, i)
		}
	}
	return full
}

// createBatch is how many snapshots are taken on one look, where a store has to
// look before it takes any. It bounds how old that look can be.
const createBatch = 50

// create does what makes snapshots, scope by scope; batch by batch where a store
// looks once for many, and all at once elsewhere.
func (e *Engine) create(ctx context.Context, creates []int, out []Outcome) {
	e.scopes(creates, out, func(scope dr.Scope, mine []int) {
		s, size := e.store(scope.Kind), len(mine)
		if s != nil && s.Batches() {
			size = createBatch
		}
		for batch := range slices.Chunk(mine, size) {
			var do store.Doer
			if s != nil {
				do = s.Begin(ctx, scope.Site, actionsOf(batch, out))
			}
			e.each(batch, func(i int) { out[i] = e.do(ctx, out[i].Action, do) })
		}
	})
}

func actionsOf(indexes []int, out []Outcome) []plan.Action {
	actions := make([]plan.Action, len(indexes))
	for n, i := range indexes {
		actions[n] = out[i].Action
	}
	return actions
}

// scopes calls f for every scope with the indexes of what belongs there, side by
// side.
func (e *Engine) scopes(indexes []int, out []Outcome, f func(scope dr.Scope, mine []int)) {
	// Sorted out first: f writes what says where an action belongs.
	byScope := map[dr.Scope][]int{}
	for _, i := range indexes {
		scope := scopeOf(out[i].Action)
		byScope[scope] = append(byScope[scope], i)
	}
	var g errgroup.Group
	for scope, mine := range byScope {
		g.Go(func() error { f(scope, mine); return nil })
	}
	_ = g.Wait() // Outcomes hold the failures.
}

// each calls f for every index, so many at a time as the engine allows at one site.
func (e *Engine) each(indexes []int, f func(i int)) {
	var g errgroup.Group
	g.SetLimit(cmp.Or(e.Parallel, 8))
	for _, i := range indexes {
		g.Go(func() error { f(i); return nil })
	}
	_ = g.Wait() // Outcomes hold the failures.
}

// do applies one action and tells of it. Without a way to do it there is no store of
// its kind.
func (e *Engine) do(ctx context.Context, a plan.Action, by store.Doer) Outcome {
	o := Outcome{Action: a}
	e.tell(Event{Kind: Began, Outcome: o})
	switch {
	case ctx.Err() != nil:
		o.Err = stopped(ctx, &store.Error{Doing: fmt.Sprintf("%s %s", a.Verb, a.Name), Fault: store.Stopped})
	case by == nil:
		o.Err = fmt.Errorf("%s %s: no store of kind %q", a.Verb, a.Name, a.From.Kind)
	default:
		o.Made, o.Err = by(ctx, a)
		o.Err = stopped(ctx, o.Err)
		o.putOff()
	}
	e.tell(Event{Kind: Ended, Outcome: o, Err: o.Err})
	return o
}

// stopped turns what a call gave because its context ended into words that say
// so: it is nobody's fault, and neither is the network.
func stopped(ctx context.Context, err error) error {
	var e *store.Error
	if ctx.Err() == nil || !errors.As(err, &e) || e.Fault != store.Stopped && e.Fault != store.Unreachable {
		return err
	}
	return &store.Error{
		Doing: e.Doing, Fault: store.Stopped, Err: ctx.Err(),
		Remedy: "run again; what was begun is found and goes on",
	}
}

// putOff leaves a snapshot for later when its resource was ready in the plan and
// is busy now: another policy's snapshot or another run came first. What a person
// asked for is not put off, since nobody would come back to it.
func (o *Outcome) putOff() {
	if o.Action.Verb == plan.Create && o.Action.Reason.Code != plan.Asked && store.FaultOf(o.Err) == store.Busy {
		o.Left, o.Err = "it has become busy; its snapshot is taken when that is over: "+store.Brief(o.Err), nil
	}
}

// putOffCopy leaves for later a copy for which AWS has no slot: others copy too, and
// their copies cannot all be seen.
func (o *Outcome) putOffCopy() {
	fault := store.FaultOf(o.Err)
	if o.Action.Verb == plan.Copy && (fault == store.Quota || fault == store.Busy) {
		o.Left, o.Err = "deferred: AWS takes no further copy there now: "+store.Brief(o.Err), nil
		o.puts++
	}
}

// waiting gives what was put off as the plan would have put it.
func waiting(out []Outcome) []plan.Verdict {
	var all []plan.Verdict
	for _, o := range out {
		if a := o.Action; a.Verb == plan.Copy && o.puts > 0 && o.puts < putsOff {
			all = append(all, plan.Verdict{
				Ref: a.From, Name: a.Of, Policy: a.Claim.Policy, Reason: plan.Reason{Code: plan.CopySlots, Text: o.Left},
			})
		} else if a.Verb == plan.Create && o.Left != "" {
			all = append(all, plan.Verdict{
				Ref: a.From, Name: a.From.ID, Policy: a.Claim.Policy, Reason: plan.Reason{Code: plan.Busy, Text: o.Left},
			})
		}
	}
	return all
}

// deleteBatch is how many snapshots are deleted on one last look. It bounds how
// old that look can be when the last of them goes.
const deleteBatch = 100

// delete deletes scope by scope and batch by batch, each after a last look at
// the scope's snapshots.
func (e *Engine) delete(ctx context.Context, deletes []int, out []Outcome, others []dr.Snapshot) {
	e.scopes(deletes, out, func(scope dr.Scope, mine []int) {
		for batch := range slices.Chunk(mine, deleteBatch) {
			e.deleteSome(ctx, scope, batch, out, others)
		}
	})
}

// deleteSome looks once more, page by page, whether each snapshot still carries
// the claim that the plan saw, nobody holds it and enough others remain; only
// then it is deleted. The look goes through the same check as the plan did.
func (e *Engine) deleteSome(ctx context.Context, scope dr.Scope, indexes []int, out []Outcome, others []dr.Snapshot) {
	s := e.store(scope.Kind)
	looks, err := e.lastLook(ctx, s, scope, actionsOf(indexes, out), others)
	var still []int
	for n, i := range indexes {
		switch {
		case err != nil:
			out[i].Err = err
		case looks[n].why != "":
			out[i].Left = looks[n].why
		default:
			out[i].Action.Members = looks[n].members
			still = append(still, i)
			continue
		}
		e.tell(Event{Kind: Ended, Outcome: out[i], Err: out[i].Err})
	}
	e.each(still, func(i int) { out[i] = e.do(ctx, out[i].Action, s.Apply) })
}
