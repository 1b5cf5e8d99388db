package vault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// blobBucket is a vault in a place that the Go Cloud Development Kit reaches. What was
// uploaded there and never ended is dropped by the place itself, within a week.
type blobBucket struct {
	*blob.Bucket
	url string
	// versions is how the place knows one content of an object from the next.
	versions versions
}

// versions is what the kit has no common word for.
type versions interface {
	// of gives the version of an object that is being read.
	of(r *blob.Reader) string
	// listed gives the version of an object of a listing.
	listed(o *blob.ListObject) string
	// only has a write happen only if the object there has a version.
	only(version string) func(as func(any) bool) error
}

func (b *blobBucket) name() string { return b.url }

func (b *blobBucket) close() error { return b.Close() }

func (b *blobBucket) fail(doing, key string, err error) *Error {
	var class error
	switch gcerrors.Code(err) { //nolint:exhaustive // The others are nobody's fault but ours.
	case gcerrors.NotFound:
		class = ErrNotFound
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		class = ErrConflict
	case gcerrors.PermissionDenied:
		class = ErrDenied
	case gcerrors.ResourceExhausted:
		class = ErrFull
	case gcerrors.DeadlineExceeded, gcerrors.Internal:
		class = ErrUnreachable
	case gcerrors.Unknown: // The network, among others.
		if !errors.Is(err, context.Canceled) {
			class = ErrUnreachable
		}
	}
	return &Error{Doing: doing, Vault: b.url, Object: key, Class: class, Err: err}
}

func (b *blobBucket) list(ctx context.Context, prefix string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		all := b.List(&blob.ListOptions{Prefix: prefix})
		for {
			o, err := all.Next(ctx)
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(object{}, b.fail("list", prefix, err))
				return
			case !yield(object{o.Key, o.Size, o.ModTime, b.versions.listed(o)}, nil):
				return
			}
		}
	}
}

func (b *blobBucket) read(ctx context.Context, key string) ([]byte, string, error) {
	r, err := b.NewReader(ctx, key, nil)
	if err != nil {
		return nil, "", b.fail("read", key, err)
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, manifestLimit+1))
	if err != nil {
		return nil, "", b.fail("read", key, err)
	}
	return body, b.versions.of(r), nil
}

func (b *blobBucket) open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error) {
	r, err := b.NewRangeReader(ctx, key, from, n, nil)
	if err != nil {
		return nil, b.fail("read", key, err)
	}
	return &blobReader{r, b, key}, nil
}

// blobReader gives errors a class.
type blobReader struct {
	*blob.Reader
	b   *blobBucket
	key string
}

func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // A Reader gives it bare.
		err = r.b.fail("read", r.key, err)
	}
	return n, err
}

func (b *blobBucket) put(ctx context.Context, key string, body []byte, was string) (string, error) {
	o := &blob.WriterOptions{ContentType: "application/json", IfNotExist: was == ""}
	if was != "" {
		o.BeforeWrite = b.versions.only(was)
	}
	err := b.WriteAll(ctx, key, body, o)
	failed := b.fail("write", key, err)
	switch {
	case err == nil, errors.Is(failed, ErrConflict), errors.Is(failed, ErrNotFound) && was != "":
	default:
		return "", failed
	}
	// The version comes with no answer to a write, and a write that is made again after it
	// took effect meets itself.
	there, version, readErr := b.read(ctx, key)
	switch {
	case readErr == nil && bytes.Equal(there, body):
		return version, nil
	case err == nil && readErr != nil && !errors.Is(readErr, ErrNotFound):
		return "", readErr
	}
	return "", &Error{Doing: "write", Vault: b.url, Object: key, Class: ErrConflict}
}

func (b *blobBucket) create(ctx context.Context, key string) (upload, error) {
	ctx, cancel := context.WithCancel(ctx)
	w, err := b.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: "application/octet-stream", BufferSize: smallPiece, MaxConcurrency: shared,
	})
	if err != nil {
		cancel()
		return nil, b.fail("write", key, err)
	}
	return &blobUpload{b: b, key: key, w: w, cancel: cancel}, nil
}

type blobUpload struct {
	b      *blobBucket
	key    string
	w      *blob.Writer
	cancel context.CancelFunc
	once   sync.Once
}

func (u *blobUpload) Write(p []byte) (int, error) {
	n, err := u.w.Write(p)
	if err != nil {
		return n, u.b.fail("write", u.key, err)
	}
	return n, nil
}

func (u *blobUpload) commit() (err error) {
	defer u.cancel()
	u.once.Do(func() { err = u.w.Close() })
	if err != nil {
		return u.b.fail("write", u.key, err)
	}
	return nil
}

// abort: a writer that is closed after its context ended writes nothing.
func (u *blobUpload) abort() error {
	u.cancel()
	u.once.Do(func() { _ = u.w.Close() })
	return nil
}

func (b *blobBucket) take(context.Context, bucket, string, int64, string) (bool, error) {
	return false, nil
}

func (b *blobBucket) remove(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := b.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return b.fail("delete", key, err)
		}
	}
	return nil
}

func (b *blobBucket) leftovers(context.Context) ([]leftover, error) { return nil, nil }
