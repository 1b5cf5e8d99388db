//go:build !unix

package vault

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// lock takes the directory's lock, which is there while it is held. One that is left of a
// process that ended counts for a minute.
func (d *dir) lock(ctx context.Context) (unlock func(), err error) {
	d.mu.Lock()
	for {
		f, err := d.root.OpenFile(lockFile, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return func() {
				_ = errors.Join(f.Close(), d.root.Remove(lockFile))
				d.mu.Unlock()
			}, nil
		}
		if !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrPermission) {
			d.mu.Unlock()
			return nil, err
		}
		if info, err := d.root.Stat(lockFile); err == nil && time.Since(info.ModTime()) > time.Minute {
			_ = d.root.Remove(lockFile)
		}
		select {
		case <-ctx.Done():
			d.mu.Unlock()
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
