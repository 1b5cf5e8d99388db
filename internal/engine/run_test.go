package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const poll = 15 * time.Second

// clean fails the test where a report holds any trouble.
func (w *world) clean(r engine.Report) engine.Report {
	w.Helper()
	for _, o := range r.Failed() {
		w.Errorf("failed: %v", o.Err)
	}
	if !r.Whole() {
		w.Errorf("not whole: refused %v, gaps %v", r.Plan.Refused, r.Plan.Gaps)
	}
	return r
}

// onlyError gives the one error of a report.
func (w *world) onlyError(r engine.Report) error {
	w.Helper()
	failed := r.Failed()
	if len(failed) != 1 {
		w.Fatalf("%d outcomes failed, want 1: %v", len(failed), failed)
	}
	if r.Whole() {
		w.Error("the report calls itself whole")
	}
	return failed[0].Err
}

// wantError asks for the sort of an error and for parts of what it says.
func (w *world) wantError(err error, fault store.Fault, parts ...string) {
	w.Helper()
	if err == nil {
		w.Fatal("no error")
	}
	if got := store.FaultOf(err); got != fault {
		w.Errorf("the fault is %q, want %q: %v", got, fault, err)
	}
	text := err.Error() + "\n→ " + store.Remedy(err)
	if strings.Contains(err.Error(), "\n") {
		w.Errorf("not one line: %q", err)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			w.Errorf("%q does not say %q", text, part)
		}
	}
}

func TestRunTakesWhatIsDueOnce(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		f := parse(w, oneSite+hourly)
		r := w.clean(w.process(f).RunOnce(w.Context()))
		if len(r.Outcomes) != 2 || len(w.person(prod).statuses()) != 2 {
			w.Fatalf("outcomes %v", r.Outcomes)
		}
		w.ResetCalls()
		again := w.clean(w.process(f).RunOnce(w.Context()))
		if n := w.changing(); n != 0 || len(again.Outcomes) != 0 {
			w.Errorf("the second run made %d changing calls: %v", n, again.Outcomes)
		}
		w.sleep(time.Hour)
		if r := w.clean(w.process(f).RunOnce(w.Context())); len(r.Outcomes) != 2 {
			w.Errorf("an hour later: %v", r.Outcomes)
		}
	})
}

func TestRunAndWaitReturnsWhenAvailable(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		p := w.process(parse(w, oneSite+hourly))
		var percents []int
		p.Watch = func(ev engine.Event) {
			if ev.Kind == engine.Progressed {
				percents = append(percents, ev.Percent)
			}
		}
		begun := time.Now()
		r := w.clean(p.RunAndWait(w.Context(), poll))
		if o := r.Outcomes[0]; o.State != dr.Good {
			w.Errorf("the outcome is %q", o.State)
		}
		if n := w.person(prod).good(); n != 1 {
			w.Errorf("%d good snapshots, want 1", n)
		}
		if took := time.Since(begun); took > 2*time.Minute {
			w.Errorf("a snapshot of 90 s was waited for %s", took)
		}
		if len(percents) < 4 || percents[0] >= percents[len(percents)-1] {
			w.Errorf("progress %v", percents)
		}
	})
}

func TestRunAndWaitWaitsForABusyDatabase(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		w.must(w.SetDBInstanceStatus(prod, region, "orders", "backing-up"))
		p := w.process(parse(w, oneSite+hourly))
		p.when(engine.Settled, func() { w.must(w.SetDBInstanceStatus(prod, region, "orders", "available")) })
		r := w.clean(p.RunAndWait(w.Context(), poll))
		if len(r.Outcomes) != 2 || r.Outcomes[1].Action.From.ID != "orders" || r.Outcomes[1].State != dr.Good {
			w.Errorf("outcomes %+v", r.Outcomes)
		}
		if len(r.Plan.Waiting) != 0 || w.person(prod).good() != 2 {
			w.Errorf("waiting %v", r.Plan.Waiting)
		}
	})
}

// Both policies are due, and a database takes one snapshot at a time.
func TestTwoPoliciesOnOneDatabase(t *testing.T) {
	const both = oneSite + hourly + `
  daily:
    match: {tags: {backup: gold}}
    every: 1d
    keep: {last: 4, floor: 2}
`
	t.Run("at once", func(t *testing.T) {
		bubble(t, sandbox.Options{}, func(w *world) {
			w.gold(prod, "orders")
			r := w.clean(w.process(parse(w, both)).RunOnce(w.Context()))
			if len(r.Plan.Waiting) != 1 || r.Plan.Waiting[0].Reason.Code != plan.Busy {
				w.Errorf("waiting %v", r.Plan.Waiting)
			}
			w.sleep(10 * time.Minute)
			w.clean(w.process(parse(w, both)).RunOnce(w.Context()))
			if n := len(w.person(prod).statuses()); n != 2 {
				w.Errorf("%d snapshots after the second run, want 2", n)
			}
		})
	})
	t.Run("waiting", func(t *testing.T) {
		bubble(t, sandbox.Options{}, func(w *world) {
			w.gold(prod, "orders")
			r := w.clean(w.process(parse(w, both)).RunAndWait(w.Context(), poll))
			if n := w.person(prod).good(); n != 2 || len(r.Plan.Waiting) != 0 {
				w.Errorf("%d good snapshots, want 2; waiting %v", n, r.Plan.Waiting)
			}
		})
	})
}

func TestFailedSnapshotIsRetriedAndCleanedUp(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		w.must(w.FailNextDBSnapshots(prod, region, "orders", 1))
		f := parse(w, oneSite+hourly)
		r := w.process(f).RunAndWait(w.Context(), poll)
		w.wantError(w.onlyError(r), store.Unknown, "take snapshot holdfast-orders-hourly-", "it ended failed",
			"→ look at the events of the database; the next run tries again under another name")
		failed := r.Outcomes[0].Made.ID

		r = w.clean(w.process(f).RunAndWait(w.Context(), poll))
		if a := r.Outcomes[0].Action; len(r.Outcomes) != 1 || a.Name == failed || a.Reason.Code != plan.Retry {
			w.Fatalf("the retry: %+v", r.Outcomes)
		}
		r = w.clean(w.process(f).RunOnce(w.Context()))
		if a := r.Outcomes[0].Action; len(r.Outcomes) != 1 || a.Verb != plan.Delete || a.Name != failed || a.Reason.Code != plan.Broken {
			w.Fatalf("the cleaning up: %+v", r.Outcomes)
		}
		w.sleep(time.Minute)
		if got := w.person(prod).statuses(); len(got) != 1 || got[failed] != "" {
			w.Errorf("left are %v", got)
		}
	})
}

func TestTakeIsBesidesTheSchedule(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		f := parse(w, oneSite+hourly)
		p := w.process(f)
		inv := p.Observe(w.Context())
		r := w.clean(p.Take(w.Context(), inv, plan.Wish{Resource: inv.Resources[0], Policy: "hourly", Keep: true}))
		r = w.clean(p.Settle(w.Context(), r, poll))
		if len(r.Outcomes) != 1 || r.Outcomes[0].State != dr.Good || !r.Outcomes[0].Action.Claim.Keep {
			w.Fatalf("outcomes %+v", r.Outcomes)
		}
		if r := w.clean(w.process(f).RunAndWait(w.Context(), poll)); len(r.Outcomes) != 1 {
			w.Errorf("what a person took stands in for the slot: %+v", r.Outcomes)
		}
	})
}

func TestMarkHoldsAndReleases(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		for ago := range 6 {
			w.taken(prod, "orders", "hourly", w.slot(ago))
		}
		f := parse(w, oneSite+hourly)
		p := w.process(f)
		expiring := func() []plan.Action {
			planned, _ := p.Plan(w.Context())
			return planned.Actions
		}
		before := expiring()
		if len(before) != 2 {
			w.Fatalf("expiring %v", before)
		}
		s := dr.Snapshot{Ref: before[0].From, Claim: before[0].Claim}
		if o := p.Mark(w.Context(), plan.Hold, s); o.Err != nil {
			w.Fatal(o.Err)
		}
		if got := expiring(); len(got) != 1 || got[0].From == s.Ref {
			w.Errorf("expiring while held: %v", got)
		}
		if o := p.Mark(w.Context(), plan.Release, s); o.Err != nil {
			w.Fatal(o.Err)
		}
		if got := expiring(); len(got) != 2 {
			w.Errorf("expiring after release: %v", got)
		}
		s.Ref.ID = "no-such-snapshot"
		w.wantError(p.Mark(w.Context(), plan.Hold, s).Err, store.NotFound,
			"hold rds snapshot no-such-snapshot at prod (111111111111 us-east-1): DBSnapshotNotFound")
	})
}

func TestFullQuotaMakesRoomAndTriesAgain(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		for ago := 1; ago <= 5; ago++ {
			w.taken(prod, "orders", "hourly", w.slot(ago))
		}
		w.must(w.SetQuota(prod, region, sandbox.QuotaManualSnapshots, 5))
		r := w.clean(w.process(parse(w, oneSite+hourly)).RunOnce(w.Context()))
		if len(r.Outcomes) != 2 || w.calls()["CreateDBSnapshot"] < 2 {
			w.Errorf("outcomes %+v, calls %v", r.Outcomes, w.calls())
		}
		w.sleep(time.Minute)
		if got := w.person(prod).statuses(); len(got) != 5 {
			w.Errorf("%d snapshots, want 5: %v", len(got), got)
		}
	})
}
