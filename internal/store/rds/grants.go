package rds

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

// Grants tries each permission that the driver needs. The writing calls name
// things that do not exist, so nothing is changed.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	s, err := d.shelf(ctx, site)
	if err != nil {
		return rdsapi.Unreached(err)
	}
	i, err := d.instances(ctx, site)
	if err != nil {
		return rdsapi.Unreached(err)
	}
	return rdsapi.Grants(slices.Concat(s.reading(ctx), s.writing(ctx), s.copying(ctx), restoring(ctx, i.api)))
}

func (s shelf) reading(ctx context.Context) []rdsapi.Attempt {
	return []rdsapi.Attempt{
		{Permission: "rds:DescribeDBInstances", Needed: "to find databases", Try: func() error {
			_, err := s.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{Permission: "rds:DescribeDBSnapshots", Needed: "to find snapshots", Try: func() error {
			_, err := s.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{MaxRecords: aws.Int32(20)})
			return err
		}},
	}
}

func (s shelf) writing(ctx context.Context) []rdsapi.Attempt {
	arn := aws.String(rdsapi.ProbeARN(s.site, "snapshot"))
	return []rdsapi.Attempt{
		{Permission: "rds:CreateDBSnapshot", Needed: "to take snapshots", Try: func() error {
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
		{Permission: "rds:DeleteDBSnapshot", Needed: "to expire snapshots", Try: func() error {
			return rdsapi.Remove(ctx, s, rdsapi.Probe)
		}},
	}
}

func (s shelf) copying(ctx context.Context) []rdsapi.Attempt {
	return []rdsapi.Attempt{
		{Permission: "rds:CopyDBSnapshot", Needed: "to copy snapshots to this site", Copies: true, Try: func() error {
			return s.Copy(ctx, rdsapi.Copying{Source: rdsapi.Probe, Name: rdsapi.Probe})
		}},
		{Permission: "rds:ModifyDBSnapshotAttribute", Needed: "to let other accounts copy snapshots", Copies: true, Try: func() error {
			return s.Admit(ctx, rdsapi.Probe, nil, []string{s.site.Account})
		}},
	}
}

// restoring are the calls of a restore. What a name stands for is looked at after the
// permission, as with all others. Adding roles is not tried: AWS first looks whether the
// caller may pass on the very role.
func restoring(ctx context.Context, api restoreAPI) []rdsapi.Attempt {
	probe := aws.String(rdsapi.Probe)
	return []rdsapi.Attempt{
		{Permission: "rds:RestoreDBInstanceFromDBSnapshot", Needed: "to restore databases", Restores: true, Try: func() error {
			_, err := api.RestoreDBInstanceFromDBSnapshot(ctx, &rds.RestoreDBInstanceFromDBSnapshotInput{DBInstanceIdentifier: probe, DBSnapshotIdentifier: probe})
			return err
		}},
		{Permission: "rds:ModifyDBInstance", Needed: "to put restored databases into order and give them their names", Restores: true, Try: func() error {
			_, err := api.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: probe})
			return err
		}},
		{Permission: "rds:RebootDBInstance", Needed: "to put parameters of restored databases in force", Restores: true, Try: func() error {
			_, err := api.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: probe})
			return err
		}},
		{Permission: "rds:DeleteDBInstance", Needed: "to take back what failed, and to delete what a restore replaced", Restores: true, Try: func() error {
			_, err := api.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: probe, SkipFinalSnapshot: aws.Bool(true)})
			return err
		}},
	}
}
