package elasticache

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// What is written into keys is read from them, whatever it holds.
func TestLabelsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~é/+=@%]{1,20}`)
		notBlank := func(name string) string {
			return rapid.Map(text, func(s string) string { return "x" + s }).Draw(t, name)
		}
		c := dr.Claim{
			Owner: notBlank("owner"), Policy: notBlank("policy"), Source: notBlank("source"), Origin: notBlank("origin"),
			Slot: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "slot"), 0).UTC(), Retention: text.Draw(t, "retention"),
		}
		l := label{claim: c, files: rapid.IntRange(0, 500).Draw(t, "files"), kms: text.Draw(t, "key"), bytes: rapid.Int64Range(0, 1<<50).Draw(t, "bytes")}
		p := place{c.Owner, dr.SnapshotName(c, "orders", rapid.IntRange(0, 3).Draw(t, "attempt"), nameLimit)}
		key, err := p.labelKey(completeMark, l)
		if err != nil {
			t.Skip("too long")
		}
		all := []object{{key: key}, {key: p.key(heldName)}, {key: p.key(p.name + "-0001.rdb")}, {key: p.key(manifestName)}}
		got := shelve(all)
		if len(got) != 1 || got[0].place != p || !got[0].held || !got[0].manifest || len(got[0].files) != 1 {
			t.Fatalf("%q reads as %+v", key, got)
		}
		if k, _ := got[0].known(); k.label != l {
			t.Errorf("%+v reads as %+v", l, k.label)
		}
	})
}

// What has not exactly the form of ours is not.
func TestOtherKeysAreNotOurs(t *testing.T) {
	c := dr.Claim{Owner: "prod", Policy: "gold", Source: "elasticache/1/r/orders", Origin: "elasticache/1/r/x", Slot: time.Unix(0, 0).UTC()}
	p := place{"prod", dr.SnapshotName(c, "orders", 0, nameLimit)}
	mark := func(settings string) string { return p.key(completeMark + "/" + settings) }
	good, err := p.labelKey(completeMark, label{claim: c, files: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		mark(""), mark("c.policy"), mark("files=1"), strings.Replace(good, "files=1", "files=x", 1), strings.Replace(good, "c.origin", "c.other", 1),
		strings.Replace(good, p.name, "orders", 1), strings.Replace(good, root, "holdfast/other/", 1), good[len("holdfast"):],
		strings.Replace(good, "prod/", "/", 1), strings.Replace(good, "prod/", "%zz@x/", 1), root, root + "prod/", p.prefix(),
		p.key(heldName), p.key(p.name + "-0001.rdb"), p.key(manifestName),
	} {
		if got := shelve([]object{{key: key}}); len(got) > 0 {
			t.Errorf("%q is taken for %+v", key, got[0])
		}
	}
	also := []object{{key: good}}
	for _, name := range []string{
		p.name + "-1.rdb", p.name + "-0000.rdb", p.name + "-0001.rdb.bak", p.name + "x-0001.rdb", "notes.txt", "held/x", "manifest.json/x", "sub/" + p.name + "-0001.rdb",
	} {
		also = append(also, object{key: p.key(name)})
	}
	if got := shelve(also); len(got) != 1 || len(got[0].files) > 0 || got[0].held || got[0].manifest {
		t.Errorf("taken for ours: %+v", got[0])
	}
}

func TestWholeExports(t *testing.T) {
	for _, tc := range []struct {
		wants int
		files string
		whole bool
	}{
		{2, "a-0001.rdb a-0002.rdb", true},
		{2, "a-0001.rdb", false},
		{2, "a-0001.rdb a-0003.rdb", false},
		{0, "a-0001.rdb", true},
		{0, "a-0002.rdb", false},
		{0, "", false},
	} {
		var all []object
		for name := range strings.FieldsSeq(tc.files) {
			all = append(all, object{key: name})
		}
		if got := (label{files: tc.wants}).whole(all, "a"); got != tc.whole {
			t.Errorf("%d wanted of %q: whole %v", tc.wants, tc.files, got)
		}
	}
}
