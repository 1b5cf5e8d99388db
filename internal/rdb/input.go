package rdb

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/holdfast-dr/holdfast/internal/rdb/crc64"
)

// bufferSize is that of the one buffer through which a file passes. Strings up to this
// size are looked at where they lie.
const bufferSize = 256 << 10

// input is a file as a stream of bytes. Its first fault stays: from then on nothing can be
// read any more and numbers are zero, so that what reads looks for a fault once in a while
// and not after each byte.
type input struct {
	src  io.Reader
	buf  []byte
	r, w int   // buf[r:w] is read from src and not taken yet
	base int64 // offset in the file of buf[0]

	crc    uint64
	summed int // buf[:summed] is in crc

	tap    func([]byte) error // is given what is taken, in pieces
	tapped int

	progress func(int64) error
	told     int64

	srcErr error // why src gives no more
	fault  error
	place  func(*FormatError) // adds key and type to an error

	inflated uint64 // how many bytes compressed strings were shorter than what they hold
	texts    blob   // the string that is being read
}

func newInput(src io.Reader) *input {
	in := &input{src: src, buf: make([]byte, bufferSize)}
	in.texts.in = in
	return in
}

// offset gives where in the file the next byte lies.
func (in *input) offset() int64 { return in.base + int64(in.r) }

// stop ends the reading with an error; the first one stays.
func (in *input) stop(err error) {
	if in.fault == nil {
		in.absorb()
	}
	if in.fault == nil {
		in.fault = err
		in.base += int64(in.r)
		in.r, in.w, in.summed, in.tapped = 0, 0, 0, 0
	}
}

// broken ends the reading: the file is wrong here.
func (in *input) broken(format string, args ...any) {
	in.brokenAt(in.offset(), 0, fmt.Sprintf(format, args...), nil, "")
}

func (in *input) brokenAt(offset, inside int64, what string, cause error, remedy string) {
	if in.fault != nil {
		return
	}
	e := &FormatError{Offset: offset, Inside: inside, What: what, Err: cause, Remedy: remedy}
	if in.place != nil {
		in.place(e)
	}
	in.stop(e)
}

// ensure makes the next n bytes lie in buf[r:]. n is at most the size of the buffer.
func (in *input) ensure(n int) bool {
	return in.w-in.r >= n || in.fill(n)
}

func (in *input) fill(n int) bool {
	if in.fault != nil {
		return false
	}
	if len(in.buf)-in.r < n {
		in.shift()
	}
	for in.w-in.r < n {
		if !in.more() {
			if in.fault != nil {
				return false
			}
			missing := n - (in.w - in.r)
			remedy, cause := cutOff(in.srcErr)
			in.brokenAt(in.base+int64(in.w), 0, fmt.Sprintf("the file ends where at least %d more bytes were to come", missing), cause, remedy)
			return false
		}
	}
	return true
}

// shift moves what is not taken yet to the front of the buffer.
func (in *input) shift() {
	in.absorb()
	copy(in.buf, in.buf[in.r:in.w])
	in.base += int64(in.r)
	in.w -= in.r
	in.r, in.summed, in.tapped = 0, 0, 0
}

// more reads once from the source; false says that nothing came.
func (in *input) more() bool {
	if in.r == in.w || in.w == len(in.buf) {
		in.shift()
	}
	for range 100 {
		n, err := in.src.Read(in.buf[in.w:])
		in.w += n
		in.srcErr = err
		if n > 0 {
			return in.tell()
		}
		if err != nil {
			return false
		}
	}
	in.srcErr = io.ErrNoProgress
	return false
}

// tell reports progress and asks whether to go on.
func (in *input) tell() bool {
	at := in.base + int64(in.w)
	if in.progress == nil || at-in.told < progressEvery {
		return true
	}
	in.told = at
	if err := in.progress(in.offset()); err != nil {
		in.stop(fmt.Errorf("rdb: reading at offset %d: %w", in.offset(), err))
		return false
	}
	return true
}

// absorb brings what was taken into the checksum and to the tap.
func (in *input) absorb() {
	if in.fault != nil {
		return
	}
	in.crc = crc64.Update(in.crc, in.buf[in.summed:in.r])
	in.summed = in.r
	if in.tap == nil || in.tapped == in.r {
		return
	}
	err := in.tap(in.buf[in.tapped:in.r])
	in.tapped = in.r
	if err != nil {
		in.stop(fmt.Errorf("rdb: handing on the value at offset %d: %w", in.offset(), err))
	}
}

// startTap hands on all that is taken from now on.
func (in *input) startTap(tap func([]byte) error) {
	in.absorb()
	in.tap, in.tapped = tap, in.r
}

// endTap hands on what is left and ends it.
func (in *input) endTap() {
	if in.tap != nil {
		in.absorb()
		in.tap = nil
	}
}

// skip takes n bytes without looking.
func (in *input) skip(n uint64) {
	for {
		have := uint64(in.w - in.r)
		if n <= have {
			in.r += int(n)
			return
		}
		in.r = in.w
		n -= have
		if !in.fill(1) {
			return
		}
	}
}

func (in *input) byte() byte {
	if in.r == in.w && !in.fill(1) {
		return 0
	}
	b := in.buf[in.r]
	in.r++
	return b
}

// take gives the next n bytes, valid until something else is read; nil after a fault.
func (in *input) take(n int) []byte {
	if !in.ensure(n) {
		return nil
	}
	p := in.buf[in.r : in.r+n]
	in.r += n
	return p
}

func (in *input) uint32() uint32 {
	if p := in.take(4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

func (in *input) uint64() uint64 {
	if p := in.take(8); p != nil {
		return binary.LittleEndian.Uint64(p)
	}
	return 0
}

// A length's first byte tells in its upper two bits what it is (rdb.h).
const (
	len6   = 0
	len14  = 1
	len32  = 0x80
	len64  = 0x81
	lenEnc = 3
)

// length reads a number; where a string's encoding stands instead, the file is wrong.
func (in *input) length() uint64 {
	n, special := in.lengthOr()
	if special {
		in.broken("a length was expected and not the encoding %d of a string", n)
		return 0
	}
	return n
}

// lengthOr reads a number, or the encoding of a string that has none.
func (in *input) lengthOr() (n uint64, special bool) {
	b := in.byte()
	switch b >> 6 {
	case len6:
		return uint64(b), false
	case len14:
		return uint64(b&0x3f)<<8 | uint64(in.byte()), false
	case lenEnc:
		return uint64(b & 0x3f), true
	}
	switch b {
	case len32:
		if p := in.take(4); p != nil {
			return uint64(binary.BigEndian.Uint32(p)), false
		}
	case len64:
		if p := in.take(8); p != nil {
			return binary.BigEndian.Uint64(p), false
		}
	default:
		in.broken("%#02x begins no length", b)
	}
	return 0, false
}
