package sandbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// newDB is a valid call, changed by edits.
func newDB(edits ...func(*rds.CreateDBInstanceInput)) *rds.CreateDBInstanceInput {
	in := &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("fresh"), DBInstanceClass: aws.String("db.t4g.medium"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(100), MasterUsername: aws.String("app"), MasterUserPassword: aws.String("a-long-secret"),
	}
	for _, edit := range edits {
		edit(in)
	}
	return in
}

func TestCreateInstanceRules(t *testing.T) {
	var rules []rule
	for _, tc := range []struct {
		name, code string
		edit       func(*rds.CreateDBInstanceInput)
	}{
		{"fine", "", func(*rds.CreateDBInstanceInput) {}},
		{"taken", "DBInstanceAlreadyExists", func(in *rds.CreateDBInstanceInput) { in.DBInstanceIdentifier = aws.String("Orders") }},
		{"name too long", "InvalidParameterValue", func(in *rds.CreateDBInstanceInput) {
			in.DBInstanceIdentifier = aws.String(strings.Repeat("a", 64))
		}},
		{"bad engine", "InvalidParameterValue", func(in *rds.CreateDBInstanceInput) { in.Engine = aws.String("sqlite") }},
		{"too small", "InvalidParameterValue", func(in *rds.CreateDBInstanceInput) { in.AllocatedStorage = aws.Int32(5) }},
		{"short password", "InvalidParameterValue", func(in *rds.CreateDBInstanceInput) { in.MasterUserPassword = aws.String("short") }},
		{"no user", "MissingParameter", func(in *rds.CreateDBInstanceInput) { in.MasterUsername = nil }},
		{"no subnet group", "DBSubnetGroupNotFoundFault", func(in *rds.CreateDBInstanceInput) { in.DBSubnetGroupName = aws.String("x") }},
		{"no parameter group", "DBParameterGroupNotFound", func(in *rds.CreateDBInstanceInput) { in.DBParameterGroupName = aws.String("x") }},
		{"wrong parameter group", "InvalidParameterCombination", func(in *rds.CreateDBInstanceInput) {
			in.DBParameterGroupName = aws.String("default.mysql8.0")
		}},
		{"no option group", "OptionGroupNotFoundFault", func(in *rds.CreateDBInstanceInput) { in.OptionGroupName = aws.String("x") }},
		{"bad key", "KMSKeyNotAccessibleFault", func(in *rds.CreateDBInstanceInput) {
			in.StorageEncrypted, in.KmsKeyId = aws.Bool(true), aws.String("my key")
		}},
		{"monitoring without a role", "InvalidParameterCombination", func(in *rds.CreateDBInstanceInput) { in.MonitoringInterval = aws.Int32(60) }},
		{"member with a user of its own", "InvalidParameterCombination", func(in *rds.CreateDBInstanceInput) { in.DBClusterIdentifier = aws.String("c") }},
		{"not simulated", "NotImplemented", func(in *rds.CreateDBInstanceInput) { in.Domain = aws.String("d-1") }},
	} {
		rules = append(rules, rule{tc.name, func(ctx context.Context, c *rds.Client) error {
			_, err := c.CreateDBInstance(ctx, newDB(tc.edit))
			return err
		}, tc.code})
	}
	runRules(t, prod, east, rules)
}

func TestInstanceLife(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c, ctx := rdsAt(a, prod, east), t.Context()
		made, err := c.CreateDBInstance(ctx, newDB(func(in *rds.CreateDBInstanceInput) { in.StorageEncrypted = aws.Bool(true) }))
		wantCode(t, err, "")
		if made.DBInstance.Endpoint != nil || !strings.Contains(*made.DBInstance.KmsKeyId, "arn:aws:kms:us-east-1:111111111111:key/") {
			t.Errorf("new: endpoint %v, key %s", made.DBInstance.Endpoint, *made.DBInstance.KmsKeyId)
		}
		expect := func(want string) {
			t.Helper()
			if got := status(t, c, "fresh"); got != want {
				t.Fatalf("the database is %s, want %s", got, want)
			}
		}
		expect("creating")
		wantCode(t, create("fresh", "f-1")(ctx, c), "InvalidDBInstanceState")
		time.Sleep(5 * time.Minute)
		expect("backing-up")
		time.Sleep(5 * time.Minute)
		expect("available")
		if got := names(t, c, rds.DescribeDBSnapshotsInput{DBInstanceIdentifier: aws.String("fresh")}); len(got) != 1 || !strings.HasPrefix(got[0], "rds:fresh-2000-01-01-00-") {
			t.Errorf("first backup: %v", got)
		}
		wantCode(t, create("fresh", "f-1")(ctx, c), "")
		time.Sleep(time.Hour)

		_, err = c.StopDBInstance(ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: aws.String("fresh")})
		wantCode(t, err, "")
		expect("stopping")
		time.Sleep(10 * time.Minute)
		expect("stopped")
		wantCode(t, create("fresh", "f-2")(ctx, c), "InvalidDBInstanceState")
		_, err = c.StartDBInstance(ctx, &rds.StartDBInstanceInput{DBInstanceIdentifier: aws.String("fresh")})
		wantCode(t, err, "")
		time.Sleep(10 * time.Minute)
		expect("available")
		_, err = c.StartDBInstance(ctx, &rds.StartDBInstanceInput{DBInstanceIdentifier: aws.String("fresh")})
		wantCode(t, err, "InvalidDBInstanceState")

		_, err = c.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("fresh"), FinalDBSnapshotIdentifier: aws.String("fresh-final")})
		wantCode(t, err, "")
		expect("deleting")
		time.Sleep(time.Hour)
		_, err = c.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("fresh")})
		wantCode(t, err, "DBInstanceNotFound")
		if got := fmt.Sprint(names(t, c, rds.DescribeDBSnapshotsInput{DBInstanceIdentifier: aws.String("fresh")})); got != "[f-1 fresh-final]" {
			t.Errorf("left behind: %v", got)
		}
	})
}

func TestDeleteInstanceRules(t *testing.T) {
	del := func(in rds.DeleteDBInstanceInput) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			_, err := c.DeleteDBInstance(ctx, &in)
			return err
		}
	}
	skip, final := aws.Bool(true), aws.String("final")
	runRules(t, prod, east, []rule{
		{"unknown", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("x"), SkipFinalSnapshot: skip}), "DBInstanceNotFound"},
		{"protected", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("orders"), SkipFinalSnapshot: skip}), "InvalidParameterCombination"},
		{"neither", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("catalog")}), "InvalidParameterCombination"},
		{"both", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("catalog"), SkipFinalSnapshot: skip, FinalDBSnapshotIdentifier: final}), "InvalidParameterCombination"},
		{"stopped with final", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("legacy-crm"), FinalDBSnapshotIdentifier: final}), "InvalidDBInstanceState"},
		{"stopped without", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("legacy-crm"), SkipFinalSnapshot: skip}), ""},
		{"final name taken", del(rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("catalog"), FinalDBSnapshotIdentifier: aws.String("plain")}), "DBSnapshotAlreadyExists"},
	})
}

func TestModifyInstance(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c, ctx := rdsAt(a, prod, east), t.Context()
		modify := func(in rds.ModifyDBInstanceInput) *types.DBInstance {
			t.Helper()
			out, err := c.ModifyDBInstance(ctx, &in)
			wantCode(t, err, "")
			return out.DBInstance
		}
		show := func(name string) types.DBInstance {
			t.Helper()
			out, err := c.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
			wantCode(t, err, "")
			return out.DBInstances[0]
		}
		// 2000-01-01 is a Saturday; the window is on Sunday at 5:00.
		d := modify(rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("catalog"), DBInstanceClass: aws.String("db.m6g.large"), CopyTagsToSnapshot: aws.Bool(true)})
		if *d.DBInstanceClass != "db.t4g.large" || *d.PendingModifiedValues.DBInstanceClass != "db.m6g.large" || !*d.CopyTagsToSnapshot {
			t.Errorf("class %s, pending %s, copy tags %v", *d.DBInstanceClass, *d.PendingModifiedValues.DBInstanceClass, *d.CopyTagsToSnapshot)
		}
		time.Sleep(29 * time.Hour)
		if got := *show("catalog").DBInstanceStatus; got != "modifying" {
			t.Errorf("in its window it is %s, want modifying", got)
		}
		time.Sleep(time.Hour)
		if d := show("catalog"); *d.DBInstanceClass != "db.m6g.large" || *d.DBInstanceStatus != "available" {
			t.Errorf("after its window: %s %s", *d.DBInstanceClass, *d.DBInstanceStatus)
		}

		modify(rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("catalog"), NewDBInstanceIdentifier: aws.String("Catalogue"), ApplyImmediately: aws.Bool(true)})
		if got := *show("catalog").DBInstanceStatus; got != "available" {
			t.Errorf("at once it is %s, want available still", got)
		}
		time.Sleep(30 * time.Second)
		if got := *show("catalog").DBInstanceStatus; got != "renaming" {
			t.Errorf("it is %s, want renaming", got)
		}
		time.Sleep(time.Hour)
		if d := show("catalogue"); !strings.HasPrefix(*d.Endpoint.Address, "catalogue.") {
			t.Errorf("renamed, it is at %s", *d.Endpoint.Address)
		}
		_, err := c.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("scratch"), NewDBInstanceIdentifier: aws.String("catalogue"), ApplyImmediately: aws.Bool(true)})
		wantCode(t, err, "DBInstanceAlreadyExists")

		modify(rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("catalogue"), AllocatedStorage: aws.Int32(80), ApplyImmediately: aws.Bool(true)})
		time.Sleep(10 * time.Minute)
		if got := *show("catalogue").DBInstanceStatus; got != "storage-optimization" {
			t.Errorf("it is %s, want storage-optimization", got)
		}
		wantCode(t, create("catalogue", "during")(ctx, c), "")
		time.Sleep(3 * time.Minute)
		if got := *show("catalogue").DBInstanceStatus; got != "storage-optimization" {
			t.Errorf("after backing up it is %s, want storage-optimization again", got)
		}
		if got := snapshot(t, c, "during"); len(got.TagList) != 3 {
			t.Errorf("tags copied to the snapshot: %v", got.TagList)
		}
		_, err = c.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("catalogue"), AllocatedStorage: aws.Int32(40)})
		wantCode(t, err, "InvalidParameterCombination")
	})
}

func TestQuotasAndFailingSnapshots(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c, ctx := rdsAt(a, prod, east), t.Context()
		if err := a.SetQuota(prod, east, sandbox.QuotaManualSnapshots, 6); err != nil {
			t.Fatal(err)
		}
		if err := a.FailNextDBSnapshots(prod, east, "catalog", 1); err != nil {
			t.Fatal(err)
		}
		wantCode(t, create("catalog", "c-1")(ctx, c), "") // The small seed has four manual ones.
		time.Sleep(time.Hour)
		if got := *snapshot(t, c, "c-1").Status; got != "failed" {
			t.Errorf("the snapshot is %s, want failed", got)
		}
		wantCode(t, create("catalog", "c-2")(ctx, c), "")
		time.Sleep(time.Hour)
		wantCode(t, create("catalog", "c-3")(ctx, c), "SnapshotQuotaExceeded")
		attrs, err := c.DescribeAccountAttributes(ctx, nil)
		wantCode(t, err, "")
		for _, q := range attrs.AccountQuotas {
			if *q.AccountQuotaName == "ManualSnapshots" && (*q.Used != 6 || *q.Max != 6) {
				t.Errorf("ManualSnapshots: %d of %d", *q.Used, *q.Max)
			}
		}
		if err := a.SetDBInstanceStatus(prod, east, "catalog", "storage-full"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, create("catalog", "c-3")(ctx, c), "InvalidDBInstanceState")
		if err := a.SetDBInstanceStatus(prod, east, "nobody", "failed"); err == nil {
			t.Error("a status was set on no database")
		}
	})
}

func TestCopiesInFlight(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, ruleSeed)
		c := rdsAt(a, prod, west)
		target := func(i int) func(context.Context, *rds.Client) error {
			in := from(eastSnapshot + "plain")
			in.TargetDBSnapshotIdentifier = aws.String(fmt.Sprintf("copy-%d", i))
			return copyOf(in)
		}
		for i := range 20 {
			wantCode(t, target(i)(t.Context(), c), "")
		}
		wantCode(t, target(20)(t.Context(), c), "SnapshotQuotaExceeded")
		got := snapshot(t, c, "copy-0")
		if *got.Status != "creating" || *got.SourceRegion != east || *got.SourceDBSnapshotIdentifier != eastSnapshot+"plain" {
			t.Errorf("a copy in flight: %s of %s in %s", *got.Status, *got.SourceDBSnapshotIdentifier, *got.SourceRegion)
		}
		time.Sleep(time.Hour)
		wantCode(t, target(20)(t.Context(), c), "")
		wantCode(t, remove("plain")(t.Context(), rdsAt(a, prod, east)), "")
		if got := *snapshot(t, c, "copy-20").Status; got != "failed" {
			t.Errorf("a copy whose source was deleted is %s, want failed", got)
		}
		if got := *snapshot(t, c, "copy-0").Status; got != "available" {
			t.Errorf("a finished copy whose source was deleted is %s, want available", got)
		}
	})
}

func TestGroups(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c, ctx := rdsAt(a, prod, east), t.Context()
		_, err := c.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{DBSubnetGroupName: aws.String("one"), DBSubnetGroupDescription: aws.String("d"), SubnetIds: []string{"subnet-1"}})
		wantCode(t, err, "DBSubnetGroupDoesNotCoverEnoughAZs")
		_, err = c.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{DBSubnetGroupName: aws.String("two"), DBSubnetGroupDescription: aws.String("d"), SubnetIds: []string{"subnet-1", "subnet-2"}})
		wantCode(t, err, "")
		_, err = c.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{DBParameterGroupName: aws.String("pg"), DBParameterGroupFamily: aws.String("postgres16"), Description: aws.String("d")})
		wantCode(t, err, "")
		_, err = c.CreateOptionGroup(ctx, &rds.CreateOptionGroupInput{OptionGroupName: aws.String("og"), EngineName: aws.String("postgres"), MajorEngineVersion: aws.String("16"), OptionGroupDescription: aws.String("d")})
		wantCode(t, err, "")
		_, err = c.CreateDBInstance(ctx, newDB(func(in *rds.CreateDBInstanceInput) {
			in.DBSubnetGroupName, in.DBParameterGroupName, in.OptionGroupName = aws.String("two"), aws.String("pg"), aws.String("og")
		}))
		wantCode(t, err, "")
		_, err = c.DeleteDBParameterGroup(ctx, &rds.DeleteDBParameterGroupInput{DBParameterGroupName: aws.String("pg")})
		wantCode(t, err, "InvalidDBParameterGroupState")
		sub, err := c.DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: aws.String("two")})
		wantCode(t, err, "")
		opt, err := c.DescribeOptionGroups(ctx, &rds.DescribeOptionGroupsInput{OptionGroupName: aws.String("og")})
		wantCode(t, err, "")
		par, err := c.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: aws.String("default.postgres16")})
		wantCode(t, err, "")
		if len(sub.DBSubnetGroups[0].Subnets) != 2 || *opt.OptionGroupsList[0].EngineName != "postgres" || *par.DBParameterGroups[0].DBParameterGroupFamily != "postgres16" {
			t.Errorf("groups: %v %v %v", sub.DBSubnetGroups, opt.OptionGroupsList, par.DBParameterGroups)
		}
		_, err = c.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: aws.String("none")})
		wantCode(t, err, "DBParameterGroupNotFound")
	})
}
