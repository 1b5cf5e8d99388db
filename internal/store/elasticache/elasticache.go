// Package elasticache protects Amazon ElastiCache: replication groups in and out
// of cluster mode, single nodes outside of groups, and serverless caches, of the
// engines Valkey and Redis OSS. Memcached nodes have no snapshots; they are listed
// as blocked.
//
// # Identifiers
//
// A replication group is known by its plain name, a node outside of groups as
// "cluster:NAME" and a serverless cache as "serverless:NAME". Names hold no colon,
// so these cannot be taken for one another. Snapshots are known by their plain
// names; only a serverless one whose name is not of holdfast's form bears the
// prefix "serverless:", since such names are a space of their own. In holdfast's
// names a hash over the source tells both apart.
//
// # Tags
//
// No listing of ElastiCache holds tags, and ListTagsForResource gives them one by
// one, and only while a thing is available. So that a run costs pages and not
// snapshots:
//
//   - The Resource Groups Tagging API gives the tags of all that has any, a hundred
//     a page. It follows changes with a delay. What it shows is planned on.
//   - Only snapshots whose name has the form of dr.SnapshotName can be ours; no
//     other is looked at.
//   - What it does not show yet, or where it may not be asked, names stand in: they
//     are a hash over the claim. Where one of the Candidates gives exactly that name,
//     its claim is presumed without a look-up. What only tags hold, a person's hold
//     and the captured configuration, is missing in it.
//   - The tags of all others, which are new, are read once in a process; those of
//     held ones again after a while, since a person may release them.
//   - What is to be deleted is read anew by ListTagsForResource, which alone decides:
//     by Confirm for what is planned, and in any case by Apply, which deletes nothing
//     whose tags were not read within the last moments, or that is held, or that
//     bears another claim.
//
// A cache that the Tagging API does not show has no tags, unless it is so new that
// they do not show yet; such a one is looked up. That tags show late never deletes
// anything: a cache that is not known to be covered is not snapshotted, and what it
// has expires by the claims of its snapshots. Where the Tagging API may not be asked,
// the tags of caches cost a call each and are remembered for minutes.
//
// # Files
//
// No call copies a snapshot to another Region or account. It is exported to a bucket,
// and its files are copied to the bucket of another site, within S3. Such copies, and
// exports on the way, are shown as snapshots of the site whose bucket they are in. They
// have an origin in their claims, which no snapshot in ElastiCache has. Their claims
// are in the keys of objects, so that listing the bucket shows all that a plan needs.
package elasticache

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "elasticache"

// nameLimit is how long the name of a snapshot may be. AWS states it for
// serverless ones only (255); for the others the length of a replication group's
// name is assumed.
const nameLimit = 40

// Parallel look-ups of tags; the session's pace bounds their rate.
const lookUps = 8

// api is the part of the SDK's client that the driver uses.
type api interface {
	elasticache.DescribeReplicationGroupsAPIClient
	elasticache.DescribeCacheClustersAPIClient
	elasticache.DescribeServerlessCachesAPIClient
	elasticache.DescribeSnapshotsAPIClient
	elasticache.DescribeServerlessCacheSnapshotsAPIClient
	CreateSnapshot(context.Context, *elasticache.CreateSnapshotInput, ...func(*elasticache.Options)) (*elasticache.CreateSnapshotOutput, error)
	CopySnapshot(context.Context, *elasticache.CopySnapshotInput, ...func(*elasticache.Options)) (*elasticache.CopySnapshotOutput, error)
	ExportServerlessCacheSnapshot(context.Context, *elasticache.ExportServerlessCacheSnapshotInput, ...func(*elasticache.Options)) (*elasticache.ExportServerlessCacheSnapshotOutput, error)
	CreateServerlessCacheSnapshot(context.Context, *elasticache.CreateServerlessCacheSnapshotInput, ...func(*elasticache.Options)) (*elasticache.CreateServerlessCacheSnapshotOutput, error)
	DeleteSnapshot(context.Context, *elasticache.DeleteSnapshotInput, ...func(*elasticache.Options)) (*elasticache.DeleteSnapshotOutput, error)
	DeleteServerlessCacheSnapshot(context.Context, *elasticache.DeleteServerlessCacheSnapshotInput, ...func(*elasticache.Options)) (*elasticache.DeleteServerlessCacheSnapshotOutput, error)
	AddTagsToResource(context.Context, *elasticache.AddTagsToResourceInput, ...func(*elasticache.Options)) (*elasticache.AddTagsToResourceOutput, error)
	RemoveTagsFromResource(context.Context, *elasticache.RemoveTagsFromResourceInput, ...func(*elasticache.Options)) (*elasticache.RemoveTagsFromResourceOutput, error)
	ListTagsForResource(context.Context, *elasticache.ListTagsForResourceInput, ...func(*elasticache.Options)) (*elasticache.ListTagsForResourceOutput, error)
}

// Candidates are the claims that snapshots of this installation probably bear:
// its namespace with each policy of its file. They only save look-ups; without
// them the same is seen. Policies that stand in the tags of resources do not
// belong here: their claims carry a retention, which names do not.
type Candidates struct {
	Namespace string
	Policies  []string
}

// Driver is the store.Driver for ElastiCache.
type Driver struct {
	sessions store.Sessions
	known    Candidates
	files    Files
	memory   *memory
}

// New makes a driver that reaches sites through sessions.
func New(sessions store.Sessions, known Candidates, files Files) *Driver {
	return &Driver{sessions, known, files, newMemory()}
}

var _ store.Copier = (*Driver)(nil)

// Routing says that snapshots leave as files (Amazon ElastiCache User Guide, "Exporting a
// backup"). CopySnapshot copies within a Region and an account only.
func (*Driver) Routing() plan.Routing {
	return plan.Routing{Means: plan.ByFile, NameLimit: nameLimit}
}

// Kind names the kind.
func (*Driver) Kind() dr.Kind { return Kind }

// visit is the driver at work at one site.
type visit struct {
	*Driver
	api
	tags tagging.GetResourcesAPIClient
	site dr.Site
	cfg  aws.Config
}

func (d *Driver) visit(ctx context.Context, site dr.Site) (*visit, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return nil, err
	}
	return &visit{d, elasticache.NewFromConfig(cfg), tagging.NewFromConfig(cfg), site, cfg}, nil
}

// Observe reads all caches and all manual snapshots at a site, and what its bucket holds. It costs a call a
// page, those of the tags among them, and one for each thing that is too new for its
// tags to show there and whose name does not tell enough.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	v, err := d.visit(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	var all caches
	var snaps []dr.Snapshot
	var tags index
	var files filed
	var noFiles error // A bucket that cannot be read must not cost the caches their snapshots.
	g, lists := errgroup.WithContext(ctx)
	g.Go(func() error { files, noFiles = v.readFiles(lists); return nil })
	g.Go(func() (err error) { all, err = v.list(lists); return err })
	g.Go(func() (err error) { snaps, err = v.listSnapshots(lists); return err })
	g.Go(func() (err error) { tags, err = v.readIndex(lists, allKinds()); return err })
	if err := g.Wait(); err != nil {
		return dr.Inventory{}, err
	}
	resources, err := v.tagged(ctx, v.resources(all), tags)
	if err != nil {
		return dr.Inventory{}, err
	}
	if err := v.claim(ctx, snaps, tags); err != nil {
		return dr.Inventory{}, err
	}
	if noFiles != nil {
		gap := map[dr.Scope]error{{Kind: Kind, Site: site}: noFiles}
		return dr.Inventory{Resources: resources, Snapshots: snaps, Gaps: gap}, nil //nolint:nilerr // The gap carries it.
	}
	return dr.Inventory{Resources: resources, Snapshots: slices.Concat(snaps, files.snapshots(site, snaps))}, nil
}

// Snapshots reads all manual snapshots at a site.
func (d *Driver) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	v, err := d.visit(ctx, site)
	if err != nil {
		return nil, err
	}
	var snaps []dr.Snapshot
	var tags index
	var files filed
	g, lists := errgroup.WithContext(ctx)
	g.Go(func() (err error) { files, err = v.readFiles(lists); return err })
	g.Go(func() (err error) { snaps, err = v.listSnapshots(lists); return err })
	g.Go(func() (err error) { tags, err = v.readIndex(lists, snapshotKinds()); return err })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := v.claim(ctx, snaps, tags); err != nil {
		return nil, err
	}
	return slices.Concat(snaps, files.snapshots(site, snaps)), nil
}

// Confirm reads the tags of these snapshots now, unless it has just done so, and
// gives them with their claims whole: with holds and captured configuration.
// Those that are gone are left out. One whose tags cannot be read now has no claim
// and a flaw that says why.
//
// It is for those snapshots on which something irreversible is about to depend,
// since it costs a call for each.
func (d *Driver) Confirm(ctx context.Context, site dr.Site, these []dr.Snapshot) ([]dr.Snapshot, error) {
	v, err := d.visit(ctx, site)
	if err != nil {
		return nil, err
	}
	return v.confirm(ctx, these)
}
