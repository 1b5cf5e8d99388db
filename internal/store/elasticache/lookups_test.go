package elasticache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
)

const listTags = "ListTagsForResource"

// crowd puts one group and n snapshots of it that are ours.
func (f *fixture) crowd(n int) {
	f.Helper()
	f.put("orders", sandbox.SeedCache{})
	of := dr.Ref{Kind: elasticache.Kind, Site: home(), ID: "orders"}
	for i := range n {
		c := dr.Claim{Owner: "prod", Policy: "gold", Slot: time.Now().UTC().Add(-time.Duration(i) * time.Hour), Source: of.Source()}
		f.must(f.aws.PutCacheSnapshot(account, region, sandbox.SeedCacheSnapshot{
			Of: "orders", Name: dr.SnapshotName(c, "orders", 0, 40), Tags: c.Tags(), Age: sandbox.Age(time.Duration(i) * time.Hour),
		}))
	}
}

func wantOurs(t *testing.T, inv dr.Inventory, n int) {
	t.Helper()
	ours := 0
	for _, s := range inv.Snapshots {
		if s.Claim.Owner == "prod" && s.Claim.Policy == "gold" && s.Claim.Source == s.Of.Source() {
			ours++
		}
	}
	if ours != n {
		t.Errorf("%d of %d snapshots are ours, want %d", ours, len(inv.Snapshots), n)
	}
}

func TestNamesSpareLookUps(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.crowd(500)
		for _, tc := range []struct {
			name string
			drv  *elasticache.Driver
			want int // the group's tags, and each snapshot's that is not known
		}{
			{"a new process with candidates", f.process(gold()), 1},
			{"a new process without", f.process(elasticache.Candidates{}), 501},
		} {
			f.drv = tc.drv
			if n := f.count(listTags, func() { wantOurs(t, f.observe(), 500) }); n != tc.want {
				t.Errorf("%s made %d look-ups, want %d", tc.name, n, tc.want)
			}
			if n := f.count(listTags, func() { wantOurs(t, f.observe(), 500) }); n != 0 {
				t.Errorf("%s made %d look-ups again", tc.name, n)
			}
			if n := f.count("", func() { f.observe() }); n != 14 {
				t.Errorf("%s made %d calls, want 10 pages of snapshots and one of each other listing", tc.name, n)
			}
		}
	})
}

func TestOnlyNewSnapshotsAreLookedUp(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.drv = f.process(elasticache.Candidates{})
		f.crowd(30)
		f.observe()
		f.must(f.apply(creation(f.resource("orders"), time.Now().Add(time.Minute))))
		time.Sleep(time.Hour)
		if n := f.count(listTags, func() { wantOurs(t, f.observe(), 31) }); n != 1 {
			t.Errorf("%d look-ups, want that of the group alone", n)
		}
	})
}

// What is not of holdfast's form is never looked up, and candidates do not claim
// what merely looks like it.
func TestForeignNames(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.put("orders", sandbox.SeedCache{})
		of := dr.Ref{Kind: elasticache.Kind, Site: home(), ID: "orders"}
		c := dr.Claim{Owner: "other", Policy: "gold", Slot: time.Now().UTC(), Source: of.Source()}
		theirs := dr.SnapshotName(c, "orders", 0, 40)
		for name, tags := range map[string]dr.Tags{"nightly": {dr.TagOwner: "prod"}, "hf-orders": nil, theirs: c.Tags(), "hf-20000101t000000z-abcdefgh": nil} {
			f.must(f.aws.PutCacheSnapshot(account, region, sandbox.SeedCacheSnapshot{Of: "orders", Name: name, Tags: tags}))
		}
		if n := f.count(listTags, func() { wantOurs(t, f.observe(), 0) }); n != 3 {
			t.Errorf("%d look-ups, want those of the group and of the two with names of the form", n)
		}
		if got := f.snapshot(theirs).Claim; got != c {
			t.Errorf("the other installation's claim reads %+v", got)
		}
	})
}

func TestHoldIsRespected(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.put("orders", sandbox.SeedCache{})
		x := f.taken("orders")
		_, err := f.process(gold()).Apply(f.Context(), about(plan.Hold, x))
		f.must(err)
		f.drv = f.process(gold())
		seen := f.snapshot(x.Ref.ID)
		if seen.Claim.Keep || seen.Claim.Config != "" {
			t.Fatalf("a presumed claim knows of holds and configuration: %+v", seen.Claim)
		}
		if err := f.apply(about(plan.Delete, seen)); err == nil || !strings.Contains(err.Error(), "holds it") {
			t.Errorf("deleting what is held: %v", err)
		}
		got, err := f.drv.Confirm(f.Context(), home(), []dr.Snapshot{seen})
		f.must(err)
		if len(got) != 1 || !got[0].Claim.Keep || got[0].Claim.Config == "" || !got[0].Claim.Is(seen.Claim) {
			t.Errorf("confirmed: %+v", got)
		}
		if again := f.snapshot(x.Ref.ID); again.Claim != got[0].Claim {
			t.Errorf("seen after it was confirmed: %+v", again.Claim)
		}
	})
}

// A hold that is released by other means is noticed after a while.
func TestReleasedElsewhere(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.put("orders", sandbox.SeedCache{})
		x := f.taken("orders")
		f.must(f.apply(about(plan.Hold, x)))
		elsewhere := f.process(gold())
		_, err := elsewhere.Apply(f.Context(), about(plan.Release, x))
		f.must(err)
		time.Sleep(time.Hour)
		if f.snapshot(x.Ref.ID).Claim.Keep {
			t.Error("it still seems held an hour later")
		}
		f.must(f.apply(about(plan.Delete, f.snapshot(x.Ref.ID))))
	})
}

func TestDeletesReadTags(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.crowd(3)
		all := f.observe().Snapshots
		if n := f.count(listTags, func() { f.must(f.apply(about(plan.Delete, all[0]))) }); n != 1 {
			t.Errorf("deleting read tags %d times, want once", n)
		}
		confirmed, err := f.drv.Confirm(f.Context(), home(), all[1:])
		f.must(err)
		if n := f.count(listTags, func() { f.must(f.apply(about(plan.Delete, confirmed[0]))) }); n != 0 {
			t.Errorf("deleting what was just confirmed read tags %d times", n)
		}
		time.Sleep(time.Hour)
		gone, err := f.drv.Confirm(f.Context(), home(), all)
		f.must(err)
		if len(gone) != 1 || gone[0].Ref != all[2].Ref {
			t.Errorf("confirmed are %+v, want the one that is left", gone)
		}
		changed := about(plan.Delete, all[2])
		changed.Claim.Policy = "silver"
		if err := f.apply(changed); err == nil {
			t.Error("deleted though the claim is another")
		}
	})
}

func TestTagsOfResources(t *testing.T) {
	inBubble(t, func(f *fixture) {
		for i := range 20 {
			f.put(fmt.Sprintf("cache-%02d", i), sandbox.SeedCache{Tags: dr.Tags{"backup": "gold"}})
		}
		if n := f.count(listTags, func() { f.observe() }); n != 20 {
			t.Errorf("%d look-ups of 20 groups", n)
		}
		if n := f.count(listTags, func() { f.observe() }); n != 0 {
			t.Errorf("%d look-ups again", n)
		}
		f.must(f.aws.SetCacheStatus(account, region, "group", "cache-00", "modifying"))
		time.Sleep(time.Hour)
		if r := f.resource("cache-00"); r.Tags["backup"] != "gold" || r.Status != "modifying" {
			t.Errorf("known before: %v, %q", r.Tags, r.Status)
		}
		f.drv = f.process(gold())
		if r := f.resource("cache-00"); r.State != dr.Busy || len(r.Tags) > 0 || !strings.Contains(r.Status, "cannot be read") {
			t.Errorf("never seen before: %v, %q", r.Tags, r.Status)
		}
	})
}
