package replica

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb/crc64"
)

// file writes a file as a server would (rdb.c, rdbSaveRio).
type file struct {
	to      Target
	buf     *bufio.Writer
	sha     hash.Hash // nil if nobody asks for it
	crc     uint64
	bytes   int64
	done    bool // the scanner has seen its end
	begun   bool
	version int
}

func newFile(to Target, sum bool) *file {
	f := &file{to: to}
	if sum {
		f.sha = sha256.New()
	}
	f.buf = bufio.NewWriterSize(passing{f}, chunkSize)
	return f
}

// passing is where whole buffers go.
type passing struct{ f *file }

func (p passing) Write(b []byte) (int, error) {
	f := p.f
	used, done, err := f.to.Scan.Push(b)
	if err == nil && used < len(b) {
		err = errors.New("the file ended before all was in it")
	}
	if err != nil {
		return 0, &Error{Reason: Damaged, Doing: "putting the snapshot together", Err: err, Remedy: "this is a fault of holdfast: please report it"}
	}
	f.done = done
	if f.sha != nil {
		f.sha.Write(b)
	}
	n, err := f.to.To.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}

// Write appends to the file.
func (f *file) Write(p []byte) (int, error) {
	f.crc = crc64.Update(f.crc, p)
	n, err := f.buf.Write(p)
	f.bytes += int64(n)
	return n, err
}

// firstValkey is the first version by which Valkey counts for itself.
const firstValkey = 80

// begin writes the header and what tells of the server, once.
func (f *file) begin(version int, s Server) error {
	if f.begun {
		return nil
	}
	f.begun, f.version = true, version
	b := fmt.Appendf(nil, "REDIS%04d", version)
	if version >= firstValkey {
		b = fmt.Appendf(nil, "VALKEY%03d", version)
	}
	for _, aux := range [][2]string{
		{"redis-ver", s.Version},
		{"redis-bits", "64"},
		{"ctime", strconv.FormatInt(time.Now().Unix(), 10)},
		// Servers take no notice of fields that they do not know.
		{"holdfast-consistency", "fuzzy"},
	} {
		b = append(b, opAux)
		b = append(appendLength(b, uint64(len(aux[0]))), aux[0]...)
		b = append(appendLength(b, uint64(len(aux[1]))), aux[1]...)
	}
	_, err := f.Write(b)
	return err
}

// end writes the checksum. A server that had nothing to tell did not tell its version of
// the file either; then any that it reads will do.
func (f *file) end(s Server) (sum uint64, sha string, err error) {
	if err := f.begin(oldestVersion, s); err != nil {
		return 0, "", err
	}
	if _, err := f.Write([]byte{opEnd}); err != nil {
		return 0, "", err
	}
	sum = f.crc
	if _, err := f.Write(binary.LittleEndian.AppendUint64(nil, sum)); err != nil {
		return 0, "", err
	}
	if err := f.buf.Flush(); err != nil {
		return 0, "", err
	}
	if !f.done {
		return 0, "", &Error{Reason: Damaged, Doing: "putting the snapshot together", What: "its end was not seen", Remedy: "this is a fault of holdfast: please report it"}
	}
	if f.sha != nil {
		sha = hex.EncodeToString(f.sha.Sum(nil))
	}
	return sum, sha, nil
}

// oldestVersion is that of files since Redis 5, which all that came later read.
const oldestVersion = 9

// appendLength writes a length in its shortest form (rdb.c, rdbSaveLen).
func appendLength(b []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return append(b, byte(n>>8)|0x40, byte(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, 0x80), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 0x81), n)
}
