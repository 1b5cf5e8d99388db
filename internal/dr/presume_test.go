package dr_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// The name of a snapshot stands for the claim that it was made of and for no
// other, whichever try it was and however much of it was cut.
func TestPresume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"gold", "silver", "tags"}
		of := dr.Ref{Kind: "redshift", Site: dr.Site{Account: "111111111111", Region: "us-east-1"}, ID: resourceNames().Filter(func(s string) bool { return s != "" }).Draw(t, "resource")}
		want := dr.Claim{
			Owner: "prod", Policy: rapid.SampledFrom(names).Draw(t, "policy"), Source: of.Source(),
			Slot: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "slot"), 0).UTC(),
		}
		limit, attempt := rapid.SampledFrom([]int{40, 63, 255}).Draw(t, "limit"), rapid.IntRange(0, 300).Draw(t, "attempt")
		name := dr.SnapshotName(want, of.ID, attempt, limit)
		own := dr.Candidates{Namespace: "prod", Policies: names}
		if got, ok := own.Presume(name, of, of.ID, limit); !ok || got != want {
			t.Fatalf("%s: %+v, %t, want %+v", name, got, ok, want)
		}
		other := of
		other.ID += "x"
		for what, k := range map[string]dr.Candidates{
			"another namespace": {Namespace: "prod2", Policies: names}, "no namespace": {Policies: names},
			"other policies": {Namespace: "prod", Policies: []string{"bronze"}},
		} {
			if got, ok := k.Presume(name, of, of.ID, limit); ok {
				t.Errorf("%s takes %s for %+v", what, name, got)
			}
		}
		if got, ok := own.Presume(name, other, of.ID, limit); ok {
			t.Errorf("of another resource %s is taken for %+v", name, got)
		}
		at := rapid.IntRange(0, len(name)-1).Draw(t, "changed at")
		changed := name[:at] + string(rapid.SampledFrom([]byte("x0-")).Draw(t, "to")) + name[at+1:]
		if got, ok := own.Presume(changed, of, of.ID, limit); ok && !reproduces(got, of, changed, limit) {
			t.Errorf("%s is taken for %+v", changed, got)
		}
	})
}

// reproduces reports whether some try of a claim has this name.
func reproduces(c dr.Claim, of dr.Ref, name string, limit int) bool {
	for attempt := range 10000 {
		if dr.SnapshotName(c, of.ID, attempt, limit) == name {
			return true
		}
	}
	return false
}

func TestPresumeNothing(t *testing.T) {
	own, of := dr.Candidates{Namespace: "prod", Policies: []string{"gold"}}, dr.Ref{Kind: "redshift", ID: "dwh"}
	for _, name := range []string{
		"", "night", "holdfast-dwh-gold", "holdfast-dwh-gold-20261320t140000z-00000000", "holdfast-dwh-gold-20261120t140000z-00000000",
		"rs:dwh-2026-11-20-14-00-00", "holdfast-dwh-gold-20261120t140000z-00000000-99999",
	} {
		if got, ok := own.Presume(name, of, "dwh", 255); ok {
			t.Errorf("%q is taken for %+v", name, got)
		}
	}
	name := dr.SnapshotName(dr.Claim{Owner: "prod", Policy: "gold"}, "", 0, 255)
	if got, ok := own.Presume(name, dr.Ref{}, "", 255); ok {
		t.Errorf("of nothing %q is taken for %+v", name, got)
	}
}
