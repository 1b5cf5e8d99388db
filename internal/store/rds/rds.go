// Package rds protects Amazon RDS DB instances with manual DB snapshots.
// Instances that belong to a cluster (Aurora, Multi-AZ DB clusters) are not its
// business: their data is the cluster's.
package rds

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "rds"

// nameLimit is how long the name of a DB snapshot may be (CreateDBSnapshot:
// "Must contain from 1 to 255 letters, numbers, or hyphens").
const nameLimit = 255

// pageSize is the most that one answer holds (DescribeDBSnapshots: MaxRecords
// "Minimum 20, maximum 100").
const pageSize = 100

// api is the part of the SDK's client that the driver uses.
type api interface {
	rds.DescribeDBInstancesAPIClient
	rds.DescribeDBSnapshotsAPIClient
	CreateDBSnapshot(context.Context, *rds.CreateDBSnapshotInput, ...func(*rds.Options)) (*rds.CreateDBSnapshotOutput, error)
	DeleteDBSnapshot(context.Context, *rds.DeleteDBSnapshotInput, ...func(*rds.Options)) (*rds.DeleteDBSnapshotOutput, error)
	AddTagsToResource(context.Context, *rds.AddTagsToResourceInput, ...func(*rds.Options)) (*rds.AddTagsToResourceOutput, error)
	RemoveTagsFromResource(context.Context, *rds.RemoveTagsFromResourceInput, ...func(*rds.Options)) (*rds.RemoveTagsFromResourceOutput, error)
}

// Driver is the store.Driver for RDS DB instances.
type Driver struct {
	sessions store.Sessions
}

// New makes a driver that reaches sites through sessions.
func New(sessions store.Sessions) *Driver { return &Driver{sessions} }

// Kind names the kind.
func (*Driver) Kind() dr.Kind { return Kind }

func (d *Driver) client(ctx context.Context, site dr.Site) (api, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return nil, err
	}
	return rds.NewFromConfig(cfg), nil
}

// Observe reads all DB instances and all manual DB snapshots at a site. Tags
// come with them, so it costs one call a page.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	c, err := d.client(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	var inv dr.Inventory
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		inv.Resources, err = instances(ctx, c, site)
		return err
	})
	g.Go(func() (err error) {
		inv.Snapshots, err = snapshots(ctx, c, site)
		return err
	})
	if err := g.Wait(); err != nil {
		return dr.Inventory{}, err
	}
	return inv, nil
}

// Snapshots reads all manual DB snapshots at a site.
func (d *Driver) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	c, err := d.client(ctx, site)
	if err != nil {
		return nil, err
	}
	return snapshots(ctx, c, site)
}

// Apply does one action.
func (d *Driver) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	site := a.To
	c, err := d.client(ctx, site)
	if err != nil {
		return dr.Ref{}, err
	}
	made := dr.Ref{Kind: Kind, Site: site, ID: a.Name}
	switch a.Verb {
	case plan.Create:
		return made, create(ctx, c, a)
	case plan.Delete:
		return made, remove(ctx, c, site, a.Name)
	case plan.Hold:
		return made, hold(ctx, c, site, a.Name)
	case plan.Release:
		return made, release(ctx, c, site, a.Name)
	case plan.Adopt:
		return made, adopt(ctx, c, a)
	case plan.Promote: // Automated snapshots are not listed.
	}
	return dr.Ref{}, fmt.Errorf("rds cannot %s", a.Verb)
}

// create takes a snapshot, its claim written with the same call.
func create(ctx context.Context, c api, a plan.Action) error {
	_, err := c.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{
		DBInstanceIdentifier: aws.String(a.From.ID),
		DBSnapshotIdentifier: aws.String(a.Name),
		Tags:                 rdsapi.SDKTags(a.Claim.Tags(), a.Tags),
	})
	return rdsapi.Made(err, a.Claim, finder(ctx, c, a.To, a.Name))
}

func remove(ctx context.Context, c api, site dr.Site, name string) error {
	_, err := c.DeleteDBSnapshot(ctx, &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: aws.String(name)})
	return rdsapi.Removed(err, finder(ctx, c, site, name))
}

func finder(ctx context.Context, c api, site dr.Site, name string) func() (dr.Snapshot, error) {
	return func() (dr.Snapshot, error) { return find(ctx, c, site, name) }
}

func hold(ctx context.Context, c api, site dr.Site, name string) error {
	s, err := find(ctx, c, site, name)
	if err != nil {
		return err
	}
	_, err = c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
		ResourceName: aws.String(s.ARN),
		Tags:         []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
	})
	return err
}

func release(ctx context.Context, c api, site dr.Site, name string) error {
	s, err := find(ctx, c, site, name)
	if err != nil {
		return err
	}
	_, err = c.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{
		ResourceName: aws.String(s.ARN),
		TagKeys:      []string{dr.TagKeep},
	})
	return err
}

// adopt writes a claim on a snapshot that another tool made. One that bears another
// claim, or marks of one that cannot be read, is not free.
func adopt(ctx context.Context, c api, a plan.Action) error {
	there, err := find(ctx, c, a.To, a.Name)
	switch {
	case err != nil:
		return err
	case there.Claim.Is(a.Claim):
		return nil
	case there.Claim.Ours() || there.Flaw != "":
		return &types.DBSnapshotAlreadyExistsFault{Message: aws.String(a.Name + " is not free to be adopted")}
	}
	_, err = c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
		ResourceName: aws.String(there.ARN), Tags: rdsapi.SDKTags(a.Claim.Tags(), nil),
	})
	return err
}

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault { return rdsapi.Classify(err) }
