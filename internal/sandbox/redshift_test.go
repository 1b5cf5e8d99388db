package sandbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func redshiftAt(a *sandbox.AWS, account, region string) *redshift.Client {
	return redshift.NewFromConfig(config(a.Client(), account, region))
}

// withCluster runs a test over a sandbox with one cluster that is 100 hours old.
func withCluster(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *redshift.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		err := a.PutCluster(prod, east, "dwh", sandbox.SeedCluster{Age: sandbox.Age(100 * time.Hour), Tags: map[string]string{"team": "bi"}})
		if err != nil {
			t.Fatal(err)
		}
		run(t, a, redshiftAt(a, prod, east))
	})
}

func listClusterSnapshots(t *testing.T, c *redshift.Client, in redshift.DescribeClusterSnapshotsInput) []types.Snapshot {
	t.Helper()
	var out []types.Snapshot
	pages := redshift.NewDescribeClusterSnapshotsPaginator(c, &in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		wantCode(t, err, "")
		out = append(out, page.Snapshots...)
	}
	return out
}

func takeClusterSnapshot(ctx context.Context, c *redshift.Client, name string, tags ...types.Tag) error {
	_, err := c.CreateClusterSnapshot(ctx, &redshift.CreateClusterSnapshotInput{
		ClusterIdentifier: aws.String("dwh"), SnapshotIdentifier: &name, Tags: tags,
	})
	return err
}

func redshiftTag(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }

// Automated snapshots come every eight hours and go after a day; with a lower
// retention they go at once.
func TestAutomatedClusterSnapshots(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		automated := redshift.DescribeClusterSnapshotsInput{SnapshotType: aws.String("automated")}
		for day := range 30 {
			got := listClusterSnapshots(t, c, automated)
			if len(got) != 3 || !strings.HasPrefix(*got[0].SnapshotIdentifier, "rs:dwh-") || *got[0].ManualSnapshotRetentionPeriod != 1 {
				t.Fatalf("day %d: %d automated snapshots", day, len(got))
			}
			time.Sleep(24 * time.Hour)
		}
		modify := func(days int32) {
			_, err := c.ModifyCluster(t.Context(), &redshift.ModifyClusterInput{ClusterIdentifier: aws.String("dwh"), AutomatedSnapshotRetentionPeriod: &days})
			wantCode(t, err, "")
			time.Sleep(time.Hour)
		}
		modify(5)
		time.Sleep(10 * 24 * time.Hour)
		if got := listClusterSnapshots(t, c, automated); len(got) != 15 {
			t.Errorf("%d automated snapshots of 5 days, want 15", len(got))
		}
		modify(2)
		if got := listClusterSnapshots(t, c, automated); len(got) != 6 {
			t.Errorf("%d automated snapshots of 2 days, want 6", len(got))
		}
		_, err := c.ModifyCluster(t.Context(), &redshift.ModifyClusterInput{ClusterIdentifier: aws.String("dwh"), AutomatedSnapshotRetentionPeriod: aws.Int32(0)})
		wantCode(t, err, "InvalidParameterValue")
	})
}

func TestRedshiftSnapshotRules(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx := t.Context()
		time.Sleep(30 * time.Minute) // Out of step with the automated snapshots.
		wantCode(t, takeClusterSnapshot(ctx, c, "one", redshiftTag("owner", "x")), "")
		wantCode(t, takeClusterSnapshot(ctx, c, "ONE"), "ClusterSnapshotAlreadyExists")
		wantCode(t, takeClusterSnapshot(ctx, c, "two"), "InvalidClusterState") // One is being made.
		_, err := c.DeleteClusterSnapshot(ctx, &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String("one")})
		wantCode(t, err, "InvalidClusterSnapshotState")
		time.Sleep(time.Hour)
		wantCode(t, takeClusterSnapshot(ctx, c, "two--", redshiftTag("a", "b")), "InvalidParameterValue")
		wantCode(t, takeClusterSnapshot(ctx, c, "two", redshiftTag("aws:x", "b")), "InvalidTagFault")
		wantCode(t, takeClusterSnapshot(ctx, c, "two", redshiftTag("a", "{}")), "InvalidTagFault")
		_, err = c.CopyClusterSnapshot(ctx, &redshift.CopyClusterSnapshotInput{SourceSnapshotIdentifier: aws.String("one"), TargetSnapshotIdentifier: aws.String("copy")})
		wantCode(t, err, "InvalidClusterSnapshotState")
		_, err = c.CreateClusterSnapshot(ctx, &redshift.CreateClusterSnapshotInput{
			ClusterIdentifier: aws.String("dwh"), SnapshotIdentifier: aws.String("two"), ManualSnapshotRetentionPeriod: aws.Int32(3654),
		})
		wantCode(t, err, "InvalidRetentionPeriodFault")
		_, err = c.ModifyClusterSnapshot(ctx, &redshift.ModifyClusterSnapshotInput{SnapshotIdentifier: aws.String("one"), ManualSnapshotRetentionPeriod: aws.Int32(2)})
		wantCode(t, err, "")
		time.Sleep(49 * time.Hour)
		_, err = c.DescribeClusterSnapshots(ctx, &redshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: aws.String("one")})
		wantCode(t, err, "ClusterSnapshotNotFound")
		for i := range 20 {
			wantCode(t, takeClusterSnapshot(ctx, c, fmt.Sprintf("n-%d", i)), "")
			time.Sleep(time.Hour)
		}
		wantCode(t, takeClusterSnapshot(ctx, c, "n-20"), "ClusterSnapshotQuotaExceeded")
		out, err := c.BatchDeleteClusterSnapshots(ctx, &redshift.BatchDeleteClusterSnapshotsInput{Identifiers: []types.DeleteClusterSnapshotMessage{
			{SnapshotIdentifier: aws.String("n-0")}, {SnapshotIdentifier: aws.String("none")},
		}})
		wantCode(t, err, "")
		if len(out.Resources) != 1 || len(out.Errors) != 1 || *out.Errors[0].FailureCode != "ClusterSnapshotNotFound" {
			t.Errorf("batch: %v %v", out.Resources, out.Errors)
		}
	})
}

func TestRedshiftSnapshotsAreListed(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		for i := range 45 {
			s := sandbox.SeedClusterSnapshot{Of: "dwh", Name: fmt.Sprintf("n-%02d", i), Tags: map[string]string{"n": fmt.Sprint(i % 3), "odd": fmt.Sprint(i % 2)}}
			if i == 7 {
				s.Shared = []string{recovery}
			}
			if err := a.PutClusterSnapshot(prod, east, s); err != nil {
				t.Fatal(err)
			}
		}
		for _, tc := range []struct {
			in   redshift.DescribeClusterSnapshotsInput
			want int
		}{
			{redshift.DescribeClusterSnapshotsInput{MaxRecords: aws.Int32(20)}, 48},
			{redshift.DescribeClusterSnapshotsInput{SnapshotType: aws.String("manual")}, 45},
			{redshift.DescribeClusterSnapshotsInput{TagKeys: []string{"n", "none"}}, 45},
			{redshift.DescribeClusterSnapshotsInput{TagKeys: []string{"n"}, TagValues: []string{"0"}}, 15},
			{redshift.DescribeClusterSnapshotsInput{ClusterIdentifier: aws.String("other")}, 0},
			{redshift.DescribeClusterSnapshotsInput{ClusterExists: aws.Bool(false)}, 0},
		} {
			if got := listClusterSnapshots(t, c, tc.in); len(got) != tc.want {
				t.Errorf("%+v: %d snapshots, want %d", tc.in, len(got), tc.want)
			}
		}
		theirs := redshiftAt(a, recovery, east)
		if got := listClusterSnapshots(t, theirs, redshift.DescribeClusterSnapshotsInput{}); len(got) != 0 {
			t.Errorf("the other account sees %d as its own", len(got))
		}
		got := listClusterSnapshots(t, theirs, redshift.DescribeClusterSnapshotsInput{OwnerAccount: aws.String(prod)})
		if len(got) != 1 || len(got[0].Tags) != 0 {
			t.Errorf("shared with the other account: %v", got)
		}
		_, err := c.DescribeClusterSnapshots(t.Context(), &redshift.DescribeClusterSnapshotsInput{MaxRecords: aws.Int32(19)})
		wantCode(t, err, "InvalidParameterValue")
		_, err = c.DeleteClusterSnapshot(t.Context(), &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String("n-07")})
		wantCode(t, err, "InvalidClusterSnapshotState") // It is shared.
		_, err = c.RevokeSnapshotAccess(t.Context(), &redshift.RevokeSnapshotAccessInput{SnapshotIdentifier: aws.String("n-07"), AccountWithRestoreAccess: aws.String(recovery)})
		wantCode(t, err, "")
		_, err = c.DeleteClusterSnapshot(t.Context(), &redshift.DeleteClusterSnapshotInput{SnapshotIdentifier: aws.String("n-07")})
		wantCode(t, err, "")
	})
}

func TestRedshiftClusterLife(t *testing.T) {
	withCluster(t, func(t *testing.T, a *sandbox.AWS, c *redshift.Client) {
		ctx, name := t.Context(), aws.String("new")
		out, err := c.CreateCluster(ctx, &redshift.CreateClusterInput{
			ClusterIdentifier: name, NodeType: aws.String("ra3.large"), MasterUsername: aws.String("admin"),
			MasterUserPassword: aws.String("Secret123"), NumberOfNodes: aws.Int32(2), Tags: []types.Tag{redshiftTag("a", "b")},
			IamRoles: []string{"arn:aws:iam::111111111111:role/load"}, VpcSecurityGroupIds: []string{"sg-1"}, Encrypted: aws.Bool(true),
		})
		wantCode(t, err, "")
		if got := *out.Cluster.ClusterStatus; got != "creating" {
			t.Errorf("a new cluster is %s", got)
		}
		time.Sleep(time.Hour)
		_, err = c.DeleteCluster(ctx, &redshift.DeleteClusterInput{ClusterIdentifier: name})
		wantCode(t, err, "InvalidParameterCombination")
		_, err = c.ResumeCluster(ctx, &redshift.ResumeClusterInput{ClusterIdentifier: name})
		wantCode(t, err, "InvalidClusterState")
		_, err = c.DeleteCluster(ctx, &redshift.DeleteClusterInput{ClusterIdentifier: name, FinalClusterSnapshotIdentifier: aws.String("last")})
		wantCode(t, err, "")
		seen, err := c.DescribeClusters(ctx, &redshift.DescribeClustersInput{ClusterIdentifier: name})
		wantCode(t, err, "")
		got := seen.Clusters[0]
		if *got.ClusterStatus != "final-snapshot" || *got.KmsKeyId == "" || len(got.IamRoles) != 1 || len(got.Tags) != 1 || *got.Endpoint.Port != 5439 {
			t.Errorf("it reads %+v", got)
		}
		time.Sleep(time.Hour)
		_, err = c.DescribeClusters(ctx, &redshift.DescribeClustersInput{ClusterIdentifier: name})
		wantCode(t, err, "ClusterNotFound")
		if left := listClusterSnapshots(t, c, redshift.DescribeClusterSnapshotsInput{ClusterIdentifier: name}); len(left) != 1 {
			t.Errorf("%d snapshots are left, want the final one", len(left))
		}
		tagged, err := c.DescribeTags(ctx, &redshift.DescribeTagsInput{ResourceType: aws.String("cluster")})
		wantCode(t, err, "")
		if len(tagged.TaggedResources) != 1 || *tagged.TaggedResources[0].Tag.Value != "bi" {
			t.Errorf("tags of clusters: %v", tagged.TaggedResources)
		}
		_, err = c.CreateTags(ctx, &redshift.CreateTagsInput{ResourceName: aws.String("arn:aws:redshift:us-east-1:111111111111:snapshot:dwh/none"), Tags: []types.Tag{redshiftTag("a", "b")}})
		wantCode(t, err, "ResourceNotFoundFault")
	})
}
