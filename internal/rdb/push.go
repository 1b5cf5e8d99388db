package rdb

import (
	"context"
	"errors"
	"io"
)

// Pusher verifies a file as it passes by: whoever moves the bytes gives them to Push. It
// owns a goroutine, which ends with the file, with an error, or with Close.
type Pusher struct {
	reader *Reader
	pieces chan []byte
	asked  chan struct{} // the reader wants another piece
	done   chan struct{} // closed when report and err are there
	closed bool

	piece []byte // what the reader has not taken yet; between asking and being given it is Push's
	begun bool

	report Report
	err    error
}

// NewPusher begins to verify. Close must be called.
func NewPusher(ctx context.Context, o Options) *Pusher {
	p := &Pusher{
		pieces: make(chan []byte), asked: make(chan struct{}), done: make(chan struct{}),
	}
	p.reader = NewReader(pushed{p})
	go func() {
		defer close(p.done)
		p.report, p.err = p.reader.Verify(ctx, o)
	}()
	return p
}

// pushed is the reading end.
type pushed struct{ p *Pusher }

// Read asks for a piece when there is none, and takes of it.
func (r pushed) Read(buf []byte) (int, error) {
	p := r.p
	if len(p.piece) == 0 {
		p.asked <- struct{}{}
		piece, ok := <-p.pieces
		if !ok {
			return 0, io.EOF
		}
		p.piece = piece
	}
	n := copy(buf, p.piece)
	p.piece = p.piece[n:]
	return n, nil
}

// Push gives the next bytes, and returns when they have been read. When the file has ended,
// done is true, used says how many of these bytes were its last, and err whether it was
// sound; what is pushed from then on is not looked at.
func (p *Pusher) Push(b []byte) (used int, done bool, err error) {
	if len(b) == 0 {
		return 0, false, nil
	}
	if !p.begun {
		p.begun = true
		if !p.wait() {
			return 0, true, p.err
		}
	}
	select {
	case <-p.done:
		return 0, true, p.err
	default: // Then the reader has asked, and is waiting for it.
	}
	p.pieces <- b
	if p.wait() {
		return len(b), false, nil
	}
	used = len(b)
	if p.err == nil {
		used -= len(p.piece) + len(p.reader.Buffered())
	}
	return used, true, p.err
}

// wait returns true when the reader asks for more, and false when it is done.
func (p *Pusher) wait() bool {
	select {
	case <-p.asked:
		return true
	case <-p.done:
		return false
	}
}

// Close ends the file, if it has not ended by itself, and gives what was found.
func (p *Pusher) Close() (Report, error) {
	if !p.closed {
		p.closed = true
		if !p.begun {
			p.begun = true
			p.wait()
		}
		close(p.pieces)
		// Having been told that there is no more, the reader asks no more.
		<-p.done
	}
	if p.err == nil && p.report.Checksum == ChecksumUnread {
		return p.report, errors.New("rdb: the file was not read to its end")
	}
	return p.report, p.err
}
