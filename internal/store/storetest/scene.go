package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// scene is one case at work.
type scene struct {
	*testing.T
	World
	h     Harness
	drv   store.Driver
	store *store.Store
}

func newScene(t *testing.T, h Harness) *scene {
	t.Helper()
	w := h.New(t)
	// A year in, so that stale reads have a past to look into.
	time.Sleep(365 * 24 * time.Hour)
	drv := w.Driver()
	return &scene{T: t, World: w, h: h, drv: drv, store: store.New(drv)}
}

// put makes a resource exist and gives it as the driver sees it.
func (s *scene) put(site dr.Site, r Resource) dr.Resource {
	s.Helper()
	return s.resource(s.PutResource(site, r))
}

func (s *scene) observe(site dr.Site) dr.Inventory {
	s.Helper()
	inv, err := s.drv.Observe(s.Context(), site)
	if err != nil {
		s.Fatalf("observe %s: %v", site, err)
	}
	inv.Snapshots = manual(inv.Snapshots)
	return inv
}

// manual leaves out what the service makes by itself, whenever it does.
func manual(all []dr.Snapshot) []dr.Snapshot {
	return slices.DeleteFunc(all, func(x dr.Snapshot) bool { return x.Automated })
}

// resource gives a resource as it is seen now.
func (s *scene) resource(ref dr.Ref) dr.Resource {
	s.Helper()
	for _, r := range s.observe(ref.Site).Resources {
		if r.Ref == ref {
			return r
		}
	}
	s.Fatalf("%s is not seen", ref)
	return dr.Resource{}
}

// snapshots gives the snapshots that are seen at a site, and not on their way out.
func (s *scene) snapshots(site dr.Site) []dr.Snapshot {
	s.Helper()
	all, err := s.drv.Snapshots(s.Context(), site)
	if err != nil {
		s.Fatalf("read snapshots at %s: %v", site, err)
	}
	return slices.DeleteFunc(manual(all), func(x dr.Snapshot) bool { return x.State == dr.Going })
}

// snapshot gives a snapshot as it is seen now.
func (s *scene) snapshot(ref dr.Ref) dr.Snapshot {
	s.Helper()
	for _, x := range s.snapshots(ref.Site) {
		if x.Ref == ref {
			return x
		}
	}
	s.Fatalf("%s is not seen", ref)
	return dr.Snapshot{}
}

// only gives the one snapshot that there must be at a site.
func (s *scene) only(site dr.Site) dr.Snapshot {
	s.Helper()
	all := s.snapshots(site)
	if len(all) != 1 {
		s.Fatalf("there are %d snapshots at %s, want 1: %v", len(all), site, names(all))
	}
	return all[0]
}

func names(all []dr.Snapshot) []string {
	out := make([]string, len(all))
	for i, x := range all {
		out[i] = x.Ref.ID + " (" + x.Status + ")"
	}
	return out
}

// creation is the action with which a plan asks for a snapshot.
func (s *scene) creation(r dr.Resource, attempt int) plan.Action {
	slot := time.Now().UTC().Truncate(time.Hour)
	claim := dr.Claim{Owner: "conformance", Policy: "gold", Slot: slot, Source: r.Ref.Source(), Config: r.Config}
	own := maps.Clone(r.Tags)
	maps.DeleteFunc(own, func(k, _ string) bool { return strings.HasPrefix(k, dr.TagPrefix) })
	return plan.Action{
		Verb: plan.Create, From: r.Ref, To: r.Ref.Site, Claim: claim, Tags: own,
		Name: dr.SnapshotName(claim, r.Name, attempt, r.NameLimit),
	}
}

// about is the action with which a plan changes a snapshot that was seen.
func about(verb plan.Verb, x dr.Snapshot) plan.Action {
	return plan.Action{Verb: verb, From: x.Ref, To: x.Ref.Site, Name: x.Ref.ID, Claim: x.Claim, Taken: x.Taken}
}

func (s *scene) apply(a plan.Action) error {
	_, err := s.store.Apply(s.Context(), a)
	return err
}

// must does an action that has to succeed.
func (s *scene) must(a plan.Action) dr.Ref {
	s.Helper()
	ref, err := s.store.Apply(s.Context(), a)
	if err != nil {
		s.Fatalf("%s %s: %v (%s)", a.Verb, a.Name, err, store.FaultOf(err))
	}
	return ref
}

// want fails the test unless an error is of this sort and says what to do.
func (s *scene) want(err error, fault store.Fault) {
	s.Helper()
	if err == nil {
		s.Fatalf("no error, want one that is %q", fault)
	}
	if got := store.FaultOf(err); got != fault {
		s.Fatalf("%v is sorted as %q, want %q", err, got, fault)
	}
	if store.Remedy(err) == "" {
		s.Errorf("%v comes without a remedy", err)
	}
}

// taken makes a resource and a good snapshot of it that is holdfast's.
func (s *scene) taken(site dr.Site, name string) dr.Snapshot {
	s.Helper()
	r := s.put(site, Resource{Name: name, Tags: dr.Tags{"team": "shop"}})
	ref := s.must(s.creation(r, 0))
	s.settle(site)
	x := s.snapshot(ref)
	if x.State != dr.Good {
		s.Fatalf("%s is %s, want good", ref, x.State)
	}
	return x
}

// settle waits until nothing is pending or busy any more at a site.
func (s *scene) settle(site dr.Site) {
	s.Helper()
	for range 24 * 60 {
		if settled(s.observe(site)) {
			return
		}
		time.Sleep(time.Minute)
	}
	s.Fatalf("after a day something is still pending at %s", site)
}

func settled(inv dr.Inventory) bool {
	return !slices.ContainsFunc(inv.Snapshots, func(x dr.Snapshot) bool { return x.State == dr.Pending || x.State == dr.Going }) &&
		!slices.ContainsFunc(inv.Resources, func(r dr.Resource) bool { return r.State == dr.Busy })
}

// since gives the calls that a piece of work made.
func (s *scene) since(work func()) []string {
	before := len(s.Calls())
	work()
	return s.Calls()[before:]
}

// unchanged fails the test if a piece of work changes anything at a site: what is
// there, or a tag.
func (s *scene) unchanged(site dr.Site, work func()) {
	s.Helper()
	look := func() (dr.Inventory, map[string]dr.Tags) {
		inv, tags := s.observe(site), map[string]dr.Tags{}
		for _, x := range inv.Snapshots {
			tags[x.Ref.ID] = s.SnapshotTags(x.Ref)
		}
		return inv, tags
	}
	inv, tags := look()
	work()
	invAfter, tagsAfter := look()
	if diff := cmp.Diff(inv, invAfter); diff != "" {
		s.Errorf("what is at %s changed (-before +after):\n%s", site, diff)
	}
	if diff := cmp.Diff(tags, tagsAfter); diff != "" {
		s.Errorf("tags of snapshots at %s changed (-before +after):\n%s", site, diff)
	}
}

// wantTags compares a snapshot's tags.
func (s *scene) wantTags(ref dr.Ref, want dr.Tags) {
	s.Helper()
	if diff := cmp.Diff(want, s.SnapshotTags(ref)); diff != "" {
		s.Errorf("tags of %s (-want +got):\n%s", ref, diff)
	}
}

// background is for what must go on after the test's own context has ended.
func background() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

func numbered(prefix string, n int) string { return fmt.Sprintf("%s-%03d", prefix, n) }
