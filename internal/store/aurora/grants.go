package aurora

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Grants tries each permission that the driver needs. The writing calls name things
// that do not exist, so nothing is changed.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	s, err := d.shelf(ctx, site)
	if err != nil {
		return rdsapi.Unreached(err)
	}
	api, err := d.restores(ctx, site)
	if err != nil {
		return rdsapi.Unreached(err)
	}
	return rdsapi.Grants(slices.Concat(s.reading(ctx), s.writing(ctx), s.copying(ctx), restoring(ctx, api, site)))
}

func (s shelf) reading(ctx context.Context) []rdsapi.Attempt {
	return []rdsapi.Attempt{
		{Permission: "rds:DescribeDBClusters", Needed: "to find clusters", Try: func() error {
			_, err := s.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{Permission: "rds:DescribeDBInstances", Needed: "to capture what instances a cluster has", Try: func() error {
			_, err := s.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{Permission: "rds:DescribeDBClusterSnapshots", Needed: "to find snapshots", Try: func() error {
			_, err := s.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{MaxRecords: aws.Int32(20)})
			return err
		}},
	}
}

func (s shelf) writing(ctx context.Context) []rdsapi.Attempt {
	arn := aws.String(rdsapi.ProbeARN(s.site, "cluster-snapshot"))
	return []rdsapi.Attempt{
		{Permission: "rds:CreateDBClusterSnapshot", Needed: "to take snapshots", Try: func() error {
			return s.Create(ctx, rdsapi.Probe, rdsapi.Probe, nil)
		}},
		{Permission: "rds:AddTagsToResource", Needed: "to claim snapshots and hold them", Try: func() error {
			_, err := s.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
				ResourceName: arn, Tags: []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
			})
			return err
		}},
		{Permission: "rds:RemoveTagsFromResource", Needed: "to release held snapshots", Try: func() error {
			_, err := s.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: []string{dr.TagKeep}})
			return err
		}},
		{Permission: "rds:DeleteDBClusterSnapshot", Needed: "to expire snapshots", Try: func() error {
			return rdsapi.Remove(ctx, s, rdsapi.Probe)
		}},
	}
}

func (s shelf) copying(ctx context.Context) []rdsapi.Attempt {
	return []rdsapi.Attempt{
		{Permission: "rds:CopyDBClusterSnapshot", Needed: "to copy snapshots to this site", Copies: true, Try: func() error {
			return s.Copy(ctx, rdsapi.Copying{Source: rdsapi.Probe, Name: rdsapi.Probe})
		}},
		{Permission: "rds:ModifyDBClusterSnapshotAttribute", Needed: "to let other accounts copy snapshots", Copies: true, Try: func() error {
			return s.Admit(ctx, rdsapi.Probe, nil, []string{s.site.Account})
		}},
	}
}

// restoring are the calls of a restore, but those that pass a role on: AWS looks first
// whether the caller may do that with the very role.
func restoring(ctx context.Context, api restoreAPI, site dr.Site) []rdsapi.Attempt {
	probe, yes := aws.String(rdsapi.Probe), aws.Bool(true)
	return []rdsapi.Attempt{
		{Permission: "rds:RestoreDBClusterFromSnapshot", Needed: "to restore clusters", Restores: true, Try: func() error {
			_, err := api.RestoreDBClusterFromSnapshot(ctx, &rds.RestoreDBClusterFromSnapshotInput{
				DBClusterIdentifier: probe, SnapshotIdentifier: probe, Engine: aws.String("aurora-postgresql"),
			})
			return err
		}},
		{Permission: "rds:CreateDBInstance", Needed: "to create the instances of restored clusters", Restores: true, Try: func() error {
			_, err := api.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
				DBInstanceIdentifier: probe, DBClusterIdentifier: probe, Engine: aws.String("aurora-postgresql"), DBInstanceClass: aws.String("db.r6g.large"),
			})
			return err
		}},
		{Permission: "rds:ModifyDBCluster", Needed: "to put restored clusters into order and give them their names", Restores: true, Try: func() error {
			_, err := api.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{DBClusterIdentifier: probe})
			return err
		}},
		{Permission: "rds:ModifyDBInstance", Needed: "to give instances of clusters their names", Restores: true, Try: func() error {
			_, err := api.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: probe})
			return err
		}},
		{Permission: "rds:RebootDBInstance", Needed: "to put parameters of restored clusters in force", Restores: true, Try: func() error {
			_, err := api.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: probe})
			return err
		}},
		{Permission: "rds:RebootDBCluster", Needed: "to put parameters of restored Multi-AZ DB clusters in force", Restores: true, Try: func() error {
			_, err := api.RebootDBCluster(ctx, &rds.RebootDBClusterInput{DBClusterIdentifier: probe})
			return err
		}},
		{Permission: "rds:EnableHttpEndpoint", Needed: "to switch the HTTP endpoint of restored clusters on", Restores: true, Try: func() error {
			_, err := api.EnableHttpEndpoint(ctx, &rds.EnableHttpEndpointInput{ResourceArn: aws.String(rdsapi.ProbeARN(site, "cluster"))})
			return err
		}},
		{Permission: "rds:DeleteDBInstance", Needed: "to delete the instances of what failed, and of what a restore replaced", Restores: true, Try: func() error {
			_, err := api.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: probe, SkipFinalSnapshot: yes})
			return err
		}},
		{Permission: "rds:DeleteDBCluster", Needed: "to take back what failed, and to delete what a restore replaced", Restores: true, Try: func() error {
			_, err := api.DeleteDBCluster(ctx, &rds.DeleteDBClusterInput{DBClusterIdentifier: probe, SkipFinalSnapshot: yes})
			return err
		}},
	}
}
