package sandbox_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func TestServerlessLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		c, ctx, name := redshiftserverless.NewFromConfig(config(a.Client(), prod, east)), t.Context(), aws.String("sales")
		_, err := c.CreateNamespace(ctx, &redshiftserverless.CreateNamespaceInput{NamespaceName: aws.String("No"), DbName: aws.String("x")})
		wantCode(t, err, "ValidationException")
		made, err := c.CreateNamespace(ctx, &redshiftserverless.CreateNamespaceInput{
			NamespaceName: name, LogExports: []types.LogExport{types.LogExportUserLog}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		})
		wantCode(t, err, "")
		_, err = c.CreateSnapshot(ctx, &redshiftserverless.CreateSnapshotInput{NamespaceName: name, SnapshotName: aws.String("one")})
		wantCode(t, err, "ConflictException") // It has no workgroup.
		_, err = c.CreateWorkgroup(ctx, &redshiftserverless.CreateWorkgroupInput{
			NamespaceName: name, WorkgroupName: name, BaseCapacity: aws.Int32(8), SubnetIds: []string{"subnet-1", "subnet-2"}, PubliclyAccessible: aws.Bool(true),
		})
		wantCode(t, err, "")
		for hours, want := range map[int]int{3: 6, 30: 48} {
			time.Sleep(time.Until(made.Namespace.CreationDate.Add(time.Duration(hours) * time.Hour)))
			n := 0
			pages := redshiftserverless.NewListRecoveryPointsPaginator(c, &redshiftserverless.ListRecoveryPointsInput{MaxResults: aws.Int32(5)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				wantCode(t, err, "")
				n += len(page.RecoveryPoints)
			}
			if hours == 30 && n != want || n > 48 {
				t.Errorf("after %d hours there are %d recovery points, want %d", hours, n, want)
			}
		}
		points, err := c.ListRecoveryPoints(ctx, &redshiftserverless.ListRecoveryPointsInput{NamespaceName: name})
		wantCode(t, err, "")
		_, err = c.ConvertRecoveryPointToSnapshot(ctx, &redshiftserverless.ConvertRecoveryPointToSnapshotInput{
			RecoveryPointId: points.RecoveryPoints[0].RecoveryPointId, SnapshotName: aws.String("one"), RetentionPeriod: aws.Int32(3),
			Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		})
		wantCode(t, err, "")
		_, err = c.CreateSnapshot(ctx, &redshiftserverless.CreateSnapshotInput{NamespaceName: name, SnapshotName: aws.String("one")})
		wantCode(t, err, "ConflictException")
		got, err := c.GetSnapshot(ctx, &redshiftserverless.GetSnapshotInput{SnapshotName: aws.String("one")})
		wantCode(t, err, "")
		tags, err := c.ListTagsForResource(ctx, &redshiftserverless.ListTagsForResourceInput{ResourceArn: got.Snapshot.SnapshotArn})
		wantCode(t, err, "")
		if len(tags.Tags) != 1 || got.Snapshot.Status != types.SnapshotStatusCreating || *got.Snapshot.SnapshotRetentionPeriod != 3 {
			t.Errorf("it reads %+v with the tags %v", got.Snapshot, tags.Tags)
		}
		_, err = c.DeleteNamespace(ctx, &redshiftserverless.DeleteNamespaceInput{NamespaceName: name})
		wantCode(t, err, "ConflictException")
		_, err = c.GetTrack(ctx, &redshiftserverless.GetTrackInput{TrackName: aws.String("current")})
		wantCode(t, err, "NotImplemented")
		a.SetDenied(prod, "redshift-serverless:*")
		_, err = c.ListSnapshots(ctx, nil)
		wantCode(t, err, "AccessDeniedException")
		a.SetDenied(prod)
		time.Sleep(73 * time.Hour)
		_, err = c.GetSnapshot(ctx, &redshiftserverless.GetSnapshotInput{SnapshotName: aws.String("one")})
		wantCode(t, err, "ResourceNotFoundException")
	})
}
