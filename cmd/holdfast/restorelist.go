package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/store"
)

func newRestoreList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the restores that are under way, and the old ones that are kept",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := g.open()
			if err != nil {
				return err
			}
			inv := a.engine.Observe(cmd.Context())
			all, unseen := a.engine.Restores(cmd.Context(), inv)
			kept := a.engine.KeptOnes(inv)
			if err := g.listRestores(all, kept, unseen == nil); err != nil || unseen == nil {
				return err
			}
			return &exitError{code: exitPart, err: fmt.Errorf("not everything could be seen, so there may be more: %w", unseen), remedy: store.Remedy(unseen)}
		},
	}
}

// listRestores prints what was found; whole says that everything was seen.
func (g *globals) listRestores(all []engine.Restoring, kept []engine.KeptOld, whole bool) error {
	if g.json {
		out := make([]restorePlan, 0, len(all))
		for _, r := range all {
			out = append(out, restorePlanJSON(r))
		}
		return writeJSON(g.out, listJSON{out, orEmpty(kept)})
	}
	if len(all) > 0 {
		rows := [][]string{{"ID", "OF", "KIND", "SITE", "FROM", "BEGUN"}}
		for _, r := range all {
			rows = append(rows, []string{r.Request.ID, r.Request.Name, string(r.Kind), r.Site.Name, r.Request.From.Ref.ID, stamp(r.Request.Begun)})
		}
		table(g.out, rows)
	} else if whole {
		fmt.Fprintln(g.out, "No restore is under way.")
	}
	printKeptOnes(g, kept)
	return nil
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
	poll, alert := pollFlag(cmd), alertFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		hook, err := receiver(*alert)
		if err != nil {
			return err
		}
		a, err := g.open()
		if err != nil {
			return err
		}
		all, unseen := a.engine.Restores(cmd.Context(), a.engine.Observe(cmd.Context()))
		i := slices.IndexFunc(all, func(r engine.Restoring) bool { return r.Request.ID == args[0] })
		if i < 0 && unseen != nil {
			return &exitError{
				code: exitFailed, err: fmt.Errorf("restore %s was not found, and not everything could be seen: %w", args[0], unseen),
				remedy: store.Remedy(unseen),
			}
		}
		if i < 0 {
			return &exitError{
				code: exitFailed, err: fmt.Errorf("there is no restore %s under way", args[0]),
				remedy: "`holdfast restore list` shows those that there are; one that is finished is not among them",
			}
		}
		return g.driveOn(cmd.Context(), all[i], driving{app: a, how: how(a), poll: *poll, alert: hook})
	}
	return cmd
}
