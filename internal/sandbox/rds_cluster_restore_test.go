package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

type clusterRestore = rds.RestoreDBClusterFromSnapshotInput

func restoringCluster(from string, edits ...func(*clusterRestore)) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		in := &clusterRestore{DBClusterIdentifier: aws.String("Back"), SnapshotIdentifier: &from, Engine: aws.String("aurora-postgresql")}
		for _, edit := range edits {
			edit(in)
		}
		_, err := c.RestoreDBClusterFromSnapshot(ctx, in)
		return err
	}
}

func TestRestoreClusterRules(t *testing.T) {
	const combination, value = "InvalidParameterCombination", "InvalidParameterValue"
	in := func(edit func(*clusterRestore)) func(context.Context, *rds.Client) error {
		return restoringCluster("private", edit)
	}
	multi := func(x *clusterRestore) {
		x.Engine, x.DBClusterInstanceClass, x.StorageType, x.Iops = aws.String("postgres"), aws.String("db.m6gd.large"), aws.String("io1"), aws.Int32(3000)
	}
	runClusterRules(t, prod, east, []rule{
		{"fine", restoringCluster("private"), ""},
		{"none", restoringCluster("x"), "DBClusterSnapshotNotFoundFault"},
		{"half done", restoringCluster("busy"), "InvalidDBClusterSnapshotStateFault"},
		{"failed", restoringCluster("broken"), "InvalidDBClusterSnapshotStateFault"},
		{"a DB snapshot", restoringCluster(eastSnapshot + "private"), "NotImplemented"},
		{"taken", in(func(x *clusterRestore) { x.DBClusterIdentifier = aws.String("LEDGER") }), "DBClusterAlreadyExistsFault"},
		{"another engine", in(func(x *clusterRestore) { x.Engine = aws.String("aurora-mysql") }), combination},
		{"an older version", in(func(x *clusterRestore) { x.EngineVersion = aws.String("15.9") }), combination},
		{"a blank database", in(func(x *clusterRestore) { x.DatabaseName = aws.String("") }), value},
		{"no parameter group", in(func(x *clusterRestore) { x.DBClusterParameterGroupName = aws.String("x") }), "DBClusterParameterGroupNotFound"},
		{"no subnet group", in(func(x *clusterRestore) { x.DBSubnetGroupName = aws.String("x") }), "DBSubnetGroupNotFoundFault"},
		{"a key for what was plain", in(func(x *clusterRestore) { x.KmsKeyId = aws.String("alias/dr") }), ""},
		{"no such key", in(func(x *clusterRestore) { x.KmsKeyId = aws.String("alias/none") }), "KMSKeyNotAccessibleFault"},
		{"backtrack of PostgreSQL", in(func(x *clusterRestore) { x.BacktrackWindow = aws.Int64(60) }), combination},
		{"Multi-AZ", restoringCluster("of-multi", multi), ""},
		{"Multi-AZ without a class", restoringCluster("of-multi", func(x *clusterRestore) { x.Engine = aws.String("postgres") }), "MissingParameter"},
		{"a class of Aurora", in(func(x *clusterRestore) { x.DBClusterInstanceClass = aws.String("db.r6g.large") }), combination},
	})
	runClusterRules(t, recovery, east, []rule{
		{"shared", restoringCluster(eastClusterSnapshot + "plain"), ""},
		{"not shared", restoringCluster(eastClusterSnapshot + "private"), "DBClusterSnapshotNotFoundFault"},
		{"shared under aws/rds", restoringCluster(eastClusterSnapshot + "managed-key"), "KMSKeyNotAccessibleFault"},
		{"shared with its key", restoringCluster(eastClusterSnapshot+"own-key", func(x *clusterRestore) { x.KmsKeyId = aws.String("alias/dr") }), ""},
	})
	runClusterRules(t, recovery, west, []rule{
		{"in another Region", restoringCluster(eastClusterSnapshot + "plain"), "DBClusterSnapshotNotFoundFault"},
	})
}

// A restored Aurora cluster has no instances, and takes them only when it is available.
// Its name passes on with its endpoints; its instances keep theirs.
func TestRestoreClusterLife(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, east), t.Context()
		member := func(name string, tier int32) error {
			return newMember(func(in *rds.CreateDBInstanceInput) {
				in.DBInstanceIdentifier, in.DBClusterIdentifier, in.PromotionTier = &name, aws.String("back"), &tier
			})(ctx, c)
		}
		wantCode(t, restoringCluster("private", func(in *clusterRestore) {
			in.ServerlessV2ScalingConfiguration = &types.ServerlessV2ScalingConfiguration{MinCapacity: aws.Float64(0.5), MaxCapacity: aws.Float64(8)}
			in.Tags, in.DatabaseName = tags("team", "shop"), aws.String("ledger")
		})(ctx, c), "")
		wantCode(t, member("back-1", 3), "InvalidDBClusterStateFault")
		_, err := c.DeleteDBCluster(ctx, &rds.DeleteDBClusterInput{DBClusterIdentifier: aws.String("back"), SkipFinalSnapshot: aws.Bool(true)})
		wantCode(t, err, "InvalidDBClusterStateFault")
		time.Sleep(time.Hour)
		got, was := clusterOf(t, c, "back"), clusterOf(t, c, "ledger")
		if len(got.DBClusterMembers) != 0 || *got.DBClusterParameterGroup != "default.aurora-postgresql16" || *got.DatabaseName != "ledger" ||
			*got.ServerlessV2ScalingConfiguration.MaxCapacity != 8 || *got.PreferredBackupWindow == *was.PreferredBackupWindow || len(got.TagList) != 1 {
			t.Errorf("restored: %+v", got)
		}
		if at := a.DBAnswering(*got.Endpoint); at != "" {
			t.Errorf("without an instance %s answers", at)
		}
		wantCode(t, member("back-1", 3), "")
		time.Sleep(time.Hour)
		wantCode(t, member("back-2", 0), "")
		_, err = c.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{DBClusterIdentifier: aws.String("back"), NewDBClusterIdentifier: aws.String("renamed"), ApplyImmediately: aws.Bool(true)})
		wantCode(t, err, "InvalidDBInstanceState") // One is still created.
		time.Sleep(time.Hour)
		data, err := a.DBClusterData(prod, east, "back")
		if err != nil || data.Snapshot != eastClusterSnapshot+"private" || data.Resource != *was.DbClusterResourceId {
			t.Errorf("its data is %+v (%v)", data, err)
		}
		swapClusters(t, a, c)
	})
}

func swapClusters(t *testing.T, a *sandbox.AWS, c *rds.Client) {
	t.Helper()
	rename := func(name, to string) error {
		_, err := c.ModifyDBCluster(t.Context(), &rds.ModifyDBClusterInput{DBClusterIdentifier: &name, NewDBClusterIdentifier: &to, ApplyImmediately: aws.Bool(true)})
		return err
	}
	was, fresh := clusterOf(t, c, "ledger"), clusterOf(t, c, "back")
	wantCode(t, rename("back", "ledger"), "DBClusterAlreadyExistsFault")
	wantCode(t, rename("ledger", "ledger-old"), "")
	if p := clusterOf(t, c, "ledger").PendingModifiedValues; *p.DBClusterIdentifier != "ledger-old" {
		t.Errorf("pending: %+v", p)
	}
	time.Sleep(30 * time.Second)
	if at := a.DBAnswering(*was.Endpoint); at != "" || *clusterOf(t, c, "ledger").Status != "renaming" {
		t.Errorf("while it is renamed %q answers", at)
	}
	_, err := c.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("ledger-1"), PromotionTier: aws.Int32(4)})
	wantCode(t, err, "InvalidDBClusterStateFault")
	wantCode(t, rename("back", "ledger"), "DBClusterAlreadyExistsFault")
	time.Sleep(time.Minute)
	wantCode(t, rename("back", "ledger"), "")
	time.Sleep(5 * time.Minute)
	if at := a.DBAnswering(*was.Endpoint); at != *fresh.DbClusterResourceId {
		t.Errorf("after the swap %q answers, want the restored one", at)
	}
	got := clusterOf(t, c, "ledger")
	if m := got.DBClusterMembers; len(m) != 2 || *m[0].DBInstanceIdentifier != "back-1" || *m[0].PromotionTier != 3 || *m[0].DBClusterParameterGroupStatus != "in-sync" {
		t.Errorf("its members: %+v", m)
	}
	if *instance(t, c, "ledger-1").DBClusterIdentifier != "ledger-old" || *got.DBClusterArn != eastCluster+"ledger" {
		t.Errorf("ledger-1 belongs to %s", *instance(t, c, "ledger-1").DBClusterIdentifier)
	}
	_, err = c.ModifyDBCluster(t.Context(), &rds.ModifyDBClusterInput{
		DBClusterIdentifier: aws.String("ledger"), DBClusterParameterGroupName: aws.String("tuned"), VpcSecurityGroupIds: []string{"sg-9"},
	})
	wantCode(t, err, "")
	if m := clusterOf(t, c, "ledger").DBClusterMembers[0]; *m.DBClusterParameterGroupStatus != "pending-reboot" {
		t.Errorf("with another group a member is %s", *m.DBClusterParameterGroupStatus)
	}
	if g := instance(t, c, "back-1").VpcSecurityGroups[0]; *g.VpcSecurityGroupId != "sg-9" {
		t.Errorf("a member has the security group %s", *g.VpcSecurityGroupId)
	}
	time.Sleep(time.Minute)
	_, err = c.RebootDBInstance(t.Context(), &rds.RebootDBInstanceInput{DBInstanceIdentifier: aws.String("back-1")})
	wantCode(t, err, "")
	time.Sleep(time.Hour)
	if m := clusterOf(t, c, "ledger").DBClusterMembers[0]; *m.DBClusterParameterGroupStatus != "in-sync" {
		t.Errorf("restarted, a member is %s", *m.DBClusterParameterGroupStatus)
	}
	_, err = c.AddRoleToDBCluster(t.Context(), &rds.AddRoleToDBClusterInput{DBClusterIdentifier: aws.String("ledger"), RoleArn: aws.String("arn:aws:iam::111111111111:role/s3")})
	wantCode(t, err, "")
	_, err = c.RemoveRoleFromDBCluster(t.Context(), &rds.RemoveRoleFromDBClusterInput{DBClusterIdentifier: aws.String("ledger"), RoleArn: aws.String("arn:aws:iam::111111111111:role/s9")})
	wantCode(t, err, "DBClusterRoleNotFound")
}

func TestRestoreClusterToPointInTime(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, east), t.Context()
		time.Sleep(3 * time.Hour)
		in := &rds.RestoreDBClusterToPointInTimeInput{DBClusterIdentifier: aws.String("past"), SourceDBClusterIdentifier: aws.String("ledger")}
		_, err := c.RestoreDBClusterToPointInTime(ctx, in)
		wantCode(t, err, "InvalidParameterCombination")
		in.RestoreToTime, in.RestoreType = aws.Time(time.Now().Add(-time.Hour)), aws.String("copy-on-write")
		_, err = c.RestoreDBClusterToPointInTime(ctx, in)
		wantCode(t, err, "InvalidParameterCombination")
		in.RestoreType = nil
		_, err = c.RestoreDBClusterToPointInTime(ctx, in)
		wantCode(t, err, "")
		data, err := a.DBClusterData(prod, east, "past")
		if err != nil || data.Snapshot != "" || data.Resource != *clusterOf(t, c, "ledger").DbClusterResourceId {
			t.Errorf("its data is %+v (%v)", data, err)
		}
	})
}
