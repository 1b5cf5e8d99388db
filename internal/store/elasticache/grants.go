package elasticache

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// probe names a cache and a snapshot that do not exist. AWS looks whether the
// caller may do a thing before it looks whether the thing is there, so "not
// found" says that the permission is.
const probe = "holdfast-permission-probe"

// attempt is one permission and a call that needs it.
type attempt struct {
	permission, needed string
	try                func() error
}

// Grants tries each permission that the driver needs. The writing calls name
// things that do not exist, so nothing is changed.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	v, err := d.visit(ctx, site)
	if err != nil {
		return []store.Grant{{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err}}
	}
	tries := append(v.reading(ctx), v.writing(ctx)...)
	grants := make([]store.Grant, 0, len(tries))
	for _, t := range tries {
		err := t.try()
		if classify(err) == store.NotFound {
			err = nil
		}
		grants = append(grants, store.Grant{Permission: t.permission, Needed: t.needed, Err: err})
	}
	m := &maker{v, elasticache.NewFromConfig(v.cfg)}
	return slices.Concat(grants, v.bucketGrants(ctx), m.restoreGrants(ctx))
}

func (v *visit) reading(ctx context.Context) []attempt {
	return []attempt{
		{"elasticache:DescribeReplicationGroups", "to find replication groups", func() error {
			_, err := v.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"elasticache:DescribeCacheClusters", "to find nodes and their configuration", func() error {
			_, err := v.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"elasticache:DescribeServerlessCaches", "to find serverless caches", func() error {
			_, err := v.DescribeServerlessCaches(ctx, &elasticache.DescribeServerlessCachesInput{MaxResults: aws.Int32(20)})
			return err
		}},
		{"elasticache:DescribeSnapshots", "to find snapshots", func() error {
			_, err := v.DescribeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{MaxRecords: aws.Int32(20)})
			return err
		}},
		{"elasticache:DescribeServerlessCacheSnapshots", "to find snapshots of serverless caches", func() error {
			_, err := v.DescribeServerlessCacheSnapshots(ctx, &elasticache.DescribeServerlessCacheSnapshotsInput{MaxResults: aws.Int32(20)})
			return err
		}},
		{"tag:GetResources", "to read the tags of all in pages; without it each cache and new snapshot costs a call, and a busy cache shows no tags", func() error {
			_, err := v.tags.GetResources(ctx, &tagging.GetResourcesInput{ResourceTypeFilters: allKinds(), ResourcesPerPage: aws.Int32(1)})
			return err
		}},
		{"elasticache:ListTagsForResource", "to read tags anew before deletes", func() error {
			_, err := v.ListTagsForResource(ctx, &elasticache.ListTagsForResourceInput{ResourceName: aws.String(snapshotARN(v.site, probe, false))})
			return err
		}},
	}
}

func (v *visit) writing(ctx context.Context) []attempt {
	arn := aws.String(snapshotARN(v.site, probe, false))
	return []attempt{
		{"elasticache:CreateSnapshot", "to take snapshots", func() error {
			_, err := v.CreateSnapshot(ctx, &elasticache.CreateSnapshotInput{ReplicationGroupId: aws.String(probe), SnapshotName: aws.String(probe)})
			return err
		}},
		{"elasticache:CreateServerlessCacheSnapshot", "to take snapshots of serverless caches", func() error {
			_, err := v.CreateServerlessCacheSnapshot(ctx, &elasticache.CreateServerlessCacheSnapshotInput{
				ServerlessCacheName: aws.String(probe), ServerlessCacheSnapshotName: aws.String(probe),
			})
			return err
		}},
		{"elasticache:AddTagsToResource", "to claim snapshots and hold them", func() error {
			_, err := v.AddTagsToResource(ctx, &elasticache.AddTagsToResourceInput{
				ResourceName: arn, Tags: []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
			})
			return err
		}},
		{"elasticache:RemoveTagsFromResource", "to release held snapshots", func() error {
			_, err := v.RemoveTagsFromResource(ctx, &elasticache.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: []string{dr.TagKeep}})
			return err
		}},
		{"elasticache:DeleteSnapshot", "to expire snapshots", func() error {
			_, err := v.DeleteSnapshot(ctx, &elasticache.DeleteSnapshotInput{SnapshotName: aws.String(probe)})
			return err
		}},
		{"elasticache:DeleteServerlessCacheSnapshot", "to expire snapshots of serverless caches", func() error {
			_, err := v.DeleteServerlessCacheSnapshot(ctx, &elasticache.DeleteServerlessCacheSnapshotInput{ServerlessCacheSnapshotName: aws.String(probe)})
			return err
		}},
	}
}

// exportTries is what exports to a bucket need.
func (v *visit) exportTries(ctx context.Context, b *bucket) []attempt {
	return []attempt{
		{"elasticache:CopySnapshot", "to export snapshots", func() error {
			_, err := v.CopySnapshot(ctx, &elasticache.CopySnapshotInput{
				SourceSnapshotName: aws.String(probe), TargetSnapshotName: aws.String(probe), TargetBucket: &b.name,
			})
			return err
		}},
		{"elasticache:ExportServerlessCacheSnapshot", "to export snapshots of serverless caches", func() error {
			_, err := v.ExportServerlessCacheSnapshot(ctx, &elasticache.ExportServerlessCacheSnapshotInput{
				ServerlessCacheSnapshotName: aws.String(probe), S3BucketName: &b.name,
			})
			return err
		}},
		{"s3:GetBucketPolicy", "to see whether ElastiCache may write to bucket " + b.name, func() error { return b.exports(ctx) }},
	}
}
