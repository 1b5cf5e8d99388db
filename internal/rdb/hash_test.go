package rdb

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestSlots(t *testing.T) {
	for key, want := range map[string]uint16{
		"123456789": 0x31c3 % slots, "foo": 12182, "{user1000}.following": SlotOf([]byte("user1000")),
		"foo{}{bar}": SlotOf([]byte("foo{}{bar}")), "foo{{bar}}zap": SlotOf([]byte("{bar")), "": 0,
	} {
		if got := SlotOf([]byte(key)); got != want {
			t.Errorf("%q: %d, want %d", key, got, want)
		}
	}
	if SlotOf([]byte("foo{}{bar}")) == SlotOf([]byte("bar")) {
		t.Error("an empty tag is no tag")
	}
}

// A text in pieces has the hash of the whole.
func TestHashInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.Byte(), numberMax+1, 200).Draw(t, "text")
		var h textHash
		h.start()
		for rest := p; len(rest) > 0; {
			n := rapid.IntRange(0, len(rest)).Draw(t, "piece")
			h.write(rest[:n])
			rest = rest[n:]
		}
		if h.sum() != hashText(p) {
			t.Fatal("another hash")
		}
	})
}

func TestNumbersAndTheirTextHaveOneHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "number")
		if hashText(strconv.AppendInt(nil, n, 10)) != hashNumber(n) {
			t.Fatal("another hash")
		}
	})
	for _, n := range []int64{0, -1, 9, 10, math.MaxInt64, math.MinInt64} {
		if v, ok := asNumber(strconv.AppendInt(nil, n, 10)); !ok || v != n {
			t.Errorf("%d becomes %d, %v", n, v, ok)
		}
	}
	for _, s := range []string{"", "-", "-0", "01", "+1", " 1", "1 ", "9223372036854775808", "-9223372036854775809", "99999999999999999999", "1a"} {
		if _, ok := asNumber([]byte(s)); ok {
			t.Errorf("%q is taken for a number", s)
		}
	}
}

// Every bit of the input changes about half of the bits of the finished hash, and no two of
// many close inputs agree even in 64 of its bits.
func TestHashSpreads(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 3, 8, 12, 16, 17, 31, 32, 33, 64, 100} {
		changed, tries := 0, 0
		for range 50 {
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(rnd.Uint32()) | 0x80 // No digits.
			}
			h := hashText(p).finish()
			for bit := range size * 8 {
				if bit%8 == 7 {
					continue
				}
				p[bit/8] ^= 1 << (bit % 8)
				o := hashText(p).finish()
				p[bit/8] ^= 1 << (bit % 8)
				n := bits.OnesCount64(h.a^o.a) + bits.OnesCount64(h.b^o.b)
				if n < 24 || n > 104 {
					t.Errorf("size %d: bit %d changes %d of 128", size, bit, n)
				}
				changed, tries = changed+n, tries+1
			}
		}
		if mean := float64(changed) / float64(tries); mean < 62.5 || mean > 65.5 {
			t.Errorf("size %d: a bit changes %.2f bits of 128", size, mean)
		}
	}
	for name, hash := range map[string]func(i int) sum128{
		"numbers": func(i int) sum128 { return hashNumber(int64(i)).finish() },
		"texts":   func(i int) sum128 { return hashText([]byte("key:" + strconv.Itoa(i))).finish() },
		"zeros":   func(i int) sum128 { return hashText(make([]byte, i%4000)).with(uint64(i / 4000)).finish() },
		"pairs":   func(i int) sum128 { return hashNumber(int64(i % 400)).fold(hashNumber(int64(i / 400))).finish() },
		"sums": func(i int) sum128 {
			return hashNumber(int64(i % 400)).finish().plus(hashNumber(int64(400 + i/400)).finish())
		},
		"multiple": func(i int) sum128 { return sum128{uint64(i) << 32, 0}.round(0, 0).finish() },
	} {
		as, bs := map[uint64]bool{}, map[uint64]bool{}
		for i := range 100000 {
			h := hash(i)
			as[h.a], bs[h.b] = true, true
		}
		if len(as) < 100000 || len(bs) < 100000 {
			t.Errorf("%s: %d and %d of 100000 halves are different", name, len(as), len(bs))
		}
	}
}

func TestDupes(t *testing.T) {
	d := dupes{limit: 1 << 12}
	for _, hint := range []uint64{0, 100, 1 << 40} {
		d.reset(hint)
		for i := range uint64(5000) {
			if d.seen(hashNumber(int64(i)).a) {
				t.Fatalf("%d was not there before", i)
			}
		}
		for i := range uint64(3000) {
			if !d.seen(hashNumber(int64(i)).a) {
				t.Fatalf("%d was there before", i)
			}
		}
	}
}

// Names as people make them, of all lengths, have hashes of their own: in the whole, which
// digests are made of, and in the 64 bits by which what is there twice is found.
func TestHashOfNames(t *testing.T) {
	whole, half := map[sum128]string{}, map[uint64]string{}
	try := func(name string) {
		h := hashText([]byte(name))
		if o, there := whole[h]; there && o != name {
			t.Fatalf("%q and %q have one hash", o, name)
		}
		if o, there := half[(h.a^h.b)|1]; there && o != name {
			t.Fatalf("%q and %q have one hash in 64 bits", o, name)
		}
		whole[h], half[(h.a^h.b)|1] = name, name
	}
	n := 12000
	if testing.Short() {
		n = 3000
	}
	for _, before := range []string{"", "e:", "user:", "user::", "session-", "cart:{42}:", "a", "0x", "2026-11-", "very:long:name:of:a:key:"} {
		for _, after := range []string{"", ":", ":name", "}", "0"} {
			for i := range n {
				try(before + strconv.Itoa(i) + after)
				try(before + strconv.FormatInt(int64(i)*7919, 36) + after)
			}
		}
	}
	for c := range 256 { // The same again and again, in every length.
		for size := range 40 {
			b := make([]byte, size)
			for i := range b {
				b[i] = byte(c)
			}
			try(string(b))
		}
	}
}
