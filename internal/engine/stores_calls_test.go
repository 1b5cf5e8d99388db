package engine_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// callsOf is how many resources of a kind the counted runs have.
const callsOf = 5

func callsPolicy(t testing.TB, k dr.Kind) policy.File {
	return parseAll(t, oneSite+fmt.Sprintf("\n  daily: {match: {kinds: [%s]}, every: 1d, keep: {last: 3, floor: 1}}\n", k))
}

// settled is a world in which a policy has run for a week: nothing is due or
// expired.
func settled(w *world, k dr.Kind) policy.File {
	f := callsPolicy(w, k)
	w.must(w.SetQuota(prod, region, sandbox.QuotaClusterSnapshots, 100))
	for i := range callsOf {
		w.add(k, home(), fmt.Sprintf("%s-%d", k, i+1)+evenly(k), dr.Tags{"backup": "gold"})
	}
	for range 7 {
		w.roomy(f)
		w.sleep(time.Hour)
		w.roomy(f) // Deletes what the snapshots of an hour ago have let expire.
		w.sleep(23 * time.Hour)
	}
	w.roomy(f)
	w.sleep(time.Hour)
	w.roomy(f)
	return f
}

// evenly ends names so that each instance has one volume: a change is then one call.
func evenly(k dr.Kind) string { return "xxx"[:(3-(len(k)+2)%3)%3] }

// roomy runs a process for which the quota of Redshift is no matter.
func (w *world) roomy(f policy.File) engine.Report {
	w.Helper()
	p := w.fleet(f)
	p.Limits.Quota = nil
	return w.clean(p.RunOnce(w.Context()))
}

// counts is how often each call is made in three runs.
type counts struct {
	// pages: nothing is due. taken and expired come on top where all is due, and
	// where one of each has expired, after a last look.
	pages, taken, expired map[string]int
}

// callsPerStore says what each store may cost. What goes beyond pages and changes:
// EC2 knows no names, so the sets of up to 50 instances are looked for together
// before they are taken; ElastiCache lists no tags, so those of what is deleted are
// read one by one in the last look, and all others by the page.
func callsPerStore() map[dr.Kind]counts {
	const n = callsOf
	type m = map[string]int
	return map[dr.Kind]counts{
		"rds": {
			m{"DescribeDBInstances": 1, "DescribeDBSnapshots": 1},
			m{"CreateDBSnapshot": n},
			m{"DescribeDBSnapshots": 1, "DeleteDBSnapshot": n},
		},
		"aurora": {
			m{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "DescribeDBClusterSnapshots": 1},
			m{"CreateDBClusterSnapshot": n},
			m{"DescribeDBClusterSnapshots": 1, "DeleteDBClusterSnapshot": n},
		},
		"ebs": {
			m{"DescribeInstances": 1, "DescribeVolumes": 1, "DescribeSnapshots": 1},
			m{"DescribeInstances": 1, "DescribeSnapshots": 1, "CreateSnapshots": n},
			m{"DescribeSnapshots": 1, "DeleteSnapshot": n},
		},
		"redshift": {
			m{"DescribeClusters": 1, "DescribeClusterSnapshots": 1, "ListNamespaces": 1, "ListSnapshots": 1},
			m{"DescribeLoggingStatus": n, "CreateClusterSnapshot": n},
			m{"DescribeClusterSnapshots": 1, "ListSnapshots": 1, "ListRecoveryPoints": 1, "DeleteClusterSnapshot": n},
		},
		"elasticache": {
			m{
				"DescribeReplicationGroups": 1, "DescribeCacheClusters": 1, "DescribeServerlessCaches": 1,
				"DescribeSnapshots": 1, "DescribeServerlessCacheSnapshots": 1, "GetResources": 1,
			},
			m{"CreateSnapshot": n},
			m{"DescribeSnapshots": 1, "DescribeServerlessCacheSnapshots": 1, "GetResources": 1, "ListTagsForResource": n, "DeleteSnapshot": n},
		},
	}
}

// The calls of a run are pages and changes, and one that asks who we are.
func TestCallsPerStore(t *testing.T) {
	for _, k := range everyKind() {
		t.Run(string(k), func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				f, c := settled(w, k), callsPerStore()[k]
				w.counted(f, "nothing due", 0, c.pages, nil)
				w.sleep(12 * time.Hour)
				w.counted(f, "all due", callsOf, c.pages, c.taken)
				w.sleep(time.Hour)
				w.counted(f, "one of each expired", callsOf, c.pages, c.expired)
			})
		})
	}
}

// counted runs once and wants so many outcomes and calls.
func (w *world) counted(f policy.File, when string, outcomes int, pages, more map[string]int) {
	w.Helper()
	w.ResetCalls()
	if r := w.roomy(f); len(r.Outcomes) != outcomes {
		w.Errorf("%s: %d outcomes, want %d", when, len(r.Outcomes), outcomes)
	}
	want := maps.Clone(pages)
	want["GetCallerIdentity"] = 1
	for action, n := range more {
		want[action] += n
	}
	if got := w.calls(); !maps.Equal(got, want) {
		w.Errorf("%s: calls %v,\nwant %v", when, got, want)
	}
}

// BenchmarkStores is a run of each store that takes a snapshot of everything, and
// one an hour later that deletes the expired one of each.
func BenchmarkStores(b *testing.B) {
	for _, k := range everyKind() {
		b.Run(string(k), func(b *testing.B) {
			aws := sandbox.New(sandbox.Options{})
			w := &world{TB: b, AWS: aws, clock: ahead{aws}}
			f := settled(w, k)
			calls := 0
			for b.Loop() {
				b.StopTimer()
				w.sleep(23 * time.Hour)
				w.ResetCalls()
				b.StartTimer()
				w.roomy(f)
				w.sleep(time.Hour)
				w.roomy(f)
				calls += len(w.Calls())
			}
			report(b, calls)
		})
	}
}

// ahead is the simulated AWS's own time, which is moved and not waited for.
type ahead struct{ aws *sandbox.AWS }

func (a ahead) Now() time.Time { return a.aws.Now() }

func (a ahead) Sleep(_ context.Context, d time.Duration) error {
	a.aws.Advance(d)
	return nil
}
