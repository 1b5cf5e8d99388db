package storetest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

func claiming() []testCase {
	return []testCase{
		{name: "the captured configuration is in the claim", run: configInClaim},
		{name: "own tags that are too many are dropped, and the claim is whole", run: tooManyTags, tagged: true},
		{name: "the largest claim is whole", run: largestClaim},
		{name: "claim tags never leave the strictest alphabet", run: alphabet},
	}
}

func configInClaim(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders", Rich: true})
	want, err := r.Config.Settings()
	if err != nil {
		s.Fatal(err)
	}
	claim := s.snapshot(s.must(s.creation(r, 0))).Claim
	got, err := claim.Config.Settings()
	if err != nil {
		s.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		s.Errorf("configuration (-of the resource +in the claim):\n%s", diff)
	}
}

func tooManyTags(s *scene) {
	own := dr.Tags{}
	for i := range s.h.MaxTags - len(s.h.named(dr.Tags{}, "orders")) {
		own[numbered("own", i)] = "value"
	}
	a := s.creation(s.put(s.Home(), Resource{Name: "orders", Tags: own}), 0)
	ref := s.must(a)
	if got := s.snapshot(ref).Claim; got != a.Claim {
		s.Errorf("the claim reads %+v, want %+v", got, a.Claim)
	}
	tags := s.SnapshotTags(ref)
	room := s.h.MaxTags - s.h.SpareTags
	if len(tags) != room {
		s.Errorf("the snapshot has %d tags, want %d", len(tags), room)
	}
	for i := range room - len(a.Claim.Tags()) - s.h.ownMarks() {
		if key := numbered("own", i); tags[key] != "value" {
			s.Errorf("tag %s is missing though there was room", key)
		}
	}
	s.settle(s.Home())
	if s.h.SpareTags > 0 {
		s.must(about(plan.Hold, s.snapshot(ref)))
	}
}

func largestClaim(s *scene) {
	a := s.creation(s.put(s.Home(), Resource{Name: "orders"}), 0)
	settings := map[string]string{}
	for i := range 40 {
		settings[numbered("setting", i)] = strings.Repeat("x", 100)
	}
	a.Claim.Config = dr.NewConfig(settings)
	if len(a.Claim.Config) < dr.MaxConfig*9/10 {
		s.Fatalf("the configuration has only %d of %d bytes", len(a.Claim.Config), dr.MaxConfig)
	}
	a.Claim.Owner, a.Claim.Policy = strings.Repeat("o", 40), strings.Repeat("p", 40)
	a.Claim.Set, a.Claim.Keep = "set", true
	if got := s.snapshot(s.must(a)).Claim; got != a.Claim {
		s.Errorf("the claim reads %+v, want %+v", got, a.Claim)
	}
}

// strict is the alphabet of RDS tag values, the narrowest of all services', less
// what is not ASCII.
var strict = regexp.MustCompile(`^[A-Za-z0-9 _.:/=+@-]*$`)

func alphabet(s *scene) {
	r := s.put(s.Home(), Resource{Name: "orders", Rich: true})
	a := s.creation(r, 0)
	a.Claim.Config = dr.NewConfig(map[string]string{
		"window": "Sun 03:00, ~1h", "user": `O'Brien "root" <é>`, "role": "arn:aws:iam::111111111111:role/x*y", "lines": "a\nb\tc",
	})
	ref := s.must(a)
	found := 0
	for k, v := range s.SnapshotTags(ref) {
		if !strings.HasPrefix(k, dr.TagPrefix) {
			continue
		}
		found++
		if !strict.MatchString(k) || !strict.MatchString(v) || utf8.RuneCountInString(v) > 256 {
			s.Errorf("tag %s=%q would not be taken everywhere", k, v)
		}
	}
	if found < 5 {
		s.Errorf("the snapshot has %d tags of holdfast's", found)
	}
	if got := fmt.Sprint(s.snapshot(ref).Claim.Config.Settings()); got != fmt.Sprint(a.Claim.Config.Settings()) {
		s.Errorf("the settings read %s", got)
	}
}
