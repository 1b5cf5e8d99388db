package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	e.each(creates, out, func(i int) { out[i] = e.do(ctx, p.Actions[i]) })
	e.delete(ctx, deletes, out)
	for _, pause := range roomAfter {
		full := quotaStopped(creates, deletes, out)
		if len(full) == 0 || e.Clock.Sleep(ctx, pause) != nil {
			break
		}
		e.each(full, out, func(i int) { out[i] = e.do(ctx, p.Actions[i]) })
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

// each calls f for every index, scopes side by side and within a scope so many
// at a time as the engine allows.
func (e *Engine) each(indexes []int, out []Outcome, f func(i int)) {
	// Sorted out first: f writes what says where an action belongs.
	byScope := map[dr.Scope][]int{}
	for _, i := range indexes {
		scope := out[i].Action.From.Scope()
		byScope[scope] = append(byScope[scope], i)
	}
	var outer errgroup.Group
	for _, mine := range byScope {
		outer.Go(func() error {
			var g errgroup.Group
			g.SetLimit(cmp.Or(e.Parallel, 8))
			for _, i := range mine {
				g.Go(func() error { f(i); return nil })
			}
			return g.Wait()
		})
	}
	_ = outer.Wait() // Outcomes hold the failures.
}

// do applies one action and tells of it.
func (e *Engine) do(ctx context.Context, a plan.Action) Outcome {
	o := Outcome{Action: a}
	e.tell(Event{Kind: Began, Outcome: o})
	s := e.store(a.From.Kind)
	switch {
	case ctx.Err() != nil:
		o.Err = stopped(ctx, &store.Error{Doing: fmt.Sprintf("%s %s", a.Verb, a.Name), Fault: store.Stopped})
	case s == nil:
		o.Err = fmt.Errorf("%s %s: no store of kind %q", a.Verb, a.Name, a.From.Kind)
	default:
		o.Made, o.Err = s.Apply(ctx, a)
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
	byScope := map[dr.Scope][]int{}
	for _, i := range deletes {
		s := out[i].Action.From.Scope()
		byScope[s] = append(byScope[s], i)
	}
	var g errgroup.Group
	for scope, indexes := range byScope {
		g.Go(func() error {
			for len(indexes) > 0 {
				n := min(len(indexes), deleteBatch)
				e.deleteSome(ctx, scope, indexes[:n], out)
				indexes = indexes[n:]
			}
			return nil
		})
	}
	_ = g.Wait() // Outcomes hold the failures.
}

// deleteSome looks once more, page by page, whether each snapshot still carries
// the claim that the plan saw, nobody holds it and enough others remain; only
// then it is deleted. The look goes through the same check as the plan did.
func (e *Engine) deleteSome(ctx context.Context, scope dr.Scope, indexes []int, out []Outcome) {
	actions := make([]plan.Action, len(indexes))
	for n, i := range indexes {
		actions[n] = out[i].Action
	}
	objections, err := e.lastLook(ctx, scope, actions)
	var still []int
	for _, i := range indexes {
		why, objected := objections[out[i].Action.From]
		switch {
		case err != nil:
			out[i].Err = err
		case objected:
			out[i].Left = why
		default:
			still = append(still, i)
			continue
		}
		e.tell(Event{Kind: Ended, Outcome: out[i], Err: out[i].Err})
	}
	e.each(still, out, func(i int) { out[i] = e.do(ctx, out[i].Action) })
}

func (e *Engine) lastLook(ctx context.Context, scope dr.Scope, actions []plan.Action) (map[dr.Ref]string, error) {
	s := e.store(scope.Kind)
	if s == nil {
		return nil, fmt.Errorf("delete %s snapshots: no such store", scope.Kind)
	}
	fresh, err := s.Snapshots(ctx, scope.Site)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	if fresh, err = e.sure(ctx, s, scope, fresh, actions); err != nil {
		return nil, stopped(ctx, err)
	}
	objections := map[dr.Ref]string{}
	for _, v := range plan.Check(plan.Plan{Actions: actions}, e.File, dr.Inventory{Snapshots: fresh}) {
		why := v.Why
		if v.Missing {
			why = "it is gone already"
		}
		if _, told := objections[v.Action.From]; !told {
			objections[v.Action.From] = why // The first is the plainest.
		}
	}
	return objections, nil
}
