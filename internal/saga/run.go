package saga

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Runner runs sagas.
type Runner struct {
	Worker Worker
	Clock  Clock
	// Poll is how often a step is looked at while it is under way; 0 means 15 s.
	Poll time.Duration
	// Watch is told what happens, from the goroutine that runs the saga. It may be
	// nil. It cannot fail: an alert that cannot be sent does not stop a rollback.
	Watch func(Event)
	// Temporary says whether what a Do gave is worth another try; nil means never.
	Temporary func(error) bool
}

const (
	defaultPoll = 15 * time.Second
	// blindLooks is how many looks in a row may fail before a step has failed. Each
	// has been tried several times by then.
	blindLooks = 20
	// tries is how often a step is begun whose beginning failed for a while.
	tries = 3
)

// errHung: a step took longer than it may.
var errHung = errors.New("it took longer than it may")

// Run runs a saga, or resumes it. A step that fails before the pivot is begun has
// all undone, also when the context has ended meanwhile. When the context ends while
// nothing has failed, the saga stops where it is.
func (r *Runner) Run(ctx context.Context, s Saga) Result {
	if err := s.Validate(); err != nil {
		return Result{Outcome: Stopped, Err: err}
	}
	at, err := r.find(ctx, s)
	if err != nil {
		return Result{Outcome: Stopped, Err: err}
	}
	for ; at < len(s.Steps); at++ {
		if ctx.Err() != nil {
			return Result{Outcome: Stopped, Step: s.Steps[at], Err: ctx.Err()}
		}
		if err := r.step(ctx, s, at); err != nil {
			return r.fail(ctx, s, at, err)
		}
	}
	return Result{Outcome: Finished}
}

// Abort undoes all that there is of a saga, unless its pivot has been begun.
func (r *Runner) Abort(ctx context.Context, s Saga) Result {
	if err := s.Validate(); err != nil {
		return Result{Outcome: Stopped, Err: err}
	}
	at, err := r.find(ctx, s)
	if err != nil {
		return Result{Outcome: Stopped, Err: err}
	}
	at = min(at, len(s.Steps)-1)
	if committed(s, at) {
		if p, err := r.Worker.Probe(ctx, s.Steps[pivot(s)]); err != nil || p.State == Done || p.State == Underway {
			return Result{Outcome: Stopped, Step: s.Steps[at], Err: errors.New("it has gone too far to be undone; resume it"), UndoErr: err}
		}
	}
	return r.undo(ctx, s, at, nil)
}

func pivot(s Saga) int { return slices.IndexFunc(s.Steps, func(st Step) bool { return st.Pivot }) }

// committed reports whether a step is the pivot or comes after it.
func committed(s Saga, at int) bool {
	p := pivot(s)
	return p >= 0 && at >= p
}

// find looks, from the last step back, for the furthest that is done or under way,
// and gives the first that is not done. Steps follow one another, so what is done
// later says that all before it was done.
func (r *Runner) find(ctx context.Context, s Saga) (int, error) {
	for i, st := range slices.Backward(s.Steps) {
		p, err := r.look(ctx, st)
		var never *HopelessError
		switch {
		case errors.As(err, &never):
			return i, nil // It was begun; running it says what is wrong.
		case err != nil:
			return 0, &StepError{s.ID, st.Name, fmt.Errorf("look how far it has come: %w", err)}
		case st.Looks:
		case p.State == Done:
			r.tell(Event{Kind: Found, Saga: s, Index: i, Step: st, Progress: p})
			return i + 1, nil
		case p.State == Underway:
			return i, nil
		}
	}
	return 0, nil
}

// look probes a step, some times over when it cannot be seen.
func (r *Runner) look(ctx context.Context, st Step) (Progress, error) {
	for n := 1; ; n++ {
		p, err := r.Worker.Probe(ctx, st)
		var never *HopelessError
		if err == nil || errors.As(err, &never) || n >= tries {
			return p, err
		}
		if r.Clock.Sleep(ctx, r.poll()) != nil {
			return p, err
		}
	}
}

// step begins a step, unless it has begun, and waits for its end.
func (r *Runner) step(ctx context.Context, s Saga, at int) error {
	st := s.Steps[at]
	begun := r.Clock.Now()
	limit, cancel := context.WithTimeoutCause(ctx, st.deadline(), errHung)
	defer cancel()
	p, err := r.look(limit, st)
	for err == nil && p.State == NotYet {
		r.tell(Event{Kind: Went, Saga: s, Index: at, Step: st, Progress: p, Elapsed: r.Clock.Now().Sub(begun)})
		if err = r.Clock.Sleep(limit, r.poll()); err == nil {
			p, err = r.look(limit, st)
		}
	}
	if err == nil && p.State == NotBegun {
		r.tell(Event{Kind: Began, Saga: s, Index: at, Step: st})
		err = r.do(limit, st)
	}
	if err == nil {
		err = r.wait(limit, s, at, begun)
	}
	if err == nil {
		r.tell(Event{Kind: Ended, Saga: s, Index: at, Step: st, Elapsed: r.Clock.Now().Sub(begun)})
		return nil
	}
	if cause := context.Cause(limit); errors.Is(cause, errHung) {
		err = fmt.Errorf("%w (%s): %w", errHung, st.deadline(), err)
	}
	return &StepError{s.ID, st.Name, err}
}

// do begins a step. An error does not say that nothing was begun: that is looked at.
func (r *Runner) do(ctx context.Context, st Step) error {
	for n := 1; ; n++ {
		err := r.Worker.Do(ctx, st)
		if err == nil {
			return nil
		}
		p, lookErr := r.look(ctx, st)
		switch {
		case lookErr != nil:
		case p.State == Done || p.State == Underway:
			return nil // The answer was lost, not the call.
		case p.State == NotYet:
			n = 0 // Something is in the way that did not show before; it passes, or the deadline does.
		}
		if n >= tries || r.Temporary == nil || !r.Temporary(err) {
			return err
		}
		if r.Clock.Sleep(ctx, r.poll()) != nil {
			return err
		}
	}
}

// wait looks at a step until it is done.
func (r *Runner) wait(ctx context.Context, s Saga, at int, begun time.Time) error {
	st, blind := s.Steps[at], 0
	for {
		p, err := r.Worker.Probe(ctx, st)
		var never *HopelessError
		switch {
		case errors.As(err, &never):
			return err
		case err != nil:
			blind++
			if blind >= blindLooks || ctx.Err() != nil {
				return fmt.Errorf("look how far it has come: %w", err)
			}
		case p.State == Done:
			return nil
		default:
			blind = 0
			r.tell(Event{Kind: Went, Saga: s, Index: at, Step: st, Progress: p, Elapsed: r.Clock.Now().Sub(begun)})
		}
		if err := r.Clock.Sleep(ctx, r.poll()); err != nil {
			return err
		}
	}
}

// fail decides what follows a step that went wrong: nothing when it was only told to
// stop, all undone before the pivot, and a halt after it.
func (r *Runner) fail(ctx context.Context, s Saga, at int, err error) Result {
	if ctx.Err() != nil {
		return Result{Outcome: Stopped, Step: s.Steps[at], Err: ctx.Err()}
	}
	r.tell(Event{Kind: Failed, Saga: s, Index: at, Step: s.Steps[at], Err: err})
	if committed(s, at) {
		return Result{Outcome: Stopped, Step: s.Steps[at], Err: err}
	}
	return r.undo(ctx, s, at, err)
}

// undo takes back the steps from one on to the first. It goes on when the context
// ends: a rollback that stops in the middle is worse than either end. The pivot comes
// before all: who was here before may have died in the middle of it, and what lies
// between may be a step that leaves no trace, behind which nobody found it.
func (r *Runner) undo(ctx context.Context, s Saga, at int, cause error) Result {
	ctx = context.WithoutCancel(ctx)
	order := make([]int, 0, at+2)
	if p := pivot(s); p > at {
		order = append(order, p)
	}
	for i := at; i >= 0; i-- {
		order = append(order, i)
	}
	for _, i := range order {
		st := s.Steps[i]
		r.tell(Event{Kind: Undoing, Saga: s, Index: i, Step: st})
		if err := r.undoStep(ctx, st); err != nil {
			err = &StepError{s.ID, st.Name, fmt.Errorf("take it back: %w", err)}
			r.tell(Event{Kind: Stuck, Saga: s, Index: i, Step: st, Err: err})
			return Result{Outcome: Stopped, Step: st, Err: cause, UndoErr: err}
		}
		r.tell(Event{Kind: Undone, Saga: s, Index: i, Step: st})
	}
	return Result{Outcome: RolledBack, Step: s.Steps[at], Err: cause}
}

// undoStep takes one step back and waits until it is. What fails is tried again
// until the deadline: there is nothing better to do.
func (r *Runner) undoStep(ctx context.Context, st Step) error {
	limit, cancel := context.WithTimeoutCause(ctx, st.deadline(), errHung)
	defer cancel()
	var last error
	for {
		ok, err := r.Worker.Undone(limit, st)
		if err == nil && ok {
			return nil
		}
		if err == nil {
			err = r.Worker.Undo(limit, st)
			if err == nil {
				ok, err = r.Worker.Undone(limit, st)
			}
		}
		if err == nil && ok {
			return nil
		}
		if err != nil && limit.Err() == nil {
			last = err
		}
		if sleepErr := r.Clock.Sleep(limit, r.poll()); sleepErr != nil {
			return fmt.Errorf("%w (%s): %w", errHung, st.deadline(), errors.Join(last, sleepErr))
		}
	}
}

func (r *Runner) poll() time.Duration {
	if r.Poll > 0 {
		return r.Poll
	}
	return defaultPoll
}

func (r *Runner) tell(e Event) {
	if r.Watch != nil {
		r.Watch(e)
	}
}
