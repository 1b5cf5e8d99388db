package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

func selectSnapshots(inv dr.Inventory, namespace, resource, site string, everybody bool) []dr.Snapshot {
	list := []dr.Snapshot{}
	named := sourcesNamed(inv, resource)
	for _, s := range inv.Snapshots {
		switch {
		case site != "" && s.Ref.Site.Name != site,
			resource != "" && s.Of.ID != resource && !named[sourceOf(s)],
			!everybody && s.Claim.Owner != namespace && s.Flaw == "":
		default:
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b dr.Snapshot) int {
		return cmp.Or(
			cmp.Compare(sourceOf(a), sourceOf(b)),
			a.Taken.Truncate(time.Second).Compare(b.Taken.Truncate(time.Second)), // Copies know whole seconds.
			cmp.Compare(a.Claim.Origin, b.Claim.Origin), a.Ref.Compare(b.Ref))
	})
	return list
}

// sourceOf names what a snapshot was taken of, wherever it is now, so that copies
// stand beside what they are copies of.
func sourceOf(s dr.Snapshot) string {
	if s.Claim.Ours() {
		return s.Claim.Source
	}
	return s.Of.Source()
}

// sourcesNamed finds the resources that people call by a name.
func sourcesNamed(inv dr.Inventory, name string) map[string]bool {
	named := map[string]bool{}
	for _, r := range inv.Resources {
		if name != "" && r.Name == name {
			named[r.Ref.Source()] = true
		}
	}
	return named
}

// printSnapshots lists snapshots, none of which need be ours.
func printSnapshots(w io.Writer, list []dr.Snapshot, resource string) {
	printSnapshotsOf(w, "", list, resource)
}

// printSnapshotsOf lists snapshots as the installation of a namespace sees them.
func printSnapshotsOf(w io.Writer, namespace string, list []dr.Snapshot, resource string) {
	if len(list) == 0 {
		of := ""
		if resource != "" {
			of = " of " + resource
		}
		fmt.Fprintf(w, "No snapshots%s.\n", of)
		return
	}
	rows := [][]string{{"SNAPSHOT", "OF", "SITE", "POLICY", "TAKEN", "STATE", ""}}
	for _, s := range list {
		policyName := s.Claim.Policy
		if !s.Claim.Ours() {
			policyName = "-"
		}
		rows = append(rows, []string{s.Ref.ID, s.Of.ID, s.Ref.Site.Name, policyName, takenAt(s), s.Status, snapshotNote(s, namespace)})
	}
	table(w, rows)
}

// takenAt gives the time of the data. A service that has not said it yet leaves
// the slot in its place, which would read as if the data were older than it is.
func takenAt(s dr.Snapshot) string {
	if s.State == dr.Pending && s.Taken.Equal(s.Claim.Slot) {
		return "-"
	}
	return stamp(s.Taken)
}

func snapshotNote(s dr.Snapshot, namespace string) string {
	switch {
	case s.Flaw != "":
		return "unreadable: " + s.Flaw
	case !s.Claim.Ours():
		return "not ours"
	case s.Claim.Owner != namespace:
		return "not ours: namespace " + s.Claim.Owner
	case s.Claim.Stage != "":
		return "on the way of a copy (" + s.Claim.Stage + ")"
	}
	var notes []string
	if s.Claim.Origin != "" {
		notes = append(notes, "copy")
	}
	if s.Claim.Keep {
		notes = append(notes, "held")
	}
	if len(s.Shared) > 0 {
		notes = append(notes, "shared with "+strings.Join(s.Shared, ", "))
	}
	return strings.Join(notes, ", ")
}

func newSnapshot(g *globals) *cobra.Command {
	var site, policyName string
	var wait, keep bool
	var timeout time.Duration
	var poll *time.Duration
	cmd := &cobra.Command{
		Use:   "snapshot RESOURCE",
		Short: "Take a snapshot of one resource now",
		Long: `snapshot takes a snapshot now, whatever the schedule says, before a risky change
for example. It falls under the retention of the policy that covers the resource;
with --keep it is held and never expires. Where no policy covers the resource it
stays until a person deletes it.`,
		Example: `  holdfast snapshot orders --wait
  holdfast snapshot orders --keep --site prod`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := g.open()
			if err != nil {
				return err
			}
			if err := a.knownSite(site); err != nil {
				return err
			}
			ctx, cancel := within(cmd.Context(), timeout)
			defer cancel()
			inv := a.engine.Observe(ctx)
			r, err := findResource(inv, args[0], site)
			if err != nil {
				return err
			}
			name, err := coveringPolicy(a.file, r, policyName)
			if err != nil {
				return err
			}
			return g.take(ctx, a, inv, plan.Wish{Resource: r, Policy: name, Keep: keep}, wait, *poll)
		},
	}
	cmd.Flags().StringVar(&site, "site", "", "the site of the resource, where several have one of that name")
	cmd.Flags().StringVar(&policyName, "policy", "", "the policy under whose retention it falls (default: the first that covers the resource)")
	cmd.Flags().BoolVar(&keep, "keep", false, "hold it: it never expires until it is released")
	cmd.Flags().BoolVar(&wait, "wait", false, "return when it is available")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "give up waiting after so long, such as 2h (default: never)")
	poll = pollFlag(cmd)
	return cmd
}

// coveringPolicy finds the policy under which a snapshot that was asked for is
// taken.
func coveringPolicy(f policy.File, r dr.Resource, asked string) (string, error) {
	if asked != "" {
		if _, ok := f.Policy(asked); !ok {
			return "", usagef("there is no policy %q in the file", asked)
		}
		return asked, nil
	}
	for _, p := range f.Policies {
		if p.Match.Matches(r) {
			return p.Name, nil
		}
	}
	if p, ok, err := f.Stated(r); ok && err == nil {
		return p.Name, nil
	}
	return plan.ManualPolicy, nil
}

func (g *globals) take(ctx context.Context, a *app, inv dr.Inventory, wish plan.Wish, wait bool, poll time.Duration) error {
	var show progress = quietProgress{}
	if !g.json {
		show = newProgress(g.streams, wait)
	}
	a.engine.Watch = show.watch
	r := a.engine.Take(ctx, inv, wish)
	if wait {
		r = a.engine.Settle(ctx, r, poll)
	}
	show.end()
	r.Plan.Gaps = nil // The resource was seen; what else was not is no matter here.
	code := exitFine
	if !r.Whole() {
		code = exitFailed // One thing was asked for: it is done or it is not.
	}
	return g.reportRun(r, code)
}

func newKeep(g *globals) *cobra.Command {
	return newMark(g, plan.Hold, &cobra.Command{
		Use:   "keep SNAPSHOT",
		Short: "Hold a snapshot: it is never deleted until it is released",
		Long: `keep marks a snapshot with the tag holdfast:keep. No policy, limit or flag makes
holdfast delete it until it is released. The tag can be set by hand just as well,
with any value.`,
		Example: `  holdfast keep holdfast-orders-gold-20261120t140000z-3f8a1c2b`,
	})
}

func newRelease(g *globals) *cobra.Command {
	return newMark(g, plan.Release, &cobra.Command{
		Use:   "release SNAPSHOT",
		Short: "Lift the hold on a snapshot",
		Long: `release takes the tag holdfast:keep off a snapshot. From then on its policy's
retention decides again, at the next run.`,
		Example: `  holdfast release holdfast-orders-gold-20261120t140000z-3f8a1c2b`,
	})
}

func newMark(g *globals, verb plan.Verb, cmd *cobra.Command) *cobra.Command {
	var site string
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, err := g.open()
		if err != nil {
			return err
		}
		if err := a.knownSite(site); err != nil {
			return err
		}
		inv := a.engine.Observe(cmd.Context())
		s, err := findSnapshot(inv, args[0], site)
		if err != nil {
			return err
		}
		if s.Claim.Owner != a.file.Namespace {
			return fmt.Errorf("snapshot %s is not ours (namespace %s), so holdfast would never delete it, and does not mark it", s.Ref.ID, a.file.Namespace)
		}
		o := a.engine.Mark(cmd.Context(), verb, s)
		if o.Err != nil {
			return o.Err
		}
		if g.json {
			return writeJSON(g.out, o.Action)
		}
		fmt.Fprintf(g.out, "%s %s of %s\n", map[plan.Verb]string{plan.Hold: "Held", plan.Release: "Released"}[verb], s.Ref.ID, s.Of.ID)
		return nil
	}
	cmd.Flags().StringVar(&site, "site", "", "the site of the snapshot, where several have one of that name")
	return cmd
}
