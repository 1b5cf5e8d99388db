package vault

import (
	"io"
	"os"
	"testing"
)

// shm is a directory in memory, so that what is measured is holdfast and not the disk.
func shm(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "holdfast-bench-") //nolint:usetesting // That of a test is on a disk.
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// BenchmarkWrite takes in 256 MiB. Half of a chunk is noise, as in RDB files, in which
// long strings are compressed already.
func BenchmarkWrite(b *testing.B) {
	const size, step = 256 * mib, 256 << 10
	chunk := noise(step)
	for i := range chunk {
		if i/512%2 == 0 {
			chunk[i] = byte(i >> 4)
		}
	}
	for name, o := range map[string]Options{"plain": {}, "zstd": {Compress: true}} {
		b.Run(name, func(b *testing.B) {
			v := at(b, shm(b))(o)
			b.SetBytes(size)
			for b.Loop() {
				d := begin(b, v, orders, claimOf("orders"))
				w, err := d.NewPart(b.Context(), "a")
				ok(b, err)
				for range size / step {
					_, err := w.Write(chunk)
					ok(b, err)
				}
				_, err = w.Commit()
				ok(b, err)
				ok(b, d.Discard(b.Context()))
			}
		})
	}
}

// BenchmarkRead reads and compares 256 MiB.
func BenchmarkRead(b *testing.B) {
	v := at(b, shm(b))(Options{})
	m := publish(b, v, orders, map[string][]byte{"a": noise(256 * mib)})
	b.SetBytes(256 * mib)
	buf := make([]byte, mib)
	for b.Loop() {
		r, err := v.OpenPart(b.Context(), m, "a")
		ok(b, err)
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf)
		ok(b, err)
		ok(b, r.Close())
	}
}
