package plan_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// each is how many snapshots a resource has in the benchmarks.
const each = 100

// benchInventory gives resources with a hundred hourly snapshots each, in the
// order in which a service would page through them: by resource, not by time.
func benchInventory(snapshots int) dr.Inventory {
	inv := dr.Inventory{Snapshots: make([]dr.Snapshot, 0, snapshots)}
	for i := range snapshots / each {
		r := ready(fmt.Sprintf("database-%05d", i))
		source := r.Ref.Source()
		inv.Resources = append(inv.Resources, r)
		for n := range each {
			slot := now.Truncate(time.Hour).Add(-time.Duration(n*37%each) * time.Hour)
			inv.Snapshots = append(inv.Snapshots, dr.Snapshot{
				Ref: dr.Ref{Kind: "rds", Site: prod, ID: "holdfast-" + r.Name + slot.Format("20060102t150405z")},
				Of:  r.Ref, Taken: slot.Add(time.Minute), State: dr.Good, Status: "available",
				Claim: dr.Claim{Owner: "test", Policy: "gold", Slot: slot, Source: source, Config: r.Config},
			})
		}
	}
	return inv
}

// BenchmarkBuild plans for 100 to 10,000 resources with 10,000 to 1,000,000
// snapshots: "steady", where of each resource one expires, and "overdue", where
// two thirds do at once. The time and the memory for each snapshot must not grow
// with their number. Peer: none; the tools that holdfast replaces plan with a
// call for each snapshot (see docs/performance.md).
func BenchmarkBuild(b *testing.B) {
	for _, c := range []struct{ name, keep string }{
		{"steady", "{last: 99, floor: 2}"},
		{"overdue", "{within: 24h, daily: 7, weekly: 4, floor: 2}"},
	} {
		f := parse(b, "\n  gold: {match: {tags: {backup: gold}}, every: 1h, keep: "+c.keep+", objective: {rpo: 2h}}\n")
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/snapshots=%d", c.name, n), func(b *testing.B) { benchBuild(b, f, n) })
		}
	}
}

func benchBuild(b *testing.B, f policy.File, n int) {
	inv := benchInventory(n)
	runtime.GC()
	b.ReportAllocs()
	var p plan.Plan
	for b.Loop() {
		p = plan.Build(now, f, inv, all())
	}
	report(b, n)
	if p.Count(plan.Delete) < n/each || len(p.Kept)+p.Count(plan.Delete) != n {
		b.Fatalf("%d deletes and %d kept of %d", p.Count(plan.Delete), len(p.Kept), n)
	}
}

// copiedInventory gives resources with 50 hourly snapshots each, of which all but the
// newest were copied to two sites, where 25 are kept.
func copiedInventory(snapshots int) dr.Inventory {
	inv := dr.Inventory{Snapshots: make([]dr.Snapshot, 0, snapshots), Sites: []dr.Site{prod, west, far}}
	for i := range snapshots / each {
		r := ready(fmt.Sprintf("database-%05d", i))
		inv.Resources = append(inv.Resources, r)
		for n := range each / 2 {
			slot := now.Truncate(time.Hour).Add(-time.Duration(n) * time.Hour)
			s := snap(prod, r.Name, "gold", slot.Format("2006-01-02 15:04"), dr.Good)
			s.Claim.Config = r.Config
			inv.Snapshots = append(inv.Snapshots, s)
			if n > 0 && n <= each/4 {
				inv.Snapshots = append(inv.Snapshots, copyOf(s, west, "", "last=25 floor=1", dr.Good), copyOf(s, far, "", "last=25 floor=1", dr.Good))
			}
		}
	}
	return inv
}

// BenchmarkCopies plans for 100 to 10,000 resources whose snapshots are copied to two
// destinations; the newest of each has to be, and there are 20 copy slots at either.
// The time and the memory for each snapshot must not grow with their number.
func BenchmarkCopies(b *testing.B) {
	f := parseCopies(b, "\n  gold: {match: {name: \".*\"}, every: 1h, keep: {last: 50}, copies: [{to: west, keep: {last: 25}}, {to: far, keep: {last: 25}}]}\n")
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("snapshots=%d", n), func(b *testing.B) {
			inv := copiedInventory(n)
			runtime.GC()
			b.ReportAllocs()
			var p plan.Plan
			for b.Loop() {
				p = plan.Build(now, f, inv, routes(20))
			}
			report(b, n)
			if waits := 2*n/each - 40; p.Count(plan.Copy) != 40 || len(p.Waiting) != waits {
				b.Fatalf("%d copies and %d waiting, want 40 and %d", p.Count(plan.Copy), len(p.Waiting), waits)
			}
		})
	}
}

// BenchmarkCheck is the guard's second look at the same plans.
func BenchmarkCheck(b *testing.B) {
	f := parse(b, "\n  gold: {match: {tags: {backup: gold}}, every: 1h, keep: {last: 99, floor: 2}}\n")
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("snapshots=%d", n), func(b *testing.B) {
			inv := benchInventory(n)
			p := plan.Build(now, f, inv, all())
			for b.Loop() {
				if found := plan.Check(p, f, inv); len(found) > 0 {
					b.Fatal(found[0])
				}
			}
			report(b, n)
		})
	}
}

func report(b *testing.B, n int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/snapshot")
}
