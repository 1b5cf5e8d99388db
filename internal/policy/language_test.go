package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "6h": 6 * time.Hour, "7d": 7 * day, "4w": 28 * day,
		"1d12h": 36 * time.Hour, "1w1d1h1m": 8*day + 61*time.Minute, "007d": 7 * day, "0d5h": 5 * time.Hour,
	} {
		if got, err := ParseDuration(s); err != nil || got != want {
			t.Errorf("%q = %v, %v; want %v", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"": "is empty", "0h": "is zero", "-1h": "sign", "5": "without a unit", "30s": "smallest unit", "1mo": "30d", "1y": "365d",
		"1.5h": "whole numbers", "1d 2h": "spaces", "2h1d": "large to small", "1h1h": "each once", "9x": `unknown unit "x"`,
		"99999999999999999999w": "too long", "9999999w": "too long", "h": "number was expected", "15250w2d": "too long",
	} {
		if _, err := ParseDuration(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", s, err, want)
		}
	}
}

func TestPattern(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"prod", "prod", true},
		{"prod", "nonprod", false},
		{"prod", "prod-2", false},
		{"a|b", "ab", false},
		{"^orders-", "orders-1", true},
		{"-db$", "orders-db", true},
		{`cost\$`, "cost$", true},
		{`cost\$`, "the cost$", false},
		{".*", "", true},
	}
	for _, tt := range tests {
		p, err := NewPattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(tt.name); got != tt.want {
			t.Errorf("%q matches %q: %v", tt.pattern, tt.name, got)
		}
	}
	for _, bad := range []string{"", "a)(b", "[", "*", strings.Repeat("a", 2000), "(?=a)"} {
		if _, err := NewPattern(bad); err == nil {
			t.Errorf("%q accepted", clip(bad))
		}
	}
}

func TestSelector(t *testing.T) {
	orders := dr.Resource{
		Ref: dr.Ref{Kind: "rds", Site: dr.Site{Name: "prod"}, ID: "orders"}, Name: "orders",
		Tags: dr.Tags{"backup": "gold", "tier": "scratch"},
	}
	name, err := NewPattern("orders")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		s    Selector
		want bool
	}{
		{Selector{}, false},
		{Selector{Exclude: &Selector{Kinds: []dr.Kind{"ebs"}}}, false},
		{Selector{Kinds: []dr.Kind{"ebs", "rds"}}, true},
		{Selector{Kinds: []dr.Kind{"ebs"}}, false},
		{Selector{Sites: []string{"dr"}}, false},
		{Selector{Sites: []string{"prod"}, Name: name}, true},
		{Selector{Tags: dr.Tags{"backup": "gold"}}, true},
		{Selector{Tags: dr.Tags{"backup": AnyValue}}, true},
		{Selector{Tags: dr.Tags{"backup": "silver"}}, false},
		{Selector{Tags: dr.Tags{"other": AnyValue}}, false},
		{Selector{Name: name, Exclude: &Selector{Tags: dr.Tags{"tier": "scratch"}}}, false},
		{Selector{Name: name, Exclude: &Selector{Tags: dr.Tags{"tier": "scratch"}, Kinds: []dr.Kind{"ebs"}}}, true},
		{Selector{Name: name, Exclude: &Selector{}}, true},
	}
	for _, tt := range tests {
		if got := tt.s.Matches(orders); got != tt.want {
			t.Errorf("%s: %v", tt.s, got)
		}
	}
}

func TestStated(t *testing.T) {
	f := File{Sites: []Site{{Site: dr.Site{Name: "dr"}}}, Policies: []Policy{{Name: "gold"}}}
	tests := []struct {
		name string
		tags dr.Tags
		ok   bool
		err  string
	}{
		{"none", dr.Tags{"Name": "x"}, false, ""},
		{"a hold", dr.Tags{"holdfast:keep": "yes"}, false, ""},
		{"named", dr.Tags{"holdfast:policy": "gold"}, true, ""},
		{"misnamed", dr.Tags{"holdfast:policy": "golf"}, true, `did you mean "gold"?`},
		{"stated", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "7d", "holdfast:copy-to": "dr"}, true, ""},
		{"stated rules", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "daily=7 floor=2"}, true, ""},
		{"both", dr.Tags{"holdfast:every": "6h", "holdfast:policy": "gold"}, true, "keep one"},
		{"no keep", dr.Tags{"holdfast:every": "6h"}, true, "holdfast:keep is missing"},
		{"no every", dr.Tags{"holdfast:copy-to": "dr"}, true, "holdfast:every is missing"},
		{"bad every", dr.Tags{"holdfast:every": "6", "holdfast:keep": "7d"}, true, "without a unit"},
		{"bad keep", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "dayly=3"}, true, "unknown rule"},
		{"keeps nothing", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "daily=0"}, true, "keeps nothing"},
		{"bad site", dr.Tags{"holdfast:every": "6h", "holdfast:keep": "7d", "holdfast:copy-to": "x"}, true, "unknown site"},
	}
	for _, tt := range tests {
		p, ok, err := f.Stated(dr.Resource{Tags: tt.tags})
		if ok != tt.ok || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v, %v", tt.name, p, ok, err)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"90m", "1d12h", "4w", "0", "-1h", "9999999w", "1.5h", "ä"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if d <= 0 || d%time.Minute != 0 {
			t.Fatalf("%q = %v", s, d)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q = %v, written %q, read %v, %v", s, d, FormatDuration(d), again, err)
		}
	})
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"0 3 * * *", "@daily", "cron(0 8 ? * FRI *)", "cron(0 8 LW,15W,1-3 * ? 2026/2)", "cron(0 8 ? * 2#1,6L *)", "rate(2 hours)", "0 0 29 2 *", "TZ=0"} {
		f.Add(s, int64(1770000000))
	}
	berlin := zoneNamed(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		c, err := Cron(s, berlin)
		if err != nil {
			return
		}
		now := time.Unix(unix%4_000_000_000, 0)
		slot, next := c.Slot(now), c.Next(now)
		if !slot.IsZero() && (slot.After(now) || c.Slot(slot) != slot) || !next.IsZero() && (!next.After(now) || c.Slot(next) != next) {
			t.Fatalf("%s at %v: slot %v, next %v", c, now, slot, next)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(Example())
	f.Add([]byte("namespace: a\nsites: {a: {region: us-east-1}}\npolicies: {p: {match: {name: .*}, every: 1h, keep: forever}}"))
	for _, s := range []string{"", "a: |\n  b\n", "- - -", "? a\n: b", "{a: [b, {c: \"d\"}]}", "a: &x 1\nb: *x", "--- \n...\n", "%YAML 1.2\n---\na", "a: 'b", "!!binary x", "a:\n- b\n-\tc"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, _, err := Parse("f.yaml", data, Options{})
		if err != nil {
			if strings.Contains(err.Error(), "gave up") {
				t.Fatalf("the parser panicked: %v", err)
			}
			return
		}
		for _, p := range out.Policies {
			if p.Schedule.IsZero() || p.Location == nil || p.Match.Empty() || p.Keep.String() == "" && p.Keep.Floor == 0 {
				t.Fatalf("half a policy: %+v", p)
			}
		}
	})
}
