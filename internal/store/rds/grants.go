package rds

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// probe names a database and a snapshot that do not exist. AWS looks whether the
// caller may do a thing before it looks whether the thing is there, so "not
// found" says that the permission is.
const probe = "holdfast-permission-probe"

// Grants tries each permission that the driver needs. The writing calls name
// things that do not exist, so nothing is changed.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	c, err := d.client(ctx, site)
	if err != nil {
		return []store.Grant{{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err}}
	}
	arn := aws.String("arn:" + site.Partition() + ":rds:" + site.Region + ":" + site.Account + ":snapshot:" + probe)
	tries := []struct {
		permission, needed string
		try                func() error
	}{
		{"rds:DescribeDBInstances", "to find databases", func() error {
			_, err := c.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"rds:DescribeDBSnapshots", "to find snapshots", func() error {
			_, err := c.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"rds:CreateDBSnapshot", "to take snapshots", func() error {
			_, err := c.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{
				DBInstanceIdentifier: aws.String(probe), DBSnapshotIdentifier: aws.String(probe),
			})
			return err
		}},
		{"rds:AddTagsToResource", "to claim snapshots and hold them", func() error {
			_, err := c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
				ResourceName: arn, Tags: []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
			})
			return err
		}},
		{"rds:RemoveTagsFromResource", "to release held snapshots", func() error {
			_, err := c.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: []string{dr.TagKeep}})
			return err
		}},
		{"rds:DeleteDBSnapshot", "to expire snapshots", func() error { return remove(ctx, c, site, probe) }},
	}
	grants := make([]store.Grant, 0, len(tries))
	for _, t := range tries {
		err := t.try()
		if d.Classify(err) == store.NotFound {
			err = nil
		}
		grants = append(grants, store.Grant{Permission: t.permission, Needed: t.needed, Err: err})
	}
	return grants
}
