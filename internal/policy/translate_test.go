package policy

import (
	"slices"
	"testing"
)

func TestTranslation(t *testing.T) {
	said := Translation{
		"subnets":      {"prod-db": "dr-db"},
		"security":     {"sg-2": "sg-b", "sg-1": "sg-c", "sg-3": "sg-b", "sg-1,sg-9": "sg-z"},
		"roles":        {"arn:prod": "arn:dr"},
		"zone":         {"us-east-1a": "us-west-2b", Any: "us-west-2a"},
		"key":          {Any: "alias/dr"},
		"member.class": {Any: "db.r6g.large"},
		"member.1.ca":  {Any: "rds-ca"},
		Any:            {"everywhere": "here"},
	}
	for _, c := range []struct {
		setting, value, want string
		left                 []string
		ok                   bool
	}{
		{"subnets", "prod-db", "dr-db", nil, true},
		{"subnets", "prod-db-2", "prod-db-2", []string{"prod-db-2"}, false},
		{"subnets", "prod", "prod", []string{"prod"}, false},
		{"security", "sg-1,sg-2", "sg-b,sg-c", nil, true}, // In order, as drivers write lists.
		{"security", "sg-2,sg-3", "sg-b", nil, true},      // And nothing twice.
		{"security", "sg-1,sg-4", "sg-4,sg-c", []string{"sg-4"}, true},
		{"security", "sg-1,sg-9", "sg-z", nil, true}, // The whole goes before its elements.
		{"slots", "sg-2,sg-1", "sg-2,sg-1", []string{"sg-2", "sg-1"}, false},
		{"roles", "s3Import arn:prod,s3Export arn:other", "s3Import arn:dr,s3Export arn:other", []string{"s3Export arn:other"}, true},
		{"zone", "us-east-1a", "us-west-2b", nil, true},
		{"zone", "us-east-1f", "us-west-2a", nil, true},
		{"member.2.zone", "us-east-1a", "us-west-2b", nil, true},
		{"member.2.zone", "us-east-1f", "us-east-1f", []string{"us-east-1f"}, false}, // Whatever it was: not said of members.
		{"2-key", "arn:key", "alias/dr", nil, true},
		{"member.class", "db.r6g.4xlarge", "db.r6g.large", nil, true},
		{"member.3.class", "db.r6g.8xlarge", "db.r6g.large", nil, true},
		{"member.1.ca", "x", "rds-ca", nil, true},
		{"member.2.ca", "x", "x", []string{"x"}, false},
		{"topic", "everywhere", "here", nil, true},
		{"topic", Any, Any, []string{Any}, false},
	} {
		got, left, ok := said.Of(c.setting, c.value)
		if got != c.want || ok != c.ok || !slices.Equal(left, c.left) {
			t.Errorf("%s %s: %q, %q left, %v; want %q, %q left, %v", c.setting, c.value, got, left, ok, c.want, c.left, c.ok)
		}
	}
	if got, _, ok := Translation(nil).Of("zone", "us-east-1a"); ok || got != "us-east-1a" {
		t.Errorf("nothing is said, and it becomes %q", got)
	}
}
