package rdbtest

import (
	"encoding/binary"
	"math"
)

// Listpack makes one of strings and integers.
func Listpack(items ...any) string {
	p := []byte("totnum") // Set at the end.
	for _, item := range items {
		e := listpackEntry(item)
		p = append(append(p, e...), back(len(e))...)
	}
	p = append(p, 0xff)
	binary.LittleEndian.PutUint32(p, uint32(len(p)))
	binary.LittleEndian.PutUint16(p[4:], uint16(min(len(items), math.MaxUint16)))
	return string(p)
}

func listpackEntry(item any) []byte {
	switch v := item.(type) {
	case string:
		switch n := len(v); {
		case n < 64:
			return append([]byte{0x80 | byte(n)}, v...)
		case n < 4096:
			return append([]byte{0xe0 | byte(n>>8), byte(n)}, v...)
		default:
			return append(binary.LittleEndian.AppendUint32([]byte{0xf0}, uint32(n)), v...)
		}
	case int:
		u := uint64(v)
		switch {
		case v >= 0 && v < 128:
			return []byte{byte(v)}
		case v >= -4096 && v < 4096:
			return []byte{0xc0 | byte(u>>8)&0x1f, byte(u)}
		case v == int(int16(v)):
			return binary.LittleEndian.AppendUint16([]byte{0xf1}, uint16(u))
		case v >= -1<<23 && v < 1<<23:
			return []byte{0xf2, byte(u), byte(u >> 8), byte(u >> 16)}
		case v == int(int32(v)):
			return binary.LittleEndian.AppendUint32([]byte{0xf3}, uint32(u))
		}
		return binary.LittleEndian.AppendUint64([]byte{0xf4}, u)
	}
	panic("rdbtest: neither a string nor an integer")
}

// back is the size of an entry as it stands behind it.
func back(n int) []byte {
	size := 5
	for i, limit := range []int{128, 16383, 2097151, 268435455} {
		if n < limit {
			size = i + 1
			break
		}
	}
	p := make([]byte, size)
	for i := size - 1; i >= 0; i-- {
		p[i] = byte(n & 127)
		if i > 0 {
			p[i] |= 128
		}
		n >>= 7
	}
	return p
}

// Ziplist makes one of strings and integers.
func Ziplist(items ...any) string {
	p := []byte("totltailnm") // Set at the end.
	last, size := 10, 0
	for _, item := range items {
		last = len(p)
		if size < 254 {
			p = append(p, byte(size))
		} else {
			p = binary.LittleEndian.AppendUint32(append(p, 0xfe), uint32(size))
		}
		p = append(p, ziplistEntry(item)...)
		size = len(p) - last
	}
	p = append(p, 0xff)
	binary.LittleEndian.PutUint32(p, uint32(len(p)))
	binary.LittleEndian.PutUint32(p[4:], uint32(last))
	binary.LittleEndian.PutUint16(p[8:], uint16(min(len(items), math.MaxUint16)))
	return string(p)
}

func ziplistEntry(item any) []byte {
	switch v := item.(type) {
	case string:
		switch n := len(v); {
		case n < 64:
			return append([]byte{byte(n)}, v...)
		case n < 16384:
			return append([]byte{0x40 | byte(n>>8), byte(n)}, v...)
		default:
			return append(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(n)), v...)
		}
	case int:
		u := uint64(v)
		switch {
		case v >= 0 && v <= 12:
			return []byte{0xf1 + byte(v)}
		case v == int(int8(v)):
			return []byte{0xfe, byte(u)}
		case v == int(int16(v)):
			return binary.LittleEndian.AppendUint16([]byte{0xc0}, uint16(u))
		case v >= -1<<23 && v < 1<<23:
			return []byte{0xf0, byte(u), byte(u >> 8), byte(u >> 16)}
		case v == int(int32(v)):
			return binary.LittleEndian.AppendUint32([]byte{0xd0}, uint32(u))
		}
		return binary.LittleEndian.AppendUint64([]byte{0xe0}, u)
	}
	panic("rdbtest: neither a string nor an integer")
}

// Zipmap makes one of fields and values, with unused bytes behind each value.
func Zipmap(unused int, pairs ...string) string {
	p := []byte{byte(min(len(pairs)/2, 254))}
	for i, s := range pairs {
		if len(s) < 254 {
			p = append(p, byte(len(s)))
		} else {
			p = binary.LittleEndian.AppendUint32(append(p, 0xfe), uint32(len(s)))
		}
		if i%2 == 1 {
			p = append(p, byte(unused))
		}
		p = append(p, s...)
		if i%2 == 1 {
			p = append(p, make([]byte, unused)...)
		}
	}
	return string(append(p, 0xff))
}

// Intset makes one of integers in order, each of as many bytes as width.
func Intset(width int, ints ...int) string {
	p := binary.LittleEndian.AppendUint32(nil, uint32(width))
	p = binary.LittleEndian.AppendUint32(p, uint32(len(ints)))
	for _, n := range ints {
		for i := range width {
			p = append(p, byte(uint64(n)>>(8*i)))
		}
	}
	return string(p)
}

// Compress compresses by LZF, not very well; there is always a result.
func Compress(p []byte) []byte {
	var out []byte
	seen := map[[3]byte]int{}
	from, i := 0, 0
	literals := func(to int) {
		for from < to {
			n := min(to-from, 32)
			out = append(append(out, byte(n-1)), p[from:from+n]...)
			from += n
		}
	}
	for i+2 < len(p) {
		at, there := seen[[3]byte(p[i:])]
		seen[[3]byte(p[i:])] = i
		off := i - at - 1
		if !there || off >= 1<<13 {
			i++
			continue
		}
		n := 3
		for i+n < len(p) && n < 264 && p[at+n] == p[i+n] {
			n++
		}
		literals(i)
		if n < 9 {
			out = append(out, byte((n-2)<<5|off>>8), byte(off))
		} else {
			out = append(out, byte(7<<5|off>>8), byte(n-9), byte(off))
		}
		i += n
		from = i
	}
	literals(len(p))
	return out
}

// Node appends a node of a stream: its first ID and its entries.
func (f *File) Node(ms, seq uint64, entries ...any) *File {
	return f.Str(string(rawID(ms, seq))).Str(Listpack(entries...))
}
