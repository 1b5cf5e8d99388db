// Package crc64 computes the checksum that ends every RDB file: CRC-64/Jones, as
// Redis has it in crc64.c: polynomial 0xad93d23594c935a9, bits reflected, nothing
// added at the start or at the end. The standard library's hash/crc64 complements the
// value at both ends and is bound to one table look-up a byte; where the processor can
// multiply without carry, this package takes 128 bytes at a step.
package crc64

// Polynomial is that of CRC-64/Jones with the bits reflected.
const Polynomial = 0x95ac9329ac4bc9b5

// Check is the checksum of the text "123456789".
const Check = 0xe9c6d914c4b8d9ca

// foldAt is how many bytes are worth being folded.
const foldAt = 256

// Update adds bytes to a checksum. The checksum of nothing is 0.
func Update(crc uint64, p []byte) uint64 {
	if len(p) >= foldAt && canFold() {
		n := len(p) &^ 127
		var rest [16]byte
		fold(&rest, crc, p[:n], &foldBy)
		crc, p = slice(0, rest[:]), p[n:]
	}
	return slice(crc, p)
}

// slice takes 16 bytes at a step, by tables.
func slice(crc uint64, p []byte) uint64 {
	for len(p) >= 16 {
		crc ^= uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		crc = tables[15][byte(crc)] ^ tables[14][byte(crc>>8)] ^ tables[13][byte(crc>>16)] ^ tables[12][byte(crc>>24)] ^
			tables[11][byte(crc>>32)] ^ tables[10][byte(crc>>40)] ^ tables[9][byte(crc>>48)] ^ tables[8][byte(crc>>56)] ^
			tables[7][p[8]] ^ tables[6][p[9]] ^ tables[5][p[10]] ^ tables[4][p[11]] ^
			tables[3][p[12]] ^ tables[2][p[13]] ^ tables[1][p[14]] ^ tables[0][p[15]]
		p = p[16:]
	}
	for _, b := range p {
		crc = tables[0][byte(crc)^b] ^ crc>>8
	}
	return crc
}

// tables[n][b] is what byte b adds when n bytes follow it.
var tables = makeTables() //nolint:gochecknoglobals // A constant that Go cannot write as one.

func makeTables() *[16][256]uint64 {
	t := new([16][256]uint64)
	for b := range t[0] {
		crc := uint64(b)
		for range 8 {
			crc = crc>>1 ^ Polynomial&-(crc&1)
		}
		t[0][b] = crc
	}
	for n := 1; n < len(t); n++ {
		for b := range t[n] {
			crc := t[n-1][b]
			t[n][b] = t[0][byte(crc)] ^ crc>>8
		}
	}
	return t
}

// folding holds, for one distance, what the first and the second 8 bytes of a block
// are multiplied by to stand that much further back: x^(distance+63) and
// x^(distance-1), reduced and reflected. The product of two reflected polynomials is
// one bit short, hence 63 and -1 and not 64 and 0. The method is that of Gopal et al.,
// "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel,
// 2009).
type folding struct{ far, near [2]uint64 }

// foldBy folds by 128 bytes, and by 16.
var foldBy = folding{
	far:  [2]uint64{power(1024 + 63), power(1024 - 1)},
	near: [2]uint64{power(128 + 63), power(128 - 1)},
}

// power gives x^n modulo the polynomial, reflected: the top bit is x^0.
func power(n int) uint64 {
	v := uint64(1) << 63
	for range n {
		v = v>>1 ^ Polynomial&-(v&1)
	}
	return v
}
