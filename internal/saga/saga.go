// Package saga does in steps what no single call does, such as a restore: each step
// can tell by itself whether it is done, and can be undone. A saga keeps no log. To
// run it again is to resume it: the furthest step that is done or under way is found
// by looking, on whatever machine, and it goes on from there.
//
// What fails before the pivot is undone, the step that failed included, since nobody
// knows how far it came. After the pivot a saga only goes forward.
//
// Steps are data; a Worker knows how to do them. So the same saga can be run here,
// or be handed to an engine that calls the same worker step by step.
package saga

import (
	"context"
	"fmt"
	"time"
)

// Saga is what is to be done, as data.
type Saga struct {
	// ID tells this saga from all others; it is written on what the steps make, so
	// that it is found again.
	ID string `json:"id"`
	// Title says what it is for: "restore orders in place".
	Title string `json:"title"`
	Steps []Step `json:"steps"`
}

// Step is one step of a saga.
type Step struct {
	// Name tells it from the other steps of the saga.
	Name string `json:"name"`
	// Title says what it does, for people.
	Title string `json:"title"`
	// Op is what the worker is to do, and Args with what.
	Op   string            `json:"op"`
	Args map[string]string `json:"args,omitempty"`
	// Pivot marks the step after whose beginning nothing is undone any more.
	Pivot bool `json:"pivot,omitempty"`
	// Looks marks a step that can look done, or under way, without ever having been
	// begun, such as to wait, or to reboot where that is needed. So it says nothing of
	// the steps before it.
	Looks bool `json:"looks,omitempty"`
	// Expect is how long it takes as a rule; 0 when nobody knows.
	Expect time.Duration `json:"expect,omitempty"`
	// Deadline is how long it may take, from its beginning to its end and once more to
	// undo it; 0 means DefaultDeadline. A step that hangs has failed.
	Deadline time.Duration `json:"deadline,omitempty"`
}

// DefaultDeadline is how long a step may take that does not say.
const DefaultDeadline = time.Hour

func (s Step) deadline() time.Duration {
	if s.Deadline > 0 {
		return s.Deadline
	}
	return DefaultDeadline
}

// State says how far a step has come.
type State int

// How far a step can have come.
const (
	// NotBegun: there is nothing of it.
	NotBegun State = iota
	// Underway: it was begun, and goes on by itself.
	Underway
	// Done: what it is to bring about is there.
	Done
	// NotYet: there is nothing of it, and it cannot be begun now, but will be able to
	// be by itself.
	NotYet
)

// String names the state.
func (s State) String() string {
	switch s {
	case NotBegun:
		return "not begun"
	case Underway:
		return "under way"
	case Done:
		return "done"
	case NotYet:
		return "not yet"
	default:
		return fmt.Sprintf("state %d", int(s))
	}
}

// Progress is what a look at a step shows.
type Progress struct {
	State State `json:"state"`
	// Percent is how much of it is done, 0 when nobody knows.
	Percent int `json:"percent,omitempty"`
	// Note is the service's own word: "creating", "backing-up".
	Note string `json:"note,omitempty"`
}

// Worker does steps. All its methods may be called any number of times, in any
// process, and after any interruption.
type Worker interface {
	// Probe looks how far a step has come, by its own postcondition. An error means
	// that it could not be seen, unless it is a Hopeless one: then the step will
	// never be done.
	Probe(ctx context.Context, s Step) (Progress, error)
	// Do begins a step; it need not wait for its end. What is begun already is fine.
	Do(ctx context.Context, s Step) error
	// Undo begins to take back whatever there is of a step. Where there is nothing of
	// it, there is nothing to do.
	Undo(ctx context.Context, s Step) error
	// Undone looks whether nothing of a step is left that stands in the way.
	Undone(ctx context.Context, s Step) (bool, error)
}

// HopelessError is an error of a probe that says that a step will never be done.
type HopelessError struct{ Err error }

// Error gives the cause.
func (e *HopelessError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *HopelessError) Unwrap() error { return e.Err }

// Hopeless marks the error of a probe: waiting is of no use.
func Hopeless(err error) error { return &HopelessError{err} }

// Clock tells the time and lets it pass.
type Clock interface {
	Now() time.Time
	// Sleep waits, or returns the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// Validate reports what is wrong with the shape of a saga: names that are missing or
// used twice, or several pivots.
func (s Saga) Validate() error {
	seen, pivots := map[string]bool{}, 0
	for i, st := range s.Steps {
		switch {
		case st.Name == "" || st.Op == "":
			return fmt.Errorf("saga %s: step %d has no name or nothing to do", s.ID, i+1)
		case seen[st.Name]:
			return fmt.Errorf("saga %s: two steps are called %s", s.ID, st.Name)
		}
		seen[st.Name] = true
		if st.Pivot {
			pivots++
		}
	}
	switch {
	case s.ID == "" || len(s.Steps) == 0:
		return fmt.Errorf("saga %q has no id or no steps", s.ID)
	case pivots > 1:
		return fmt.Errorf("saga %s has %d pivots", s.ID, pivots)
	}
	return nil
}
