package dr_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// settings draws what may be captured: any keys but the one that is the
// encoding's own, and any values, in any script or none.
func settings() *rapid.Generator[map[string]string] {
	anything := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })
	value := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9_.:/-]{0,300}`), rapid.String(), anything)
	return rapid.MapOf(value.Filter(func(s string) bool { return s != "" && s != "omitted" && len(s) < 100 }), value)
}

func TestConfigSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := settings().Draw(t, "settings")
		c := dr.NewConfig(in)
		if len(c) > dr.MaxConfig || !strict.MatchString(string(c)) {
			t.Fatalf("%d bytes: %q", len(c), c)
		}
		got, err := c.Settings()
		if err != nil {
			t.Fatal(err)
		}
		left, tooMuch := got["omitted"]
		delete(got, "omitted")
		if !tooMuch {
			want := maps.Clone(in)
			maps.DeleteFunc(want, func(_, v string) bool { return v == "" })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("settings (-want +got):\n%s", diff)
			}
			return
		}
		for k, v := range in { // Each is there, or it is said that it is not.
			if v == "" || got[k] == v || strings.Contains(left, k) {
				continue
			}
			t.Fatalf("%q is lost, and only %q is said to be", k, left)
		}
	})
}

// What is added is there or named as left out, what was there before as well, and
// what could not be read is named; and all of it keeps to the limit.
func TestConfigWith(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[a-z-]{1,12}`).Filter(func(s string) bool { return s != "omitted" && s != "unread" })
		some := rapid.MapOf(key, rapid.StringMatching(`[a-z@ é]{1,400}`))
		first, more := some.Draw(t, "first"), some.Draw(t, "more")
		c, err := dr.NewConfig(first).With(more, "unread")
		if err != nil || len(c) > dr.MaxConfig {
			t.Fatalf("%d bytes, %v", len(c), err)
		}
		got, err := c.Settings()
		if err != nil {
			t.Fatal(err)
		}
		left := strings.Split(got["omitted"], ",")
		want := maps.Clone(first)
		maps.Copy(want, more)
		for k, v := range want {
			if got[k] != v && !slices.Contains(left, k) {
				t.Fatalf("%q is lost, and only %q is said to be", k, left)
			}
		}
		if !slices.Contains(left, "unread") || strings.Count(string(c), "omitted=") != 1 {
			t.Fatalf("left out is %q in %q", left, c)
		}
		if same, err := dr.NewConfig(first).With(nil); err != nil || same != dr.NewConfig(first) {
			t.Fatalf("adding nothing made %q of %q (%v)", same, dr.NewConfig(first), err)
		}
	})
	if _, err := dr.Config("no pair").With(nil); err == nil {
		t.Error("what cannot be read was added to")
	}
}

// The same settings always give the same text, which is compared and hashed.
func TestConfigIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := settings().Draw(t, "settings")
		c := dr.NewConfig(in)
		for range 5 {
			if again := dr.NewConfig(maps.Clone(in)); again != c {
				t.Fatalf("%q, then %q", c, again)
			}
		}
	})
}

func TestConfigThatIsTooLong(t *testing.T) {
	in := map[string]string{"class": "db.r6g.large", "longest": strings.Repeat("x", 3000), "long": strings.Repeat("y", 2000)}
	before := maps.Clone(in)
	got, err := dr.NewConfig(in).Settings()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"class": "db.r6g.large", "long": in["long"], "omitted": "longest"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, in); diff != "" {
		t.Errorf("the argument was changed:\n%s", diff)
	}
}

// Where even the names of what is left out are too many, their number is said.
func TestConfigWithTooManyNames(t *testing.T) {
	in := map[string]string{}
	for i := range 100 {
		in[fmt.Sprintf("%03d-%s", i, strings.Repeat("n", 200))] = strings.Repeat("v", 4096)
	}
	got, err := dr.NewConfig(in).Settings()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"omitted": "100"}, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestConfigRecallsTags(t *testing.T) {
	r := dr.Resource{Config: "class=large", Tags: dr.Tags{"team": "shop", "bare": "", "tag.odd": "a=b,c", "holdfast:every": "6h", "aws:x": "y", dr.TagRestored: "r1", dr.TagExpires: "soon"}}
	settings, tags, left, err := r.Captured().Recall()
	if err != nil || len(left) > 0 {
		t.Fatal(left, err)
	}
	if diff := cmp.Diff(map[string]string{"class": "large"}, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(dr.Tags{"team": "shop", "bare": "", "tag.odd": "a=b,c", "holdfast:every": "6h"}, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// Tags give way to settings, and their names to all else.
func TestTagsGiveWay(t *testing.T) {
	r := dr.Resource{Config: dr.NewConfig(map[string]string{"roles": strings.Repeat("r", 2000), "class": "large"}), Tags: dr.Tags{}}
	for i := range 50 {
		r.Tags[fmt.Sprintf("%0100d", i)] = strings.Repeat("v", 200)
	}
	c := r.Captured()
	settings, tags, left, err := c.Recall()
	if err != nil || len(c) > dr.MaxConfig || len(settings) != 2 || len(tags) == 0 || len(tags) == 50 {
		t.Errorf("%d bytes: %d settings, %d tags, %v", len(c), len(settings), len(tags), err)
	}
	if diff := cmp.Diff([]string{"tag.*"}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
}

func TestConfigText(t *testing.T) {
	for _, c := range []struct {
		in   map[string]string
		want dr.Config
	}{
		{nil, ""},
		{map[string]string{"zone": ""}, ""},
		{map[string]string{"zone": "us-east-1a", "class": "db.r6g.large"}, "class=db.r6g.large+zone=us-east-1a"},
		{map[string]string{"user": "O'Brien", "a+b": "c=d@e"}, "a@2bb=c@3dd@40e+user=O@27Brien"},
		{map[string]string{"name": "né"}, "name=n@c3@a9"},
	} {
		if got := dr.NewConfig(c.in); got != c.want {
			t.Errorf("%v is written %q, want %q", c.in, got, c.want)
		}
	}
}

func TestConfigThatIsNotOne(t *testing.T) {
	for _, c := range []dr.Config{"class", "class=a+", "a=@", "a=@4", "a=@zz", "a=@4G", "@=b", "+"} {
		if got, err := c.Settings(); err == nil {
			t.Errorf("%q reads %v", c, got)
		}
	}
}

func FuzzSettings(f *testing.F) {
	for _, seed := range []string{"", "class=db.r6g.large+zone=us-east-1a", "user=O@27Brien", "a=@", "a=@4", "=", "+", "a=b=c", "omitted=a@2cb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := dr.Config(text).Settings()
		if err != nil {
			return
		}
		if len(text) > dr.MaxConfig || got["omitted"] != "" {
			return
		}
		c := dr.NewConfig(got)
		if len(c) > dr.MaxConfig || !strict.MatchString(string(c)) {
			t.Fatalf("%q is written anew as %q", text, c)
		}
		again, err := c.Settings()
		if err != nil {
			t.Fatalf("%q is written anew as %q: %v", text, c, err)
		}
		if _, tooMuch := again["omitted"]; tooMuch { // Written without need for it, it was shorter.
			return
		}
		maps.DeleteFunc(got, func(_, v string) bool { return v == "" })
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatalf("%q (-read +written and read):\n%s", text, diff)
		}
	})
}
