package rds

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// The statuses are those of the Amazon RDS User Guide, "Viewing Amazon RDS DB
// instance status". CreateDBSnapshot wants available or storage-optimization.
func TestReadinessOfEveryStatus(t *testing.T) {
	for want, statuses := range map[dr.Readiness][]string{
		dr.Ready: {"available", "storage-optimization"},
		dr.Busy: {
			"backing-up", "backtracking", "configuring-enhanced-monitoring", "configuring-iam-database-auth",
			"configuring-log-exports", "converting-to-vpc", "creating", "maintenance", "modifying", "moving-to-vpc",
			"rebooting", "renaming", "resetting-master-credentials", "starting", "stopping", "storage-config-upgrade",
			"storage-initialization", "upgrading",
			// What RDS will come up with is waited for, and not reported as broken.
			"dancing", "",
		},
		dr.Blocked: {
			"failed", "inaccessible-encryption-credentials", "inaccessible-encryption-credentials-recoverable",
			"incompatible-create", "incompatible-network", "incompatible-option-group", "incompatible-parameters",
			"incompatible-restore", "insufficient-capacity", "restore-error", "stopped", "storage-full",
		},
		dr.Leaving: {"deleting", "delete-precheck"},
	} {
		for _, status := range statuses {
			r := resource(dr.Site{}, &types.DBInstance{DBInstanceStatus: &status})
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
		"upgrading": dr.Unclear, "modifying": dr.Unclear, "incompatible-restore": dr.Unclear, "dancing": dr.Unclear, "": dr.Unclear,
	} {
		s := snapshot(dr.Site{}, &types.DBSnapshot{Status: &status})
		if s.State != want || s.Status != status {
			t.Errorf("%q is %s (%q), want %s", status, s.State, s.Status, want)
		}
	}
}

// Taken is the moment whose data a snapshot holds: on a copy that of the
// original, and while RDS does not tell yet, the slot.
func TestTaken(t *testing.T) {
	slot := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	made, first := slot.Add(2*time.Hour), slot.Add(time.Minute)
	original := dr.Claim{Owner: "prod", Policy: "gold", Slot: slot, Source: "rds/1/r/orders"}
	said := original
	said.Origin, said.Taken = "rds/1/r/first", slot.Add(90*time.Second)
	for name, c := range map[string]struct {
		in   types.DBSnapshot
		want time.Time
	}{
		"a copy whose claim tells": {
			types.DBSnapshot{SnapshotCreateTime: &made, OriginalSnapshotCreateTime: &first, TagList: rdsapi.SDKTags(said.Tags(), nil)}, said.Taken,
		},
		"an original":          {types.DBSnapshot{SnapshotCreateTime: &made}, made},
		"a copy":               {types.DBSnapshot{SnapshotCreateTime: &made, OriginalSnapshotCreateTime: &first}, first},
		"just begun":           {types.DBSnapshot{}, slot},
		"in another time zone": {types.DBSnapshot{SnapshotCreateTime: aws.Time(made.In(time.FixedZone("", 3600)))}, made},
	} {
		if c.in.TagList == nil {
			c.in.TagList = rdsapi.SDKTags(original.Tags(), nil)
		}
		if got := snapshot(dr.Site{}, &c.in).Taken; got != c.want {
			t.Errorf("%s was taken at %v, want %v", name, got, c.want)
		}
	}
}

// A copy says what it was made from and when it was begun. RDS names the source of
// copies from other accounts and Regions only; of others the claim tells.
func TestCopies(t *testing.T) {
	made := time.Date(2026, 11, 20, 16, 0, 0, 0, time.UTC)
	source := aws.String("arn:aws:rds:us-east-1:111111111111:snapshot:first")
	original := dr.Claim{Owner: "prod", Policy: "gold", Slot: made, Source: "rds/1/r/orders"}
	rekeyed := original
	rekeyed.Origin = "rds/1/r/first"
	for name, c := range map[string]struct {
		in    types.DBSnapshot
		claim dr.Claim
		of    string
		made  time.Time
		state dr.Condition
	}{
		"an original":            {types.DBSnapshot{Status: aws.String("available"), SnapshotCreateTime: &made}, original, "", time.Time{}, dr.Good},
		"from another Region":    {types.DBSnapshot{Status: aws.String("available"), SnapshotCreateTime: &made, SourceDBSnapshotIdentifier: source}, rekeyed, *source, made, dr.Good},
		"somebody's":             {types.DBSnapshot{Status: aws.String("available"), SnapshotCreateTime: &made, SourceDBSnapshotIdentifier: source}, dr.Claim{}, *source, made, dr.Good},
		"under another key":      {types.DBSnapshot{Status: aws.String("creating"), SnapshotCreateTime: &made}, rekeyed, "", made, dr.Pending},
		"just begun":             {types.DBSnapshot{Status: aws.String("copying"), SourceDBSnapshotIdentifier: source}, rekeyed, *source, time.Time{}, dr.Pending},
		"failed, with its claim": {types.DBSnapshot{Status: aws.String("failed"), SnapshotCreateTime: &made, SourceDBSnapshotIdentifier: source}, rekeyed, *source, made, dr.Failed},
	} {
		if c.claim.Ours() {
			c.in.TagList = rdsapi.SDKTags(c.claim.Tags(), nil)
		}
		got := snapshot(dr.Site{}, &c.in)
		if got.CopyOf != c.of || got.Made != c.made || got.State != c.state || got.Claim != c.claim {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
