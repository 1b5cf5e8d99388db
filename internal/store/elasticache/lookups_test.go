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

const (
	listTags = "ListTagsForResource"
	getTags  = "GetResources"
	// month is older than anything that does not show in the index yet.
	month = sandbox.Age(30 * 24 * time.Hour)
)

// noIndex takes the Tagging API away.
func (f *fixture) noIndex() { f.aws.SetDenied(account, "tag:GetResources") }

// crowd puts one group and n snapshots of it that are ours, the newest an hour old.
func (f *fixture) crowd(n int) {
	f.Helper()
	f.put("orders", sandbox.SeedCache{Age: month, Tags: dr.Tags{"team": "shop"}})
	of := dr.Ref{Kind: elasticache.Kind, Site: home(), ID: "orders"}
	for i := 1; i <= n; i++ {
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

// With the index a run costs pages, whatever the process knows; without it names
// spare what they can.
func TestRunsCostPages(t *testing.T) {
	for _, tc := range []struct {
		name          string
		known         elasticache.Candidates
		denied        bool
		first, second int // look-ups
		pages         int // of the index
	}{
		{"with candidates", gold(), false, 0, 0, 6},
		{"without", elasticache.Candidates{}, false, 0, 0, 6},
		{"with candidates, without the index", gold(), true, 1, 0, 1},
		{"without either", elasticache.Candidates{}, true, 501, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.crowd(500)
				if tc.denied {
					f.noIndex()
				}
				f.drv = f.process(tc.known)
				if n := f.count(listTags, func() { wantOurs(t, f.observe(), 500) }); n != tc.first {
					t.Errorf("%d look-ups, want %d", n, tc.first)
				}
				if n := f.count(listTags, func() { wantOurs(t, f.observe(), 500) }); n != tc.second {
					t.Errorf("%d look-ups again, want %d", n, tc.second)
				}
				if n := f.count("", func() { f.observe() }); n != 14 {
					t.Errorf("%d calls, want 10 pages of snapshots and one of each other listing", n)
				}
				f.drv = f.process(tc.known)
				if n := f.count(getTags, func() { f.observe() }); n != tc.pages {
					t.Errorf("%d pages of the index, want %d", n, tc.pages)
				}
			})
		})
	}
}

// What the index does not show yet is looked up once, where its name does not tell.
func TestOnlyNewSnapshotsAreLookedUp(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.crowd(30)
		f.must(f.apply(creation(f.resource("orders"), time.Now().Add(time.Minute))))
		time.Sleep(90 * time.Second) // It is done, and the index lags more than that.
		for _, tc := range []struct {
			name  string
			known elasticache.Candidates
			want  int
		}{{"its name tells", gold(), 0}, {"its name does not", elasticache.Candidates{}, 1}} {
			f.drv = f.process(tc.known)
			if n := f.count(listTags, func() { wantOurs(t, f.observe(), 31) }); n != tc.want {
				t.Errorf("%s: %d look-ups, want %d", tc.name, n, tc.want)
			}
			if n := f.count(listTags, func() { wantOurs(t, f.observe(), 31) }); n != 0 {
				t.Errorf("%s: %d look-ups again", tc.name, n)
			}
		}
	})
}

// What this process has just written is not undone by what the index still shows.
func TestNewerThanTheIndex(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.crowd(1)
		x := f.observe().Snapshots[0]
		f.must(f.apply(about(plan.Hold, x)))
		if !f.snapshot(x.Ref.ID).Claim.Keep {
			t.Error("the index has the say over a hold that was just set")
		}
		f.drv = f.process(gold())
		if f.snapshot(x.Ref.ID).Claim.Keep {
			t.Error("the index shows the hold at once, which it does not")
		}
		if err := f.apply(about(plan.Delete, x)); err == nil || !strings.Contains(err.Error(), "holds it") {
			t.Errorf("deleting what is held: %v", err)
		}
		time.Sleep(time.Hour)
		f.drv = f.process(gold())
		if !f.snapshot(x.Ref.ID).Claim.Keep {
			t.Error("the hold does not show an hour later")
		}
	})
}

// Without an answer of the index all goes on as without the permission; nobody waits
// for it again for a while.
func TestIndexThatDoesNotAnswer(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.crowd(150)
		f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Action: getTags}, Kind: sandbox.Timeout, Skip: 1})
		begun := time.Now()
		if n := f.count(listTags, func() { wantOurs(t, f.observe(), 150) }); n != 1 {
			t.Errorf("%d look-ups, want that of the group: half of the index is none", n)
		}
		if took := time.Since(begun); took > 2*time.Minute {
			t.Errorf("it took %s", took)
		}
		if n := f.count(getTags, func() { f.observe() }); n != 0 {
			t.Errorf("it was asked %d times more", n)
		}
	})
}

func TestGrantsNameTheIndex(t *testing.T) {
	inBubble(t, func(f *fixture) {
		missing := func() string {
			var out []string
			for _, g := range f.drv.Grants(f.Context(), home()) {
				if g.Err != nil {
					out = append(out, g.Permission+" "+g.Needed)
				}
			}
			return strings.Join(out, "\n")
		}
		if got := missing(); got != "" {
			t.Errorf("missing: %s", got)
		}
		f.noIndex()
		if got := missing(); !strings.HasPrefix(got, "tag:GetResources to read the tags") || strings.Contains(got, "\n") {
			t.Errorf("missing: %s", got)
		}
	})
}

// What is not of holdfast's form is never looked up, and candidates do not claim
// what merely looks like it.
func TestForeignNames(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.noIndex()
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
		f.noIndex()
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
		confirm := func() { _, err := f.drv.Confirm(f.Context(), home(), all[1:]); f.must(err) }
		if n := f.count(listTags, confirm); n != 0 {
			t.Errorf("confirming what was just confirmed read tags %d times", n)
		}
		time.Sleep(time.Minute)
		if n := f.count(listTags, confirm); n != 2 {
			t.Errorf("confirming a minute later read tags %d times, want twice", n)
		}
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
	tags := dr.Tags{"backup": "gold"}
	inBubble(t, func(f *fixture) {
		for i := range 20 {
			f.put(fmt.Sprintf("old-%02d", i), sandbox.SeedCache{Tags: tags, Age: month})
			f.put(fmt.Sprintf("bare-%02d", i), sandbox.SeedCache{Age: month})
			f.put(fmt.Sprintf("new-%02d", i), sandbox.SeedCache{Tags: tags})
		}
		for _, want := range []int{20, 0} { // The new ones, once.
			if n := f.count(listTags, func() { f.observe() }); n != want {
				t.Errorf("%d look-ups, want %d", n, want)
			}
		}
		for id, want := range map[string]string{"old-00": "gold", "bare-00": "", "new-00": "gold"} {
			if got := f.resource(id).Tags["backup"]; got != want {
				t.Errorf("%s is tagged %q, want %q", id, got, want)
			}
		}
		// Another process sees the tags of what is busy; but not yet those of what is
		// new as well.
		f.must(f.aws.SetCacheStatus(account, region, "group", "old-00", "snapshotting"))
		f.must(f.aws.SetCacheStatus(account, region, "group", "new-00", "snapshotting"))
		f.drv = f.process(elasticache.Candidates{})
		if r := f.resource("old-00"); r.State != dr.Busy || r.Tags["backup"] != "gold" || r.Status != "snapshotting" {
			t.Errorf("busy: %v, %q", r.Tags, r.Status)
		}
		if r := f.resource("new-00"); r.State != dr.Busy || len(r.Tags) > 0 || !strings.Contains(r.Status, "cannot be read") {
			t.Errorf("new and busy: %v, %q", r.Tags, r.Status)
		}
		time.Sleep(2 * time.Hour)
		if n := f.count(listTags, func() { f.observe() }); n != 0 {
			t.Errorf("%d look-ups of what is new no more", n)
		}
		if r := f.resource("new-00"); r.Tags["backup"] != "gold" || r.Status != "snapshotting" {
			t.Errorf("two hours later: %v, %q", r.Tags, r.Status)
		}
	})
}

// Without the index the tags of caches cost a look-up each.
func TestTagsOfResourcesWithoutTheIndex(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.noIndex()
		for i := range 20 {
			f.put(fmt.Sprintf("cache-%02d", i), sandbox.SeedCache{Tags: dr.Tags{"backup": "gold"}, Age: month})
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
