package redshift

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// copyTries are what copies and shares need.
func (c client) copyTries(ctx context.Context, site dr.Site) []try {
	return append(c.shareTries(ctx),
		try{"redshift:EnableSnapshotCopy", "at the source, to have snapshots copied to another Region", func() error {
			_, err := c.prov.EnableSnapshotCopy(ctx, &redshift.EnableSnapshotCopyInput{
				ClusterIdentifier: aws.String(probe), DestinationRegion: aws.String(elsewhere(site)),
			})
			return err
		}, true},
		try{"redshift:CreateSnapshotCopyGrant", "at the destination, to let Redshift use its key", func() error {
			key := "arn:" + site.Partition() + ":kms:" + site.Region + ":" + site.Account + ":key/" + probeID
			_, err := c.prov.CreateSnapshotCopyGrant(ctx, &redshift.CreateSnapshotCopyGrantInput{SnapshotCopyGrantName: aws.String(probe), KmsKeyId: aws.String(key)})
			return err
		}, true},
		try{"redshift:DescribeSnapshotCopyGrants", "at the destination, to find the grant that is there already", func() error {
			_, err := c.prov.DescribeSnapshotCopyGrants(ctx, &redshift.DescribeSnapshotCopyGrantsInput{SnapshotCopyGrantName: aws.String(probe)})
			return err
		}, true},
		try{"redshift:ModifyClusterSnapshot", "at the destination, to keep copies for as long as the policy says", func() error {
			_, err := c.prov.ModifyClusterSnapshot(ctx, &redshift.ModifyClusterSnapshotInput{
				SnapshotIdentifier: aws.String(probe), ManualSnapshotRetentionPeriod: aws.Int32(forEver),
			})
			return err
		}, true},
	)
}

func (c client) shareTries(ctx context.Context) []try {
	const nobody = "000000000000"
	return []try{
		{"redshift:AuthorizeSnapshotAccess", "at the source, to let another account restore", func() error {
			_, err := c.prov.AuthorizeSnapshotAccess(ctx, &redshift.AuthorizeSnapshotAccessInput{SnapshotIdentifier: aws.String(probe), AccountWithRestoreAccess: aws.String(nobody)})
			return err
		}, true},
		{"redshift:RevokeSnapshotAccess", "at the source, to take that back", func() error {
			_, err := c.prov.RevokeSnapshotAccess(ctx, &redshift.RevokeSnapshotAccessInput{SnapshotIdentifier: aws.String(probe), AccountWithRestoreAccess: aws.String(nobody)})
			return err
		}, true},
	}
}

// elsewhere gives a Region of the same partition that is not the site's.
func elsewhere(site dr.Site) string {
	two := map[string][2]string{
		"aws": {"us-east-1", "us-west-2"}, "aws-cn": {"cn-north-1", "cn-northwest-1"}, "aws-us-gov": {"us-gov-east-1", "us-gov-west-1"},
	}[site.Partition()]
	if two[0] == site.Region {
		return two[1]
	}
	return two[0]
}
