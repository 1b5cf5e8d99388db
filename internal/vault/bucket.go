package vault

import (
	"context"
	"io"
	"iter"
	"time"
)

// bucket is what a vault asks of the place where its objects are. Keys are relative to
// the vault, and never lead out of it. Errors are Errors.
type bucket interface {
	// name is the URL, for people.
	name() string
	// list gives all objects whose keys begin with a prefix.
	list(ctx context.Context, prefix string) iter.Seq2[object, error]
	// read gives a small object whole, with its version.
	read(ctx context.Context, key string) (body []byte, version string, err error)
	// open gives the bytes of an object from one on: n of them, or all if n < 0.
	open(ctx context.Context, key string, from, n int64) (io.ReadCloser, error)
	// put writes a small object if the one there has a version; "" stands for none
	// there. If it has another the error is ErrConflict. It is there whole or not at all,
	// and does not get lost any more.
	put(ctx context.Context, key string, body []byte, version string) (string, error)
	// create begins an object that comes bit by bit.
	create(ctx context.Context, key string) (upload, error)
	// take copies an object of another bucket without its bytes coming here, where there
	// is a way; otherwise it says so, and has done nothing.
	take(ctx context.Context, from bucket, key string, size int64, as string) (done bool, err error)
	// remove deletes objects. To delete what is not there is a success.
	remove(ctx context.Context, keys ...string) error
	// leftovers gives what uploads left behind that neither ended nor were given up.
	leftovers(ctx context.Context) ([]leftover, error)
	close() error
}

// object is one object of a listing.
type object struct {
	key  string
	size int64
	time time.Time
	// version changes whenever the object does; empty where listings do not tell.
	version string
}

// upload is an object that comes bit by bit. Nothing of it is seen before commit.
type upload interface {
	io.Writer
	// commit ends it: the object is there, and does not get lost any more.
	commit() error
	// abort gives it up, also when the context that it began with is over.
	abort() error
}

// leftover is what is left of an upload.
type leftover struct {
	// nonce is that of the writer; empty where it took a moment only.
	nonce   string
	touched time.Time
	drop    func(ctx context.Context) error
}
