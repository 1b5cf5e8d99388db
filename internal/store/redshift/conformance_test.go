package redshift_test

import (
	"testing"

	awsredshift "github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("clusters", clustersConform)
	t.Run("namespaces", namespacesConform)
}

func clustersConform(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T) storetest.World { return newWorld(t) },
		Calls: storetest.Calls{
			ListResources: "redshift:DescribeClusters", ListSnapshots: "redshift:DescribeClusterSnapshots",
			Create: "redshift:CreateClusterSnapshot", Delete: "redshift:DeleteClusterSnapshot",
			Tag: "redshift:CreateTags", Untag: "redshift:DeleteTags",
		},
		Statuses: map[dr.Readiness][]string{
			dr.Ready:   {"available", "available, resize-cleanup"},
			dr.Busy:    {"resizing", "modifying", "pausing", "a-status-of-tomorrow"},
			dr.Blocked: {"paused", "storage-full", "incompatible-network"},
			dr.Leaving: {"deleting", "final-snapshot"},
		},
		ResourceName: 63,
		MaxTags:      50,
		SpareTags:    2,
		NamesAreKeys: true,
		Retires:      &storetest.RetireCalls{Delete: "redshift:DeleteCluster"},
		Reads:        "redshift:DescribeLoggingStatus",
	})
}

func namespacesConform(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T) storetest.World { return newSpaceWorld(t) },
		Calls: storetest.Calls{
			ListResources: "redshift-serverless:ListNamespaces", ListSnapshots: "redshift-serverless:ListSnapshots",
			Create: "redshift-serverless:CreateSnapshot", Delete: "redshift-serverless:DeleteSnapshot",
			Tag: "redshift-serverless:TagResource", Untag: "redshift-serverless:UntagResource",
		},
		Statuses: map[dr.Readiness][]string{
			dr.Ready:   {"AVAILABLE"},
			dr.Busy:    {"MODIFYING", "A-STATUS-OF-TOMORROW"},
			dr.Blocked: {"AVAILABLE" + idle},
			dr.Leaving: {"DELETING"},
		},
		ResourceName: 64,
		MaxTags:      50,
		SpareTags:    2,
		NamesAreKeys: true,
		TagLookup:    "redshift-serverless:ListTagsForResource",
		Prefix:       serverless,
		Sizeless:     true,
	})
}

// world is the simulated Redshift. Its clusters have no automated snapshots.
type world struct {
	*storetest.Cloud
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{storetest.NewCloud(t), t}
	w.SetQuota(w.Home(), 1000) // The suite makes more than the default of 20.
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func driver(w *storetest.Cloud) store.Driver {
	return redshift.New(w.Sessions(), dr.Candidates{Namespace: "conformance", Policies: []string{"gold"}})
}

func (w *world) Driver() store.Driver {
	return redshift.New(w.Sessions(), dr.Candidates{Namespace: "conformance", Policies: []string{"gold"}})
}

func (w *world) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	w.t.Helper()
	c := sandbox.SeedCluster{Tags: r.Tags}
	if r.Rich {
		c = rich(r.Tags)
	}
	none := 0
	c.NodeType, c.Retention = "dc2.large", &none
	w.must(w.AWS.PutCluster(site.Account, site.Region, r.Name, c))
	return dr.Ref{Kind: redshift.Kind, Site: site, ID: r.Name}
}

func (w *world) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	w.t.Helper()
	w.must(w.AWS.PutClusterSnapshot(site.Account, site.Region, sandbox.SeedClusterSnapshot{
		Of: s.Of.ID, Name: s.Name, Tags: s.Tags, Age: sandbox.Age(s.Age),
	}))
	return dr.Ref{Kind: redshift.Kind, Site: site, ID: s.Name}
}

func (w *world) SetStatus(r dr.Ref, status string) {
	w.t.Helper()
	w.must(w.AWS.SetClusterStatus(r.Site.Account, r.Site.Region, r.ID, status))
}

func (w *world) FailNext(r dr.Ref) {
	w.t.Helper()
	w.must(w.AWS.FailNextClusterSnapshots(r.Site.Account, r.Site.Region, r.ID, 1))
}

func (w *world) SetQuota(site dr.Site, n int) {
	w.t.Helper()
	w.must(w.AWS.SetQuota(site.Account, site.Region, sandbox.QuotaClusterSnapshots, n))
}

func (w *world) SnapshotTags(ref dr.Ref) dr.Tags {
	w.t.Helper()
	cfg, err := w.Sessions().Config(w.t.Context(), ref.Site)
	w.must(err)
	out, err := awsredshift.NewFromConfig(cfg).DescribeClusterSnapshots(w.t.Context(), &awsredshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: &ref.ID})
	w.must(err)
	tags := dr.Tags{}
	for _, t := range out.Snapshots[0].Tags {
		tags[*t.Key] = *t.Value
	}
	return tags
}
