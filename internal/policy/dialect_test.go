package policy

import (
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// TestDialects reads the tags of the tools that are left, as their users wrote
// them, and only where the dialect is switched on.
func TestDialects(t *testing.T) {
	f := File{
		Sites: []Site{
			{Site: dr.Site{Name: "east", Account: "111111111111", Region: "us-east-1"}},
			{Site: dr.Site{Name: "west", Account: "111111111111", Region: "us-west-2"}},
			{Site: dr.Site{Name: "other", Account: "222222222222", Region: "eu-west-1"}},
		},
		Dialects: Dialects(),
	}
	instance := []dr.Part{{ID: "vol-1"}}
	for _, tt := range []struct {
		name  string
		tags  dr.Tags
		parts []dr.Part
		keep  string
		to    string
		err   string
		none  bool
	}{
		{name: "yes", tags: dr.Tags{"Backup": "Yes"}, parts: instance, keep: "within=1w floor=1"},
		{name: "days", tags: dr.Tags{"Backup": "yes", "Retention": "30"}, parts: instance, keep: "within=30d floor=1"},
		{name: "no", tags: dr.Tags{"Backup": "No", "Retention": "30"}, parts: instance, none: true},
		{name: "not a number", tags: dr.Tags{"Backup": "Yes", "Retention": "a week"}, parts: instance, err: `tag Retention: expected a number of days, found "a week"`},
		{name: "zero", tags: dr.Tags{"Backup": "Yes", "Retention": "0"}, parts: instance, err: "tag Retention"},
		{name: "copy", tags: dr.Tags{"Backup": "Yes", "Copy_Dest": "us-west-2"}, parts: instance, keep: "within=1w floor=1", to: "west"},
		{name: "copy, older name", tags: dr.Tags{"Backup": "Yes", "Auto_Snapshot_Copy1": "us-west-2"}, parts: instance, keep: "within=1w floor=1", to: "west"},
		{name: "copy nowhere", tags: dr.Tags{"Backup": "Yes", "Copy_Dest": "eu-west-1"}, parts: instance, err: "tag Copy_Dest: there is no site in Region eu-west-1"},
		{name: "a volume with Backup=Yes", tags: dr.Tags{"Backup": "Yes"}, parts: []dr.Part{{ID: "i-or-vol"}}, none: true},
		{name: "a database with Backup=Yes", tags: dr.Tags{"Backup": "Yes"}, none: true},
		{name: "snapshot tool", tags: dr.Tags{"CopyDBSnapshot": "True"}, keep: "within=1w floor=1"},
		{name: "snapshot tool, false", tags: dr.Tags{"CopyDBSnapshot": "False"}, none: true},
		{name: "own tags come first", tags: dr.Tags{"Backup": "Yes", "holdfast:every": "6h", "holdfast:keep": "daily=3 floor=2"}, parts: instance, keep: "daily=3 floor=2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := dr.Resource{Ref: dr.Ref{Site: dr.Site{Account: "111111111111"}, ID: "i-or-vol"}, Tags: tt.tags, Parts: tt.parts}
			if _, ok, _ := (File{}).Stated(r); ok != (tt.tags[TagEvery] != "") {
				t.Errorf("read without its dialect: %v", ok)
			}
			p, ok, err := f.Stated(r)
			switch {
			case tt.none:
				if ok {
					t.Errorf("states %+v, want nothing", p)
				}
			case tt.err != "":
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
			case err != nil || p.Keep.Tag() != tt.keep:
				t.Errorf("keeps %q (%v), want %q", p.Keep.Tag(), err, tt.keep)
			case tt.to != "" && (len(p.Copies) != 1 || p.Copies[0].To != tt.to), tt.to == "" && len(p.Copies) > 0:
				t.Errorf("copies %v, want to %q", p.Copies, tt.to)
			}
		})
	}
}

// TestRetentionTag: what is written into a tag reads back as the same retention,
// within the alphabet of RDS tag values.
func TestRetentionTag(t *testing.T) {
	for _, s := range []string{"forever", "7d", "within=24h daily=7 floor=2", "last=3 hourly=4 daily=5 weekly=6 monthly=7 yearly=8 floor=0"} {
		k, err := ParseRetention(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseRetention(k.Tag())
		if err != nil || back != k {
			t.Errorf("%q was written as %q and read back as %+v (%v)", s, k.Tag(), back, err)
		}
	}
}
