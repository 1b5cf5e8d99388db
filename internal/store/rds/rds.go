// Package rds protects Amazon RDS DB instances with manual DB snapshots.
// Instances that belong to a cluster (Aurora, Multi-AZ DB clusters) are not its
// business: their data is the cluster's.
package rds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "rds"

// nameLimit is how long the name of a DB snapshot may be (CreateDBSnapshot:
// "Must contain from 1 to 255 letters, numbers, or hyphens").
const nameLimit = 255

// pageSize is the most that one answer holds (DescribeDBSnapshots: MaxRecords
// "Minimum 20, maximum 100").
const pageSize = 100

// copies is how many copies from other Regions may be on their way into a Region
// (Amazon RDS User Guide, "Copying a DB snapshot").
const copies = 20

// api is the part of the SDK's client that the driver uses.
type api interface {
	rds.DescribeDBInstancesAPIClient
	rds.DescribeDBSnapshotsAPIClient
	rdsapi.Tagger
	CreateDBSnapshot(context.Context, *rds.CreateDBSnapshotInput, ...func(*rds.Options)) (*rds.CreateDBSnapshotOutput, error)
	CopyDBSnapshot(context.Context, *rds.CopyDBSnapshotInput, ...func(*rds.Options)) (*rds.CopyDBSnapshotOutput, error)
	DeleteDBSnapshot(context.Context, *rds.DeleteDBSnapshotInput, ...func(*rds.Options)) (*rds.DeleteDBSnapshotOutput, error)
	ModifyDBSnapshotAttribute(context.Context, *rds.ModifyDBSnapshotAttributeInput, ...func(*rds.Options)) (*rds.ModifyDBSnapshotAttributeOutput, error)
}

// Driver is the store.Driver for RDS DB instances.
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

// Routing says how DB snapshots get to other sites.
func (*Driver) Routing() plan.Routing {
	return plan.Routing{Means: plan.ByCall, Default: rdsapi.DefaultKey, Copies: copies, NameLimit: nameLimit}
}

func (d *Driver) shelf(ctx context.Context, site dr.Site) (shelf, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return shelf{}, err
	}
	return shelf{rds.NewFromConfig(cfg), site}, nil
}

// Observe reads all DB instances and all manual DB snapshots at a site. Tags
// come with them, so it costs one call a page.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	s, err := d.shelf(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	return rdsapi.Observe(ctx, s.instances, s.snapshots)
}

// Snapshots reads all manual DB snapshots at a site.
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
		i, err := d.instances(ctx, a.From.Site)
		if err != nil {
			return dr.Ref{}, err
		}
		return a.From, swap.Worker[*seen]{Cloud: i}.Retire(ctx, a)
	}
	return d.changes.Apply(ctx, a)
}

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault { return rdsapi.Classify(err) }
