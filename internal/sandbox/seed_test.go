package sandbox_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func TestSeedExample(t *testing.T) {
	text, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, string(text))
	c := rdsAt(a, prod, east)
	got := snapshot(t, c, "orders-before-migration")
	if age := time.Since(*got.SnapshotCreateTime).Round(time.Hour); age != 74*time.Hour || !*got.Encrypted {
		t.Errorf("age %s, encrypted %v", age, *got.Encrypted)
	}
	if got := *snapshot(t, c, "orders-bad").Status; got != "failed" {
		t.Errorf("orders-bad is %s", got)
	}
	if got := status(t, c, "carts"); got != "stopped" {
		t.Errorf("carts is %s", got)
	}
	shared := names(t, rdsAt(a, recovery, east), rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("shared")})
	if len(shared) != 1 || !strings.HasSuffix(shared[0], ":carts-shared") {
		t.Errorf("shared with the other account: %v", shared)
	}
	_, err = stsAt(a, prod, east).GetCallerIdentity(t.Context(), nil)
	wantCode(t, err, "")
	_, err = c.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("carts"), SkipFinalSnapshot: aws.Bool(true)})
	wantCode(t, err, "AccessDenied")
	_, err = c.CopyDBSnapshot(t.Context(), &rds.CopyDBSnapshotInput{
		SourceDBSnapshotIdentifier: aws.String("orders-before-migration"), TargetDBSnapshotIdentifier: aws.String("c"), KmsKeyId: aws.String("alias/other"),
	})
	wantCode(t, err, "KMSKeyNotAccessibleFault") // Only declared keys exist.
}

func TestSeedErrorsTellTheLine(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"syntax", "accounts:\n  \"1\": [\n", "s.yaml:2: "},
		{"unknown field", "accounts:\n  \"111111111111\":\n    regoins: {}\n", `s.yaml:3: unknown field "regoins"`},
		{"wrong type", "accounts:\n  \"111111111111\":\n    roles: 5\n", "s.yaml:3: "},
		{"account", "accounts:\n  prod:\n    roles: []\n", `s.yaml:3: accounts.prod: "prod" is not an account id`},
		{"Region", "accounts:\n  \"111111111111\":\n    regions:\n      us-east-1a: {}\n", `"us-east-1a" is not a Region`},
		{"engine", region("databases:\n          a: {}\n          b: {engine: sqlite}\n"), `s.yaml:7: accounts.111111111111.regions.us-east-1.databases.b: there is no engine "sqlite"`},
		{"name", region("databases:\n          a_b: {}\n"), "is not a valid identifier"},
		{"tag", region("databases:\n          a: {tags: {k: \"a,b\"}}\n"), "The tag value 'a,b' contains invalid characters"},
		{"snapshot of nothing", region("snapshots:\n          - {of: a, name: b}\n          - {name: b}\n"), "s.yaml:7: accounts.111111111111.regions.us-east-1.snapshots.[1]: of: the database's name is missing"},
		{"snapshot type", region("snapshots:\n          - {of: a, name: b, type: weekly}\n"), `type: "weekly" is none of`},
		{"snapshot status", region("snapshots:\n          - {of: a, name: b, status: fine}\n"), `status: "fine" is none of`},
		{"snapshot name", region("snapshots:\n          - {of: a, name: b-}\n"), "is not a valid identifier"},
		{"age", region("snapshots:\n          - {of: a, name: b, age: 3x}\n"), `"3x" is not a duration`},
		{"quota", region("quotas: {cheese: 3}\n"), `there is no quota "cheese"`},
		{"fault", "faults:\n  - {kind: fail}\n  - {kind: odd}\n", `s.yaml:3: faults.[1]: kind: "odd" is none of`},
		{"negative", "faults:\n  - {kind: fail, times: -1}\n", "must not be negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := sandbox.ParseSeed("s.yaml", []byte(tc.text))
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "s.yaml:") {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

// region puts lines into a Region; they begin at line 5.
func region(lines string) string {
	return "accounts:\n  \"111111111111\":\n    regions:\n      us-east-1:\n        " + lines
}

func TestSeedRefusesWhatIsTaken(t *testing.T) {
	a := sandbox.New(sandbox.Options{})
	if err := a.PutDBInstance(prod, east, "orders", sandbox.SeedDatabase{}); err != nil {
		t.Fatal(err)
	}
	if err := a.PutDBInstance(prod, east, "ORDERS", sandbox.SeedDatabase{}); err == nil {
		t.Error("a second database of the same name was put in")
	}
	put := sandbox.SeedSnapshot{Of: "orders", Name: "o-1", Tags: map[string]string{"a": "b"}, Age: sandbox.Age(time.Hour), Status: "creating"}
	if err := a.PutDBSnapshot(prod, east, put); err != nil {
		t.Fatal(err)
	}
	if err := a.PutDBSnapshot(prod, east, put); err == nil {
		t.Error("a second snapshot of the same name was put in")
	}
	if got := *snapshot(t, rdsAt(a, prod, east), "o-1").Status; got != "creating" {
		t.Errorf("it is %s, want creating", got)
	}
	a.Advance(time.Hour)
	if got := *snapshot(t, rdsAt(a, prod, east), "o-1").Status; got != "available" {
		t.Errorf("it is %s, want available", got)
	}
}

func TestBuiltin(t *testing.T) {
	if _, err := sandbox.Builtin("huge"); err == nil {
		t.Error("there is a seed huge")
	}
	for _, name := range []string{"small", "large"} {
		seed, err := sandbox.Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := sandbox.New(sandbox.Options{}).Seed(seed); err != nil {
			t.Error(err)
		}
	}
}

func TestParseAge(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "6h": 6 * time.Hour, "7d": 168 * time.Hour, "4w": 672 * time.Hour, "3d2h": 74 * time.Hour, "5s": 5 * time.Second,
	} {
		if got, err := sandbox.ParseAge(text); err != nil || got != want {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "3", "d", "-1d", "1.5h", "99999999999d", "1d ", "4000w4000w"} {
		if got, err := sandbox.ParseAge(text); err == nil {
			t.Errorf("%q is %s, want an error", text, got)
		}
	}
}

func FuzzParseSeed(f *testing.F) {
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(region("snapshots:\n          - {name: b}\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		seed, err := sandbox.ParseSeed("s.yaml", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "s.yaml:") {
				t.Errorf("the error does not tell its place: %v", err)
			}
			return
		}
		// Whatever parses either goes in or is refused.
		if err := sandbox.New(sandbox.Options{}).Seed(seed); err != nil && !strings.HasPrefix(err.Error(), "seed: ") {
			t.Error(err)
		}
	})
}
