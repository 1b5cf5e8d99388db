package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-dr/holdfast/internal/check"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Checker checks the data of restored stores.
type Checker interface {
	// Ready makes sure that a check can be made of such a store.
	Ready(ctx context.Context, c policy.Check, t check.Target) error
	// Run makes it, waiting until the store answers.
	Run(ctx context.Context, c policy.Check, t check.Target) error
}

// checksOf gives the checks of the policy that a snapshot was taken for.
func (e *Engine) checksOf(s dr.Snapshot) []policy.Check {
	p, _ := e.File.Policy(s.Claim.Policy)
	return p.Checks
}

// withChecks gives a restore the checks that it was asked for with, and their step the
// time that they may take. Where the file has others by now, it has none: it cannot be
// run then.
func (e *Engine) withChecks(r Restoring) Restoring {
	checks := e.checksOf(r.Request.From)
	if r.Request.Checks == "" || policy.Digest(checks) != r.Request.Checks {
		return r
	}
	r.Checks = checks
	lasts := 10 * time.Minute // To find out where it answers.
	for _, c := range checks {
		lasts += c.Within
	}
	r.Saga.Steps = slices.Clone(r.Saga.Steps)
	for i := range r.Saga.Steps {
		if st := &r.Saga.Steps[i]; st.Op == store.OpCheck {
			st.Deadline = max(st.Deadline, lasts)
		}
	}
	return r
}

// noteChecks tells a person beforehand what will be known of the data.
func (e *Engine) noteChecks(ctx context.Context, r *Restoring, skip bool) {
	name := r.Request.From.Claim.Policy
	switch {
	case skip && len(e.checksOf(r.Request.From)) > 0:
		r.Notes = append(r.Notes, "the checks of policy "+name+" are skipped: only that the new one answers AWS is known")
	case len(r.Checks) == 0:
		r.Notes = append(r.Notes, "policy "+name+" has no checks: only that the new one answers AWS is known")
	}
	if err := e.ready(ctx, *r); err != nil {
		r.Notes = append(r.Notes, "it cannot be begun from here as it is: "+err.Error())
	}
}

// checks reports whether anything is checked: what nobody can ask, such as a volume,
// has no such step, and the plan says so.
func checks(r Restoring) bool {
	return slices.ContainsFunc(r.Saga.Steps, func(st saga.Step) bool { return st.Op == store.OpCheck })
}

// ready makes sure that all checks of a restore can be made.
func (e *Engine) ready(ctx context.Context, r Restoring) error {
	if !checks(r) {
		return nil
	}
	if len(r.Checks) > 0 && e.Checks == nil {
		return errors.New("nobody is there to make the checks")
	}
	for _, c := range r.Checks {
		if err := e.Checks.Ready(ctx, c, check.Target{Site: r.Site, Settings: r.Request.Settings}); err != nil {
			return err
		}
	}
	return nil
}

// checkable refuses to run a restore whose checks could not be made, or are not those
// that it was begun with, before anything is changed. One that is past its checks may
// go on.
func (e *Engine) checkable(ctx context.Context, r Restoring) error {
	if r.Request.Checks == "" || !checks(r) || e.pastPivot(ctx, r) {
		return nil
	}
	if len(r.Checks) == 0 {
		return &store.Error{
			Doing: "go on with restore " + r.Request.ID, Fault: store.Invalid,
			Remedy: "put the checks back as they were, or take the restore back: `holdfast restore abort " + r.Request.ID + "`",
			Err:    fmt.Errorf("it was begun with other checks than policy %s has now", r.Request.From.Claim.Policy),
		}
	}
	if err := e.ready(ctx, r); err != nil {
		return &store.Error{
			Doing: "prepare the checks of restore " + r.Request.ID, Fault: store.Invalid,
			Remedy: "`holdfast check` shows what of the checks' credentials can be read; --skip-checks restores without them", Err: flat(err),
		}
	}
	return nil
}

// pastPivot reports whether a restore has begun its pivot, after which nothing is
// checked any more.
func (e *Engine) pastPivot(ctx context.Context, r Restoring) bool {
	i := slices.IndexFunc(r.Saga.Steps, func(st saga.Step) bool { return st.Pivot })
	if i < 0 {
		return false
	}
	restorer, _, err := e.restorer(r.Kind)
	if err != nil {
		return false
	}
	w, err := restorer.Worker(ctx, r.Site)
	if err != nil {
		return false
	}
	p, err := w.Probe(ctx, r.Saga.Steps[i])
	return err == nil && (p.State == saga.Done || p.State == saga.Underway)
}

// checking is a driver's worker that also does the steps that check data.
type checking struct {
	saga.Worker
	check func(ctx context.Context, name string) error
	// passed are the steps that this process has seen pass. Nothing else counts: another
	// process checks anew.
	passed map[string]bool
}

// Probe looks how far a step has come.
func (w *checking) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	switch {
	case st.Op != store.OpCheck:
		return w.Worker.Probe(ctx, st)
	case w.passed[st.Name]:
		return saga.Progress{State: saga.Done, Note: "passed"}, nil
	default:
		return saga.Progress{State: saga.NotBegun}, nil
	}
}

// Do begins a step; a check it sees to its end.
func (w *checking) Do(ctx context.Context, st saga.Step) error {
	if st.Op != store.OpCheck {
		return w.Worker.Do(ctx, st)
	}
	if err := w.check(ctx, st.Args["name"]); err != nil {
		return err
	}
	w.passed[st.Name] = true
	return nil
}

// Undo begins to take a step back. A check leaves nothing.
func (w *checking) Undo(ctx context.Context, st saga.Step) error {
	if st.Op != store.OpCheck {
		return w.Worker.Undo(ctx, st)
	}
	return nil
}

// Undone looks whether nothing of a step is left.
func (w *checking) Undone(ctx context.Context, st saga.Step) (bool, error) {
	if st.Op != store.OpCheck {
		return w.Worker.Undone(ctx, st)
	}
	return true, nil
}

// checked gives a driver's worker that checks data as well.
func (e *Engine) checked(w saga.Worker, r Restoring, find func(ctx context.Context, site dr.Site, name string) (store.Endpoint, error)) saga.Worker {
	return &checking{Worker: w, passed: map[string]bool{}, check: func(ctx context.Context, name string) error {
		at, err := e.endpoint(ctx, func(ctx context.Context) (store.Endpoint, error) { return find(ctx, r.Site, name) })
		if err != nil {
			return fmt.Errorf("find out where %s answers: %w", name, err)
		}
		t := check.Target{
			Site: r.Site, Endpoint: at, Settings: r.Request.Settings,
			Renamed: r.Request.InPlace && name == r.Request.Name,
		}
		for _, c := range r.Checks {
			if err := e.Checks.Run(ctx, c, t); err != nil {
				if ctx.Err() != nil {
					return err
				}
				return &store.Error{
					Doing: "check the data of " + name, Fault: store.Invalid, Err: flat(err),
					Remedy: "choose another recovery point with --from, correct the check in the policy file, or restore with --skip-checks",
				}
			}
		}
		return nil
	}}
}

const (
	// endpointTries and endpointPause are how often, and after how long, it is asked
	// again where a store answers: what was just made or renamed may not be seen at once.
	endpointTries = 8
	endpointPause = 15 * time.Second
)

func (e *Engine) endpoint(ctx context.Context, find func(context.Context) (store.Endpoint, error)) (store.Endpoint, error) {
	for n := 1; ; n++ {
		at, err := find(ctx)
		if err == nil || n == endpointTries {
			return at, err
		}
		if e.Clock.Sleep(ctx, endpointPause) != nil {
			return at, err
		}
	}
}

// flat keeps the words of an error alone. A deadline or a refusal of the store's own
// must not be taken for one of AWS.
func flat(err error) error { return errors.New(err.Error()) }
