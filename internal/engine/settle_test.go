package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// A listing that lags behind shows nothing of a new snapshot for a while: that
// is not the end of it.
func TestSettleSeesThroughStaleReads(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		p := w.process(parse(w, oneSite+hourly))
		w.fault(p, "DescribeDBSnapshots", sandbox.Fault{Kind: sandbox.Stale, StaleBy: 50 * time.Second})
		r := w.clean(p.RunAndWait(w.Context(), poll))
		if r.Outcomes[0].State != dr.Good {
			w.Errorf("outcome %+v", r.Outcomes[0])
		}
	})
}

func TestSettleTellsWhenASnapshotIsGone(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		p := w.process(parse(w, oneSite+hourly))
		r := w.clean(p.RunOnce(w.Context()))
		// Nobody can delete a snapshot that is being made; but one that has become
		// available between two looks can go.
		w.sleep(2 * time.Minute)
		w.person(prod).delete(r.Outcomes[0].Made.ID)
		begun := time.Now()
		r = p.Settle(w.Context(), r, poll)
		w.wantError(w.onlyError(r), store.Unknown, "snapshot holdfast-orders-hourly-", "of rds orders at prod is gone before it was available")
		if took := time.Since(begun); took < 3*poll || took > 5*poll {
			w.Errorf("it took %s to say so, want four looks", took)
		}
	})
}

// A site out of sight for a while is not an end either, though the policy file
// does not say its account.
func TestSettleWaitsThroughAGap(t *testing.T) {
	const unnamed = `namespace: test
sites:
  prod: {region: us-east-1}
policies:
` + hourly
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		w.must(w.SetDBInstanceStatus(prod, region, "orders", "backing-up"))
		p := w.process(parse(w, unnamed))
		r := w.clean(p.RunOnce(w.Context()))
		heal := w.fault(p, "GetCallerIdentity", sandbox.Fault{Kind: sandbox.Deny})
		go func() {
			w.sleep(10*poll + time.Second) // Many more looks than what is gone would need.
			heal()
			w.must(w.SetDBInstanceStatus(prod, region, "orders", "available"))
		}()
		r = w.clean(p.Settle(w.Context(), r, poll))
		if len(r.Outcomes) != 2 || r.Outcomes[1].State != dr.Good {
			w.Errorf("outcomes %+v", r.Outcomes)
		}
	})
}

// It does not wait for ever for what stays out of sight.
func TestSettleGivesUpOnAGapThatStays(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		w.must(w.SetDBInstanceStatus(prod, region, "orders", "backing-up"))
		p := w.process(parse(w, oneSite+hourly))
		r := w.clean(p.RunOnce(w.Context()))
		w.fault(p, "DescribeDBSnapshots", sandbox.Fault{Kind: sandbox.Deny})
		r = p.Settle(w.Context(), r, poll)
		w.wantError(w.onlyError(r), store.Denied, "wait for snapshot holdfast-catalog-hourly-", "AccessDenied",
			"→ it goes on by itself; `holdfast status` shows when it is available")
		if len(r.Plan.Gaps) != 1 || len(r.Plan.Waiting) != 0 {
			w.Errorf("gaps %v, waiting %v", r.Plan.Gaps, r.Plan.Waiting)
		}
	})
}

// What had to wait and then cannot be done is said, not dropped.
func TestBusyDatabaseThatStops(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		w.must(w.SetDBInstanceStatus(prod, region, "orders", "backing-up"))
		p := w.process(parse(w, oneSite+hourly))
		r := w.clean(p.RunOnce(w.Context()))
		w.must(w.SetDBInstanceStatus(prod, region, "orders", "stopped"))
		r = p.Settle(w.Context(), r, poll)
		if r.Whole() || len(r.Plan.Refused) != 1 || r.Plan.Refused[0].Reason.Code != plan.Blocked {
			w.Errorf("refused %v", r.Plan.Refused)
		}
	})
}

func TestCancelBetweenPlanAndApply(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		for ago := 1; ago < 8; ago++ {
			w.taken(prod, "orders", "hourly", w.slot(ago))
		}
		f := parse(w, oneSite+hourly)
		ctx, cancel := context.WithCancel(w.Context())
		r := w.process(f).when(engine.Planned, cancel).RunOnce(ctx)
		if n := w.changing(); n != 0 || len(r.Failed()) != len(r.Plan.Actions) || len(r.Failed()) != 5 {
			w.Fatalf("%d changing calls; failed %v", n, r.Failed())
		}
		for _, o := range r.Failed() {
			w.wantError(o.Err, store.Stopped, "interrupted", "→ run again; what was begun is found and goes on")
		}
		w.converged(f)
	})
}

// The context ends while calls are under way.
func TestDeadlineWithinACall(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 10 * time.Second}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		f := parse(w, oneSite+hourly)
		p := w.process(f)
		// Who am I 10 s, two lists side by side 10 s, and half of a create: it takes
		// effect, and its answer is not waited for.
		ctx, cancel := context.WithTimeout(w.Context(), 27*time.Second)
		defer cancel()
		r := p.RunOnce(ctx)
		if len(r.Failed()) != 2 {
			w.Fatalf("outcomes %+v", r.Outcomes)
		}
		for _, o := range r.Failed() {
			w.wantError(o.Err, store.Stopped, "take snapshot holdfast-", "the time given for it is over", "→ run again; what was begun is found and goes on")
		}
		if n := len(w.person(prod).statuses()); n != 2 {
			w.Errorf("%d snapshots were begun, want 2", n)
		}
		w.converged(f)
	})
}

func TestCancelBeforeAnything(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		f := parse(w, oneSite+hourly)
		r := w.process(f).RunOnce(ctx)
		if r.Whole() || len(r.Plan.Gaps) != 1 || r.Plan.Gaps[0].Remedy != "run again; what was begun is found and goes on" {
			w.Errorf("gaps %v", r.Plan.Gaps)
		}
		w.converged(f)
	})
}

func TestCancelWhileWaiting(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		ctx, cancel := context.WithTimeout(w.Context(), 40*time.Second)
		defer cancel()
		f := parse(w, oneSite+hourly)
		r := w.process(f).RunAndWait(ctx, poll)
		w.wantError(w.onlyError(r), store.Stopped, "wait for snapshot holdfast-orders-hourly-", "the time given for it is over",
			"→ it goes on by itself; `holdfast status` shows when it is available")
		w.converged(f)
	})
}

// converged runs once more and asks that then nothing is left to do.
func (w *world) converged(f policy.File) {
	w.Helper()
	w.clean(w.process(f).RunAndWait(w.Context(), poll))
	// What was failed or replaced may go now.
	w.clean(w.process(f).RunAndWait(w.Context(), poll))
	p, _ := w.process(f).Plan(w.Context())
	if len(p.Actions)+len(p.Waiting)+len(p.Refused)+len(p.Gaps) > 0 {
		w.Errorf("not converged: actions %v, waiting %v, refused %v, gaps %v", p.Actions, p.Waiting, p.Refused, p.Gaps)
	}
}
