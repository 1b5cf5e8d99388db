package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// rdbSource is an RDB file that can be read once, from its beginning to its end.
type rdbSource struct {
	// name is what people call it.
	name string
	// size is 0 where it is not known.
	size int64
	open func(context.Context) (io.ReadCloser, error)
	// against holds what was found against what was written down when the file was
	// written. It is nil where nothing was.
	against func(rdb.Report) error
}

// rdbSources finds what an argument names: standard input, a file, or a snapshot, which
// may have several files.
func (g *globals) rdbSources(ctx context.Context, arg, site string) ([]rdbSource, error) {
	if arg == "-" {
		return []rdbSource{{name: "standard input", open: func(ctx context.Context) (io.ReadCloser, error) {
			return stoppable(ctx, g.in), nil
		}}}, nil
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return nil, usagef("%s is a directory: name a file in it", arg)
	case err == nil:
		return []rdbSource{fileSource(arg, info)}, nil
	case errors.Is(err, fs.ErrNotExist) && !looksLikeFile(arg):
		return g.snapshotSources(ctx, arg, site)
	}
	return nil, usagef("look at the file %s: %w", arg, bareOf(err))
}

// looksLikeFile reports whether a name that is not there was meant as one of a file.
func looksLikeFile(arg string) bool {
	return strings.ContainsRune(arg, os.PathSeparator) || strings.HasSuffix(arg, ".rdb")
}

// bareOf gives the cause without the path, which has been said.
func bareOf(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func fileSource(name string, info fs.FileInfo) rdbSource {
	size := int64(0)
	if info.Mode().IsRegular() {
		size = info.Size()
	}
	return rdbSource{name: name, size: size, open: func(context.Context) (io.ReadCloser, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open the file: %w", bareOf(err))
		}
		return f, nil
	}}
}

// snapshotSources finds the files of a snapshot, at the sites where snapshots are files.
func (g *globals) snapshotSources(ctx context.Context, name, site string) ([]rdbSource, error) {
	a, err := g.open()
	if err != nil {
		return nil, usagef("there is no file %s, and to look for a snapshot: %w", name, err)
	}
	if err := a.knownSite(site); err != nil {
		return nil, err
	}
	inv := dr.Inventory{Gaps: map[dr.Scope]error{}}
	of := map[dr.Kind]*store.Store{}
	for _, s := range a.engine.Stores {
		if !s.Reads() {
			continue
		}
		of[s.Kind()] = s
		for _, at := range a.file.Sites {
			if s.Lives(at.Site) {
				seen := s.Look(ctx, at.Site)
				inv.Snapshots = append(inv.Snapshots, seen.Snapshots...)
				maps.Copy(inv.Gaps, seen.Gaps)
			}
		}
	}
	snap, err := findSnapshot(inv, name, site)
	if err != nil {
		return nil, fmt.Errorf("there is no file %s, and %w", name, err)
	}
	files, err := of[snap.Ref.Kind].Files(ctx, snap)
	if err != nil {
		return nil, err
	}
	var sources []rdbSource
	for _, f := range files {
		sources = append(sources, snapshotSource(snap, f, len(files) > 1))
	}
	return sources, nil
}

func snapshotSource(s dr.Snapshot, f store.File, several bool) rdbSource {
	src := rdbSource{name: s.Ref.ID, size: f.Bytes, open: f.Open, against: func(r rdb.Report) error { return against(f, r) }}
	if several {
		src.name += ", " + f.Name
	}
	return src
}

// against compares what was found in a file with what was written down of it.
func against(f store.File, r rdb.Report) error {
	sum := fmt.Sprintf("%016x", r.Sum)
	switch {
	case f.Keys != r.Keys:
		return &mismatchError{"the number of keys", fmt.Sprint(f.Keys), fmt.Sprint(r.Keys)}
	case f.CRC64 != "" && f.CRC64 != sum:
		return &mismatchError{"the checksum", f.CRC64, sum}
	case r.Level == rdb.Deep && strings.HasPrefix(f.Digest, rdb.DigestVersion+":") && f.Digest != r.Digest.String():
		return &mismatchError{"the digest", f.Digest, r.Digest.String()}
	}
	return nil
}

// stoppable lets a reader be left in the middle of a Read, as one from a terminal or a
// pipe may wait for ever. What was left goes on waiting until the program ends.
func stoppable(ctx context.Context, from io.Reader) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{from}, make([]byte, 256<<10))
		_ = w.CloseWithError(err) // It never fails.
	}()
	context.AfterFunc(ctx, func() { _ = r.CloseWithError(ctx.Err()) })
	return r
}

// proven is one file that was read.
type proven struct {
	source rdbSource
	report rdb.Report
	err    error
}

// read reads one source as closely as is asked for, and shows how far it has come.
func (g *globals) read(ctx context.Context, src rdbSource, o rdb.Options) *proven {
	from, err := src.open(ctx)
	if err != nil {
		return &proven{src, rdb.Report{Level: o.Level}, err}
	}
	defer from.Close()
	defer frugal()()
	p := g.newReading(src)
	o.Progress = p.watch
	r, err := rdb.Verify(ctx, from, o)
	p.end()
	if err == nil && src.against != nil {
		err = src.against(r)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("stopped after %s of it: %w", sizeOf(r.Bytes), ctx.Err())
	}
	return &proven{src, r, err}
}

// readingMemory is above what the reading of any file needs, and below what the heap would
// grow to before the garbage collector comes by itself.
const readingMemory = 36 << 20

// frugal has the garbage collector come early, until the function that it gives is called.
func frugal() (end func()) {
	was := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(was, readingMemory))
	return func() { debug.SetMemoryLimit(was) }
}

// damaged reports whether it was the file that was wrong, and not the reading of it.
func (p *proven) damaged() bool {
	format, isFormat := errors.AsType[*rdb.FormatError](p.err)
	_, isChecksum := errors.AsType[*rdb.ChecksumError](p.err)
	_, isOther := errors.AsType[*mismatchError](p.err)
	isOther = isOther || errors.Is(p.err, vault.ErrCorrupt)
	return isFormat && (format.Err == nil || errors.Is(format.Err, io.ErrUnexpectedEOF)) || isChecksum || isOther
}

// mismatchError is a file that is sound, and another one than was written.
type mismatchError struct{ what, want, got string }

func (e *mismatchError) Error() string {
	return fmt.Sprintf("%s is %s, and %s was written down when it was taken: it is not the file that was taken", e.what, e.got, e.want)
}

// levelOf reads the name of a level.
func levelOf(name string, from rdb.Level) (rdb.Level, error) {
	var names []string
	for l := from; l <= rdb.Deep; l++ {
		if l.String() == name {
			return l, nil
		}
		names = append(names, l.String())
	}
	return 0, usagef("--level %q: want %s", name, strings.Join(names, ", "))
}

// writtenBy says what wrote a file, by its header and what it says of itself.
func writtenBy(r rdb.Report) string {
	if r.Header.Version == 0 {
		return "not known"
	}
	server := map[rdb.Line]string{rdb.Redis: "Redis", rdb.Valkey: "Valkey"}[r.Header.Line]
	for _, a := range r.Aux {
		if a.Name == "redis-ver" || a.Name == "valkey-ver" {
			server = cmp.Or(server, a.Name) + " " + a.Value
		}
	}
	return fmt.Sprintf("%s, by %s", r.Header, server)
}
