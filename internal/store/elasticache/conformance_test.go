package elasticache_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
)

// The suite runs without candidates: one of its cases forges the exact name of a
// claim, which only tags can tell.
func TestConformance(t *testing.T) {
	calls := storetest.Calls{
		ListResources: "elasticache:DescribeReplicationGroups", ListSnapshots: "elasticache:DescribeSnapshots",
		Create: "elasticache:CreateSnapshot", Delete: "elasticache:DeleteSnapshot",
		Tag: "elasticache:AddTagsToResource", Untag: "elasticache:RemoveTagsFromResource",
	}
	clusters := calls
	clusters.ListResources = "elasticache:DescribeCacheClusters"
	serverless := calls
	serverless.ListResources, serverless.ListSnapshots = "elasticache:DescribeServerlessCaches", "elasticache:DescribeServerlessCacheSnapshots"
	serverless.Create, serverless.Delete = "elasticache:CreateServerlessCacheSnapshot", "elasticache:DeleteServerlessCacheSnapshot"

	for _, form := range []struct {
		name    string
		calls   storetest.Calls
		limit   int
		retires string
	}{
		{"group", calls, 40, "elasticache:DeleteReplicationGroup"},
		{"cluster", clusters, 50, "elasticache:DeleteCacheCluster"},
		{"serverless", serverless, 40, "elasticache:DeleteServerlessCache"},
	} {
		t.Run(form.name, func(t *testing.T) {
			storetest.Run(t, storetest.Harness{
				New: func(t *testing.T) storetest.World {
					return &world{Cloud: storetest.NewCloud(t), t: t, form: form.name, create: form.calls.Create}
				},
				Calls: form.calls,
				Statuses: map[dr.Readiness][]string{
					dr.Ready:   {"available"},
					dr.Busy:    {"snapshotting", "modifying", "creating", "a-status-of-tomorrow"},
					dr.Blocked: {"create-failed", "incompatible-network"},
					dr.Leaving: {"deleting"},
				},
				ResourceName: form.limit,
				MaxTags:      50,
				NamesAreKeys: true,
				Retires:      &storetest.RetireCalls{Delete: form.retires},
			})
		})
	}
}

// world is the simulated ElastiCache with caches of one form.
type world struct {
	*storetest.Cloud
	t            *testing.T
	form, create string
	foreign      int
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Driver() store.Driver {
	return elasticache.New(w.Sessions(), elasticache.Candidates{}, elasticache.Files{})
}

func (w *world) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	w.t.Helper()
	c := sandbox.SeedCache{Form: w.form, Tags: r.Tags, MaxSize: 10}
	if r.Rich {
		c = rich(w.form, r.Tags)
	}
	w.must(w.AWS.PutCache(site.Account, site.Region, r.Name, c))
	return dr.Ref{Kind: elasticache.Kind, Site: site, ID: prefixOf(w.form) + r.Name}
}

// PutSnapshot puts one with marks of a claim under a name of holdfast's form, since
// no other can be holdfast's and no other is looked at.
func (w *world) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	w.t.Helper()
	name := s.Name
	_, claimed := s.Tags[dr.TagOwner]
	if claimed && !ownName(name) {
		w.foreign++
		name = dr.SnapshotName(dr.Claim{Owner: "somebody", Slot: someSlot(w.foreign)}, name, 0, 40)
	}
	w.must(w.AWS.PutCacheSnapshot(site.Account, site.Region, sandbox.SeedCacheSnapshot{
		Of: s.Of.ID[len(prefixOf(w.form)):], Form: w.form, Name: name, Tags: s.Tags, Age: sandbox.Age(s.Age),
	}))
	ref := dr.Ref{Kind: elasticache.Kind, Site: site, ID: name}
	if w.form == "serverless" && !ownName(name) {
		ref.ID = "serverless:" + name
	}
	return ref
}

func (w *world) SetStatus(r dr.Ref, status string) {
	w.t.Helper()
	w.must(w.AWS.SetCacheStatus(r.Site.Account, r.Site.Region, w.form, r.ID[len(prefixOf(w.form)):], status))
}

func (w *world) FailNext(r dr.Ref) {
	w.t.Helper()
	w.must(w.AWS.FailNextCacheSnapshots(r.Site.Account, r.Site.Region, w.form, r.ID[len(prefixOf(w.form)):], 1))
}

// SetQuota makes snapshots beyond the n-th be refused: ElastiCache's own limits are
// by node and day, not by site.
func (w *world) SetQuota(site dr.Site, n int) {
	w.t.Helper()
	code := "SnapshotQuotaExceededFault"
	if w.form == "serverless" {
		code = "ServerlessCacheSnapshotQuotaExceededFault"
	}
	f := sandbox.Fault{Kind: sandbox.Fail, Code: code, Skip: n}
	f.Account, f.Region, f.Service, f.Action = site.Account, site.Region, "elasticache", w.create[len("elasticache:"):]
	w.AWS.Inject(f)
}

func (w *world) SnapshotTags(ref dr.Ref) dr.Tags {
	w.t.Helper()
	name := ref.ID
	if !ownName(name) && w.form == "serverless" {
		name = name[len("serverless:"):]
	}
	tags, err := w.AWS.CacheSnapshotTags(ref.Site.Account, ref.Site.Region, name, w.form == "serverless")
	w.must(err)
	return tags
}

func ownName(name string) bool {
	return regexp.MustCompile(`^hf-.*\d{8}t\d{6}z-[0-9a-v]{8}(-\d+)?$`).MatchString(name)
}

func someSlot(n int) time.Time { return time.Date(2000, 1, 1, n, 0, 0, 0, time.UTC) }
