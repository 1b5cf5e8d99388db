// Package rdb reads the files in which Redis and Valkey save what they hold. It stands
// by itself: nothing of holdfast is imported here.
//
// A file is read as a stream, once, in bounded memory: whatever the input, below 64 MB.
// Lengths in it are believed only as far as the bytes are there. There are three levels
// of looking. Framing walks over the values and proves the checksum. Shallow also counts.
// Deep decodes every value, proves that each encoding is sound, and computes a digest of
// the data that depends neither on the order of keys nor on how values are encoded.
//
// What the bytes mean is told by Redis's rdb.h and rdb.c and by those of its encodings
// (listpack.c, ziplist.c, zipmap.c, intset.c, t_stream.c), and by Valkey's since the two
// went apart. Where a comment names a file, it is one of these.
package rdb

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Level is how closely a file is looked at.
type Level int

// The levels of looking.
const (
	// Framing walks over the values without looking in, and proves the checksum.
	Framing Level = iota
	// Shallow also counts keys and bytes by database, type, slot and prefix.
	Shallow
	// Deep decodes every value and computes digests.
	Deep
)

func (l Level) String() string {
	switch l {
	case Framing:
		return "framing"
	case Shallow:
		return "shallow"
	case Deep:
		return "deep"
	}
	return fmt.Sprintf("level %d", int(l))
}

// MarshalText gives the name of a level.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Progress is how far the reading has come.
type Progress struct {
	Bytes int64  `json:"bytes"`
	Keys  uint64 `json:"keys"`
}

// progressEvery is how many bytes lie between two words of progress, and between two
// looks at the context; at least.
const progressEvery = 4 << 20

// Options say how to verify a file.
type Options struct {
	Level Level
	// Progress is called now and then. It may be nil.
	Progress func(Progress)
	// OnKey is called behind each key; what it is given is valid until it returns. An
	// error ends the reading. It may be nil.
	OnKey func(*Key) error
	// Largest is how many of the largest keys are named; 0 stands for 20, less for none.
	Largest int
	// Separator ends the prefix of a key; 0 stands for ':'.
	Separator byte
}

// Verify reads a whole file. What is wrong with it is the error; what is odd about it, but
// would be taken by a server, stands in the report's flaws. With an error the report tells
// how far the reading came. Anything behind the end of the file is wrong.
func Verify(ctx context.Context, src io.Reader, o Options) (Report, error) {
	r := NewReader(src)
	report, err := r.Verify(ctx, o)
	if err != nil {
		return report, err
	}
	return report, r.nothingMore()
}

// Reader reads one file out of a stream that may go on behind it, such as a connection to
// a primary, and stops behind the checksum.
type Reader struct{ in *input }

// NewReader begins to read at the first byte of a file.
func NewReader(src io.Reader) *Reader {
	return &Reader{in: newInput(src)}
}

// Reset begins to read another file, with the memory that is there.
func (r *Reader) Reset(src io.Reader) {
	in := r.in
	*in = input{src: src, buf: in.buf, texts: blob{in: in, space: in.texts.space}}
}

// Verify reads the file up to and with its checksum.
func (r *Reader) Verify(ctx context.Context, o Options) (Report, error) {
	t := newTally(o)
	w := newWalk(r.in, o.Level == Deep)
	w.tally = t
	w.onKey = o.OnKey
	r.in.progress = func(n int64) error {
		if o.Progress != nil {
			o.Progress(Progress{Bytes: n, Keys: t.keys})
		}
		return ctx.Err()
	}
	err := w.run()
	return t.report(w, o.Level), err
}

// Buffered gives what was taken from the stream beyond the end of the file. It is valid as
// long as nothing more is read.
func (r *Reader) Buffered() []byte { return r.in.buf[r.in.r:r.in.w] }

// nothingMore proves that the stream ends where the file does.
func (r *Reader) nothingMore() error {
	in := r.in
	if in.r == in.w && !in.more() {
		if errors.Is(in.srcErr, io.EOF) {
			return nil
		}
		return fmt.Errorf("rdb: looking for the end of the file at offset %d: %w", in.offset(), in.srcErr)
	}
	return &FormatError{
		Offset: in.offset(), What: "bytes follow the checksum that ends the file",
		Remedy: "it may be two files in one, or a replication stream whose end mark was not cut off",
	}
}
