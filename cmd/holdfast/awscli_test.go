package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/outside"
)

// TestSandboxUnderAWS lets the aws command line talk to "holdfast sandbox". It is
// short: the simulated AWS has its own tests, of each call.
func TestSandboxUnderAWS(t *testing.T) {
	outside.Command(t, "aws")
	endpoint := serving(t, "--seed", "small")
	aws := func(fails bool, args ...string) (out, errs string) {
		t.Helper()
		out, errs, got := outside.AWS(t, endpoint, testAccount, "us-east-1", args...)
		if (got != 0) != fails {
			t.Fatalf("aws %q: exit code %d\n%s%s", args, got, out, errs)
		}
		return out, errs
	}
	const fine, fails = false, true
	const snapshot = "arn:aws:rds:us-east-1:" + testAccount + ":snapshot:before"

	out, _ := aws(fine, "rds", "describe-db-instances")
	var databases struct {
		DBInstances []struct{ DBInstanceIdentifier string }
	}
	if err := json.Unmarshal([]byte(out), &databases); err != nil || len(databases.DBInstances) != 15 {
		t.Errorf("%d databases and members of clusters, want 15 (%v)", len(databases.DBInstances), err)
	}
	out, _ = aws(fine, "rds", "create-db-snapshot", "--db-instance-identifier", "catalog", "--db-snapshot-identifier", "before", "--tags", "Key=team,Value=shop")
	says(t, out, `"creating"`)
	_, errs := aws(fails, "rds", "copy-db-snapshot", "--source-db-snapshot-identifier", "before", "--target-db-snapshot-identifier", "copy")
	says(t, errs, "InvalidDBSnapshotState")

	advance(t, endpoint, "1h")
	aws(fine, "rds", "copy-db-snapshot", "--source-db-snapshot-identifier", "before", "--target-db-snapshot-identifier", "copy")
	aws(fine, "rds", "modify-db-snapshot-attribute", "--db-snapshot-identifier", "before", "--attribute-name", "restore", "--values-to-add", "222222222222")
	out, _ = aws(fine, "rds", "describe-db-snapshot-attributes", "--db-snapshot-identifier", "before")
	says(t, out, "222222222222")
	aws(fine, "rds", "add-tags-to-resource", "--resource-name", snapshot, "--tags", "Key=holdfast:keep,Value=yes")
	out, _ = aws(fine, "rds", "describe-db-snapshots", "--db-snapshot-identifier", "before")
	says(t, out, `"holdfast:keep"`, `"team"`, `"available"`)
	aws(fine, "rds", "delete-db-snapshot", "--db-snapshot-identifier", "before")
	advance(t, endpoint, "1h")
	_, errs = aws(fails, "rds", "describe-db-snapshots", "--db-snapshot-identifier", "before")
	says(t, errs, "DBSnapshotNotFound")
	if _, errs, _ := outside.AWS(t, endpoint, "nobody", "us-east-1", "sts", "get-caller-identity"); !strings.Contains(errs, "InvalidClientTokenId") {
		t.Errorf("an unknown caller: %s", errs)
	}
}
