package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store/all"
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
				printPlan(g.out, a.file, p, !brief)
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

func printPlan(w io.Writer, f policy.File, p plan.Plan, kept bool) {
	copies, stops := 0, 0
	for _, a := range p.Actions {
		if a.Verb == plan.Copy && a.Claim.Stage == "" {
			copies++
		} else if a.Verb == plan.Copy {
			stops++
		}
	}
	fmt.Fprintf(w, "Plan for namespace %s at %s: %s\n", f.Namespace, stamp(p.At), tally(
		p.Count(plan.Create), "to create", p.Count(plan.Promote), "to promote", p.Count(plan.Adopt), "to adopt",
		p.Count(plan.Configure), "to configure", p.Count(plan.Share), "to share", stops, "to prepare", copies, "to copy", p.Count(plan.Withdraw), "to withdraw",
		p.Count(plan.Delete), "to delete", p.Count(plan.Retire), "to retire", len(p.Kept), "kept", len(p.Waiting), "waiting", len(p.Refused), "refused",
		len(p.Breaches), "past the objective", len(p.Gaps), "not seen"))
	for _, section := range [...]struct {
		verb  plan.Verb
		title string
	}{
		{plan.Configure, "Configure"},
		{plan.Create, "Create"},
		{plan.Promote, "Promote"},
		{plan.Adopt, "Adopt"},
		{plan.Share, "Share"},
		{plan.Copy, "Copy"},
		{plan.Withdraw, "Withdraw"},
		{plan.Delete, "Delete"},
		{plan.Retire, "Delete what a restore replaced"},
	} {
		printActions(w, f, p, section.verb, section.title)
	}
	if kept {
		printKept(w, p)
	}
	printVerdicts(w, "Waiting", p.Waiting)
	printVerdicts(w, "Refused", p.Refused)
	printVerdicts(w, "Foretold", p.Foretold)
	printVerdicts(w, "Past the objective", p.Breaches)
}

func printActions(w io.Writer, f policy.File, p plan.Plan, verb plan.Verb, title string) {
	var rows [][]string
	var sites []string
	routes := all.Routes()
	for _, a := range p.Actions {
		if a.Verb != verb {
			continue
		}
		row := actionRow(a)
		if verb == plan.Create || verb == plan.Promote {
			row[len(row)-1] += goesOn(f, routes[a.From.Kind], a)
		}
		rows, sites = append(rows, row), append(sites, a.To.Name)
	}
	if verb == plan.Delete {
		rows = sited(rows, sites)
	}
	if len(rows) > 0 {
		fmt.Fprintf(w, "\n%s\n", title)
		table(w, rows)
	}
}

func actionRow(a plan.Action) []string {
	switch a.Verb {
	case plan.Configure:
		return []string{sourceName(a), a.Claim.Policy, way(a), keyed(a.Key), a.Reason.String()}
	case plan.Create:
		return []string{sourceName(a) + " at " + a.To.Name, a.Claim.Policy, a.Reason.String()}
	case plan.Copy:
		return []string{a.From.ID, a.Claim.Policy, way(a), keyed(a.Key), a.Reason.String()}
	case plan.Retire:
		return []string{sourceName(a) + " at " + a.To.Name, a.Reason.String()}
	case plan.Share, plan.Withdraw:
		return []string{a.From.ID, a.Claim.Policy, "account " + a.With, a.Reason.String()}
	default:
		return []string{a.From.ID, a.Claim.Policy, stamp(a.Taken), a.Reason.String()}
	}
}

// way says from where to where a copy goes; what is only on the way of one stays
// where it is.
func way(a plan.Action) string {
	if a.From.Site == a.To {
		return "within " + a.To.Name
	}
	return a.From.Site.Name + " → " + a.To.Name
}

// keyed says under which key a copy is made.
func keyed(key string) string {
	if key == "" {
		return "no key"
	}
	return "under " + key
}

// goesOn names the sites to which a snapshot is copied once it is complete. Policies
// in tags are not known here.
func goesOn(f policy.File, r plan.Routing, a plan.Action) string {
	p, ok := f.Policy(a.Claim.Policy)
	if !ok || r.Means != plan.ByCall && r.Means != plan.ByFile {
		return ""
	}
	var to []string
	for _, c := range p.Copies {
		if c.To != a.To.Name {
			to = append(to, c.To)
		}
	}
	if len(to) == 0 {
		return ""
	}
	return "; goes on to " + strings.Join(to, ", ")
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
	rows, sites := make([][]string, len(kept)), make([]string, len(kept))
	for i, v := range kept {
		rows[i], sites[i] = []string{v.Name, v.Policy, stamp(v.Taken), v.Reason.String()}, v.Ref.Site.Name
	}
	return sited(rows, sites)
}

// sited puts the site of each row behind its name, unless it goes without saying
// because it is the same everywhere.
func sited(rows [][]string, sites []string) [][]string {
	if len(slices.Compact(slices.Clone(sites))) > 1 {
		for i := range rows {
			rows[i] = slices.Insert(rows[i], 1, sites[i])
		}
	}
	return rows
}

func printVerdicts(w io.Writer, title string, list []plan.Verdict) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, t := range gathered(list) {
		fmt.Fprintf(w, "  %s: %s\n", t.what, t.why)
		if t.remedy != "" {
			fmt.Fprintf(w, "    → %s\n", t.remedy)
		}
	}
}

// told is what is said of one resource, or of several at once.
type told struct{ what, why, remedy string }

// gathered puts verdicts about copies together that differ in the resource alone:
// one key that is of no use must not fill the screen with all databases that depend
// on it.
func gathered(list []plan.Verdict) []told {
	out, at := make([]told, 0, len(list)), map[[3]string]int{}
	names := map[int][]string{}
	for _, v := range list {
		key := [3]string{v.Ref.Site.Name, v.Reason.String(), v.Remedy}
		n, again := at[key]
		if again && aboutCopies(v) {
			if !slices.Contains(names[n], v.Name) {
				names[n] = append(names[n], v.Name)
			}
			v.Name = strings.Join(names[n], ", ")
			out[n].what = place(v)
			continue
		}
		at[key], names[len(out)] = len(out), []string{v.Name}
		out = append(out, told{place(v), v.Reason.String(), v.Remedy})
	}
	return out
}

// aboutCopies reports whether a verdict says that copies are not possible.
func aboutCopies(v plan.Verdict) bool {
	switch v.Reason.Code {
	case plan.NoRoute, plan.BadKey, plan.CopyFailed:
		return true
	default:
		return false
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
