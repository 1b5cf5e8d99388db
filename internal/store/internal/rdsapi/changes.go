package rdsapi

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store/internal/turns"
)

// Changes does what plans ask of the snapshots of one kind.
type Changes struct {
	Kind dr.Kind
	// Shelf reaches the snapshots at a site.
	Shelf func(ctx context.Context, site dr.Site) (Shelf, error)

	turns turns.Turns
}

// Apply does one action.
func (c *Changes) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	about := dr.Ref{Kind: c.Kind, Site: a.To, ID: a.Name}
	if a.Verb == plan.Share || a.Verb == plan.Withdraw {
		about = a.From
	}
	s, err := c.Shelf(ctx, about.Site)
	if err != nil {
		return dr.Ref{}, err
	}
	switch a.Verb {
	case plan.Create:
		return about, create(ctx, s, a)
	case plan.Copy:
		return about, makeCopy(ctx, s, a)
	case plan.Share:
		return about, c.share(ctx, s, a)
	case plan.Withdraw:
		return about, c.withdraw(ctx, s, a)
	case plan.Delete:
		return about, Remove(ctx, s, a.Name)
	case plan.Hold:
		return about, hold(ctx, s, a.Name)
	case plan.Release:
		return about, release(ctx, s, a.Name)
	case plan.Adopt:
		return about, adopt(ctx, s, a)
	case plan.Promote, plan.Configure, plan.Retire: // Automated snapshots are not listed, nothing is copied by itself, and drivers retire.
	}
	return dr.Ref{}, fmt.Errorf("%s cannot %s", c.Kind, a.Verb)
}

// create takes a snapshot, its claim written with the same call.
func create(ctx context.Context, s Shelf, a plan.Action) error {
	err := s.Create(ctx, a.From.ID, a.Name, SDKTags(a.Claim.Tags(), a.Tags))
	return made(err, a.Claim, finder(ctx, s, a.Name))
}

// Remove deletes a snapshot, once and for all.
func Remove(ctx context.Context, s Shelf, name string) error {
	return removed(s.Delete(ctx, name), finder(ctx, s, name))
}

func finder(ctx context.Context, s Shelf, name string) func() (dr.Snapshot, error) {
	return func() (dr.Snapshot, error) { return s.Find(ctx, name) }
}

func hold(ctx context.Context, s Shelf, name string) error {
	there, err := s.Find(ctx, name)
	if err != nil {
		return err
	}
	return mark(ctx, s, there.ARN, types.Tag{Key: aws.String(dr.TagKeep), Value: aws.String("yes")})
}

func release(ctx context.Context, s Shelf, name string) error {
	there, err := s.Find(ctx, name)
	if err != nil {
		return err
	}
	return unmark(ctx, s, there.ARN, dr.TagKeep)
}

// adopt writes a claim on a snapshot that another tool made. One that bears another
// claim, or marks of one that cannot be read, is not free.
func adopt(ctx context.Context, s Shelf, a plan.Action) error {
	there, err := s.Find(ctx, a.Name)
	switch {
	case err != nil:
		return err
	case there.Claim.Is(a.Claim):
		return nil
	case there.Claim.Ours() || there.Flaw != "":
		return notOurs("adopt it", "it bears the marks of another claim")
	}
	return mark(ctx, s, there.ARN, SDKTags(a.Claim.Tags(), nil)...)
}

func mark(ctx context.Context, t Tagger, arn string, tags ...types.Tag) error {
	_, err := t.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: aws.String(arn), Tags: tags})
	return err
}

func unmark(ctx context.Context, t Tagger, arn string, keys ...string) error {
	_, err := t.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: aws.String(arn), TagKeys: keys})
	return err
}
