// Package aurora protects DB clusters with manual DB cluster snapshots: Amazon
// Aurora clusters, and the Multi-AZ DB clusters of Amazon RDS. The instances of a
// cluster hold none of its data and are not protected by themselves; what they are
// is captured with the cluster, since a restored Aurora cluster has none.
package aurora

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "aurora"

// nameLimit is how long the name of a DB cluster snapshot may be
// (CreateDBClusterSnapshot: "Must contain from 1 to 63 letters, numbers, or
// hyphens"), which is as long as that of a cluster.
const nameLimit = 63

// pageSize is the most that one answer holds (DescribeDBClusterSnapshots:
// MaxRecords "Minimum 20, maximum 100").
const pageSize = 100

// copies is how many copies may be on their way into a Region (Amazon Aurora User
// Guide, "Copying a DB cluster snapshot").
const copies = 5

// api is the part of the SDK's client that the driver uses.
type api interface {
	rds.DescribeDBClustersAPIClient
	rds.DescribeDBInstancesAPIClient
	rds.DescribeDBClusterSnapshotsAPIClient
	rdsapi.Tagger
	CreateDBClusterSnapshot(context.Context, *rds.CreateDBClusterSnapshotInput, ...func(*rds.Options)) (*rds.CreateDBClusterSnapshotOutput, error)
	CopyDBClusterSnapshot(context.Context, *rds.CopyDBClusterSnapshotInput, ...func(*rds.Options)) (*rds.CopyDBClusterSnapshotOutput, error)
	DeleteDBClusterSnapshot(context.Context, *rds.DeleteDBClusterSnapshotInput, ...func(*rds.Options)) (*rds.DeleteDBClusterSnapshotOutput, error)
	ModifyDBClusterSnapshotAttribute(context.Context, *rds.ModifyDBClusterSnapshotAttributeInput, ...func(*rds.Options)) (*rds.ModifyDBClusterSnapshotAttributeOutput, error)
}

// Driver is the store.Driver for DB clusters.
type Driver struct {
	sessions store.Sessions
	changes  rdsapi.Changes
}

// New makes a driver that reaches sites through sessions.
func New(sessions store.Sessions) *Driver {
	d := &Driver{sessions: sessions}
	d.changes = rdsapi.Changes{Kind: Kind, Shelf: func(ctx context.Context, site dr.Site) (rdsapi.Shelf, error) {
		return d.shelf(ctx, site)
	}}
	return d
}

// Kind names the kind.
func (*Driver) Kind() dr.Kind { return Kind }

// Routing says how snapshots of clusters get to other sites.
func (*Driver) Routing() plan.Routing {
	return plan.Routing{
		Means: plan.ByCall, Default: rdsapi.DefaultKey, PlainStaysPlain: true, Copies: copies, NameLimit: nameLimit,
	}
}

func (d *Driver) shelf(ctx context.Context, site dr.Site) (shelf, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return shelf{}, err
	}
	return shelf{rds.NewFromConfig(cfg), site}, nil
}

// Observe reads all DB clusters with their members and all manual snapshots of
// clusters at a site. Tags come with them, so it costs one call a page.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	s, err := d.shelf(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	return rdsapi.Observe(ctx, s.clusters, s.snapshots)
}

// Snapshots reads all manual snapshots of clusters at a site.
func (d *Driver) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	s, err := d.shelf(ctx, site)
	if err != nil {
		return nil, err
	}
	return s.snapshots(ctx)
}

// Apply does one action.
func (d *Driver) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	if a.Verb == plan.Retire {
		api, err := d.restores(ctx, a.From.Site)
		if err != nil {
			return dr.Ref{}, err
		}
		return a.From, newWorker(api).clusters.Retire(ctx, a)
	}
	return d.changes.Apply(ctx, a)
}

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault { return rdsapi.Classify(err) }
