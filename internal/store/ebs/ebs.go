// Package ebs protects EC2 instances and EBS volumes with EBS snapshots.
//
// The unit is the instance: its volumes are taken together, at one moment, by
// CreateSnapshots, and their snapshots are one recovery point, a set, which is
// good only when every member is. A volume that is attached to nothing, or that
// states a policy in its own tags, is a unit by itself.
//
// EC2's calls that make snapshots have no client token and snapshots no names of
// the caller's. So the name of a recovery point stands in the tag holdfast:set of
// each of its snapshots, together with how many there are, and is looked for
// before anything is made.
package ebs

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "ebs"

// nameLimit is how long the name of a recovery point may be: in one tag value of
// 256 characters there is room for the number of its members too.
const nameLimit = 240

// pageSize is the most that one answer holds (Amazon EC2 API Reference,
// DescribeSnapshots, DescribeVolumes and DescribeInstances: 5 to 1000).
const pageSize = 1000

// api is the part of the SDK's client that the driver uses.
type api interface {
	ec2.DescribeInstancesAPIClient
	ec2.DescribeVolumesAPIClient
	ec2.DescribeSnapshotsAPIClient
	CreateSnapshot(context.Context, *ec2.CreateSnapshotInput, ...func(*ec2.Options)) (*ec2.CreateSnapshotOutput, error)
	CopySnapshot(context.Context, *ec2.CopySnapshotInput, ...func(*ec2.Options)) (*ec2.CopySnapshotOutput, error)
	CreateSnapshots(context.Context, *ec2.CreateSnapshotsInput, ...func(*ec2.Options)) (*ec2.CreateSnapshotsOutput, error)
	DeleteSnapshot(context.Context, *ec2.DeleteSnapshotInput, ...func(*ec2.Options)) (*ec2.DeleteSnapshotOutput, error)
	ModifySnapshotAttribute(context.Context, *ec2.ModifySnapshotAttributeInput, ...func(*ec2.Options)) (*ec2.ModifySnapshotAttributeOutput, error)
	CreateTags(context.Context, *ec2.CreateTagsInput, ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error)
	DeleteTags(context.Context, *ec2.DeleteTagsInput, ...func(*ec2.Options)) (*ec2.DeleteTagsOutput, error)
}

// Driver is the store.Driver for EC2 instances and EBS volumes.
type Driver struct {
	sessions store.Sessions
	turns    turns
}

// New makes a driver that reaches sites through sessions.
func New(sessions store.Sessions) *Driver { return &Driver{sessions: sessions} }

// Kind names the kind.
func (*Driver) Kind() dr.Kind { return Kind }

// region is the way to one site.
type region struct {
	api
	site dr.Site
	// retries says when and how often a call is tried again, where the SDK must not
	// decide that.
	retries aws.Retryer
}

func (d *Driver) region(ctx context.Context, site dr.Site) (region, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return region{}, err
	}
	r := region{api: ec2.NewFromConfig(cfg), site: site}
	if cfg.Retryer != nil {
		r.retries = cfg.Retryer()
	} else {
		r.retries = retry.NewStandard()
	}
	return r, nil
}

// Observe reads all instances, volumes and snapshots of the account at a site.
// Tags come with them, so it costs one call a page.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	r, err := d.region(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	var inv dr.Inventory
	var seen sight
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		seen.instances, err = r.instances(ctx)
		return err
	})
	g.Go(func() (err error) {
		seen.volumes, err = r.volumes(ctx)
		return err
	})
	g.Go(func() (err error) {
		inv.Snapshots, err = r.snapshots(ctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return dr.Inventory{}, err
	}
	inv.Resources = seen.units(site)
	return inv, nil
}

// Snapshots reads all snapshots of the account at a site.
func (d *Driver) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	r, err := d.region(ctx, site)
	if err != nil {
		return nil, err
	}
	return r.snapshots(ctx)
}

// Apply does one action.
func (d *Driver) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	r, err := d.region(ctx, a.To)
	if err != nil {
		return dr.Ref{}, err
	}
	made := dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}
	switch a.Verb {
	case plan.Create:
		return made, d.create(ctx, r, a, nil)
	case plan.Delete:
		return made, r.remove(ctx, a)
	case plan.Hold:
		return made, r.hold(ctx, a)
	case plan.Release:
		return made, r.release(ctx, a)
	case plan.Adopt:
		return made, r.adopt(ctx, a)
	case plan.Copy:
		return d.copy(ctx, r, a, nil)
	case plan.Share:
		return made, d.share(ctx, r, a)
	case plan.Withdraw:
		return made, d.withdraw(ctx, r, a)
	case plan.Retire:
		return a.From, d.retire(ctx, a)
	case plan.Promote, plan.Configure: // EBS makes and copies none by itself.
	}
	return dr.Ref{}, fmt.Errorf("ebs cannot %s", a.Verb)
}
