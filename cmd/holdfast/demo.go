package main

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

//go:embed demo/holdfast.yaml
var demoPolicy []byte

func newDemo(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Watch holdfast work on a simulated AWS: no account, no network, no configuration",
		Long: `demo starts a simulated AWS within the process, with databases,
servers, a warehouse and caches, and a second account far away, and lets holdfast
protect them for three days of simulated time. It takes a few seconds and touches
nothing outside. Every call goes through the real AWS SDK.`,
		Example: `  holdfast demo`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.newDemo()
			if err != nil {
				return fmt.Errorf("start the demo: %w", err)
			}
			return d.play(cmd.Context())
		},
	}
}

// demo is one run of the demonstration.
type demo struct {
	*globals
	*app
	clock *simulatedClock
	// expired remembers what was deleted and why.
	expired  []plan.Action
	taken    int
	promoted int
	copied   int
	runs     int
}

// simulatedClock stands still but for Sleep, so that days pass in seconds, here and
// in the simulated AWS. With breath it pauses for a moment of real time, for people
// to see the bars move.
type simulatedClock struct {
	cloud *sandbox.AWS

	mu     sync.Mutex
	now    time.Time
	breath time.Duration
}

// Now gives the simulated time.
func (c *simulatedClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep lets simulated time pass.
func (c *simulatedClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.cloud.Advance(d)
	c.mu.Unlock()
	if c.breath == 0 {
		return ctx.Err()
	}
	return wallClock{}.Sleep(ctx, c.breath)
}

// newSimulatedClock makes a clock and a simulated AWS that goes by it, from the next
// two minutes past nine on. The credentials of a role last by the real time, for that
// is the time by which they are renewed.
func newSimulatedClock(begun time.Time) *simulatedClock {
	first := begun.Truncate(24 * time.Hour).Add(9*time.Hour + 2*time.Minute)
	if first.Before(begun) {
		first = first.AddDate(0, 0, 1)
	}
	cloud := sandbox.New(sandbox.Options{Now: func() time.Time { return begun }})
	cloud.Advance(first.Sub(begun))
	return &simulatedClock{cloud: cloud, now: first}
}

func (g *globals) newDemo() (*demo, error) {
	f, _, err := policy.Parse("demo/holdfast.yaml", demoPolicy, policy.Options{Kinds: all.Kinds()})
	if err != nil {
		return nil, err
	}
	clock := newSimulatedClock(time.Now().UTC())
	if err := plant(clock.cloud, "small"); err != nil {
		return nil, err
	}
	a := newApp(f, session.Options{
		EndpointURL: "http://sandbox.invalid",
		HTTPClient:  clock.cloud.Client(),
		Credentials: session.Static(f.Sites[0].Account),
		Pace:        session.Pace{PerSecond: 1e6, Burst: 1e6},
		Version:     version,
	}, clock)
	return &demo{globals: g, app: a, clock: clock}, nil
}

func (d *demo) play(ctx context.Context) error {
	d.chapter("A simulated AWS is running in this process. This is the policy file")
	fmt.Fprintf(d.out, "\n%s", demoPolicy)

	d.chapter("holdfast plan: what would be done, and why")
	p, _ := d.engine.Plan(ctx)
	fmt.Fprintln(d.out)
	printPlan(d.out, d.file, p, true)
	if len(p.Gaps) > 0 {
		return fmt.Errorf("the demo cannot see its own simulated AWS: %s", p.Gaps[0].Error)
	}

	d.chapter("holdfast run --wait: do it, and wait until the snapshots and their copies are available")
	fmt.Fprintln(d.out)
	if err := d.firstRun(ctx); err != nil {
		return err
	}
	d.chapter("Three days pass. holdfast runs every 30 minutes, as a scheduler would start it")
	fmt.Fprintln(d.out)
	if err := d.days(ctx, 3); err != nil {
		return err
	}
	return d.evidence(ctx)
}

func (d *demo) chapter(title string) { fmt.Fprintf(d.out, "\n── %s\n", title) }

func (d *demo) firstRun(ctx context.Context) error {
	show := newProgress(d.streams, true)
	if d.terminal() {
		d.clock.breath = 60 * time.Millisecond
	}
	d.engine.Watch = show.watch
	r := d.engine.RunAndWait(ctx, pollEvery)
	show.end()
	d.engine.Watch, d.clock.breath = nil, 0
	d.note(r)
	printRefused(d.out, r.Plan)
	fmt.Fprintln(d.out, runLine(r))
	return ctx.Err()
}

// printRefused repeats what a run would say on standard error.
func printRefused(w io.Writer, p plan.Plan) {
	for _, t := range gathered(p.Refused) {
		fmt.Fprintf(w, "refused %s: %s\n        → %s\n", t.what, t.why, t.remedy)
	}
}

func (d *demo) days(ctx context.Context, days int) error {
	const every = 30 * time.Minute
	for day := range days {
		taken, promoted, copied, deleted := d.taken, d.promoted, d.copied, len(d.expired)
		for range 24 * time.Hour / every {
			next := d.clock.Now().Truncate(every).Add(every + 2*time.Minute)
			if err := d.clock.Sleep(ctx, next.Sub(d.clock.Now())); err != nil {
				return err
			}
			r := d.engine.RunOnce(ctx)
			if failed := r.Failed(); len(failed) > 0 {
				return failed[0].Err
			}
			d.note(r)
		}
		fmt.Fprintf(d.out, "  day %d, until %s: %d snapshots taken, %d promoted, %d copied, %d expired\n",
			day+1, stamp(d.clock.Now()), d.taken-taken, d.promoted-promoted, d.copied-copied, len(d.expired)-deleted)
	}
	// The last snapshots need some minutes.
	return d.clock.Sleep(ctx, 20*time.Minute)
}

func (d *demo) note(r engine.Report) {
	d.runs++
	for _, o := range r.Outcomes {
		switch {
		case o.Err != nil || o.Left != "":
		case o.Action.Verb == plan.Create:
			d.taken++
		case o.Action.Verb == plan.Promote:
			d.promoted++
		case o.Action.Verb == plan.Copy && o.Action.Claim.Stage == "":
			d.copied++
		case o.Action.Verb == plan.Delete:
			d.expired = append(d.expired, o.Action)
		}
	}
}

// evidence shows what three days came to.
func (d *demo) evidence(ctx context.Context) error {
	inv := d.engine.Observe(ctx)
	p := plan.Build(d.clock.Now(), d.file, inv, d.engine.Limits)

	const example = "orders"
	d.chapter("What was kept of database " + example + ", where, and by which rule")
	fmt.Fprintln(d.out)
	table(d.out, keptRows(keptOf(p, inv, example)))

	d.chapter("What expired of it, and why (the last five)")
	fmt.Fprintln(d.out)
	table(d.out, expiredRows(d.expired, inv, example, 5))

	d.chapter("Snapshots that others made are never touched")
	fmt.Fprintln(d.out)
	foreign := slices.DeleteFunc(selectSnapshots(inv, d.file.Namespace, "", "", true), func(s dr.Snapshot) bool { return s.Claim.Ours() || s.Automated })
	printSnapshots(d.out, foreign, "")

	d.chapter("holdfast status: how each resource stands")
	fmt.Fprintln(d.out)
	standings := plan.Survey(d.clock.Now(), d.file, inv)
	printStatus(d.out, d.clock.Now(), standings)

	fmt.Fprintf(d.out, "\n%d runs, %d snapshots taken, %d promoted, %d copied, %d expired, %d kept. Nothing outside this process was touched.\n",
		d.runs, d.taken, d.promoted, d.copied, len(d.expired), len(p.Kept))
	fmt.Fprintln(d.out, "Next: `holdfast init` writes a policy file for your own account; `holdfast sandbox` serves this simulated AWS to other tools.")
	return nil
}

// keptOf gives the verdicts about the snapshots of one database, newest first.
func keptOf(p plan.Plan, inv dr.Inventory, resource string) []plan.Verdict {
	of := map[dr.Ref]bool{}
	for _, s := range inv.Snapshots {
		of[s.Ref] = s.Of.ID == resource
	}
	kept := slices.Clone(p.Kept)
	kept = slices.DeleteFunc(kept, func(v plan.Verdict) bool { return !of[v.Ref] })
	slices.SortFunc(kept, func(a, b plan.Verdict) int { return cmp.Or(b.Taken.Compare(a.Taken), a.Ref.Compare(b.Ref)) })
	return kept
}

func expiredRows(expired []plan.Action, inv dr.Inventory, resource string, most int) [][]string {
	source := ""
	for _, r := range inv.Resources {
		if r.Ref.ID == resource {
			source = r.Ref.Source()
		}
	}
	var rows [][]string
	for _, a := range slices.Backward(expired) {
		if a.Claim.Source == source && len(rows) < most {
			rows = append(rows, []string{a.Name, a.Claim.Policy, a.Reason.String()})
		}
	}
	return rows
}
