package rds

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// shelf is the DB snapshots at a site.
type shelf struct {
	api
	site dr.Site
}

// Find reads one snapshot.
func (s shelf) Find(ctx context.Context, name string) (dr.Snapshot, error) {
	out, err := s.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String(name)})
	if err != nil {
		return dr.Snapshot{}, err
	}
	if len(out.DBSnapshots) != 1 {
		return dr.Snapshot{}, &types.DBSnapshotNotFoundFault{Message: aws.String(name + " is not found")}
	}
	return snapshot(s.site, &out.DBSnapshots[0]), nil
}

// Create takes a snapshot of a database.
func (s shelf) Create(ctx context.Context, of, name string, tags []types.Tag) error {
	_, err := s.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{
		DBInstanceIdentifier: aws.String(of), DBSnapshotIdentifier: aws.String(name), Tags: tags,
	})
	return err
}

// Copy makes a copy here. Where the snapshot cannot do without its database's option
// group, the one of the same name is taken: names of option groups mean something in
// one Region only, and who makes one here says so by its name.
func (s shelf) Copy(ctx context.Context, c rdsapi.Copying) error {
	err := s.copyWith(ctx, c, nil)
	if rdsapi.NeedsOptions(err) && c.Options != "" && !strings.HasPrefix(c.Options, "default:") {
		err = s.copyWith(ctx, c, &c.Options)
	}
	return err
}

func (s shelf) copyWith(ctx context.Context, c rdsapi.Copying, options *string) error {
	_, err := s.CopyDBSnapshot(ctx, &rds.CopyDBSnapshotInput{
		SourceDBSnapshotIdentifier: aws.String(c.Source), SourceRegion: c.SourceRegion,
		TargetDBSnapshotIdentifier: aws.String(c.Name), KmsKeyId: c.Key, Tags: c.Tags, OptionGroupName: options,
	})
	return err
}

// Delete deletes a snapshot.
func (s shelf) Delete(ctx context.Context, name string) error {
	_, err := s.DeleteDBSnapshot(ctx, &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: aws.String(name)})
	return err
}

// Admit lets other accounts copy and restore a snapshot, or takes that back.
func (s shelf) Admit(ctx context.Context, name string, add, remove []string) error {
	_, err := s.ModifyDBSnapshotAttribute(ctx, &rds.ModifyDBSnapshotAttributeInput{
		DBSnapshotIdentifier: aws.String(name), AttributeName: aws.String(rdsapi.RestoreAttribute),
		ValuesToAdd: add, ValuesToRemove: remove,
	})
	return err
}
