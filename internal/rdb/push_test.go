package rdb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// In whatever pieces a stream comes, the pusher says where the file ended in it.
func TestPushEndsWithTheFile(t *testing.T) {
	file := rdbtest.Samples()["redis-7.0"]
	mark := []byte("0123456789abcdef0123456789abcdef01234567\n\n")
	stream := append(bytes.Clone(file), mark...)
	for size := 1; size <= len(stream); size++ {
		synctest.Test(t, func(t *testing.T) {
			p := rdb.NewPusher(t.Context(), rdb.Options{Level: rdb.Deep})
			total := 0
			for at := 0; at < len(stream); at += size {
				used, done, err := p.Push(stream[at:min(at+size, len(stream))])
				if err != nil {
					t.Fatal(err)
				}
				total += used
				if done {
					break
				}
			}
			r, err := p.Close()
			if err != nil || total != len(file) || r.Checksum != rdb.ChecksumGood || r.Keys != 5 {
				t.Fatalf("in pieces of %d: %d bytes of %d, %+v, %v", size, total, len(file), r, err)
			}
			if used, done, err := p.Push(mark); used != 0 || !done || err != nil {
				t.Fatalf("behind the end: %d, %v, %v", used, done, err)
			}
		})
	}
}

func TestPushTellsWhatIsWrong(t *testing.T) {
	file := rdbtest.Samples()["redis-7.0"]
	synctest.Test(t, func(t *testing.T) {
		bad := bytes.Clone(file)
		bad[23] ^= 1
		p := rdb.NewPusher(t.Context(), rdb.Options{})
		_, done, err := p.Push(bad)
		if !done || err == nil {
			t.Errorf("%v, %v", done, err)
		}
		if _, err := p.Close(); err == nil {
			t.Error("closed without an error")
		}

		p = rdb.NewPusher(t.Context(), rdb.Options{})
		if used, done, err := p.Push(file[:50]); used != 50 || done || err != nil {
			t.Errorf("%d, %v, %v", used, done, err)
		}
		if _, err := p.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		if _, err := p.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error("closed twice:", err)
		}

		p = rdb.NewPusher(t.Context(), rdb.Options{}) // Never pushed.
		if _, err := p.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
	})
}

// A reader stops behind the checksum, and has what it took beyond.
func TestReaderStopsBehindTheChecksum(t *testing.T) {
	file := rdbtest.Samples()["redis-5"]
	src := bytes.NewReader(append(bytes.Clone(file), "what follows"...))
	r := rdb.NewReader(src)
	if _, err := r.Verify(t.Context(), rdb.Options{}); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.MultiReader(bytes.NewReader(r.Buffered()), src))
	if err != nil || string(rest) != "what follows" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestProgressAndCancel(t *testing.T) {
	file := mixed(12 << 20)
	var seen []rdb.Progress
	o := rdb.Options{Level: rdb.Deep, Progress: func(p rdb.Progress) { seen = append(seen, p) }}
	if _, err := rdb.Verify(t.Context(), bytes.NewReader(file), o); err != nil || len(seen) < 2 {
		t.Error(seen, err)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Bytes <= seen[i-1].Bytes || seen[i].Keys <= seen[i-1].Keys {
			t.Error("no progress:", seen)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(rdb.Progress) { cancel() }
	r, err := rdb.Verify(ctx, bytes.NewReader(file), o)
	if !errors.Is(err, context.Canceled) || r.Bytes == 0 || r.Bytes > 9<<20 {
		t.Error(r.Bytes, err)
	}
	keys := 0
	o = rdb.Options{OnKey: func(k *rdb.Key) error {
		if keys++; keys == 7 {
			return io.ErrClosedPipe
		}
		return nil
	}}
	if _, err := rdb.Verify(t.Context(), bytes.NewReader(file), o); !errors.Is(err, io.ErrClosedPipe) || keys != 7 {
		t.Error(keys, err)
	}
}
