package elasticache

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Apply does one action.
func (d *Driver) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	if a.Verb == plan.Retire {
		return d.retire(ctx, a)
	}
	v, err := d.visit(ctx, a.To)
	if err != nil {
		return dr.Ref{}, err
	}
	made := dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}
	s := subject{visit: v, name: plainName(a.Name), serverless: serverless(a)}
	s.arn = snapshotARN(a.To, s.name, s.serverless)
	if done, err := v.applyFile(ctx, a); done || err != nil {
		return made, err
	}
	switch a.Verb {
	case plan.Create:
		return made, s.create(ctx, a)
	case plan.Delete:
		return made, s.remove(ctx, a.Claim)
	case plan.Hold:
		return made, s.hold(ctx)
	case plan.Release:
		return made, s.release(ctx)
	case plan.Promote, plan.Adopt, plan.Configure, plan.Copy, plan.Share, plan.Withdraw, plan.Retire: // Nothing is listed that could be.
	}
	return dr.Ref{}, fmt.Errorf("%s cannot %s", Kind, a.Verb)
}

// applyFile does an action if it is about a snapshot that is files. What claims to be a
// copy and is not in the bucket is left to be looked for in ElastiCache.
func (v *visit) applyFile(ctx context.Context, a plan.Action) (done bool, err error) {
	switch a.Verb {
	case plan.Copy:
		if a.Claim.Stage == plan.ExportStage {
			return true, v.export(ctx, a)
		}
		return true, v.arrive(ctx, a)
	case plan.Delete, plan.Hold, plan.Release:
		b, ok := v.bucketAt(v.site)
		if a.Claim.Origin == "" || !ok {
			return false, nil
		}
		s, err := b.shelf(ctx, place{a.Claim.Owner, a.Name})
		if err != nil || s == nil {
			return false, err
		}
		return true, v.change(ctx, b, s, a)
	case plan.Create, plan.Promote, plan.Adopt, plan.Share, plan.Withdraw, plan.Configure, plan.Retire:
	}
	return false, nil
}

// subject is the snapshot that an action makes or changes.
type subject struct {
	*visit
	name, arn  string
	serverless bool
}

// remove deletes the snapshot if it still bears the claim and nobody holds it.
// Listings do not tell, so its tags are read, unless Confirm has just done so.
func (s *subject) remove(ctx context.Context, claim dr.Claim) error {
	r, ok := s.memory.get(s.arn)
	if !ok || r.unsure || stale(r.read, justRead) {
		tags, err := s.readTags(ctx, s.arn)
		if err != nil {
			return s.unlessGoing(ctx, err)
		}
		r.tags = tags
	}
	now, err := dr.ParseClaim(r.tags)
	switch {
	case err != nil, !now.Is(claim):
		return fmt.Errorf("snapshot %s: %w", s.name, errChanged)
	case now.Keep:
		return fmt.Errorf("snapshot %s: %w", s.name, errHeld)
	}
	if err := s.unlessGoing(ctx, s.callDelete(ctx)); err != nil {
		return err
	}
	s.memory.forget(s.arn)
	return nil
}

func (s *subject) callDelete(ctx context.Context) error {
	if s.serverless {
		_, err := s.DeleteServerlessCacheSnapshot(ctx, &elasticache.DeleteServerlessCacheSnapshotInput{ServerlessCacheSnapshotName: aws.String(s.name)})
		return err
	}
	_, err := s.DeleteSnapshot(ctx, &elasticache.DeleteSnapshotInput{SnapshotName: aws.String(s.name)})
	return err
}

// unlessGoing passes over errors about a snapshot that is gone or on its way out.
func (s *subject) unlessGoing(ctx context.Context, err error) error {
	fault := classify(err)
	if err == nil || fault == store.NotFound {
		return nil
	}
	if fault == store.Busy {
		there, lookErr := s.find(ctx, s.name, s.serverless)
		if classify(lookErr) == store.NotFound || lookErr == nil && there.State == dr.Going {
			return nil
		}
	}
	return err
}

func (s *subject) hold(ctx context.Context) error {
	out, err := s.AddTagsToResource(ctx, &elasticache.AddTagsToResourceInput{
		ResourceName: aws.String(s.arn),
		Tags:         []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
	})
	if err == nil {
		s.memory.read(s.arn, plainTags(out.TagList)) // The answer holds all tags.
	}
	return err
}

func (s *subject) release(ctx context.Context) error {
	out, err := s.RemoveTagsFromResource(ctx, &elasticache.RemoveTagsFromResourceInput{
		ResourceName: aws.String(s.arn),
		TagKeys:      []string{dr.TagKeep},
	})
	switch {
	case hasCode(err, "TagNotFound"): // Nobody holds it (any more).
		_, err = s.readTags(ctx, s.arn)
	case err == nil:
		s.memory.read(s.arn, plainTags(out.TagList))
	}
	return err
}
