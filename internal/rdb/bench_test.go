package rdb_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// mixed makes a file of about size bytes as a server of 7.0 would write it: strings, small
// and large hashes, lists, sets and sorted sets, streams, a part of it compressed.
func mixed(size int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func(n int) string {
		p := make([]byte, n)
		for i := range p {
			p[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[rnd.IntN(36)]
		}
		return string(p)
	}
	f := rdbtest.New("REDIS0010").Aux("redis-ver", "7.0.15").Raw(254).Len(0)
	packed := strings.Repeat(`{"id":"`+word(8)+`","name":"`+word(12)+`","tags":["a","b"]},`, 8)
	for i := 0; len(f.Bytes()) < size; i++ {
		if i%3 == 0 {
			f.Raw(252).U64(1900000000000 + uint64(i))
		}
		name := fmt.Sprintf("%s:%d", []string{"user", "session", "cart", "feed", "rank"}[i%5], i)
		switch i % 12 {
		case 0, 1, 2:
			f.Key(0, name).Str(word(20 + rnd.IntN(200)))
		case 3:
			f.Key(0, name).Int(rnd.IntN(1 << 30))
		case 4:
			f.Key(0, name).LZF(packed)
		case 5, 6:
			var items []any
			for j := range 8 + rnd.IntN(24) {
				items = append(items, fmt.Sprintf("field%d", j), word(rnd.IntN(40)), fmt.Sprintf("count%d", j), rnd.IntN(100000))
			}
			f.Key(16, name).Str(rdbtest.Listpack(items...))
		case 7:
			n := 50 + rnd.IntN(200)
			f.Key(4, name).Len(uint64(n))
			for j := range n {
				f.Str(fmt.Sprintf("field-%d", j)).Str(word(16 + rnd.IntN(48)))
			}
		case 8:
			n := 30 + rnd.IntN(100)
			f.Key(5, name).Len(uint64(n))
			for j := range n {
				f.Str(fmt.Sprintf("member-%d-%s", j, word(8))).Float(rnd.Float64() * 1000)
			}
		case 9:
			n := 30 + rnd.IntN(100)
			f.Key(2, name).Len(uint64(n))
			for j := range n {
				f.Str(fmt.Sprintf("%s-%d", word(20), j))
			}
		case 10:
			f.Key(18, name).Len(3)
			for range 3 {
				var items []any
				for range 60 {
					items = append(items, word(10+rnd.IntN(60)))
				}
				f.Len(2).Str(rdbtest.Listpack(items...))
			}
		case 11:
			entries := []any{40, 0, 3, "temp", "unit", "place", 0}
			for j := range 40 {
				entries = append(entries, 2, j, 0, rnd.IntN(500), "C", word(8), 6)
			}
			f.Key(19, name).Len(1).Node(uint64(1700000000000+i), 1, entries...)
			f.Len(40).ID(uint64(1700000000000+i+39), 1).ID(uint64(1700000000000+i), 1).ID(0, 0).Len(40).Len(0)
		}
	}
	return f.End()
}

// BenchmarkVerify reads a file of some 100 MB of all kinds, as does Redis's own judge.
func BenchmarkVerify(b *testing.B) {
	path := filepath.Join(b.TempDir(), "mixed.rdb")
	p := mixed(100 << 20)
	if err := os.WriteFile(path, p, 0o600); err != nil {
		b.Fatal(err)
	}
	size := int64(len(p))
	for _, l := range levels {
		b.Run(l.String(), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				r, err := rdb.Verify(context.Background(), f, rdb.Options{Level: l})
				if err != nil || r.Checksum != rdb.ChecksumGood {
					b.Fatal(r.Checksum, err)
				}
				b.ReportMetric(float64(r.Keys), "keys")
				f.Close()
			}
		})
	}
	b.Run("redis-check-rdb", func(b *testing.B) {
		check := outside.Command(b, "redis-check-rdb")
		b.SetBytes(size)
		for b.Loop() {
			if out, err := exec.CommandContext(context.Background(), check, path).CombinedOutput(); err != nil {
				b.Fatalf("%v\n%s", err, out)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(size)
		buf := make([]byte, 256<<10)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buf); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
	})
}
