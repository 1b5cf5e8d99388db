package replica

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// However reading and writing take turns, what goes in comes out, in order, in no more
// memory and no larger a file than there may be.
func TestSpoolKeepsTheOrder(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		o := Spool{
			Memory: rapid.IntRange(1, 4).Draw(t, "chunks") * chunkSize, Dir: dir,
			Disk: int64(rapid.IntRange(chunkSize, 4*chunkSize).Draw(t, "disk")),
		}.withDefaults()
		s := newSpool(o)
		defer s.close()
		var in, out []byte
		chunk := s.chunk()
		turns := rapid.SliceOfN(rapid.IntRange(-2, chunkSize), 1, 60).Draw(t, "turns")
		take := func() {
			p, err := s.next()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p...)
			s.written(p)
		}
		for i, n := range turns {
			full := s.in-s.out+chunkSize > s.Disk && len(s.free) == 0
			if n <= 0 || full { // A put would wait.
				if s.now() > 0 {
					take()
				}
				continue
			}
			for j := range chunk[:n] {
				chunk[j] = byte(i + j)
			}
			in = append(in, chunk[:n]...)
			var err error
			if chunk, err = s.put(t.Context(), chunk[:n]); err != nil {
				t.Fatal(err)
			}
			if len(chunk) != chunkSize || s.made*chunkSize > s.Memory+chunkSize || s.in-s.out > s.Disk {
				t.Fatalf("%d chunks, %d bytes in the file, for %+v", s.made, s.in-s.out, o)
			}
			if s.file != nil {
				if f, err := s.file.Stat(); err != nil || f.Size() > s.Disk {
					t.Fatal(f.Size(), err)
				}
			}
		}
		s.end(nil)
		for s.now() > 0 {
			take()
		}
		if _, err := s.next(); !errors.Is(err, io.EOF) || !bytes.Equal(in, out) {
			t.Fatalf("%d bytes went in, and %d came out: %v", len(in), len(out), err)
		}
	})
}

func TestSpoolWithoutRoom(t *testing.T) {
	p := newPrimary(byMark(bigFile(4)))
	w, hold := io.Pipe()
	defer w.Close()
	_, err := Dump(t.Context(), p.endpoint(t), Node{Address: "fake:1"}, Target{To: hold}, Options{Spool: Spool{Memory: chunkSize, Dir: "/dev/null"}})
	if ReasonOf(err) != Unwritten {
		t.Error(err)
	}
}

// What says "none", or "not at all", does so still when the defaults are filled in again.
func TestDefaultsStay(t *testing.T) {
	once := Options{Spool: Spool{Disk: -1}, Retry: -1, ForksPerHost: -1}.withDefaults()
	if twice := once.withDefaults(); twice.Spool != once.Spool || twice.Retry != once.Retry || twice.ForksPerHost != -1 || newSpool(twice.Spool).Disk != 0 {
		t.Errorf("%+v, and then %+v", once, twice)
	}
}
