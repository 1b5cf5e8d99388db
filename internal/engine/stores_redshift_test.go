package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
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

// sales puts in a namespace of Redshift Serverless whose recovery points come two
// minutes after each half hour.
func (w *world) sales() {
	w.Helper()
	born := w.clock.Now().Truncate(24 * time.Hour).Add(-80*time.Hour + 2*time.Minute)
	w.must(w.PutNamespace(prod, region, "sales", sandbox.SeedNamespace{Age: sandbox.Age(w.clock.Now().Sub(born))}))
}

// manual counts what counts against the quota of clusters.
func manual(snaps []dr.Snapshot) int {
	n := 0
	for _, s := range snaps {
		if !s.Automated && !ofNamespace(s.Of) {
			n++
		}
	}
	return n
}

func ofNamespace(r dr.Ref) bool { return strings.HasPrefix(r.ID, "serverless:") }

// making counts the snapshots of clusters that a plan makes.
func making(p plan.Plan) int {
	n := 0
	for _, a := range p.Actions {
		if (a.Verb == plan.Create || a.Verb == plan.Promote) && !ofNamespace(a.From) {
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
	t.Parallel()
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.dwh()
		days := 30
		if testing.Short() || raceDetector {
			days = 4
		}
		w.polled(days)
	})
}

// Some days of the same with a namespace beside the cluster: recovery points are
// used too, and the quota of clusters, full as it is, is none of its matter.
func TestServerlessBesideACluster(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.dwh()
		w.sales()
		w.polled(4)
	})
}

// polled runs a process every quarter of an hour for some days, under a policy
// that fits the quota exactly.
func (w *world) polled(days int) {
	w.Helper()
	p := w.fleet(parseAll(w, tight))
	begin, end := w.clock.Now(), w.clock.Now().AddDate(0, 0, days)
	taken, promoted, most := map[string]map[string]time.Time{}, map[string]int{}, 0 // By source.
	for next := begin; !next.After(end); next = next.Add(redshiftPoll) {
		w.sleep(time.Until(next))
		r := w.clean(p.RunOnce(w.Context()))
		if len(r.Plan.Foretold) > 0 {
			w.Fatalf("foretold: %v", r.Plan.Foretold)
		}
		for _, a := range r.Plan.Actions {
			if a.Verb == plan.Promote {
				promoted[a.Claim.Source]++
			}
		}
		// What is made is made before anything is deleted.
		most = max(most, manual(r.Inventory.Snapshots)+making(r.Plan))
		for _, s := range r.Inventory.Snapshots {
			if of := s.Claim.Source; of != "" {
				if taken[of] == nil {
					taken[of] = map[string]time.Time{}
				}
				taken[of][s.Ref.ID] = s.Taken
			}
		}
	}
	if most != redshift.DefaultQuota || w.quotaErrors() > 0 {
		w.Errorf("at most %d manual ones at once; %d times too many for AWS", most, w.quotaErrors())
	}
	for _, r := range p.Observe(w.Context()).Resources {
		of := r.Ref.Source()
		w.noGaps(taken[of], begin, end)
		if promoted[of] == 0 {
			w.Errorf("%s: none of %d was promoted", of, len(taken[of]))
		}
		w.Logf("%s: %d recovery points, %d of them promoted", of, len(taken[of]), promoted[of])
	}
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
		p.Limits.Quota = map[dr.Kind]int{redshift.Kind: 50}
		for range 80 {
			if r := w.clean(p.RunOnce(w.Context())); len(r.Plan.Foretold) > 0 {
				w.Fatalf("foretold %v", r.Plan.Foretold)
			}
			w.sleep(time.Hour)
		}
	})
}

// With the quota of clusters used up by hand, a namespace has its snapshots all the
// same, as many as its policy keeps, and says of each when its data are of.
func TestServerlessLeavesTheQuotaAlone(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.dwh()
		w.sales()
		w.must(w.SetQuota(prod, region, sandbox.QuotaClusterSnapshots, 3))
		w.must(w.SetQuota(prod, region, sandbox.QuotaServerlessSnapshots, 50))
		p := w.fleet(parseAll(w, strings.Replace(tooMuch, "kinds: [redshift]", `kinds: [redshift], name: "sales"`, 1)))
		p.Limits.Quota = map[dr.Kind]int{redshift.Kind: 3}
		for range 80 {
			r := w.clean(p.RunOnce(w.Context()))
			if len(r.Plan.Foretold) > 0 {
				w.Fatalf("foretold %v", r.Plan.Foretold)
			}
			for _, a := range r.Plan.Actions {
				if a.Verb == plan.Create {
					w.Errorf("%s was taken anew, though there was a recovery point", a.Name)
				}
			}
			w.sleep(time.Hour)
		}
		kept := 0
		for _, s := range w.sight(p.File).Snapshots {
			if !s.Claim.Ours() {
				continue
			}
			kept++
			if begun := s.Taken.Sub(s.Claim.Slot); begun%(30*time.Minute) != 2*time.Minute {
				w.Errorf("%s says it was taken at %s, when there was no recovery point", s.Ref.ID, s.Taken)
			}
		}
		if kept < 36 {
			w.Errorf("%d are kept, want 36 at least", kept)
		}
	})
}

// Whichever call of a promotion a crash strikes, the run of a day later leaves
// nothing unclaimed and takes what is due; and what was begun then counts and goes
// as any other. Until then nothing was deleted for its sake.
func TestPromotionInterruptedForADay(t *testing.T) {
	for _, call := range []string{"DescribeLoggingStatus", "CopyClusterSnapshot", "CreateTags"} {
		for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter} {
			t.Run(call+" "+string(kind), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.dwh()
					f := parseAll(w, oneSite+"\n  nightly: {match: {kinds: [redshift]}, every: 12h, keep: {last: 2, floor: 1}}\n")
					w.sleep(5 * time.Hour) // There is an automated one in the slot then.
					p := w.fleet(f)
					w.fault(p, call, sandbox.Fault{Kind: kind, Times: 1})
					if r := p.RunOnce(w.Context()); r.Plan.Count(plan.Promote) != 1 || len(r.Failed()) != 1 {
						w.Fatalf("the first run: %v, failed %v", r.Plan.Actions, r.Failed())
					}
					made := call == "CreateTags" || call == "CopyClusterSnapshot" && kind == sandbox.CrashAfter
					w.sleep(24 * time.Hour)
					w.once(f)
					w.finished(f, made)
					first := oldest(w.sight(f), f)
					for range 6 {
						w.sleep(12 * time.Hour)
						w.once(f)
					}
					if got := oldest(w.sight(f), f); got.Ref == first.Ref {
						w.Errorf("%s never expires", first.Ref.ID)
					}
				})
			})
		}
	}
}

// finished wants nothing that holdfast made to be without a claim, and so many to be
// there: what the crash left, if it left any, and the one that was due.
func (w *world) finished(f policy.File, made bool) {
	w.Helper()
	want, ours := 1, 0
	if made {
		want = 2
	}
	for _, s := range w.sight(f).Snapshots {
		if s.Flaw != "" || s.Presumed != nil {
			w.Errorf("%s is left without a claim: %q", s.Ref.ID, s.Flaw)
		}
		if s.Claim.Owner != f.Namespace {
			continue
		}
		ours++
		settings, err := s.Claim.Config.Settings()
		if err != nil || settings["node"] == "" {
			w.Errorf("%s lacks the configuration of its cluster: %v, %v", s.Ref.ID, settings, err)
		}
	}
	if ours != want {
		w.Errorf("there are %d, want %d", ours, want)
	}
}

func oldest(inv dr.Inventory, f policy.File) dr.Snapshot {
	var best dr.Snapshot
	for _, s := range inv.Snapshots {
		if s.Claim.Owner == f.Namespace && (best.Taken.IsZero() || s.Claim.Slot.Before(best.Claim.Slot)) {
			best = s
		}
	}
	return best
}
