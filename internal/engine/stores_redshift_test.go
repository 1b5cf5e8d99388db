package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store/all"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
)

const (
	redshiftPoll  = 15 * time.Minute
	redshiftEvery = 2 * time.Hour
	// tight is as much as fits: 16, one more while the next is taken, and three by
	// hand.
	tight = oneSite + `
  often:
    match: {kinds: [redshift]}
    every: 2h
    keep: {last: 16, floor: 2}
`
	// tooMuch is 36 and one more.
	tooMuch = oneSite + `
  often:
    match: {kinds: [redshift]}
    every: 2h
    keep: {within: 3d, floor: 2}
`
)

// dwh puts in a cluster whose automated snapshots come two minutes after a slot
// begins, and three snapshots that somebody took by hand.
func (w *world) dwh() {
	w.Helper()
	born := w.clock.Now().Truncate(24 * time.Hour).Add(-80*time.Hour + 2*time.Minute)
	w.must(w.PutCluster(prod, region, "dwh", sandbox.SeedCluster{Age: sandbox.Age(w.clock.Now().Sub(born))}))
	for _, name := range []string{"by-hand-1", "by-hand-2", "by-hand-3"} {
		w.must(w.PutClusterSnapshot(prod, region, sandbox.SeedClusterSnapshot{Of: "dwh", Name: name, Age: sandbox.Age(50 * time.Hour)}))
	}
}

// manual counts what counts against the quota.
func manual(snaps []dr.Snapshot) int {
	n := 0
	for _, s := range snaps {
		if !s.Automated {
			n++
		}
	}
	return n
}

// quotaErrors counts the calls that a full quota stopped.
func (w *world) quotaErrors() int {
	n := 0
	for _, c := range w.Calls() {
		if strings.Contains(c.Code, "Quota") {
			n++
		}
	}
	return n
}

func codes(verdicts []plan.Verdict) []plan.Code {
	var out []plan.Code
	for _, v := range verdicts {
		out = append(out, v.Reason.Code)
	}
	return out
}

// A month of polling: no gap, automated snapshots are used where they serve, and
// the quota of 20, which the policy fits exactly, is never asked for more.
func TestRedshiftMonth(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.dwh()
		p := w.fleet(parseAll(w, tight))
		days := 30
		if testing.Short() || raceDetector {
			days = 4
		}
		begin, end := w.clock.Now(), w.clock.Now().AddDate(0, 0, days)
		points := map[string]time.Time{}
		promoted, most := 0, 0
		for next := begin; !next.After(end); next = next.Add(redshiftPoll) {
			w.sleep(time.Until(next))
			r := w.clean(p.RunOnce(w.Context()))
			if len(r.Plan.Foretold) > 0 {
				w.Fatalf("foretold: %v", r.Plan.Foretold)
			}
			promoted += r.Plan.Count(plan.Promote)
			// What is made is made before anything is deleted.
			most = max(most, manual(r.Inventory.Snapshots)+r.Plan.Count(plan.Promote)+r.Plan.Count(plan.Create))
			for _, s := range r.Inventory.Snapshots {
				if s.Claim.Ours() {
					points[s.Ref.ID] = s.Taken
				}
			}
		}
		if promoted == 0 || most != redshift.DefaultQuota || w.quotaErrors() > 0 {
			w.Errorf("%d promoted; at most %d manual ones at once; %d times too many for AWS", promoted, most, w.quotaErrors())
		}
		w.noGaps(points, begin, end)
		w.Logf("%d recovery points, %d of them promoted, at most %d manual ones at once", len(points), promoted, most)
	})
}

// noGaps wants no more than the interval and a poll between recovery points.
func (w *world) noGaps(points map[string]time.Time, begin, end time.Time) {
	w.Helper()
	var taken []time.Time
	for _, at := range points {
		taken = append(taken, at)
	}
	slices.SortFunc(taken, time.Time.Compare)
	if want := int(end.Sub(begin) / redshiftEvery); len(taken) < want {
		w.Errorf("%d recovery points in a month, want %d", len(taken), want)
	}
	for i, at := range taken[1:] {
		if gap := at.Sub(taken[i]); gap > redshiftEvery+redshiftPoll {
			w.Errorf("between %s and %s lie %s", taken[i], at, gap)
		}
	}
	if last := taken[len(taken)-1]; end.Sub(last) > redshiftEvery+redshiftPoll {
		w.Errorf("the newest is of %s", last)
	}
}

// What cannot fit is said when the first snapshot is planned, a day and a half
// before the first is refused; AWS is never asked for more than it gives.
func TestRedshiftQuotaIsForetold(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.dwh()
		p := w.fleet(parseAll(w, tooMuch))
		refusedAfter := 0
		for hour := range 72 {
			r := p.RunOnce(w.Context())
			if got := codes(r.Plan.Foretold); !slices.Equal(got, []plan.Code{plan.QuotaForetold}) {
				w.Fatalf("hour %d: foretold %v", hour, got)
			}
			if len(r.Failed())+len(r.Plan.Gaps) > 0 {
				w.Fatalf("hour %d: failed %v, gaps %v", hour, r.Failed(), r.Plan.Gaps)
			}
			if len(r.Plan.Refused) > 0 && refusedAfter == 0 {
				refusedAfter = hour
				if got := codes(r.Plan.Refused); !slices.Equal(got, []plan.Code{plan.QuotaFull}) {
					w.Errorf("hour %d: refused %v", hour, r.Plan.Refused)
				}
			}
			w.sleep(time.Hour)
		}
		if refusedAfter < 24 || w.quotaErrors() > 0 {
			w.Errorf("first refused after %d hours, %d times too many for AWS", refusedAfter, w.quotaErrors())
		}
	})
}

// Where AWS grants more and holdfast is told, there is nothing to foretell and
// nothing is refused.
func TestRedshiftQuotaRaised(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.dwh()
		w.must(w.SetQuota(prod, region, sandbox.QuotaClusterSnapshots, 50))
		p := w.fleet(parseAll(w, tooMuch))
		p.Limits.Quota = all.Quota()
		p.Limits.Quota[redshift.Kind] = 50
		for range 80 {
			if r := w.clean(p.RunOnce(w.Context())); len(r.Plan.Foretold) > 0 {
				w.Fatalf("foretold %v", r.Plan.Foretold)
			}
			w.sleep(time.Hour)
		}
	})
}
