package aurora

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// shelf is the DB cluster snapshots at a site.
type shelf struct {
	api
	site dr.Site
}

// Find reads one snapshot.
func (s shelf) Find(ctx context.Context, name string) (dr.Snapshot, error) {
	out, err := s.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{DBClusterSnapshotIdentifier: aws.String(name)})
	if err != nil {
		return dr.Snapshot{}, err
	}
	if len(out.DBClusterSnapshots) != 1 {
		return dr.Snapshot{}, &types.DBClusterSnapshotNotFoundFault{Message: aws.String(name + " is not found")}
	}
	return snapshot(s.site, &out.DBClusterSnapshots[0]), nil
}

// Create takes a snapshot of a cluster.
func (s shelf) Create(ctx context.Context, of, name string, tags []types.Tag) error {
	_, err := s.CreateDBClusterSnapshot(ctx, &rds.CreateDBClusterSnapshotInput{
		DBClusterIdentifier: aws.String(of), DBClusterSnapshotIdentifier: aws.String(name), Tags: tags,
	})
	return err
}

// Copy makes a copy here. Clusters have no option groups.
func (s shelf) Copy(ctx context.Context, c rdsapi.Copying) error {
	_, err := s.CopyDBClusterSnapshot(ctx, &rds.CopyDBClusterSnapshotInput{
		SourceDBClusterSnapshotIdentifier: aws.String(c.Source), SourceRegion: c.SourceRegion,
		TargetDBClusterSnapshotIdentifier: aws.String(c.Name), KmsKeyId: c.Key, Tags: c.Tags,
	})
	return err
}

// Delete deletes a snapshot.
func (s shelf) Delete(ctx context.Context, name string) error {
	_, err := s.DeleteDBClusterSnapshot(ctx, &rds.DeleteDBClusterSnapshotInput{DBClusterSnapshotIdentifier: aws.String(name)})
	return err
}

// Admit lets other accounts copy and restore a snapshot, or takes that back.
func (s shelf) Admit(ctx context.Context, name string, add, remove []string) error {
	_, err := s.ModifyDBClusterSnapshotAttribute(ctx, &rds.ModifyDBClusterSnapshotAttributeInput{
		DBClusterSnapshotIdentifier: aws.String(name), AttributeName: aws.String(rdsapi.RestoreAttribute),
		ValuesToAdd: add, ValuesToRemove: remove,
	})
	return err
}
