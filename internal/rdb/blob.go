package rdb

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// Encodings of a string that is not stored as it is (rdb.h).
const (
	encInt8  = 0
	encInt16 = 1
	encInt32 = 2
	encLZF   = 3
)

// blob is one string of a file, seen through a window: in the input's buffer if it is
// stored as it is, in an own one if it was compressed. Nearly always the window holds all
// of it.
type blob struct {
	in   *input
	win  []byte
	pos  int    // what is before is taken
	left uint64 // how many bytes follow the window
	size uint64 // of the whole string

	kind   blobKind
	at     int64  // where in the file its bytes begin
	gone   int64  // how many bytes have left the window
	num    int64  // of kindNumber
	packed uint64 // compressed bytes that are still in the file
	space  []byte // where strings are unpacked
	digits [24]byte
}

type blobKind uint8

const (
	kindRaw blobKind = iota
	kindNumber
	kindPacked
)

// A string that is compressed is unpacked at once up to unpackAtOnce, and larger ones with
// a window of that size. LZF refers back at most 8 KiB.
const (
	unpackAtOnce = 256 << 10
	lzfReach     = 8 << 10
)

// wholeMax is up to which size a piece of a string is made to lie in the window.
const wholeMax = 128 << 10

// head reads how a string is stored, up to where its bytes begin.
func (b *blob) head() bool {
	in := b.in
	n, special := in.lengthOr()
	b.win, b.pos, b.gone, b.left, b.packed = nil, 0, 0, 0, 0
	if !special {
		b.kind, b.size = kindRaw, n
		b.at = in.offset()
		return in.fault == nil
	}
	b.kind = kindNumber
	switch n {
	case encInt8:
		b.num = int64(int8(in.byte()))
	case encInt16:
		if p := in.take(2); p != nil {
			b.num = int64(int16(binary.LittleEndian.Uint16(p)))
		}
	case encInt32:
		b.num = int64(int32(in.uint32()))
	case encLZF:
		return b.headPacked()
	default:
		in.broken("a string has the encoding %d, which is not known", n)
	}
	return in.fault == nil
}

// headPacked reads the two lengths of a compressed string and whether they can be true: an
// instruction of at most 3 bytes makes at most 264, and one of at least 2 makes 1 or more.
func (b *blob) headPacked() bool {
	in := b.in
	b.kind = kindPacked
	b.packed, b.size = in.length(), in.length()
	b.at = in.offset()
	if in.fault != nil {
		return false
	}
	if b.packed == 0 || b.size/88 > b.packed || b.size < b.packed/2 {
		in.broken("%d compressed bytes cannot hold the %d that they are said to hold", b.packed, b.size)
		return false
	}
	in.inflated += b.size - min(b.packed, b.size)
	return true
}

// skipText passes over the next string without looking at its bytes.
func (in *input) skipText() {
	if in.r < in.w {
		if n := in.buf[in.r]; n < 64 && in.w-in.r > int(n) {
			in.r += 1 + int(n)
			return
		}
	}
	b := &in.texts
	if !b.head() {
		return
	}
	switch b.kind {
	case kindRaw:
		in.skip(b.size)
	case kindPacked:
		in.skip(b.packed)
	case kindNumber:
	}
}

// open begins to read the next string.
func (b *blob) open() bool { return b.head() && b.load() }

// load brings the first window.
func (b *blob) load() bool {
	switch b.kind {
	case kindNumber:
		b.win = strconv.AppendInt(b.digits[:0], b.num, 10)
		b.size = uint64(len(b.win))
		return true
	case kindPacked:
		return b.unpack()
	case kindRaw:
		b.left = b.size
		return b.slide(int(min(b.size, bufferSize)))
	}
	return false
}

// slide moves a window over the input's buffer so that it begins at pos and has n bytes.
func (b *blob) slide(n int) bool {
	in := b.in
	rest := uint64(len(b.win)-b.pos) + b.left
	in.r += b.pos
	b.gone += int64(b.pos)
	b.win, b.pos = nil, 0
	if !in.ensure(n) {
		b.left = 0
		return false
	}
	k := min(rest, uint64(in.w-in.r))
	b.win, b.left = in.buf[in.r:in.r+int(k)], rest-k
	return true
}

// more makes the window hold the next n bytes, or as many as there are. What was taken
// from the window before is not valid any more.
func (b *blob) more(n int) bool {
	if b.in.fault != nil {
		return false
	}
	if have := uint64(len(b.win) - b.pos); have+b.left < uint64(n) {
		n = int(have + b.left)
	}
	if len(b.win)-b.pos >= n {
		return true
	}
	if b.kind == kindPacked {
		return b.unpackMore(n)
	}
	return b.slide(n)
}

// peek gives what of the next n bytes there is. n is small.
func (b *blob) peek(n int) []byte {
	if len(b.win)-b.pos < n && b.left != 0 {
		b.more(n)
	}
	return b.win[b.pos:]
}

// rest is how many bytes are not taken yet.
func (b *blob) rest() uint64 { return uint64(len(b.win)-b.pos) + b.left }

// text takes the next n bytes, behind hd others, as an item.
func (b *blob) text(hd int, n uint64, it *item) bool {
	if from := b.pos + hd; n <= wholeMax && from+int(n) <= len(b.win) {
		b.pos = from + int(n)
		it.text, it.isNum, it.long = b.win[from:b.pos], false, 0
		return true
	}
	return b.textAcross(hd, n, it)
}

// textAcross does so where the window does not hold all of it.
func (b *blob) textAcross(hd int, n uint64, it *item) bool {
	if rest := b.rest(); uint64(hd) > rest || n > rest-uint64(hd) {
		b.broken("a string of %d bytes does not fit into the %d that are left", n, rest)
		return false
	}
	if need := uint64(hd) + n; need > uint64(len(b.win)-b.pos) && need <= wholeMax && !b.more(int(need)) {
		return false
	}
	b.pos += hd
	it.isNum = false
	if have := uint64(len(b.win) - b.pos); n > have {
		it.text, it.long, it.from = b.win[b.pos:], n-have, b
		b.pos = len(b.win)
		return true
	}
	it.text, it.long = b.win[b.pos:b.pos+int(n)], 0
	b.pos += int(n)
	return true
}

// piece takes up to n of the bytes that follow, for strings that do not fit a window.
func (b *blob) piece(n uint64) []byte {
	if b.pos == len(b.win) && !b.more(1) {
		return nil
	}
	p := b.win[b.pos:]
	if uint64(len(p)) > n {
		p = p[:n]
	}
	b.pos += len(p)
	return p
}

// close ends the reading of a string. All of it must have been taken, unless there was a
// fault.
func (b *blob) close() {
	if b.in.fault != nil {
		return
	}
	if b.rest() != 0 {
		b.broken("%d bytes follow the end of what the string holds", b.rest())
		return
	}
	if b.kind == kindRaw {
		b.in.r += b.pos
		b.win, b.pos = nil, 0
	}
}

// broken says that the string is wrong at the byte that is next.
func (b *blob) broken(format string, args ...any) {
	at, inside := b.at+b.gone+int64(b.pos), int64(0)
	if b.kind == kindPacked {
		at, inside = b.at, b.gone+int64(b.pos)
	}
	b.in.brokenAt(at, inside, fmt.Sprintf(format, args...), nil, "")
}
