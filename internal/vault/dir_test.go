package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

func TestSymbolicLinksLeadNowhere(t *testing.T) {
	outside, home := t.TempDir(), t.TempDir()
	ok(t, os.Symlink(outside, filepath.Join(home, "orders")))
	v := at(t, home)(Options{})
	if _, err := v.Begin(t.Context(), orders, claimOf("orders")); err == nil {
		t.Error("begun through a symbolic link that leads out")
	}
	if len(list(t, v)) != 0 {
		t.Error("something is seen there")
	}
	left, err := os.ReadDir(outside)
	ok(t, err)
	if len(left) != 0 {
		t.Errorf("there is %v", left)
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	v := inDirectory(t)(Options{})
	publish(t, v, orders, map[string][]byte{"a": noise(10)})
	d, _ := v.bucket.(*dir)
	for _, key := range append(keys(t, v), "orders", ".holdfast") {
		info, err := os.Stat(filepath.Join(d.path, key))
		ok(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", key, info.Mode())
		}
	}
}

func TestErrorsOfFiles(t *testing.T) {
	d := &dir{path: "/vault"}
	for err, want := range map[error]error{
		syscall.ENOSPC: ErrFull, syscall.EDQUOT: ErrFull, syscall.EFBIG: ErrFull, syscall.EACCES: ErrDenied, syscall.EROFS: ErrDenied,
		syscall.ENOENT: ErrNotFound, syscall.EIO: ErrUnreachable, syscall.ESTALE: ErrUnreachable, syscall.EINVAL: nil,
	} {
		if got := d.fail("write", "k", &os.PathError{Op: "write", Path: "k", Err: err}); !errors.Is(classOf(got), want) {
			t.Errorf("%v is %v, want %v", err, classOf(got), want)
		}
	}
}

// TestHoldsAtOnce: of many changes at once, none gets lost.
func TestHoldsAtOnce(t *testing.T) {
	open := inDirectory(t)
	v := open(Options{})
	ok(t, os.Mkdir(filepath.Join(v.String(), "x"), 0o700))
	version, err := v.bucket.put(t.Context(), "x/n", []byte("0"), "")
	ok(t, err)
	_ = version
	var wg sync.WaitGroup
	for range 4 {
		other := open(Options{})
		wg.Go(func() {
			for done := 0; done < 10; {
				body, version, err := other.bucket.read(context.Background(), "x/n")
				if err != nil {
					t.Error(err)
					return
				}
				var n int
				fmt.Sscan(string(body), &n)
				_, err = other.bucket.put(context.Background(), "x/n", fmt.Append(nil, n+1), version)
				switch {
				case err == nil:
					done++
				case !errors.Is(err, ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if body, _, _ := v.bucket.read(t.Context(), "x/n"); string(body) != "40" {
		t.Errorf("counted %s", body)
	}
}
