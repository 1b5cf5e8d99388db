package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// retire deletes what restores replaced, scope by scope, each after a look at all that
// is there now. It is seldom, and what is deleted is a whole store: so nothing of the
// plan's own look is relied on.
func (e *Engine) retire(ctx context.Context, retired []int, out []Outcome) {
	e.scopes(retired, out, func(scope dr.Scope, mine []int) {
		var do store.Doer
		if s := e.store(scope.Kind); s != nil {
			do = s.Apply
			why, err := e.lastLookAtOld(ctx, s, scope, actionsOf(mine, out))
			mine = slices.DeleteFunc(mine, func(i int) bool {
				out[i].Left, out[i].Err = why[out[i].Action.From], err
				left := err != nil || out[i].Left != ""
				if left {
					e.tell(Event{Kind: Ended, Outcome: out[i], Err: err})
				}
				return left
			})
		}
		e.each(mine, func(i int) { out[i] = e.do(ctx, out[i].Action, do) })
	})
}

// lastLookAtOld reads a scope anew and says of each old one why it is left alone, if
// it is.
func (e *Engine) lastLookAtOld(ctx context.Context, s *store.Store, scope dr.Scope, actions []plan.Action) (map[dr.Ref]string, error) {
	fresh := s.Observe(ctx, scope.Site)
	if err := fresh.Gaps[scope]; err != nil {
		return nil, stopped(ctx, err)
	}
	if err := e.sureOfFinals(ctx, s, scope, &fresh, actions); err != nil {
		return nil, stopped(ctx, err)
	}
	why := map[dr.Ref]string{}
	for _, v := range plan.Check(plan.Plan{At: e.Clock.Now().UTC(), Actions: actions}, e.File, fresh) {
		if why[v.Action.From] == "" {
			why[v.Action.From] = v.Why
		}
	}
	return why, nil
}

// sureOfFinals asks for the tags of final snapshots, where the listing does not hold
// them.
func (e *Engine) sureOfFinals(ctx context.Context, s *store.Store, scope dr.Scope, inv *dr.Inventory, actions []plan.Action) error {
	if !s.Presumes() {
		return nil
	}
	sources := map[string]bool{}
	for _, a := range actions {
		sources[a.From.Source()] = true
	}
	var ask, rest []dr.Snapshot
	for _, snap := range inv.Snapshots {
		if snap.Claim.Policy == dr.PolicyFinal && sources[snap.Claim.Source] {
			ask = append(ask, snap)
		} else {
			rest = append(rest, snap)
		}
	}
	known, err := s.Confirm(ctx, scope.Site, ask)
	inv.Snapshots = slices.Concat(rest, known)
	return err
}

// KeptOld is an old one that a restore replaced and that is kept for a while.
type KeptOld struct {
	Ref dr.Ref `json:"resource"`
	// Name is what people call it, and Status the service's own word.
	Name   string `json:"name"`
	Status string `json:"status,omitempty"`
	// Until is when it is deleted, as its tag says it; ReplacedBy has its place.
	Until      string `json:"until"`
	ReplacedBy string `json:"replaced_by"`
}

// KeptOnes gives what restores of this installation replaced and what is still there.
func (e *Engine) KeptOnes(inv dr.Inventory) []KeptOld {
	var out []KeptOld
	for i := range inv.Resources {
		r := &inv.Resources[i]
		if until := r.Tags[dr.TagExpires]; until != "" && r.Tags[dr.TagKeeper] == e.File.Namespace {
			out = append(out, KeptOld{Ref: r.Ref, Name: r.Name, Status: r.Status, Until: until, ReplacedBy: r.Tags[dr.TagReplaced]})
		}
	}
	slices.SortFunc(out, func(a, b KeptOld) int { return cmp.Or(strings.Compare(a.Until, b.Until), a.Ref.Compare(b.Ref)) })
	return out
}

const (
	// retireLooks is how many looks in a row may show nothing of what a restore
	// replaced before there is nothing: what a service lists can lag behind.
	retireLooks = 4
	// retireTries is how many looks in a row may fail, or find that its tags do not
	// show yet.
	retireTries = 60
	// finalTries is how many final snapshots of one old one are tried.
	finalTries = 3
)

// RetireNow deletes what a finished restore replaced, without waiting for a run: it
// takes the final snapshots, waits for them, and deletes, by the plans that runs are
// made of. Whoever stops it leaves the rest to the next run.
func (e *Engine) RetireNow(ctx context.Context, r Restoring, poll time.Duration) error {
	s := e.store(r.Kind)
	if s == nil {
		return fmt.Errorf("%s: %w", r.Kind, errNoRestore)
	}
	w := retiring{Engine: e, s: s, of: r, until: r.Request.Begun.Add(r.Request.KeepOld).UTC().Format(time.RFC3339), seen: map[dr.Ref]bool{}}
	for {
		if over, err := w.step(ctx); over || err != nil {
			return err
		}
		if err := e.Clock.Sleep(ctx, poll); err != nil {
			return &store.Error{Doing: "delete what " + r.Request.Name + " replaced", Fault: store.Stopped, Err: err, Remedy: "the next `holdfast run` goes on with it"}
		}
	}
}

// retiring is what one process knows of what it retires.
type retiring struct {
	*Engine
	s     *store.Store
	of    Restoring
	until string
	// seen are the old ones that were ever seen; gone counts the looks in a row that
	// showed none, blind those that failed, left the deletes that a last look stopped, and
	// tries the final snapshots.
	seen                     map[dr.Ref]bool
	gone, blind, left, tries int
}

// step looks and does what can be done now.
func (w *retiring) step(ctx context.Context) (over bool, err error) {
	scope := dr.Scope{Kind: w.of.Kind, Site: w.of.Site}
	inv := w.s.Observe(ctx, scope.Site)
	inv.Sites = []dr.Site{scope.Site}
	if err := inv.Gaps[scope]; err != nil {
		w.blind++
		if w.blind >= retireTries || ctx.Err() != nil {
			return false, stopped(ctx, err)
		}
		return false, nil
	}
	mine := w.mine(inv)
	if len(mine) == 0 {
		return w.nothingLeft()
	}
	w.gone, w.blind = 0, 0
	p := plan.Retiring(w.Clock.Now(), w.File, inv, mine...)
	p = plan.Withhold(p, plan.Check(p, w.File, inv))
	if len(p.Refused) > 0 {
		v := p.Refused[0]
		return false, &store.Error{Doing: "delete " + v.Name, Fault: store.Conflict, Err: fmt.Errorf("%s", v.Reason), Remedy: v.Remedy}
	}
	if w.tries += p.Count(plan.Create); w.tries > finalTries*len(w.seen) {
		return false, &store.Error{
			Doing: "take the final snapshot of " + p.Actions[0].Of, Fault: store.Unknown, Err: fmt.Errorf("%d tries failed", finalTries),
			Remedy: "look at the events of the database; the next `holdfast run` tries again",
		}
	}
	for _, o := range w.apply(ctx, p, inv) {
		if o.Err != nil {
			return false, o.Err
		}
		if o.Left != "" {
			if w.left++; w.left >= retireTries {
				return false, &store.Error{Doing: "delete " + o.Action.Name, Fault: store.Conflict, Err: fmt.Errorf("it is left alone each time: %s", o.Left)}
			}
		}
	}
	return false, nil
}

// mine gives the old ones that the restore left, by what their tags say.
func (w *retiring) mine(inv dr.Inventory) []dr.Ref {
	var out []dr.Ref
	for i := range inv.Resources {
		r := &inv.Resources[i]
		if r.Ref.Site == w.of.Site && r.Tags[dr.TagExpires] == w.until && r.Tags[dr.TagKeeper] == w.File.Namespace {
			out = append(out, r.Ref)
			w.seen[r.Ref] = true
		}
	}
	return out
}

// nothingLeft decides, when no old one shows, whether that is the end.
func (w *retiring) nothingLeft() (over bool, err error) {
	w.gone++
	if len(w.seen) > 0 {
		return w.gone >= retireLooks, nil
	}
	if w.gone < retireTries {
		return false, nil // Its tags may show late.
	}
	return true, &store.Error{
		Doing: "delete what " + w.of.Request.Name + " replaced", Fault: store.NotFound,
		Err:    fmt.Errorf("no %s bears the tag %s=%s", w.of.Kind, dr.TagExpires, w.until),
		Remedy: "`holdfast restore list` shows what is kept; the next `holdfast run` deletes it",
	}
}
