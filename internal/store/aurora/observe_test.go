package aurora

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// The statuses are those of the Amazon Aurora User Guide, "DB cluster status", and
// for Multi-AZ DB clusters some of those of DB instances.
func TestReadinessOfEveryStatus(t *testing.T) {
	for want, statuses := range map[dr.Readiness][]string{
		dr.Ready: {"available"},
		dr.Busy: {
			"backing-up", "backtracking", "creating", "failing-over", "maintenance", "migrating", "modifying",
			"preparing-data-migration", "promoting", "rebooting", "renaming", "resetting-master-credentials",
			"starting", "stopping", "storage-optimization", "update-iam-db-auth", "upgrading",
			// What AWS will come up with is waited for, and not reported as broken.
			"dancing", "",
		},
		dr.Blocked: {
			"cloning-failed", "failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
			"incompatible-parameters", "insufficient-capacity", "migration-failed", "restore-error", "stopped", "storage-full",
		},
		dr.Leaving: {"deleting", "delete-precheck"},
	} {
		for _, status := range statuses {
			r := resource(dr.Site{}, &types.DBCluster{Status: &status}, nil)
			if r.State != want || r.Status != status {
				t.Errorf("%q is %s (%q), want %s", status, r.State, r.Status, want)
			}
		}
	}
}

func TestConditionOfEveryStatus(t *testing.T) {
	for status, want := range map[string]dr.Condition{
		"available": dr.Good,
		"creating":  dr.Pending, "copying": dr.Pending, "pending": dr.Pending,
		"failed":   dr.Failed,
		"deleting": dr.Going, "deleted": dr.Going,
		// What is not known counts for nothing and is left alone.
		"upgrading": dr.Unclear, "dancing": dr.Unclear, "": dr.Unclear,
	} {
		s := snapshot(dr.Site{}, &types.DBClusterSnapshot{Status: &status})
		if s.State != want || s.Status != status {
			t.Errorf("%q is %s (%q), want %s", status, s.State, s.Status, want)
		}
	}
}

// Taken is never later than the data that a snapshot holds.
func TestTaken(t *testing.T) {
	slot := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	made := slot.Add(2 * time.Hour)
	claim := dr.Claim{Owner: "prod", Policy: "gold", Slot: slot, Source: "aurora/1/r/orders"}
	source := aws.String("arn:aws:rds:us-east-1:111111111111:cluster-snapshot:first")
	ours := rdsapi.SDKTags(claim.Tags(), nil)
	said := claim
	said.Origin, said.Taken = "aurora/1/r/first", slot.Add(90*time.Second)
	for name, c := range map[string]struct {
		in   types.DBClusterSnapshot
		want time.Time
	}{
		"an original": {types.DBClusterSnapshot{SnapshotCreateTime: &made, TagList: ours}, made},
		"a copy whose claim tells": {
			types.DBClusterSnapshot{SnapshotCreateTime: &made, SourceDBClusterSnapshotArn: source, TagList: rdsapi.SDKTags(said.Tags(), nil)}, said.Taken,
		},
		"a copy of ours":       {types.DBClusterSnapshot{SnapshotCreateTime: &made, SourceDBClusterSnapshotArn: source, TagList: ours}, slot},
		"somebody's copy":      {types.DBClusterSnapshot{SnapshotCreateTime: &made, SourceDBClusterSnapshotArn: source}, made},
		"just begun":           {types.DBClusterSnapshot{TagList: ours}, slot},
		"in another time zone": {types.DBClusterSnapshot{SnapshotCreateTime: aws.Time(made.In(time.FixedZone("", 3600)))}, made},
	} {
		got := snapshot(dr.Site{}, &c.in)
		if got.Taken != c.want {
			t.Errorf("%s was taken at %v, want %v", name, got.Taken, c.want)
		}
		if copied := c.in.SourceDBClusterSnapshotArn != nil; got.CopyOf != aws.ToString(c.in.SourceDBClusterSnapshotArn) || got.Made.IsZero() == copied {
			t.Errorf("%s is a copy of %q, begun at %v", name, got.CopyOf, got.Made)
		}
	}
}

// Aurora does not tell how much it has allocated; a Multi-AZ DB cluster does.
func TestBytes(t *testing.T) {
	for _, c := range []struct {
		engine string
		gib    int32
		want   int64
	}{{"aurora-postgresql", 1, 0}, {"aurora-mysql", 70, 70 * gibibyte}, {"postgres", 100, 100 * gibibyte}, {"mysql", 1, gibibyte}} {
		if got := bytes(&types.DBCluster{Engine: &c.engine, AllocatedStorage: &c.gib}); got != c.want {
			t.Errorf("%s with %d GiB has %d bytes, want %d", c.engine, c.gib, got, c.want)
		}
	}
}

func TestEngines(t *testing.T) {
	for engine, want := range map[string]bool{
		"aurora": true, "aurora-mysql": true, "aurora-postgresql": true, "mysql": true, "postgres": true,
		"docdb": false, "neptune": false, "": false, "aurorae": false,
	} {
		if protects(engine) != want {
			t.Errorf("clusters of %q are ours: %t", engine, !want)
		}
	}
}
