// Package engine is the loop: observe every site, plan, check the plan, apply it.
// It holds no state between runs; all that a decision needs is read anew.
package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Clock tells the time and lets it pass.
type Clock interface {
	Now() time.Time
	// Sleep waits, or returns the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// Engine runs policies against sites.
type Engine struct {
	File   policy.File
	Stores []*store.Store
	// Reach makes sure of a site before it is used, and fills in its account.
	Reach  func(ctx context.Context, site dr.Site) (dr.Site, error)
	Clock  Clock
	Limits plan.Limits
	// Account looks at keys and quotas; nil where nobody may.
	Account Account
	// Checks checks the data of restored stores; nil where nobody can.
	Checks Checker
	// Watch is told what happens, by one goroutine at a time. It may be nil.
	Watch func(Event)
	// Parallel bounds the calls that change something at one site at a time; 0
	// means 8.
	Parallel int

	watching sync.Mutex
}

// RunOnce brings what is there in line with the policies. It goes on past what
// fails; the report says what did.
func (e *Engine) RunOnce(ctx context.Context) Report {
	p, inv := e.Plan(ctx)
	r := Report{Plan: p, Inventory: inv, Outcomes: e.apply(ctx, p, inv)}
	r.Plan.Waiting = append(r.Plan.Waiting, waiting(r.Outcomes)...)
	return r
}

// Plan observes, plans and checks the plan; it changes nothing.
func (e *Engine) Plan(ctx context.Context) (plan.Plan, dr.Inventory) {
	inv := e.Observe(ctx)
	p := e.plan(ctx, &inv)
	e.tell(Event{Kind: Planned, Plan: p})
	return p, inv
}

// Observe reads every kind of store at every site, side by side. What cannot be
// read is a gap in the inventory.
func (e *Engine) Observe(ctx context.Context) dr.Inventory {
	var mu sync.Mutex
	var inv dr.Inventory
	var g errgroup.Group
	for _, known := range e.File.Sites {
		g.Go(func() error {
			seen := e.observeSite(ctx, known.Site)
			mu.Lock()
			defer mu.Unlock()
			inv.Add(seen)
			return nil
		})
	}
	_ = g.Wait() // Failures are gaps.
	e.lookAtKeys(ctx, &inv)
	return inv
}

func (e *Engine) observeSite(ctx context.Context, site dr.Site) dr.Inventory {
	if site.Vault != "" {
		return e.observeStores(ctx, site, dr.Inventory{Sites: []dr.Site{site}})
	}
	confirmed, err := e.Reach(ctx, site)
	if err != nil {
		err = stopped(ctx, err)
		inv := dr.Inventory{Gaps: map[dr.Scope]error{}}
		for _, s := range e.WantedAt(site) {
			scope := dr.Scope{Kind: s.Kind(), Site: site}
			inv.Gaps[scope] = err
			e.tell(Event{Kind: Observed, Scope: scope, Err: err})
		}
		return inv
	}
	inv := dr.Inventory{Sites: []dr.Site{confirmed}}
	if e.Account != nil {
		inv.Quotas = e.Account.Quotas(ctx, e.Clock.Now(), confirmed, e.File.Wants)
	}
	return e.observeStores(ctx, confirmed, inv)
}

// observeStores adds what the stores of a site show.
func (e *Engine) observeStores(ctx context.Context, site dr.Site, inv dr.Inventory) dr.Inventory {
	for _, s := range e.WantedAt(site) {
		scope := dr.Scope{Kind: s.Kind(), Site: site}
		seen := s.Observe(ctx, site)
		if err := seen.Gaps[scope]; err != nil {
			seen.Gaps[scope] = stopped(ctx, err)
		}
		inv.Add(seen)
		e.tell(Event{Kind: Observed, Scope: scope, Err: seen.Gaps[scope], Resources: len(seen.Resources), Snapshots: len(seen.Snapshots)})
	}
	return inv
}

// Take takes the snapshots that a person asks for, and nothing else.
func (e *Engine) Take(ctx context.Context, inv dr.Inventory, wishes ...plan.Wish) Report {
	p := plan.Ask(e.Clock.Now(), e.File, inv, wishes...)
	p = plan.Withhold(p, plan.Check(p, e.File, inv))
	e.tell(Event{Kind: Planned, Plan: p})
	return Report{Plan: p, Inventory: inv, Outcomes: e.apply(ctx, p, inv)}
}

// Carry checks and applies a plan that was made elsewhere from an inventory of
// this engine.
func (e *Engine) Carry(ctx context.Context, p plan.Plan, inv dr.Inventory) Report {
	p = plan.Withhold(p, plan.Check(p, e.File, inv))
	e.tell(Event{Kind: Planned, Plan: p})
	return Report{Plan: p, Inventory: inv, Outcomes: e.apply(ctx, p, inv)}
}

// Wanted gives the stores that the policies can be about.
func (e *Engine) Wanted() []*store.Store {
	var out []*store.Store
	for _, s := range e.Stores {
		if e.File.Wants(s.Kind()) {
			out = append(out, s)
		}
	}
	return out
}

// WantedAt gives those of them that can be at a site.
func (e *Engine) WantedAt(site dr.Site) []*store.Store {
	return slices.DeleteFunc(e.Wanted(), func(s *store.Store) bool { return !s.Lives(site) })
}

// Mark sets or lifts a person's hold on a snapshot.
func (e *Engine) Mark(ctx context.Context, verb plan.Verb, s dr.Snapshot) Outcome {
	var do store.Doer
	if known := e.store(s.Ref.Kind); known != nil {
		do = known.Apply
	}
	return e.do(ctx, plan.Action{
		Verb: verb, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim, Taken: s.Taken,
		Reason: plan.Reason{Code: plan.Asked, Text: "asked for"},
	}, do)
}

func (e *Engine) store(k dr.Kind) *store.Store {
	for _, s := range e.Stores {
		if s.Kind() == k {
			return s
		}
	}
	return nil
}
