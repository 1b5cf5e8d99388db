package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/notify"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// driving is how a restore is run.
type driving struct {
	app  *app
	how  driver
	poll time.Duration
	// alert is the receiver of alerts; nil where there is none.
	alert *notify.Webhook
}

// alertFlag adds the flag that names a receiver of alerts.
func alertFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("alert", "", "post a word to this URL when it begins, ends, fails and is taken back ({\"text\": \"...\"})")
}

// receiver gives what --alert names.
func receiver(address string) (*notify.Webhook, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // Nobody wants alerts.
	}
	hook, err := notify.NewWebhook(address, nil)
	if err != nil {
		return nil, usagef("--alert: %w", err)
	}
	return hook, nil
}

// alerts tells a receiver what becomes of a restore. The zero value tells nobody.
type alerts struct {
	queue *notify.Queue
	about string
	// undoing: it was said that the rollback has begun.
	undoing bool
}

func newAlerts(ctx context.Context, hook *notify.Webhook, r engine.Restoring) *alerts {
	a := &alerts{about: fmt.Sprintf("holdfast: restore %s of %s at %s", r.Request.ID, r.Request.Name, r.Site.Name)}
	if hook != nil {
		a.queue = notify.NewQueue(ctx, hook.Send)
	}
	return a
}

func (a *alerts) say(format string, args ...any) {
	if a.queue != nil {
		a.queue.Put(a.about + " " + fmt.Sprintf(format, args...))
	}
}

// watch says what cannot wait for the end.
func (a *alerts) watch(ev saga.Event) {
	switch ev.Kind {
	case saga.Failed:
		a.say("failed at %q: %v", ev.Step.Title, ev.Err)
	case saga.Undoing:
		if !a.undoing {
			a.say("is being taken back")
		}
		a.undoing = true
	case saga.Stuck:
		a.say("cannot take back %q: %v", ev.Step.Title, ev.Err)
	case saga.Found, saga.Began, saga.Went, saga.Ended, saga.Undone:
	}
}

// ended says how it ended.
func (a *alerts) ended(res saga.Result, retireErr error) {
	switch {
	case res.Outcome == 0: // It never began.
	case res.Outcome == saga.Finished && retireErr != nil:
		a.say("is done; what it replaced could not be deleted: %v", retireErr)
	case res.Outcome == saga.Finished:
		a.say("is done")
	case res.Outcome == saga.RolledBack:
		a.say("is taken back; all is as it was")
	default:
		a.say("stopped at %q and has to be resumed or aborted", res.Step.Title)
	}
}

// close sends what is left, and says what could not be sent. That is no failure of the
// restore.
func (a *alerts) close(g *globals) {
	if a.queue == nil {
		return
	}
	for _, err := range a.queue.Close() {
		printError(g.err, err.Error(), "", g.json)
	}
}

// driveOn runs a restore, tells the receiver of it, and goes on, where nothing is to be
// kept, until what it replaced is gone.
func (g *globals) driveOn(ctx context.Context, r engine.Restoring, d driving) error {
	tell := newAlerts(ctx, d.alert, r)
	defer tell.close(g)
	var res saga.Result
	err := g.drive(ctx, r, d.poll, func(ctx context.Context, r engine.Restoring, poll time.Duration, watch func(saga.Event)) (saga.Result, error) {
		tell.say("begins")
		var err error
		res, err = d.how(ctx, r, poll, func(ev saga.Event) {
			tell.watch(ev)
			watch(ev)
		})
		if err != nil {
			tell.say("could not begin: %v", err)
		}
		return res, err
	})
	if res.Outcome != saga.Finished || !replaces(r) || r.Request.KeepOld != 0 {
		tell.ended(res, nil)
		return err
	}
	left := g.retireNow(ctx, d, r)
	tell.ended(res, left)
	if left != nil {
		return notRetired(r, left)
	}
	return err
}

// retireNow goes on until what a restore replaced is gone.
func (g *globals) retireNow(ctx context.Context, d driving, r engine.Restoring) error {
	if g.json {
		return d.app.engine.RetireNow(ctx, r, d.poll)
	}
	fmt.Fprintln(g.out, "Now the old one: a final snapshot is taken of it, and then it is deleted.")
	lines := &lineProgress{out: g.out, left: map[string]bool{}}
	d.app.engine.Watch = lines.watch
	if err := d.app.engine.RetireNow(ctx, r, d.poll); err != nil {
		return err
	}
	fmt.Fprintln(g.out, "Done: the old one is deleted; its final snapshot stays.")
	return nil
}

// notRetired says that a restore is done and what it replaced is still there.
func notRetired(r engine.Restoring, err error) error {
	remedy := store.Remedy(err)
	if remedy != "" {
		remedy += "; "
	}
	return &exitError{
		code: exitPart, err: fmt.Errorf("%s is restored; only what it replaced is not deleted yet: %w", r.Request.Name, err),
		remedy: remedy + "each `holdfast run` goes on with it, and `holdfast restore list` shows it",
	}
}

// listJSON is the JSON form of restore list.
type listJSON struct {
	Restores []restorePlan    `json:"restores"`
	Kept     []engine.KeptOld `json:"kept"`
}

func printKeptOnes(g *globals, kept []engine.KeptOld) {
	if len(kept) == 0 {
		return
	}
	fmt.Fprintln(g.out, "\nKept")
	rows := [][]string{{"OLD ONE", "KIND", "SITE", "STATUS", "REPLACED BY", "KEPT UNTIL"}}
	for _, k := range kept {
		until := k.Until
		if t, err := time.Parse(time.RFC3339, until); err == nil {
			until = stamp(t)
		}
		rows = append(rows, []string{k.Ref.ID, string(k.Ref.Kind), k.Ref.Site.Name, k.Status, k.ReplacedBy, until})
	}
	table(g.out, rows)
}

// replaces reports whether a restore puts something in the place of what was there. One
// table does not.
func replaces(r engine.Restoring) bool {
	return r.Request.InPlace && slices.ContainsFunc(r.Saga.Steps, func(st saga.Step) bool { return st.Pivot })
}
