package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// pollEvery is how often --wait looks again.
const pollEvery = 15 * time.Second

// pollFlag adds --poll. People have no need of it: it is for those who script
// holdfast against a simulated AWS, where snapshots take no time.
func pollFlag(cmd *cobra.Command) *time.Duration {
	every := cmd.Flags().Duration("poll", pollEvery, "with --wait: how often to look")
	_ = cmd.Flags().MarkHidden("poll") // It was added the line before.
	return every
}

func newRun(g *globals) *cobra.Command {
	var limit limitFlags
	var wait, dry bool
	var timeout time.Duration
	var poll *time.Duration
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Take what is due, copy it where it is to be, and delete what has expired",
		Long: `run plans and applies the plan. It can be repeated at any time: what is done
stays done, what was cut short goes on. Start it every few minutes by a
scheduler.

One resource's trouble never stops the others. Just before anything is deleted
the snapshots are read once more: one that a person has marked meanwhile, or
that is no longer ours, stays.

Exit codes: 0 all done; 3 some things failed or were refused, the rest was done;
1 nothing could be done; 2 wrong usage or policy file.`,
		Example: `  holdfast run
  holdfast run --wait --timeout 2h
  holdfast run --dry-run
  holdfast run --max-delete 80%       when a policy was cut back on purpose`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := g.open()
			if err != nil {
				return err
			}
			if a.engine.Limits, err = limit.limits(); err != nil {
				return err
			}
			ctx, cancel := within(cmd.Context(), timeout)
			defer cancel()
			if dry {
				return g.dryRun(ctx, a)
			}
			var show progress = quietProgress{}
			if !g.json {
				show = newProgress(g.streams, wait)
			}
			a.engine.Watch = show.watch
			r := a.engine.RunOnce(ctx)
			if wait {
				r = a.engine.Settle(ctx, r, *poll)
			}
			show.end()
			return g.reportRun(r, runCode(r))
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "return when the snapshots and their copies are available, and retry what was busy")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show the plan, as the plan command does, but exit as run would")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "give up after so long, such as 2h (default: never)")
	limit.register(cmd)
	poll = pollFlag(cmd)
	return cmd
}

func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}

func (g *globals) dryRun(ctx context.Context, a *app) error {
	p, inv := a.engine.Plan(ctx)
	if g.json {
		if err := writeJSON(g.out, planJSON(p)); err != nil {
			return err
		}
	} else {
		printPlan(g.out, a.file, p, true)
		printGaps(g.err, p.Gaps, nothingDeleted)
		fmt.Fprintln(g.out, "\nDry run: nothing was changed.")
	}
	return silently(runCode(engine.Report{Plan: p, Inventory: inv}))
}

// reportRun says what a run came to and ends it with an exit code.
func (g *globals) reportRun(r engine.Report, code int) error {
	if g.json {
		if err := writeJSON(g.out, runJSON(r)); err != nil {
			return err
		}
		return silently(code)
	}
	printOutcomes(g.err, r)
	fmt.Fprintln(g.out, runLine(r))
	return silently(code)
}

// runLine says in one line what was done.
func runLine(r engine.Report) string {
	done, stops, left := map[plan.Verb]int{}, 0, 0
	for _, o := range r.Outcomes {
		switch {
		case o.Err != nil:
		case o.Left != "":
			left++
		case o.Action.Verb == plan.Copy && o.Action.Claim.Stage != "":
			stops++
		default:
			done[o.Action.Verb]++
		}
	}
	return "Done at " + stamp(r.Plan.At) + ": " + tally(
		done[plan.Create], "taken", done[plan.Promote], "promoted", done[plan.Adopt], "adopted",
		done[plan.Configure], "configured", done[plan.Share], "shared", stops, "prepared", done[plan.Copy], "copied", done[plan.Withdraw], "withdrawn",
		done[plan.Delete], "deleted", done[plan.Retire], "retired", left, "left alone", len(r.Plan.Kept), "kept", len(r.Plan.Waiting), "waiting",
		len(r.Plan.Refused), "refused", len(r.Failed()), "failed", len(r.Plan.Gaps), "not seen")
}

// printOutcomes says, a line each, what did not go as planned, and what to do.
func printOutcomes(w io.Writer, r engine.Report) {
	printGaps(w, r.Plan.Gaps, nothingDeleted)
	for _, t := range gathered(r.Plan.Foretold) {
		printError(w, "foretold: "+t.what+": "+t.why, t.remedy, false)
	}
	for _, t := range gathered(r.Plan.Refused) {
		printError(w, "refused: "+t.what+": "+t.why, t.remedy, false)
	}
	for _, o := range r.Failed() {
		printError(w, o.Err.Error(), store.Remedy(o.Err), false)
	}
}

type outcomeJSON struct {
	plan.Action
	State  dr.Condition `json:"state,omitempty"`
	Left   string       `json:"left_alone,omitempty"`
	Error  string       `json:"error,omitempty"`
	Remedy string       `json:"remedy,omitempty"`
}

// runJSON is the JSON form of a report.
func runJSON(r engine.Report) any {
	p := planJSON(r.Plan)
	outcomes := make([]outcomeJSON, 0, len(r.Outcomes))
	for _, o := range r.Outcomes {
		j := outcomeJSON{Action: o.Action, State: o.State, Left: o.Left}
		if o.Err != nil {
			j.Error, j.Remedy = o.Err.Error(), store.Remedy(o.Err)
		}
		outcomes = append(outcomes, j)
	}
	return struct {
		At       time.Time      `json:"at"`
		Outcomes []outcomeJSON  `json:"outcomes"`
		Kept     []plan.Verdict `json:"kept"`
		Waiting  []plan.Verdict `json:"waiting"`
		Refused  []plan.Verdict `json:"refused"`
		Breaches []plan.Verdict `json:"breaches"`
		Foretold []plan.Verdict `json:"foretold"`
		Gaps     []plan.Gap     `json:"gaps"`
	}{p.At, outcomes, p.Kept, p.Waiting, p.Refused, p.Breaches, p.Foretold, p.Gaps}
}
