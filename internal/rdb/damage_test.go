package rdb_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// whole verifies a file with a reader that is used again and again.
func whole(r *rdb.Reader, p []byte, l rdb.Level) error {
	r.Reset(bytes.NewReader(p))
	_, err := r.Verify(context.Background(), rdb.Options{Level: l})
	if err == nil && len(r.Buffered()) > 0 {
		err = errors.New("bytes follow the end")
	}
	return err
}

// Every changed byte is seen: in small files changed to every other value, in larger ones in
// every bit; and by the deep look, whose way through the file is another one.
func TestEveryChangedByteIsSeen(t *testing.T) {
	r := rdb.NewReader(nil)
	for name, p := range corpus(t) {
		changed := slices.Clone(p)
		for at := range p {
			for x := 1; x < 256; x++ {
				if len(p) > 300 && x&(x-1) != 0 && x != 255 {
					continue
				}
				changed[at] = p[at] ^ byte(x)
				if err := whole(r, changed, rdb.Framing); err == nil {
					t.Errorf("%s: byte %d as %#x is not seen", name, at, changed[at])
				}
			}
			for _, x := range []byte{1 << (at % 8), 255} {
				changed[at] = p[at] ^ x
				if err := whole(r, changed, rdb.Deep); err == nil {
					t.Errorf("%s: byte %d as %#x is not seen by a deep look", name, at, changed[at])
				}
			}
			changed[at] = p[at]
		}
	}
}

// The same with a checksum that fits what was changed: much of it goes unseen then, but
// nothing panics, and what the three levels say does not contradict each other.
func TestChangesUnderAGoodChecksum(t *testing.T) {
	r := rdb.NewReader(nil)
	for name, p := range corpus(t) {
		changed := slices.Clone(p)
		for at := range p[:len(p)-8] {
			for _, x := range []byte{1, 0x40, 2 << (at % 6)} {
				changed[at] = p[at] ^ x
				sealed := rdbtest.Reseal(changed)
				framing, deep := whole(r, sealed, rdb.Framing), whole(r, sealed, rdb.Deep)
				if framing != nil && deep == nil {
					t.Errorf("%s: byte %d as %#x: seen by framing (%v) and not by a deep look", name, at, changed[at], framing)
				}
			}
			changed[at] = p[at]
		}
	}
}

func TestEveryTruncationIsSeen(t *testing.T) {
	r := rdb.NewReader(nil)
	for name, p := range corpus(t) {
		for n := range p {
			for _, l := range levels {
				if err := whole(r, p[:n], l); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: %d of %d bytes at level %v: %v", name, n, len(p), l, err)
				}
			}
		}
	}
}

func TestWhatFollowsIsSeen(t *testing.T) {
	for name, p := range rdbtest.Samples() {
		for _, l := range levels {
			if _, err := verify(t, append(slices.Clone(p), 0), l); err == nil || !strings.Contains(err.Error(), "follow the checksum") {
				t.Errorf("%s at level %v: %v", name, l, err)
			}
		}
	}
}

// However the bytes come, the report is the same.
func TestPiecesMakeNoDifference(t *testing.T) {
	for name, p := range rdbtest.Samples() {
		want, err := verify(t, p, rdb.Deep)
		if err != nil {
			t.Fatal(name, err)
		}
		for how, src := range map[string]io.Reader{
			"byte by byte": iotest.OneByteReader(bytes.NewReader(p)),
			"halves":       iotest.HalfReader(bytes.NewReader(p)),
			"error at end": iotest.DataErrReader(bytes.NewReader(p)),
		} {
			got, err := rdb.Verify(t.Context(), src, rdb.Options{Level: rdb.Deep})
			if err != nil {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			if d := cmp.Diff(want, got, cmp.AllowUnexported(rdb.Digest{}), cmp.Comparer(func(a, b rdb.Digest) bool { return a == b })); d != "" {
				t.Errorf("%s, %s: %s", name, how, d)
			}
		}
	}
}

// corpus gives all small sound files: those of the writer and those of a real server.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	all := rdbtest.Samples()
	maps.Copy(all, recorded(t))
	return all
}
