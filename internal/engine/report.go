package engine

import (
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// Event tells what is happening.
type Event struct {
	Kind EventKind
	// Scope, Resources, Snapshots and Err tell of an observation.
	Scope     dr.Scope
	Resources int
	Snapshots int
	// Plan is what was planned.
	Plan plan.Plan
	// Outcome is of the action that began, went on or ended.
	Outcome Outcome
	// Percent is how far a snapshot has come.
	Percent int
	Err     error
}

// EventKind says what an event is about.
type EventKind int

// What can happen.
const (
	// Observed: a scope was read, or could not be.
	Observed EventKind = iota + 1
	// Planned: a plan was made.
	Planned
	// Began: an action is about to be applied.
	Began
	// Ended: an action was applied, or failed.
	Ended
	// Progressed: a snapshot that is waited for has come further.
	Progressed
	// Settled: a snapshot that is waited for is available, or failed.
	Settled
)

// Outcome is what came of an action.
type Outcome struct {
	Action plan.Action
	// Made is the snapshot that was made or changed.
	Made dr.Ref
	// State is what became of a snapshot that was waited for; empty before.
	State dr.Condition
	// Left says why an action was left undone, which is no failure: a delete on a
	// last look, a create because its resource became busy (the plan's Waiting says
	// so too).
	Left string
	Err  error

	// unseen counts the looks in a row that did not show the snapshot, and puts how
	// often AWS has put off the copy.
	unseen, puts int
}

// Report is what a run did.
type Report struct {
	Plan      plan.Plan
	Inventory dr.Inventory
	Outcomes  []Outcome
}

// Failed gives the outcomes that failed.
func (r Report) Failed() []Outcome {
	var out []Outcome
	for _, o := range r.Outcomes {
		if o.Err != nil {
			out = append(out, o)
		}
	}
	return out
}

// Whole reports whether everything that should be done was done: nothing failed,
// nothing was refused, nothing could not be seen.
func (r Report) Whole() bool {
	return len(r.Failed()) == 0 && len(r.Plan.Refused) == 0 && len(r.Plan.Gaps) == 0
}

// Nothing reports whether there was trouble and not one thing went well: no
// action succeeded and no site could be seen.
func (r Report) Nothing() bool {
	if r.Whole() {
		return false
	}
	if len(r.Outcomes) > 0 {
		// What was made and only not waited for was done.
		return len(r.Plan.Kept) == 0 && !slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Err == nil || o.Made.ID != "" })
	}
	return len(r.Inventory.Resources) == 0 && len(r.Inventory.Snapshots) == 0
}

// tell hands an event to the watcher, one at a time.
func (e *Engine) tell(ev Event) {
	if e.Watch == nil {
		return
	}
	e.watching.Lock()
	defer e.watching.Unlock()
	e.Watch(ev)
}
