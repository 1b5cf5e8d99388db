package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/all"
)

// restoreFlags are the flags of restore.
type restoreFlags struct {
	from, site, kind, as, keepOld, order string
	zone                                 string
	drop                                 []string
	table, asTable                       string
	cache                                cacheFlags
	inPlace, onlyPlan, yes, skipChecks   bool
	poll                                 *time.Duration
	alert                                *string
}

func newRestore(g *globals) *cobra.Command {
	var f restoreFlags
	cmd := &cobra.Command{
		Use:   "restore RESOURCE",
		Short: "Restore a store, in its place or under a new name",
		Long: `restore makes a store anew from a snapshot, with the configuration that was
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
	flags.StringVar(&f.site, "site", "", "the site to restore at (default: where the resource lives)")
	flags.StringVar(&f.kind, "kind", "", "the kind of the resource, where several have one of that name")
	flags.StringArrayVar(&f.drop, "drop", nil, "leave this captured setting out, where the site has nothing for it; may be repeated")
	flags.BoolVar(&f.inPlace, "in-place", false, "put the new one in the place of the old one")
	flags.StringVar(&f.as, "as", "", "restore under this name, beside what is there")
	flags.StringVar(&f.zone, "zone", "", "with --as, of EBS volumes: the Availability Zone to make them in (default: the captured one)")
	flags.StringVar(&f.keepOld, "keep-old", "24h", "with --in-place: keep the old one for so long; 0: delete it at once, with a final snapshot")
	flags.StringVar(&f.order, "order", "beside", "with --in-place: beside, or rename-first: the old one gives its name away before anything is restored")
	flags.StringVar(&f.table, "table", "", "of a Redshift cluster: restore only this table (database.schema.table), into the running cluster")
	flags.StringVar(&f.asTable, "as-table", "", "with --table: the name of the new table (default: that of the old one and the restore's ID)")
	flags.BoolVar(&f.skipChecks, "skip-checks", false, "do not check the data as the policy says")
	f.cache.add(cmd)
	flags.BoolVar(&f.onlyPlan, "plan", false, "only show the steps")
	flags.BoolVar(&f.yes, "yes", false, "do not ask")
	f.poll, f.alert = pollFlag(cmd), alertFlag(cmd)
	cmd.AddCommand(newRestoreList(g), newRestoreResume(g), newRestoreAbort(g))
	return cmd
}

// wish turns flags into what is wished.
func (f restoreFlags) wish(resource string) (engine.RestoreWish, error) {
	w := engine.RestoreWish{Resource: resource, From: f.from, Site: f.site, Kind: dr.Kind(f.kind), Drop: f.drop, As: f.as, RenameFirst: f.order == "rename-first", SkipChecks: f.skipChecks}
	switch {
	case f.kind != "" && !slices.Contains(all.Kinds(), dr.Kind(f.kind)):
		return w, usagef("--kind %q: want one of the kinds %v", f.kind, all.Kinds())
	case f.table != "" || f.asTable != "":
		return f.wishTable(w)
	case f.inPlace == (f.as != ""):
		return w, usagef("say either --in-place or --as NAME")
	case f.order != "beside" && f.order != "rename-first":
		return w, usagef("--order %q: want beside or rename-first", f.order)
	case f.order == "rename-first" && !f.inPlace:
		return w, usagef("--order is for --in-place")
	}
	w.With = f.with()
	if f.keepOld != "0" {
		d, err := policy.ParseDuration(f.keepOld)
		if err != nil {
			return w, usagef("--keep-old: %w", err)
		}
		w.KeepOld = d
	}
	return w, nil
}

// wishTable is the wish for one table. The checks of the policy are of the whole store.
func (f restoreFlags) wishTable(w engine.RestoreWish) (engine.RestoreWish, error) {
	w.SkipChecks, w.With = true, f.with()
	switch {
	case f.table == "":
		return w, usagef("--as-table is for --table")
	case f.inPlace || f.as != "" || f.order != "beside":
		return w, usagef("--table restores into the running cluster: leave --in-place, --as and --order out")
	}
	return w, nil
}

// with gives what only some stores know.
func (f restoreFlags) with() map[string]string {
	out := map[string]string{"zone": f.zone, "table": f.table, "as-table": f.asTable}
	maps.Copy(out, f.cache.with())
	maps.DeleteFunc(out, func(_, v string) bool { return v == "" })
	return out
}

func (g *globals) restore(ctx context.Context, resource string, f restoreFlags) error {
	w, err := f.wish(resource)
	if err != nil {
		return err
	}
	hook, err := receiver(*f.alert)
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
	return g.driveOn(ctx, r, driving{app: a, how: a.engine.RunRestore, poll: *f.poll, alert: hook})
}

// askRestore asks a person before anything is changed.
func (g *globals) askRestore(r engine.Restoring) error {
	if !g.terminal() || g.json {
		return usagef("there is nobody to ask: say --yes to restore, or --plan to look first")
	}
	want := r.Request.Name
	fmt.Fprintf(g.out, "\nType %s to restore, anything else to leave it: ", want)
	line, err := bufio.NewReader(g.in).ReadString('\n')
	if err != nil && line == "" || strings.TrimSpace(line) != want {
		return &exitError{code: exitFailed, err: fmt.Errorf("nothing was changed")}
	}
	return nil
}

type driver func(ctx context.Context, r engine.Restoring, poll time.Duration, watch func(saga.Event)) (saga.Result, error)

// drive runs a restore and says how it ends.
func (g *globals) drive(ctx context.Context, r engine.Restoring, poll time.Duration, how driver) error {
	var show restoreShow = noRestoreShow{}
	if !g.json {
		fmt.Fprintf(g.out, "\nRestore %s begins; Ctrl-C stops it safely, and says how to go on.\n", r.Request.ID)
		show = newRestoreShow(g.streams)
	}
	res, err := how(ctx, r, poll, show.watch)
	show.end()
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
		fmt.Fprintf(g.out, "Done: %s is restored from %s.\n", whatIsRestored(r), r.Request.From.Ref.ID)
		if replaces(r) && r.Request.KeepOld > 0 {
			fmt.Fprintf(g.out, "The old one is kept until %s (`holdfast restore list`); then `holdfast run` takes a final snapshot of it and deletes it.\n",
				stamp(r.Request.Begun.Add(r.Request.KeepOld)))
		}
		return nil
	case res.Outcome == saga.RolledBack && res.Err == nil:
		fmt.Fprintf(g.out, "Done: restore %s is taken back; %s.\n", id, whatRemains(r))
		return nil
	case res.Outcome == saga.RolledBack:
		return &exitError{code: exitFailed, err: fmt.Errorf("the restore failed and was taken back; %s: %w", whatRemains(r), res.Err), remedy: store.Remedy(res.Err)}
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

// whatRemains says how things are after a restore was taken back.
func whatRemains(r engine.Restoring) string { return cmp.Or(r.Remains, "all is as it was") }

func whatIsRestored(r engine.Restoring) string {
	if table := r.Request.With["table"]; table != "" {
		return "table " + table + " of " + r.Request.Name
	}
	if r.Request.InPlace && r.Final() != r.Request.Name {
		return r.Request.Name + " (now " + r.Final() + ")"
	}
	return r.Request.Name
}
