package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/adopt"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

func newAdopt(g *globals) *cobra.Command {
	var from, keep string
	var dry bool
	var names []string
	for _, t := range adopt.Tools() {
		names = append(names, string(t))
	}
	cmd := &cobra.Command{
		Use:   "adopt --from TOOL",
		Short: "Take over the snapshots that another tool made",
		Long: `adopt writes holdfast's claim on snapshots that another tool made, so that they
expire by rule and count as recovery points. A snapshot is adopted only when its
tags and its name (or description) both are what that tool writes; what merely
looks like it is listed and left alone. What the tool was told to keep for ever
is held. Where the tool wrote the date on which it would delete a snapshot, that
time becomes the retention; otherwise the policy that covers the source decides,
or --keep.

Tools: ` + strings.Join(names, ", ") + `

Stop the other tool first: it goes on deleting by its own rules.`,
		Example: `  holdfast adopt --from rds-snapshot-tool --dry-run
  holdfast adopt --from redshift-snapshot-manager --keep 30d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			retention, err := policy.ParseRetention(keep)
			if err != nil {
				return usagef("--keep: %w", err)
			}
			a, err := g.open()
			if err != nil {
				return err
			}
			inv := a.engine.Observe(cmd.Context())
			p, err := adopt.Plan(a.engine.Clock.Now(), adopt.Tool(from), a.file, inv, retention)
			if err != nil {
				return usagef("--from: %w", err)
			}
			if dry {
				return g.showAdoption(p)
			}
			var show progress = quietProgress{}
			if !g.json {
				show = newProgress(g.streams, false)
			}
			a.engine.Watch = show.watch
			r := a.engine.Carry(cmd.Context(), p, inv)
			show.end()
			return g.reportAdoption(r)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the tool: one of "+strings.Join(names, ", "))
	cmd.Flags().StringVar(&keep, "keep", "7d", "retention of what no policy covers and whose tool wrote no date")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show what would be adopted")
	_ = cmd.MarkFlagRequired("from") // The flag was defined above.
	return cmd
}

// reportAdoption says what came of an adoption. What merely looks like the tool's
// is rightly left alone: that is no failure.
func (g *globals) reportAdoption(r engine.Report) error {
	leftAlone := r.Plan.Refused
	r.Plan.Refused = nil
	code := runCode(r)
	if g.json {
		r.Plan.Refused = leftAlone
	} else {
		printVerdicts(g.out, "Left alone", leftAlone)
	}
	return g.reportRun(r, code)
}

func (g *globals) showAdoption(p plan.Plan) error {
	if g.json {
		if err := writeJSON(g.out, planJSON(p)); err != nil {
			return err
		}
	} else {
		printAdoption(g.out, p)
		printGaps(g.err, p.Gaps, "")
	}
	if len(p.Gaps) > 0 {
		return silently(exitPart)
	}
	return nil
}

func printAdoption(w io.Writer, p plan.Plan) {
	fmt.Fprintf(w, "Adoption at %s: %s\n", stamp(p.At), tally(len(p.Actions), "to adopt", len(p.Refused), "left alone", len(p.Gaps), "not seen"))
	printActions(w, policy.File{}, p, plan.Adopt, "Adopt")
	printVerdicts(w, "Left alone", p.Refused)
	fmt.Fprintln(w, "\nDry run: nothing was changed.")
}
