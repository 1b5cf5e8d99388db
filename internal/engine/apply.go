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

// apply does the plan: first what makes snapshots, then what deletes them, then
// once more what a full quota had stopped, for which the deletes may have made
// room. One scope's trouble does not touch another's.
func (e *Engine) apply(ctx context.Context, p plan.Plan) []Outcome {
	var creates, deletes []int
	for i, a := range p.Actions {
		if a.Verb == plan.Delete {
			deletes = append(deletes, i)
		} else {
			creates = append(creates, i)
		}
	}
	out := make([]Outcome, len(p.Actions))
	for i, a := range p.Actions {
		out[i] = Outcome{Action: a}
	}
	e.create(ctx, creates, out)
	e.delete(ctx, deletes, out)
	for _, pause := range roomAfter {
		full := quotaStopped(creates, deletes, out)
		if len(full) == 0 || e.Clock.Sleep(ctx, pause) != nil {
			break
		}
		e.create(ctx, full, out)
	}
	return out
}

// roomAfter is how long to wait for the room that deletes make: what is being
// deleted still counts against the quota until it is gone.
var roomAfter = [...]time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second}

// quotaStopped gives the creates that a full quota stopped in scopes where
// something has been deleted since.
func quotaStopped(creates, deletes []int, out []Outcome) []int {
	freed := map[dr.Scope]bool{}
	for _, i := range deletes {
		if out[i].Err == nil && out[i].Left == "" {
			freed[out[i].Action.From.Scope()] = true
		}
	}
	var full []int
	for _, i := range creates {
		if store.FaultOf(out[i].Err) == store.Quota && freed[out[i].Action.From.Scope()] {
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
		scope := out[i].Action.From.Scope()
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

// waiting gives what was put off as the plan would have put it.
func waiting(out []Outcome) []plan.Verdict {
	var all []plan.Verdict
	for _, o := range out {
		if a := o.Action; a.Verb == plan.Create && o.Left != "" {
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
func (e *Engine) delete(ctx context.Context, deletes []int, out []Outcome) {
	e.scopes(deletes, out, func(scope dr.Scope, mine []int) {
		for batch := range slices.Chunk(mine, deleteBatch) {
			e.deleteSome(ctx, scope, batch, out)
		}
	})
}

// deleteSome looks once more, page by page, whether each snapshot still carries
// the claim that the plan saw, nobody holds it and enough others remain; only
// then it is deleted. The look goes through the same check as the plan did.
func (e *Engine) deleteSome(ctx context.Context, scope dr.Scope, indexes []int, out []Outcome) {
	s := e.store(scope.Kind)
	looks, err := e.lastLook(ctx, s, scope, actionsOf(indexes, out))
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
