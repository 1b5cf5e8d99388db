package rdb

// lzfStop is why lzf stopped.
type lzfStop uint8

const (
	lzfShort lzfStop = iota // the input ends, maybe inside an instruction
	lzfFull                 // the next instruction makes more than there is room for
	lzfBad                  // a reference to before the beginning
)

// lzf unpacks instructions from src into dst[at:], where dst[:at] is what came before, and
// stops before the first one that does not fit. It gives how far dst is filled and how much
// of src is done.
//
// An instruction (lzf_d.c) is a byte below 32 and that many and one literal bytes, or three
// bits of length, 13 of distance, and between these a byte more of length if the three bits
// are ones.
func lzf(dst []byte, at int, src []byte) (to, used int, why lzfStop) {
	i := 0
	for i < len(src) {
		c := int(src[i])
		if c < 32 {
			n := c + 1
			if i+1+n > len(src) {
				return at, i, lzfShort
			}
			if n > len(dst)-at {
				return at, i, lzfFull
			}
			copy(dst[at:at+n], src[i+1:i+1+n])
			at, i = at+n, i+1+n
			continue
		}
		n, size := c>>5+2, 2
		if c >= 7<<5 {
			size = 3
		}
		if i+size > len(src) {
			return at, i, lzfShort
		}
		if size == 3 {
			n += int(src[i+1])
		}
		from := at - (c&31)<<8 - int(src[i+size-1]) - 1
		if from < 0 {
			return at, i, lzfBad
		}
		if n > len(dst)-at {
			return at, i, lzfFull
		}
		repeat(dst[from:at+n], at-from)
		at, i = at+n, i+size
	}
	return at, i, lzfShort
}

// repeat fills p with its first n bytes over and over.
func repeat(p []byte, n int) {
	for n < len(p) {
		n += copy(p[n:], p[:n])
	}
}

// unpack brings the first window of a compressed string.
func (b *blob) unpack() bool {
	if b.space == nil {
		b.space = make([]byte, lzfReach+unpackAtOnce)
	}
	b.win, b.left = b.space[:0], b.size
	return b.unpackMore(int(min(b.size, unpackAtOnce)))
}

// unpackMore goes on until the window has n bytes that are not taken. What it can refer
// back to stays in front of them.
func (b *blob) unpackMore(n int) bool {
	if len(b.space)-b.pos < n || len(b.win) > len(b.space)-264 {
		b.forget()
	}
	at := len(b.win)
	room := int(min(uint64(len(b.space)), uint64(at)+b.left))
	for at-b.pos < n {
		src := b.packedBytes()
		to, used, why := lzf(b.space[:room], at, src)
		b.in.r += used
		b.packed -= uint64(used)
		b.left -= uint64(to - at)
		at = to
		b.win = b.space[:at]
		if why == lzfFull && uint64(at)+b.left > uint64(len(b.space)) {
			break // The window is full.
		}
		if !b.goOn(why, len(src)-used) {
			return false
		}
	}
	if b.left == 0 && b.packed != 0 {
		b.unpackBroken("its compressed bytes hold more than the %d it is said to have", b.size)
		return false
	}
	return true
}

// forget drops from the window what is taken and beyond the reach of references.
func (b *blob) forget() {
	if drop := b.pos - lzfReach; drop > 0 {
		copy(b.space, b.win[drop:])
		b.win = b.space[:len(b.win)-drop]
		b.pos -= drop
		b.gone += int64(drop)
	}
}

// packedBytes gives compressed bytes that are in the buffer.
func (b *blob) packedBytes() []byte {
	in := b.in
	return in.buf[in.r : in.r+int(min(b.packed, uint64(in.w-in.r)))]
}

// goOn brings what lzf was short of; over is how many bytes it has left over.
func (b *blob) goOn(why lzfStop, over int) bool {
	switch {
	case why == lzfBad:
		b.unpackBroken("its compressed bytes refer to before its beginning")
	case why == lzfFull:
		b.unpackBroken("its compressed bytes hold more than the %d it is said to have", b.size)
	case b.left == 0 && b.packed == 0:
		return true
	case b.packed > uint64(over):
		return b.in.ensure(over + 1)
	default:
		b.unpackBroken("its compressed bytes end %d bytes before its end", b.left)
	}
	return false
}

func (b *blob) unpackBroken(format string, args ...any) {
	b.pos = len(b.win)
	b.broken(format, args...)
}
