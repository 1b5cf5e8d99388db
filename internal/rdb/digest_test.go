package rdb_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

func digest(t testing.TB, p []byte) rdb.Digest {
	t.Helper()
	r, err := verify(t, p, rdb.Deep)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Flaws) > 0 && !strings.Contains(r.Flaws[0].What, "is said to have") {
		t.Fatal(r.Flaws)
	}
	return r.Digest
}

type writer = func(*rdbtest.File)

// forms are the ways in which one value can be stored: a magic, a type and what follows.
type form struct {
	magic string
	code  byte
	write writer
}

func rows(write ...writer) writer {
	return func(f *rdbtest.File) {
		for _, w := range write {
			w(f)
		}
	}
}

func TestDigestsDoNotDependOnEncoding(t *testing.T) {
	long := rdbtest.Long
	huge := strings.Repeat("0123456789abcdef-", 40000) // 680 KB: no window holds it.
	for name, forms := range map[string][]form{
		"string": {
			{"REDIS0009", 0, func(f *rdbtest.File) { f.Str("12345") }},
			{"REDIS0011", 0, func(f *rdbtest.File) { f.Int(12345) }},
			{"VALKEY080", 0, func(f *rdbtest.File) { f.LZF("12345") }},
		},
		"huge string": {
			{"REDIS0009", 0, blobOf(huge)},
			{"REDIS0009", 0, func(f *rdbtest.File) { f.LZF(huge) }},
		},
		"list": {
			{"REDIS0006", 1, func(f *rdbtest.File) { f.Len(4).Str("a").Int(-7).LZF(long).Str(huge) }},
			{"REDIS0009", 10, blobOf(rdbtest.Ziplist("a", -7, long, huge))},
			{"REDIS0009", 10, func(f *rdbtest.File) { f.LZF(rdbtest.Ziplist("a", "-7", long, huge)) }},
			{"REDIS0009", 14, func(f *rdbtest.File) { f.Len(2).Str(rdbtest.Ziplist("a", "-7")).LZF(rdbtest.Ziplist(long, huge)) }},
			{"REDIS0011", 18, func(f *rdbtest.File) { f.Len(2).Len(2).LZF(rdbtest.Listpack("a", -7, long)).Len(1).LZF(huge) }},
			{"REDIS0011", 18, func(f *rdbtest.File) { f.Len(1).Len(2).Str(rdbtest.Listpack("a", -7, long, huge)) }},
		},
		"set": {
			{"REDIS0009", 2, func(f *rdbtest.File) { f.Len(3).Int(3).Str("1").Int(20000000) }},
			{"REDIS0009", 11, blobOf(rdbtest.Intset(4, 1, 3, 20000000))},
			{"REDIS0009", 11, blobOf(rdbtest.Intset(8, 1, 3, 20000000))},
			{"REDIS0011", 20, blobOf(rdbtest.Listpack(20000000, "1", 3))},
		},
		"sorted set": {
			{"REDIS0006", 3, func(f *rdbtest.File) { f.Len(3).Str("a").Text(1).Str("b").Text(2.5).Str("c").Text(math.Inf(-1)) }},
			{"REDIS0009", 5, func(f *rdbtest.File) { f.Len(3).Str("b").Float(2.5).Str("c").Float(math.Inf(-1)).Str("a").Float(1) }},
			{"REDIS0009", 12, blobOf(rdbtest.Ziplist("c", "-inf", "a", 1, "b", "2.5"))},
			{"REDIS0011", 17, blobOf(rdbtest.Listpack("c", "-inf", "a", "1", "b", "2.50"))},
		},
		"zero": {
			{"REDIS0009", 5, func(f *rdbtest.File) { f.Len(1).Str("b").Float(math.Copysign(0, -1)) }},
			{"REDIS0009", 12, blobOf(rdbtest.Ziplist("b", 0))},
		},
		"hash": {
			{"REDIS0006", 4, func(f *rdbtest.File) { f.Len(2).Str("f").Int(1).Int(2).Str(long) }},
			{"REDIS0006", 9, blobOf(rdbtest.Zipmap(3, "2", long, "f", "1"))},
			{"REDIS0009", 13, blobOf(rdbtest.Ziplist(2, long, "f", 1))},
			{"REDIS0011", 16, blobOf(rdbtest.Listpack("f", "1", "2", long))},
			{"REDIS0012", 24, func(f *rdbtest.File) { f.U64(0).Len(2).Len(0).Str("2").Str(long).Len(0).Str("f").Str("1") }},
			{"REDIS0012", 25, func(f *rdbtest.File) { f.U64(0).Str(rdbtest.Listpack("f", 1, 0, 2, long, 0)) }},
			{"REDIS0015", 29, func(f *rdbtest.File) { f.Raw(1).Len(2).Int(2).Str("f").Str(rdbtest.Listpack(0, long, 1)) }},
			{"REDIS0015", 31, func(f *rdbtest.File) { f.Raw(0).Str(rdbtest.Listpack(2, "f")).Str(long).Str("1") }},
		},
		"hash whose fields expire": {
			{"REDIS0012", 24, func(f *rdbtest.File) { f.U64(1000).Len(2).Len(1).Str("f").Str("1").Len(1001).Str("g").Str("1") }},
			{"REDIS0012", 25, func(f *rdbtest.File) { f.U64(1000).Str(rdbtest.Listpack("f", 1, 1000, "g", "1", 2000)) }},
			{"REDIS0012", 22, func(f *rdbtest.File) { f.Len(2).Len(2000).Str("g").Str("1").Len(1000).Str("f").Str("1") }},
			{"VALKEY080", 22, func(f *rdbtest.File) { f.Len(2).Str("g").Str("1").U64(2000).Str("f").Str("1").U64(1000) }},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want rdb.Digest
			for i, form := range forms {
				p := one(form.magic, form.code, form.write)
				got := digest(t, p)
				if i == 0 {
					want = got
				}
				if got != want || got.IsZero() {
					t.Errorf("form %d (type %d): %v, want %v", i, form.code, got, want)
				}
				r, err := rdb.Verify(t.Context(), iotest.HalfReader(bytes.NewReader(p)), rdb.Options{Level: rdb.Deep})
				if err != nil || r.Digest != want {
					t.Errorf("form %d (type %d), read in pieces: %v, want %v; %v", i, form.code, r.Digest, want, err)
				}
			}
		})
	}
}

func TestDigestsDoNotDependOnOrder(t *testing.T) {
	a := func(f *rdbtest.File) { f.Raw(252).U64(5).Key(0, "a").Str("1") }
	b := func(f *rdbtest.File) { f.Raw(248).Len(77).Key(0, "b").Str("2") }
	c := func(f *rdbtest.File) { f.Raw(249, 5).Key(0, "b").Str("2") }
	file := func(keys ...writer) rdb.Digest {
		f := rdbtest.New("REDIS0011")
		rows(keys...)(f)
		return digest(t, f.End())
	}
	if file(a, b) != file(b, a) || file(a, c) != file(b, a) {
		t.Error("the order of keys, or how often they are used, counts")
	}
}

// Whatever a client could see makes a difference, and none of these is another.
func TestDigestsTellDataApart(t *testing.T) {
	str := func(s string) form { return form{"REDIS0011", 0, blobOf(s)} }
	list := func(items ...any) form {
		return form{"REDIS0011", 18, func(f *rdbtest.File) { f.Len(1).Len(2).Str(rdbtest.Listpack(items...)) }}
	}
	lp := func(code byte, items ...any) form { return form{"REDIS0011", code, blobOf(rdbtest.Listpack(items...))} }
	seen := map[string]string{}
	check := func(what string, p []byte) {
		t.Helper()
		d := digest(t, p).String()
		if before, there := seen[d]; there {
			t.Errorf("%s and %s have the same digest", before, what)
		}
		seen[d] = what
	}
	for i, f := range []form{
		str("a"), str("b"), str(""), str("01"), str("1"), str("-1"), str("+1"), str("-0"), str("0"), str("9223372036854775807"),
		str("9223372036854775808"), str("-9223372036854775808"), str("a\x00"), str("\x00"), str("\x00\x00"), str(strings.Repeat("x", 16)), str(strings.Repeat("x", 17)),
		str(strings.Repeat("\x00", 16)), str(strings.Repeat("\x00", 32)), str(strings.Repeat("\x00", 33)),
		list("a", "b"), list("b", "a"), list("ab"), list("a", "b", ""), list("", "a", "b"), list("a", "a"), list("a"), list("a", "a", "a"),
		lp(20, "a", "b"), lp(20, "a"), lp(20, "ab"),
		lp(17, "a", 1, "b", 2), lp(17, "a", 2, "b", 1), lp(17, "a", "1.5"), lp(17, "a", 1),
		lp(16, "a", "b"), lp(16, "b", "a"), lp(16, "a", "b", "c", "d"), lp(16, "a", "d", "c", "b"),
		lp(25, "a", "b", 7), // Eight bytes of an expiry are missing: see below.
	} {
		if f.code == 25 {
			f.write = func(f *rdbtest.File) { f.U64(7).Str(rdbtest.Listpack("a", "b", 7)) }
		}
		check(fmt.Sprintf("%d", i), one(f.magic, f.code, f.write))
	}
	check("another key", rdbtest.New("REDIS0011").Key(0, "another key").Str("a").End())
	check("another database", rdbtest.New("REDIS0011").Raw(254).Len(1).Key(0, "the key").Str("a").End())
	check("an expiry", rdbtest.New("REDIS0011").Raw(252).U64(1).Key(0, "the key").Str("a").End())
	check("two keys", rdbtest.New("REDIS0011").Key(0, "the key").Str("a").Key(0, "other").Str("a").End())
	for _, name := range []string{"redis-5", "redis-6", "redis-7.2", "redis-8.6", "redis-8.8", "redis-8.10"} {
		check(name, rdbtest.Samples()[name])
	}
}

// A digest is written down and compared years later: it must not change without its version.
func TestDigestsStay(t *testing.T) {
	for name, want := range map[string]string{
		"redis-5":    "hf1:c5961b14d7d20db144506beb6a3dcdb3",
		"redis-7.0":  "hf1:1a0cd58ce4aa31be075d741a5ee06550",
		"redis-8.10": "hf1:a47559811cb8177359fa6d0ff43cc342",
	} {
		d := digest(t, rdbtest.Samples()[name])
		if d.String() != want {
			t.Errorf("%s: %v, want %s: if that is meant, DigestVersion has to change", name, d, want)
		}
		text, err := d.MarshalText()
		var back rdb.Digest
		if err != nil || back.UnmarshalText(text) != nil || back != d {
			t.Errorf("%s becomes %v", text, back)
		}
	}
	var d rdb.Digest
	for _, bad := range []string{"", "hf0:00112233445566778899aabbccddeeff", "hf1:00", "hf1:0011223344556677889 aabbccddeeff"} {
		if d.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken for a digest", bad)
		}
	}
}

// A stream is the same in all forms, but for what only later ones know.
func TestDigestsOfStreams(t *testing.T) {
	entries := func(f *rdbtest.File) {
		f.Len(1).Node(5, 1, 1, 0, 1, "a", 0, 2, 0, 0, "x", 4).Len(1).ID(5, 1)
	}
	group := func(seen uint64, form int) writer {
		return func(f *rdbtest.File) {
			f.Len(1).Str("g").ID(5, 1)
			if form >= 2 {
				f.Len(1)
			}
			f.Len(1).RawID(5, 1).U64(1000).Len(3).Len(1).Str("c").U64(seen)
			if form >= 3 {
				f.U64(seen)
			}
			f.Len(1).RawID(5, 1)
			if form >= 5 {
				f.Len(0)
			}
			if form >= 4 {
				f.ID(100, 100).Len(0).ID(0, 0)
			}
		}
	}
	meta := func(f *rdbtest.File) { f.ID(5, 1).ID(0, 0).Len(1) }
	var want rdb.Digest
	for i, f := range []form{
		{"REDIS0009", 15, rows(entries, group(1, 1))},
		{"REDIS0010", 19, rows(entries, meta, group(2, 2))},
		{"REDIS0011", 21, rows(entries, meta, group(3, 3))},
		{"REDIS0013", 26, rows(entries, meta, group(4, 4))},
		{"REDIS0014", 27, rows(entries, meta, group(5, 5))},
	} {
		got := digest(t, one(f.magic, f.code, f.write))
		if i == 0 {
			want = got
		}
		if got != want {
			t.Errorf("form %d: %v, want %v", i+1, got, want)
		}
	}
}

// Values may be as large as they like, and their parts too.
func TestWalkHandsOnLargeValues(t *testing.T) {
	huge := strings.Repeat("0123456789abcdef-", 100000)
	f := rdbtest.New("REDIS0011")
	at := len(f.Key(18, "k").Bytes())
	f.Len(2).Len(1).LZF(huge).Len(2).LZF(rdbtest.Listpack("small", huge, 5))
	raw := bytes.Clone(f.Bytes()[at:])
	var got, items []byte
	var roles []rdb.Role
	err := rdb.NewReader(bytes.NewReader(f.End())).Walk(t.Context(), rdb.Visitor{
		Key: func(*rdb.Key) (rdb.Want, error) { return rdb.RawValue | rdb.Elements, nil },
		Raw: func(p []byte) error {
			got = append(got, p...)
			return nil
		},
		Element: func(e *rdb.Element) error {
			items = e.AppendText(items)
			if !e.More {
				items = append(items, '|')
				roles = append(roles, e.Role)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, raw) {
		t.Errorf("%d raw bytes of %d", len(got), len(raw))
	}
	if string(items) != huge+"|small|"+huge+"|5|" || len(roles) != 4 {
		t.Errorf("%d bytes of items, %v", len(items), roles)
	}
}

func TestWalkEndsWhenItsVisitorHasEnough(t *testing.T) {
	for name, v := range map[string]rdb.Visitor{
		"header":  {Header: func(rdb.Header) error { return io.ErrClosedPipe }},
		"aux":     {Aux: func(rdb.Aux) error { return io.ErrClosedPipe }},
		"library": {Library: func([]byte) error { return io.ErrClosedPipe }},
		"key":     {Key: func(*rdb.Key) (rdb.Want, error) { return 0, io.ErrClosedPipe }},
		"raw":     {Key: func(*rdb.Key) (rdb.Want, error) { return rdb.RawValue, nil }, Raw: func([]byte) error { return io.ErrClosedPipe }},
		"element": {Key: func(*rdb.Key) (rdb.Want, error) { return rdb.Elements, nil }, Element: func(*rdb.Element) error { return io.ErrClosedPipe }},
		"done":    {Done: func(*rdb.Key) error { return io.ErrClosedPipe }},
	} {
		err := rdb.NewReader(bytes.NewReader(rdbtest.Samples()["redis-7.0"])).Walk(t.Context(), v)
		if err == nil || !strings.Contains(err.Error(), "closed pipe") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Who walks through a file and decodes it gets the digests that verifying gets; and raw
// values are all that a file has between its keys.
func TestWalkGivesTheSameDigests(t *testing.T) {
	for name, p := range corpus(t) {
		want := map[string]rdb.Digest{}
		o := rdb.Options{Level: rdb.Deep, OnKey: func(k *rdb.Key) error {
			want[string(k.Name)] = k.Digest
			return nil
		}}
		if _, err := rdb.Verify(t.Context(), bytes.NewReader(p), o); err != nil {
			t.Fatal(name, err)
		}
		raw := 0
		err := rdb.NewReader(bytes.NewReader(p)).Walk(t.Context(), rdb.Visitor{
			Key:     func(*rdb.Key) (rdb.Want, error) { return rdb.Elements | rdb.RawValue, nil },
			Element: func(*rdb.Element) error { return nil },
			Raw: func(p []byte) error {
				raw += len(p)
				return nil
			},
			Done: func(k *rdb.Key) error {
				if k.Digest != want[string(k.Name)] {
					t.Errorf("%s: key %q: %v, want %v", name, k.Name, k.Digest, want[string(k.Name)])
				}
				if size := raw + 1; int64(size) >= k.Size {
					t.Errorf("%s: key %q has %d raw bytes of %d", name, k.Name, raw, k.Size)
				}
				raw = 0
				return nil
			},
		})
		if err != nil {
			t.Error(name, err)
		}
	}
}
