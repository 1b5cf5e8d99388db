package rds

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

const gibibyte = 1 << 30

func (s shelf) instances(ctx context.Context) ([]dr.Resource, error) {
	var out []dr.Resource
	pages := rds.NewDescribeDBInstancesPaginator(s, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB instances: %w", err)
		}
		for i := range page.DBInstances {
			if in := &page.DBInstances[i]; in.DBClusterIdentifier == nil {
				out = append(out, resource(s.site, in))
			}
		}
	}
	return out, nil
}

// snapshots lists manual snapshots; those that RDS makes by itself or AWS Backup
// makes are theirs.
func (s shelf) snapshots(ctx context.Context) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := rds.NewDescribeDBSnapshotsPaginator(s, &rds.DescribeDBSnapshotsInput{
		SnapshotType: aws.String("manual"), MaxRecords: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB snapshots: %w", err)
		}
		for i := range page.DBSnapshots {
			out = append(out, snapshot(s.site, &page.DBSnapshots[i]))
		}
	}
	return out, nil
}

func resource(site dr.Site, in *types.DBInstance) dr.Resource {
	id, status := aws.ToString(in.DBInstanceIdentifier), aws.ToString(in.DBInstanceStatus)
	return dr.Resource{
		Ref:       dr.Ref{Kind: Kind, Site: site, ID: id},
		ARN:       aws.ToString(in.DBInstanceArn),
		Name:      id,
		Key:       aws.ToString(in.KmsKeyId),
		Tags:      rdsapi.PlainTags(in.TagList),
		State:     readiness(status),
		Status:    status,
		Config:    dr.NewConfig(settings(in)),
		Bytes:     int64(aws.ToInt32(in.AllocatedStorage)) * gibibyte,
		NameLimit: nameLimit,
	}
}

func snapshot(site dr.Site, s *types.DBSnapshot) dr.Snapshot {
	status := aws.ToString(s.Status)
	out := dr.Snapshot{
		Ref:     dr.Ref{Kind: Kind, Site: site, ID: aws.ToString(s.DBSnapshotIdentifier)},
		Of:      dr.Ref{Kind: Kind, Site: site, ID: aws.ToString(s.DBInstanceIdentifier)},
		ARN:     aws.ToString(s.DBSnapshotArn),
		State:   rdsapi.Condition(status),
		Status:  status,
		Percent: int(aws.ToInt32(s.PercentProgress)),
		Key:     aws.ToString(s.KmsKeyId),
		Bytes:   int64(aws.ToInt32(s.AllocatedStorage)) * gibibyte,
	}
	out.ReadClaim(rdsapi.PlainTags(s.TagList))
	// RDS names the source of copies from other accounts and Regions only (API
	// Reference, DBSnapshot, SourceDBSnapshotIdentifier).
	out.CopyOf = aws.ToString(s.SourceDBSnapshotIdentifier)
	if (out.CopyOf != "" || out.Claim.Origin != "") && s.SnapshotCreateTime != nil {
		out.Made = s.SnapshotCreateTime.UTC()
	}
	switch {
	case !out.Claim.Taken.IsZero():
		out.Taken = out.Claim.Taken
	case s.OriginalSnapshotCreateTime != nil:
		out.Taken = s.OriginalSnapshotCreateTime.UTC()
	case s.SnapshotCreateTime != nil:
		out.Taken = s.SnapshotCreateTime.UTC()
	default: // RDS has not given it a time yet.
		out.Taken = out.Claim.Slot
	}
	return out
}

// readiness sorts the status of a DB instance (Amazon RDS User Guide, "Viewing
// DB instance status"). CreateDBSnapshot wants available or storage-optimization.
func readiness(status string) dr.Readiness {
	switch status {
	case "available", "storage-optimization":
		return dr.Ready
	case "deleting", "delete-precheck":
		return dr.Leaving
	case "stopped", "failed", "storage-full", "inaccessible-encryption-credentials",
		"inaccessible-encryption-credentials-recoverable", "insufficient-capacity", "restore-error":
		return dr.Blocked
	}
	if strings.HasPrefix(status, "incompatible-") {
		return dr.Blocked
	}
	return dr.Busy
}
