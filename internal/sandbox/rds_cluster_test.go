package sandbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const (
	eastCluster         = "arn:aws:rds:us-east-1:111111111111:cluster:"
	eastClusterSnapshot = "arn:aws:rds:us-east-1:111111111111:cluster-snapshot:"
)

const clusterSeed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        keys: [alias/dr]
        cluster-parameter-groups: {tuned: aurora-postgresql16}
        db-clusters:
          ledger: {size: 300, parameter-group: tuned, tags: {team: shop}, members: {ledger-1: {}, ledger-2: {tier: 1}}}
          safe: {deletion-protection: true}
          empty: {engine: aurora-mysql, backtrack: 3600, copy-tags: true, tags: {team: shop}}
          resting: {status: stopped}
          multi: {engine: postgres, class: db.m6gd.large, size: 100, iops: 3000}
        db-cluster-snapshots:
          - {of: ledger, name: plain, age: 1d, tags: {team: shop}, shared: ["222222222222"]}
          - {of: ledger, name: private, age: 1d}
          - {of: ledger, name: own-key, age: 1d, key: alias/shop, shared: ["222222222222"]}
          - {of: ledger, name: managed-key, age: 1d, key: alias/aws/rds, shared: ["222222222222"]}
          - {of: ledger, name: busy, age: 1m, status: creating}
          - {of: ledger, name: broken, age: 1d, status: failed}
          - {of: ledger, type: automated, age: 2d}
          - {of: multi, name: of-multi, age: 1d}
      us-west-2: {keys: [alias/dr]}
  "222222222222":
    regions:
      us-east-1: {keys: [alias/dr]}
      us-west-2: {keys: [alias/dr]}
`

func runClusterRules(t *testing.T, account, region string, rules []rule) {
	t.Helper()
	for _, tc := range rules {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
				mustSeed(t, a, clusterSeed)
				wantCode(t, tc.call(t.Context(), rdsAt(a, account, region)), tc.code)
			})
		})
	}
}

func newCluster(edit func(*rds.CreateDBClusterInput)) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		in := &rds.CreateDBClusterInput{
			DBClusterIdentifier: aws.String("fresh"), Engine: aws.String("aurora-postgresql"),
			MasterUsername: aws.String("app"), MasterUserPassword: aws.String("a-long-secret"),
		}
		edit(in)
		_, err := c.CreateDBCluster(ctx, in)
		return err
	}
}

func TestCreateClusterRules(t *testing.T) {
	type in = rds.CreateDBClusterInput
	multi := func(name string) func(*in) {
		return func(x *in) {
			x.DBClusterIdentifier, x.Engine, x.DBClusterInstanceClass = &name, aws.String("mysql"), aws.String("db.m6gd.large")
			x.AllocatedStorage, x.StorageType, x.Iops = aws.Int32(100), aws.String("io1"), aws.Int32(1000)
		}
	}
	var rules []rule
	for _, tc := range []struct {
		name, code string
		edit       func(*in)
	}{
		{"fine", "", func(*in) {}},
		{"taken", "DBClusterAlreadyExistsFault", func(x *in) { x.DBClusterIdentifier = aws.String("Ledger") }},
		{"63 characters", "", func(x *in) { x.DBClusterIdentifier = aws.String(strings.Repeat("a", 63)) }},
		{"64 characters", "InvalidParameterValue", func(x *in) { x.DBClusterIdentifier = aws.String(strings.Repeat("a", 64)) }},
		{"Multi-AZ, 52 characters", "", multi(strings.Repeat("a", 52))},
		{"Multi-AZ, 53 characters", "InvalidParameterValue", multi(strings.Repeat("a", 53))},
		{"Multi-AZ without a class", "MissingParameter", func(x *in) { x.Engine = aws.String("postgres") }},
		{"bad engine", "InvalidParameterValue", func(x *in) { x.Engine = aws.String("mariadb") }},
		{"no user", "MissingParameter", func(x *in) { x.MasterUsername = nil }},
		{"no such parameter group", "DBClusterParameterGroupNotFound", func(x *in) { x.DBClusterParameterGroupName = aws.String("x") }},
		{"wrong parameter group", "InvalidParameterCombination", func(x *in) {
			x.Engine, x.DBClusterParameterGroupName = aws.String("aurora-mysql"), aws.String("tuned")
		}},
		{"no subnet group", "DBSubnetGroupNotFoundFault", func(x *in) { x.DBSubnetGroupName = aws.String("x") }},
		{"backups off", "InvalidParameterValue", func(x *in) { x.BackupRetentionPeriod = aws.Int32(0) }},
		{"backtrack of PostgreSQL", "InvalidParameterCombination", func(x *in) { x.BacktrackWindow = aws.Int64(60) }},
		{"capacity upside down", "InvalidParameterValue", func(x *in) {
			x.ServerlessV2ScalingConfiguration = &types.ServerlessV2ScalingConfiguration{MinCapacity: aws.Float64(8), MaxCapacity: aws.Float64(1)}
		}},
		{"capacity", "", func(x *in) {
			x.ServerlessV2ScalingConfiguration = &types.ServerlessV2ScalingConfiguration{MinCapacity: aws.Float64(0.5), MaxCapacity: aws.Float64(16)}
		}},
		{"bad key", "KMSKeyNotAccessibleFault", func(x *in) { x.StorageEncrypted, x.KmsKeyId = aws.Bool(true), aws.String("my key") }},
		{"serverless v1", "NotImplemented", func(x *in) { x.EngineMode = aws.String("serverless") }},
		{"not simulated", "NotImplemented", func(x *in) { x.GlobalClusterIdentifier = aws.String("world") }},
	} {
		rules = append(rules, rule{tc.name, newCluster(tc.edit), tc.code})
	}
	runClusterRules(t, prod, east, rules)
}

func newMember(edit func(*rds.CreateDBInstanceInput)) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		in := &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: aws.String("ledger-3"), DBClusterIdentifier: aws.String("ledger"),
			DBInstanceClass: aws.String("db.serverless"), Engine: aws.String("aurora-postgresql"),
		}
		edit(in)
		_, err := c.CreateDBInstance(ctx, in)
		return err
	}
}

func TestMemberRules(t *testing.T) {
	type in = rds.CreateDBInstanceInput
	runClusterRules(t, prod, east, []rule{
		{"fine", newMember(func(*in) {}), ""},
		{"no such cluster", newMember(func(x *in) { x.DBClusterIdentifier = aws.String("x") }), "DBClusterNotFoundFault"},
		{"another engine", newMember(func(x *in) { x.Engine = aws.String("aurora-mysql") }), "InvalidParameterCombination"},
		{"a Multi-AZ DB cluster", newMember(func(x *in) {
			x.DBClusterIdentifier, x.Engine = aws.String("multi"), aws.String("postgres")
		}), "InvalidParameterCombination"},
		{"a stopped cluster", newMember(func(x *in) { x.DBClusterIdentifier = aws.String("resting") }), "InvalidDBClusterStateFault"},
		{"storage of its own", newMember(func(x *in) { x.AllocatedStorage = aws.Int32(100) }), "InvalidParameterCombination"},
		{"bad tier", newMember(func(x *in) { x.PromotionTier = aws.Int32(16) }), "InvalidParameterValue"},
		{"no cluster", newMember(func(x *in) { x.DBClusterIdentifier = nil; x.MasterUsername = aws.String("app") }), "InvalidParameterCombination"},
		{"a snapshot of a member", create("ledger-1", "x"), "InvalidParameterValue"},
		{"stopping a member", func(ctx context.Context, c *rds.Client) error {
			_, err := c.StopDBInstance(ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: aws.String("ledger-1")})
			return err
		}, "InvalidParameterCombination"},
		{"deleting a member with a final snapshot", func(ctx context.Context, c *rds.Client) error {
			_, err := c.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("ledger-1"), FinalDBSnapshotIdentifier: aws.String("x")})
			return err
		}, "InvalidParameterCombination"},
	})
}

func createOf(cluster, name string, tags ...types.Tag) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		_, err := c.CreateDBClusterSnapshot(ctx, &rds.CreateDBClusterSnapshotInput{DBClusterIdentifier: &cluster, DBClusterSnapshotIdentifier: &name, Tags: tags})
		return err
	}
}

func removeOf(name string) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		_, err := c.DeleteDBClusterSnapshot(ctx, &rds.DeleteDBClusterSnapshotInput{DBClusterSnapshotIdentifier: &name})
		return err
	}
}

func TestClusterSnapshotRules(t *testing.T) {
	runClusterRules(t, prod, east, []rule{
		{"fine", createOf("ledger", "fresh"), ""},
		{"63 characters", createOf("ledger", strings.Repeat("a", 63)), ""},
		{"64 characters", createOf("ledger", strings.Repeat("a", 64)), "InvalidParameterValue"},
		{"taken", createOf("ledger", "Plain"), "DBClusterSnapshotAlreadyExistsFault"},
		{"no such cluster", createOf("x", "fresh"), "DBClusterNotFoundFault"},
		{"an instance", createOf("orders", "fresh"), "DBClusterNotFoundFault"},
		{"stopped", createOf("resting", "fresh"), "InvalidDBClusterStateFault"},
		{"reserved tag", createOf("ledger", "fresh", tag("rds:x", "y")), "InvalidParameterValue"},
		{"delete", removeOf("plain"), ""},
		{"delete a failed one", removeOf("broken"), ""},
		{"delete one in the making", removeOf("busy"), "InvalidDBClusterSnapshotStateFault"},
		{"delete none", removeOf("x"), "DBClusterSnapshotNotFoundFault"},
		{"both names", func(ctx context.Context, c *rds.Client) error {
			_, err := c.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{DBClusterIdentifier: aws.String("ledger"), DBClusterSnapshotIdentifier: aws.String("plain")})
			return err
		}, "InvalidParameterCombination"},
		{"tags of none", func(ctx context.Context, c *rds.Client) error {
			_, err := c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: aws.String(eastClusterSnapshot + "x"), Tags: tags("a", "b")})
			return err
		}, "DBClusterSnapshotNotFoundFault"},
		{"tags of a cluster", func(ctx context.Context, c *rds.Client) error {
			_, err := c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: aws.String(eastCluster + "ledger"), Tags: tags("a", "b")})
			return err
		}, ""},
	})
}

// A cluster shows backing-up while a snapshot begins, and takes no second one.
func TestClusterSnapshotLife(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, east), t.Context()
		wantCode(t, createOf("empty", "One", tag("a", "b"))(ctx, c), "")
		wantCode(t, createOf("empty", "two")(ctx, c), "InvalidDBClusterStateFault")
		if got := clusterOf(t, c, "empty"); *got.Status != "backing-up" {
			t.Errorf("the cluster is %s, want backing-up", *got.Status)
		}
		time.Sleep(time.Hour)
		out, err := c.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{DBClusterSnapshotIdentifier: aws.String("one")})
		wantCode(t, err, "")
		got := out.DBClusterSnapshots[0]
		if *got.Status != "available" || *got.PercentProgress != 100 || len(got.TagList) != 2 || *got.DBClusterSnapshotArn != eastClusterSnapshot+"one" {
			t.Errorf("the snapshot is %s, %d%%, %s with %d tags", *got.Status, *got.PercentProgress, *got.DBClusterSnapshotArn, len(got.TagList))
		}
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaManualDBClusterSnapshots, 9), "") // There are eight, and an automated one.
		wantCode(t, createOf("empty", "two")(ctx, c), "")
		time.Sleep(time.Hour)
		wantCode(t, createOf("empty", "three")(ctx, c), "SnapshotQuotaExceeded")
		wantCode(t, create("catalog", "of-an-instance")(ctx, c), "") // A quota apart.
	})
}
