package aurora

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// probe names a cluster and a snapshot that do not exist. AWS looks whether the
// caller may do a thing before it looks whether the thing is there, so "not found"
// says that the permission is.
const probe = "holdfast-permission-probe"

// Grants tries each permission that the driver needs. The writing calls name things
// that do not exist, so nothing is changed.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	c, err := d.client(ctx, site)
	if err != nil {
		return []store.Grant{{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err}}
	}
	tries := append(reading(ctx, c), writing(ctx, c, site)...)
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

// attempt is one permission and how to try it.
type attempt struct {
	permission, needed string
	try                func() error
}

func reading(ctx context.Context, c api) []attempt {
	return []attempt{
		{"rds:DescribeDBClusters", "to find clusters", func() error {
			_, err := c.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"rds:DescribeDBInstances", "to capture what instances a cluster has", func() error {
			_, err := c.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"rds:DescribeDBClusterSnapshots", "to find snapshots", func() error {
			_, err := c.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{MaxRecords: aws.Int32(20)})
			return err
		}},
	}
}

func writing(ctx context.Context, c api, site dr.Site) []attempt {
	arn := aws.String("arn:" + site.Partition() + ":rds:" + site.Region + ":" + site.Account + ":cluster-snapshot:" + probe)
	return []attempt{
		{"rds:CreateDBClusterSnapshot", "to take snapshots", func() error {
			_, err := c.CreateDBClusterSnapshot(ctx, &rds.CreateDBClusterSnapshotInput{
				DBClusterIdentifier: aws.String(probe), DBClusterSnapshotIdentifier: aws.String(probe),
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
		{"rds:DeleteDBClusterSnapshot", "to expire snapshots", func() error { return remove(ctx, c, site, probe) }},
	}
}
