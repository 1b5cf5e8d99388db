package redis_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redis"
	"github.com/holdfast-dr/holdfast/internal/store/redis/redistest"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// world is two vaults that are directories, with servers that are not there.
type world struct {
	*testing.T
	*redistest.Fleet

	mu         sync.Mutex
	file       policy.File
	home, away dr.Site
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		T: t, Fleet: redistest.NewFleet(),
		home: dr.Site{Name: "home", Vault: t.TempDir()}, away: dr.Site{Name: "away", Vault: t.TempDir()},
	}
	w.file = policy.File{Namespace: "test", Sites: []policy.Site{{Site: w.home}, {Site: w.away}}}
	return w
}

// endpoint puts in a server with some keys, and an endpoint that leads to it.
func (w *world) endpoint(site dr.Site, name string, tags dr.Tags) dr.Ref {
	address := name + "." + site.Name + ":6379"
	w.Put(address, redistest.Server{Keys: map[string]string{"name": name[:min(len(name), 60)], "counter": "1"}})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.file.Endpoints = append(w.file.Endpoints, policy.Endpoint{Name: name, Addresses: []string{address}, Vault: site.Name, Tags: tags})
	return dr.Ref{Kind: redis.Kind, Site: site, ID: name}
}

// driver is one of a process that starts now.
func (w *world) driver() *redis.Driver {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.file
	f.Endpoints = append([]policy.Endpoint(nil), w.file.Endpoints...)
	return redis.New(f, nil, func(_ context.Context, _ dr.Site, p policy.Password) (string, error) { return p.Name, nil }, redis.Servers{Discover: w.Discover, Take: w.Take})
}

func (w *world) vault(site dr.Site) *vault.Vault {
	w.Helper()
	v, err := vault.Open(w.Context(), site.Vault, vault.Options{})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = v.Close() })
	return v
}

// files lists what is in a vault, but for its lock.
func (w *world) files(site dr.Site) []string {
	w.Helper()
	var out []string
	err := filepath.WalkDir(site.Vault, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "lock" {
			out = append(out, strings.TrimPrefix(path, site.Vault+"/"))
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// creation is the action with which a plan asks for a snapshot.
func (w *world) creation(of dr.Ref) plan.Action {
	c := dr.Claim{Owner: "test", Policy: "gold", Slot: time.Now().UTC().Truncate(time.Hour), Source: of.Source(), Config: "mode=single"}
	return plan.Action{Verb: plan.Create, From: of, To: of.Site, Claim: c, Name: dr.SnapshotName(c, of.ID, 0, 120)}
}

func (w *world) apply(a plan.Action) (dr.Ref, error) {
	return store.New(w.driver()).Apply(w.Context(), a)
}

func (w *world) must(a plan.Action) dr.Snapshot {
	w.Helper()
	ref, err := w.apply(a)
	if err != nil {
		w.Fatalf("%v → %s", err, store.Remedy(err))
	}
	for _, s := range w.snapshots(a.To) {
		if s.Ref == ref {
			return s
		}
	}
	w.Fatalf("%s is not seen", ref)
	return dr.Snapshot{}
}

func (w *world) snapshots(site dr.Site) []dr.Snapshot {
	w.Helper()
	all, err := w.driver().Snapshots(w.Context(), site)
	if err != nil {
		w.Fatal(err)
	}
	return all
}

// want fails the test unless an error is of this sort, has these words, and says what to
// do.
func (w *world) want(err error, fault store.Fault, words string) {
	w.Helper()
	if store.FaultOf(err) != fault || err == nil || !strings.Contains(err.Error()+" → "+store.Remedy(err), words) || store.Remedy(err) == "" {
		w.Errorf("%v (%s) → %q; want %s with %q", err, store.FaultOf(err), store.Remedy(err), fault, words)
	}
}

// conforming makes a world one of the conformance suite.
type conforming struct{ *world }

func (c conforming) Driver() store.Driver { return latest{c.world} }
func (c conforming) Home() dr.Site        { return c.home }
func (c conforming) Away() dr.Site        { return c.away }

func (c conforming) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	return c.endpoint(site, r.Name, r.Tags)
}

// PutSnapshot gives one somebody else's claim unless it says another.
func (c conforming) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	c.Helper()
	claim, err := dr.ParseClaim(s.Tags)
	if err != nil {
		claim = dr.Claim{Owner: "somebody", Policy: "own", Slot: time.Now().UTC().Truncate(time.Hour), Source: s.Of.Source()}
	}
	v := c.vault(site)
	d, err := v.Begin(c.Context(), vault.ID{Resource: s.Of.ID, Name: s.Name}, claim)
	if err != nil {
		c.Fatal(err)
	}
	p, err := d.NewPart(c.Context(), "dump")
	if err != nil {
		c.Fatal(err)
	}
	stored, err := p.Commit()
	if err != nil {
		c.Fatal(err)
	}
	taken := time.Now().Add(-s.Age).UTC()
	if _, err := d.Publish(c.Context(), vault.Manifest{Kind: redis.Kind, Taken: taken, Consistency: vault.PointInTime, Parts: []vault.Part{{Name: "dump", Stored: stored}}}); err != nil {
		c.Fatal(err)
	}
	return dr.Ref{Kind: redis.Kind, Site: site, ID: s.Name}
}

func (c conforming) SetStatus(dr.Ref, string)              {}
func (c conforming) FailNext(dr.Ref)                       {}
func (c conforming) SetQuota(dr.Site, int)                 {}
func (c conforming) Strike(storetest.Trouble) (end func()) { return func() {} }
func (c conforming) Calls() []string                       { return nil }
func (c conforming) SnapshotTags(snapshot dr.Ref) (tags dr.Tags) {
	c.Helper()
	for _, s := range c.snapshots(snapshot.Site) {
		if s.Ref == snapshot {
			return s.Claim.Tags()
		}
	}
	return nil
}

// latest is a driver that knows the endpoints of the moment.
type latest struct{ w *world }

func (l latest) Kind() dr.Kind { return redis.Kind }

func (l latest) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	return l.w.driver().Observe(ctx, site)
}

func (l latest) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	return l.w.driver().Snapshots(ctx, site)
}

func (l latest) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	return l.w.driver().Apply(ctx, a)
}

func (l latest) Grants(ctx context.Context, site dr.Site) []store.Grant {
	return l.w.driver().Grants(ctx, site)
}

func (l latest) Classify(err error) store.Fault { return l.w.driver().Classify(err) }

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New:          func(t *testing.T) storetest.World { return conforming{newWorld(t)} },
		ResourceName: 40, NamesAreKeys: true, Files: true,
	})
}
