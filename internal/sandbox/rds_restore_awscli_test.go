package sandbox_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// TestRestoreByAWSCommandLine has the real command line restore, change, rename and
// delete.
func TestRestoreByAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line two dozen times")
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, restoreSeed)
	mustSeed(t, a, clusterSeedOnly)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	t.Run("instance", func(t *testing.T) { cliRestore(cli{t, server.URL}, a) })
	t.Run("cluster", func(t *testing.T) { cliRestoreCluster(cli{t, server.URL}, a) })
}

const clusterSeedOnly = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        db-clusters: {ledger: {engine: aurora-mysql, members: {ledger-1: {tier: 2}}}}
        db-cluster-snapshots: [{of: ledger, name: ledger-snap, age: 1d}]
`

func cliRestore(c cli, a *sandbox.AWS) {
	one := []string{"DBInstance"}
	made := c.run(prod, east, one, "rds", "restore-db-instance-from-db-snapshot", "--db-instance-identifier", "Back",
		"--db-snapshot-identifier", "full-1", "--db-parameter-group-name", "tuned", "--vpc-security-group-ids", "sg-1",
		"--no-publicly-accessible", "--tags", "Key=team,Value=shop").(map[string]any)
	c.is(made["DBInstanceStatus"], "creating")
	c.is(made["DBInstanceIdentifier"], "back")
	c.refused(prod, east, "DBInstanceAlreadyExists", "rds", "restore-db-instance-from-db-snapshot",
		"--db-instance-identifier", "full", "--db-snapshot-identifier", "full-1")
	c.refused(prod, east, "InvalidDBSnapshotState", "rds", "restore-db-instance-from-db-snapshot",
		"--db-instance-identifier", "x", "--db-snapshot-identifier", "half")
	a.Advance(time.Hour)
	c.run(prod, east, nil, "rds", "wait", "db-instance-available", "--db-instance-identifier", "back")
	c.run(prod, east, nil, "rds", "add-role-to-db-instance", "--db-instance-identifier", "back",
		"--role-arn", "arn:aws:iam::111111111111:role/s3", "--feature-name", "s3Import")
	pending := c.run(prod, east, []string{"DBInstance", "PendingModifiedValues", "DBInstanceIdentifier"}, "rds", "modify-db-instance",
		"--db-instance-identifier", "full", "--new-db-instance-identifier", "full-old", "--apply-immediately")
	c.is(pending, "full-old")
	a.Advance(90 * time.Second)
	c.refused(prod, east, "DBInstanceNotFound", "rds", "describe-db-instances", "--db-instance-identifier", "full")
	c.run(prod, east, one, "rds", "modify-db-instance", "--db-instance-identifier", "back", "--new-db-instance-identifier", "full", "--apply-immediately")
	a.Advance(time.Hour)
	got := c.run(prod, east, []string{"DBInstances", "AssociatedRoles", "FeatureName"}, "rds", "describe-db-instances", "--db-instance-identifier", "full")
	c.is(got, "s3Import")
	c.refused(prod, east, "InvalidParameterCombination", "rds", "delete-db-instance", "--db-instance-identifier", "full-old", "--skip-final-snapshot")
	c.run(prod, east, one, "rds", "modify-db-instance", "--db-instance-identifier", "full-old", "--no-deletion-protection")
	a.Advance(time.Minute)
	c.run(prod, east, one, "rds", "delete-db-instance", "--db-instance-identifier", "full-old", "--final-db-snapshot-identifier", "full-last")
	a.Advance(time.Hour)
	c.run(prod, east, nil, "rds", "wait", "db-instance-deleted", "--db-instance-identifier", "full-old")
	c.is(c.run(prod, east, []string{"DBSnapshots", "TagList", "Value"}, "rds", "describe-db-snapshots", "--db-snapshot-identifier", "full-last"), "shop")
}

func cliRestoreCluster(c cli, a *sandbox.AWS) {
	made := c.run(prod, east, []string{"DBCluster"}, "rds", "restore-db-cluster-from-snapshot", "--db-cluster-identifier", "beside",
		"--snapshot-identifier", "ledger-snap", "--engine", "aurora-mysql", "--backtrack-window", "3600",
		"--serverless-v2-scaling-configuration", "MinCapacity=1,MaxCapacity=4").(map[string]any)
	c.is(made["Status"], "creating")
	c.is(len(made["DBClusterMembers"].([]any)), 0)
	member := []string{
		"rds", "create-db-instance", "--db-instance-identifier", "beside-1", "--db-cluster-identifier", "beside",
		"--db-instance-class", "db.serverless", "--engine", "aurora-mysql", "--promotion-tier", "2",
	}
	c.refused(prod, east, "InvalidDBClusterStateFault", member...)
	a.Advance(time.Hour)
	c.run(prod, east, nil, "rds", "wait", "db-cluster-available", "--db-cluster-identifier", "beside")
	c.is(c.run(prod, east, []string{"DBInstance", "PromotionTier"}, member...), 2.0)
	a.Advance(time.Hour)
	c.run(prod, east, nil, "rds", "modify-db-cluster", "--db-cluster-identifier", "ledger", "--new-db-cluster-identifier", "ledger-old", "--apply-immediately")
	a.Advance(5 * time.Minute)
	c.run(prod, east, nil, "rds", "modify-db-cluster", "--db-cluster-identifier", "beside", "--new-db-cluster-identifier", "ledger", "--apply-immediately")
	a.Advance(5 * time.Minute)
	c.is(c.run(prod, east, []string{"DBClusters", "DBClusterMembers", "DBInstanceIdentifier"}, "rds", "describe-db-clusters", "--db-cluster-identifier", "ledger"), "beside-1")
	c.refused(prod, east, "InvalidDBClusterStateFault", "rds", "delete-db-cluster", "--db-cluster-identifier", "ledger-old", "--skip-final-snapshot")
}
