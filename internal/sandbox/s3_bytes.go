package sandbox

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
)

// content is what an object holds: pieces, each bytes that lie in memory or bytes
// that are made when they are read, so that a large object takes no room. It is
// never written to.
type content []piece

type piece struct {
	bytes []byte
	// seed, where it is not "", makes the bytes from offset on, n of them.
	seed      string
	offset, n int64
}

func bytesOf(b []byte) *content {
	if len(b) == 0 {
		return &content{}
	}
	return &content{{bytes: b, n: int64(len(b))}}
}

// madeOf gives n bytes that follow from a seed: the same in every run.
func madeOf(seed string, n int64) *content { return &content{{seed: seed, n: n}} }

func (c *content) size() int64 {
	var n int64
	for _, p := range *c {
		n += p.n
	}
	return n
}

// slice gives n bytes from an offset on, which must be there.
func (c *content) slice(offset, n int64) *content {
	var out content
	for _, p := range *c {
		skip := min(offset, p.n)
		take := min(n, p.n-skip)
		offset, n = offset-skip, n-take
		if take == 0 {
			continue
		}
		part := piece{seed: p.seed, offset: p.offset + skip, n: take}
		if p.seed == "" {
			part.bytes, part.offset = p.bytes[skip:skip+take], 0
		}
		out = append(out, part)
	}
	return &out
}

func joined(parts ...*content) *content {
	var out content
	for _, p := range parts {
		out = append(out, *p...)
	}
	return &out
}

// made says that some of the bytes do not lie in memory.
func (c *content) made() bool {
	for _, p := range *c {
		if p.seed != "" {
			return true
		}
	}
	return false
}

func (c *content) reader() io.Reader {
	var all []io.Reader
	for _, p := range *c {
		if p.seed == "" {
			all = append(all, bytes.NewReader(p.bytes))
		} else {
			all = append(all, io.LimitReader(&maker{key: seedKey(p.seed), at: p.offset}, p.n))
		}
	}
	return io.MultiReader(all...)
}

// digest gives the MD5 that an ETag is made of. Of bytes that do not lie in memory
// it is one of what they are made of: ETags need not be of the bytes, as those of
// encrypted objects are not.
func (c *content) digest() [md5.Size]byte {
	h := md5.New()
	for _, p := range *c {
		h.Write(p.bytes)
		if p.seed != "" {
			fmt.Fprintf(h, "%s %d %d", p.seed, p.offset, p.n)
		}
	}
	return [md5.Size]byte(h.Sum(nil))
}

// etag gives the ETag of an object that was written in one.
func (c *content) etag() string {
	sum := c.digest()
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// maker makes bytes: eight at a time, from a key and their position.
type maker struct {
	key uint64
	at  int64
}

func seedKey(seed string) uint64 {
	sum := md5.Sum([]byte(seed))
	return binary.LittleEndian.Uint64(sum[:])
}

// Read fills all of p.
func (m *maker) Read(p []byte) (int, error) {
	for i := 0; i < len(p); {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], mixed(m.key+uint64(m.at/8)))
		n := copy(p[i:], word[m.at%8:])
		i, m.at = i+n, m.at+int64(n)
	}
	return len(p), nil
}

// mixed spreads the bits of a number over all of a word: the finalizer of
// SplitMix64, by Sebastiano Vigna.
func mixed(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
