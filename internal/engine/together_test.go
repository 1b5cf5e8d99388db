package engine_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// Two installations in one account never plan anything about each other's
// snapshots.
func TestTwoNamespaces(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		mine, theirs := parse(w, oneSite+hourly), parse(t, strings.Replace(oneSite, "test", "other", 1)+hourly)
		for range 8 {
			w.sleep(time.Hour)
			for _, p := range []*process{w.process(mine), w.process(theirs)} {
				r := w.clean(p.RunAndWait(w.Context(), poll))
				for _, o := range r.Outcomes {
					if o.Action.Claim.Owner != p.File.Namespace {
						w.Errorf("%s plans to %s %s of %s", p.File.Namespace, o.Action.Verb, o.Action.Name, o.Action.Claim.Owner)
					}
				}
				for _, v := range r.Plan.Kept {
					if owner(r.Inventory, v.Ref) != p.File.Namespace {
						w.Errorf("%s has a word on %s", p.File.Namespace, v.Ref)
					}
				}
			}
		}
		w.clean(w.process(mine).RunOnce(w.Context()))
		w.clean(w.process(theirs).RunOnce(w.Context()))
		count := map[string]int{}
		for _, s := range w.process(mine).Observe(w.Context()).Snapshots {
			if s.State == dr.Good {
				count[s.Claim.Owner]++
			}
		}
		if count["test"] != 8 || count["other"] != 8 {
			w.Errorf("good snapshots by owner %v, want 8 each: 4 of each database", count)
		}
	})
}

func owner(inv dr.Inventory, ref dr.Ref) string {
	for _, s := range inv.Snapshots {
		if s.Ref == ref {
			return s.Claim.Owner
		}
	}
	return "nobody"
}

// Two runs of one installation at the same moment make one snapshot a slot, and
// neither has anything to complain of.
func TestTwoRunsAtOnce(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		names := []string{"billing", "catalog", "orders", "payments", "sessions"}
		w.gold(prod, names...)
		f := parse(w, oneSite+hourly)
		for hour := range 8 {
			w.sleep(time.Hour)
			var wg sync.WaitGroup
			reports := make([]engine.Report, 2)
			for i := range reports {
				wg.Go(func() { reports[i] = w.process(f).RunAndWait(w.Context(), poll) })
			}
			wg.Wait()
			for _, r := range reports {
				w.clean(r)
			}
			slots := map[recovery]int{}
			for _, s := range w.process(f).Observe(w.Context()).Snapshots {
				slots[recoveryOf(s)]++
				if slots[recoveryOf(s)] > 1 {
					w.Errorf("hour %d: %s is one too many", hour, s.Ref)
				}
			}
			if want := len(names) * min(hour+1, 5); len(slots) != want {
				w.Errorf("hour %d: %d recovery points, want %d", hour, len(slots), want)
			}
		}
	})
}

// A second run whose listing lags behind does not see what the first one made.
// The name is the same, and so it is not made twice.
func TestSecondRunSeesThePast(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		f := parse(w, oneSite+hourly)
		w.sleep(10 * time.Minute)
		w.clean(w.process(f).RunOnce(w.Context()))
		w.sleep(time.Minute)
		late := w.process(f)
		w.fault(late, "DescribeDBSnapshots", sandbox.Fault{Kind: sandbox.Stale, StaleBy: 2 * time.Minute})
		r := late.RunOnce(w.Context())
		if n := len(w.person(prod).statuses()); n != 1 || len(r.Plan.Actions) != 1 {
			w.Errorf("%d snapshots, want 1; planned %v", n, r.Plan.Actions)
		}
		w.converged(f)
	})
}
