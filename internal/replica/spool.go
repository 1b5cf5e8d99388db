package replica

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Spool is what lies between a server and a slow writer, so that the server does not feel
// how slow it is: first memory, then a file that has no name.
type Spool struct {
	// Memory is how many bytes to keep in memory; 0 stands for 8 MiB.
	Memory int
	// Disk is how many more to keep in a file; 0 stands for 4 GiB, less for none. They are
	// written only when they are needed, as they are, readable for whoever may read the disk.
	Disk int64
	// Dir is where that file is made; "" stands for the system's place for such.
	Dir string
	// Patience is for how long the server may be kept waiting when all is full; 0 stands
	// for 45 s. From its repl-timeout on, 60 s unless set otherwise, it hangs up.
	Patience time.Duration
}

const (
	chunkSize       = 256 << 10
	defaultMemory   = 8 << 20
	defaultDisk     = 4 << 30
	defaultPatience = 45 * time.Second
)

func (s Spool) withDefaults() Spool {
	s.Memory = max(or(s.Memory, defaultMemory), chunkSize)
	s.Disk = or(s.Disk, defaultDisk)
	s.Patience = or(s.Patience, defaultPatience)
	return s
}

// spool hands chunks from the one who reads to the one who writes, in order. The reader
// fills a chunk and puts it; for that it is given another one. When there is none left, what
// is in the chunk goes to the file, and the chunk is the reader's again. While there is
// something in the file, all goes there: so what is in memory is always older.
type spool struct {
	Spool
	made int // chunks that there are; as many as Memory has room for, and one more
	free [][]byte

	mu      sync.Mutex
	changed chan struct{} // closed at each change, and replaced
	chunks  [][]byte      // in memory, the oldest first
	held    int64         // how many bytes those have, and the one that is being written
	file    *os.File
	in, out int64 // bytes that went into the file and came out again; it is used as a ring
	ended   bool
	err     error

	peak    int64
	stalled time.Duration
}

func newSpool(s Spool) *spool {
	s.Disk = max(s.Disk, 0)
	return &spool{Spool: s, changed: make(chan struct{})}
}

// tell wakes whoever waits. The caller holds the lock.
func (s *spool) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// chunk gives a first chunk to fill.
func (s *spool) chunk() []byte {
	s.made++
	return make([]byte, chunkSize)
}

// put hands on what is in a chunk, and gives one to fill next.
func (s *spool) put(ctx context.Context, p []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waited time.Time
	for {
		if s.err != nil {
			return nil, s.err
		}
		if s.in == s.out {
			if next := s.take(); next != nil {
				s.chunks = append(s.chunks, p)
				s.held += int64(len(p))
				s.count(waited)
				return next, nil
			}
		}
		if s.in-s.out+int64(len(p)) <= s.Disk {
			err := s.spill(p)
			s.count(waited)
			return p[:cap(p)], err
		}
		if moved, err := s.refill(); err != nil {
			return nil, err
		} else if moved {
			continue
		}
		if waited.IsZero() {
			waited = time.Now()
		}
		if err := s.wait(ctx, s.Patience-time.Since(waited)); err != nil {
			return nil, err
		}
	}
}

// take gives a chunk that nobody uses, or makes one if there may be one more.
func (s *spool) take() []byte {
	if n := len(s.free); n > 0 {
		c := s.free[n-1]
		s.free = s.free[:n-1]
		return c
	}
	if s.made*chunkSize > s.Memory { // One more than fit: that which is being filled.
		return nil
	}
	return s.chunk()
}

func (s *spool) count(waited time.Time) {
	s.peak = max(s.peak, s.waiting())
	if !waited.IsZero() {
		s.stalled += time.Since(waited)
	}
	s.tell()
}

// waiting is how much is in memory and in the file.
func (s *spool) waiting() int64 { return s.held + s.in - s.out }

// wait waits for a change. The lock is given away meanwhile.
func (s *spool) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return s.slow()
	}
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (s *spool) slow() error {
	return &Error{
		Reason: Slow, Doing: "handing on what the server sends",
		What: fmt.Sprintf("the server had to wait for %v because %d bytes wait to be written (%d in memory, %d in the spool file), and would hang up",
			s.Patience, s.waiting(), s.held, s.in-s.out),
		Remedy: "what takes the snapshot is too slow: make it faster, or give the spool more room on disk",
	}
}

// spill writes a chunk to the file.
func (s *spool) spill(p []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp(s.Dir, "holdfast-spool-")
		if err != nil {
			return spoolError("making the spool file", err)
		}
		s.file = f
		// Without a name nothing is left of it, however this ends. Where files that are
		// open cannot be removed, it is removed when it is closed.
		_ = os.Remove(f.Name())
	}
	for len(p) > 0 {
		at := s.in % s.Disk
		n, err := s.file.WriteAt(p[:min(int64(len(p)), s.Disk-at)], at)
		s.in += int64(n)
		p = p[n:]
		if err != nil {
			return spoolError("writing to the spool file", err)
		}
	}
	return nil
}

func spoolError(doing string, err error) error {
	return &Error{
		Reason: Unwritten, Doing: doing, Err: err,
		Remedy: "make room there, or name another directory for the spool",
	}
}

// end says that nothing more comes, and why if it is not the end of the file.
func (s *spool) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.err == nil {
		s.err = err
	}
	s.tell()
}

// next gives what to write next, until io.EOF. It waits for ever; end wakes it.
func (s *spool) next() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.err != nil:
			return nil, s.err
		case len(s.chunks) > 0:
			c := s.chunks[0]
			s.chunks[0] = nil
			s.chunks = s.chunks[1:]
			return c, nil
		case s.in > s.out:
			// There is a free chunk: only the reader has one.
			if _, err := s.refill(); err != nil {
				return nil, err
			}
			continue
		case s.ended:
			return nil, io.EOF
		}
		changed := s.changed
		s.mu.Unlock()
		<-changed
		s.mu.Lock()
	}
}

// refill moves what is oldest in the file into memory, where it is the youngest, if there is
// something and room for it.
func (s *spool) refill() (moved bool, err error) {
	if s.in == s.out {
		return false, nil
	}
	c := s.take()
	if c == nil {
		return false, nil
	}
	at := s.out % s.Disk
	c = c[:min(s.in-s.out, s.Disk-at, chunkSize)]
	if _, err := s.file.ReadAt(c, at); err != nil {
		return false, spoolError("reading the spool file", err)
	}
	s.out += int64(len(c))
	s.held += int64(len(c))
	s.chunks = append(s.chunks, c)
	return true, nil
}

// written takes back a chunk that next gave.
func (s *spool) written(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= int64(len(p))
	s.free = append(s.free, p[:cap(p)])
	s.tell()
}

// now tells how much waits.
func (s *spool) now() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting()
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()           // Nobody needs what is in it.
		_ = os.Remove(s.file.Name()) // It is gone already, but for some systems.
	}
}
