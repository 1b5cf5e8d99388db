package adopt_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/adopt"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

var (
	now   = time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	taken = time.Date(2026, 11, 15, 3, 4, 5, 0, time.UTC)
	east  = dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	week  = policy.Retention{Within: 7 * 24 * time.Hour, Floor: 1}
)

func file(t *testing.T) policy.File {
	t.Helper()
	f, _, err := policy.Parse("t.yaml", []byte(`namespace: test
sites: {prod: {account: "111111111111", region: us-east-1}}
policies:
  gold: {match: {name: covered}, every: 1d, keep: {daily: 3}}
`), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// animal is one snapshot of the zoo and what is to become of it: adopted with
// these marks, refused for a reason, or not looked at.
type animal struct {
	name    string
	snap    dr.Snapshot
	claim   dr.Claim
	refused string
}

func foreign(kind dr.Kind, id, of string, tags dr.Tags) dr.Snapshot {
	return dr.Snapshot{
		Ref: dr.Ref{Kind: kind, Site: east, ID: id}, Of: dr.Ref{Kind: kind, Site: east, ID: of},
		Taken: taken, State: dr.Good, Tags: tags,
	}
}

func described(s dr.Snapshot, text string) dr.Snapshot { s.Description = text; return s }

func changed(s dr.Snapshot, f func(*dr.Snapshot)) dr.Snapshot { f(&s); return s }

func with(t dr.Tags, pairs ...string) dr.Tags {
	out := maps.Clone(t)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			delete(out, pairs[i])
		} else {
			out[pairs[i]] = pairs[i+1]
		}
	}
	return out
}

func claim(source, policyName, retention string) dr.Claim {
	return dr.Claim{Owner: "test", Policy: policyName, Slot: taken, Source: source, Retention: retention}
}

func lambdaZoo() []animal {
	tags := dr.Tags{"Type": "Automated", "DeleteOn": "2026-11-22"}
	const text = "web (i-0abc) - vol-0123 (/dev/xvda) - us-east-1"
	good := described(foreign("ebs", "snap-1", "vol-0123", tags), text)
	of := "ebs/111111111111/us-east-1/vol-0123"
	held := claim(of, "tags", "within=1w floor=1")
	held.Keep = true
	copied := claim("ebs/111111111111/us-east-1/vol-0123", "tags", "within=6d20h55m floor=1")
	copied.Origin = "snap-origin"
	return []animal{
		{name: "its own", snap: good, claim: claim(of, "tags", "within=6d20h55m floor=1")},
		{name: "KeepForever alone", snap: described(foreign("ebs", "snap-2", "vol-0123", dr.Tags{"KeepForever": "", "Type": "Automated"}), text), claim: held},
		{
			name: "KeepForever among others", snap: changed(good, func(s *dr.Snapshot) { s.Tags = with(tags, "AAA", "x", "KeepForever", "no", "zzz", "y") }),
			claim: func() dr.Claim { c := claim(of, "tags", "within=6d20h55m floor=1"); c.Keep = true; return c }(),
		},
		{
			name: "a copy", snap: described(foreign("ebs", "snap-3", "vol-ffffffff", with(tags, "Source_SnapshotId", "snap-origin")), "web (i-0abc) - vol-0123 (/dev/xvda) - eu-west-1"),
			claim: copied,
		},
		{name: "no tags", snap: described(foreign("ebs", "snap-4", "vol-0123", nil), text)},
		{name: "a person's DeleteOn", snap: described(foreign("ebs", "snap-5", "vol-0123", with(tags, "Type", "")), text), refused: "tag Type"},
		{name: "another Type", snap: described(foreign("ebs", "snap-6", "vol-0123", with(tags, "Type", "Manual")), text), refused: "tag Type"},
		{name: "no DeleteOn", snap: described(foreign("ebs", "snap-7", "vol-0123", with(tags, "DeleteOn", "")), text), refused: "no tag DeleteOn"},
		{name: "not a date", snap: described(foreign("ebs", "snap-8", "vol-0123", with(tags, "DeleteOn", "soon")), text), refused: "not a date"},
		{name: "right tags, a person's text", snap: described(foreign("ebs", "snap-9", "vol-0123", tags), "before upgrade"), refused: "not one that it writes"},
		{name: "nearly its text", snap: described(foreign("ebs", "snap-10", "vol-0123", tags), text+" (keep)"), refused: "not one that it writes"},
		{name: "elsewhere, no origin", snap: described(foreign("ebs", "snap-11", "vol-0123", tags), strings.Replace(text, "us-east-1", "eu-west-1", 1)), refused: "Source_SnapshotId"},
		{name: "ours already", snap: changed(good, func(s *dr.Snapshot) { s.Claim.Owner = "other" })},
		{name: "unreadable", snap: changed(good, func(s *dr.Snapshot) { s.Flaw = "tag" })},
		{name: "pending", snap: changed(good, func(s *dr.Snapshot) { s.State = dr.Pending })},
	}
}

func toolZoo() []animal {
	tags := dr.Tags{"CreatedBy": "Snapshot Tool for RDS", "CreatedOn": "2026-11-15-03-04", "shareAndCopy": "YES"}
	copied := claim("rds/111111111111/us-east-1/orders", "tags", "within=1w floor=1")
	copied.Origin = "orders-2026-11-15-03-04"
	return []animal{
		{name: "its own", snap: foreign("rds", "orders-2026-11-15-03-04", "orders", tags), claim: claim("rds/111111111111/us-east-1/orders", "tags", "within=1w floor=1")},
		{name: "of a database with a policy", snap: foreign("rds", "covered-2026-11-15-03-04", "covered", tags), claim: claim("rds/111111111111/us-east-1/covered", "gold", "")},
		{name: "a copy", snap: foreign("rds", "orders-2026-11-15-03-04", "orders", dr.Tags{"CopiedBy": "Snapshot Tool for RDS"}), claim: copied},
		{name: "right name, no tag", snap: foreign("rds", "orders-2026-11-15-03-04", "orders", nil)},
		{name: "right name, wrong tag", snap: foreign("rds", "orders-2026-11-15-03-04", "orders", dr.Tags{"CreatedBy": "Snapshot Tool for Aurora"})},
		{name: "right tag, wrong name", snap: foreign("rds", "orders-before-migration", "orders", tags), refused: "does not end with the time"},
		{name: "right tag, another database's name", snap: foreign("rds", "orders2-2026-11-15-03-04", "orders", tags), refused: "does not begin with orders-"},
		{name: "right tag, impossible time", snap: foreign("rds", "orders-2026-13-15-03-04", "orders", tags), refused: "does not end with the time"},
		{name: "right tag, seconds too many", snap: foreign("rds", "orders-2026-11-15-03-04-05", "orders", tags), refused: "does not end with the time"},
	}
}

func managerZoo() []animal {
	tags := dr.Tags{"createdBy": "AWS Redshift Utils Snapshot Manager", "scheduleNamespace": "Hourly", "creationTimestamp": "2026-11-15-030405"}
	of := "redshift/111111111111/us-east-1/dw"
	return []animal{
		{name: "as the code names them", snap: foreign("redshift", "hourly-dw-2026-11-15-030405", "dw", tags), claim: claim(of, "tags", "within=1w floor=1")},
		{name: "as the README names them", snap: foreign("redshift", "rs-snapman-dw-2026-11-15t030405", "dw", tags), claim: claim(of, "tags", "within=1w floor=1")},
		{name: "right name, no tag", snap: foreign("redshift", "hourly-dw-2026-11-15-030405", "dw", nil)},
		{name: "right tag, wrong name", snap: foreign("redshift", "dw-2026-11-15-030405", "dw", tags), refused: "does not begin with hourly-dw-"},
		{name: "another namespace in the name", snap: foreign("redshift", "daily-dw-2026-11-15-030405", "dw", tags), refused: "does not begin with hourly-dw-"},
		{name: "no namespace", snap: foreign("redshift", "hourly-dw-2026-11-15-030405", "dw", with(tags, "scheduleNamespace", "")), refused: "scheduleNamespace"},
		{name: "no time", snap: foreign("redshift", "hourly-dw-2026-11-15-030405", "dw", with(tags, "creationTimestamp", "yesterday")), refused: "creationTimestamp"},
	}
}

// TestZoo: adoption is exact. Each animal goes alone and all go together; and no
// tool takes what another made.
func TestZoo(t *testing.T) {
	f := file(t)
	zoos := map[adopt.Tool][]animal{adopt.SnapshotsLambda: lambdaZoo(), adopt.SnapshotTool: toolZoo(), adopt.SnapshotManager: managerZoo()}
	resources := []dr.Resource{{Ref: dr.Ref{Kind: "rds", Site: east, ID: "covered"}, Name: "covered"}}
	for _, tool := range adopt.Tools() {
		for of, zoo := range zoos {
			for _, a := range zoo {
				t.Run(string(tool)+"/"+string(of)+"/"+a.name, func(t *testing.T) {
					inv := dr.Inventory{Resources: resources, Snapshots: []dr.Snapshot{a.snap}}
					p, err := adopt.Plan(now, tool, f, inv, week)
					if err != nil {
						t.Fatal(err)
					}
					if tool != of {
						a.claim, a.refused = dr.Claim{}, ""
					}
					look(t, p, a)
					if found := plan.Check(p, f, inv); len(found) > 0 {
						t.Errorf("the check objects: %v", found)
					}
				})
			}
		}
	}
}

func look(t *testing.T, p plan.Plan, a animal) {
	t.Helper()
	var got dr.Claim
	if len(p.Actions) > 0 {
		got = p.Actions[0].Claim
	}
	if diff := cmp.Diff(a.claim, got); diff != "" {
		t.Errorf("claim (-want +got):\n%s", diff)
	}
	why := ""
	if len(p.Refused) > 0 {
		why = p.Refused[0].Reason.String()
	}
	if (a.refused == "") != (why == "") || !strings.Contains(why, a.refused) {
		t.Errorf("refused %q, want %q", why, a.refused)
	}
}

// TestAdoptedIsRetained: what was adopted then falls under its retention and its
// hold like any other.
func TestAdoptedIsRetained(t *testing.T) {
	f := file(t)
	inv := dr.Inventory{}
	for i, day := range []int{1, 2, 15} {
		s := toolZoo()[0].snap
		s.Taken = time.Date(2026, 11, day, 3, 4, 0, 0, time.UTC)
		s.Ref.ID = "orders-" + s.Taken.Format("2006-01-02-15-04")
		inv.Snapshots = append(inv.Snapshots, s)
		_ = i
	}
	p, err := adopt.Plan(now, adopt.SnapshotTool, f, inv, week)
	if err != nil || len(p.Actions) != 3 {
		t.Fatalf("adopted %d of 3 (%v)", len(p.Actions), err)
	}
	for i := range inv.Snapshots {
		inv.Snapshots[i].Claim, inv.Snapshots[i].Tags = p.Actions[i].Claim, nil
	}
	lim := plan.Limits{MaxDelete: plan.MaxDelete{IsSet: true, Percent: 100}}
	if next := plan.Build(now, f, inv, lim); next.Count(plan.Delete) != 2 {
		t.Errorf("want the two of before last week to go, got %+v", next.Actions)
	}
	if again, err := adopt.Plan(now, adopt.SnapshotTool, f, inv, week); err != nil || len(again.Actions) != 0 {
		t.Errorf("adopted twice: %+v (%v)", again.Actions, err)
	}
}
