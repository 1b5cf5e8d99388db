package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// copiesOf is how many resources the counted runs copy.
const copiesOf = 3

func copiedDaily(t testing.TB, k dr.Kind) policy.File {
	return parseAll(t, strings.Replace(toFar, "sites:", fmt.Sprintf("kinds: [%s]\nsites:", k), 1)+`
  daily: {match: {tags: {backup: gold}}, every: 1d, keep: {last: 3}, copies: [{to: far, keep: {last: 3}}]}
`)
}

// copyCounts is how often each call is made in runs at two sites.
type copyCounts struct {
	// pages: nothing is to be done. copied and withdrawn come on top where copies into
	// another account and Region are begun, and where they have arrived.
	pages, copied, withdrawn map[string]int
}

// callsPerCopy says what a copy may cost. A share and its end are looked at before and
// marked, and a share is looked at again after that. EC2 knows no names, so what is
// to be copied is looked for once for many, at either end.
func callsPerCopy() map[dr.Kind]copyCounts {
	const n = copiesOf
	type m = map[string]int
	return map[dr.Kind]copyCounts{
		"rds": {
			m{"DescribeDBInstances": 2, "DescribeDBSnapshots": 2},
			m{"DescribeDBSnapshots": 2 * n, "AddTagsToResource": n, "ModifyDBSnapshotAttribute": n, "CopyDBSnapshot": n},
			m{"DescribeDBSnapshots": n, "ModifyDBSnapshotAttribute": n, "RemoveTagsFromResource": n},
		},
		"aurora": {
			m{"DescribeDBClusters": 2, "DescribeDBInstances": 1, "DescribeDBClusterSnapshots": 2}, // Instances where there are clusters.
			m{"DescribeDBClusterSnapshots": 2 * n, "AddTagsToResource": n, "ModifyDBClusterSnapshotAttribute": n, "CopyDBClusterSnapshot": n},
			m{"DescribeDBClusterSnapshots": n, "ModifyDBClusterSnapshotAttribute": n, "RemoveTagsFromResource": n},
		},
		"ebs": {
			m{"DescribeInstances": 2, "DescribeVolumes": 2, "DescribeSnapshots": 2},
			m{"DescribeSnapshots": 2*n + 2, "CreateTags": n, "ModifySnapshotAttribute": 2 * n, "CopySnapshot": 2 * n}, // Of two volumes each.
			m{"DescribeSnapshots": n, "ModifySnapshotAttribute": 2 * n, "DeleteTags": n},
		},
	}
}

// The calls of a run that copies are pages and changes, and one for each name of a
// key: of the site at either end, and of the key that snapshots are under.
func TestCallsPerCopy(t *testing.T) {
	for k, c := range callsPerCopy() {
		t.Run(string(k), func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.keyed()
				for i := range copiesOf {
					w.secret(k, home(), fmt.Sprintf("%s-%d", k, i+1), wayKey, dr.Tags{"backup": "gold"})
				}
				p := w.carrier(copiedDaily(w, k))
				w.clean(p.RunOnce(w.Context()))
				w.sleep(12 * time.Minute)
				w.countedCopies(p, "copies begun", 2*copiesOf, 3, c.pages, c.copied)
				w.sleep(12 * time.Minute)
				w.countedCopies(p, "shares withdrawn", copiesOf, 4, c.pages, c.withdrawn)
				w.sleep(12 * time.Minute)
				w.countedCopies(p, "nothing to do", 0, 4, c.pages, nil)
			})
		})
	}
}

// BenchmarkCopies is, for each store, three runs of a day: one takes a snapshot of
// everything, one shares and copies them into another account and Region, and one
// withdraws the shares and deletes what has expired.
func BenchmarkCopies(b *testing.B) {
	for _, k := range slices.Sorted(maps.Keys(callsPerCopy())) {
		b.Run(string(k), func(b *testing.B) {
			aws := sandbox.New(sandbox.Options{})
			w := &world{TB: b, AWS: aws, clock: ahead{aws}}
			w.keyed()
			for i := range copiesOf {
				w.secret(k, home(), fmt.Sprintf("%s-%d", k, i+1), wayKey, dr.Tags{"backup": "gold"})
			}
			p, calls := w.carrier(copiedDaily(w, k)), 0
			for b.Loop() {
				b.StopTimer()
				w.sleep(24*time.Hour - 36*time.Minute)
				w.ResetCalls()
				b.StartTimer()
				for range 3 {
					w.clean(p.RunOnce(b.Context()))
					w.sleep(12 * time.Minute)
				}
				calls += len(w.Calls())
			}
			report(b, calls)
		})
	}
}

// countedCopies runs once and wants so many outcomes and calls.
func (w *world) countedCopies(p *process, when string, outcomes, keys int, pages, more map[string]int) engine.Report {
	w.Helper()
	w.ResetCalls()
	r := w.clean(p.RunOnce(w.Context()))
	if len(r.Outcomes) != outcomes {
		w.Errorf("%s: %d outcomes, want %d", when, len(r.Outcomes), outcomes)
	}
	want := maps.Clone(pages)
	want["DescribeKey"] = keys
	for action, n := range more {
		want[action] += n
	}
	got := w.calls()
	delete(got, "AssumeRole") // Every quarter of an hour.
	if !maps.Equal(got, want) {
		w.Errorf("%s: calls %v,\nwant %v", when, got, want)
	}
	return r
}
