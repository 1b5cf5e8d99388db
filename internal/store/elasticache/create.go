package elasticache

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// create takes a snapshot, its claim written with the same call. The name is the
// idempotency key: where it is taken already, by an earlier try whose answer was
// lost or by another run, the claim tells. Such a try can also have used up the
// quota, and keeps the cache busy while it lasts.
func (s *subject) create(ctx context.Context, a plan.Action) error {
	tags := snapshotTags(a.Claim.Tags(), a.Tags)
	err := s.callCreate(ctx, a.From.ID, tags)
	if err == nil {
		s.memory.wrote(s.arn, tags)
		return nil
	}
	if fault := classify(err); fault == store.Conflict || fault == store.Quota || fault == store.Busy {
		return s.fromBefore(ctx, a, tags, err)
	}
	return err
}

func (s *subject) callCreate(ctx context.Context, of string, tags dr.Tags) error {
	if s.serverless {
		_, err := s.CreateServerlessCacheSnapshot(ctx, &elasticache.CreateServerlessCacheSnapshotInput{
			ServerlessCacheName: aws.String(plainName(of)), ServerlessCacheSnapshotName: aws.String(s.name), Tags: sdkTags(tags),
		})
		return err
	}
	in := &elasticache.CreateSnapshotInput{SnapshotName: aws.String(s.name), Tags: sdkTags(tags)}
	if cluster, ok := strings.CutPrefix(of, clusterPrefix); ok {
		in.CacheClusterId = aws.String(cluster)
	} else {
		in.ReplicationGroupId = aws.String(of)
	}
	_, err := s.CreateSnapshot(ctx, in)
	return err
}

// fromBefore looks whether the snapshot that could not be taken is there already.
func (s *subject) fromBefore(ctx context.Context, a plan.Action, tags dr.Tags, refused error) error {
	there, err := s.find(ctx, s.name, s.serverless)
	switch {
	case classify(err) == store.NotFound && classify(refused) == store.Conflict: // What is listed lags behind.
		return errUnclear
	case classify(err) == store.NotFound:
		return refused
	case err != nil:
		return fmt.Errorf("it exists already, and looking at it failed: %w", err)
	case there.State == dr.Going:
		return errLeaving
	}
	claim, err := s.claimOf(ctx, a, tags, there)
	switch {
	case err != nil:
		return err
	case !claim.Is(a.Claim):
		return refused
	case there.State == dr.Failed:
		return fmt.Errorf("%w: an earlier try for the same slot ended %s", errFailedBefore, there.Status)
	}
	return nil
}

// claimOf finds out whose a snapshot is that bears the name of the one to be
// taken. While it is being made its tags cannot be read; then the name itself is
// the evidence, whose hash follows from the claim.
func (s *subject) claimOf(ctx context.Context, a plan.Action, tags dr.Tags, there dr.Snapshot) (dr.Claim, error) {
	got, err := s.readTags(ctx, s.arn)
	switch fault := classify(err); {
	case err == nil:
	case fault != store.Busy && fault != store.NotFound:
		return dr.Claim{}, fmt.Errorf("it exists already, and reading its tags failed: %w", err)
	default:
		r, ok := s.memory.get(s.arn)
		switch {
		case ok:
			got = r.tags
		case there.Of == a.From && bears(s.name, a.Claim, plainName(a.From.ID)):
			s.memory.presume(s.arn, tags)
			got = tags
		default:
			return dr.Claim{}, errUnclear
		}
	}
	claim, err := dr.ParseClaim(got)
	if err != nil {
		return dr.Claim{}, nil //nolint:nilerr // Tags that claim nothing are not ours, which is no failure.
	}
	return claim, nil
}
