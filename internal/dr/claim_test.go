package dr_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// strict is the alphabet of RDS tag values, the narrowest of all services', less
// what is not ASCII (Amazon RDS User Guide, "Tagging Amazon RDS resources").
var strict = regexp.MustCompile(`^[A-Za-z0-9 _.:/=+@-]*$`)

// policyName draws what the policy file takes for a name.
func policyName() *rapid.Generator[string] { return rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,39}`) }

func slots() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		// From 1970 to 2200, to the second.
		return time.Unix(rapid.Int64Range(0, 7_258_118_400).Draw(t, "slot"), 0).UTC()
	})
}

func refs() *rapid.Generator[dr.Ref] {
	return rapid.Custom(func(t *rapid.T) dr.Ref {
		r := dr.Ref{
			Kind: dr.Kind(rapid.SampledFrom([]string{"rds", "aurora", "ebs", "redis"}).Draw(t, "kind")),
			ID:   rapid.OneOf(rapid.StringMatching(`[a-z][a-z0-9-]{0,61}[a-z0-9]`), rapid.String()).Draw(t, "id"),
		}
		r.Site.Name = policyName().Draw(t, "site")
		if rapid.Bool().Draw(t, "vault") {
			r.Site.Vault = "s3://" + rapid.String().Draw(t, "url")
			return r
		}
		r.Site.Account = rapid.StringMatching(`[0-9]{12}`).Draw(t, "account")
		r.Site.Region = rapid.StringMatching(`[a-z]{2}-[a-z]{4}-[0-9]`).Draw(t, "region")
		return r
	})
}

func claims() *rapid.Generator[dr.Claim] {
	return rapid.Custom(func(t *rapid.T) dr.Claim {
		c := dr.Claim{
			Owner:  policyName().Draw(t, "owner"),
			Policy: policyName().Draw(t, "policy"),
			Slot:   slots().Draw(t, "slot"),
			Source: refs().Draw(t, "source").Source(),
			Keep:   rapid.Bool().Draw(t, "keep"),
			Config: dr.NewConfig(settings().Draw(t, "settings")),
		}
		if rapid.Bool().Draw(t, "copy") {
			c.Origin = refs().Draw(t, "origin").Origin()
			c.Taken = slots().Draw(t, "taken")
			c.Stage = rapid.SampledFrom([]string{"", "rekey"}).Draw(t, "stage")
			c.Retention = rapid.SampledFrom([]string{"", "daily=14 floor=1"}).Draw(t, "retention")
		}
		if rapid.Bool().Draw(t, "in a set") {
			c.Set = policyName().Draw(t, "set")
		}
		return c
	})
}

func TestClaimSurvivesTags(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := claims().Draw(t, "claim")
		tags := want.Tags()
		tags["team"] = "shop" // What others write does not matter.
		got, err := dr.ParseClaim(tags)
		if err != nil {
			t.Fatal(err)
		}
		if got != want || !got.Ours() || !got.Is(want) {
			t.Fatalf("the claim reads %+v, want %+v", got, want)
		}
	})
}

func TestClaimTagsFitEverywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tags := claims().Draw(t, "claim").Tags()
		if len(tags) > 24 {
			t.Errorf("%d tags leave too few of 50 to the user", len(tags))
		}
		for k, v := range tags {
			if !strings.HasPrefix(k, dr.TagPrefix) || len(k) > 128 || !strict.MatchString(k) {
				t.Errorf("the key %q would not be taken everywhere", k)
			}
			if !strict.MatchString(v) {
				t.Errorf("%s=%q would not be taken everywhere", k, v)
			}
			if strings.HasPrefix(k, dr.TagConfig) && len(v) > 256 {
				t.Errorf("%s has %d characters", k, len(v))
			}
		}
	})
}

func TestSlotIsKeptInUTC(t *testing.T) {
	berlin := time.FixedZone("Berlin", 2*3600)
	c := dr.Claim{Owner: "o", Policy: "p", Source: "rds/1/r/x", Slot: time.Date(2026, 7, 1, 2, 0, 0, 0, berlin)}
	if got := c.Tags()[dr.TagSlot]; got != "2026-07-01T00:00:00Z" {
		t.Errorf("the slot is written as %s", got)
	}
	tags := c.Tags()
	tags[dr.TagSlot] = "2026-07-01T02:00:00+02:00"
	got, err := dr.ParseClaim(tags)
	if err != nil || got.Slot != time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("the slot reads %v, %v", got.Slot, err)
	}
}

// What was written once must be read by later versions.
func TestClaimTagsAreStable(t *testing.T) {
	c := dr.Claim{
		Owner: "prod", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC),
		Source: "rds/111111111111/us-east-1/orders", Origin: "rds/1/r/x", Set: "s", Keep: true,
		Config: dr.NewConfig(map[string]string{"a": strings.Repeat("x", 254), "b": strings.Repeat("y", 254), "c": "z"}),
	}
	want := dr.Tags{
		"holdfast:owner": "prod", "holdfast:policy": "gold", "holdfast:slot": "2026-11-20T14:00:00Z",
		"holdfast:source": "rds/111111111111/us-east-1/orders", "holdfast:origin": "rds/1/r/x", "holdfast:set": "s",
		"holdfast:keep": "yes", "holdfast:config": "a=" + strings.Repeat("x", 254),
		"holdfast:config-2": "+b=" + strings.Repeat("y", 253), "holdfast:config-3": "y+c=z",
	}
	if diff := cmp.Diff(want, c.Tags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// Is looks at what makes a recovery point and at nothing else.
func TestClaimIs(t *testing.T) {
	base := dr.Claim{
		Owner: "prod", Policy: "gold", Slot: time.Unix(1_800_000_000, 0).UTC(),
		Source: "rds/1/r/x", Origin: "rds/2/r/y", Set: "s",
	}
	for name, c := range map[string]struct {
		change func(*dr.Claim)
		same   bool
	}{
		"keep":   {func(c *dr.Claim) { c.Keep = true }, true},
		"config": {func(c *dr.Claim) { c.Config = "class=x" }, true},
		"owner":  {func(c *dr.Claim) { c.Owner = "test" }, false},
		"policy": {func(c *dr.Claim) { c.Policy = "silver" }, false},
		"slot":   {func(c *dr.Claim) { c.Slot = c.Slot.Add(time.Second) }, false},
		"source": {func(c *dr.Claim) { c.Source = "rds/1/r/z" }, false},
		"origin": {func(c *dr.Claim) { c.Origin = "" }, false},
		"set":    {func(c *dr.Claim) { c.Set = "" }, false},
	} {
		other := base
		c.change(&other)
		if base.Is(other) != c.same || other.Is(base) != c.same {
			t.Errorf("claims that differ in %s are taken for one: %t, want %t", name, base.Is(other), c.same)
		}
	}
}

func TestParseClaim(t *testing.T) {
	whole := dr.Tags{
		dr.TagOwner: "prod", dr.TagPolicy: "gold", dr.TagSlot: "2026-11-20T14:00:00Z", dr.TagSource: "rds/1/r/x",
	}
	with := func(k, v string) dr.Tags {
		t := dr.Tags{k: v}
		for key, value := range whole {
			if _, set := t[key]; !set {
				t[key] = value
			}
		}
		return t
	}
	for name, c := range map[string]struct {
		tags dr.Tags
		want string // What the error says; "none" for no claim; empty for a claim.
	}{
		"whole":                      {whole, ""},
		"no tags":                    {nil, "none"},
		"the tags of others":         {dr.Tags{"team": "shop", "owner": "prod"}, "none"},
		"a person's hold by itself":  {dr.Tags{dr.TagKeep: "yes"}, "none"},
		"an owner that is empty":     {with(dr.TagOwner, ""), dr.TagOwner},
		"an owner of blanks":         {with(dr.TagOwner, "  "), dr.TagOwner},
		"a policy that is empty":     {with(dr.TagPolicy, ""), dr.TagPolicy},
		"a source that is empty":     {with(dr.TagSource, ""), dr.TagSource},
		"a slot that is empty":       {with(dr.TagSlot, ""), dr.TagSlot},
		"a slot that is no time":     {with(dr.TagSlot, "yesterday"), dr.TagSlot},
		"a slot without a time zone": {with(dr.TagSlot, "2026-11-20T14:00:00"), dr.TagSlot},
	} {
		got, err := dr.ParseClaim(c.tags)
		switch c.want {
		case "":
			if err != nil || !got.Ours() {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case "none":
			if !errors.Is(err, dr.ErrNoClaim) || got != (dr.Claim{}) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		default:
			if err == nil || errors.Is(err, dr.ErrNoClaim) || !strings.Contains(err.Error(), c.want) || got != (dr.Claim{}) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

// A person who holds a snapshot by hand must not lose it to a spelling.
func TestAnyKeepHolds(t *testing.T) {
	tags := dr.Claim{Owner: "o", Policy: "p", Source: "rds/1/r/x", Slot: time.Unix(0, 0)}.Tags()
	if c, err := dr.ParseClaim(tags); err != nil || c.Keep {
		t.Errorf("without the tag: %+v, %v", c, err)
	}
	for _, v := range []string{"yes", "no", "", "false", "until friday"} {
		tags[dr.TagKeep] = v
		if c, err := dr.ParseClaim(tags); err != nil || !c.Keep {
			t.Errorf("keep=%q does not hold: %+v, %v", v, c, err)
		}
	}
}

// A source names one resource: what differs in more than the site's local name
// has another source.
func TestSourceTellsResourcesApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Refs that are alike but for one part are the hardest to tell apart.
		a, other := refs().Draw(t, "a"), refs().Draw(t, "another")
		b := a
		switch rapid.IntRange(0, 5).Draw(t, "differs in") {
		case 0:
			b = other
			b.Site.Name = a.Site.Name
		case 1:
			b.Kind = other.Kind
		case 2:
			b.ID = other.ID
		case 3:
			b.Site.Account = other.Site.Account
		case 4:
			b.Site.Region = other.Site.Region
		case 5:
			b.Site.Vault = other.Site.Vault
		}
		if a.Site.Vault != "" { // Then account and Region mean nothing.
			a.Site.Account, a.Site.Region = "", ""
		}
		if b.Site.Vault != "" {
			b.Site.Account, b.Site.Region = "", ""
		}
		if (a.Source() == b.Source()) != (a == b) {
			t.Fatalf("%+v and %+v have the sources %q and %q", a, b, a.Source(), b.Source())
		}
		c := a
		c.Site.Name += "-2"
		if a.Source() != c.Source() {
			t.Fatalf("the local name of a site is in the source %q", c.Source())
		}
		if !strict.MatchString(a.Source()) {
			t.Fatalf("the source %q would not be taken as a tag everywhere", a.Source())
		}
	})
}

func FuzzParseClaim(f *testing.F) {
	f.Add("prod", "gold", "2026-11-20T14:00:00Z", "rds/1/r/x", "", "", "", "class=db.r6g.large", "+zone=us-east-1a", true)
	f.Add("prod", "gold", "2026-11-20T14:00:00.5+02:00", "rds/1/r/x", "rds/2/r/y", "set", "yes", "a=@", "0a", true)
	f.Add("", " ", "9999-12-31T23:59:59-01:00", "", "\x00", "é", "no", "@@", "=", false)
	f.Fuzz(func(t *testing.T, owner, policy, slot, source, origin, set, keep, config, more string, isKept bool) {
		tags := dr.Tags{
			dr.TagOwner: owner, dr.TagPolicy: policy, dr.TagSlot: slot, dr.TagSource: source,
			dr.TagOrigin: origin, dr.TagSet: set, dr.TagConfig: config, dr.TagConfig + "-2": more,
		}
		if isKept {
			tags[dr.TagKeep] = keep
		}
		c, err := dr.ParseClaim(tags)
		if err != nil {
			if c != (dr.Claim{}) {
				t.Fatalf("with the error %v comes the claim %+v", err, c)
			}
			return
		}
		again, err := dr.ParseClaim(c.Tags())
		// Slots are whole seconds of years that RFC 3339 can write.
		if c.Slot.Nanosecond() != 0 || c.Slot.Year() < 0 || c.Slot.Year() > 9999 || len(c.Config) > dr.MaxConfig {
			return
		}
		if err != nil || again != c {
			t.Fatalf("%+v is written and read as %+v, %v", c, again, err)
		}
		if diff := cmp.Diff(c.Tags(), again.Tags()); diff != "" {
			t.Fatal(diff)
		}
	})
}
