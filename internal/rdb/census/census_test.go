package census

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		name, want string
		depth      int
		separator  byte
	}{
		{"user:1", "user:", 1, 0},
		{"user:1:name", "user:", 1, ':'},
		{"user:1:name", "user:1:", 2, ':'},
		{"user:1", "user:", 2, ':'}, // As many as there are.
		{"user", "", 3, ':'},
		{"", "", 1, ':'},
		{":x", ":", 1, ':'},
		{"a/b:c", "a/", 1, '/'},
		{strings.Repeat("x", prefixMax) + ":1", "", 1, ':'},
	} {
		got := New(Options{Depth: c.depth, Separator: c.separator}).prefix([]byte(c.name))
		if string(got) != c.want {
			t.Errorf("%q, depth %d: %q, want %q", c.name, c.depth, got, c.want)
		}
	}
}

func TestTerm(t *testing.T) {
	c := New(Options{Now: now})
	at := func(d time.Duration) int64 { return now.Add(d).UnixMilli() }
	for _, k := range []struct {
		expires int64
		want    string
	}{
		{0, "never"},
		{1, "past"},
		{at(0), "past"},
		{at(time.Millisecond), "within 1h"},
		{at(time.Hour), "within 1h"},
		{at(time.Hour + time.Millisecond), "within 1d"},
		{at(24 * time.Hour), "within 1d"},
		{at(7 * 24 * time.Hour), "within 7d"},
		{at(30 * 24 * time.Hour), "within 30d"},
		{at(30*24*time.Hour + 1e6), "later"},
	} {
		if got := c.expiries[c.term(k.expires)].When; got != k.want {
			t.Errorf("%d expires %s, want %s", k.expires, got, k.want)
		}
	}
}

// TestWhole counts a file.
func TestWhole(t *testing.T) {
	f := rdbtest.New("REDIS0011").Raw(254).Len(0)
	f.Key(0, "user:1").Str("x").Key(0, "user:2").Str(strings.Repeat("y", 40)).Key(0, "plain").Str("z")
	f.Raw(252).U64(uint64(now.Add(time.Minute).UnixMilli())).Key(20, "tags:\xff\"").Str(rdbtest.Listpack("a", "b", "c"))
	c := New(Options{Now: now, Prefixes: 1, Top: 2})
	if _, err := rdb.Verify(t.Context(), bytes.NewReader(f.End()), rdb.Options{Level: rdb.Deep, OnKey: c.Add}); err != nil {
		t.Fatal(err)
	}
	got := c.Result()
	want := Result{
		Prefixes: []Prefix{{Name: "user:", Keys: 2, Bytes: 59}},
		Others:   Prefix{Keys: 1, Bytes: 26},
		Without:  Prefix{Keys: 1, Bytes: 9},
		Exact:    true,
		ByBytes: []Big{
			{Name: "user:2", Kind: rdb.String, Encoding: "string", Bytes: 49, Elements: 1},
			{Name: `tags:\xff\"`, Kind: rdb.Set, Encoding: "set-listpack", Bytes: 26, Elements: 3, Expires: now.Add(time.Minute).UnixMilli()},
		},
		ByElements: []Big{
			{Name: `tags:\xff\"`, Kind: rdb.Set, Encoding: "set-listpack", Bytes: 26, Elements: 3, Expires: now.Add(time.Minute).UnixMilli()},
		},
		Expiries: []Expiry{
			{"never", 3, 68},
			{"past", 0, 0},
			{"within 1h", 1, 26},
			{"within 1d", 0, 0},
			{"within 7d", 0, 0},
			{"within 30d", 0, 0},
			{"later", 0, 0},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestHitters holds what is promised of prefixes, for any number of them and any room.
func TestHitters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(1, 12).Draw(t, "room")
		kinds := rapid.IntRange(1, 40).Draw(t, "prefixes")
		names := rapid.SliceOfN(rapid.IntRange(0, kinds-1), 1, 300).Draw(t, "keys")
		sizes := rapid.SliceOfN(rapid.Int64Range(1, 1000), len(names), len(names)).Draw(t, "sizes")
		s := newHitters(room)
		bytesOf, keysOf, whole := map[string]int64{}, map[string]uint64{}, int64(0)
		for i, n := range names {
			name := fmt.Sprintf("p%d:", n)
			s.add([]byte(name), &rdb.Key{Size: sizes[i]})
			bytesOf[name] += sizes[i]
			keysOf[name]++
			whole += sizes[i]
		}
		there := map[string]bool{}
		for _, p := range s.largest(room) {
			there[p.Name] = true
			if all := bytesOf[p.Name]; p.Bytes > all || p.Bytes+p.Missed < all || p.Keys > keysOf[p.Name] {
				t.Fatalf("%+v, and really it has %d keys with %d bytes", p, keysOf[p.Name], all)
			}
			if p.Missed == 0 && p.Keys != keysOf[p.Name] {
				t.Fatalf("%+v is said to be exact, and has %d keys", p, keysOf[p.Name])
			}
			if p.Missed > whole/int64(room) {
				t.Fatalf("%+v: more than a part in %d of %d may be missing", p, room, whole)
			}
		}
		for name, n := range bytesOf {
			if n > whole/int64(room) && !there[name] {
				t.Fatalf("%s with %d of %d bytes is not there, with room for %d", name, n, whole, room)
			}
		}
		if !s.lost && len(bytesOf) != len(there) || s.lost != (len(bytesOf) > room) {
			t.Fatalf("%d prefixes, room for %d, told %d, lost: %v", len(bytesOf), room, len(there), s.lost)
		}
	})
}

// TestTop compares what is kept with what sorting gives.
func TestTop(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, room := range []int{0, 1, 7, 2000} {
		c := New(Options{Top: room})
		var most int64
		for i := range 1000 {
			size := int64(rnd.IntN(500) + 1)
			most = max(most, size)
			if err := c.Add(&rdb.Key{Name: fmt.Appendf(nil, "k%d", i), Size: size}); err != nil {
				t.Fatal(err)
			}
		}
		got := c.Result().ByBytes
		if len(got) != min(room, 1000) {
			t.Fatalf("%d keys are told, with room for %d", len(got), room)
		}
		for i := range got {
			if i > 0 && got[i].Bytes > got[i-1].Bytes || i == 0 && got[0].Bytes != most {
				t.Errorf("room for %d: place %d has %d bytes, and the largest has %d", room, i, got[i].Bytes, most)
			}
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	for _, c := range []struct {
		name, form string
	}{{"few", "user-%d:key"}, {"many", "user-%d:key"}} {
		b.Run(c.name, func(b *testing.B) {
			kinds := map[string]int{"few": 100, "many": 1_000_000}[c.name]
			var keys []rdb.Key
			for i := range 1 << 20 {
				keys = append(keys, rdb.Key{Name: fmt.Appendf(nil, c.form, i%kinds), Size: int64(i % 1000)})
			}
			s := New(Options{Top: 10, Prefixes: 20})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = s.Add(&keys[i%len(keys)])
			}
		})
	}
}
