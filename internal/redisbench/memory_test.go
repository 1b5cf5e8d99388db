//go:build unix

package redisbench

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/rdb/crc64"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// mostMore is how much of the machine's memory holdfast may take for reading a file, whatever
// is in it, beyond what the program takes before it does anything. That is mostly its text,
// and differs from system to system.
const mostMore = 48 << 20

// elements is how many a large collection has here.
const elements = 500_000

// parts hands on the pieces of a file, and its checksum at the end.
type parts struct {
	w   io.Writer
	crc uint64
	err error
}

func (p *parts) put(b []byte) {
	p.crc = crc64.Update(p.crc, b)
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
}

// file makes a file on the fly.
func file(magic string, write func(p *parts)) io.Reader {
	r, w := io.Pipe()
	go func() {
		p := &parts{w: w}
		p.put(rdbtest.New(magic).Raw(254).Len(0).Bytes())
		write(p)
		p.put([]byte{255})
		sum := p.crc
		p.put(rdbtest.New("").U64(sum).Bytes())
		w.CloseWithError(p.err)
	}()
	return r
}

// random gives bytes that do not compress.
func random(n int) []byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// largeCases are what there may be in a file that asks for much memory.
func largeCases() map[string]func(p *parts) {
	const big = 600 << 20
	block := random(1 << 20)
	row := func(code byte, each func(f *rdbtest.File, i int)) func(p *parts) {
		return func(p *parts) {
			p.put(rdbtest.New("").Key(code, "large").Len(elements).Bytes())
			for i := range elements {
				f := rdbtest.New("")
				each(f, i)
				p.put(f.Bytes())
			}
		}
	}
	whole := func(code byte, value func() string) func(p *parts) {
		return func(p *parts) { p.put(rdbtest.New("").Key(code, "large").Str(value()).Bytes()) }
	}
	return map[string]func(p *parts){
		"value": func(p *parts) {
			p.put(rdbtest.New("").Key(0, "large").Len(big).Bytes())
			for range big >> 20 {
				p.put(block)
			}
		},
		"value-compressed": func(p *parts) {
			numbers := fmt.Append(nil, block[:64<<10]) // Digits compress.
			text, n := rdbtest.Compress(numbers), len(numbers)
			times := big / n
			p.put(rdbtest.New("").Key(0, "large").Raw(0xc3).Len(uint64(times * len(text))).Len(uint64(times * n)).Bytes())
			for range times {
				p.put(text)
			}
		},
		"list-linked":    row(1, func(f *rdbtest.File, i int) { f.Str(member(i)) }),
		"set-hashtable":  row(2, func(f *rdbtest.File, i int) { f.Str(member(i)) }),
		"zset-v2":        row(5, func(f *rdbtest.File, i int) { f.Str(member(i)).Float(float64(i)) }),
		"hash-hashtable": row(4, func(f *rdbtest.File, i int) { f.Str(member(i)).Str(member(i)) }),
		"set-intset": whole(11, func() string {
			ints := make([]int, elements)
			for i := range ints {
				ints[i] = i * 70000
			}
			return rdbtest.Intset(8, ints...)
		}),
		"hash-listpack": whole(16, func() string { return rdbtest.Listpack(members(2 * elements)...) }),
		"zset-listpack": whole(17, func() string { return rdbtest.Listpack(scored(elements)...) }),
		"set-listpack":  whole(20, func() string { return rdbtest.Listpack(members(elements)...) }),
		"hash-ziplist":  whole(13, func() string { return rdbtest.Ziplist(members(2 * elements)...) }),
		"quicklist-v2": func(p *parts) {
			p.put(rdbtest.New("").Key(18, "large").Len(elements / 100).Bytes())
			for range elements / 100 {
				p.put(rdbtest.New("").Len(2).Str(rdbtest.Listpack(members(100)...)).Bytes())
			}
		},
		"stream":        stream,
		"keys":          manyKeys("key-%d"),
		"keys-prefixes": manyKeys("prefix-of-its-own-%d:key"),
	}
}

func member(i int) string { return "member-of-a-large-collection:" + strconv.Itoa(i) }

func members(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = member(i)
	}
	return out
}

func scored(n int) []any {
	out := make([]any, 0, 2*n)
	for i := range n {
		out = append(out, member(i), i)
	}
	return out
}

// stream has a node for each 100 entries.
func stream(p *parts) {
	const each = 100
	p.put(rdbtest.New("").Key(19, "large").Len(elements / each).Bytes())
	for n := range elements / each {
		entries := []any{each, 0, 2, "temp", "unit", 0}
		for j := range each {
			entries = append(entries, 2, j, 0, j, "C", 5)
		}
		p.put(rdbtest.New("").Node(uint64(1000*n), 1, entries...).Bytes())
	}
	last := uint64(1000*(elements/each-1) + each - 1)
	p.put(rdbtest.New("").Len(elements).ID(last, 1).ID(0, 1).ID(0, 0).Len(elements).Len(0).Bytes())
}

// manyKeys are so many that they cannot all be remembered.
func manyKeys(name string) func(p *parts) {
	return func(p *parts) {
		for i := range 3_000_000 {
			p.put(rdbtest.New("").Key(0, fmt.Sprintf(name, i)).Str("v").Bytes())
		}
	}
}

// TestMemory proves that reading a file takes little memory, whatever is in it.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads some ten GB")
	}
	holdfast := build(t)
	commands := [][]string{
		{"verify", "--level", "framing"}, {"verify", "--level", "shallow"}, {"verify", "--level", "deep"}, {"inspect", "--top", "1000", "--prefixes", "1000"},
	}
	for name, write := range largeCases() {
		t.Run(name, func(t *testing.T) {
			idle := costOf(t, nil, holdfast, "version").RSS
			t.Logf("doing nothing: %.1f MB", float64(idle)/1e6)
			for _, args := range commands {
				c := costOf(t, file("REDIS0011", write), holdfast, append(args, "-")...)
				t.Logf("%v: %.1f MB, %.1f s", args, float64(c.RSS)/1e6, c.Seconds)
				if more := c.RSS - idle; more > mostMore {
					t.Errorf("%v took %.1f MiB of memory more than doing nothing, and %d MiB is the most", args, float64(more)/(1<<20), mostMore>>20)
				}
			}
		})
	}
}
