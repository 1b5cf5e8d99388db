package rdb

import (
	"encoding/binary"
	"math/bits"
)

// sum128 is a hash of 128 bits. It is made for speed, and for data that nobody chose to
// deceive it: it is no proof against forgers, who can change a checksum as well.
type sum128 struct{ a, b uint64 }

// Odd numbers without a pattern: the digits of pi, e, and the square roots of 2, 3 and 5.
const (
	k0 = 0x243f6a8885a308d3
	k1 = 0xb7e151628aed2a6b
	k2 = 0x6a09e667f3bcc909
	k3 = 0xbb67ae8584caa73b
	k4 = 0x3c6ef372fe94f82b
	k5 = 0x9e3779b97f4a7c15
)

// Seeds keep apart what is hashed in different roles.
const (
	seedText   = k0
	seedNumber = k2
	seedPair   = k4
	seedKey    = k5
)

// round mixes 16 bytes in. The product spreads every bit over 128, and the factors, added
// the other way round, keep what a factor of zero would lose.
func (s sum128) round(x, y uint64) sum128 {
	x ^= s.a
	y ^= s.b
	hi, lo := bits.Mul64(x, y)
	return sum128{lo + y, hi ^ x}
}

// fold appends another hash. What came before is turned, so that the order counts.
func (s sum128) fold(o sum128) sum128 {
	return sum128{bits.RotateLeft64(s.a, 23), bits.RotateLeft64(s.b, 41)}.round(o.a^k1, o.b^k3)
}

// finish spreads the last bits, so that sums of hashes are as good as the hashes.
func (s sum128) finish() sum128 { return s.round(k1, k3).round(k3, k5) }

// plus adds modulo 2^128: it does not depend on order, and unlike exclusive or it tells
// one of a thing from three.
func (s sum128) plus(o sum128) sum128 {
	a, carry := bits.Add64(s.a, o.a, 0)
	b, _ := bits.Add64(s.b, o.b, carry)
	return sum128{a, b}
}

// with mixes a number in.
func (s sum128) with(n uint64) sum128 { return s.round(n^k1, k3) }

// hashNumber is the hash of an integer and of its decimal text.
func hashNumber(n int64) sum128 { return sum128{seedNumber, k1}.round(uint64(n), k3) }

// hashText is the hash of a string. One that is an integer's decimal text has the hash of
// the integer, since encodings store the one as the other.
func hashText(p []byte) sum128 {
	n, size := len(p), uint64(len(p))
	if n <= 16 {
		if n > 0 && p[0] <= '9' {
			if v, ok := asNumber(p); ok {
				return hashNumber(v)
			}
		}
		return hashShort(p)
	}
	if n <= numberMax {
		if v, ok := asNumber(p); ok {
			return hashNumber(v)
		}
	}
	s, last := sum128{seedText, k3}, p[n-16:]
	for ; n > 16; n -= 16 {
		s = s.round(binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]))
		p = p[16:]
	}
	return s.last(last, size)
}

// hashShort is the hash of at most 16 bytes. What is read twice overlaps, so that the
// length has to count. It changes the seeds in all their bits: in a few of them the next
// character could make up for it, as in "e:990" and "e:9990".
func hashShort(p []byte) sum128 {
	var x, y uint64
	switch n := len(p); {
	case n >= 8:
		x, y = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[n-8:])
	case n >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[n-4:]))
	case n > 0:
		x = uint64(p[0]) | uint64(p[n>>1])<<8 | uint64(p[n-1])<<16
	}
	size := uint64(len(p))
	return sum128{seedText + size*k5, k1 + 2*size*k3}.round(x, y)
}

// textHash hashes a text longer than any number that comes in pieces.
type textHash struct {
	s    sum128
	size uint64
	held int      // how many bytes of text's second half are there
	text [32]byte // the 16 bytes that were mixed in last, and those that were not yet
}

func (h *textHash) start() { *h = textHash{s: sum128{seedText, k3}} }

// write adds a piece. What may be the last 16 bytes is held back.
func (h *textHash) write(p []byte) {
	h.size += uint64(len(p))
	for len(p) > 0 {
		if h.held == 16 {
			h.s = h.s.round(binary.LittleEndian.Uint64(h.text[16:]), binary.LittleEndian.Uint64(h.text[24:]))
			copy(h.text[:16], h.text[16:])
			h.held = 0
		}
		if n := (len(p) - 1) / 16 * 16; h.held == 0 && n > 0 {
			copy(h.text[:16], p[n-16:n])
			for ; n > 0; n -= 16 {
				h.s = h.s.round(binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]))
				p = p[16:]
			}
		}
		n := copy(h.text[16+h.held:], p)
		h.held += n
		p = p[n:]
	}
}

func (h *textHash) sum() sum128 { return h.s.last(h.text[h.held:h.held+16], h.size) }

// last mixes in the last 16 bytes, some of which may have been before, and the length.
func (s sum128) last(p []byte, size uint64) sum128 {
	return s.round(binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])).round(size^k0, k5)
}

// numberMax is the length of the longest decimal text of a 64-bit integer.
const numberMax = 20

// asNumber reads the decimal text of an integer of 64 bits: what Redis would store as one
// (string2ll in util.c), without plus sign and leading zeros.
func asNumber(p []byte) (int64, bool) {
	digits, negative := p, false
	if len(p) > 0 && p[0] == '-' {
		digits, negative = p[1:], true
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && (negative || len(digits) > 1) {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + uint64(c) // Nineteen digits fit.
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true
	case !negative && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}
