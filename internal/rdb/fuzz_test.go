package rdb

import (
	"bytes"
	"context"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// FuzzVerify looks for a file that makes one of the levels panic, run on, or allocate what
// is not there; and for one that framing refuses and a deep look takes.
func FuzzVerify(f *testing.F) {
	for _, p := range rdbtest.Samples() {
		f.Add(p)
	}
	r := NewReader(nil)
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > 8 {
			p = rdbtest.Reseal(p)
		}
		var errs [3]error
		for l := Framing; l <= Deep; l++ {
			r.Reset(bytes.NewReader(p))
			_, errs[l] = r.Verify(context.Background(), Options{Level: l})
		}
		if (errs[Framing] == nil) != (errs[Shallow] == nil) || errs[Framing] != nil && errs[Deep] == nil {
			t.Errorf("framing: %v; shallow: %v; deep: %v", errs[0], errs[1], errs[2])
		}
	})
}

// FuzzWalk looks for a value whose raw bytes or whose elements change the way.
func FuzzWalk(f *testing.F) {
	for _, p := range rdbtest.Samples() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > 8 {
			p = rdbtest.Reseal(p)
		}
		raw := 0
		err := NewReader(bytes.NewReader(p)).Walk(context.Background(), Visitor{
			Key:     func(*Key) (Want, error) { return RawValue | Elements, nil },
			Raw:     func(p []byte) error { raw += len(p); return nil },
			Element: func(e *Element) error { e.AppendText(nil); return nil },
		})
		r, deep := Verify(context.Background(), bytes.NewReader(p), Options{Level: Deep})
		if err == nil && deep == nil && int64(raw) > r.Bytes {
			t.Errorf("%d raw bytes of %d", raw, r.Bytes)
		}
		if deep == nil && err != nil {
			t.Errorf("walk: %v", err)
		}
	})
}

// FuzzLZF compares unpacking by window with unpacking at once, and packing with both.
func FuzzLZF(f *testing.F) {
	f.Add([]byte(rdbtest.Long), uint16(100))
	f.Add(rdbtest.Compress([]byte(rdbtest.Long)), uint16(len(rdbtest.Long)))
	f.Fuzz(func(t *testing.T, p []byte, size uint16) {
		packed := rdbtest.Compress(p)
		out := make([]byte, len(p))
		if to, used, why := lzf(out, 0, packed); to != len(p) || used != len(packed) || why != lzfShort || !bytes.Equal(out, p) {
			t.Fatalf("%d of %d bytes, %d of %d used, %d", to, len(p), used, len(packed), why)
		}
		// Anything may be there in place of instructions.
		out = make([]byte, size)
		to, used, why := lzf(out, 0, p)
		if to > len(out) || used > len(p) {
			t.Fatal(to, used, why)
		}
		// Taking it in two steps makes no difference.
		half := make([]byte, size)
		a, n, _ := lzf(half, 0, p[:len(p)/2])
		if n <= used {
			b, m, end := lzf(half, a, p[n:])
			if b != to || n+m != used || end != why || !bytes.Equal(half[:b], out[:to]) {
				t.Fatal(a, n, b, m, end, to, used, why)
			}
		}
	})
}

// open gives a string as the reader of a value sees it, whole and by a small window.
func open(p []byte) *blob {
	f := rdbtest.New("").Str(string(p))
	in := newInput(bytes.NewReader(f.Bytes()))
	in.texts.open()
	return &in.texts
}

func drain(c cursor) (n int) {
	var it item
	for c.next(&it) {
		n++
	}
	return n
}

func FuzzListpack(f *testing.F) {
	f.Add([]byte(rdbtest.Listpack("a", 1, -1, 4000, -70000, 1<<22, 1<<40, rdbtest.Long)))
	f.Fuzz(func(t *testing.T, p []byte) {
		var l listpack
		if b := open(p); l.open(b) {
			if n := drain(&l); b.in.fault == nil && (n != int(l.told) && l.told != manyEntries || !l.ended) {
				t.Errorf("%d entries of %d", n, l.told)
			}
		}
	})
}

func FuzzZiplist(f *testing.F) {
	f.Add([]byte(rdbtest.Ziplist("a", 1, -1, 4000, -70000, 1<<22, 1<<40, rdbtest.Long)))
	f.Fuzz(func(t *testing.T, p []byte) {
		var z ziplist
		if b := open(p); z.open(b) {
			if n := drain(&z); b.in.fault == nil && (n != int(z.told) && z.told != manyEntries || !z.ended) {
				t.Errorf("%d entries of %d", n, z.told)
			}
		}
	})
}

func FuzzZipmap(f *testing.F) {
	f.Add([]byte(rdbtest.Zipmap(3, "a", "b", "c", rdbtest.Long)))
	f.Fuzz(func(t *testing.T, p []byte) {
		var z zipmap
		if b := open(p); z.open(b) {
			if n := drain(&z); b.in.fault == nil && (n%2 != 0 || !z.ended) {
				t.Errorf("%d strings", n)
			}
		}
	})
}

// FuzzStream reads anything as a stream of the newest form.
func FuzzStream(f *testing.F) {
	for name, p := range rdbtest.Samples() {
		if i := bytes.Index(p, []byte("\x06stream")); i > 0 {
			f.Add(p[i+7:], byte(len(name)))
		}
	}
	f.Fuzz(func(t *testing.T, p []byte, form byte) {
		code := []byte{15, 19, 21, 26, 27}[form%5]
		file := rdbtest.New("REDIS0015").Key(code, "s").Raw(p...).Raw(0xff).Raw(make([]byte, 8)...).Bytes()
		_, framing := Verify(context.Background(), bytes.NewReader(file), Options{})
		_, deep := Verify(context.Background(), bytes.NewReader(file), Options{Level: Deep})
		if framing != nil && deep == nil {
			t.Errorf("framing: %v; deep: %v", framing, deep)
		}
	})
}
