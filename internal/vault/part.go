package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// PartWriter takes in one file. It ends with Commit or Abort.
type PartWriter struct {
	d    *Draft
	name string
	up   upload
	// in is where bytes go in: through zstd and age, if so, into stored. plain counts what
	// goes in where that is not what is stored.
	in     io.Writer
	stored *counter
	plain  *counter
	// close ends zstd and age, from the outside in.
	close []io.Closer
	file  Stored
	err   error
	ended bool
	// release lets go of the context of the upload.
	release func()
}

// counter passes bytes on, and takes their number and digest.
type counter struct {
	to  io.Writer
	sum hash.Hash
	n   int64
}

func newCounter(to io.Writer) *counter { return &counter{to: to, sum: sha256.New()} }

// Write passes bytes on.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}

func (c *counter) content() Content { return Content{c.n, hex.EncodeToString(c.sum.Sum(nil))} }

// NewPart begins a file of the snapshot. Nothing is kept in memory but some MiB, however
// long it is. Parts may be written side by side.
func (d *Draft) NewPart(ctx context.Context, name string) (*PartWriter, error) {
	compress, encrypt := d.v.level != 0, len(d.v.recipients) > 0
	w, err := d.rawPart(ctx, name, compress, encrypt)
	if err != nil {
		return nil, err
	}
	if err := w.wrap(compress, encrypt); err != nil {
		return nil, also(d.v.fail("write", d.id.folder()+w.file.File, err), w.Abort())
	}
	return w, nil
}

// rawPart begins a file whose bytes are stored as they come.
func (d *Draft) rawPart(ctx context.Context, name string, compressed, encrypted bool) (*PartWriter, error) {
	w := &PartWriter{d: d, name: name, file: Stored{File: partName(name, d.mark.Nonce, compressed, encrypted)}}
	if compressed {
		w.file.Compression = "zstd"
	}
	if encrypted {
		w.file.Encryption = "age"
	}
	key := d.id.folder() + w.file.File
	d.mu.Lock()
	taken := name == "" || d.names[name]
	d.names[name] = true
	d.mu.Unlock()
	if taken {
		return nil, d.v.fail("write", key, fmt.Errorf("the name %q is empty or another part's", name))
	}
	if err := context.Cause(d.ctx); err != nil { //nolint:contextcheck // The draft may be lost.
		return nil, d.v.fail("write", key, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.ctx, func() { cancel(context.Cause(d.ctx)) }) //nolint:contextcheck // The draft may be lost.
	d.begin(w.file.File)
	w.release = func() { stop(); cancel(nil) }
	up, err := d.v.bucket.create(ctx, key)
	if err != nil {
		w.release()
		return nil, d.v.fail("write", key, err)
	}
	w.up = up
	w.stored = newCounter(up)
	w.in = w.stored
	d.mu.Lock()
	d.open[w] = true
	d.mu.Unlock()
	return w, nil
}

// wrap puts encryption before what is stored, and compression before that.
func (w *PartWriter) wrap(compress, encrypt bool) error {
	if encrypt {
		to, err := age.Encrypt(w.in, w.d.v.recipients...)
		if err != nil {
			return err
		}
		w.in, w.close = to, append(w.close, to)
	}
	if compress {
		// In one goroutine, ours: another might still write to an upload that is given up.
		to, err := zstd.NewWriter(w.in, zstd.WithEncoderLevel(w.d.v.level), zstd.WithWindowSize(mib), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		w.in, w.close = to, append([]io.Closer{to}, w.close...)
	}
	if compress || encrypt {
		w.plain = newCounter(w.in)
		w.in = w.plain
	}
	return nil
}

// Write takes in bytes. After an error nothing more is taken.
func (w *PartWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.in.Write(p)
	if err != nil {
		w.err = w.fail(err)
	}
	return n, w.err
}

// fail says why a write failed. A draft that was lost is why the upload was stopped.
func (w *PartWriter) fail(err error) error {
	if lost := context.Cause(w.d.ctx); errors.Is(lost, errSwept) {
		err = lost
	}
	return w.d.v.fail("write", w.d.id.folder()+w.file.File, err)
}

// Commit ends the file, and gives what the manifest has to say of it. Where it fails,
// nothing is left of it.
func (w *PartWriter) Commit() (Stored, error) {
	err := w.err
	for _, c := range w.close {
		if err == nil {
			err = c.Close()
		}
	}
	if err == nil && w.ended {
		err = errors.New("it has ended already")
	}
	if err != nil {
		return Stored{}, also(w.fail(err), w.Abort())
	}
	key := w.d.id.folder() + w.file.File
	if err := w.up.commit(); err != nil {
		err = w.fail(err)
		return Stored{}, also(err, w.Abort())
	}
	w.end()
	if err := w.d.held(); err != nil {
		return Stored{}, also(w.fail(err), w.d.v.bucket.remove(context.WithoutCancel(w.d.ctx), key))
	}
	sum := w.stored.content()
	w.file.Bytes, w.file.SHA256 = sum.Bytes, sum.SHA256
	if w.plain != nil {
		w.file.Plain = w.plain.content()
	}
	w.d.keep(w.file)
	return w.file, nil
}

// Abort gives the file up, and leaves nothing of it.
func (w *PartWriter) Abort() error {
	if w.ended {
		return nil
	}
	err := w.up.abort()
	w.end()
	if err != nil {
		return w.fail(err)
	}
	return nil
}

func (w *PartWriter) end() {
	w.ended = true
	w.release()
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	delete(w.d.open, w)
}
