package engine

import (
	"context"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// plan builds a plan on an inventory. Where a store lists snapshots without
// their tags, those that would be deleted are asked for them first, and those that
// alone can tell how long to keep what is left of a resource. The plan is built
// anew with what came out, until nothing is deleted on a presumption.
func (e *Engine) plan(ctx context.Context, inv *dr.Inventory) plan.Plan {
	asked := map[dr.Ref]bool{}
	for {
		p := plan.Build(e.Clock.Now(), e.File, *inv, e.Limits)
		if !e.confirm(ctx, p, inv, asked) {
			return plan.Withhold(p, plan.Check(p, e.File, *inv))
		}
	}
}

// confirm asks for the tags of what the plan would delete and of what tells a
// retention, and writes into the inventory what they say. It reports whether
// anything was asked.
func (e *Engine) confirm(ctx context.Context, p plan.Plan, inv *dr.Inventory, asked map[dr.Ref]bool) bool {
	presumed := map[dr.Ref]bool{}
	for _, a := range p.Actions {
		if s := e.store(a.From.Kind); a.Verb == plan.Delete && !asked[a.From] && s != nil && s.Presumes() {
			presumed[a.From] = true
			asked[a.From] = true
		}
	}
	for _, ref := range e.tellers(*inv) {
		if !asked[ref] {
			presumed[ref] = true
			asked[ref] = true
		}
	}
	if len(presumed) == 0 {
		return false
	}
	byScope, at := map[dr.Scope][]dr.Snapshot{}, map[dr.Ref]int{}
	for i := range inv.Snapshots {
		if s := inv.Snapshots[i]; presumed[s.Ref] {
			byScope[s.Ref.Scope()] = append(byScope[s.Ref.Scope()], s)
			at[s.Ref] = i
		}
	}
	for scope, snaps := range byScope {
		sure, err := e.store(scope.Kind).Confirm(ctx, scope.Site, snaps)
		if err != nil {
			inv.Add(dr.Inventory{Gaps: map[dr.Scope]error{scope: stopped(ctx, err)}})
			continue
		}
		for _, s := range sure {
			inv.Snapshots[at[s.Ref]] = s
		}
	}
	return true
}

// tellers gives the newest good snapshot of each resource whose policy stood in its
// tags and stands there no more, where the store presumes claims: a presumed one
// does not hold the retention.
func (e *Engine) tellers(inv dr.Inventory) []dr.Ref {
	newest, told := map[string]dr.Snapshot{}, map[string]bool{}
	for _, s := range inv.Snapshots {
		c := s.Claim
		if c.Owner != e.File.Namespace || c.Policy != policy.TagPolicyName || s.State != dr.Good {
			continue
		}
		told[c.Source] = told[c.Source] || c.Retention != ""
		if known := e.store(s.Ref.Kind); known == nil || !known.Presumes() {
			continue
		}
		if best, ok := newest[c.Source]; !ok || c.Slot.After(best.Claim.Slot) {
			newest[c.Source] = s
		}
	}
	if len(newest) == 0 {
		return nil
	}
	for _, r := range inv.Resources {
		if _, ok, _ := e.File.Stated(r); ok { // It tells by itself, or is condemned.
			told[r.Ref.Source()] = true
		}
	}
	var out []dr.Ref
	for source, s := range newest {
		if !told[source] {
			out = append(out, s.Ref)
		}
	}
	return out
}

// sure asks for the tags of those that are about to be deleted, where the listing
// does not hold them.
func (e *Engine) sure(ctx context.Context, s *store.Store, scope dr.Scope, fresh []dr.Snapshot, actions []plan.Action) ([]dr.Snapshot, error) {
	if !s.Presumes() {
		return fresh, nil
	}
	going := map[dr.Ref]bool{}
	for _, a := range actions {
		going[a.From] = true
	}
	var ask, rest []dr.Snapshot
	for _, snap := range fresh {
		if going[snap.Ref] {
			ask = append(ask, snap)
		} else {
			rest = append(rest, snap)
		}
	}
	known, err := s.Confirm(ctx, scope.Site, ask)
	return append(rest, known...), err
}
