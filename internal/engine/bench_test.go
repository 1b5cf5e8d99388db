package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// The benchmarks' world has 50 databases with 7 daily snapshots each, and 20 ms
// pass with every call. In such a world the Snapshot Tool for RDS was measured to
// need 402 calls and 12 s to take what is due, 1,201 calls and 33 s to share, and
// 451 calls and 14 s to delete what has expired: it asks for the tags of each
// snapshot one by one, in each run.
const (
	benchDatabases = 50
	benchDays      = 7
	benchLatency   = 20 * time.Millisecond
)

const benchPolicies = oneSite + `
  daily:
    match: {tags: {backup: gold}}
    every: 1d
    keep: {last: %d, floor: 3}
`

// running is a clock that starts at a given moment and runs as ours does.
type running struct {
	passing
	from, began time.Time
}

func (r running) Now() time.Time { return r.from.Add(time.Since(r.began)) }

// benchWorld has snapshots of the last 7 days; those of today are taken or not.
func benchWorld(tb testing.TB, latency time.Duration, today bool) *world {
	tb.Helper()
	clock := running{from: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), began: time.Now()}
	w := &world{TB: tb, AWS: sandbox.New(sandbox.Options{Now: clock.Now, Latency: latency}), clock: clock}
	w.must(w.SetQuota(prod, region, sandbox.QuotaManualSnapshots, 1000))
	w.must(w.SetQuota(prod, region, sandbox.QuotaInstances, 100))
	first := 1
	if today {
		first = 0
	}
	midnight := clock.from.Truncate(24 * time.Hour)
	for i := range benchDatabases {
		name := fmt.Sprintf("db-%02d", i)
		w.gold(prod, name)
		for day := first; day < first+benchDays; day++ {
			w.taken(prod, name, "daily", midnight.AddDate(0, 0, -day))
		}
	}
	return w
}

// measure runs once and checks that it did what it should.
func (w *world) measure(ctx context.Context, keep, actions int) {
	r := w.process(parse(w, fmt.Sprintf(benchPolicies, keep))).RunOnce(ctx)
	if len(r.Outcomes) != actions || !r.Whole() {
		w.Fatalf("%d outcomes, want %d; failed %v, gaps %v", len(r.Outcomes), actions, r.Failed(), r.Plan.Gaps)
	}
}

// The calls of a run are pages and changes, and one that asks who we are.
func TestCallsOfARun(t *testing.T) {
	for _, tc := range []struct {
		name          string
		today         bool
		keep, actions int
		want          map[string]int
	}{
		{"nothing due", true, benchDays, 0, map[string]int{
			"GetCallerIdentity": 1, "DescribeDBInstances": 1, "DescribeDBSnapshots": 4,
		}},
		{"all due", false, benchDays, benchDatabases, map[string]int{
			"GetCallerIdentity": 1, "DescribeDBInstances": 1, "DescribeDBSnapshots": 4, "CreateDBSnapshot": benchDatabases,
		}},
		// The last look sees 400 snapshots on 4 pages.
		{"all due and a day expired", false, benchDays - 1, 2 * benchDatabases, map[string]int{
			"GetCallerIdentity": 1, "DescribeDBInstances": 1, "DescribeDBSnapshots": 4 + 4,
			"CreateDBSnapshot": benchDatabases, "DeleteDBSnapshot": benchDatabases,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w = benchWorld(w.TB, benchLatency, tc.today)
				w.measure(w.Context(), tc.keep, tc.actions)
				got := w.calls()
				for action, n := range tc.want {
					if got[action] != n {
						w.Errorf("%d calls of %s, want %d", got[action], action, n)
					}
					delete(got, action)
				}
				if len(got) > 0 {
					w.Errorf("and %v", got)
				}
			})
		})
	}
}

// BenchmarkRunNothingDue is the run that finds nothing to do.
func BenchmarkRunNothingDue(b *testing.B) {
	w := benchWorld(b, benchLatency, true)
	w.ResetCalls()
	for b.Loop() {
		w.measure(b.Context(), benchDays, 0)
	}
	report(b, len(w.Calls()))
}

// BenchmarkRunAllDue takes a snapshot of every database and deletes an expired
// one of each.
func BenchmarkRunAllDue(b *testing.B) {
	calls := 0
	for b.Loop() {
		b.StopTimer()
		w := benchWorld(b, benchLatency, false)
		b.StartTimer()
		w.measure(b.Context(), benchDays-1, 2*benchDatabases)
		calls += len(w.Calls())
	}
	report(b, calls)
}

func report(b *testing.B, calls int) {
	b.ReportMetric(float64(calls)/float64(b.N), "calls/op")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
	b.ReportMetric(0, "ns/op")
}
