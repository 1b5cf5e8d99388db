package rdb

import "encoding/binary"

// intset goes over one (intset.c): the width of its integers, how many there are, the
// integers in order.
type intset struct {
	b     *blob
	width int
	left  uint64
	prev  int64
	any   bool
}

func (s *intset) open(b *blob) bool {
	*s = intset{b: b}
	p := b.peek(8)
	if len(p) < 8 {
		b.broken("%d bytes are too few for an intset", b.size)
		return false
	}
	s.width = int(binary.LittleEndian.Uint32(p))
	s.left = uint64(binary.LittleEndian.Uint32(p[4:]))
	if s.width != 2 && s.width != 4 && s.width != 8 {
		b.broken("the integers of an intset have %d bytes, and not 2, 4 or 8", uint32(s.width))
		return false
	}
	if want := 8 + s.left*uint64(s.width); want != b.size {
		b.broken("an intset of %d integers of %d bytes takes %d bytes and has %d", s.left, s.width, want, b.size)
		return false
	}
	b.pos += 8
	return true
}

func (s *intset) next(it *item) bool {
	if s.left == 0 {
		s.b.close()
		return false
	}
	p := s.b.peek(s.width)
	if len(p) < s.width {
		return false
	}
	var n int64
	switch s.width {
	case 2:
		n = int64(int16(binary.LittleEndian.Uint16(p)))
	case 4:
		n = int64(int32(binary.LittleEndian.Uint32(p)))
	default:
		n = int64(binary.LittleEndian.Uint64(p))
	}
	if s.any && n <= s.prev {
		s.b.broken("the integers of an intset are not in order: %d follows %d", n, s.prev)
		return false
	}
	s.prev, s.any = n, true
	s.left--
	s.b.pos += s.width
	return it.number(n)
}

// zipmap goes over one (zipmap.c), in which Redis before 2.6 kept small hashes: the number
// of fields, then each field and each value behind its length; a value may have unused
// bytes behind it, as many as stand between its length and it.
type zipmap struct {
	b      *blob
	told   uint64
	seen   uint64
	unused uint64
	value  bool // a value is next
	ended  bool
}

// zipmapMany in place of the number of fields says that they are too many to tell.
const zipmapMany = 254

func (z *zipmap) open(b *blob) bool {
	*z = zipmap{b: b}
	p := b.peek(1)
	if len(p) == 0 || b.size < 2 {
		b.broken("%d bytes are too few for a zipmap", b.size)
		return false
	}
	z.told = uint64(p[0])
	b.pos++
	return true
}

func (z *zipmap) next(it *item) bool {
	b := z.b
	for z.unused > 0 && b.in.fault == nil {
		n := len(b.piece(z.unused))
		if n == 0 {
			b.broken("the zipmap ends inside unused bytes")
			return false
		}
		z.unused -= uint64(n)
	}
	p := b.peek(6)
	if len(p) == 0 {
		if b.in.fault == nil && !z.ended {
			b.broken("the zipmap has no end mark")
		}
		return false
	}
	var v [6]byte
	copy(v[:], p)
	if v[0] == 0xff && !z.value {
		z.end()
		return false
	}
	n, hd := uint64(v[0]), 1
	switch v[0] {
	case 0xff:
		b.broken("the zipmap ends behind a field that has no value")
		return false
	case 0xfe:
		n, hd = uint64(binary.LittleEndian.Uint32(v[1:])), 5
	}
	if z.value {
		z.unused = uint64(v[hd])
		hd++
	} else {
		z.seen++
	}
	z.value = !z.value
	if uint64(hd)+n+z.unused >= b.rest() {
		b.broken("a string of %d bytes does not fit into the %d that a zipmap has left", n, b.rest())
		return false
	}
	return b.text(hd, n, it)
}

func (z *zipmap) end() {
	if z.told != z.seen && z.told < zipmapMany {
		z.b.broken("the zipmap says that it has %d fields and has %d", z.told, z.seen)
		return
	}
	z.b.pos++
	z.ended = true
	z.b.close()
}

// plain goes over strings that stand in the file one after the other.
type plain struct {
	in   *input
	left uint64
	open bool // the last one did not fit a window
}

func (c *plain) next(it *item) bool {
	in := c.in
	if c.open {
		in.texts.close()
		c.open = false
	}
	if c.left == 0 {
		return false
	}
	c.left--
	if in.r < in.w {
		if n := int(in.buf[in.r]); n < 64 && in.w-in.r > n {
			it.text, it.isNum, it.long = in.buf[in.r+1:in.r+1+n], false, 0
			in.r += 1 + n
			return true
		}
	}
	b := &in.texts
	if !b.head() {
		return false
	}
	if b.kind == kindNumber {
		return it.number(b.num)
	}
	if !b.load() || !b.text(0, b.size, it) {
		return false
	}
	if it.long > 0 {
		c.open = true
		return true
	}
	b.close()
	return in.fault == nil
}
