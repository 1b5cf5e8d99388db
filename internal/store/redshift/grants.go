package redshift

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	spacetypes "github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// probe names a cluster, a namespace and a snapshot that do not exist. AWS looks
// whether the caller may do a thing before it looks whether the thing is there, so
// "not found" says that the permission is.
const (
	probe   = "holdfast-permission-probe"
	probeID = "00000000-0000-4000-8000-000000000000"
)

// try is one permission and a call that needs it.
type try struct {
	permission, needed string
	call               func() error
	// copies says that it is needed only for copies.
	copies bool
}

// Grants tries each permission that the driver needs. The writing calls name
// things that do not exist, so nothing is changed.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	c, err := d.client(ctx, site)
	if err != nil {
		return []store.Grant{{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err}}
	}
	var grants []store.Grant
	for _, t := range slices.Concat(c.tries(ctx, site), c.copyTries(ctx, site), c.spaceTries(ctx, site)) {
		err := t.call()
		fault := d.Classify(err)
		// A key that does not exist is no fault of the caller's permission.
		if fault == store.NotFound || t.copies && fault == store.Invalid || notOffered(err) {
			err = nil
		}
		grants = append(grants, store.Grant{Permission: t.permission, Needed: t.needed, Copies: t.copies, Err: err})
	}
	return append(grants, d.restoreGrants(ctx, site)...)
}

func (c client) tries(ctx context.Context, site dr.Site) []try {
	arn := aws.String("arn:" + site.Partition() + ":redshift:" + site.Region + ":" + site.Account + ":snapshot:" + probe + "/" + probe)
	keep := []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}}
	return []try{
		{"redshift:DescribeClusters", "to find clusters", func() error {
			_, err := c.prov.DescribeClusters(ctx, &redshift.DescribeClustersInput{MaxRecords: aws.Int32(20)})
			return err
		}, false},
		{"redshift:DescribeClusterSnapshots", "to find snapshots", func() error {
			_, err := c.prov.DescribeClusterSnapshots(ctx, &redshift.DescribeClusterSnapshotsInput{MaxRecords: aws.Int32(20)})
			return err
		}, false},
		{"redshift:DescribeLoggingStatus", "to write down how a cluster logs", func() error {
			_, err := c.prov.DescribeLoggingStatus(ctx, &redshift.DescribeLoggingStatusInput{ClusterIdentifier: aws.String(probe)})
			return err
		}, false},
		{"redshift:CreateClusterSnapshot", "to take snapshots", func() error {
			_, err := c.prov.CreateClusterSnapshot(ctx, &redshift.CreateClusterSnapshotInput{
				ClusterIdentifier: aws.String(probe), SnapshotIdentifier: aws.String(probe),
			})
			return err
		}, false},
		{"redshift:CopyClusterSnapshot", "to keep automated snapshots", func() error {
			_, err := c.prov.CopyClusterSnapshot(ctx, &redshift.CopyClusterSnapshotInput{
				SourceSnapshotIdentifier: aws.String("rs:" + probe), TargetSnapshotIdentifier: aws.String(probe),
			})
			return err
		}, false},
		{"redshift:CreateTags", "to claim snapshots and hold them", func() error {
			_, err := c.prov.CreateTags(ctx, &redshift.CreateTagsInput{ResourceName: arn, Tags: keep})
			return err
		}, false},
		{"redshift:DeleteTags", "to release held snapshots", func() error {
			_, err := c.prov.DeleteTags(ctx, &redshift.DeleteTagsInput{ResourceName: arn, TagKeys: []string{dr.TagKeep}})
			return err
		}, false},
		{"redshift:DeleteClusterSnapshot", "to expire snapshots", func() error { return c.remove(ctx, probe) }, false},
	}
}

func (c client) spaceTries(ctx context.Context, site dr.Site) []try {
	arn := "arn:" + site.Partition() + ":redshift-serverless:" + site.Region + ":" + site.Account + ":snapshot/" + probeID
	keep := []spacetypes.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}}
	name := aws.String(probe)
	return []try{
		{"redshift-serverless:ListNamespaces", "to find namespaces", func() error {
			_, err := c.space.ListNamespaces(ctx, &redshiftserverless.ListNamespacesInput{MaxResults: aws.Int32(1)})
			return err
		}, false},
		{"redshift-serverless:ListWorkgroups", "to find how namespaces are configured", func() error {
			_, err := c.space.ListWorkgroups(ctx, &redshiftserverless.ListWorkgroupsInput{MaxResults: aws.Int32(1)})
			return err
		}, false},
		{"redshift-serverless:ListSnapshots", "to find snapshots of namespaces", func() error {
			_, err := c.space.ListSnapshots(ctx, &redshiftserverless.ListSnapshotsInput{MaxResults: aws.Int32(1)})
			return err
		}, false},
		{"redshift-serverless:ListRecoveryPoints", "to find recovery points", func() error {
			_, err := c.space.ListRecoveryPoints(ctx, &redshiftserverless.ListRecoveryPointsInput{MaxResults: aws.Int32(1)})
			return err
		}, false},
		{"redshift-serverless:ListTagsForResource", "to know whose snapshots are", func() error {
			_, err := c.space.ListTagsForResource(ctx, &redshiftserverless.ListTagsForResourceInput{ResourceArn: &arn})
			return err
		}, false},
		{"redshift-serverless:GetSnapshot", "to look at a snapshot whose name is taken", func() error {
			_, err := c.space.GetSnapshot(ctx, &redshiftserverless.GetSnapshotInput{SnapshotName: name})
			return err
		}, false},
		{"redshift-serverless:CreateSnapshot", "to take snapshots of namespaces", func() error {
			_, err := c.space.CreateSnapshot(ctx, &redshiftserverless.CreateSnapshotInput{NamespaceName: name, SnapshotName: name})
			return err
		}, false},
		{"redshift-serverless:ConvertRecoveryPointToSnapshot", "to keep recovery points", func() error {
			_, err := c.space.ConvertRecoveryPointToSnapshot(ctx, &redshiftserverless.ConvertRecoveryPointToSnapshotInput{
				RecoveryPointId: aws.String(probeID), SnapshotName: name,
			})
			return err
		}, false},
		{"redshift-serverless:TagResource", "to claim snapshots of namespaces and hold them", func() error { return c.tagSpace(ctx, &arn, keep) }, false},
		{"redshift-serverless:UntagResource", "to release held snapshots of namespaces", func() error {
			_, err := c.space.UntagResource(ctx, &redshiftserverless.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{dr.TagKeep}})
			return err
		}, false},
		{"redshift-serverless:DeleteSnapshot", "to expire snapshots of namespaces", func() error { return c.removeSpace(ctx, probe) }, false},
	}
}
