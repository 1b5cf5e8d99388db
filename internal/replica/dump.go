package replica

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// dump is one snapshot on its way.
type dump struct {
	at     Endpoint
	node   Node
	to     Target
	o      Options
	spool  *spool
	result Result
	// received is called when the server is done with. It may be nil.
	received func()
}

// Dump takes the snapshot of one server. What was written counts only if there is no error.
// It returns when nothing is being written any more.
func Dump(ctx context.Context, at Endpoint, from Node, to Target, o Options) (Result, error) {
	d := &dump{at: at, node: from, to: to, o: o}
	return d.run(ctx)
}

func (d *dump) run(ctx context.Context) (Result, error) {
	d.o = d.o.withDefaults()
	d.node.Address = withPort(d.node.Address, serverPort)
	d.result = Result{Address: d.node.Address, Offset: -1}
	if err := d.at.unmanaged(ctx, d.node.Address); err != nil {
		return d.result, err
	}
	if d.to.Scan == nil {
		own := rdb.NewPusher(ctx, rdb.Options{Level: rdb.Framing})
		defer own.Close()
		d.to.Scan = own
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c, a, err := d.begin(ctx)
	if err != nil {
		return d.result, err
	}
	defer c.Close()
	d.result.ReplicationID, d.result.Offset = a.id, a.offset
	err = d.transfer(ctx, cancel, c, a)
	d.result.Ended = time.Now()
	return d.result, err
}

// begin connects and asks, and does so again while the server is loading.
func (d *dump) begin(ctx context.Context) (c *conn, a announced, err error) {
	err = patiently(ctx, d.o.Retry, func(ctx context.Context) error {
		if c, err = d.at.servers().connect(ctx, d.node.Address); err != nil {
			return err
		}
		if a, err = d.handshake(c); err != nil {
			_ = c.Close() // What failed says more.
		}
		return err
	})
	return c, a, err
}

// transfer moves the file: this goroutine reads from the server, the other writes.
func (d *dump) transfer(ctx context.Context, cancel context.CancelCauseFunc, c *conn, a announced) error {
	d.spool = newSpool(d.o.Spool)
	defer d.spool.close()
	abort := func(err error) {
		d.spool.end(err)
		if w, ok := d.to.To.(interface{ CloseWithError(err error) error }); ok {
			_ = w.CloseWithError(err) // It is to be thrown away.
		}
	}
	defer context.AfterFunc(ctx, func() { abort(context.Cause(ctx)) })()
	wrote := make(chan error, 1)
	go func() {
		err := d.deliver()
		if err != nil {
			cancel(err)
		}
		wrote <- err
	}()
	err := d.receive(ctx, c, a)
	_ = c.Close() // The server may forget us at once, however slow the writer is.
	d.result.Received = time.Now()
	if d.received != nil {
		d.received()
	}
	if err != nil {
		abort(err)
	} else {
		d.spool.end(nil)
	}
	failed := <-wrote
	d.result.Spooled, d.result.Stalled = d.spool.peak, d.spool.stalled
	switch first := d.spool.err; { // Who failed first stopped the other.
	case ReasonOf(first) != "":
		return first
	case err == nil && failed != nil:
		return broken(ctx, d.node.Address, "writing the snapshot", failed)
	}
	return err
}

// deliver writes what comes out of the spool, in the order of the file.
func (d *dump) deliver() error {
	var sum hash.Hash
	if d.o.SHA256 {
		sum = sha256.New()
	}
	for {
		p, err := d.spool.next()
		if errors.Is(err, io.EOF) {
			if sum != nil {
				d.result.SHA256 = hex.EncodeToString(sum.Sum(nil))
			}
			return nil
		}
		if err != nil {
			return err
		}
		if sum != nil {
			sum.Write(p)
		}
		if n, err := d.to.To.Write(p); err != nil || n < len(p) {
			err = d.unwritten(err)
			d.spool.end(err)
			return err
		}
		d.spool.written(p)
	}
}

func (d *dump) unwritten(err error) error {
	if err == nil {
		err = io.ErrShortWrite
	}
	return &Error{Reason: Unwritten, Doing: "writing the snapshot of " + d.node.Address, Err: err}
}

// payload is a file that is being received.
type payload struct {
	*dump
	c    *conn
	a    announced
	got  int64 // how many bytes came
	idle bool  // nothing came for a while
	tail [checksumSize]byte
	told int64
}

const (
	checksumSize = 8
	// tellEvery is how many bytes lie between two words of progress.
	tellEvery = 4 << 20
)

// receive reads the file and what has to follow it.
func (d *dump) receive(ctx context.Context, c *conn, a announced) error {
	p := &payload{dump: d, c: c, a: a}
	rest, err := p.file(ctx)
	if err != nil {
		return err
	}
	d.result.Framing = ByLength
	if len(a.mark) > 0 {
		d.result.Framing = ByMark
		if err := p.proveMark(rest); err != nil {
			return err
		}
	}
	d.result.Checksum = binary.LittleEndian.Uint64(p.tail[:])
	p.tell(true)
	return nil
}

// file reads up to the end of the file, and gives what came beyond that.
func (p *payload) file(ctx context.Context) (rest []byte, err error) {
	chunk, fill, seen := p.spool.chunk(), 0, 0
	for {
		n, failed := p.read(chunk[fill:], fill > seen)
		fill += n
		if failed == nil && !p.due(chunk[seen:fill], fill == len(chunk)) {
			continue
		}
		used, done, err := p.look(ctx, chunk[seen:fill])
		if err != nil {
			return nil, err
		}
		if done {
			rest = bytes.Clone(chunk[seen+used : fill]) // The chunk is about to be somebody else's.
		}
		seen += used
		if seen > 0 && (done || seen == len(chunk)) {
			if chunk, err = p.spool.put(ctx, chunk[:seen]); err != nil {
				return nil, err
			}
			fill, seen = 0, 0
			p.tell(false)
		}
		if done {
			return rest, nil
		}
		if failed != nil {
			return nil, p.cutOff(failed)
		}
	}
}

// nap is for how long to wait for more before looking at what is there.
const nap = time.Second

// due reports whether to look at what came. A server sends 16 KiB at a time, and to look at
// each by itself costs more than the looking. But behind the end nothing may come that would
// fill a chunk.
func (p *payload) due(came []byte, full bool) bool {
	switch {
	case full || p.idle:
		return len(came) > 0
	case len(p.a.mark) > 0:
		return bytes.HasSuffix(bytes.TrimRight(came, "\n"), p.a.mark)
	}
	return p.got == p.a.size
}

// look has the scanner look at what came, and tells how much of it belongs to the file.
func (p *payload) look(ctx context.Context, came []byte) (used int, done bool, err error) {
	if len(came) == 0 {
		return 0, false, nil
	}
	if p.result.Taken.IsZero() {
		p.result.Taken = p.moment(came)
	}
	used, done, err = p.to.Scan.Push(came)
	if err != nil {
		return 0, false, p.damaged(ctx, err)
	}
	p.result.Bytes += int64(used)
	p.remember(came[:used])
	return used, done, p.proveLength(used, len(came), done)
}

// read reads once; of a file whose length is known nothing beyond it. With something pending
// it comes back soon, with nothing if nothing came.
func (p *payload) read(into []byte, pending bool) (int, error) {
	if len(p.a.mark) == 0 {
		into = into[:min(int64(len(into)), p.a.size-p.got)]
	}
	soon := min(nap, p.o.Silence/2)
	switch {
	case pending:
		p.c.patient = soon
	case p.idle:
		p.c.patient = p.o.Silence - soon
	default:
		p.c.patient = p.o.Silence
	}
	n, err := p.c.in.Read(into)
	p.idle = n == 0
	p.got += int64(n)
	if n > 0 && p.result.Begun.IsZero() {
		p.result.Begun = time.Now()
	}
	if n > 0 || pending && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // If it was another, it comes again.
	}
	return n, err
}

// remember keeps the last bytes of the file.
func (p *payload) remember(b []byte) {
	if len(b) >= checksumSize {
		copy(p.tail[:], b[len(b)-checksumSize:])
		return
	}
	copy(p.tail[:], p.tail[len(b):])
	copy(p.tail[checksumSize-len(b):], b)
}

// proveLength holds the end of the file against the length that was announced.
func (p *payload) proveLength(used, n int, done bool) error {
	if len(p.a.mark) > 0 {
		return nil
	}
	left := p.a.size - p.result.Bytes
	switch {
	case used < n || done && left > 0:
		return p.wrong(fmt.Sprintf("the server announced %d bytes, and the file ends after %d", p.a.size, p.result.Bytes), nil)
	case !done && left == 0:
		return p.wrong(fmt.Sprintf("the server announced %d bytes, and the file does not end there", p.a.size), nil)
	}
	return nil
}

// proveMark looks whether the mark follows; rest came with the end of the file. Newlines
// may come behind it, and to a server that knows no rdb-only what was written meanwhile.
func (p *payload) proveMark(rest []byte) error {
	var got [markSize]byte
	n := copy(got[:], rest)
	p.c.patient = p.o.Silence
	if _, err := io.ReadFull(p.c.in, got[n:]); err != nil {
		return p.cutOff(err)
	}
	if !bytes.Equal(got[:], p.a.mark) {
		return p.wrong("the mark that ends the transfer does not follow the end of the file", nil)
	}
	return nil
}

func (p *payload) cutOff(err error) error {
	err = p.c.fail("receiving the snapshot", unexpected(err))
	var e *Error
	if errors.As(err, &e) && e.Reason == CutOff && p.c.ctx.Err() == nil {
		e.What = fmt.Sprintf("the connection was closed after %d bytes", p.result.Bytes)
		e.Remedy = "the server's log says why: its child may have been killed (memory), or the transfer have met repl-timeout or client-output-buffer-limit; take the snapshot again"
	}
	if errors.As(err, &e) && e.Reason == Silent {
		e.What = fmt.Sprintf("nothing came for %v, after %d bytes", p.o.Silence, p.result.Bytes)
	}
	return err
}

// damaged is a file that is not sound; one that was given up is not that.
func (p *payload) damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return p.c.fail("receiving the snapshot", err)
	}
	return p.wrong("", err)
}

func (p *payload) wrong(what string, err error) error {
	e := &Error{Reason: Damaged, Address: p.node.Address, Doing: "receiving the snapshot", What: what, Err: err}
	if err == nil {
		e.Remedy = "take it again; if it happens again, look at what lies between (proxies) and at the server's log"
	}
	return e
}

// tell reports progress.
func (p *payload) tell(last bool) {
	if p.o.Progress == nil || !last && p.result.Bytes-p.told < tellEvery {
		return
	}
	p.told = p.result.Bytes
	p.o.Progress(Progress{Address: p.node.Address, Bytes: p.result.Bytes, Total: p.a.size, Waiting: p.spool.now()})
}
