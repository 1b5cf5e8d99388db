package redshift

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// applyServerless does an action on a namespace, its snapshots or its recovery
// points.
func (c client) applyServerless(ctx context.Context, a plan.Action) (dr.Ref, error) {
	name := strings.TrimPrefix(a.Name, serverlessPrefix)
	made := dr.Ref{Kind: Kind, Site: a.To, ID: serverlessPrefix + name}
	switch a.Verb {
	case plan.Create:
		return made, c.createSpace(ctx, a, name)
	case plan.Promote:
		return made, c.convert(ctx, a, name)
	case plan.Adopt:
		return made, c.adoptSpace(ctx, a, name)
	case plan.Delete:
		return made, c.removeSpace(ctx, name)
	case plan.Hold, plan.Release:
		return made, c.holdSpace(ctx, name, a.Verb == plan.Hold)
	case plan.Copy, plan.Share, plan.Withdraw, plan.Configure, plan.Retire: // See spacesStay; none is ever replaced.
	}
	return dr.Ref{}, fmt.Errorf("redshift cannot %s", a.Verb)
}

func (c client) createSpace(ctx context.Context, a plan.Action, name string) error {
	_, err := c.space.CreateSnapshot(ctx, &redshiftserverless.CreateSnapshotInput{
		NamespaceName:   aws.String(strings.TrimPrefix(a.From.ID, serverlessPrefix)),
		SnapshotName:    aws.String(name),
		RetentionPeriod: aws.Int32(forEver),
		Tags:            spaceTags(a.Claim.Tags(), a.Tags),
	})
	return c.ifSpaceTaken(ctx, a, name, err)
}

// convert makes a snapshot of a recovery point. Unlike the promotion of a
// cluster's it is one call, which takes the claim along, and the time of the
// recovery point, which the snapshot does not show by itself.
func (c client) convert(ctx context.Context, a plan.Action, name string) error {
	claim := a.Claim.Tags()
	if !a.Taken.IsZero() {
		claim[tagTaken] = a.Taken.UTC().Format(time.RFC3339)
	}
	_, err := c.space.ConvertRecoveryPointToSnapshot(ctx, &redshiftserverless.ConvertRecoveryPointToSnapshotInput{
		RecoveryPointId: aws.String(strings.TrimPrefix(a.From.ID, pointPrefix)),
		SnapshotName:    aws.String(name),
		RetentionPeriod: aws.Int32(forEver),
		Tags:            spaceTags(claim, a.Tags),
	})
	if spaceGone(err) { // Perhaps it was there long enough to be converted.
		if _, _, lookErr := c.findSpace(ctx, name); lookErr != nil {
			return err
		}
		err = &types.ConflictException{Message: aws.String(name + " exists already")}
	}
	return c.ifSpaceTaken(ctx, a, name, err)
}

// ifSpaceTaken looks what has the name that is to be made, if that can be what
// went wrong.
func (c client) ifSpaceTaken(ctx context.Context, a plan.Action, name string, err error) error {
	if _, conflict := errors.AsType[*types.ConflictException](err); !conflict {
		return err
	}
	there, tags, lookErr := c.findSpace(ctx, name)
	switch {
	case spaceGone(lookErr):
		return err // It was the namespace's state.
	case lookErr != nil:
		return fmt.Errorf("%w; looking at what has the name failed: %w", err, lookErr)
	}
	claimed, _ := dr.ParseClaim(tags) // Of what cannot be read it is the zero Claim, which is not ours.
	switch {
	case !claimed.Is(a.Claim):
		return fmt.Errorf("%w: %s", errTaken, name)
	case there.Status == types.SnapshotStatusFailed || there.Status == types.SnapshotStatusCancelled:
		return fmt.Errorf("%w: an earlier try for the same slot ended %s", errFailedBefore, there.Status)
	}
	return nil
}

func spaceGone(err error) bool {
	_, gone := errors.AsType[*types.ResourceNotFoundException](err)
	return gone
}

// findSpace gives a snapshot of a namespace, and its tags.
func (c client) findSpace(ctx context.Context, name string) (*types.Snapshot, dr.Tags, error) {
	out, err := c.space.GetSnapshot(ctx, &redshiftserverless.GetSnapshotInput{SnapshotName: aws.String(name)})
	if err != nil {
		return nil, nil, err
	}
	tags, err := c.space.ListTagsForResource(ctx, &redshiftserverless.ListTagsForResourceInput{ResourceArn: out.Snapshot.SnapshotArn})
	if err != nil {
		return nil, nil, err
	}
	return out.Snapshot, plainSpaceTags(tags.Tags), nil
}

func (c client) adoptSpace(ctx context.Context, a plan.Action, name string) error {
	there, tags, err := c.findSpace(ctx, name)
	if err != nil {
		return err
	}
	if claimed, _ := dr.ParseClaim(tags); claimed.Is(a.Claim) {
		return nil
	}
	if !unclaimed(tags) {
		return fmt.Errorf("%w: %s", errTaken, name)
	}
	return c.tagSpace(ctx, there.SnapshotArn, spaceTags(a.Claim.Tags(), a.Tags))
}

func (c client) tagSpace(ctx context.Context, arn *string, tags []types.Tag) error {
	_, err := c.space.TagResource(ctx, &redshiftserverless.TagResourceInput{ResourceArn: arn, Tags: tags})
	return err
}

func (c client) removeSpace(ctx context.Context, name string) error {
	_, err := c.space.DeleteSnapshot(ctx, &redshiftserverless.DeleteSnapshotInput{SnapshotName: aws.String(name)})
	if spaceGone(err) {
		return nil
	}
	return err
}

func (c client) holdSpace(ctx context.Context, name string, keep bool) error {
	out, err := c.space.GetSnapshot(ctx, &redshiftserverless.GetSnapshotInput{SnapshotName: aws.String(name)})
	if err != nil {
		return err
	}
	if keep {
		return c.tagSpace(ctx, out.Snapshot.SnapshotArn, []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}})
	}
	_, err = c.space.UntagResource(ctx, &redshiftserverless.UntagResourceInput{
		ResourceArn: out.Snapshot.SnapshotArn, TagKeys: []string{dr.TagKeep},
	})
	return err
}
