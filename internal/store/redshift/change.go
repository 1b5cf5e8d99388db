package redshift

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// create takes a snapshot of a cluster, its claim written with the same call. The
// name is the idempotency key: where it is taken already, by an earlier try whose
// answer was lost or by another run, the claim tells.
func (c client) create(ctx context.Context, a plan.Action) error {
	a, err := c.withLogging(ctx, a)
	if err != nil {
		return err
	}
	_, err = c.prov.CreateClusterSnapshot(ctx, &redshift.CreateClusterSnapshotInput{
		ClusterIdentifier:             aws.String(a.From.ID),
		SnapshotIdentifier:            aws.String(a.Name),
		ManualSnapshotRetentionPeriod: aws.Int32(forEver),
		Tags:                          sdkTags(a.Claim.Tags(), a.Tags),
	})
	return c.ifTaken(ctx, a, err)
}

// promote makes a manual snapshot of an automated one. CopyClusterSnapshot takes
// no tags, so it is two calls. Between them the copy is known by its name alone,
// which carries the hash of the claim: whichever action asks for that name next
// finds it and claims it, and so does a plan that sees it lying there.
func (c client) promote(ctx context.Context, a plan.Action) error {
	a, err := c.withLogging(ctx, a)
	if err != nil {
		return err
	}
	made, err := c.prov.CopyClusterSnapshot(ctx, &redshift.CopyClusterSnapshotInput{
		SourceSnapshotIdentifier:      aws.String(a.From.ID),
		TargetSnapshotIdentifier:      aws.String(a.Name),
		ManualSnapshotRetentionPeriod: aws.Int32(forEver),
	})
	if err == nil {
		return c.mark(ctx, a, snapshotARN(a.To, made.Snapshot))
	}
	if isGone(err) { // Perhaps it was there long enough to be copied.
		if _, _, lookErr := c.find(ctx, a.To, a.Name); lookErr != nil {
			return err
		}
		err = &types.ClusterSnapshotAlreadyExistsFault{Message: aws.String(a.Name + " exists already")}
	}
	return c.ifTaken(ctx, a, err)
}

func (c client) mark(ctx context.Context, a plan.Action, arn string) error {
	_, err := c.prov.CreateTags(ctx, &redshift.CreateTagsInput{
		ResourceName: aws.String(arn), Tags: sdkTags(a.Claim.Tags(), a.Tags),
	})
	if err != nil {
		return fmt.Errorf("claim %s: %w", a.Name, err)
	}
	return nil
}

// ifTaken looks what has the name that is to be made, if that is what went wrong.
// It is ours if it carries our claim, or if it is what an interrupted promotion
// left: that is claimed now.
func (c client) ifTaken(ctx context.Context, a plan.Action, err error) error {
	if _, exists := errors.AsType[*types.ClusterSnapshotAlreadyExistsFault](err); !exists {
		return err
	}
	raw, there, lookErr := c.find(ctx, a.To, a.Name)
	switch {
	case isGone(lookErr):
		return fmt.Errorf("%w: %s", errUnseen, a.Name)
	case lookErr != nil:
		return fmt.Errorf("it exists already, and looking at it failed: %w", lookErr)
	case there.Claim.Is(a.Claim):
	case leftOver(a, raw, there):
		if err := c.mark(ctx, a, there.ARN); err != nil {
			return err
		}
	default:
		return err
	}
	if there.State == dr.Failed || there.State == dr.Going {
		return fmt.Errorf("%w: an earlier try for the same slot is %s", errFailedBefore, there.Status)
	}
	return nil
}

// leftOver reports whether a snapshot is what an interrupted promotion left for
// the same recovery point. It has the name, in which the hash of the claim stands,
// is of the same cluster, and has no tags at all, since a copy has none. Only a
// promotion takes that for its own: what CreateClusterSnapshot makes has tags from
// the beginning, and nothing that the service shows tells a copy from another
// manual snapshot (in the examples of the API Reference the retention of either
// begins some seconds after its creation time).
func leftOver(a plan.Action, raw *types.Snapshot, there dr.Snapshot) bool {
	return a.Verb == plan.Promote && len(raw.Tags) == 0 && !there.Automated &&
		there.Of.Source() == a.Claim.Source && ourName.MatchString(a.Name)
}

func isGone(err error) bool {
	_, gone := errors.AsType[*types.ClusterSnapshotNotFoundFault](err)
	return gone
}

// unclaimed reports whether none of the tags is one of holdfast's.
func unclaimed(tags dr.Tags) bool {
	for k := range tags {
		if strings.HasPrefix(k, dr.TagPrefix) {
			return false
		}
	}
	return true
}

// adopt claims a snapshot that is there. One that carries a claim keeps it. Where
// the configuration of its cluster is to be written too, as with what an
// interrupted promotion left, its logging belongs to that.
func (c client) adopt(ctx context.Context, a plan.Action) error {
	raw, there, err := c.find(ctx, a.To, a.From.ID)
	switch {
	case err != nil:
		return err
	case there.Claim.Is(a.Claim):
		return nil
	case raw.SourceRegion != nil && a.Claim.Origin != "" && !there.Automated:
		return c.receive(ctx, a, raw, there)
	case there.Automated || !unclaimed(plainTags(raw.Tags)):
		return &types.ClusterSnapshotAlreadyExistsFault{Message: aws.String(a.From.ID + " is not free to be adopted")}
	}
	if a, err = c.withLogging(ctx, a); err != nil {
		return err
	}
	return c.mark(ctx, a, there.ARN)
}

// expire deletes a snapshot. AWS refuses that while it is shared, so where it does
// our shares are taken back first.
func (c client) expire(ctx context.Context, a plan.Action) error {
	err := c.remove(ctx, a.From.ID)
	if _, state := errors.AsType[*types.InvalidClusterSnapshotStateFault](err); !state {
		return err
	}
	switch some, lookErr := c.unshared(ctx, a); {
	case isGone(lookErr):
		return nil
	case lookErr != nil:
		return fmt.Errorf("%w; looking whether it is shared failed: %w", err, lookErr)
	case !some:
		return err
	}
	return c.remove(ctx, a.From.ID)
}

func (c client) remove(ctx context.Context, name string) error {
	_, err := c.prov.DeleteClusterSnapshot(ctx, &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String(name)})
	if isGone(err) {
		return nil
	}
	return err
}

func (c client) hold(ctx context.Context, ref dr.Ref) error {
	_, s, err := c.find(ctx, ref.Site, ref.ID)
	if err != nil {
		return err
	}
	_, err = c.prov.CreateTags(ctx, &redshift.CreateTagsInput{
		ResourceName: aws.String(s.ARN),
		Tags:         []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
	})
	return err
}

func (c client) release(ctx context.Context, ref dr.Ref) error {
	_, s, err := c.find(ctx, ref.Site, ref.ID)
	if err != nil {
		return err
	}
	_, err = c.prov.DeleteTags(ctx, &redshift.DeleteTagsInput{ResourceName: aws.String(s.ARN), TagKeys: []string{dr.TagKeep}})
	return err
}
