package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// restoreFlags are the flags of restore.
type restoreFlags struct {
	from, site, as, keepOld, order string
	inPlace, onlyPlan, yes         bool
	poll                           *time.Duration
}

func newRestore(g *globals) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore RESOURCE",
		Short: "Restore a database, in its place or under a new name",
		Long: `restore makes a database anew from a snapshot, with the configuration that was
captured when the snapshot was taken.

In place, the new one is made beside the old one and put into order there; only then
the old one is renamed away and the new one gets its name. Until that is done any
failure puts the old one back and removes the half-made one. The old one is kept for
--keep-old, or deleted with a final snapshot (--keep-old 0).

Ctrl-C stops it where it is, and nothing is lost: "holdfast restore resume ID" goes
on from what the cloud shows, on any machine; "holdfast restore abort ID" takes it
back.

Exit codes: 0 restored (with --plan: planned); 1 failed, and all is as it was;
3 stopped in the middle, resume or abort it; 2 wrong usage.`,
		Example: `  holdfast restore orders --in-place --plan
  holdfast restore orders --in-place --from "2026-11-20 14:05"
  holdfast restore orders --as orders-copy --from latest --yes`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return g.restore(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "latest", "which recovery point: latest, the name of a snapshot, or a time in UTC")
	flags.StringVar(&f.site, "site", "", "the site to restore at, where several have a recovery point")
	flags.BoolVar(&f.inPlace, "in-place", false, "put the new one in the place of the old one")
	flags.StringVar(&f.as, "as", "", "restore under this name, beside what is there")
	flags.StringVar(&f.keepOld, "keep-old", "24h", "with --in-place: keep the old one for so long; 0: delete it at once, with a final snapshot")
	flags.StringVar(&f.order, "order", "beside", "with --in-place: beside, or rename-first where the quota has no room for two")
	flags.BoolVar(&f.onlyPlan, "plan", false, "only show the steps")
	flags.BoolVar(&f.yes, "yes", false, "do not ask")
	f.poll = pollFlag(cmd)
	cmd.AddCommand(newRestoreList(g), newRestoreResume(g), newRestoreAbort(g))
	return cmd
}

// wish turns flags into what is wished.
func (f restoreFlags) wish(resource string) (engine.RestoreWish, error) {
	w := engine.RestoreWish{Resource: resource, From: f.from, Site: f.site, As: f.as, RenameFirst: f.order == "rename-first"}
	switch {
	case f.inPlace == (f.as != ""):
		return w, usagef("say either --in-place or --as NAME")
	case f.order != "beside" && f.order != "rename-first":
		return w, usagef("--order %q: want beside or rename-first", f.order)
	case f.order == "rename-first" && !f.inPlace:
		return w, usagef("--order is for --in-place")
	}
	if f.keepOld != "0" {
		d, err := policy.ParseDuration(f.keepOld)
		if err != nil {
			return w, usagef("--keep-old: %w", err)
		}
		w.KeepOld = d
	}
	return w, nil
}

func (g *globals) restore(ctx context.Context, resource string, f restoreFlags) error {
	w, err := f.wish(resource)
	if err != nil {
		return err
	}
	a, err := g.open()
	if err != nil {
		return err
	}
	if err := a.knownSite(f.site); err != nil {
		return err
	}
	inv := a.engine.Observe(ctx)
	r, err := a.engine.PlanRestore(ctx, inv, w)
	if err != nil {
		return err
	}
	if g.json && f.onlyPlan {
		return writeJSON(g.out, restorePlanJSON(r))
	}
	if !g.json {
		printRestorePlan(g.out, r)
	}
	if f.onlyPlan {
		return nil
	}
	if !f.yes {
		if err := g.askRestore(r); err != nil {
			return err
		}
	}
	return g.drive(ctx, r, *f.poll, a.engine.RunRestore)
}

// askRestore asks a person before anything is changed.
func (g *globals) askRestore(r engine.Restoring) error {
	if !g.terminal() || g.json {
		return usagef("there is nobody to ask: say --yes to restore, or --plan to look first")
	}
	want := r.Request.Name
	fmt.Fprintf(g.out, "\nType %s to restore, anything else to leave it: ", want)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" || strings.TrimSpace(line) != want {
		return &exitError{code: exitFailed, err: fmt.Errorf("nothing was changed")}
	}
	return nil
}

type driver func(ctx context.Context, r engine.Restoring, poll time.Duration, watch func(saga.Event)) (saga.Result, error)

// drive runs a restore and says how it ends.
func (g *globals) drive(ctx context.Context, r engine.Restoring, poll time.Duration, how driver) error {
	watch := func(saga.Event) {}
	if !g.json {
		fmt.Fprintf(g.out, "\nRestore %s begins; Ctrl-C stops it safely.\n", r.Request.ID)
		watch = (&restoreLines{out: g.out}).watch
	}
	res, err := how(ctx, r, poll, watch)
	if err != nil {
		return err
	}
	if g.json {
		if err := writeJSON(g.out, restoreJSON(r, res)); err != nil {
			return err
		}
		return silently(restoreCode(res))
	}
	return g.sayEnd(r, res)
}

func restoreCode(res saga.Result) int {
	switch {
	case res.Outcome == saga.Finished, res.Outcome == saga.RolledBack && res.Err == nil:
		return exitFine
	case res.Outcome == saga.RolledBack:
		return exitFailed
	default:
		return exitPart
	}
}

// sayEnd says how a restore ended, and what a person has to do now.
func (g *globals) sayEnd(r engine.Restoring, res saga.Result) error {
	id := r.Request.ID
	switch {
	case res.Outcome == saga.Finished:
		fmt.Fprintf(g.out, "Done: %s is restored from %s.\n", r.Request.Name, r.Request.From.Ref.ID)
		return nil
	case res.Outcome == saga.RolledBack && res.Err == nil:
		fmt.Fprintf(g.out, "Done: restore %s is taken back; all is as it was.\n", id)
		return nil
	case res.Outcome == saga.RolledBack:
		return &exitError{code: exitFailed, err: fmt.Errorf("the restore failed and was taken back; all is as it was: %w", res.Err), remedy: store.Remedy(res.Err)}
	case res.UndoErr != nil:
		return &exitError{
			code: exitPart, err: fmt.Errorf("restore %s stopped in the middle, and could not be taken back: %w (after: %w)", id, res.UndoErr, res.Err),
			remedy: "`holdfast restore abort " + id + "` tries again; `holdfast restore list` shows what there is",
		}
	case errors.Is(res.Err, context.Canceled):
		return &exitError{
			code: exitPart, err: fmt.Errorf("restore %s was told to stop, and stopped at %q; nothing is lost", id, res.Step.Title),
			remedy: "`holdfast restore resume " + id + "` goes on, `holdfast restore abort " + id + "` takes it back",
		}
	default:
		return &exitError{
			code: exitPart, err: fmt.Errorf("restore %s stopped at %q: %w", id, res.Step.Title, res.Err),
			remedy: "`holdfast restore resume " + id + "` goes on, `holdfast restore abort " + id + "` takes it back",
		}
	}
}

// restoreLines writes a line for each thing that happens.
type restoreLines struct {
	out  io.Writer
	note string
	// said is how long the step had taken when something was last said of it.
	said time.Duration
}

// sayEvery is how often a step that takes long is spoken of.
const sayEvery = 5 * time.Minute

func (l *restoreLines) watch(ev saga.Event) {
	total := len(ev.Saga.Steps)
	step := fmt.Sprintf("%d/%d %s", ev.Index+1, total, ev.Step.Title)
	switch ev.Kind {
	case saga.Found:
		fmt.Fprintf(l.out, "found    %s: done before\n", step)
	case saga.Began:
		l.note, l.said = "", 0
		fmt.Fprintf(l.out, "begins   %s%s\n", step, about(ev.Step.Expect))
	case saga.Went:
		if ev.Progress.Note != l.note || ev.Elapsed-l.said >= sayEvery {
			l.note, l.said = ev.Progress.Note, ev.Elapsed
			fmt.Fprintf(l.out, "         %s after %s%s\n", l.note, ev.Elapsed.Round(time.Second), remaining(ev))
		}
	case saga.Ended:
		fmt.Fprintf(l.out, "done     %s (%s)\n", step, ev.Elapsed.Round(time.Second))
	case saga.Failed:
		fmt.Fprintf(l.out, "FAILED   %s: %v\n", step, ev.Err)
	case saga.Undoing:
		fmt.Fprintf(l.out, "undoing  %s\n", step)
	case saga.Undone:
	case saga.Stuck:
		fmt.Fprintf(l.out, "STUCK    %s: %v\n", step, ev.Err)
	}
}

// remaining estimates how much longer a step takes.
func remaining(ev saga.Event) string {
	if left := ev.Step.Expect - ev.Elapsed; left >= time.Minute {
		return about(left) + " left"
	}
	return ""
}

func about(d time.Duration) string {
	if d < time.Minute {
		return ""
	}
	return ", about " + policy.FormatDuration(d.Round(time.Minute))
}

func printRestorePlan(w io.Writer, r engine.Restoring) {
	s := r.Request.From
	fmt.Fprintf(w, "Restore %s at %s from %s\n  data of %s\n\nSteps\n", r.Request.Name, r.Site.Name, s.Ref.ID, stamp(s.Taken))
	var rows [][]string
	total := time.Duration(0)
	for i, st := range r.Saga.Steps {
		total += st.Expect
		note := ""
		if st.Pivot {
			note = "from here on it only goes forward"
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), st.Title, strings.TrimPrefix(about(st.Expect), ", "), note})
	}
	table(w, rows)
	fmt.Fprintf(w, "\nIt takes about %s, and %s.\n", policy.FormatDuration(total.Round(time.Minute)), r.Needs)
	if len(r.Losses) > 0 {
		fmt.Fprintln(w, "\nWhat the new one will not have")
		for _, l := range r.Losses {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
}

type restorePlan struct {
	ID       string      `json:"id"`
	Site     string      `json:"site"`
	Kind     dr.Kind     `json:"kind"`
	Name     string      `json:"name"`
	Snapshot string      `json:"snapshot"`
	Taken    time.Time   `json:"taken"`
	Steps    []saga.Step `json:"steps"`
	Losses   []string    `json:"losses"`
	Needs    string      `json:"needs"`
}

func restorePlanJSON(r engine.Restoring) restorePlan {
	return restorePlan{
		ID: r.Request.ID, Site: r.Site.Name, Kind: r.Kind, Name: r.Request.Name, Snapshot: r.Request.From.Ref.ID, Taken: r.Request.From.Taken,
		Steps: r.Saga.Steps, Losses: orEmpty(r.Losses), Needs: r.Needs,
	}
}

type restoreResult struct {
	restorePlan
	Outcome string `json:"outcome"`
	Step    string `json:"step,omitempty"`
	Error   string `json:"error,omitempty"`
	Undo    string `json:"undo_error,omitempty"`
}

func restoreJSON(r engine.Restoring, res saga.Result) restoreResult {
	out := restoreResult{restorePlan: restorePlanJSON(r), Outcome: res.Outcome.String(), Step: res.Step.Name}
	if res.Err != nil {
		out.Error = res.Err.Error()
	}
	if res.UndoErr != nil {
		out.Undo = res.UndoErr.Error()
	}
	return out
}

func newRestoreList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the restores that are under way",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, all, err := g.restores(cmd.Context())
			if err != nil {
				return err
			}
			if g.json {
				out := make([]restorePlan, 0, len(all))
				for _, r := range all {
					out = append(out, restorePlanJSON(r))
				}
				return writeJSON(g.out, out)
			}
			if len(all) == 0 {
				fmt.Fprintln(g.out, "No restore is under way.")
				return nil
			}
			rows := [][]string{{"ID", "OF", "KIND", "SITE", "FROM", "BEGUN"}}
			for _, r := range all {
				rows = append(rows, []string{r.Request.ID, r.Request.Name, string(r.Kind), r.Site.Name, r.Request.From.Ref.ID, stamp(r.Request.Begun)})
			}
			table(g.out, rows)
			return nil
		},
	}
}

func (g *globals) restores(ctx context.Context) (*app, []engine.Restoring, error) {
	a, err := g.open()
	if err != nil {
		return nil, nil, err
	}
	all, err := a.engine.Restores(ctx, a.engine.Observe(ctx))
	return a, all, err
}

func newRestoreResume(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "resume ID", Short: "Go on with a restore that was stopped, from what the cloud shows"}
	return g.onRestore(cmd, func(a *app) driver { return a.engine.RunRestore })
}

func newRestoreAbort(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "abort ID", Short: "Take back a restore that was stopped"}
	return g.onRestore(cmd, func(a *app) driver { return a.engine.AbortRestore })
}

// onRestore makes a command that does something to one restore.
func (g *globals) onRestore(cmd *cobra.Command, how func(*app) driver) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	poll := pollFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a, all, err := g.restores(cmd.Context())
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(r engine.Restoring) bool { return r.Request.ID == args[0] })
		if i < 0 {
			return &exitError{
				code: exitFailed, err: fmt.Errorf("there is no restore %s under way", args[0]),
				remedy: "`holdfast restore list` shows those that there are; one that is finished is not among them",
			}
		}
		return g.drive(cmd.Context(), all[i], *poll, how(a))
	}
	return cmd
}
