package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// testAccount is whose credentials the scripts have.
const testAccount = sandbox.DefaultAccount

type worldKey struct{}

// world is the AWS that one script sees.
type world struct {
	env     *testscript.Env
	cloud   *sandbox.AWS
	process *process
	// audience takes alerts, if there is one.
	audience *audience
}

func worldOf(ts *testscript.TestScript) *world {
	w, ok := ts.Value(worldKey{}).(*world)
	if !ok {
		ts.Fatalf("the script has no world")
	}
	return w
}

func cloudOf(ts *testscript.TestScript) *sandbox.AWS {
	w := worldOf(ts)
	if w.cloud == nil {
		ts.Fatalf("start a sandbox first")
	}
	return w.cloud
}

// point makes the SDK in every later command talk to an endpoint.
func point(ts *testscript.TestScript, endpoint string) {
	ts.Setenv("AWS_ENDPOINT_URL", endpoint)
	ts.Setenv("AWS_ACCESS_KEY_ID", testAccount)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "x")
}

func scriptSandbox(ts *testscript.TestScript, neg bool, args []string) {
	quick := len(args) > 0 && args[0] == "-quick"
	if quick {
		args = args[1:]
	}
	if neg || len(args) > 1 {
		ts.Fatalf("usage: sandbox [-quick] [SEED]")
	}
	opts := sandbox.Options{}
	if quick {
		now := sandbox.Duration{Base: time.Nanosecond}
		opts.Durations = sandbox.Durations{
			Snapshot: now, Increment: now, Copy: now, RegionCopy: now, SnapshotDelete: now,
			Restore: now, Settle: now, Configure: now, Reboot: now, Rename: now, Redirect: now, ClusterRedirect: now, Modify: now, Backup: now, Delete: now,
			Create: now, InSync: now,
			Redshift: sandbox.RedshiftDurations{Restore: now, Rename: now, Configure: now, Roles: now, Reboot: now, TableWait: now, Table: now},
			EBS: sandbox.EBSDurations{
				Volume: now, FromSnapshot: now, Attach: now, Detach: now, Boot: now, Halt: now, Check: now, ReplaceRoot: now,
			},
		}
	}
	w := worldOf(ts)
	w.cloud = sandbox.New(opts)
	if len(args) == 1 {
		ts.Check(plant(w.cloud, seedFile(ts, args[0])))
	}
	srv := httptest.NewServer(w.cloud)
	ts.Defer(srv.Close)
	point(ts, srv.URL)
}

// seedFile gives the name of a seed in which what is reckoned from now is filled
// in: {{claim POLICY RESOURCE AGE}} are the tags of holdfast's snapshot of so
// long ago, {{current POLICY RESOURCE EVERY}} those of one that serves the
// current slot, {{in MARK TAGS}} puts either into an EBS set, {{cache NAME
// TAGS}} is what the snapshot of a cache is called that bears them, and sets $NAME to
// it, {{ago AGE}} is a time and {{day N}} the date in N days. A RESOURCE is a
// database unless it says its kind, as in ebs/i-0abc.
func seedFile(ts *testscript.TestScript, name string) string {
	if name == "small" || name == "large" {
		return name
	}
	t, err := template.New(name).Funcs(template.FuncMap{"claim": claimTags, "current": currentTags, "in": inSet, "mark": markTag, "cache": cacheName(ts), "ago": ago, "day": day}).Parse(ts.ReadFile(name))
	ts.Check(err)
	filled := ts.MkAbs(name + ".filled")
	f, err := os.Create(filled)
	ts.Check(err)
	ts.Check(t.Execute(f, nil))
	ts.Check(f.Close())
	return filled
}

func ago(age string) (string, error) {
	d, err := sandbox.ParseAge(age)
	return time.Now().UTC().Add(-d).Truncate(time.Hour).Format(time.RFC3339), err
}

func day(in int) string { return time.Now().UTC().AddDate(0, 0, in).Format(time.DateOnly) }

// inSet adds the mark of an EBS set, such as "web-old/2", to tags.
func inSet(mark, tags string) (string, error) { return markTag(dr.TagSet, mark, tags) }

// markTag adds one to tags.
func markTag(key, value, tags string) (string, error) {
	var all dr.Tags
	if err := json.Unmarshal([]byte(tags), &all); err != nil {
		return "", err
	}
	all[key] = value
	out, err := json.Marshal(all)
	return string(out), err
}

// cacheName gives the name by which holdfast knows its snapshot of a cache.
func cacheName(ts *testscript.TestScript) func(env, tags string) (string, error) {
	return func(env, tags string) (string, error) {
		var all dr.Tags
		if err := json.Unmarshal([]byte(tags), &all); err != nil {
			return "", err
		}
		c, err := dr.ParseClaim(all)
		name := dr.SnapshotName(c, c.Source[strings.LastIndex(c.Source, "/")+1:], 0, 40)
		ts.Setenv(env, name)
		return name, err
	}
}

func claimTags(policyName, resource, age string) (string, error) {
	slot, err := ago(age)
	return tagsText(policyName, resource, slot), err
}

func currentTags(policyName, resource, every string) (string, error) {
	schedule, err := policy.Every(every, time.UTC)
	if err != nil {
		return "", err
	}
	return tagsText(policyName, resource, schedule.Slot(time.Now()).UTC().Format(time.RFC3339)), nil
}

// tagsText writes tags as a seed has them; JSON is YAML too.
func tagsText(policyName, resource, slot string) string {
	kind, id, ok := strings.Cut(resource, "/")
	if !ok {
		kind, id = "rds", resource
	}
	tags, _ := json.Marshal(dr.Tags{
		dr.TagOwner: "prod", dr.TagPolicy: policyName, dr.TagSlot: slot,
		dr.TagSource: kind + "/" + testAccount + "/us-east-1/" + id,
	})
	return string(tags)
}

func scriptAdvance(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: advance DURATION")
	}
	by, err := sandbox.ParseAge(args[0])
	ts.Check(err)
	cloudOf(ts).Advance(by)
}

func scriptFault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fault '{json}'")
	}
	var f sandbox.SeedFault
	ts.Check(json.Unmarshal([]byte(args[0]), &f))
	cloudOf(ts).Inject(sandbox.Fault{
		Match: sandbox.Match{Account: f.Account, Region: f.Region, Service: f.Service, Action: f.Action},
		Kind:  f.Kind, Skip: f.Skip, Times: f.Times, Code: f.Code, Message: f.Message, Status: f.Status,
	})
}

func scriptSpoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: spoil DATABASE")
	}
	ts.Check(cloudOf(ts).FailNextDBSnapshots(testAccount, "us-east-1", args[0], 1))
}

// scriptCalls counts calls, answered well or not. The action "*" is every one.
func scriptCalls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: calls ACTION N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	got := 0
	for _, c := range cloudOf(ts).Calls() {
		if c.Action == args[0] || args[0] == "*" {
			got++
		}
	}
	if got != want {
		ts.Fatalf("%s was called %d times, want %d", args[0], got, want)
	}
}

// scriptAWS runs the aws command line; where there is none the script is
// skipped, unless it is required.
func scriptAWS(ts *testscript.TestScript, neg bool, args []string) {
	t, ok := worldOf(ts).env.T().(testing.TB)
	if !ok {
		ts.Fatalf("not run by go test")
	}
	out, errs, exit := outside.AWS(t, ts.Getenv("AWS_ENDPOINT_URL"), testAccount, "us-east-1", args...)
	if (exit != 0) != neg {
		ts.Fatalf("aws %s: exit code %d\n%s", strings.Join(args, " "), exit, errs)
	}
	fmt.Fprint(ts.Stdout(), out)
	fmt.Fprint(ts.Stderr(), errs)
}
