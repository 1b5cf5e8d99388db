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

const (
	// reopens is how often reading goes on where the connection broke, without a byte
	// in between.
	reopens = 5
	// windowLimit is the most memory that reading a compressed file takes.
	windowLimit = 64 << 20
)

// OpenPart reads a file of a snapshot as it was before it was compressed and encrypted. It
// is compared with the manifest as it is read: what was read is to be trusted only when the
// end came without an error. One that does not fit gives ErrCorrupt.
func (v *Vault) OpenPart(ctx context.Context, m Manifest, part string) (io.ReadCloser, error) {
	p, ok := m.Part(part)
	if !ok {
		return nil, v.fail("read", m.ID().folder(), fmt.Errorf("there is no part %q: %w", part, ErrNotFound))
	}
	stored := v.openStored(ctx, m, p)
	r, err := v.unwrap(stored, p)
	if err != nil {
		return nil, also(v.fail("read", stored.key, err), stored.Close())
	}
	return r, nil
}

// ReadRange reads n bytes of a file from one on, or all from there if n < 0. Nothing can be
// compared. Files that are compressed or encrypted cannot be read so.
func (v *Vault) ReadRange(ctx context.Context, m Manifest, part string, from, n int64) (io.ReadCloser, error) {
	p, ok := m.Part(part)
	key := m.ID().folder() + p.File
	switch {
	case !ok:
		return nil, v.fail("read", m.ID().folder(), fmt.Errorf("there is no part %q: %w", part, ErrNotFound))
	case p.Compression != "" || p.Encryption != "":
		return nil, v.fail("read a range of", key, errors.New("it is compressed or encrypted: read all of it"))
	case from < 0 || from > p.Bytes:
		return nil, v.fail("read a range of", key, fmt.Errorf("it has %d bytes, and none at %d", p.Bytes, from))
	}
	r, err := v.bucket.open(ctx, key, from, n)
	if err != nil {
		return nil, v.fail("read", key, err)
	}
	return r, nil
}

// Verify reads all of a snapshot and compares it with its manifest. Where files are
// encrypted and there is no key at hand, it compares what is stored.
func (v *Vault) Verify(ctx context.Context, m Manifest) error {
	for _, p := range m.Parts {
		var r io.ReadCloser = v.openStored(ctx, m, p)
		if p.Encryption == "" || len(v.identities) > 0 {
			var err error
			if r, err = v.OpenPart(ctx, m, p.Name); err != nil {
				return err
			}
		}
		_, err := io.Copy(io.Discard, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return v.fail("verify", m.ID().folder()+p.File, err)
		}
	}
	return nil
}

// openStored reads the bytes of a file as they are stored.
func (v *Vault) openStored(ctx context.Context, m Manifest, p Part) *checked {
	key := m.ID().folder() + p.File
	return newChecked(&steady{ctx: ctx, v: v, key: key}, v, key, Content{p.Bytes, p.SHA256})
}

// unwrap decrypts and decompresses.
func (v *Vault) unwrap(stored *checked, p Part) (io.ReadCloser, error) {
	if p.Compression == "" && p.Encryption == "" {
		return stored, nil
	}
	out := &unwrapped{stored: stored}
	var r io.Reader = stored
	switch {
	case p.Encryption == "":
	case p.Encryption != "age":
		return nil, fmt.Errorf("it is encrypted with %q, which this version of holdfast does not know: use a newer one", p.Encryption)
	case len(v.identities) == 0:
		return nil, errors.New("it is encrypted, and no age identity is given to read it with")
	default:
		var err error
		if r, err = age.Decrypt(r, v.identities...); err != nil {
			return nil, err
		}
	}
	switch p.Compression {
	case "":
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(windowLimit))
		if err != nil {
			return nil, err
		}
		out.z, r = z, z
	default:
		return nil, fmt.Errorf("it is compressed with %q, which this version of holdfast does not know: use a newer one", p.Compression)
	}
	out.checked = newChecked(r, v, stored.key, p.Plain)
	return out, nil
}

// unwrapped is a file without its compression and encryption. At its end what is stored is
// at its end, too, and both are compared.
type unwrapped struct {
	*checked
	stored *checked
	z      *zstd.Decoder
}

// Read reads on.
func (u *unwrapped) Read(p []byte) (int, error) {
	n, err := u.checked.Read(p)
	if err == io.EOF { //nolint:errorlint // A Reader gives it bare.
		if _, err := io.Copy(io.Discard, u.stored); err != nil {
			return n, err
		}
	}
	return n, err
}

// Close lets go of it.
func (u *unwrapped) Close() error {
	if u.z != nil {
		u.z.Close()
	}
	return u.stored.Close()
}

// checked compares what is read with what it should be.
type checked struct {
	r    io.Reader
	v    *Vault
	key  string
	want Content
	sum  hash.Hash
	n    int64
	err  error
}

func newChecked(r io.Reader, v *Vault, key string, want Content) *checked {
	return &checked{r: r, v: v, key: key, want: want, sum: sha256.New()}
}

// Read reads on. The end comes without an error only if all was as it should be.
func (c *checked) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	switch {
	case c.n > c.want.Bytes:
		c.err = c.corrupt(fmt.Sprintf("it has more than %d bytes", c.want.Bytes))
		return 0, c.err
	case err == io.EOF:
		if c.err = c.compare(); c.err == nil {
			c.err = io.EOF
		}
	case err != nil:
		c.err = c.explain(err)
	}
	return n, c.err
}

func (c *checked) compare() error {
	switch sum := hex.EncodeToString(c.sum.Sum(nil)); {
	case c.n != c.want.Bytes:
		return c.corrupt(fmt.Sprintf("it has %d bytes and not %d", c.n, c.want.Bytes))
	case sum != c.want.SHA256:
		return c.corrupt(fmt.Sprintf("its SHA-256 is %s and not %s", sum, c.want.SHA256))
	}
	return nil
}

func (c *checked) corrupt(why string) error {
	return c.v.fail("read", c.key, fmt.Errorf("%w: %s", ErrCorrupt, why))
}

// explain: an error without a class is that of decrypting or decompressing.
func (c *checked) explain(err error) error {
	if classOf(err) != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return c.v.fail("read", c.key, err)
	}
	return c.v.fail("read", c.key, fmt.Errorf("%w: %w", ErrCorrupt, err))
}

// Close lets go of it.
func (c *checked) Close() error {
	if closer, ok := c.r.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// steady reads an object, and goes on where the connection broke. Parts are never written
// twice, so it goes on with the same object.
type steady struct {
	ctx context.Context //nolint:containedctx // It is a call that takes long.
	v   *Vault
	key string
	r   io.ReadCloser
	at  int64
	bad int
}

// Read reads on.
func (s *steady) Read(p []byte) (int, error) {
	for {
		if err := s.ctx.Err(); err != nil {
			return 0, context.Cause(s.ctx)
		}
		n, err := s.once(p)
		s.at += int64(n)
		if n > 0 {
			s.bad = 0
		}
		if err == nil || err == io.EOF || !errors.Is(err, ErrUnreachable) { //nolint:errorlint // A Reader gives it bare.
			return n, err
		}
		if s.bad++; s.bad > reopens {
			return n, err
		}
		_ = s.Close()
		if n > 0 {
			return n, nil
		}
	}
}

func (s *steady) once(p []byte) (int, error) {
	if s.r == nil {
		r, err := s.v.bucket.open(s.ctx, s.key, s.at, -1)
		if err != nil {
			return 0, err
		}
		s.r = r
	}
	return s.r.Read(p)
}

// Close lets go of the connection.
func (s *steady) Close() error {
	if s.r == nil {
		return nil
	}
	r := s.r
	s.r = nil
	return r.Close()
}
