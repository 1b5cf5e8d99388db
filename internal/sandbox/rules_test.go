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

// ARNs of what ruleSeed puts in.
const (
	eastSnapshot = "arn:aws:rds:us-east-1:111111111111:snapshot:"
	eastDB       = "arn:aws:rds:us-east-1:111111111111:db:"
)

const ruleSeed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        snapshots:
          - {of: catalog, name: plain, age: 1d, tags: {team: shop}}
          - {of: catalog, name: plain-shared, age: 1d, tags: {team: shop}, shared: ["222222222222"]}
          - {of: catalog, name: busy, age: 1m, status: creating}
          - {of: catalog, name: broken, age: 1d, status: failed}
          - {of: catalog, name: "rds:catalog-2026-01-01-00-00", type: automated, age: 2d}
          - {of: catalog, name: "awsbackup:job-1", type: awsbackup, age: 2d}
          - {of: catalog, name: with-aws-tag, age: 1d, tags: {"aws:backup:source-resource": x}}
          - {of: customers, name: managed-key, age: 1d}
          - {of: orders, name: own-key, age: 1d, shared: ["222222222222"]}
      us-west-2: {keys: [alias/dr]}
  "222222222222":
    regions:
      us-east-1: {keys: [alias/dr]}
      us-west-2: {keys: [alias/dr]}
`

// rule is one call and the error code that AWS answers with; "" for success.
type rule struct {
	name string
	call func(context.Context, *rds.Client) error
	code string
}

func runRules(t *testing.T, account, region string, rules []rule) {
	t.Helper()
	for _, tc := range rules {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
				mustSeed(t, a, ruleSeed)
				wantCode(t, tc.call(t.Context(), rdsAt(a, account, region)), tc.code)
			})
		})
	}
}

func mustSeed(t *testing.T, a *sandbox.AWS, text string) {
	t.Helper()
	seed, err := sandbox.ParseSeed("test.yaml", []byte(text))
	if err == nil {
		err = a.Seed(seed)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func create(db, name string, tags ...types.Tag) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		_, err := c.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{DBInstanceIdentifier: &db, DBSnapshotIdentifier: &name, Tags: tags})
		return err
	}
}

func TestCreateSnapshotRules(t *testing.T) {
	many := make([]types.Tag, 51)
	for i := range many {
		many[i] = tag(fmt.Sprintf("key-%d", i), "")
	}
	long := strings.Repeat("a", 256)
	const bad = "InvalidParameterValue"
	runRules(t, prod, east, []rule{
		{"fine", create("catalog", "c-1"), ""},
		{"by ARN", create(eastDB+"catalog", "c-1"), ""},
		{"no such database", create("nobody", "c-1"), "DBInstanceNotFound"},
		{"taken", create("catalog", "PLAIN"), "DBSnapshotAlreadyExists"},
		{"stopped", create("legacy-crm", "c-1"), "InvalidDBInstanceState"},
		{"blank name", create("catalog", ""), bad},
		{"digit first", create("catalog", "1c"), bad},
		{"hyphen last", create("catalog", "c-"), bad},
		{"two hyphens", create("catalog", "c--1"), bad},
		{"underscore", create("catalog", "c_1"), bad},
		{"reserved", create("catalog", "rds:c-1"), bad},
		{"not ASCII", create("catalog", "cä"), bad},
		{"255 long", create("catalog", long[:255]), ""},
		{"256 long", create("catalog", long), bad},
		{"tags at the limit", create("catalog", "c-1", tag(long[:128], long)), ""},
		{"tags of the alphabet", create("catalog", "c-1", tag("a b_.:/=+-@ß", "é 1")), ""},
		{"long key", create("catalog", "c-1", tag(long[:129], "")), bad},
		{"long value", create("catalog", "c-1", tag("k", long+"a")), bad},
		{"empty key", create("catalog", "c-1", tag("", "v")), bad},
		{"bad value", create("catalog", "c-1", tag("k", "a,b")), bad},
		{"bad key", create("catalog", "c-1", tag("k{}", "")), bad},
		{"reserved key", create("catalog", "c-1", tag("aws:x", "")), bad},
		{"rds key", create("catalog", "c-1", tag("RDS:x", "")), bad},
		{"twice", create("catalog", "c-1", tag("k", "1"), tag("k", "2")), bad},
		{"keys differ by case", create("catalog", "c-1", tag("k", "1"), tag("K", "2")), ""},
		{"50 tags", create("catalog", "c-1", many[:50]...), ""},
		{"51 tags", create("catalog", "c-1", many...), bad},
	})
}

func remove(name string) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		_, err := c.DeleteDBSnapshot(ctx, &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: &name})
		return err
	}
}

func TestDeleteSnapshotRules(t *testing.T) {
	const state = "InvalidDBSnapshotState"
	runRules(t, prod, east, []rule{
		{"available", remove("plain"), ""},
		{"failed", remove("broken"), ""},
		{"creating", remove("busy"), state},
		{"automated", remove("rds:catalog-2026-01-01-00-00"), state},
		{"of AWS Backup", remove("awsbackup:job-1"), state},
		{"unknown", remove("nothing"), "DBSnapshotNotFound"},
		{"twice", func(ctx context.Context, c *rds.Client) error {
			if err := remove("plain")(ctx, c); err != nil {
				return err
			}
			return remove("plain")(ctx, c)
		}, state},
		{"gone", func(ctx context.Context, c *rds.Client) error {
			if err := remove("plain")(ctx, c); err != nil {
				return err
			}
			time.Sleep(time.Minute)
			return remove("plain")(ctx, c)
		}, "DBSnapshotNotFound"},
	})
	runRules(t, recovery, east, []rule{
		{"another account's", remove("plain-shared"), "DBSnapshotNotFound"},
		{"another account's by ARN", remove(eastSnapshot + "plain-shared"), "DBSnapshotNotFound"},
	})
}

func copyOf(in rds.CopyDBSnapshotInput) func(context.Context, *rds.Client) error {
	if in.TargetDBSnapshotIdentifier == nil {
		in.TargetDBSnapshotIdentifier = aws.String("copied")
	}
	return func(ctx context.Context, c *rds.Client) error {
		_, err := c.CopyDBSnapshot(ctx, &in)
		return err
	}
}

func from(name string) rds.CopyDBSnapshotInput {
	return rds.CopyDBSnapshotInput{SourceDBSnapshotIdentifier: &name}
}

func fromWith(name, key string) rds.CopyDBSnapshotInput {
	in := from(name)
	in.KmsKeyId = &key
	return in
}

func TestCopyRules(t *testing.T) {
	tagged := from("with-aws-tag")
	tagged.CopyTags = aws.Bool(true)
	taken := from("plain")
	taken.TargetDBSnapshotIdentifier = aws.String("plain")
	group := from("plain")
	group.OptionGroupName = aws.String("none-such")
	t.Run("same Region", func(t *testing.T) {
		runRules(t, prod, east, []rule{
			{"plain", copyOf(from("plain")), ""},
			{"by ARN", copyOf(from(eastSnapshot + "plain")), ""},
			{"automated", copyOf(from("rds:catalog-2026-01-01-00-00")), ""},
			{"encrypted keeps its key", copyOf(from("managed-key")), ""},
			{"encrypted to a customer key", copyOf(fromWith("managed-key", "alias/shop")), ""},
			{"unknown", copyOf(from("nothing")), "DBSnapshotNotFound"},
			{"not ready", copyOf(from("busy")), "InvalidDBSnapshotState"},
			{"failed", copyOf(from("broken")), "InvalidDBSnapshotState"},
			{"taken", copyOf(taken), "DBSnapshotAlreadyExists"},
			{"AWS's tags", copyOf(tagged), "InvalidParameterValue"},
			{"no such option group", copyOf(group), "OptionGroupNotFoundFault"},
			{"key of another Region", copyOf(fromWith("plain", "arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000")), "KMSKeyNotAccessibleFault"},
			{"not a key", copyOf(fromWith("plain", "shop")), "KMSKeyNotAccessibleFault"},
		})
	})
	t.Run("another Region", func(t *testing.T) {
		withRegion := from("plain")
		withRegion.SourceRegion = aws.String(east)
		runRules(t, prod, west, []rule{
			{"plain", copyOf(from(eastSnapshot + "plain")), ""},
			{"by name", copyOf(from("plain")), "DBSnapshotNotFound"},
			// The SDK keeps SourceRegion to itself.
			{"by name and Region", copyOf(withRegion), "DBSnapshotNotFound"},
			{"encrypted without a key", copyOf(from(eastSnapshot + "own-key")), "InvalidParameterValue"},
			{"encrypted with a key", copyOf(fromWith(eastSnapshot+"own-key", "alias/dr")), ""},
			{"plain with a key", copyOf(fromWith(eastSnapshot+"plain", "alias/dr")), ""},
		})
	})
	t.Run("another account", func(t *testing.T) {
		runRules(t, recovery, east, []rule{
			{"shared", copyOf(from(eastSnapshot + "plain-shared")), ""},
			{"not shared", copyOf(from(eastSnapshot + "plain")), "DBSnapshotNotFound"},
			{"shared encrypted without a key", copyOf(from(eastSnapshot + "own-key")), "KMSKeyNotAccessibleFault"},
			{"shared encrypted with a key", copyOf(fromWith(eastSnapshot+"own-key", "alias/dr")), ""},
		})
	})
	t.Run("another account and Region", func(t *testing.T) {
		runRules(t, recovery, west, []rule{
			{"shared", copyOf(from(eastSnapshot + "plain-shared")), ""},
			{"shared encrypted with a key", copyOf(fromWith(eastSnapshot+"own-key", "alias/dr")), ""},
			{"not an ARN of a snapshot", copyOf(from(eastDB + "catalog")), "InvalidParameterValue"},
		})
	})
}

func share(name string, add ...string) func(context.Context, *rds.Client) error {
	return func(ctx context.Context, c *rds.Client) error {
		_, err := c.ModifyDBSnapshotAttribute(ctx, &rds.ModifyDBSnapshotAttributeInput{
			DBSnapshotIdentifier: &name, AttributeName: aws.String("restore"), ValuesToAdd: add,
		})
		return err
	}
}

func TestShareRules(t *testing.T) {
	accounts := make([]string, 21)
	for i := range accounts {
		accounts[i] = fmt.Sprintf("3000000000%02d", i)
	}
	runRules(t, prod, east, []rule{
		{"plain", share("plain", recovery), ""},
		{"with all", share("plain", "all"), ""},
		{"customer key", share("own-key", recovery), ""},
		{"customer key with all", share("own-key", "all"), "InvalidParameterValue"},
		{"managed key", share("managed-key", recovery), "InvalidParameterValue"},
		{"automated", share("rds:catalog-2026-01-01-00-00", recovery), "InvalidDBSnapshotState"},
		{"not ready", share("busy", recovery), "InvalidDBSnapshotState"},
		{"unknown", share("nothing", recovery), "DBSnapshotNotFound"},
		{"not an account", share("plain", "2222"), "InvalidParameterValue"},
		{"nothing", share("plain"), "InvalidParameterCombination"},
		{"20 accounts", share("plain", accounts[:20]...), ""},
		{"21 accounts", share("plain", accounts...), "SharedSnapshotQuotaExceeded"},
	})
}

func TestTagRules(t *testing.T) {
	add := func(arn string, tags ...types.Tag) func(context.Context, *rds.Client) error {
		return func(ctx context.Context, c *rds.Client) error {
			_, err := c.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: &arn, Tags: tags})
			return err
		}
	}
	runRules(t, prod, east, []rule{
		{"snapshot", add(eastSnapshot+"plain", tag("a", "b")), ""},
		{"automated snapshot", add(eastSnapshot+"rds:catalog-2026-01-01-00-00", tag("a", "b")), ""},
		{"database", add(eastDB+"catalog", tag("a", "b")), ""},
		{"unknown snapshot", add(eastSnapshot+"nothing", tag("a", "b")), "DBSnapshotNotFound"},
		{"unknown database", add(eastDB+"nothing", tag("a", "b")), "DBInstanceNotFound"},
		{"not an ARN", add("plain", tag("a", "b")), "InvalidParameterValue"},
		{"bad tag", add(eastDB+"catalog", tag("a", "b;")), "InvalidParameterValue"},
	})
	runRules(t, prod, west, []rule{{"another Region", add(eastDB+"catalog", tag("a", "b")), "InvalidParameterValue"}})
	runRules(t, recovery, east, []rule{{"another account", add(eastSnapshot+"plain-shared", tag("a", "b")), "AccessDenied"}})
}
