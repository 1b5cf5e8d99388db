// Package redshift protects Amazon Redshift: provisioned clusters with manual
// cluster snapshots, and namespaces of Redshift Serverless with snapshots of
// theirs.
//
// Redshift also takes snapshots by itself (every eight hours of a cluster, every
// half hour of a namespace, where they are called recovery points) and drops them
// by its own rules. The driver lists the good ones as Automated, and can promote
// one to a manual snapshot that is holdfast's.
// A snapshot of a namespace does not count against the quota of clusters.
//
// Both live in one kind. A cluster and its snapshots are known by their
// identifiers; what is of Redshift Serverless bears the prefix "serverless:",
// which no identifier of Redshift can begin with, since they hold no colon: the
// namespace "serverless:NAME", its snapshot "serverless:SNAPSHOT", and a recovery
// point "serverless:point:ID".
package redshift

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/turns"
)

// Kind is the kind's name in policies and claims.
const Kind dr.Kind = "redshift"

// DefaultQuota is how many manual cluster snapshots an account may have in a
// Region unless AWS grants more (Amazon Redshift Management Guide, "Quotas and
// limits in Amazon Redshift", quota "Snapshots"). Snapshots of namespaces do not
// count against it: "Quotas for Amazon Redshift Serverless objects" there names
// none for them. That there is one all the same shows in that CreateSnapshot may
// answer ServiceQuotaExceededException; nobody says how big it is, so it cannot be
// counted beforehand.
const DefaultQuota = 20

// nameLimit is how long the name of a snapshot may be (CreateClusterSnapshot:
// "Must contain from 1 to 255 alphanumeric characters or hyphens"). Redshift
// Serverless states no limit, and is taken to have the same.
const nameLimit = 255

// forEver as the retention of a manual snapshot makes AWS keep it: when it has to
// go is for the policy to say.
const forEver = -1

// Driver is the store.Driver for Redshift.
type Driver struct {
	sessions store.Sessions
	own      dr.Candidates
	tags     *tagMemory
	turns    turns.Turns
}

// New makes a driver that reaches sites through sessions. The candidates are the
// claims of this installation: by them it knows its own promotions that were
// interrupted before their tags were written. Without them these stay untouched.
func New(sessions store.Sessions, own dr.Candidates) *Driver {
	return &Driver{sessions: sessions, own: own, tags: newTagMemory()}
}

// Kind names the kind.
func (*Driver) Kind() dr.Kind { return Kind }

// Observe reads all clusters and namespaces at a site, and their snapshots. For
// clusters it costs one call a page. Redshift Serverless does not give tags with
// what it lists: there it is one call more for each namespace, and one for each
// snapshot whose tags were not read within the hour.
func (d *Driver) Observe(ctx context.Context, site dr.Site) (dr.Inventory, error) {
	c, err := d.client(ctx, site)
	if err != nil {
		return dr.Inventory{}, err
	}
	var clusters, spaces dr.Inventory
	var clusterSnaps, spaceSnaps []dr.Snapshot
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		clusters.Resources, err = c.clusters(ctx, site)
		return err
	})
	g.Go(func() (err error) {
		clusterSnaps, err = c.clusterSnapshots(ctx, site, d.own)
		return err
	})
	g.Go(func() (err error) {
		spaces.Resources, spaceSnaps, err = c.serverless(ctx, site, d.tags)
		return err
	})
	if err := g.Wait(); err != nil {
		return dr.Inventory{}, err
	}
	return dr.Inventory{
		Resources: append(clusters.Resources, spaces.Resources...),
		Snapshots: append(promotable(clusters.Resources, clusterSnaps), spaceSnaps...),
	}, nil
}

// Snapshots reads all snapshots at a site anew, tags and all.
func (d *Driver) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	c, err := d.client(ctx, site)
	if err != nil {
		return nil, err
	}
	all, err := c.clusterSnapshots(ctx, site, d.own)
	if err != nil {
		return nil, err
	}
	d.tags.forget(func(r dr.Ref) bool { return r.Site == site })
	spaces, err := c.spaceSnapshots(ctx, site, d.tags)
	switch {
	case notOffered(err):
		return all, nil
	case err != nil:
		return nil, err
	}
	points, err := c.points(ctx, site)
	if err != nil {
		return nil, err
	}
	return slices.Concat(all, spaces, points), nil
}

// Apply does one action.
func (d *Driver) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	switch a.Verb {
	case plan.Configure:
		return a.From, d.configure(ctx, a)
	case plan.Retire:
		return a.From, d.retire(ctx, a)
	default:
	}
	c, err := d.client(ctx, a.To)
	if err != nil {
		return dr.Ref{}, err
	}
	if isServerless(a.From.ID) {
		made, err := c.applyServerless(ctx, a)
		d.tags.forget(func(r dr.Ref) bool { return r == made })
		return made, err
	}
	made := dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}
	switch a.Verb {
	case plan.Create:
		return made, c.create(ctx, a)
	case plan.Promote:
		return made, c.promote(ctx, a)
	case plan.Adopt:
		return made, c.adopt(ctx, a)
	case plan.Delete:
		return made, c.expire(ctx, a)
	case plan.Hold:
		return made, c.hold(ctx, a.From)
	case plan.Release:
		return made, c.release(ctx, a.From)
	case plan.Share:
		return made, d.share(ctx, c, a)
	case plan.Withdraw:
		return made, d.withdraw(ctx, c, a)
	case plan.Copy, plan.Configure, plan.Retire: // No call copies one snapshot; the others are done above.
	}
	return dr.Ref{}, fmt.Errorf("redshift cannot %s", a.Verb)
}

var (
	// errFailedBefore: the snapshot that is to be taken exists and is of no use.
	errFailedBefore = errors.New("the snapshot is there but failed")
	// errUnseen: the name is taken, and what has it does not show yet.
	errUnseen = errors.New("a snapshot of this name exists, and does not show yet")
)

// errTaken: something else has the name. Redshift Serverless says ConflictException
// to that and to a namespace that is being changed alike.
var errTaken = errors.New("a snapshot of this name exists and does not carry our claim")

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault {
	if known, ok := errors.AsType[*store.Error](err); ok {
		return known.Fault
	}
	switch {
	case errors.Is(err, errFailedBefore), errors.Is(err, errUnseen):
		return store.Busy
	case errors.Is(err, errTaken):
		return store.Conflict
	}
	return store.ClassifyAWS(err, map[string]store.Fault{
		"ClusterNotFound":                     store.NotFound,
		"ClusterAlreadyExists":                store.Conflict,
		"ClusterSnapshotNotFound":             store.NotFound,
		"ResourceNotFoundFault":               store.NotFound,
		"ClusterSnapshotAlreadyExists":        store.Conflict,
		"InvalidClusterState":                 store.Busy,
		"InvalidClusterSnapshotState":         store.Busy,
		"ClusterSnapshotQuotaExceeded":        store.Quota,
		"AuthorizationQuotaExceeded":          store.Quota,
		"LimitExceededFault":                  store.Quota,
		"SnapshotCopyGrantQuotaExceededFault": store.Quota,
		"SnapshotCopyGrantNotFoundFault":      store.NotFound,
		"SnapshotCopyAlreadyEnabledFault":     store.Conflict,
		"UnknownSnapshotCopyRegionFault":      store.Invalid,
		"CopyToRegionDisabledFault":           store.Busy,
		"ClusterQuotaExceeded":                store.Quota,
		"NumberOfNodesQuotaExceeded":          store.Quota,
		"InsufficientClusterCapacity":         store.Unreachable,
		// Of a Region's own limits: one table at a time.
		"InProgressTableRestoreQuotaExceededFault": store.Busy,
		"InvalidTableRestoreArgument":              store.Invalid,
		"TagLimitExceededFault":                    store.Quota,
		"InvalidTagFault":                          store.Invalid,
		"InvalidRetentionPeriodFault":              store.Invalid,
		"UnsupportedOperation":                     store.Invalid,
		"DependentServiceRequestThrottlingFault":   store.Throttled,
		"DependentServiceUnavailableFault":         store.Unreachable,
		"ResourceNotFoundException":                store.NotFound,
		"ConflictException":                        store.Busy,
		"ServiceQuotaExceededException":            store.Quota,
		"TooManyTagsException":                     store.Quota,
		"ValidationException":                      store.Invalid,
		"InternalServerException":                  store.Unreachable,
		"InsufficientCapacityException":            store.Unreachable,
	})
}
