package replica

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"
)

// moment gives when the data were as they are in the file. A server that begins to save
// for us says so at that moment (+FULLRESYNC). But it may have been saving for somebody
// else, and give us that: then the time in the file, which is the server's, lies before
// we asked. With SYNC nobody says when; then it is when we asked, which is too early if
// the server first had to wait.
func (p *payload) moment(begin []byte) time.Time {
	taken := or(p.a.at, p.result.Asked)
	if !p.node.clocked {
		return taken
	}
	saved, ok := savedAt(begin)
	if !ok {
		return taken
	}
	saved = saved.Add(-p.node.ahead)
	// The file tells seconds, rounded down, and the clocks were compared over a network.
	if saved.Add(2 * time.Second).Before(p.result.Asked) {
		return saved
	}
	return taken
}

// Of a file only this much has to be known here (rdb.h): fields of text stand in front.
const (
	magicSize = 9
	opAux     = 250
	opSelect  = 254
	opExpire  = 252
	opEnd     = 255
)

// savedAt reads the time of saving from the fields at the beginning of a file.
func savedAt(b []byte) (time.Time, bool) {
	b = b[min(magicSize, len(b)):]
	for len(b) > 0 && b[0] == opAux {
		name, rest, ok := shortString(b[1:])
		if !ok {
			break
		}
		value, rest, ok := shortString(rest)
		if !ok {
			break
		}
		if bytes.Equal(name, []byte("ctime")) {
			n, err := strconv.ParseInt(string(value), 10, 64)
			return time.Unix(n, 0), err == nil && n > 0
		}
		b = rest
	}
	return time.Time{}, false
}

// shortString reads a string that is stored as it is, or as an integer.
func shortString(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	var size int
	first := b[0]
	b = b[1:]
	switch {
	case first < 1<<6:
		size = int(first)
	case first>>6 == 1 && len(b) > 0:
		size = int(first&0x3f)<<8 | int(b[0])
		b = b[1:]
	case first >= 0xc0 && first <= 0xc2: // An integer of 1, 2 or 4 bytes.
		size = 1 << (first - 0xc0)
		if len(b) < size {
			return nil, nil, false
		}
		var wide [8]byte
		copy(wide[8-size:], b[:size])
		n := int64(binary.LittleEndian.Uint64(wide[:])) >> (64 - 8*size)
		return strconv.AppendInt(nil, n, 10), b[size:], true
	default:
		return nil, nil, false
	}
	if len(b) < size {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}
