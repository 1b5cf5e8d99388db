package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// What is switched on of a cluster that is there: rules.
func TestClusterSwitchRules(t *testing.T) {
	const combination = "InvalidParameterCombination"
	modify := func(name string, edit func(*rds.ModifyDBClusterInput)) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			in := &rds.ModifyDBClusterInput{DBClusterIdentifier: &name}
			edit(in)
			_, err := c.ModifyDBCluster(ctx, in)
			return err
		}
	}
	http := func(arn string) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			_, err := c.EnableHttpEndpoint(ctx, &rds.EnableHttpEndpointInput{ResourceArn: &arn})
			return err
		}
	}
	reboot := func(name string) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			_, err := c.RebootDBCluster(ctx, &rds.RebootDBClusterInput{DBClusterIdentifier: &name})
			return err
		}
	}
	type in = rds.ModifyDBClusterInput
	runClusterRules(t, prod, east, []rule{
		{"HTTP of Serverless v1 alone", modify("ledger", func(x *in) { x.EnableHttpEndpoint = aws.Bool(true) }), combination},
		{"HTTP", http(eastCluster + "ledger"), ""},
		{"HTTP by name", http("ledger"), "ResourceNotFoundFault"},
		{"HTTP of none", http(eastCluster + "none"), "ResourceNotFoundFault"},
		{"HTTP of a stopped one", http(eastCluster + "resting"), "InvalidResourceStateFault"},
		{"HTTP of Multi-AZ", http(eastCluster + "multi"), combination},
		{"forwarding", modify("ledger", func(x *in) { x.EnableLocalWriteForwarding = aws.Bool(true) }), ""},
		{"forwarding of Multi-AZ", modify("multi", func(x *in) { x.EnableLocalWriteForwarding = aws.Bool(true) }), combination},
		{"advanced without Performance Insights", modify("ledger", func(x *in) { x.DatabaseInsightsMode = "advanced" }), combination},
		{"advanced for a week", modify("ledger", func(x *in) { x.DatabaseInsightsMode, x.EnablePerformanceInsights = "advanced", aws.Bool(true) }), combination},
		{"advanced", modify("ledger", func(x *in) {
			x.DatabaseInsightsMode, x.EnablePerformanceInsights, x.PerformanceInsightsRetentionPeriod = "advanced", aws.Bool(true), aws.Int32(465)
		}), ""},
		{"a secret", modify("ledger", func(x *in) { x.ManageMasterUserPassword = aws.Bool(true) }), ""},
		{"a secret under no key", modify("ledger", func(x *in) {
			x.ManageMasterUserPassword, x.MasterUserSecretKmsKeyId = aws.Bool(true), aws.String("alias/none")
		}), "KMSKeyNotAccessibleFault"},
		{"a secret and a password", modify("ledger", func(x *in) {
			x.ManageMasterUserPassword, x.MasterUserPassword = aws.Bool(true), aws.String("a-long-secret")
		}), combination},
		{"windows that overlap", modify("ledger", func(x *in) {
			x.PreferredBackupWindow, x.PreferredMaintenanceWindow = aws.String("06:10-06:40"), aws.String("sun:06:00-sun:06:30")
		}), combination},
		{"reboot", reboot("multi"), ""},
		{"reboot of Aurora", reboot("ledger"), combination},
		{"reboot of none", reboot("none"), "DBClusterNotFoundFault"},
	})
}

// What was switched on shows, members inherit the mode of Database Insights, and a
// restored cluster has none of it. Instances of a Multi-AZ DB cluster keep their names.
func TestClusterSwitchesShow(t *testing.T) {
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, clusterSeed)
		c, ctx := rdsAt(a, prod, east), t.Context()
		_, err := c.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{
			DBClusterIdentifier: aws.String("ledger"), EnableLocalWriteForwarding: aws.Bool(true), ManageMasterUserPassword: aws.Bool(true),
			DatabaseInsightsMode: "advanced", EnablePerformanceInsights: aws.Bool(true), PerformanceInsightsRetentionPeriod: aws.Int32(465),
		})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		_, err = c.EnableHttpEndpoint(ctx, &rds.EnableHttpEndpointInput{ResourceArn: aws.String(eastCluster + "ledger")})
		wantCode(t, err, "")
		got := clusterOf(t, c, "ledger")
		if got.LocalWriteForwardingStatus != "enabled" || got.DatabaseInsightsMode != "advanced" || !*got.HttpEndpointEnabled || *got.MasterUserSecret.KmsKeyId == "" {
			t.Errorf("%+v", got)
		}
		if m := instance(t, c, "ledger-1"); m.DatabaseInsightsMode != "advanced" {
			t.Errorf("a member is in the mode %q", m.DatabaseInsightsMode)
		}
		wantCode(t, restoringCluster("private")(ctx, c), "")
		back := clusterOf(t, c, "back")
		if back.LocalWriteForwardingStatus != "" || back.DatabaseInsightsMode != "" || *back.HttpEndpointEnabled || back.MasterUserSecret != nil {
			t.Errorf("restored: %+v", back)
		}
		_, err = c.DisableHttpEndpoint(ctx, &rds.DisableHttpEndpointInput{ResourceArn: aws.String(eastCluster + "ledger")})
		wantCode(t, err, "")

		_, err = c.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{DBClusterIdentifier: aws.String("multi"), NewDBClusterIdentifier: aws.String("older"), ApplyImmediately: aws.Bool(true)})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		wantCode(t, restoringCluster("of-multi", func(x *clusterRestore) {
			x.DBClusterIdentifier, x.Engine, x.DBClusterInstanceClass = aws.String("multi"), aws.String("postgres"), aws.String("db.m6gd.large")
			x.StorageType, x.Iops = aws.String("io1"), aws.Int32(3000)
		})(ctx, c), "")
		if m := clusterOf(t, c, "multi").DBClusterMembers; len(m) != 3 || *m[0].DBInstanceIdentifier != "multi-instance-4" {
			t.Errorf("its instances: %+v", m)
		}
	})
}
