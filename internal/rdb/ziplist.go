package rdb

import "encoding/binary"

// ziplist goes over one (ziplist.c), in which Redis before 7.0 keeps small lists, hashes
// and sorted sets: its size, where the last entry begins, the number of entries, the
// entries, 0xff. Each entry begins with the size of the one before it.
type ziplist struct {
	b     *blob
	told  uint64
	seen  uint64
	tail  uint64 // where it says that the last entry begins
	at    uint64 // where the next entry begins
	last  uint64 // where the last one began
	ended bool
}

const ziplistHead = 10

func (z *ziplist) open(b *blob) bool {
	*z = ziplist{b: b, at: ziplistHead, last: ziplistHead}
	p := b.peek(ziplistHead)
	if len(p) < ziplistHead || b.size < ziplistHead+1 {
		b.broken("%d bytes are too few for a ziplist", b.size)
		return false
	}
	if total := uint64(binary.LittleEndian.Uint32(p)); total != b.size {
		b.broken("the ziplist says that it has %d bytes and has %d", total, b.size)
		return false
	}
	z.tail = uint64(binary.LittleEndian.Uint32(p[4:]))
	z.told = uint64(binary.LittleEndian.Uint16(p[8:]))
	b.pos += ziplistHead
	return true
}

func (z *ziplist) next(it *item) bool {
	b := z.b
	p := b.peek(enough)
	if len(p) == 0 {
		if b.in.fault == nil && !z.ended {
			b.broken("the ziplist has no end mark")
		}
		return false
	}
	if p[0] == 0xff {
		z.end()
		return false
	}
	before, n := uint64(p[0]), 1
	var v [enough]byte
	copy(v[:], p)
	if v[0] == 0xfe {
		before, n = uint64(binary.LittleEndian.Uint32(v[1:])), 5
	}
	if size := z.at - z.last; before != size {
		b.broken("an entry of a ziplist says that the one before it has %d bytes, which has %d", before, size)
		return false
	}
	z.seen++
	z.last = z.at
	hd, size, isText := z.entry(v[n:], it)
	if hd == 0 || uint64(n+hd)+size > b.rest() {
		b.broken("an entry of a ziplist that begins with %#02x does not fit into the %d bytes that are left", v[n], b.rest())
		return false
	}
	z.at += uint64(n+hd) + size
	if isText {
		return b.text(n+hd, size, it)
	}
	b.pos += n + hd + int(size)
	return true
}

// entry reads an entry behind the size of the one before: how many bytes are head and how
// many content. A head of 0 bytes is none.
func (z *ziplist) entry(v []byte, it *item) (hd int, size uint64, isText bool) {
	c := v[0]
	switch {
	case c < 0x40:
		return 1, uint64(c), true
	case c < 0x80:
		return 2, uint64(c&0x3f)<<8 | uint64(v[1]), true
	case c == 0x80:
		return 5, uint64(binary.BigEndian.Uint32(v[1:])), true
	case c > 0xf0 && c < 0xfe:
		it.number(int64(c&0x0f) - 1)
		return 1, 0, false
	}
	switch c {
	case 0xfe:
		size = 1
		it.number(int64(int8(v[1])))
	case 0xc0:
		size = 2
		it.number(int64(int16(binary.LittleEndian.Uint16(v[1:]))))
	case 0xf0:
		size = 3
		it.number(int64(v[1]) | int64(v[2])<<8 | int64(int8(v[3]))<<16)
	case 0xd0:
		size = 4
		it.number(int64(int32(binary.LittleEndian.Uint32(v[1:]))))
	case 0xe0:
		size = 8
		it.number(int64(binary.LittleEndian.Uint64(v[1:])))
	default:
		return 0, 0, false
	}
	return 1, size, false
}

func (z *ziplist) end() {
	b := z.b
	if z.told != z.seen && z.told != manyEntries {
		b.broken("the ziplist says that it has %d entries and has %d", z.told, z.seen)
		return
	}
	if z.tail != z.last {
		b.broken("the ziplist says that its last entry begins at byte %d, and it begins at %d", z.tail, z.last)
		return
	}
	b.pos++
	z.ended = true
	b.close()
}
