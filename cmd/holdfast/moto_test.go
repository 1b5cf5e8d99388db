package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
)

// The accounts as moto has them: whoever calls without a role is in the first.
const (
	motoAccount = "123456789012"
	drAccount   = "222222222222"
)

const motoPolicy = `
namespace: prod
kinds: [rds] # what moto has most faithfully
sites:
  prod: {account: "123456789012", region: us-east-1}
  dr: {account: "222222222222", region: eu-west-1, role: holdfast}
policies:
  gold:
    match: {tags: {backup: gold}}
    every: 1d
    keep: {daily: 3, floor: 1}
`

// TestMoto runs holdfast as a program against an emulator that knows nothing of
// it. Databases and old snapshots are made, and tags are read back, by the aws
// command line, which knows nothing of it either.
func TestMoto(t *testing.T) {
	outside.Command(t, "aws")
	m := &moto{endpoint: outside.Moto(t), dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(m.dir, "holdfast.yaml"), []byte(motoPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	m.prod = motoPlace{motoAccount, "us-east-1", motoAccount}
	m.dr = motoPlace{drAccount, "eu-west-1", m.assume(t)}
	m.database(t, m.prod, "orders", "Key=backup,Value=gold", "Key=team,Value=shop")
	m.database(t, m.prod, "scratch")
	m.database(t, m.dr, "orders", "Key=backup,Value=gold")
	notAtMidnight()

	// In this order: each goes on where the one before left off.
	t.Run("check", m.check)
	t.Run("run takes one each", m.first)
	t.Run("the tags are right", m.tags)
	t.Run("run again does nothing", m.again)
	t.Run("days later the right ones expire", m.expire)
	t.Run("status", m.status)
}

const motoCopies = `
namespace: prod
kinds: [rds]
sites:
  prod: {account: "123456789012", region: us-east-1}
  far: {account: "123456789012", region: eu-west-1, key: alias/far}
policies:
  gold:
    match: {sites: [prod], tags: {backup: gold}}
    every: 1d
    keep: {daily: 3, floor: 1}
    copies:
      - {to: far, keep: {last: 1}}
`

// TestMotoCopies copies to another Region of the account: of more moto does not know
// enough. The database is encrypted under a key of its own Region, and the copy has to
// be under the other's.
func TestMotoCopies(t *testing.T) {
	outside.Command(t, "aws")
	m := &moto{endpoint: outside.Moto(t), dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(m.dir, "holdfast.yaml"), []byte(motoCopies), 0o600); err != nil {
		t.Fatal(err)
	}
	m.prod = motoPlace{motoAccount, "us-east-1", motoAccount}
	far := motoPlace{motoAccount, "eu-west-1", motoAccount}
	key := m.key(t, far, "alias/far")
	m.database(t, m.prod, "orders", "Key=backup,Value=gold")
	m.database(t, m.prod, "ledger", "Key=backup,Value=gold", "--storage-encrypted", "--kms-key-id", m.key(t, m.prod, "alias/shop"))
	notAtMidnight()

	says(t, m.holdfast(t, exitFine, "check"), "rds:CopyDBSnapshot", "kms:DescribeKey")
	says(t, m.holdfast(t, exitChanges, "plan"), "2 to create", "goes on to far")
	says(t, m.holdfast(t, exitFine, "run", "--wait", "--poll", "100ms", "--timeout", "60s"), "2 taken, 2 copied")
	for name, tags := range m.snapshots(t, far) {
		origin := "rds/" + motoAccount + "/us-east-1/holdfast-"
		if tags[dr.TagOwner] != "prod" || !strings.HasPrefix(tags[dr.TagOrigin], origin) || tags[dr.TagRetention] == "" || tags[dr.TagConfig] == "" {
			t.Errorf("the copy %s does not stand alone: %v", name, tags)
		}
	}
	if under := m.keys(t, far)["ledger"]; !strings.HasSuffix(under, key) {
		t.Errorf("the copy of ledger is under %s, want %s", under, key)
	}
	says(t, m.holdfast(t, exitFine, "plan"), ": 4 kept\n")
	before := m.snapshots(t, far)
	says(t, m.holdfast(t, exitFine, "run"), ": 4 kept\n")
	if diff := cmp.Diff(before, m.snapshots(t, far)); diff != "" || len(before) != 2 {
		t.Errorf("a second run changed something among %d copies (-before +after):\n%s", len(before), diff)
	}
	says(t, m.holdfast(t, exitFine, "snapshots", "orders"), "copy")
}

// key makes a KMS key with an alias and gives its id.
func (m *moto) key(t *testing.T, p motoPlace, alias string) string {
	t.Helper()
	var got struct {
		KeyMetadata struct {
			ID string `json:"KeyId"`
		}
	}
	m.aws(t, p, &got, "kms", "create-key")
	m.aws(t, p, nil, "kms", "create-alias", "--alias-name", alias, "--target-key-id", got.KeyMetadata.ID)
	return got.KeyMetadata.ID
}

// keys gives the key of a snapshot of each database at a place.
func (m *moto) keys(t *testing.T, p motoPlace) map[string]string {
	t.Helper()
	var got struct {
		DBSnapshots []struct {
			Of  string `json:"DBInstanceIdentifier"`
			Key string `json:"KmsKeyId"`
		}
	}
	m.aws(t, p, &got, "rds", "describe-db-snapshots", "--snapshot-type", "manual")
	out := map[string]string{}
	for _, s := range got.DBSnapshots {
		out[s.Of] = s.Key
	}
	return out
}

type moto struct {
	endpoint, dir string
	prod, dr      motoPlace
}

// motoPlace is a Region of an account, with the access key that leads there.
type motoPlace struct{ account, region, key string }

// notAtMidnight waits where the day is about to change, and with it every slot.
func notAtMidnight() {
	now := time.Now().UTC()
	if left := now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now); left < time.Minute {
		time.Sleep(left + time.Second)
	}
}

// aws runs the aws command line and reads its answer.
func (m *moto) aws(t *testing.T, p motoPlace, answer any, args ...string) {
	t.Helper()
	out, errs, exit := outside.AWS(t, m.endpoint, p.key, p.region, args...)
	if exit != 0 {
		t.Fatalf("aws %q: exit code %d: %s", args, exit, errs)
	}
	if answer != nil {
		if err := json.Unmarshal([]byte(out), answer); err != nil {
			t.Fatalf("aws %q: %v\n%s", args, err, out)
		}
	}
}

// assume gives an access key of the recovery account.
func (m *moto) assume(t *testing.T) string {
	t.Helper()
	var got struct {
		Credentials struct {
			Key string `json:"AccessKeyId"`
		}
	}
	m.aws(t, m.prod, &got, "sts", "assume-role", "--role-session-name", "test",
		"--role-arn", "arn:aws:iam::"+drAccount+":role/holdfast")
	return got.Credentials.Key
}

func (m *moto) database(t *testing.T, p motoPlace, name string, tags ...string) {
	t.Helper()
	args := []string{
		"rds", "create-db-instance", "--db-instance-identifier", name, "--engine", "postgres",
		"--db-instance-class", "db.t3.micro", "--allocated-storage", "20",
		"--master-username", "app", "--master-user-password", "secret-secret",
	}
	if len(tags) > 0 {
		args = append(append(args, "--tags"), tags...)
	}
	m.aws(t, p, nil, args...)
}

// seed makes a snapshot with tags, as if it had been made long ago.
func (m *moto) seed(t *testing.T, name string, tags dr.Tags) {
	t.Helper()
	args := []string{"rds", "create-db-snapshot", "--db-instance-identifier", "orders", "--db-snapshot-identifier", name}
	if len(tags) > 0 {
		args = append(args, "--tags")
		for k, v := range tags {
			args = append(args, "Key="+k+",Value="+v)
		}
	}
	m.aws(t, m.prod, nil, args...)
}

// snapshots gives the tags of every snapshot at a place, by its name.
func (m *moto) snapshots(t *testing.T, p motoPlace) map[string]dr.Tags {
	t.Helper()
	var got struct {
		DBSnapshots []struct {
			DBSnapshotIdentifier string
			TagList              []struct{ Key, Value string }
		}
	}
	m.aws(t, p, &got, "rds", "describe-db-snapshots", "--snapshot-type", "manual")
	out := map[string]dr.Tags{}
	for _, s := range got.DBSnapshots {
		tags := dr.Tags{}
		for _, tag := range s.TagList {
			tags[tag.Key] = tag.Value
		}
		out[s.DBSnapshotIdentifier] = tags
	}
	return out
}

// holdfast runs the program and insists on its exit code.
func (m *moto) holdfast(t *testing.T, exit int, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t), append(args, "--endpoint-url", m.endpoint)...)
	cmd.Dir = m.dir
	cmd.Env = []string{"HOME=" + m.dir, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true", "NO_PROXY=*"}
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != exit {
		t.Fatalf("holdfast %q: exit code %d, want %d\n%s\n%s", args, got, exit, out, errs.String())
	}
	return string(out)
}

func says(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in\n%s", w, got)
		}
	}
}

func (m *moto) check(t *testing.T) {
	got := m.holdfast(t, exitFine, "check")
	says(t, got, "Site prod: account 123456789012", "Site dr: account 222222222222", "assumed-role/holdfast")
	if strings.Contains(got, "MISSING") {
		t.Errorf("moto denies nothing, and yet:\n%s", got)
	}
	if n := len(m.snapshots(t, m.prod)); n != 0 {
		t.Errorf("check made %d snapshots", n)
	}
}

func (m *moto) first(t *testing.T) {
	says(t, m.holdfast(t, exitChanges, "plan"), "2 to create", "orders at prod", "orders at dr")
	says(t, m.holdfast(t, exitFine, "run"), "2 taken")
	for _, p := range []motoPlace{m.prod, m.dr} {
		if n := len(m.snapshots(t, p)); n != 1 {
			t.Errorf("account %s has %d snapshots, want 1", p.account, n)
		}
	}
}

func (m *moto) tags(t *testing.T) {
	slot := time.Now().UTC().Truncate(24 * time.Hour)
	for _, p := range []motoPlace{m.prod, m.dr} {
		for name, tags := range m.snapshots(t, p) {
			if want := "holdfast-orders-gold-" + slot.Format("20060102") + "t000000z-"; !strings.HasPrefix(name, want) {
				t.Errorf("it is called %s, want %s…", name, want)
			}
			want := dr.Tags{
				"backup": "gold", "holdfast:owner": "prod", "holdfast:policy": "gold",
				"holdfast:slot":   slot.Format(time.RFC3339),
				"holdfast:source": fmt.Sprintf("rds/%s/%s/orders", p.account, p.region),
			}
			if p == m.prod {
				want["team"] = "shop"
			}
			got := dr.Tags{}
			for k, v := range tags {
				if !strings.HasPrefix(k, dr.TagConfig) {
					got[k] = v
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tags of %s (-want +got):\n%s", name, diff)
			}
			if tags[dr.TagConfig] == "" {
				t.Errorf("%s does not carry the configuration of its source", name)
			}
		}
	}
}

func (m *moto) again(t *testing.T) {
	before := m.snapshots(t, m.prod)
	says(t, m.holdfast(t, exitFine, "run"), ": 2 kept\n")
	says(t, m.holdfast(t, exitFine, "plan"), ": 2 kept\n")
	if diff := cmp.Diff(before, m.snapshots(t, m.prod)); diff != "" {
		t.Errorf("a second run changed something (-before +after):\n%s", diff)
	}
}

// expire puts snapshots there that are of days gone by, as their claims say.
func (m *moto) expire(t *testing.T) {
	for days := 1; days <= 5; days++ {
		m.seed(t, fmt.Sprintf("old-%d", days), oldClaim("prod", days))
	}
	held := oldClaim("prod", 6)
	held[dr.TagKeep] = "until the audit"
	m.seed(t, "old-6-held", held)
	m.seed(t, "old-7-another", oldClaim("another", 7))
	m.seed(t, "by-hand", nil)

	says(t, m.holdfast(t, exitChanges, "plan"), "3 to delete", "held by a person")
	says(t, m.holdfast(t, exitFine, "run"), "3 deleted", "5 kept")
	left := m.snapshots(t, m.prod)
	for _, name := range []string{"old-3", "old-4", "old-5"} {
		if left[name] != nil {
			t.Errorf("%s should have expired", name)
		}
	}
	want := []string{"by-hand", "holdfast-orders-gold", "old-1", "old-2", "old-6-held", "old-7-another"}
	if diff := cmp.Diff(want, stems(left)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
	says(t, m.holdfast(t, exitFine, "run"), ": 5 kept\n")
}

// oldClaim gives the tags of a snapshot of so many days ago.
func oldClaim(owner string, days int) dr.Tags {
	slot := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)
	return dr.Tags{
		"holdfast:owner": owner, "holdfast:policy": "gold", "holdfast:slot": slot.Format(time.RFC3339),
		"holdfast:source": "rds/" + motoAccount + "/us-east-1/orders",
	}
}

// stems gives the sorted names, those of holdfast without slot and hash.
func stems(m map[string]dr.Tags) []string {
	var out []string
	for name := range m {
		if i := strings.Index(name, "-gold-"); i > 0 {
			name = name[:i+len("-gold")]
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (m *moto) status(t *testing.T) {
	says(t, m.holdfast(t, exitFine, "status"), "2 without an objective, 1 not covered", "scratch")
	says(t, m.holdfast(t, exitFine, "snapshots", "--all"), "old-7-another", "not ours: namespace another", "by-hand", "held")
}
