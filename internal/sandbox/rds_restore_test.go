package sandbox_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// restoreSeed has one database with everything set, so that what a restore forgets is
// seen.
const restoreSeed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        keys: [alias/shop, alias/dr]
        parameter-groups: {tuned: postgres16, other: mysql8.0}
        option-groups: {audited: {engine: postgres, major: "16"}}
        subnet-groups: {private: [subnet-1, subnet-2]}
        databases:
          full:
            {version: "16.3", class: db.r6g.large, size: 500, max-size: 2000, storage-type: io2, iops: 5000, multi-az: true,
             db-name: shop, subnet-group: private, parameter-group: tuned, option-group: audited, security-groups: [sg-1],
             logs: [postgresql], retention: 9, backup-window: "01:00-01:30", maintenance-window: "mon:02:00-mon:02:30",
             copy-tags: true, deletion-protection: true, iam-authentication: true, monitoring-interval: 60,
             monitoring-role: "arn:aws:iam::111111111111:role/watch", performance-insights: true, key: alias/shop,
             tags: {team: shop}, age: 90d}
          mirror: {replica-of: full}
          bare: {retention: 0, storage-type: gp2}
        snapshots:
          - {of: full, name: full-1, age: 1d}
          - {of: full, name: half, age: 1m, status: creating}
          - {of: full, name: bad, age: 1d, status: failed}
          - {of: full, name: full-shared, age: 1d, shared: ["222222222222"]}
          - {of: bare, name: bare-1, age: 1d, shared: ["222222222222"]}
          - {of: gone, name: gone-1, age: 9d, database: {engine: mysql, size: 50}}
  "222222222222":
    regions:
      us-east-1: {keys: [alias/dr]}
`

func inRestoreWorld(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *rds.Client)) {
	t.Helper()
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, restoreSeed)
		run(t, a, rdsAt(a, prod, east))
	})
}

type restoreInput = rds.RestoreDBInstanceFromDBSnapshotInput

func restoring(from string, edits ...func(*restoreInput)) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		in := &restoreInput{DBInstanceIdentifier: aws.String("Back"), DBSnapshotIdentifier: &from}
		for _, edit := range edits {
			edit(in)
		}
		_, err := c.RestoreDBInstanceFromDBSnapshot(ctx, in)
		return err
	}
}

func instance(t *testing.T, c *rds.Client, name string) types.DBInstance {
	t.Helper()
	out, err := c.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	wantCode(t, err, "")
	return out.DBInstances[0]
}

func TestRestoreInstanceRules(t *testing.T) {
	const combination = "InvalidParameterCombination"
	in := func(edit func(*restoreInput)) func(context.Context, *rds.Client) error {
		return restoring("full-1", edit)
	}
	for _, tc := range []rule{
		{"fine", restoring("full-1"), ""},
		{"by ARN", restoring(eastSnapshot + "full-1"), ""},
		{"of a database that is gone", restoring("gone-1"), ""},
		{"no such snapshot", restoring("none"), "DBSnapshotNotFound"},
		{"half done", restoring("half"), "InvalidDBSnapshotState"},
		{"failed", restoring("bad"), "InvalidDBSnapshotState"},
		{"name taken", in(func(x *restoreInput) { x.DBInstanceIdentifier = aws.String("FULL") }), "DBInstanceAlreadyExists"},
		{"bad name", in(func(x *restoreInput) { x.DBInstanceIdentifier = aws.String("a--b") }), "InvalidParameterValue"},
		{"smaller", in(func(x *restoreInput) { x.AllocatedStorage = aws.Int32(400) }), "InvalidParameterValue"},
		{"another engine", in(func(x *restoreInput) { x.Engine = aws.String("mysql") }), combination},
		{"zone of Multi-AZ", in(func(x *restoreInput) { x.MultiAZ, x.AvailabilityZone = aws.Bool(true), aws.String("us-east-1a") }), combination},
		{"no subnet group", in(func(x *restoreInput) { x.DBSubnetGroupName = aws.String("x") }), "DBSubnetGroupNotFoundFault"},
		{"no parameter group", in(func(x *restoreInput) { x.DBParameterGroupName = aws.String("x") }), "DBParameterGroupNotFound"},
		{"wrong parameter group", in(func(x *restoreInput) { x.DBParameterGroupName = aws.String("other") }), combination},
		{"no option group", in(func(x *restoreInput) { x.OptionGroupName = aws.String("x") }), "OptionGroupNotFoundFault"},
		{"no certificate", in(func(x *restoreInput) { x.CACertificateIdentifier = aws.String("rds-ca-2019") }), "CertificateNotFound"},
		{"no such class", in(func(x *restoreInput) { x.DBInstanceClass = aws.String("db.huge.large") }), combination},
		{"a class withheld", in(func(x *restoreInput) { x.DBInstanceClass = aws.String("db.r7g.large") }), combination},
		{"gp3 too small for IOPS", restoring("bare-1", func(x *restoreInput) {
			x.StorageType, x.Iops = aws.String("gp3"), aws.Int32(3000)
		}), combination},
		{"gp3", restoring("bare-1", func(x *restoreInput) { x.StorageType = aws.String("gp3") }), ""},
		{"io1 without IOPS", restoring("bare-1", func(x *restoreInput) {
			x.StorageType, x.AllocatedStorage = aws.String("io1"), aws.Int32(100)
		}), combination},
		{"a tag of RDS", in(func(x *restoreInput) { x.Tags = tags("rds:x", "y") }), "InvalidParameterValue"},
		{"not simulated", in(func(x *restoreInput) { x.Domain = aws.String("d-1") }), "NotImplemented"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inRestoreWorld(t, func(t *testing.T, a *sandbox.AWS, c *rds.Client) {
				a.WithholdDBInstanceClass(prod, east, "db.r7g.large", true)
				wantCode(t, tc.call(t.Context(), c), tc.code)
			})
		})
	}
}

// From elsewhere only a snapshot that is shared, plain and in the Region can be restored.
func TestRestoreSharedSnapshots(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, a *sandbox.AWS, c *rds.Client) {
		ctx, theirs := t.Context(), rdsAt(a, recovery, east)
		wantCode(t, restoring("bare-1")(ctx, theirs), "DBSnapshotNotFound")
		wantCode(t, restoring(eastSnapshot+"full-1")(ctx, theirs), "DBSnapshotNotFound")
		wantCode(t, restoring(eastSnapshot+"full-shared")(ctx, theirs), "KMSKeyNotAccessibleFault")
		wantCode(t, restoring(eastSnapshot+"bare-1")(ctx, rdsAt(a, recovery, west)), "DBSnapshotNotFound")
		wantCode(t, restoring(eastSnapshot+"bare-1")(ctx, theirs), "")
		if got := instance(t, theirs, "back"); len(got.TagList) != 0 || *got.DBInstanceArn != "arn:aws:rds:us-east-1:222222222222:db:back" {
			t.Errorf("restored elsewhere: %s with %d tags", *got.DBInstanceArn, len(got.TagList))
		}
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaInstances, 1), "")
		wantCode(t, restoring("full-1")(ctx, c), "InstanceQuotaExceeded")
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaInstances, 99), "")
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/shop", false), "")
		wantCode(t, restoring("full-1")(ctx, c), "KMSKeyNotAccessibleFault")
	})
}

// What is not asked for is AWS's default, and not what the source had.
func TestRestoreKeepsLittle(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, a *sandbox.AWS, c *rds.Client) {
		wantCode(t, restoring("full-1")(t.Context(), c), "")
		if got := instance(t, c, "back"); *got.DBInstanceStatus != "creating" || got.Endpoint != nil {
			t.Errorf("at first it is %s at %v", *got.DBInstanceStatus, got.Endpoint)
		}
		time.Sleep(time.Hour)
		was, got := instance(t, c, "full"), instance(t, c, "back")
		same := func(what string, a, b any) {
			t.Helper()
			if diff := cmp.Diff(a, b); diff != "" {
				t.Errorf("%s (-source +restored): %s", what, diff)
			}
		}
		same("class", was.DBInstanceClass, got.DBInstanceClass)
		same("version", was.EngineVersion, got.EngineVersion)
		same("storage", []any{was.AllocatedStorage, was.StorageType, was.Iops}, []any{got.AllocatedStorage, got.StorageType, got.Iops})
		same("key", was.KmsKeyId, got.KmsKeyId)
		same("port, user and database", []any{was.Endpoint.Port, was.MasterUsername, was.DBName}, []any{got.Endpoint.Port, got.MasterUsername, got.DBName})
		same("backups kept", was.BackupRetentionPeriod, got.BackupRetentionPeriod)
		if len(got.TagList) != 1 || *got.TagList[0].Value != "shop" {
			t.Errorf("without tags in the call it has %v, want those of its source", got.TagList)
		}
		lost := []any{
			*got.MultiAZ, *got.PubliclyAccessible, *got.DBSubnetGroup.DBSubnetGroupName, *got.DBParameterGroups[0].DBParameterGroupName,
			*got.OptionGroupMemberships[0].OptionGroupName, len(got.EnabledCloudwatchLogsExports), *got.CopyTagsToSnapshot,
			*got.DeletionProtection, *got.IAMDatabaseAuthenticationEnabled, *got.MonitoringInterval, *got.PerformanceInsightsEnabled,
			got.MaxAllocatedStorage == nil, len(got.ReadReplicaDBInstanceIdentifiers) == 0,
		}
		want := []any{false, true, "default", "default.postgres16", "default:postgres-16", 0, false, false, false, int32(0), false, true, true}
		if diff := cmp.Diff(want, lost); diff != "" {
			t.Errorf("defaults (-want +got): %s", diff)
		}
		if *got.VpcSecurityGroups[0].VpcSecurityGroupId == "sg-1" || *got.PreferredBackupWindow == *was.PreferredBackupWindow ||
			*got.PreferredMaintenanceWindow == *was.PreferredMaintenanceWindow {
			t.Errorf("it has the source's security group or windows: %+v", got)
		}
		data, err := a.DBInstanceData(prod, east, "back")
		if err != nil || data.Snapshot != eastSnapshot+"full-1" || data.Resource != *was.DbiResourceId {
			t.Errorf("its data is %+v (%v)", data, err)
		}
	})
}

// With all that restore and change take, the restored one is as the source is.
func TestRestoreToTheFull(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, a *sandbox.AWS, c *rds.Client) {
		ctx := t.Context()
		_, err := c.AddRoleToDBInstance(ctx, &rds.AddRoleToDBInstanceInput{
			DBInstanceIdentifier: aws.String("full"), RoleArn: aws.String("arn:aws:iam::111111111111:role/s3"), FeatureName: aws.String("s3Import"),
		})
		wantCode(t, err, "")
		wantCode(t, restoring("full-1", func(in *restoreInput) {
			in.MultiAZ, in.PubliclyAccessible, in.CopyTagsToSnapshot, in.DeletionProtection = aws.Bool(true), aws.Bool(false), aws.Bool(true), aws.Bool(true)
			in.DBSubnetGroupName, in.DBParameterGroupName, in.OptionGroupName = aws.String("private"), aws.String("tuned"), aws.String("audited")
			in.VpcSecurityGroupIds, in.EnableCloudwatchLogsExports = []string{"sg-1"}, []string{"postgresql"}
			in.EnableIAMDatabaseAuthentication, in.Tags = aws.Bool(true), tags("team", "shop")
			in.PreferredBackupWindow = aws.String("01:00-01:30")
		})(ctx, c), "")
		seen := []string{}
		for range 90 {
			if now := status(t, c, "back"); len(seen) == 0 || seen[len(seen)-1] != now {
				seen = append(seen, now)
			}
			time.Sleep(30 * time.Second)
		}
		if got := strings.Join(seen, " "); got != "creating modifying backing-up available" {
			t.Errorf("it was %s", got)
		}
		_, err = c.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
			DBInstanceIdentifier: aws.String("back"), ApplyImmediately: aws.Bool(true), MaxAllocatedStorage: aws.Int32(2000),
			MonitoringInterval: aws.Int32(60), MonitoringRoleArn: aws.String("arn:aws:iam::111111111111:role/watch"),
			EnablePerformanceInsights: aws.Bool(true), PreferredMaintenanceWindow: aws.String("mon:02:00-mon:02:30"),
		})
		wantCode(t, err, "")
		time.Sleep(15 * time.Second)
		if got := status(t, c, "back"); got != "configuring-enhanced-monitoring" {
			t.Errorf("while it is configured it is %s", got)
		}
		time.Sleep(time.Minute)
		_, err = c.AddRoleToDBInstance(ctx, &rds.AddRoleToDBInstanceInput{
			DBInstanceIdentifier: aws.String("back"), RoleArn: aws.String("arn:aws:iam::111111111111:role/s3"), FeatureName: aws.String("s3Import"),
		})
		wantCode(t, err, "")
		if got := instance(t, c, "back"); *got.AssociatedRoles[0].Status != "PENDING" {
			t.Errorf("a new role is %s", *got.AssociatedRoles[0].Status)
		}
		time.Sleep(time.Minute)
		was, got := instance(t, c, "full"), instance(t, c, "back")
		for _, x := range []*types.DBInstance{&was, &got} { // What is each one's own.
			x.DBInstanceIdentifier, x.DBInstanceArn, x.DbiResourceId, x.InstanceCreateTime, x.Endpoint.Address = nil, nil, nil, nil, nil
			x.ReadReplicaDBInstanceIdentifiers = nil
		}
		if diff := cmp.Diff(was, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("(-source +restored):\n%s", diff)
		}
	})
}

func TestRestoreToPointInTime(t *testing.T) {
	inRestoreWorld(t, func(t *testing.T, a *sandbox.AWS, c *rds.Client) {
		restore := func(source string, edit func(*rds.RestoreDBInstanceToPointInTimeInput)) error {
			in := &rds.RestoreDBInstanceToPointInTimeInput{SourceDBInstanceIdentifier: &source, TargetDBInstanceIdentifier: aws.String("past")}
			edit(in)
			_, err := c.RestoreDBInstanceToPointInTime(t.Context(), in)
			return err
		}
		latest := func(in *rds.RestoreDBInstanceToPointInTimeInput) { in.UseLatestRestorableTime = aws.Bool(true) }
		at := func(when time.Time) func(*rds.RestoreDBInstanceToPointInTimeInput) {
			return func(in *rds.RestoreDBInstanceToPointInTimeInput) { in.RestoreTime = &when }
		}
		wantCode(t, restore("none", latest), "DBInstanceNotFound")
		wantCode(t, restore("bare", latest), "PointInTimeRestoreNotEnabled")
		wantCode(t, restore("full", func(*rds.RestoreDBInstanceToPointInTimeInput) {}), "InvalidParameterCombination")
		wantCode(t, restore("full", at(time.Now().Add(time.Hour))), "InvalidParameterValue")
		wantCode(t, restore("full", at(time.Now().AddDate(0, 0, -10))), "InvalidParameterValue")
		when := time.Now().Add(-3 * time.Hour).UTC()
		wantCode(t, restore("full", at(when)), "")
		wantCode(t, restore("full", latest), "DBInstanceAlreadyExists")
		data, err := a.DBInstanceData(prod, east, "past")
		if err != nil || data.Snapshot != "" || !data.At.Equal(when) || data.Resource != *instance(t, c, "full").DbiResourceId {
			t.Errorf("its data is %+v (%v)", data, err)
		}
	})
}
