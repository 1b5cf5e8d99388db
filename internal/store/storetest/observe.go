package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

func observing() []testCase {
	return []testCase{
		{name: "sees everything across pages", run: seesAllPages},
		{name: "costs a call a page", run: costsPages},
		{name: "sees nothing where there is nothing", run: seesNothing},
		{name: "sees only its own site", run: seesOwnSite},
		{name: "snapshots read anew are those observed", run: readsAnew},
		{name: "resources carry name, tags, limit and configuration", run: describesResources},
		{name: "the status of a resource says whether it is ready", run: mapsStatuses, served: true},
		{name: "a snapshot is pending, then good", run: pendingThenGood, served: true},
		{name: "a snapshot that fails is failed", run: failed, served: true},
		{name: "the snapshots of others are not ours", run: othersAreNotOurs, served: true},
		{name: "a claim that cannot be read is not ours, and says why", run: flawedClaim, served: true},
	}
}

const manySnapshots, manyResources = 250, 130

func (s *scene) crowd(site dr.Site) {
	s.Helper()
	for i := range manyResources {
		s.PutResource(site, Resource{Name: numbered("db", i)})
	}
	of := s.observe(site).Resources[0].Ref
	for i := range manySnapshots {
		s.PutSnapshot(site, Snapshot{Of: of, Name: numbered("night", i), Age: time.Duration(i) * time.Hour})
	}
}

func seesAllPages(s *scene) {
	s.crowd(s.Home())
	inv := s.observe(s.Home())
	s.wantCrowd(inv)
	if len(inv.Gaps) > 0 {
		s.Errorf("a complete look has gaps: %v", inv.Gaps)
	}
}

func (s *scene) wantCrowd(inv dr.Inventory) {
	s.Helper()
	resources, snapshots := map[dr.Ref]bool{}, map[dr.Ref]bool{}
	for _, r := range inv.Resources {
		resources[r.Ref] = true
	}
	for _, x := range inv.Snapshots {
		snapshots[x.Ref] = true
	}
	if len(inv.Resources) != manyResources || len(resources) != manyResources {
		s.Errorf("saw %d resources, %d of them different, want %d", len(inv.Resources), len(resources), manyResources)
	}
	if len(inv.Snapshots) != manySnapshots || len(snapshots) != manySnapshots {
		s.Errorf("saw %d snapshots, %d of them different, want %d", len(inv.Snapshots), len(snapshots), manySnapshots)
	}
}

// costsPages holds a look to O(pages): no call for each snapshot or resource, but
// where the service has no other way to their tags.
func costsPages(s *scene) {
	s.crowd(s.Home())
	calls := s.since(func() { s.observe(s.Home()) })
	calls = slices.DeleteFunc(calls, func(call string) bool { return call == s.h.TagLookup })
	if len(calls) > 12 {
		s.Errorf("a look at %d resources and %d snapshots took %d calls", manyResources, manySnapshots, len(calls))
	}
}

func seesNothing(s *scene) {
	if inv := s.observe(s.Home()); len(inv.Resources)+len(inv.Snapshots)+len(inv.Gaps) > 0 {
		s.Errorf("in an empty cloud: %+v", inv)
	}
}

func seesOwnSite(s *scene) {
	s.taken(s.Away(), "orders")
	s.unchanged(s.Home(), func() {})
	if inv := s.observe(s.Home()); len(inv.Resources)+len(inv.Snapshots) > 0 {
		s.Errorf("at %s what lies at %s is seen: %+v", s.Home(), s.Away(), inv)
	}
}

func readsAnew(s *scene) {
	s.taken(s.Home(), "orders")
	got, err := s.drv.Snapshots(s.Context(), s.Home())
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(s.observe(s.Home()).Snapshots, manual(got)); diff != "" {
		s.Errorf("observed and read anew differ (-observed +anew):\n%s", diff)
	}
}

func describesResources(s *scene) {
	tags := dr.Tags{"backup": "gold", "holdfast:policy": "gold"}
	r := s.put(s.Home(), Resource{Name: "orders", Tags: tags, Rich: true})
	if r.Name != "orders" || r.Ref.Kind != s.drv.Kind() || r.Ref.Site != s.Home() || r.State != dr.Ready || r.Bytes == 0 && !s.h.Sizeless {
		s.Errorf("the resource reads %+v", r)
	}
	if diff := cmp.Diff(s.h.named(tags, "orders"), r.Tags); diff != "" {
		s.Errorf("tags (-want +got):\n%s", diff)
	}
	if r.NameLimit < 40 || r.NameLimit > 255 {
		s.Errorf("the name of a snapshot may have %d characters", r.NameLimit)
	}
	settings, err := r.Config.Settings()
	if err != nil || len(settings) == 0 {
		s.Errorf("captured configuration: %v, %v", settings, err)
	}
}

func mapsStatuses(s *scene) {
	ref := s.PutResource(s.Home(), Resource{Name: "orders"})
	for _, want := range []dr.Readiness{dr.Ready, dr.Busy, dr.Blocked, dr.Leaving} {
		if len(s.h.Statuses[want]) == 0 {
			s.Errorf("the harness has no status that means %s", want)
		}
		for _, status := range s.h.Statuses[want] {
			s.SetStatus(ref, status)
			if r := s.resource(ref); r.State != want || r.Status != status {
				s.Errorf("status %s: %s %q, want %s", status, r.State, r.Status, want)
			}
		}
	}
}

func pendingThenGood(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	begun := time.Now()
	ref := s.must(s.creation(r, 0))
	if x := s.snapshot(ref); x.State != dr.Pending || x.Taken.IsZero() {
		s.Errorf("just begun it is %s (%s), taken %v", x.State, x.Status, x.Taken)
	}
	s.settle(s.Home())
	x := s.snapshot(ref)
	if x.State != dr.Good || x.Of != r.Ref {
		s.Errorf("done it is %s (%s), of %v", x.State, x.Status, x.Of)
	}
	if x.Taken.Before(begun.Add(-time.Second)) || x.Taken.After(time.Now()) {
		s.Errorf("it says it was taken at %v, asked for at %v", x.Taken, begun)
	}
}

func failed(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders"})
	s.FailNext(r.Ref)
	ref := s.must(s.creation(r, 0))
	s.settle(s.Home())
	if x := s.snapshot(ref); x.State != dr.Failed || !x.Claim.Ours() {
		s.Errorf("it is %s (%s), ours: %t; want failed and ours", x.State, x.Status, x.Claim.Ours())
	}
}

func othersAreNotOurs(s *scene) {
	of := s.PutResource(s.Home(), Resource{Name: "orders"})
	s.PutSnapshot(s.Home(), Snapshot{Of: of, Name: "plain"})
	s.PutSnapshot(s.Home(), Snapshot{Of: of, Name: "tagged", Tags: dr.Tags{"team": "shop", "policy": "gold", "Holdfast:owner": "x"}})
	s.PutSnapshot(s.Home(), Snapshot{Of: of, Name: "kept", Tags: dr.Tags{dr.TagKeep: "yes"}})
	for _, x := range s.snapshots(s.Home()) {
		if x.Claim.Ours() || x.Flaw != "" || x.State != dr.Good || x.Of != of {
			s.Errorf("%+v", x)
		}
	}
}

func flawedClaim(s *scene) {
	of := s.PutResource(s.Home(), Resource{Name: "orders"})
	whole := dr.Claim{Owner: "conformance", Policy: "gold", Slot: time.Now().UTC(), Source: of.Source()}.Tags()
	broken := []string{dr.TagPolicy, dr.TagSlot, dr.TagSource}
	for i, missing := range broken {
		tags := dr.Tags{}
		for k, v := range whole {
			if k != missing {
				tags[k] = v
			}
		}
		s.PutSnapshot(s.Home(), Snapshot{Of: of, Name: fmt.Sprintf("flawed-%d", i), Tags: tags})
	}
	all := s.snapshots(s.Home())
	if len(all) != len(broken) {
		s.Fatalf("saw %v", names(all))
	}
	for _, x := range all {
		if x.Claim.Ours() || x.Flaw == "" {
			s.Errorf("%s: ours: %t, flaw %q", x.Ref, x.Claim.Ours(), x.Flaw)
		}
	}
	if !slices.ContainsFunc(all, func(x dr.Snapshot) bool { return x.State == dr.Good }) {
		s.Error("a flawed claim hides the snapshot's state")
	}
}
