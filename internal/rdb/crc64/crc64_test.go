package crc64_test

import (
	"hash/crc64"
	"math/rand/v2"
	"strconv"
	"testing"

	jones "github.com/holdfast-dr/holdfast/internal/rdb/crc64"
)

// standard computes the same with the standard library.
func standard(crc uint64, p []byte) uint64 {
	return ^crc64.Update(^crc, crc64.MakeTable(jones.Polynomial), p)
}

func TestCheck(t *testing.T) {
	if got := jones.Update(0, []byte("123456789")); got != jones.Check {
		t.Errorf("%#x, want %#x", got, uint64(jones.Check))
	}
}

// Every length around the steps, at every alignment, in one piece and in two.
func TestAgreesWithTheStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 3000)
	for i := range buf {
		buf[i] = byte(rnd.Uint32())
	}
	for n := range 2500 {
		p := buf[n%17:][:n]
		start := rnd.Uint64()
		want := standard(start, p)
		if got := jones.Update(start, p); got != want {
			t.Fatalf("%d bytes: %#x, want %#x", n, got, want)
		}
		cut := rnd.IntN(n + 1)
		if got := jones.Update(jones.Update(start, p[:cut]), p[cut:]); got != want {
			t.Fatalf("%d bytes cut at %d: %#x, want %#x", n, cut, got, want)
		}
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add(uint64(0), []byte("123456789"), uint16(3), uint8(1))
	f.Add(uint64(1)<<63, []byte("the quick brown fox"), uint16(40), uint8(0))
	f.Fuzz(func(t *testing.T, crc uint64, p []byte, times uint16, skip uint8) {
		var long []byte // Long enough for the fast way.
		for range int(times)%64 + 1 {
			long = append(long, p...)
		}
		long = long[min(int(skip), len(long)):]
		if got, want := jones.Update(crc, long), standard(crc, long); got != want {
			t.Errorf("%d bytes after %#x: %#x, want %#x", len(long), crc, got, want)
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{64, 1 << 10, 64 << 10, 1 << 20} {
		p := make([]byte, n)
		b.Run("jones/"+strconv.Itoa(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for crc := uint64(0); b.Loop(); {
				crc = jones.Update(crc, p)
			}
		})
		b.Run("standard/"+strconv.Itoa(n), func(b *testing.B) {
			table := crc64.MakeTable(jones.Polynomial)
			b.SetBytes(int64(n))
			for crc := uint64(0); b.Loop(); {
				crc = crc64.Update(crc, table, p)
			}
		})
	}
}
