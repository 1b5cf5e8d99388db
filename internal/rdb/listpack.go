package rdb

import "encoding/binary"

// item is one string or integer of a value.
type item struct {
	text  []byte // valid until the next one is read
	num   int64
	isNum bool
	long  uint64 // how many more bytes of the text from has
	from  *blob
}

func (it *item) number(n int64) bool {
	it.num, it.isNum, it.long = n, true, 0
	return true
}

// cursor goes over the items of a value. False is the end, or a fault of the input.
type cursor interface{ next(it *item) bool }

// listpack goes over one (listpack.c): six bytes with its size and the number of its
// entries, the entries, 0xff. Behind each entry stands its size, to be read backwards.
type listpack struct {
	b     *blob
	told  uint64 // how many entries it says it has
	seen  uint64
	size  uint64 // of the entry whose size is to be proven
	ended bool
}

// manyEntries in place of the number of entries says that they are too many to tell.
const manyEntries = 65535

// enough bytes hold any entry but a string, and the size of the one before it.
const enough = 16

func (l *listpack) open(b *blob) bool {
	*l = listpack{b: b}
	p := b.peek(6)
	if len(p) < 6 || b.size < 7 {
		b.broken("%d bytes are too few for a listpack", b.size)
		return false
	}
	if total := uint64(binary.LittleEndian.Uint32(p)); total != b.size {
		b.broken("the listpack says that it has %d bytes and has %d", total, b.size)
		return false
	}
	l.told = uint64(binary.LittleEndian.Uint16(p[4:]))
	b.pos += 6
	return true
}

func (l *listpack) next(it *item) bool {
	b := l.b
	p := b.peek(enough)
	if l.size != 0 {
		n := backLength(p, l.size)
		if n == 0 {
			b.broken("behind an entry of a listpack does not stand its size of %d", l.size)
			return false
		}
		b.pos += n
		p = p[n:]
	}
	if len(p) == 0 {
		if b.in.fault == nil && !l.ended {
			b.broken("the listpack has no end mark")
		}
		return false
	}
	l.seen++
	if c := p[0]; c < 0x80 {
		b.pos++
		l.size = 1
		return it.number(int64(c))
	} else if c < 0xc0 {
		l.size = 1 + uint64(c&0x3f)
		return b.text(1, uint64(c&0x3f), it)
	}
	return l.wide(p, it)
}

// wide reads an entry of the kinds that are rarer.
func (l *listpack) wide(p []byte, it *item) bool {
	b, c := l.b, p[0]
	if c == 0xff {
		l.end()
		return false
	}
	var v [9]byte
	copy(v[:], p)
	switch {
	case c < 0xe0:
		n := int64(c&0x1f)<<8 | int64(v[1])
		return l.integer(2, n<<51>>51, it)
	case c < 0xf0:
		n := uint64(c&0x0f)<<8 | uint64(v[1])
		l.size = 2 + n
		return b.text(2, n, it)
	case c == 0xf0:
		n := uint64(binary.LittleEndian.Uint32(v[1:]))
		l.size = 5 + n
		return b.text(5, n, it)
	case c == 0xf1:
		return l.integer(3, int64(int16(binary.LittleEndian.Uint16(v[1:]))), it)
	case c == 0xf2:
		return l.integer(4, int64(binary.LittleEndian.Uint32(v[1:]))<<40>>40, it)
	case c == 0xf3:
		return l.integer(5, int64(int32(binary.LittleEndian.Uint32(v[1:]))), it)
	case c == 0xf4:
		return l.integer(9, int64(binary.LittleEndian.Uint64(v[1:])), it)
	}
	b.broken("%#02x begins no entry of a listpack", c)
	return false
}

func (l *listpack) integer(size int, n int64, it *item) bool {
	if l.b.rest() < uint64(size) {
		l.b.broken("the listpack ends inside an integer")
		return false
	}
	l.b.pos += size
	l.size = uint64(size)
	return it.number(n)
}

// end proves that the listpack ends where and with as many entries as it says.
func (l *listpack) end() {
	b := l.b
	l.seen--
	if l.told != l.seen && l.told != manyEntries {
		b.broken("the listpack says that it has %d entries and has %d", l.told, l.seen)
		return
	}
	b.pos++
	l.size, l.ended = 0, true
	b.close()
}

// backLength proves that p begins with size as listpack.c writes it behind an entry: 7 bits
// to a byte, the highest first, all bytes but the first with the top bit. It gives how many
// bytes that is, or 0.
func backLength(p []byte, size uint64) int {
	if size < 128 {
		if len(p) == 0 || uint64(p[0]) != size {
			return 0
		}
		return 1
	}
	n := 5
	switch {
	case size < 16383:
		n = 2
	case size < 2097151:
		n = 3
	case size < 268435455:
		n = 4
	}
	if len(p) < n {
		return 0
	}
	for i := n - 1; i >= 0; i-- {
		want := byte(size & 127)
		if i > 0 {
			want |= 128
		}
		if p[i] != want {
			return 0
		}
		size >>= 7
	}
	return n
}
