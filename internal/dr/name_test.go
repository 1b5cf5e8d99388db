package dr_test

import (
	"regexp"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// everywhere is what all services take for the name of a snapshot: lower-case
// letters, digits and single hyphens, a letter first and no hyphen last (RDS,
// Aurora and Redshift API References; ElastiCache is held to the same).
var everywhere = regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`)

// The limits are those of ElastiCache, Aurora, and RDS and Redshift.
var limits = []int{40, 63, 255}

// resourceNames draws what services take, and what people could come up with.
func resourceNames() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9-]{0,62}`), rapid.StringMatching(`[-_ .0-9]{0,40}`), rapid.String())
}

func TestNamesAreTakenEverywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, resource := claims().Draw(t, "claim"), resourceNames().Draw(t, "resource")
		attempt := rapid.IntRange(0, 1000).Draw(t, "attempt")
		for _, limit := range limits {
			name := dr.SnapshotName(c, resource, attempt, limit)
			if len(name) > limit || !everywhere.MatchString(name) {
				t.Fatalf("with at most %d characters: %q (%d)", limit, name, len(name))
			}
		}
	})
}

func TestNamesAreStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, resource := claims().Draw(t, "claim"), resourceNames().Draw(t, "resource")
		limit := rapid.SampledFrom(limits).Draw(t, "limit")
		same := c
		same.Keep, same.Config = !c.Keep, "class=another"
		same.Slot = c.Slot.In(time.FixedZone("elsewhere", 3600))
		if a, b := dr.SnapshotName(c, resource, 0, limit), dr.SnapshotName(same, resource, 0, limit); a != b {
			t.Fatalf("what is not part of a recovery point changes its name from %q to %q", a, b)
		}
	})
	// What was written once must be found again by later versions.
	c := dr.Claim{Owner: "prod", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC), Source: "rds/111111111111/us-east-1/orders"}
	for limit, want := range map[int]string{
		255: "holdfast-orders-gold-20261120t140000z-" + hashed,
		63:  "hf-orders-gold-20261120t140000z-" + hashed,
		40:  "hf-orders-gold-20261120t140000z-" + hashed,
	} {
		if got := dr.SnapshotName(c, "orders", 0, limit); got != want {
			t.Errorf("with at most %d characters it is %q, want %q", limit, got, want)
		}
	}
	if got, want := dr.SnapshotName(c, "a-very-long-name-of-a-database", 1, 40), "hf-a-very-lo-20261120t140000z-"+hashed+"-2"; got != want {
		t.Errorf("cut it is %q, want %q", got, want)
	}
}

// hashed is the part of the name above that tells claims apart.
const hashed = "nv44mq9f"

func TestNamesTellClaimsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Claims that are alike but for one part are the hardest to tell apart.
		a := claims().Draw(t, "claim")
		b, other := a, claims().Draw(t, "another")
		switch rapid.IntRange(0, 6).Draw(t, "differs in") {
		case 0:
			b = other
		case 1:
			b.Owner = other.Owner
		case 2:
			b.Policy = other.Policy
		case 3:
			b.Slot = b.Slot.Add(time.Second)
		case 4:
			b.Source = other.Source
		case 5:
			b.Origin = other.Origin
		case 6:
			b.Set = other.Set
		}
		limit := rapid.SampledFrom(limits).Draw(t, "limit")
		resource := resourceNames().Draw(t, "resource")
		one, two := dr.SnapshotName(a, resource, 0, limit), dr.SnapshotName(b, resource, 0, limit)
		if (one == two) != a.Is(b) {
			t.Fatalf("%+v and %+v are named %q and %q", a, b, one, two)
		}
	})
}

// Where one part ends and the next begins matters: no two claims run together.
func TestNamesDoNotRunTogether(t *testing.T) {
	seen := map[string]dr.Claim{}
	for _, c := range []dr.Claim{
		{Owner: "ab", Policy: "c"},
		{Owner: "a", Policy: "bc"},
		{Owner: "abc"},
		{Source: "x", Origin: "y"},
		{Source: "xy"},
		{Origin: "xy"},
		{Set: "xy"},
		{Origin: "x", Set: "y"},
	} {
		name := dr.SnapshotName(c, "orders", 0, 255)
		if was, twice := seen[name]; twice {
			t.Errorf("%+v and %+v are both named %q", was, c, name)
		}
		seen[name] = c
	}
}

func TestNamesTellAttemptsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, resource := claims().Draw(t, "claim"), resourceNames().Draw(t, "resource")
		limit := rapid.SampledFrom(limits).Draw(t, "limit")
		seen := map[string]int{}
		for attempt := range 12 {
			name := dr.SnapshotName(c, resource, attempt, limit)
			if was, twice := seen[name]; twice {
				t.Fatalf("attempts %d and %d are both named %q", was, attempt, name)
			}
			seen[name] = attempt
		}
	})
}
