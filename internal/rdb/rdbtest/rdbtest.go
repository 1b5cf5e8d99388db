// Package rdbtest writes RDB files for tests, of every version and type, sound and not. It
// shares no code with what reads them: a mistake in the one does not hide in the other.
package rdbtest

import (
	"encoding/binary"
	"hash/crc64"
	"math"
	"strconv"
)

// File is a file that is being written.
type File struct{ p []byte }

// New begins a file, with a magic such as REDIS0011.
func New(magic string) *File { return &File{p: []byte(magic)} }

// Raw appends bytes as they are.
func (f *File) Raw(p ...byte) *File {
	f.p = append(f.p, p...)
	return f
}

// Len appends a length in its shortest form.
func (f *File) Len(n uint64) *File {
	switch {
	case n < 1<<6:
		return f.Raw(byte(n))
	case n < 1<<14:
		return f.Raw(byte(n>>8)|0x40, byte(n))
	case n <= math.MaxUint32:
		f.p = binary.BigEndian.AppendUint32(append(f.p, 0x80), uint32(n))
	default:
		f.p = binary.BigEndian.AppendUint64(append(f.p, 0x81), n)
	}
	return f
}

// Str appends a string as it is.
func (f *File) Str(s string) *File {
	f.Len(uint64(len(s)))
	f.p = append(f.p, s...)
	return f
}

// Int appends an integer of 32 bits as a string in its shortest form.
func (f *File) Int(n int) *File {
	switch {
	case n == int(int8(n)):
		return f.Raw(0xc0, byte(n))
	case n == int(int16(n)):
		return f.Raw(0xc1, byte(n), byte(n>>8))
	}
	f.p = binary.LittleEndian.AppendUint32(append(f.p, 0xc2), uint32(n))
	return f
}

// LZF appends a string compressed.
func (f *File) LZF(s string) *File {
	c := Compress([]byte(s))
	f.Raw(0xc3).Len(uint64(len(c))).Len(uint64(len(s)))
	return f.Raw(c...)
}

// U32 and U64 append an integer of that size, little endian.
func (f *File) U32(n uint32) *File {
	f.p = binary.LittleEndian.AppendUint32(f.p, n)
	return f
}

// U64 appends an integer of 8 bytes, little endian.
func (f *File) U64(n uint64) *File {
	f.p = binary.LittleEndian.AppendUint64(f.p, n)
	return f
}

// Float appends a number of 8 bytes.
func (f *File) Float(x float64) *File { return f.U64(math.Float64bits(x)) }

// Text appends a number as digits behind one byte of length.
func (f *File) Text(x float64) *File {
	switch {
	case math.IsInf(x, 1):
		return f.Raw(254)
	case math.IsInf(x, -1):
		return f.Raw(255)
	case math.IsNaN(x):
		return f.Raw(253)
	}
	s := strconv.FormatFloat(x, 'g', 17, 64)
	f.p = append(append(f.p, byte(len(s))), s...)
	return f
}

// Key appends a type and a key.
func (f *File) Key(code byte, name string) *File { return f.Raw(code).Str(name) }

// Aux appends a field of the file.
func (f *File) Aux(name, value string) *File { return f.Raw(250).Str(name).Str(value) }

// Select goes to a database and tells how many keys it has, and how many expire.
func (f *File) Select(db, keys, expiring uint64) *File {
	return f.Raw(254).Len(db).Raw(251).Len(keys).Len(expiring)
}

// ID appends the ID of a stream's entry, as two lengths.
func (f *File) ID(ms, seq uint64) *File { return f.Len(ms).Len(seq) }

// RawID appends one as 16 bytes.
func (f *File) RawID(ms, seq uint64) *File {
	f.p = append(f.p, rawID(ms, seq)...)
	return f
}

func rawID(ms, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, ms), seq)
}

// Bytes gives what was written so far.
func (f *File) Bytes() []byte { return f.p }

// End appends the end and the checksum, and gives the file.
func (f *File) End() []byte {
	f.p = append(f.p, 0xff)
	return binary.LittleEndian.AppendUint64(f.p, Sum(f.p))
}

// EndUnproven ends the file without a checksum.
func (f *File) EndUnproven() []byte {
	return append(append(f.p, 0xff), make([]byte, 8)...)
}

// Sum is the checksum of a file up to and with its end.
func Sum(p []byte) uint64 {
	return ^crc64.Update(^uint64(0), crc64.MakeTable(0x95ac9329ac4bc9b5), p)
}

// Reseal gives a file with the checksum that it would have had.
func Reseal(p []byte) []byte {
	n := len(p) - 8
	return binary.LittleEndian.AppendUint64(append([]byte(nil), p[:n]...), Sum(p[:n]))
}
