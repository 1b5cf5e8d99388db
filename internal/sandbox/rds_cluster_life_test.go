package sandbox_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func copyOfCluster(source string, edits ...func(*rds.CopyDBClusterSnapshotInput)) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		in := &rds.CopyDBClusterSnapshotInput{SourceDBClusterSnapshotIdentifier: &source, TargetDBClusterSnapshotIdentifier: aws.String("copy")}
		for _, edit := range edits {
			edit(in)
		}
		_, err := c.CopyDBClusterSnapshot(ctx, in)
		return err
	}
}

func TestCopyClusterSnapshotRules(t *testing.T) {
	key := func(in *rds.CopyDBClusterSnapshotInput) { in.KmsKeyId = aws.String("alias/dr") }
	here, there := "", eastClusterSnapshot
	runClusterRules(t, prod, east, []rule{
		{"same Region", copyOfCluster(here + "plain"), ""},
		{"a key on a plain one", copyOfCluster(here+"plain", key), "InvalidParameterCombination"},
		{"encrypted, its own key", copyOfCluster(here + "own-key"), ""},
		{"encrypted, another key", copyOfCluster(here+"own-key", key), ""},
		{"in the making", copyOfCluster(here + "busy"), "InvalidDBClusterSnapshotStateFault"},
		{"none", copyOfCluster(here + "x"), "DBClusterSnapshotNotFoundFault"},
		{"of a Multi-AZ DB cluster", copyOfCluster(here + "of-multi"), "InvalidParameterCombination"},
		{"target taken", copyOfCluster(here+"plain", func(in *rds.CopyDBClusterSnapshotInput) {
			in.TargetDBClusterSnapshotIdentifier = aws.String("private")
		}), "DBClusterSnapshotAlreadyExistsFault"},
	})
	runClusterRules(t, prod, west, []rule{
		{"other Region", copyOfCluster(there + "plain"), ""},
		{"other Region, a key on a plain one", copyOfCluster(there+"plain", key), "InvalidParameterCombination"},
		{"other Region, encrypted without a key", copyOfCluster(there + "own-key"), "InvalidParameterValue"},
		{"other Region, encrypted", copyOfCluster(there+"own-key", key), ""},
	})
	runClusterRules(t, recovery, west, []rule{
		{"both at once", copyOfCluster(there+"own-key", key), ""},
		{"not shared", copyOfCluster(there + "private"), "DBClusterSnapshotNotFoundFault"},
		{"under aws/rds", copyOfCluster(there+"managed-key", key), "KMSKeyNotAccessibleFault"},
	})
}

// Five copies to one Region are in flight at most; a copy shows copying, and deleting
// it cancels it.
func TestClusterCopiesInFlight(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, west), t.Context()
		target := func(i int) func(context.Context, *rds.Client) error {
			return copyOfCluster(eastClusterSnapshot+"plain", func(in *rds.CopyDBClusterSnapshotInput) {
				in.TargetDBClusterSnapshotIdentifier, in.CopyTags = aws.String(fmt.Sprintf("copy-%d", i)), aws.Bool(true)
			})
		}
		for i := range 5 {
			wantCode(t, target(i)(ctx, c), "")
		}
		wantCode(t, target(5)(ctx, c), "SnapshotQuotaExceeded")
		wantCode(t, removeOf("copy-0")(ctx, c), "")
		wantCode(t, target(5)(ctx, c), "")
		wantCode(t, removeOf("plain")(ctx, rdsAt(a, prod, east)), "")
		out, err := c.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{DBClusterSnapshotIdentifier: aws.String("copy-5")})
		wantCode(t, err, "")
		got := out.DBClusterSnapshots[0]
		if *got.Status != "failed" || *got.SourceDBClusterSnapshotArn != eastClusterSnapshot+"plain" || len(got.TagList) != 1 {
			t.Errorf("a copy whose source was deleted is %s, of %s, with %d tags", *got.Status, *got.SourceDBClusterSnapshotArn, len(got.TagList))
		}
	})
}

func TestShareClusterSnapshots(t *testing.T) {
	share := func(name string, with ...string) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			out, err := c.ModifyDBClusterSnapshotAttribute(ctx, &rds.ModifyDBClusterSnapshotAttributeInput{
				DBClusterSnapshotIdentifier: &name, AttributeName: aws.String("restore"), ValuesToAdd: with,
			})
			if err == nil && len(out.DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes[0].AttributeValues) == 0 {
				return fmt.Errorf("it is shared with nobody")
			}
			return err
		}
	}
	runClusterRules(t, prod, east, []rule{
		{"one account", share("private", recovery), ""},
		{"everyone", share("private", "all"), ""},
		{"encrypted, everyone", share("own-key", "all"), "InvalidParameterValue"},
		{"under aws/rds", share("managed-key", recovery), "InvalidParameterValue"},
		{"in the making", share("busy", recovery), "InvalidDBClusterSnapshotStateFault"},
		{"none", share("x", recovery), "DBClusterSnapshotNotFoundFault"},
		{"attributes", func(ctx context.Context, c *rds.Client) error {
			_, err := c.DescribeDBClusterSnapshotAttributes(ctx, &rds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: aws.String("plain")})
			return err
		}, ""},
	})
}

func TestDeleteClusterRules(t *testing.T) {
	del := func(name string, skip bool, final *string) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			_, err := c.DeleteDBCluster(ctx, &rds.DeleteDBClusterInput{DBClusterIdentifier: &name, SkipFinalSnapshot: &skip, FinalDBSnapshotIdentifier: final})
			return err
		}
	}
	final := aws.String("final")
	runClusterRules(t, prod, east, []rule{
		{"unknown", del("x", true, nil), "DBClusterNotFoundFault"},
		{"protected", del("safe", true, nil), "InvalidParameterCombination"},
		{"with members", del("ledger", true, nil), "InvalidDBClusterStateFault"},
		{"neither", del("empty", false, nil), "InvalidParameterCombination"},
		{"both", del("empty", true, final), "InvalidParameterCombination"},
		{"stopped", del("resting", true, nil), "InvalidDBClusterStateFault"},
		{"final name taken", del("empty", false, aws.String("plain")), "DBClusterSnapshotAlreadyExistsFault"},
		{"with final", del("empty", false, final), ""},
		{"Multi-AZ with its members", del("multi", true, nil), ""},
	})
}

func TestClusterLife(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, east), t.Context()
		expect := func(name, want string) types.DBCluster {
			t.Helper()
			got := clusterOf(t, c, name)
			if *got.Status != want {
				t.Fatalf("%s is %s, want %s", name, *got.Status, want)
			}
			return got
		}
		wantCode(t, newCluster(func(*rds.CreateDBClusterInput) {})(ctx, c), "")
		expect("fresh", "creating")
		wantCode(t, createOf("fresh", "f-1")(ctx, c), "InvalidDBClusterStateFault")
		for i, tier := range []int32{1, 0} {
			wantCode(t, newMember(func(in *rds.CreateDBInstanceInput) {
				in.DBInstanceIdentifier, in.DBClusterIdentifier = aws.String(fmt.Sprintf("fresh-%d", i)), aws.String("fresh")
				in.PromotionTier = &tier
			})(ctx, c), "")
		}
		time.Sleep(time.Hour)
		got := expect("fresh", "available")
		if m := got.DBClusterMembers; len(m) != 2 || !*m[0].IsClusterWriter || *m[1].IsClusterWriter || *m[1].PromotionTier != 0 {
			t.Errorf("members: %+v", m)
		}
		_, err := c.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("fresh-0")})
		wantCode(t, err, "")
		_, err = c.StopDBCluster(ctx, &rds.StopDBClusterInput{DBClusterIdentifier: aws.String("fresh")})
		wantCode(t, err, "")
		expect("fresh", "stopping")
		time.Sleep(time.Hour)
		if got := expect("fresh", "stopped"); got.AutomaticRestartTime == nil || len(got.DBClusterMembers) != 1 || !*got.DBClusterMembers[0].IsClusterWriter {
			t.Errorf("stopped: starts again %v, members %+v", got.AutomaticRestartTime, got.DBClusterMembers)
		}
		_, err = c.StartDBCluster(ctx, &rds.StartDBClusterInput{DBClusterIdentifier: aws.String("fresh")})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		expect("fresh", "available")
		_, err = c.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
			DBClusterIdentifier: aws.String("fresh"), NewDBClusterIdentifier: aws.String("newer"), ApplyImmediately: aws.Bool(true), BackupRetentionPeriod: aws.Int32(9),
		})
		wantCode(t, err, "")
		time.Sleep(30 * time.Second)
		if got := expect("fresh", "renaming"); *got.BackupRetentionPeriod != 9 {
			t.Errorf("backups are kept %d days, want 9 at once", *got.BackupRetentionPeriod)
		}
		time.Sleep(time.Hour)
		if got := expect("newer", "available"); len(got.DBClusterMembers) != 1 {
			t.Errorf("renamed, it has the members %+v", got.DBClusterMembers)
		}
		_, err = c.StopDBCluster(ctx, &rds.StopDBClusterInput{DBClusterIdentifier: aws.String("multi")})
		wantCode(t, err, "InvalidParameterCombination")
		if got := expect("multi", "available"); len(got.DBClusterMembers) != 3 || !*got.MultiAZ || *got.AllocatedStorage != 100 {
			t.Errorf("the Multi-AZ DB cluster: %+v", got)
		}
	})
}

func TestClusterParameterGroups(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, east), t.Context()
		in := &rds.CreateDBClusterParameterGroupInput{DBClusterParameterGroupName: aws.String("fast"), DBParameterGroupFamily: aws.String("aurora-mysql8.0"), Description: aws.String("d")}
		_, err := c.CreateDBClusterParameterGroup(ctx, in)
		wantCode(t, err, "")
		_, err = c.CreateDBClusterParameterGroup(ctx, in)
		wantCode(t, err, "DBParameterGroupAlreadyExists")
		out, err := c.DescribeDBClusterParameterGroups(ctx, &rds.DescribeDBClusterParameterGroupsInput{})
		wantCode(t, err, "")
		if len(out.DBClusterParameterGroups) != 2 {
			t.Errorf("groups: %+v", out.DBClusterParameterGroups)
		}
		drop := func(name, code string) {
			t.Helper()
			_, err := c.DeleteDBClusterParameterGroup(ctx, &rds.DeleteDBClusterParameterGroupInput{DBClusterParameterGroupName: &name})
			wantCode(t, err, code)
		}
		drop("tuned", "InvalidDBParameterGroupState")
		drop("fast", "")
		drop("fast", "DBParameterGroupNotFound")
	})
}
