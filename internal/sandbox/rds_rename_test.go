package sandbox_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func renameTo(t *testing.T, c *rds.Client, name, to string) error {
	t.Helper()
	_, err := c.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: &name, NewDBInstanceIdentifier: &to, ApplyImmediately: aws.Bool(true),
	})
	return err
}

// The old name is gone from DNS at once, is free after a while, and the new one answers
// later still.
func TestRenameInstance(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, a *sandbox.AWS, c *rds.Client) {
		ctx := t.Context()
		was := instance(t, c, "full")
		old, fresh := *was.Endpoint.Address, "full-old"+(*was.Endpoint.Address)[len("full"):]
		answers := func(address, want string) {
			t.Helper()
			if got := a.DBAnswering(address); got != want {
				t.Errorf("at %s answers %q, want %q", address, got, want)
			}
		}
		wantCode(t, restoring("full-1", func(in *restoreInput) { in.DBInstanceIdentifier = aws.String("beside") })(ctx, c), "")
		wantCode(t, renameTo(t, c, "beside", "other"), "InvalidDBInstanceState") // While it is made.
		time.Sleep(time.Hour)
		wantCode(t, renameTo(t, c, "full", "BESIDE"), "DBInstanceAlreadyExists")
		wantCode(t, renameTo(t, c, "full", "no--good"), "InvalidParameterValue")
		answers(old, *was.DbiResourceId)

		wantCode(t, renameTo(t, c, "full", "Full-Old"), "")
		if got := instance(t, c, "full"); *got.DBInstanceStatus != "available" || *got.PendingModifiedValues.DBInstanceIdentifier != "full-old" {
			t.Errorf("just asked, it is %s, pending %+v", *got.DBInstanceStatus, got.PendingModifiedValues)
		}
		wantCode(t, renameTo(t, c, "beside", "full-old"), "DBInstanceAlreadyExists") // About to be taken.
		time.Sleep(30 * time.Second)
		if got := status(t, c, "full"); got != "renaming" {
			t.Errorf("it is %s, want renaming", got)
		}
		answers(old, "")
		wantCode(t, renameTo(t, c, "beside", "full"), "DBInstanceAlreadyExists") // Not free yet.
		wantCode(t, renameTo(t, c, "full", "third"), "InvalidDBInstanceState")
		time.Sleep(time.Minute)
		_, err := c.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("full")})
		wantCode(t, err, "DBInstanceNotFound")
		answers(fresh, "")
		wantCode(t, renameTo(t, c, "beside", "full"), "")
		time.Sleep(15 * time.Minute)
		answers(fresh, *was.DbiResourceId)
		answers(old, *instance(t, c, "full").DbiResourceId)

		got := instance(t, c, "full-old")
		if *got.DBInstanceArn != eastDB+"full-old" || *got.DbiResourceId != *was.DbiResourceId || *got.TagList[0].Value != "shop" {
			t.Errorf("renamed, it is %s with tags %v", *got.DBInstanceArn, got.TagList)
		}
		if r := instance(t, c, "mirror").ReadReplicaSourceDBInstanceIdentifier; *r != "full-old" || len(got.ReadReplicaDBInstanceIdentifiers) != 1 {
			t.Errorf("its replica follows %s; it has %v", *r, got.ReadReplicaDBInstanceIdentifiers)
		}
		if s := snapshot(t, c, "full-1"); *s.DBInstanceIdentifier != "full" || *s.DbiResourceId != *was.DbiResourceId {
			t.Errorf("its snapshot is of %s", *s.DBInstanceIdentifier)
		}
	})
}

func TestModifyWhen(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, _ *sandbox.AWS, c *rds.Client) {
		modify := func(in rds.ModifyDBInstanceInput) (*types.DBInstance, error) {
			in.DBInstanceIdentifier = aws.String("full")
			out, err := c.ModifyDBInstance(t.Context(), &in)
			if err != nil {
				return nil, err
			}
			return out.DBInstance, nil
		}
		code := func(want string, in rds.ModifyDBInstanceInput) {
			t.Helper()
			_, err := modify(in)
			wantCode(t, err, want)
		}
		const combination = "InvalidParameterCombination"
		code(combination, rds.ModifyDBInstanceInput{AllocatedStorage: aws.Int32(400)})
		code(combination, rds.ModifyDBInstanceInput{MaxAllocatedStorage: aws.Int32(510)})
		code(combination, rds.ModifyDBInstanceInput{BackupRetentionPeriod: aws.Int32(0)}) // It has a replica.
		code(combination, rds.ModifyDBInstanceInput{EngineVersion: aws.String("17.1")})
		code(combination, rds.ModifyDBInstanceInput{PreferredBackupWindow: aws.String("01:50-02:20")})
		code("InvalidParameterValue", rds.ModifyDBInstanceInput{MasterUserPassword: aws.String("short")})
		code("InvalidParameterValue", rds.ModifyDBInstanceInput{NewDBInstanceIdentifier: aws.String("")})
		code("DBParameterGroupNotFound", rds.ModifyDBInstanceInput{DBParameterGroupName: aws.String("x")})

		got, err := modify(rds.ModifyDBInstanceInput{
			OptionGroupName: aws.String("default:postgres-16"), EnableIAMDatabaseAuthentication: aws.Bool(false), MultiAZ: aws.Bool(false),
			DBParameterGroupName: aws.String("default.postgres16"), DeletionProtection: aws.Bool(false), MaxAllocatedStorage: aws.Int32(500),
			CloudwatchLogsExportConfiguration: &types.CloudwatchLogsExportConfiguration{DisableLogTypes: []string{"postgresql"}},
		})
		wantCode(t, err, "")
		p := got.PendingModifiedValues
		if *p.MultiAZ || *p.IAMDatabaseAuthenticationEnabled || !*got.MultiAZ || *got.DeletionProtection || got.MaxAllocatedStorage != nil || len(got.EnabledCloudwatchLogsExports) != 0 {
			t.Errorf("pending %+v in %+v", p, got)
		}
		if g := got.DBParameterGroups[0]; *g.DBParameterGroupName != "default.postgres16" || *g.ParameterApplyStatus != "pending-reboot" {
			t.Errorf("parameter group %s %s", *g.DBParameterGroupName, *g.ParameterApplyStatus)
		}
		if o := got.OptionGroupMemberships; len(o) != 2 || *o[0].Status != "pending-maintenance-removal" || *o[1].Status != "pending-maintenance-apply" {
			t.Errorf("option groups %+v", o)
		}
		time.Sleep(20 * time.Second)
		code("InvalidDBInstanceState", rds.ModifyDBInstanceInput{CopyTagsToSnapshot: aws.Bool(false)})
		time.Sleep(time.Minute)
		_, err = c.RebootDBInstance(t.Context(), &rds.RebootDBInstanceInput{DBInstanceIdentifier: aws.String("full")})
		wantCode(t, err, "")
		if now := status(t, c, "full"); now != "rebooting" {
			t.Errorf("it is %s", now)
		}
		time.Sleep(2 * time.Minute)
		if s := *instance(t, c, "full").DBParameterGroups[0].ParameterApplyStatus; s != "in-sync" {
			t.Errorf("after its restart the parameter group is %s", s)
		}
		time.Sleep(50 * time.Hour) // Over its window on Monday.
		after := instance(t, c, "full")
		if *after.MultiAZ || *after.IAMDatabaseAuthenticationEnabled || len(after.OptionGroupMemberships) != 1 || after.PendingModifiedValues.MultiAZ != nil {
			t.Errorf("after its window: %+v", after)
		}
		code("", rds.ModifyDBInstanceInput{AllocatedStorage: aws.Int32(510), ApplyImmediately: aws.Bool(true)})
		time.Sleep(time.Hour)
		if n := *instance(t, c, "full").AllocatedStorage; n != 550 {
			t.Errorf("it has %d GiB, want 10%% more than 500", n)
		}
	})
}

func TestRolesAndReplicas(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, _ *sandbox.AWS, c *rds.Client) {
		ctx, role := t.Context(), aws.String("arn:aws:iam::111111111111:role/s3")
		add := func(name string) error {
			_, err := c.AddRoleToDBInstance(ctx, &rds.AddRoleToDBInstanceInput{DBInstanceIdentifier: &name, RoleArn: role, FeatureName: aws.String("s3Import")})
			return err
		}
		remove := func(name string) error {
			_, err := c.RemoveRoleFromDBInstance(ctx, &rds.RemoveRoleFromDBInstanceInput{DBInstanceIdentifier: &name, RoleArn: role, FeatureName: aws.String("s3Import")})
			return err
		}
		wantCode(t, add("none"), "DBInstanceNotFound")
		wantCode(t, remove("full"), "DBInstanceRoleNotFound")
		wantCode(t, add("full"), "")
		wantCode(t, add("full"), "DBInstanceRoleAlreadyExists")
		wantCode(t, remove("full"), "")

		promote := func(name string) error {
			_, err := c.PromoteReadReplica(ctx, &rds.PromoteReadReplicaInput{DBInstanceIdentifier: &name})
			return err
		}
		del := func(name string, final *string) error {
			_, err := c.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &name, FinalDBSnapshotIdentifier: final, SkipFinalSnapshot: aws.Bool(final == nil)})
			return err
		}
		wantCode(t, promote("full"), "InvalidDBInstanceState")
		wantCode(t, del("mirror", aws.String("last")), "InvalidParameterCombination")
		wantCode(t, promote("mirror"), "")
		time.Sleep(time.Hour)
		if got := instance(t, c, "full"); len(got.ReadReplicaDBInstanceIdentifiers) != 0 {
			t.Errorf("its replica was promoted, and it has %v", got.ReadReplicaDBInstanceIdentifiers)
		}
		wantCode(t, restoring("bare-1")(ctx, c), "")
		wantCode(t, del("back", nil), "InvalidDBInstanceState")
		time.Sleep(time.Hour)
		wantCode(t, del("back", nil), "")
	})
}
