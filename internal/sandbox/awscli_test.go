package sandbox_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// cli is the aws command line pointed at a sandbox.
type cli struct {
	t        *testing.T
	endpoint string
}

// run gives the value at a path of the answer.
func (c cli) run(account, region string, path []string, args ...string) any {
	c.t.Helper()
	out, errs, exit := outside.AWS(c.t, c.endpoint, account, region, args...)
	if exit != 0 {
		c.t.Fatalf("aws %s: exit %d\n%s", strings.Join(args, " "), exit, errs)
	}
	if len(path) == 0 {
		return nil
	}
	var got any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	for _, key := range path {
		switch v := got.(type) {
		case map[string]any:
			got = v[key]
		case []any:
			got = v[0].(map[string]any)[key]
		}
	}
	return got
}

// refused fails the test unless aws ends with this error code.
func (c cli) refused(account, region, code string, args ...string) {
	c.t.Helper()
	_, errs, exit := outside.AWS(c.t, c.endpoint, account, region, args...)
	if exit == 0 || !strings.Contains(errs, "("+code+")") {
		c.t.Errorf("aws %s: exit %d, %s\nwant %s", strings.Join(args, " "), exit, errs, code)
	}
}

func (c cli) is(got, want any) {
	c.t.Helper()
	if got != want {
		c.t.Errorf("got %v, want %v", got, want)
	}
}

// TestAWSCommandLine has the real command line judge the sandbox: another client
// than the SDK that holdfast uses, with its own reading of the service model.
func TestAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line two dozen times")
	}
	a := sandbox.New(sandbox.Options{})
	seed, err := sandbox.Builtin("small")
	if err == nil {
		err = a.Seed(seed)
	}
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	c := cli{t, server.URL}
	t.Run("snapshot", func(t *testing.T) { cliSnapshot(cli{t, server.URL}, a) })
	t.Run("copy and share", func(t *testing.T) { cliCopy(cli{t, server.URL}, a) })
	t.Run("errors", func(t *testing.T) { cliErrors(cli{t, server.URL}, a) })
	c.is(c.run(recovery, west, []string{"Arn"}, "sts", "get-caller-identity"), "arn:aws:iam::222222222222:root")
}

func cliSnapshot(c cli, a *sandbox.AWS) {
	dbs := c.run(prod, east, []string{"DBInstances"}, "rds", "describe-db-instances").([]any)
	if len(dbs) != 15 {
		c.t.Errorf("%d databases, want 15", len(dbs))
	}
	made := c.run(prod, east, []string{"DBSnapshot"}, "rds", "create-db-snapshot", "--db-instance-identifier", "orders",
		"--db-snapshot-identifier", "Orders-1", "--tags", "Key=team,Value=shop").(map[string]any)
	c.is(made["Status"], "creating")
	c.is(made["DBSnapshotIdentifier"], "orders-1")
	c.is(made["PercentProgress"], 0.0)

	a.Advance(time.Hour)
	c.run(prod, east, nil, "rds", "wait", "db-snapshot-available", "--db-snapshot-identifier", "orders-1")
	const arn = "arn:aws:rds:us-east-1:111111111111:snapshot:orders-1"
	c.run(prod, east, nil, "rds", "add-tags-to-resource", "--resource-name", arn, "--tags", "Key=ticket,Value=a/1 b")
	c.run(prod, east, nil, "rds", "remove-tags-from-resource", "--resource-name", arn, "--tag-keys", "team")
	c.is(c.run(prod, east, []string{"TagList", "Value"}, "rds", "list-tags-for-resource", "--resource-name", arn), "a/1 b")
}

func cliCopy(c cli, a *sandbox.AWS) {
	const arn = "arn:aws:rds:us-east-1:111111111111:snapshot:orders-1"
	if _, err := a.PutKey(recovery, west, sandbox.SeedKey{Name: "alias/dr"}); err != nil {
		c.t.Fatal(err)
	}
	shared := c.run(prod, east, []string{"DBSnapshotAttributesResult", "DBSnapshotAttributes", "AttributeValues"}, "rds", "modify-db-snapshot-attribute",
		"--db-snapshot-identifier", "orders-1", "--attribute-name", "restore", "--values-to-add", recovery).([]any)
	if !slices.Contains(shared, any(recovery)) {
		c.t.Errorf("shared with %v", shared)
	}
	c.is(c.run(recovery, east, []string{"DBSnapshots", "DBSnapshotIdentifier"}, "rds", "describe-db-snapshots", "--snapshot-type", "shared"), arn)
	c.refused(recovery, west, "InvalidParameterValue", "rds", "copy-db-snapshot",
		"--source-db-snapshot-identifier", arn, "--target-db-snapshot-identifier", "orders-dr", "--source-region", east)
	made := c.run(recovery, west, []string{"DBSnapshot"}, "rds", "copy-db-snapshot", "--source-db-snapshot-identifier", arn,
		"--target-db-snapshot-identifier", "orders-dr", "--source-region", east, "--kms-key-id", "alias/dr", "--tags", "Key=a,Value=b").(map[string]any)
	c.is(made["SourceRegion"], east)
	c.is(made["Encrypted"], true)
	a.Advance(24 * time.Hour)
	c.is(c.run(recovery, west, []string{"DBSnapshots", "Status"}, "rds", "describe-db-snapshots", "--db-snapshot-identifier", "orders-dr"), "available")
	c.is(c.run(recovery, west, []string{"DBSnapshot", "Status"}, "rds", "delete-db-snapshot", "--db-snapshot-identifier", "orders-dr"), "deleted")
	a.Advance(time.Minute)
	c.run(recovery, west, nil, "rds", "wait", "db-snapshot-deleted", "--db-snapshot-identifier", "orders-dr")
}

func cliErrors(c cli, a *sandbox.AWS) {
	snap := func(db, name string) []string {
		return []string{"rds", "create-db-snapshot", "--db-instance-identifier", db, "--db-snapshot-identifier", name}
	}
	c.refused(prod, east, "DBSnapshotNotFound", "rds", "describe-db-snapshots", "--db-snapshot-identifier", "nothing")
	c.refused(prod, east, "InvalidParameterValue", snap("catalog", "bad--name")...)
	c.refused(prod, east, "DBSnapshotAlreadyExists", snap("catalog", "orders-1")...)
	c.refused(prod, east, "InvalidDBInstanceState", snap("legacy-crm", "crm-1")...)
	if err := a.SetQuota(prod, east, sandbox.QuotaManualSnapshots, 1); err != nil {
		c.t.Fatal(err)
	}
	c.refused(prod, east, "SnapshotQuotaExceeded", snap("catalog", "catalog-1")...)
	a.SetDenied(prod, "rds:*")
	c.refused(prod, east, "AccessDenied", "rds", "describe-db-instances")
}
