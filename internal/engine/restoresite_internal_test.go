package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// What becomes of settings at home, in another Region and in another account.
func TestMove(t *testing.T) {
	home := dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	west := dr.Site{Name: "west", Account: "111111111111", Region: "us-west-2"}
	far := dr.Site{Name: "far", Account: "222222222222", Region: "us-west-2"}
	next := dr.Site{Name: "next", Account: "222222222222", Region: "us-east-1"}
	bound := map[string]store.Binding{
		"subnets": {To: store.ByName}, "parameters": {To: store.ByName}, "member.parameters": {To: store.ByName},
		"security": {To: store.ByID}, "directory": {To: store.ByID, With: []string{"directory-role"}}, "directory-role": {To: store.ByName},
		"role": {To: store.ByARN, With: []string{"monitor"}}, "roles": {To: store.ByARN},
		"member.role": {To: store.ByARN, With: []string{"member.monitor"}},
		"zone":        {To: store.ToZone}, "zones": {To: store.ToZone}, "member.zone": {To: store.ToZone},
		"key": {To: store.ToCopyKey}, "insights-key": {To: store.ToKey}, "ip": {To: store.ToPlace},
	}
	const role, farRole = "arn:aws:iam::111111111111:role/rds", "arn:aws:iam::222222222222:role/rds"
	const key, farKey = "arn:aws:kms:us-east-1:111111111111:key/1", "arn:aws:kms:us-west-2:222222222222:key/2"
	type m = map[string]string
	for _, c := range []struct {
		name          string
		to            dr.Site
		said          policy.Translation
		drop          []string
		in, want      m
		losses, notes []string
		refused       string
	}{
		{name: "home: nothing", to: home, in: m{"security": "sg-0a", "zone": "us-east-1a", "key": key}, want: m{"security": "sg-0a", "zone": "us-east-1a", "key": key}},
		{name: "home: as said", to: home, said: policy.Translation{"security": {"sg-0a": "sg-0b"}}, in: m{"security": "sg-0a"}, want: m{"security": "sg-0b"}},
		{name: "not bound", to: far, in: m{"class": "db.r6g.large", "user": "sg-0a"}, want: m{"class": "db.r6g.large", "user": "sg-0a"}},
		{name: "names", to: far, in: m{"subnets": "prod-db", "parameters": "default.postgres16"}, want: m{"subnets": "prod-db", "parameters": "default.postgres16"}, notes: []string{"taken as it is: subnets prod-db"}},
		{name: "names that are ids", to: far, in: m{"subnets": "subnet-0a1b2c3d"}, refused: "subnets subnet-0a1b2c3d"},
		{name: "ids", to: far, in: m{"security": "sg-0a,sg-0b"}, refused: "security sg-0a, sg-0b"},
		{name: "ids, one of them said", to: far, said: policy.Translation{"security": {"sg-0a": "sg-1"}}, in: m{"security": "sg-0a,sg-0b"}, refused: "security sg-0b"},
		{name: "ids in the same account elsewhere", to: west, in: m{"security": "sg-0a"}, refused: "security sg-0a"},
		{name: "ids in the same Region elsewhere", to: next, in: m{"security": "sg-0a"}, refused: "security sg-0a"},
		{name: "all at once", to: far, in: m{"security": "sg-0a", "role": role, "monitor": "60"}, refused: "role " + role + "; security sg-0a"},
		{name: "roles stay in an account", to: west, in: m{"roles": "s3Import " + role}, want: m{"roles": "s3Import " + role}},
		{
			name: "roles as said", to: far, said: policy.Translation{"*": {role: farRole}}, in: m{"roles": "s3Import " + role, "member.role": role},
			want: m{"roles": "s3Import " + farRole, "member.role": farRole},
		},
		{
			name: "dropped", to: far, drop: []string{"role", "security"}, in: m{"role": role, "monitor": "60", "security": "sg-0a"}, want: m{},
			losses: []string{"role " + role + " (left out as you say)", "monitor 60 (goes with role)", "security sg-0a (left out as you say)"},
		},
		{
			name: "dropped of all members", to: far, drop: []string{"member.role"}, in: m{"member.role": role, "member.2.role": "-", "member.1.role": role, "member.monitor": "60"},
			want:   m{"member.2.role": "-"},
			losses: []string{"member.1.role " + role + " (left out as you say)", "member.monitor 60 (goes with member.1.role)", "member.role " + role + " (left out as you say)"},
		},
		{name: "dropped what is not bound", to: far, drop: []string{"class"}, in: m{"class": "large", "ip": "10.0.0.1"}, refused: "class"},
		{name: "dropped what is not there", to: far, drop: []string{"role"}, in: m{"class": "large"}, refused: "role"},
		{name: "zones of another Region", to: far, in: m{"zone": "us-east-1a"}, want: m{}, losses: []string{"zone us-east-1a (AWS chooses)"}},
		{name: "zones of another account", to: next, in: m{"zone": "us-east-1a"}, want: m{"zone": "us-east-1a"}},
		{name: "zones as said", to: far, said: policy.Translation{"zone": {"us-east-1a": "us-west-2b"}}, in: m{"member.1.zone": "us-east-1a", "member.2.zone": "-"}, want: m{"member.1.zone": "us-west-2b", "member.2.zone": "-"}},
		{
			name: "zones, half of them said", to: far, said: policy.Translation{"zones": {"us-east-1a": "us-west-2b"}}, in: m{"zones": "us-east-1a,us-east-1c"},
			want: m{"zones": "us-west-2b"}, notes: []string{"zones us-east-1c,us-west-2b: only us-west-2b is there"},
		},
		{name: "the key of the data", to: far, in: m{"key": key}, want: m{"key": farKey}, notes: []string{"it is encrypted under the snapshot's key " + farKey}},
		{
			name: "another key", to: far, in: m{"insights-key": key}, want: m{"insights-key": "arn:site"},
			notes: []string{"insights-key: the site's key arn:site stands in for " + key},
		},
		{name: "another key as said of keys", to: far, said: policy.Translation{"key": {key: "arn:said"}}, in: m{"insights-key": key}, want: m{"insights-key": "arn:said"}},
		{name: "places", to: far, in: m{"ip": "10.0.0.1"}, want: m{}, losses: []string{"ip 10.0.0.1 (of the site where it was)"}},
		{name: "places as said", to: far, said: policy.Translation{"ip": {"10.0.0.1": "10.9.0.1"}}, in: m{"ip": "10.0.0.1"}, want: m{"ip": "10.9.0.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := move{from: home, to: c.to, said: c.said, bound: bound, key: "arn:site", copyKey: farKey, drop: c.drop}.settings(c.in)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || store.Remedy(err) == "" {
					t.Fatalf("%v (%s), want %s refused", err, store.Remedy(err), c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.settings); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.losses, got.losses); diff != "" {
				t.Errorf("losses (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.notes, got.notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// The lines to write are YAML that the policy language takes.
func TestMoveSaysWhatToWrite(t *testing.T) {
	m := move{
		from: dr.Site{Account: "111111111111", Region: "us-east-1"}, to: dr.Site{Name: "dr", Account: "222222222222", Region: "us-west-2"},
		bound: map[string]store.Binding{"security": {To: store.ByID}, "member.role": {To: store.ByARN}},
	}
	_, err := m.settings(map[string]string{"security": "sg-0a,sg-0b", "member.2.role": "arn:aws:iam::111111111111:role/rds"})
	_, yaml, _ := strings.Cut(store.Remedy(err), "\n")
	yaml = strings.NewReplacer("    restore:", "    region: us-west-2\n    restore:", "…", "something").Replace(strings.ReplaceAll("\n"+yaml, "\n    ", "\n"))
	f, _, err := policy.Parse("x.yaml", []byte("namespace: x"+yaml), policy.Options{})
	want := policy.Translation{
		"security":    {"sg-0a": "something", "sg-0b": "something"},
		"member.role": {"arn:aws:iam::111111111111:role/rds": "something"},
	}
	if err != nil || len(f.Sites) != 1 {
		t.Fatalf("%v:\n%s", err, yaml)
	}
	if diff := cmp.Diff(want, f.Sites[0].Restore); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, yaml)
	}
}
