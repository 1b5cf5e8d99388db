package aurora

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

// protects reports whether clusters of an engine are this store's. Amazon Neptune
// and Amazon DocumentDB answer through the same calls, with clusters of their own.
func protects(engine string) bool {
	return isAurora(engine) || engine == "mysql" || engine == "postgres"
}

func isAurora(engine string) bool {
	return engine == "aurora" || strings.HasPrefix(engine, "aurora-")
}

// clusters lists the clusters, with what their members are.
func (s shelf) clusters(ctx context.Context) ([]dr.Resource, error) {
	var found []types.DBCluster
	pages := rds.NewDescribeDBClustersPaginator(s, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB clusters: %w", err)
		}
		for i := range page.DBClusters {
			if protects(aws.ToString(page.DBClusters[i].Engine)) {
				found = append(found, page.DBClusters[i])
			}
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	instances, err := s.members(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]dr.Resource, 0, len(found))
	for i := range found {
		out = append(out, resource(s.site, &found[i], instances))
	}
	return out, nil
}

// members gives all instances that belong to a cluster, by their identifiers.
func (s shelf) members(ctx context.Context) (map[string]*types.DBInstance, error) {
	out := map[string]*types.DBInstance{}
	pages := rds.NewDescribeDBInstancesPaginator(s, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the DB instances of clusters: %w", err)
		}
		for i := range page.DBInstances {
			if in := &page.DBInstances[i]; in.DBClusterIdentifier != nil {
				out[aws.ToString(in.DBInstanceIdentifier)] = in
			}
		}
	}
	return out, nil
}

// snapshots lists manual snapshots; those that RDS makes by itself or AWS Backup
// makes are theirs.
func (s shelf) snapshots(ctx context.Context) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := rds.NewDescribeDBClusterSnapshotsPaginator(s, &rds.DescribeDBClusterSnapshotsInput{
		SnapshotType: aws.String("manual"), MaxRecords: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DB cluster snapshots: %w", err)
		}
		for i := range page.DBClusterSnapshots {
			if x := &page.DBClusterSnapshots[i]; protects(aws.ToString(x.Engine)) {
				out = append(out, snapshot(s.site, x))
			}
		}
	}
	return out, nil
}

func resource(site dr.Site, c *types.DBCluster, instances map[string]*types.DBInstance) dr.Resource {
	id, status := aws.ToString(c.DBClusterIdentifier), aws.ToString(c.Status)
	return dr.Resource{
		Ref:       dr.Ref{Kind: Kind, Site: site, ID: id},
		ARN:       aws.ToString(c.DBClusterArn),
		Name:      id,
		Key:       aws.ToString(c.KmsKeyId),
		Tags:      rdsapi.PlainTags(c.TagList),
		State:     readiness(status),
		Status:    status,
		Config:    dr.NewConfig(settings(c, instances)),
		Bytes:     bytes(c),
		NameLimit: nameLimit,
	}
}

// bytes gives the allocated size. Aurora allocates by itself and does not say how
// much: it answers 1 GiB (API Reference, DBCluster, AllocatedStorage).
func bytes(c *types.DBCluster) int64 {
	gib := int64(aws.ToInt32(c.AllocatedStorage))
	if isAurora(aws.ToString(c.Engine)) && gib <= 1 {
		return 0
	}
	return gib * gibibyte
}

func snapshot(site dr.Site, s *types.DBClusterSnapshot) dr.Snapshot {
	status := aws.ToString(s.Status)
	out := dr.Snapshot{
		Ref:     dr.Ref{Kind: Kind, Site: site, ID: aws.ToString(s.DBClusterSnapshotIdentifier)},
		Of:      dr.Ref{Kind: Kind, Site: site, ID: aws.ToString(s.DBClusterIdentifier)},
		ARN:     aws.ToString(s.DBClusterSnapshotArn),
		State:   rdsapi.Condition(status),
		Status:  status,
		Percent: int(aws.ToInt32(s.PercentProgress)),
		Key:     aws.ToString(s.KmsKeyId),
		Bytes:   int64(aws.ToInt32(s.AllocatedStorage)) * gibibyte,
	}
	out.ReadClaim(rdsapi.PlainTags(s.TagList))
	out.CopyOf = aws.ToString(s.SourceDBClusterSnapshotArn)
	copied := out.CopyOf != ""
	if copied && s.SnapshotCreateTime != nil {
		out.Made = s.SnapshotCreateTime.UTC()
	}
	switch {
	case !out.Claim.Taken.IsZero():
		out.Taken = out.Claim.Taken
	case copied && out.Claim.Ours():
		// Of a copy the service tells only when it was copied, and not, as it does of
		// DB snapshots, when the original was taken. The slot is never too new.
		out.Taken = out.Claim.Slot
	case s.SnapshotCreateTime != nil:
		out.Taken = s.SnapshotCreateTime.UTC()
	default: // RDS has not given it a time yet.
		out.Taken = out.Claim.Slot
	}
	return out
}

// readiness sorts the status of a DB cluster (Amazon Aurora User Guide, "DB cluster
// status"). CreateDBClusterSnapshot wants available and nothing else: so says the
// message of InvalidDBClusterStateFault.
func readiness(status string) dr.Readiness {
	switch status {
	case "available":
		return dr.Ready
	case "deleting", "delete-precheck":
		return dr.Leaving
	case "stopped", "failed", "cloning-failed", "migration-failed", "storage-full", "insufficient-capacity",
		"restore-error", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable":
		return dr.Blocked
	}
	if strings.HasPrefix(status, "incompatible-") {
		return dr.Blocked
	}
	return dr.Busy
}
