package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

const (
	// hidden is the folder of what is not there yet. No resource has a name like it.
	hidden = ".holdfast"
	// lockFile is what writers that look before they write lock.
	lockFile = hidden + "/lock"
)

// dir is a vault that is a directory. What is written goes into a hidden folder first,
// and reaches the disk before it gets its name. Nothing leads out of the directory, no
// symbolic link either.
type dir struct {
	path string
	root *os.Root
	// mu is for the goroutines of this process, and the lock for other processes.
	mu sync.Mutex
}

func openDir(where string) (bucket, error) {
	d := &dir{path: filepath.Clean(where)}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		e := d.fail("open the directory", "", err)
		if errors.Is(err, ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			e.Remedy = "make the directory, or mount what it is on"
		}
		return nil, e
	}
	d.root = root
	return d, nil
}

func (d *dir) name() string { return d.path }

func (d *dir) close() error { return d.root.Close() }

func (d *dir) fail(doing, key string, err error) *Error {
	var class error
	switch {
	case errors.Is(err, ErrConflict):
		class = ErrConflict
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		class = ErrFull
	case errors.Is(err, fs.ErrNotExist):
		class = ErrNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		class = ErrDenied
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.ENOTCONN):
		class = ErrUnreachable
	}
	return &Error{Doing: doing, Vault: d.path, Object: key, Class: class, Err: err}
}

// list walks resources, snapshots and their files, and nothing below or beside them.
func (d *dir) list(ctx context.Context, prefix string) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		under := path.Dir(prefix + "-") // All of it is in there.
		err := fs.WalkDir(d.root.FS(), under, func(key string, e fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, fs.ErrNotExist): // It went while it was looked at.
				return nil
			case err != nil:
				return err
			case e.IsDir() && (key == hidden || strings.Count(key, "/") > 1):
				return fs.SkipDir
			case !e.Type().IsRegular() || !strings.HasPrefix(key, prefix):
				return nil
			}
			info, err := e.Info()
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil
			case err != nil:
				return err
			case !yield(object{key: key, size: info.Size(), time: info.ModTime()}, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(object{}, d.fail("list", prefix, err))
		}
	}
}

func (d *dir) read(_ context.Context, key string) ([]byte, string, error) {
	body, err := d.bytes(key)
	if err != nil {
		return nil, "", d.fail("read", key, err)
	}
	return body, version(body), nil
}

func (d *dir) bytes(key string) ([]byte, error) {
	f, err := d.root.Open(filepath.FromSlash(key))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, manifestLimit+1))
}

// version of a small file is its content: times and inodes come again too soon.
func version(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (d *dir) open(_ context.Context, key string, from, n int64) (io.ReadCloser, error) {
	f, err := d.root.Open(filepath.FromSlash(key))
	if err != nil {
		return nil, d.fail("read", key, err)
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return nil, d.fail("read", key, errors.Join(err, f.Close()))
	}
	return &fileReader{d: d, key: key, f: f, left: n, whole: n < 0}, nil
}

// fileReader gives the bytes of a file, and its errors with a class.
type fileReader struct {
	d     *dir
	key   string
	f     *os.File
	left  int64
	whole bool
}

func (r *fileReader) Read(p []byte) (int, error) {
	if !r.whole {
		if r.left == 0 {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), r.left)]
	}
	n, err := r.f.Read(p)
	r.left -= int64(n)
	if err != nil && err != io.EOF { //nolint:errorlint // A Reader gives it bare.
		err = r.d.fail("read", r.key, err)
	}
	return n, err
}

func (r *fileReader) Close() error { return r.f.Close() }

// put looks at what is there and replaces it under a lock, which all writers of the
// directory take.
func (d *dir) put(ctx context.Context, key string, body []byte, was string) (string, error) {
	up, err := d.begin(key, "put")
	if err != nil {
		return "", err
	}
	defer up.abort() //nolint:errcheck // Nothing is left once it is there.
	if _, err := up.Write(body); err != nil {
		return "", err
	}
	if err := up.settle(); err != nil {
		return "", err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return "", d.fail("lock", lockFile, err)
	}
	defer unlock()
	there, err := d.bytes(key)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", d.fail("read", key, err)
	case err == nil && was != version(there), err != nil && was != "":
		return "", d.fail("write", key, ErrConflict)
	}
	if err := up.name(); err != nil {
		return "", err
	}
	return version(body), nil
}

// remove deletes files, and the folders that are empty then.
func (d *dir) remove(_ context.Context, keys ...string) error {
	for _, key := range keys {
		if err := d.root.Remove(filepath.FromSlash(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return d.fail("delete", key, err)
		}
	}
	for _, key := range keys {
		for folder := path.Dir(key); folder != "." && d.root.Remove(filepath.FromSlash(folder)) == nil; {
			folder = path.Dir(folder)
		}
	}
	return nil
}

// leftovers are the files in the hidden folder.
func (d *dir) leftovers(context.Context) ([]leftover, error) {
	entries, err := fs.ReadDir(d.root.FS(), hidden)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, d.fail("list", hidden, err)
	}
	var out []leftover
	for _, e := range entries {
		info, err := e.Info()
		nonce, ours := awaited(e.Name())
		if err != nil || !ours || !info.Mode().IsRegular() {
			continue
		}
		name := hidden + "/" + e.Name()
		out = append(out, leftover{nonce: nonce, touched: info.ModTime(), drop: func(ctx context.Context) error { return d.remove(ctx, name) }})
	}
	return out, nil
}

func (d *dir) take(context.Context, bucket, string, int64, string) (bool, error) { return false, nil }
