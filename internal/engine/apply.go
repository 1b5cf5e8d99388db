package engine

import (
	"cmp"
	"context"
	"fmt"

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
	deleted := e.delete(ctx, deletes, out)
	if full := quotaStopped(creates, out); deleted && len(full) > 0 {
		e.each(full, out, func(i int) { out[i] = e.do(ctx, p.Actions[i]) })
	}
	return out
}

func quotaStopped(creates []int, out []Outcome) []int {
	var full []int
	for _, i := range creates {
		if store.FaultOf(out[i].Err) == store.Quota {
			full = append(full, i)
		}
	}
	return full
}

// each calls f for every index, scopes side by side and within a scope so many
// at a time as the engine allows.
func (e *Engine) each(indexes []int, out []Outcome, f func(i int)) {
	groups := map[dr.Scope]*errgroup.Group{}
	for _, i := range indexes {
		scope := out[i].Action.From.Scope()
		g := groups[scope]
		if g == nil {
			g = &errgroup.Group{}
			groups[scope] = g
		}
	}
	var outer errgroup.Group
	for scope, g := range groups {
		g.SetLimit(cmp.Or(e.Parallel, 8))
		outer.Go(func() error {
			for _, i := range indexes {
				if out[i].Action.From.Scope() == scope {
					g.Go(func() error { f(i); return nil })
				}
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
		o.Err = &store.Error{
			Doing: fmt.Sprintf("%s %s", a.Verb, a.Name), Fault: store.Stopped,
			Remedy: "run again; what was begun is found and goes on", Err: ctx.Err(),
		}
	case s == nil:
		o.Err = fmt.Errorf("%s %s: no store of kind %q", a.Verb, a.Name, a.From.Kind)
	default:
		o.Made, o.Err = s.Apply(ctx, a)
	}
	e.tell(Event{Kind: Ended, Outcome: o, Err: o.Err})
	return o
}

// deleteBatch is how many snapshots are deleted on one last look. It bounds how
// old that look can be when the last of them goes.
const deleteBatch = 100

// delete deletes scope by scope and batch by batch, each after a last look at
// the scope's snapshots.
func (e *Engine) delete(ctx context.Context, deletes []int, out []Outcome) (any bool) {
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
	for _, i := range deletes {
		any = any || out[i].Err == nil && out[i].Left == ""
	}
	return any
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
		return nil, err
	}
	objections := map[dr.Ref]string{}
	for _, v := range plan.Check(plan.Plan{Actions: actions}, e.File, dr.Inventory{Snapshots: fresh}) {
		why := v.Why
		if v.Missing {
			why = "it is gone already"
		}
		objections[v.Action.From] = why
	}
	return objections, nil
}
