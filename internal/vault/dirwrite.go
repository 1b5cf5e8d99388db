package vault

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// fileUpload is a file that has no name of its own yet.
type fileUpload struct {
	d    *dir
	key  string
	temp string
	f    *os.File
	err  error
}

func (d *dir) create(_ context.Context, key string) (upload, error) {
	return d.begin(key, "part")
}

// begin makes a file in the hidden folder. Its name is a word, a nonce of its own, and
// the writer's nonce where there is one in the key: so it is known whose it is.
func (d *dir) begin(key, word string) (*fileUpload, error) {
	if err := d.root.Mkdir(hidden, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, d.fail("make the folder", hidden, err)
	}
	temp := word + "-" + newNonce()
	if nonce, ok := nonceOf(path.Base(key)); ok && word == "part" {
		temp += "-" + nonce
	}
	u := &fileUpload{d: d, key: key, temp: filepath.Join(hidden, temp)}
	f, err := d.root.OpenFile(u.temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, d.fail("write", key, err)
	}
	u.f = f
	return u, nil
}

// awaited reads the name of a file in the hidden folder: the nonce of the writer that it
// is of, if it is of one, and whether it is of this vault at all.
func awaited(temp string) (nonce string, ours bool) {
	word, rest, _ := strings.Cut(temp, "-")
	own, nonce, _ := strings.Cut(rest, "-")
	switch {
	case !nonceForm.MatchString(own):
		return "", false
	case word == "put":
		return "", nonce == ""
	}
	return nonce, word == "part" && nonceForm.MatchString(nonce)
}

// Write writes on. Where that fails, the space is given back at once.
func (u *fileUpload) Write(p []byte) (int, error) {
	n, err := u.f.Write(p)
	if err != nil {
		u.err = u.d.fail("write", u.key, err)
		return n, also(u.err, u.abort())
	}
	return n, nil
}

// settle has the bytes reach the disk.
func (u *fileUpload) settle() error {
	err := u.f.Sync()
	if err = errors.Join(err, u.f.Close()); err != nil {
		return u.d.fail("write", u.key, err)
	}
	return nil
}

func (u *fileUpload) commit() error {
	if u.err != nil {
		return u.err
	}
	err := u.settle()
	if err == nil {
		err = u.name()
	}
	if err != nil {
		return also(err, u.abort())
	}
	return nil
}

// name gives the file its name, and has that reach the disk. Somebody may take away the
// folder meanwhile, since it is empty.
func (u *fileUpload) name() error {
	folder, to := filepath.FromSlash(path.Dir(u.key)), filepath.FromSlash(u.key)
	var err error
	for range 10 {
		if err = u.d.root.MkdirAll(folder, 0o700); err == nil {
			err = u.d.root.Rename(u.temp, to)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for at := path.Dir(u.key); err == nil; at = path.Dir(at) {
		if err = u.d.settle(at); at == "." {
			break
		}
	}
	if err != nil {
		return u.d.fail("write", u.key, err)
	}
	return nil
}

// settle has the names in a folder reach the disk, where the file system knows that.
func (d *dir) settle(folder string) error {
	if runtime.GOOS == "windows" { // Folders cannot be opened there to that end.
		return nil
	}
	f, err := d.root.Open(filepath.FromSlash(folder))
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

func (u *fileUpload) abort() error {
	u.f.Close() // It may be closed already.
	if err := u.d.root.Remove(u.temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return u.d.fail("delete", u.temp, err)
	}
	return nil
}
