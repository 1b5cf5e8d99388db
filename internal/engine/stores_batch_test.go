package engine_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// herd puts in instances of one volume each.
func (w *world) herd(n int) {
	w.Helper()
	for i := range n {
		w.add("ebs", home(), fmt.Sprintf("herd-%d", i)+"xxx"[:(3-len(fmt.Sprintf("herd-%d", i))%3)%3], dr.Tags{"backup": "gold"})
	}
}

// Instances are looked at in batches of 50, whatever became of the batch before.
func TestBatchesOfCreates(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.herd(120)
		f := parseAll(w, ebsPolicies)
		r := w.once(f)
		n := w.calls()
		if len(r.Outcomes) != 120 || n["CreateSnapshots"] != 120 {
			w.Errorf("%d outcomes and %d creates, want 120", len(r.Outcomes), n["CreateSnapshots"])
		}
		if n["DescribeInstances"] != 1+3 || n["DescribeSnapshots"] != 1+3 {
			w.Errorf("the calls are %v, want one look at all and three at 50, 50 and 20", n)
		}
	})
}

// Where the look at a batch fails each of its actions does, and nothing else.
func TestLookAtBatchFails(t *testing.T) {
	for call, denied := range map[string]bool{"DescribeSnapshots": true, "DescribeInstances": false} {
		t.Run(call, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.herd(60)
				w.gold(prod, "orders")
				p := w.fleet(parseAll(w, oneSite+hourly))
				fault, want, says := sandbox.Fault{Kind: sandbox.Fail, Times: 8}, store.Unreachable, "InternalFailure"
				if denied {
					fault, want, says = sandbox.Fault{Kind: sandbox.Deny, Times: 1}, store.Denied, "UnauthorizedOperation"
				}
				fault.Service = "ec2"
				p.when(engine.Planned, func() { w.fault(p, call, fault) })
				r := p.RunOnce(w.Context())
				failed := r.Failed()
				if n := w.calls(); len(failed) != 50 || n["CreateSnapshots"] != 10 || n["CreateDBSnapshot"] != 1 {
					w.Fatalf("%d failed, the calls are %v", len(failed), n)
				}
				for _, o := range failed {
					w.wantError(o.Err, want, "take snapshot "+o.Action.Name+" of ebs "+o.Action.From.ID+" at prod", says)
				}
				w.sleep(10 * time.Minute)
				if r := w.once(p.File); len(r.Outcomes) != 50 {
					w.Errorf("the next run did %d", len(r.Outcomes))
				}
			})
		})
	}
}

// Answers that were lost are looked for one by one, and nothing is taken twice.
func TestLostAnswersInBatch(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.herd(20)
		p := w.fleet(parseAll(w, ebsPolicies))
		w.fault(p, "CreateSnapshots", sandbox.Fault{Kind: sandbox.Timeout, Skip: 3, Times: 10})
		w.clean(p.RunOnce(w.Context()))
		if n := len(w.rawSnapshots()); n != 20 {
			w.Errorf("%d snapshots, want 20", n)
		}
	})
}

// Two processes at the same moment may both look before either takes. What was taken
// twice is one again after the next run, and nobody has anything to complain of.
func TestTwoBatchesAtOnce(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.herd(30)
		f := parseAll(w, strings.Replace(ebsPolicies, "floor: 2", "floor: 1", 1)) // Below the floor each one stays.
		for hour := range 3 {
			reports := make([]engine.Report, 2)
			var wg sync.WaitGroup
			for i := range reports {
				wg.Go(func() { reports[i] = w.fleet(f).RunOnce(w.Context()) })
			}
			wg.Wait()
			for _, r := range reports {
				w.clean(r)
			}
			if n := len(w.sight(f).Snapshots); hour == 0 && n != 60 {
				w.Errorf("%d sets, so the test shows nothing: want 60", n)
			}
			w.sleep(20 * time.Minute)
			p := w.fleet(f)
			p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
			w.clean(p.RunOnce(w.Context()))
			w.onePerSlot(f)
			if r := w.once(f); len(r.Outcomes) > 0 {
				w.Errorf("hour %d: there is still something to do: %v", hour, r.Outcomes)
			}
			w.sleep(40 * time.Minute)
		}
	})
}

// onePerSlot wants one good set of each instance and slot, under the name that it
// was given.
func (w *world) onePerSlot(f policy.File) {
	w.Helper()
	seen := map[recovery]int{}
	for _, s := range w.sight(f).Snapshots {
		seen[recoveryOf(s)]++
		if seen[recoveryOf(s)] > 1 || s.State != dr.Good || strings.Contains(s.Ref.ID, "~") {
			w.Errorf("%s is %s, the %dth of its slot", s.Ref, s.State, seen[recoveryOf(s)])
		}
	}
}
