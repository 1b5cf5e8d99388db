package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/plan"
)

func newPlan(g *globals) *cobra.Command {
	var limit limitFlags
	var brief bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what would be done, and why",
		Long: `plan reads every site and shows what run would do: what it would create and
delete, what it keeps and by which rule, what it refuses and what to do about
that, and which resources are older than their recovery point objective. It
changes nothing.

Exit codes: 0 nothing to do; 4 something to do, refused, or past its objective;
3 not every site could be seen; 2 wrong usage or policy file.`,
		Example: `  holdfast plan
  holdfast plan --json | jq '.actions[] | .verb + " " + .name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := g.open()
			if err != nil {
				return err
			}
			if a.engine.Limits, err = limit.limits(); err != nil {
				return err
			}
			p, _ := a.engine.Plan(cmd.Context())
			if g.json {
				err = writeJSON(g.out, planJSON(p))
			} else {
				printPlan(g.out, a.file.Namespace, p, !brief)
				printGaps(g.err, p.Gaps, nothingDeleted)
			}
			if err != nil {
				return err
			}
			return silently(planCode(p))
		},
	}
	cmd.Flags().BoolVar(&brief, "brief", false, "leave out what is kept")
	limit.register(cmd)
	return cmd
}

// planCode gives the exit code for a plan. What could not be seen weighs more
// than what is merely due.
func planCode(p plan.Plan) int {
	switch {
	case len(p.Gaps) > 0:
		return exitPart
	case len(p.Actions) > 0 || len(p.Refused) > 0 || len(p.Breaches) > 0:
		return exitChanges
	default:
		return exitFine
	}
}

func printPlan(w io.Writer, namespace string, p plan.Plan, kept bool) {
	fmt.Fprintf(w, "Plan for namespace %s at %s: %s\n", namespace, stamp(p.At), tally(
		p.Count(plan.Create), "to create", p.Count(plan.Promote), "to promote", p.Count(plan.Adopt), "to adopt", p.Count(plan.Delete), "to delete", len(p.Kept), "kept",
		len(p.Waiting), "waiting", len(p.Refused), "refused", len(p.Breaches), "past the objective", len(p.Gaps), "not seen"))
	printActions(w, p, plan.Create, "Create")
	printActions(w, p, plan.Promote, "Promote")
	printActions(w, p, plan.Adopt, "Adopt")
	printActions(w, p, plan.Delete, "Delete")
	if kept {
		printKept(w, p)
	}
	printVerdicts(w, "Waiting", p.Waiting)
	printVerdicts(w, "Refused", p.Refused)
	printVerdicts(w, "Foretold", p.Foretold)
	printVerdicts(w, "Past the objective", p.Breaches)
}

func printActions(w io.Writer, p plan.Plan, verb plan.Verb, title string) {
	var rows [][]string
	for _, a := range p.Actions {
		if a.Verb != verb {
			continue
		}
		if verb == plan.Create {
			rows = append(rows, []string{sourceName(a) + " at " + a.To.Name, a.Claim.Policy, a.Reason.String()})
		} else {
			rows = append(rows, []string{a.From.ID, a.Claim.Policy, stamp(a.Taken), a.Reason.String()})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n%s\n", title)
		table(w, rows)
	}
}

// sourceName says what an action takes a snapshot of: as people call it, and by
// its identifier where that is another.
func sourceName(a plan.Action) string {
	switch a.Of {
	case "", a.From.ID:
		return a.From.ID
	default:
		return a.Of + " (" + a.From.ID + ")"
	}
}

func printKept(w io.Writer, p plan.Plan) {
	if len(p.Kept) > 0 {
		fmt.Fprintf(w, "\nKept\n")
		table(w, keptRows(p.Kept))
	}
}

func keptRows(kept []plan.Verdict) [][]string {
	var rows [][]string
	for _, v := range kept {
		rows = append(rows, []string{v.Name, v.Policy, stamp(v.Taken), v.Reason.String()})
	}
	return rows
}

func printVerdicts(w io.Writer, title string, list []plan.Verdict) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, v := range list {
		fmt.Fprintf(w, "  %s: %s\n", place(v), v.Reason)
		if v.Remedy != "" {
			fmt.Fprintf(w, "    → %s\n", v.Remedy)
		}
	}
}

// nothingDeleted is what a gap means where something might have been deleted.
const nothingDeleted = ", so nothing is deleted there"

// printGaps says what could not be seen and what follows, on standard error. A site
// that lets nobody in is one trouble, however many kinds of stores are there.
func printGaps(w io.Writer, gaps []plan.Gap, so string) {
	kinds := map[[2]string][]string{}
	for _, g := range gaps {
		kinds[trouble(g)] = append(kinds[trouble(g)], string(g.Scope.Kind))
	}
	for _, g := range gaps {
		what, first := kinds[trouble(g)]
		if first {
			printError(w, fmt.Sprintf("could not see %s at %s%s: %s", strings.Join(what, ", "), g.Scope.Site.Name, so, g.Error), g.Remedy, false)
			delete(kinds, trouble(g))
		}
	}
}

// trouble tells gaps apart that need an answer each.
func trouble(g plan.Gap) [2]string { return [2]string{g.Scope.Site.Name, g.Error} }

// planJSON gives a plan whose lists are all there, if empty: who reads the JSON
// need not tell null from nothing.
func planJSON(p plan.Plan) plan.Plan {
	p.Actions, p.Gaps = orEmpty(p.Actions), orEmpty(p.Gaps)
	for _, verdicts := range []*[]plan.Verdict{&p.Kept, &p.Waiting, &p.Refused, &p.Breaches, &p.Foretold} {
		*verdicts = orEmpty(*verdicts)
	}
	return p
}
