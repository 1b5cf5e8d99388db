package rdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// one gives a file with one key, whose value is what write writes.
func one(magic string, code byte, write func(*rdbtest.File)) []byte {
	f := rdbtest.New(magic).Select(0, 1, 0).Key(code, "the key")
	write(f)
	return f.End()
}

func blobOf(s string) func(*rdbtest.File) { return func(f *rdbtest.File) { f.Str(s) } }

// put changes bytes of a string.
func put(s string, at int, p ...byte) string {
	b := []byte(s)
	if at < 0 {
		at += len(b)
	}
	copy(b[at:], p)
	return string(b)
}

// Under a checksum that fits, so that nothing but a look inside can tell.
func TestLiesAreSeen(t *testing.T) {
	lp, zl := rdbtest.Listpack("a", "b", 5, "c"), rdbtest.Ziplist("a", "b", 5, "c")
	for name, c := range map[string]struct {
		file  []byte
		level rdb.Level
		want  string
	}{
		"listpack: total":               {one("REDIS0011", 20, blobOf(put(lp, 0, 99))), rdb.Deep, "says that it has 99 bytes and has"},
		"listpack: number of entries":   {one("REDIS0011", 20, blobOf(put(lp, 4, 3))), rdb.Deep, "says that it has 3 entries and has 4"},
		"listpack: size behind":         {one("REDIS0011", 20, blobOf(put(lp, 8, 7))), rdb.Deep, "its size of 2"},
		"listpack: no end":              {one("REDIS0011", 20, blobOf(put(lp, -1, 0))), rdb.Deep, "its size"},
		"listpack: long string":         {one("REDIS0011", 20, blobOf(put(lp, 6, 0xf0, 255, 255))), rdb.Deep, "does not fit"},
		"listpack: odd":                 {one("REDIS0011", 16, blobOf(rdbtest.Listpack("a", "b", "c"))), rdb.Deep, "field is there without its value"},
		"listpack: too small":           {one("REDIS0011", 16, blobOf("abc")), rdb.Deep, "too few for a listpack"},
		"listpack: unknown entry":       {one("REDIS0011", 20, blobOf(put(lp, 6, 0xf7))), rdb.Deep, "0xf7 begins no entry"},
		"listpack: in a list":           {one("REDIS0011", 18, func(f *rdbtest.File) { f.Len(1).Len(3).Str(lp) }), rdb.Framing, "of kind 3"},
		"ziplist: total":                {one("REDIS0009", 10, blobOf(put(zl, 0, 99))), rdb.Deep, "says that it has 99 bytes"},
		"ziplist: last entry":           {one("REDIS0009", 10, blobOf(put(zl, 4, 10))), rdb.Deep, "last entry begins at byte 10"},
		"ziplist: number":               {one("REDIS0009", 10, blobOf(put(zl, 8, 3))), rdb.Deep, "3 entries and has 4"},
		"ziplist: size before":          {one("REDIS0009", 10, blobOf(put(zl, 13, 9))), rdb.Deep, "the one before it has 9 bytes, which has 3"},
		"ziplist: entry":                {one("REDIS0009", 10, blobOf(put(zl, 11, 0xc7))), rdb.Deep, "does not fit"},
		"intset: order":                 {one("REDIS0009", 11, blobOf(rdbtest.Intset(2, 1, 3, 2))), rdb.Deep, "2 follows 3"},
		"intset: twice":                 {one("REDIS0009", 11, blobOf(rdbtest.Intset(8, 1, 1))), rdb.Deep, "1 follows 1"},
		"intset: width":                 {one("REDIS0009", 11, blobOf(put(rdbtest.Intset(2, 1), 0, 3))), rdb.Deep, "have 3 bytes"},
		"intset: number":                {one("REDIS0009", 11, blobOf(put(rdbtest.Intset(2, 1), 4, 3))), rdb.Deep, "takes 14 bytes and has 10"},
		"zipmap: number":                {one("REDIS0006", 9, blobOf(put(rdbtest.Zipmap(0, "a", "b"), 0, 2))), rdb.Deep, "2 fields and has 1"},
		"zipmap: length":                {one("REDIS0006", 9, blobOf(put(rdbtest.Zipmap(0, "a", "b"), 1, 77))), rdb.Deep, "does not fit"},
		"zipmap: no value":              {one("REDIS0006", 9, blobOf(rdbtest.Zipmap(0, "a"))), rdb.Deep, "no value"},
		"score: text":                   {one("REDIS0006", 3, func(f *rdbtest.File) { f.Len(1).Str("m").Str("1x") }), rdb.Deep, `the score "1x" is no number`},
		"score: hexadecimal":            {one("REDIS0006", 3, func(f *rdbtest.File) { f.Len(1).Str("m").Str("0x1p4") }), rdb.Deep, "is no number"},
		"score: nan":                    {one("REDIS0009", 5, func(f *rdbtest.File) { f.Len(1).Str("m").Float(math.NaN()) }), rdb.Deep, "a score is no number"},
		"LZF: longer":                   {one("REDIS0009", 0, func(f *rdbtest.File) { f.Raw(0xc3, 5, 5).Raw(4, 'a', 'b', 'c', 'd').Raw('e') }), rdb.Shallow, ""},
		"LZF: more":                     {one("REDIS0009", 0, func(f *rdbtest.File) { f.Raw(0xc3, 6, 4).Raw(4, 'a', 'b', 'c', 'd', 'e') }), rdb.Deep, "hold more than the 4"},
		"LZF: less":                     {one("REDIS0009", 0, func(f *rdbtest.File) { f.Raw(0xc3, 6, 6).Raw(4, 'a', 'b', 'c', 'd', 'e') }), rdb.Deep, "end 1 bytes before its end"},
		"LZF: before":                   {one("REDIS0009", 0, func(f *rdbtest.File) { f.Raw(0xc3, 4, 4).Raw(0, 'a', 0x20, 1) }), rdb.Deep, "before its beginning"},
		"LZF: too good":                 {one("REDIS0009", 0, func(f *rdbtest.File) { f.Raw(0xc3, 2).Len(1<<20).Raw(0, 'a') }), rdb.Framing, "cannot hold"},
		"a length that is none":         {one("REDIS0009", 1, func(f *rdbtest.File) { f.Raw(0xc1, 1, 2) }), rdb.Framing, "length was expected"},
		"a length of another kind":      {one("REDIS0009", 1, func(f *rdbtest.File) { f.Raw(0x82) }), rdb.Framing, "begins no length"},
		"more items than bytes":         {one("REDIS0009", 1, func(f *rdbtest.File) { f.Len(math.MaxUint64).Str("a") }), rdb.Framing, ""},
		"a string longer than the file": {one("REDIS0009", 0, func(f *rdbtest.File) { f.Len(1 << 62).Raw('a') }), rdb.Framing, "the file ends"},
		"module: part":                  {one("REDIS0009", 7, func(f *rdbtest.File) { f.Len(9).Len(6) }), rdb.Framing, "is of kind 6"},
		"template: number":              {one("REDIS0015", 32, func(f *rdbtest.File) { f.Len(7).Str("a") }), rdb.Framing, "no hash template with the number 7"},
		"template: order":               {one("REDIS0015", 31, func(f *rdbtest.File) { f.Raw(1).Len(2).Str("bb").Str("a").Str("1").Str("2") }), rdb.Framing, `"a" follows "bb"`},
		"template: values":              {one("REDIS0015", 29, func(f *rdbtest.File) { f.Raw(1).Len(1).Str("a").Str(rdbtest.Listpack(0, 1, 2)) }), rdb.Deep, "more values than its 1"},
		"array: order":                  {one("REDIS0014", 28, func(f *rdbtest.File) { f.Len(2).Len(0).Len(5).Len(0).Str("a").Len(5).Len(0).Str("b") }), rdb.Framing, "5 follows 5"},
		"expiry of nothing":             {rdbtest.New("REDIS0011").Raw(252).U64(1).End(), rdb.Framing, "belongs to no key"},
		"no RDB":                        {[]byte("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"), rdb.Framing, "append-only"},
		"packed as a whole":             {[]byte("VCS1\x01\x00\x00\x00xxxxxxxxxxxxxx"), rdb.Framing, "rdbcompression"},
		"version":                       {[]byte("REDISabcdxxxxxxxxxx"), rdb.Framing, "no number"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(t, c.file, c.level)
			if c.want == "" && err == nil && c.level == rdb.Shallow {
				_, err = verify(t, c.file, rdb.Deep)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Streams say much of themselves.
func TestLiesOfStreamsAreSeen(t *testing.T) {
	sound := rdbtest.Samples()["redis-7.2"]
	for name, c := range map[string]struct{ old, now, want string }{
		"entries":     {"\x02\x43\xea\x01\x43\xe8", "\x03\x43\xea\x01\x43\xe8", "3 entries and has 2"},
		"last":        {"\x02\x43\xea\x01\x43\xe8", "\x02\x43\xe9\x01\x43\xe8", "last entry was 1001-1 and has 1002-1"},
		"pending":     {"\x05alice", "\x05alicf", ""},
		"node":        {"\x02\x01\x01\x01\x02\x01", "\x01\x01\x01\x01\x02\x01", "-1 more entries"},
		"same fields": {"\x85\x43\x06", "\x85\x43\x06", ""},
	} {
		if !bytes.Contains(sound, []byte(c.old)) {
			if c.want != "" {
				t.Errorf("%s: the sample has no %q", name, c.old)
			}
			continue
		}
		p := rdbtest.Reseal(bytes.Replace(sound, []byte(c.old), []byte(c.now), 1))
		if _, err := verify(t, p, rdb.Deep); c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	p := bytes.Clone(sound)
	at := bytes.LastIndex(p, []byte{0, 0, 0, 0, 0, 0, 0x03, 0xea})
	p[at+15] = 9 // What bob holds is not what is pending.
	if _, err := verify(t, rdbtest.Reseal(p), rdb.Deep); err == nil || !strings.Contains(err.Error(), "is not what its consumers hold") {
		t.Error(err)
	}
}

func TestFlaws(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"a key twice":    {rdbtest.New("REDIS0011").Select(0, 2, 0).Key(0, "k").Str("a").Key(0, "k").Str("b").End(), `key "k" of database 0 is there twice`},
		"a member twice": {one("REDIS0011", 2, func(f *rdbtest.File) { f.Len(2).Str("17").Int(17) }), "member or field twice"},
		"a field twice":  {one("REDIS0011", 16, blobOf(rdbtest.Listpack("f", 1, "f", 2))), "member or field twice"},
		"nothing in it":  {one("REDIS0011", 16, blobOf(rdbtest.Listpack())), "holds nothing"},
		"other number":   {rdbtest.New("REDIS0011").Select(2, 5, 1).Key(0, "k").Str("a").End(), "database 2 is said to have 5 keys, 1 of which expire, and has 1 and 0"},
		"no checksum":    {rdbtest.New("REDIS0011").EndUnproven(), "no checksum"},
	} {
		r, err := verify(t, c.file, rdb.Deep)
		if err != nil || len(r.Flaws) != 1 || !strings.Contains(r.Flaws[0].What, c.want) {
			t.Errorf("%s: %+v, %v", name, r.Flaws, err)
		}
	}
}

func TestErrorsTellWhereAndWhat(t *testing.T) {
	f := rdbtest.New("REDIS0011").Select(3, 1, 0)
	at := len(f.Bytes())
	_, err := verify(t, f.Key(16, "bad\nkey").Str("abc").End(), rdb.Deep)
	var e *rdb.FormatError
	if !errors.As(err, &e) || e.Key != `"bad\nkey"` || e.DB != 3 || e.Type != "hash-listpack" || e.Offset <= int64(at) {
		t.Errorf("%+v, %v", e, err)
	}
	_, err = verify(t, rdbtest.New("REDIS0011").Key(33, "k").Len(1).End(), rdb.Deep)
	var u *rdb.UnknownTypeError
	if !errors.As(err, &u) || u.Code != 33 || u.Key != `"k"` || u.Offset != 9 || !strings.Contains(err.Error(), "GCRA") {
		t.Errorf("%+v, %v", u, err)
	}
}

// The same number is another thing in the other line.
func TestNumbersAreReadByTheirLine(t *testing.T) {
	hash2 := func(f *rdbtest.File) { f.Len(1).Str("f").Str("v").U64(math.MaxUint64) }
	if _, err := verify(t, one("VALKEY080", 22, hash2), rdb.Deep); err != nil {
		t.Error(err)
	}
	if _, err := verify(t, one("REDIS0012", 22, hash2), rdb.Deep); err == nil {
		t.Error("Redis reads Valkey's hash")
	}
	var u *rdb.UnknownTypeError
	for _, code := range []byte{23, 24, 26, 28} {
		if _, err := verify(t, one("VALKEY080", code, hash2), rdb.Framing); !errors.As(err, &u) {
			t.Error(code, err)
		}
	}
	if _, err := verify(t, rdbtest.New("VALKEY081").Raw(242).End(), rdb.Framing); !errors.As(err, &u) {
		t.Error(err)
	}
}

func TestVersions(t *testing.T) {
	var v *rdb.VersionError
	for magic, known := range map[string]bool{"REDIS0005": true, "REDIS0015": true, "REDIS0016": false, "VALKEY081": true, "VALKEY082": false} {
		p := rdbtest.New(magic).Key(0, "k").Str("v").End()
		r, err := verify(t, p, rdb.Framing)
		if err != nil || (len(r.Flaws) == 0) != known || r.Header.String() != magic {
			t.Errorf("%s: %+v, %v", magic, r, err)
		}
		if _, err = verify(t, p, rdb.Deep); (err == nil) != known || err != nil && !errors.As(err, &v) {
			t.Errorf("%s: %v", magic, err)
		}
	}
	for _, magic := range []string{"REDIS0004", "VALKEY011"} {
		if _, err := verify(t, rdbtest.New(magic).End(), rdb.Framing); !errors.As(err, &v) || !strings.Contains(err.Error(), "older") {
			t.Errorf("%s: %v", magic, err)
		}
	}
}

// endless gives a head, and then the same piece over and over.
type endless struct {
	head  io.Reader
	piece []byte
	at    int
	left  int64
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); err != io.EOF {
		return n, err
	}
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && e.left > 0 {
		k := copy(p[n:], e.piece[e.at:])
		n, e.at, e.left = n+k, (e.at+k)%len(e.piece), e.left-int64(k)
	}
	return n, nil
}

// Whatever a file says or holds, reading it stays far below 64 MB.
func TestMemoryIsBounded(t *testing.T) {
	const big = 600 << 20
	head := func(code byte, write func(*rdbtest.File)) io.Reader {
		f := rdbtest.New("REDIS0011").Select(0, 1, 0).Key(code, "big")
		write(f)
		return bytes.NewReader(f.Bytes())
	}
	type source struct {
		head  io.Reader
		piece []byte
		left  int64
	}
	zeros := make([]byte, 4096)
	copies := bytes.Repeat([]byte{0xe0, 0xff, 0}, 1024)
	packed := func(f *rdbtest.File) { f.Raw(0xc3).Len(2+big/264*3).Len(1+big/264*264).Raw(0, 'a') }
	for name, c := range map[string]source{
		"a string":          {head(0, func(f *rdbtest.File) { f.Len(big) }), zeros, big},
		"a packed string":   {head(0, packed), copies, big / 264 * 3},
		"a packed listpack": {head(16, packed), copies, big / 264 * 3},
		"a name":            {bytes.NewReader(rdbtest.New("REDIS0011").Raw(0).Len(big).Bytes()), zeros, big},
		"an item of a ziplist": {head(10, func(f *rdbtest.File) {
			f.Len(big+16).Raw([]byte(rdbtest.Ziplist())[:10]...).Raw(0, 0x80).Raw(0x25, 0x80, 0, 0)
		}), zeros, big},
		"an item of a listpack": {head(20, func(f *rdbtest.File) { f.Len(big).U32(big).Raw(1, 0, 0xf0).U32(big - 20) }), zeros, big},
		"many keys":             {head(0, func(f *rdbtest.File) { f.Len(0) }), append([]byte{0, 4, 0, 0, 0, 0, 0}, 0, 0), 4 << 20},
		"many members":          {head(2, func(f *rdbtest.File) { f.Len(math.MaxUint64) }), []byte{0xc2, 1, 2, 3, 4}, 64 << 20},
		"many databases":        {head(0, func(f *rdbtest.File) { f.Len(0) }), zeros, 0},
		"many templates":        {bytes.NewReader(rdbtest.New("REDIS0015").Bytes()), []byte{242, 1, 1, 1, 'a'}, 1 << 20},
		"a template's names":    {bytes.NewReader(rdbtest.New("REDIS0015").Raw(242, 0, 0x81).Raw(0, 0, 0, 0x7f, 0, 0, 0, 0).Bytes()), []byte{4, 'a', 'b', 'c', 'd'}, 64 << 20},
		"a function library":    {bytes.NewReader(rdbtest.New("REDIS0011").Raw(245).Len(big).Bytes()), zeros, big},
		"an aux field":          {bytes.NewReader(rdbtest.New("REDIS0011").Raw(250).Str("lua").Len(big).Bytes()), zeros, big},
	} {
		t.Run(name, func(t *testing.T) {
			src := endless{head: c.head, piece: c.piece, left: c.left}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := rdb.Verify(context.Background(), &src, rdb.Options{Level: rdb.Deep})
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("%d MB were allocated", took>>20)
			}
			if err == nil {
				t.Errorf("no error, %+v", r)
			}
			if testing.Verbose() {
				t.Logf("%d KB allocated, %d bytes read: %v", (after.TotalAlloc-before.TotalAlloc)>>10, r.Bytes, err)
			}
		})
	}
}

// keyReader gives keys without end, each with a prefix of its own.
type keyReader struct {
	left int
	buf  bytes.Buffer
}

func (k *keyReader) Read(p []byte) (int, error) {
	for k.buf.Len() < len(p) && k.left > 0 {
		k.left--
		fmt.Fprintf(&k.buf, "\x00\x0ap%07d:n\x01v", k.left)
	}
	return k.buf.Read(p)
}

func TestMemoryOfManyKeys(t *testing.T) {
	const keys = 3_000_000
	src := io.MultiReader(bytes.NewReader(rdbtest.New("REDIS0011").Bytes()), &keyReader{left: keys})
	var most uint64
	o := rdb.Options{Level: rdb.Deep, Progress: func(rdb.Progress) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}}
	runtime.GC()
	r, err := rdb.Verify(context.Background(), src, o)
	if !errors.Is(err, io.ErrUnexpectedEOF) || r.Keys != keys || r.TwiceAmong != 1572864 || len(r.Prefixes) != 101 {
		t.Errorf("%d keys, %d of them compared, %d prefixes: %v", r.Keys, r.TwiceAmong, len(r.Prefixes), err)
	}
	if most > 64<<20 {
		t.Errorf("%d MB in use", most>>20)
	}
}

func TestManyDatabases(t *testing.T) {
	f := rdbtest.New("REDIS0011")
	for db := range uint64(20000) {
		f.Raw(254).Len(db).Key(0, "k").Str("v")
	}
	var l *rdb.LimitError
	if _, err := verify(t, f.End(), rdb.Deep); !errors.As(err, &l) {
		t.Error(err)
	}
}
