package sandbox_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func names(t *testing.T, c *rds.Client, in rds.DescribeDBSnapshotsInput) []string {
	t.Helper()
	out, err := c.DescribeDBSnapshots(t.Context(), &in)
	wantCode(t, err, "")
	var got []string
	for _, s := range out.DBSnapshots {
		got = append(got, *s.DBSnapshotIdentifier)
	}
	return got
}

func filter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func TestDescribeSnapshotsSelects(t *testing.T) {
	const automated = "rds:catalog-2026-01-01-00-00"
	of := func(in rds.DescribeDBSnapshotsInput) rds.DescribeDBSnapshotsInput {
		in.DBInstanceIdentifier = aws.String("Catalog")
		return in
	}
	all := []string{"broken", "busy", "plain", "plain-shared", automated, "with-aws-tag"}
	for _, tc := range []struct {
		name    string
		account string
		in      rds.DescribeDBSnapshotsInput
		want    []string
	}{
		{"of a database", prod, of(rds.DescribeDBSnapshotsInput{}), all},
		{"manual", prod, of(rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("manual")}), []string{"broken", "busy", "plain", "plain-shared", "with-aws-tag"}},
		{"automated", prod, of(rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("automated")}), []string{automated}},
		{"AWS Backup", prod, rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("awsbackup")}, []string{"awsbackup:job-1"}},
		{"filters", prod, rds.DescribeDBSnapshotsInput{Filters: append(filter("db-instance-id", eastDB+"catalog", "orders"), filter("db-snapshot-id", "own-key", "plain")...)}, []string{"own-key", "plain"}},
		{"filter by engine and type", prod, rds.DescribeDBSnapshotsInput{Filters: append(filter("engine", "mariadb"), filter("snapshot-type", "automated")...)}, []string{automated}},
		{"of none", prod, rds.DescribeDBSnapshotsInput{DBInstanceIdentifier: aws.String("nobody")}, nil},
		{"others are left out", recovery, rds.DescribeDBSnapshotsInput{}, nil},
		{"shared", recovery, rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("shared")}, []string{eastSnapshot + "own-key", eastSnapshot + "plain-shared"}},
		{"included", recovery, rds.DescribeDBSnapshotsInput{IncludeShared: aws.Bool(true)}, []string{eastSnapshot + "own-key", eastSnapshot + "plain-shared"}},
		{"not with manual", recovery, rds.DescribeDBSnapshotsInput{IncludeShared: aws.Bool(true), SnapshotType: aws.String("manual")}, nil},
		{"shared by ARN", recovery, rds.DescribeDBSnapshotsInput{IncludeShared: aws.Bool(true), DBSnapshotIdentifier: aws.String(eastSnapshot + "own-key")}, []string{eastSnapshot + "own-key"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
				mustSeed(t, a, ruleSeed)
				if diff := cmp.Diff(tc.want, names(t, rdsAt(a, tc.account, east), tc.in)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestSharedSnapshotHidesTags(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, ruleSeed)
		out, err := rdsAt(a, recovery, east).DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("shared")})
		wantCode(t, err, "")
		for _, s := range out.DBSnapshots {
			if *s.SnapshotType != "shared" || len(s.TagList) != 0 {
				t.Errorf("%s: type %s, tags %v", *s.DBSnapshotIdentifier, *s.SnapshotType, s.TagList)
			}
		}
		copied, err := rdsAt(a, recovery, east).CopyDBSnapshot(t.Context(), &rds.CopyDBSnapshotInput{
			SourceDBSnapshotIdentifier: aws.String(eastSnapshot + "plain-shared"), TargetDBSnapshotIdentifier: aws.String("mine"),
			CopyTags: aws.Bool(true), Tags: []types.Tag{tag("by", "me")},
		})
		wantCode(t, err, "")
		if tags := copied.DBSnapshot.TagList; len(tags) != 1 || *tags[0].Key != "by" {
			t.Errorf("tags of a copy from another account: %v, want its own only", tags)
		}
	})
}

func TestDescribeRefuses(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c := rdsAt(a, prod, east)
		for name, in := range map[string]rds.DescribeDBSnapshotsInput{
			"page too small": {MaxRecords: aws.Int32(19)}, "page too large": {MaxRecords: aws.Int32(101)},
			"marker": {Marker: aws.String("nonsense")}, "type": {SnapshotType: aws.String("weekly")},
			"filter": {Filters: filter("tag:team", "x")},
		} {
			_, err := c.DescribeDBSnapshots(t.Context(), &in)
			t.Log(name, err)
			wantCode(t, err, "InvalidParameterValue")
		}
		_, err := c.DescribeDBSnapshots(t.Context(), &rds.DescribeDBSnapshotsInput{DBSnapshotIdentifier: aws.String("nothing")})
		wantCode(t, err, "DBSnapshotNotFound")
		_, err = c.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("nothing")})
		wantCode(t, err, "DBInstanceNotFound")
	})
}

func TestPaging(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, _ *sandbox.AWS) {
		a := sandbox.New(sandbox.Options{})
		seed, err := sandbox.Builtin("large")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Seed(seed); err != nil {
			t.Fatal(err)
		}
		c := rdsAt(a, prod, east)
		a.ResetCalls()
		pages := rds.NewDescribeDBSnapshotsPaginator(c, &rds.DescribeDBSnapshotsInput{})
		var got []string
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			wantCode(t, err, "")
			for _, s := range out.DBSnapshots {
				got = append(got, *s.DBSnapshotIdentifier)
			}
			// What comes and goes between two pages must not shift the rest.
			wantCode(t, remove(got[len(got)-1])(t.Context(), c), "")
			wantCode(t, create("orders-01", fmt.Sprintf("a-%d", len(got)))(t.Context(), c), "")
			time.Sleep(time.Hour)
		}
		if len(got) != 350 || len(slices.Compact(slices.Clone(got))) != 350 {
			t.Errorf("got %d snapshots, want 350, each once", len(got))
		}
		var reads int
		for _, call := range a.Calls() {
			if call.Action == "DescribeDBSnapshots" {
				reads++
			}
		}
		if reads != 4 {
			t.Errorf("%d calls for 350 snapshots, want 4", reads)
		}
	})
}

func TestDescribeInstanceTellsAll(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		c := rdsAt(a, prod, east)
		out, err := c.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("orders")})
		wantCode(t, err, "")
		d := out.DBInstances[0]
		got := map[string]any{
			"class": *d.DBInstanceClass, "engine": *d.Engine, "version": *d.EngineVersion, "multiAZ": *d.MultiAZ,
			"storage": *d.StorageType, "iops": *d.Iops, "throughput": *d.StorageThroughput, "size": *d.AllocatedStorage,
			"max": *d.MaxAllocatedStorage, "subnets": *d.DBSubnetGroup.DBSubnetGroupName,
			"vpc group": *d.VpcSecurityGroups[0].VpcSecurityGroupId, "parameters": *d.DBParameterGroups[0].DBParameterGroupName,
			"options": *d.OptionGroupMemberships[0].OptionGroupName, "monitoring": *d.MonitoringInterval, "role": *d.MonitoringRoleArn,
			"insights": *d.PerformanceInsightsEnabled, "retention": *d.BackupRetentionPeriod, "protected": *d.DeletionProtection,
			"iam": *d.IAMDatabaseAuthenticationEnabled, "logs": d.EnabledCloudwatchLogsExports, "port": *d.Endpoint.Port,
			"user": *d.MasterUsername, "ca": *d.CACertificateIdentifier, "encrypted": *d.StorageEncrypted, "tags": len(d.TagList),
		}
		want := map[string]any{
			"class": "db.r6g.xlarge", "engine": "postgres", "version": "16.4", "multiAZ": true,
			"storage": "gp3", "iops": int32(3000), "throughput": int32(125), "size": int32(400), "max": int32(1000),
			"subnets": "shop-private", "vpc group": "sg-0a1b2c3d4e5f60001", "parameters": "shop-postgres16",
			"options": "default:postgres-16", "monitoring": int32(60), "role": "arn:aws:iam::111111111111:role/rds-monitoring",
			"insights": true, "retention": int32(7), "protected": true, "iam": true, "logs": []string{"postgresql", "upgrade"},
			"port": int32(5432), "user": "app", "ca": "rds-ca-rsa2048-g1", "encrypted": true, "tags": 3,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
