package main

import (
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

func newStatus(g *globals) *cobra.Command {
	var uncovered bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how each resource stands against its objective",
		Long: `status shows every resource: its policy, its newest good snapshot and how old
that is, whether the recovery point objective (RPO) is met, when the next
snapshot is due, and what no policy covers. With --uncovered it shows only what
is not protected: resources that no policy covers, volumes that are attached to
nothing, and volumes that a policy or a tag leaves out.

Exit codes: 0 every objective is met (with --uncovered: everything is covered);
4 some are not; 3 not every site could be seen; 2 wrong usage or policy file.`,
		Example: `  holdfast status
  holdfast status --uncovered
  holdfast status --json | jq '.standings[] | select(.standard == "missed") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := g.open()
			if err != nil {
				return err
			}
			inv := a.engine.Observe(cmd.Context())
			now := time.Now().UTC()
			standings := plan.Survey(now, a.file, inv)
			gaps := plan.Gaps(inv)
			p := plan.Build(now, a.file, inv, a.engine.Limits)
			foretold, refused := p.Foretold, refusedCopies(p)
			if uncovered {
				standings, foretold, refused = onlyUncovered(standings), nil, nil
			}
			if g.json {
				err = writeJSON(g.out, struct {
					At        time.Time       `json:"at"`
					Standings []plan.Standing `json:"standings"`
					Foretold  []plan.Verdict  `json:"foretold"`
					Refused   []plan.Verdict  `json:"refused"`
					Gaps      []plan.Gap      `json:"gaps"`
				}{now, orEmpty(standings), orEmpty(foretold), orEmpty(refused), gaps})
			} else {
				if uncovered && len(standings) == 0 && len(inv.Resources) > 0 {
					fmt.Fprintf(g.out, "Status at %s: everything that was seen is covered\n", stamp(now))
				} else {
					printStatus(g.out, now, standings)
				}
				printVerdicts(g.out, "Refused", refused)
				printVerdicts(g.out, "Foretold", foretold)
				printGaps(g.err, gaps, "")
			}
			if err != nil {
				return err
			}
			code := statusCode(standings, gaps)
			if uncovered && code == exitFine && len(standings) > 0 {
				code = exitChanges
			}
			return silently(code)
		},
	}
	cmd.Flags().BoolVar(&uncovered, "uncovered", false, "only what is not protected")
	return cmd
}

// onlyUncovered leaves what no policy covers and what of it is left out. Whether
// the rest meets its objective is another question.
func onlyUncovered(list []plan.Standing) []plan.Standing {
	out := []plan.Standing{}
	for _, s := range list {
		switch {
		case s.Standard == plan.Uncovered:
			out = append(out, s)
		case len(s.LeftOut) > 0:
			s.Standard = plan.Partly
			out = append(out, s)
		}
	}
	return out
}

func statusCode(list []plan.Standing, gaps []plan.Gap) int {
	if len(gaps) > 0 {
		return exitPart
	}
	for _, s := range list {
		if s.Standard == plan.Missed {
			return exitChanges
		}
	}
	return exitFine
}

func printStatus(w io.Writer, now time.Time, list []plan.Standing) {
	count := map[plan.Standard]int{}
	alone := 0 // Of which a copy is wanted, and somewhere there is none at all.
	for _, s := range list {
		count[s.Standard]++
		if s.Good > 0 && slices.ContainsFunc(s.Copies, func(c plan.CopyStanding) bool { return !c.Unseen && c.Good == 0 }) {
			alone++
		}
	}
	head := tally(count[plan.Met], "within the objective", count[plan.Missed], "past the objective",
		count[plan.NoObjective], "without an objective", alone, "not copied yet",
		count[plan.Uncovered], "not covered", count[plan.Aside], "aside", count[plan.Partly], "covered in part", count[plan.Gone], "gone")
	if len(list) == 0 {
		head = "no resources seen"
	}
	fmt.Fprintf(w, "Status at %s: %s\n", stamp(now), head)
	printStandings(w, now, list)
	printCopies(w, list)
	printUncovered(w, list)
	printLeftOut(w, list)
	printAside(w, list)
	printGone(w, list)
}

func printStandings(w io.Writer, now time.Time, list []plan.Standing) {
	rows := [][]string{{"RESOURCE", "KIND", "SITE", "POLICY", "NEWEST GOOD", "AGE", "RPO", "", "GOOD", "NEXT DUE"}}
	for _, s := range list {
		if s.Standard == plan.Uncovered || s.Standard == plan.Gone || s.Standard == plan.Partly || s.Standard == plan.Aside {
			continue
		}
		rows = append(rows, []string{
			s.Name, string(s.Resource.Kind), s.Resource.Site.Name, s.Policy, stamp(s.Taken), standingAge(s), rpo(s), word(s),
			fmt.Sprint(s.Good), due(now, s),
		})
	}
	if len(rows) > 1 {
		fmt.Fprintln(w, "\nProtected")
		table(w, rows)
	}
}

// printCopies says what would be left, and of when, if all but a destination were
// lost.
func printCopies(w io.Writer, list []plan.Standing) {
	rows := [][]string{{"RESOURCE", "KIND", "POLICY", "TO", "NEWEST COPY", "AGE", "BEHIND", "LAG", "GOOD", "PENDING"}}
	for _, s := range list {
		for _, c := range s.Copies {
			row := []string{s.Name, string(s.Resource.Kind), s.Policy, c.To}
			switch {
			case c.Unseen:
				row = append(row, "not seen")
			case c.Taken.IsZero():
				row = append(row, "-", "never", behind(c), "-", fmt.Sprint(c.Good), fmt.Sprint(c.Pending))
			default:
				row = append(row, stamp(c.Taken), age(time.Duration(c.Age)), behind(c), age(time.Duration(c.Lag)), fmt.Sprint(c.Good), fmt.Sprint(c.Pending))
			}
			rows = append(rows, row)
		}
	}
	if len(rows) > 1 {
		fmt.Fprintln(w, "\nCopies")
		table(w, rows)
	}
}

// behind says how much newer the newest original is.
func behind(c plan.CopyStanding) string {
	if c.Behind == 0 {
		return "no"
	}
	return age(time.Duration(c.Behind))
}

func standingAge(s plan.Standing) string {
	if s.Taken.IsZero() {
		return "never"
	}
	return age(time.Duration(s.Age))
}

func rpo(s plan.Standing) string {
	if s.RPO == 0 {
		return "-"
	}
	return policy.FormatDuration(time.Duration(s.RPO))
}

// word says in one word how a resource stands; a breach is the one to be seen.
func word(s plan.Standing) string {
	switch s.Standard {
	case plan.Met:
		return "met"
	case plan.Missed:
		return "BREACHED"
	case plan.NoObjective, plan.Uncovered, plan.Gone, plan.Partly, plan.Aside:
	}
	return "-"
}

func due(now time.Time, s plan.Standing) string {
	switch {
	case s.Next.After(now):
		return stamp(s.Next)
	case s.Pending > 0:
		return "being taken"
	case s.Status != "" && s.Status != "available":
		return "now, but " + s.Status
	default:
		return "now"
	}
}

func printUncovered(w io.Writer, list []plan.Standing) {
	var rows [][]string
	for _, s := range list {
		if s.Standard == plan.Uncovered {
			rows = append(rows, []string{s.Name, s.Resource.Site.Name, string(s.Resource.Kind), s.Status, uncoveredNote(s)})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "\nNot covered by any policy")
		table(w, rows)
	}
}

func printLeftOut(w io.Writer, list []plan.Standing) {
	var rows [][]string
	for _, s := range list {
		if len(s.LeftOut) > 0 {
			rows = append(rows, []string{s.Name, s.Resource.Site.Name, string(s.Resource.Kind), s.Policy, strings.Join(s.LeftOut, ", ")})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "\nVolumes left out of their instance's snapshots")
		table(w, rows)
	}
}

// printAside lists what is only there because of a restore.
func printAside(w io.Writer, list []plan.Standing) {
	var rows [][]string
	for _, s := range list {
		if s.Standard == plan.Aside {
			rows = append(rows, []string{s.Name, s.Resource.Site.Name, string(s.Resource.Kind), s.Status, s.Note})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "\nAside, because of a restore")
		table(w, rows)
	}
}

func uncoveredNote(s plan.Standing) string {
	if s.Note != "" {
		return s.Note
	}
	if s.Taken.IsZero() {
		return "no snapshot of ours"
	}
	return "newest snapshot of ours " + stamp(s.Taken)
}

func printGone(w io.Writer, list []plan.Standing) {
	var rows [][]string
	for _, s := range list {
		if s.Standard == plan.Gone {
			rows = append(rows, []string{s.Name, s.Resource.Site.Name, s.Policy, number(s.Good, "good snapshot remains", "good snapshots remain"), "newest " + stamp(s.Taken)})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(w, "\nGone, but snapshots remain")
		table(w, rows)
	}
}

func newSnapshots(g *globals) *cobra.Command {
	var site string
	var everybody bool
	cmd := &cobra.Command{
		Use:   "snapshots [RESOURCE]",
		Short: "List snapshots",
		Long: `snapshots lists holdfast's snapshots, newest last, of one resource or of all:
which policy and slot each serves, its state, whether it is held. With --all it
also lists those that others made; holdfast never touches these.`,
		Example: `  holdfast snapshots
  holdfast snapshots orders --site prod
  holdfast snapshots --all --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := g.open()
			if err != nil {
				return err
			}
			if err := a.knownSite(site); err != nil {
				return err
			}
			inv := a.engine.Observe(cmd.Context())
			resource := ""
			if len(args) == 1 {
				resource = args[0]
			}
			list := selectSnapshots(inv, a.file.Namespace, resource, site, everybody)
			gaps := plan.Gaps(inv)
			if g.json {
				err = writeJSON(g.out, struct {
					Snapshots []dr.Snapshot `json:"snapshots"`
					Gaps      []plan.Gap    `json:"gaps"`
				}{list, gaps})
			} else {
				printSnapshotsOf(g.out, a.file.Namespace, list, resource)
				printGaps(g.err, gaps, "")
			}
			if err == nil && len(gaps) > 0 {
				return silently(exitPart)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&site, "site", "", "only those at this site")
	cmd.Flags().BoolVar(&everybody, "all", false, "also those that holdfast did not make")
	return cmd
}
