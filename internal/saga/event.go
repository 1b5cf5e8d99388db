package saga

import (
	"fmt"
	"time"
)

// Event tells what is happening.
type Event struct {
	Kind EventKind
	Saga Saga
	// Index is that of the step.
	Index int
	Step  Step
	// Progress is what the last look showed.
	Progress Progress
	// Elapsed is how long the step has taken so far in this process.
	Elapsed time.Duration
	Err     error
}

// EventKind says what an event is about.
type EventKind int

// What can happen.
const (
	// Found: the steps up to this one were done before.
	Found EventKind = iota + 1
	// Began: a step is begun.
	Began
	// Went: a step has come further, or is waited for.
	Went
	// Ended: a step is done.
	Ended
	// Failed: a step failed; what follows is said by the events after it.
	Failed
	// Undoing: a step is being taken back.
	Undoing
	// Undone: it is taken back.
	Undone
	// Stuck: it could not be taken back.
	Stuck
)

// Outcome is how a run of a saga ended.
type Outcome int

// How a run can end.
const (
	// Finished: all steps are done.
	Finished Outcome = iota + 1
	// RolledBack: a step failed, and all is as it was before.
	RolledBack
	// Stopped: it was told to stop, or could not go on or back; running it again
	// resumes it.
	Stopped
)

// String names the outcome.
func (o Outcome) String() string {
	switch o {
	case Finished:
		return "finished"
	case RolledBack:
		return "rolled back"
	case Stopped:
		return "stopped"
	default:
		return fmt.Sprintf("outcome %d", int(o))
	}
}

// Result is what came of a run.
type Result struct {
	Outcome Outcome
	// Step is the one at which it ended, when it is not finished.
	Step Step
	// Err is what went wrong first; UndoErr what went wrong while undoing.
	Err, UndoErr error
}

// StepError is a step that went wrong.
type StepError struct {
	Saga, Step string
	Err        error
}

// Error names the step and the cause.
func (e *StepError) Error() string { return fmt.Sprintf("%s: %v", e.Step, e.Err) }

// Unwrap gives the cause.
func (e *StepError) Unwrap() error { return e.Err }
