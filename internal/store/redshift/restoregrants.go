package redshift

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// restoreGrants tries what restores need beyond the rest. All calls name what does not
// exist.
func (d *Driver) restoreGrants(ctx context.Context, site dr.Site) []store.Grant {
	w, err := d.warehouses(ctx, site)
	if err != nil {
		return nil // Which the others say.
	}
	var out []store.Grant
	for _, t := range w.restoreTries(ctx) {
		err := t.call()
		if f := d.Classify(err); f == store.NotFound || f == store.Invalid {
			err = nil
		}
		out = append(out, store.Grant{Permission: t.permission, Needed: t.needed, Restores: true, Err: err})
	}
	return out
}

func (w warehouses) restoreTries(ctx context.Context) []try {
	name := aws.String(probe)
	return []try{
		{"redshift:RestoreFromClusterSnapshot", "to restore clusters", func() error {
			_, err := w.api.RestoreFromClusterSnapshot(ctx, &redshift.RestoreFromClusterSnapshotInput{ClusterIdentifier: name, SnapshotIdentifier: name})
			return err
		}, false},
		{"redshift:ModifyCluster", "to put restored clusters into order and give them their names", func() error {
			_, err := w.api.ModifyCluster(ctx, &redshift.ModifyClusterInput{ClusterIdentifier: name})
			return err
		}, false},
		{"redshift:RebootCluster", "to put parameters of restored clusters in force", func() error {
			_, err := w.api.RebootCluster(ctx, &redshift.RebootClusterInput{ClusterIdentifier: name})
			return err
		}, false},
		{"redshift:EnableLogging", "to turn the audit logs of restored clusters on", func() error {
			_, err := w.api.EnableLogging(ctx, &redshift.EnableLoggingInput{ClusterIdentifier: name, BucketName: name})
			return err
		}, false},
		{"redshift:DeleteCluster", "to take back what failed, and to delete what a restore replaced", func() error {
			_, err := w.api.DeleteCluster(ctx, &redshift.DeleteClusterInput{ClusterIdentifier: name, SkipFinalClusterSnapshot: aws.Bool(true)})
			return err
		}, false},
		{"redshift:RestoreTableFromClusterSnapshot", "to restore one table", func() error {
			_, err := w.api.RestoreTableFromClusterSnapshot(ctx, &redshift.RestoreTableFromClusterSnapshotInput{
				ClusterIdentifier: name, SnapshotIdentifier: name, SourceDatabaseName: name, SourceTableName: name, NewTableName: name,
			})
			return err
		}, false},
		{"redshift:DescribeTableRestoreStatus", "to see how far the restore of a table is", func() error {
			_, err := w.api.DescribeTableRestoreStatus(ctx, &redshift.DescribeTableRestoreStatusInput{ClusterIdentifier: name})
			return err
		}, false},
	}
}
