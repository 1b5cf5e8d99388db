package store

import (
	"context"
	"fmt"
	"io"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Reader is a Driver whose snapshots are files that can be read.
type Reader interface {
	// Files gives those of a snapshot. Nothing is read of them yet.
	Files(ctx context.Context, s dr.Snapshot) ([]File, error)
}

// File is one of a snapshot, and what was written down of it when it was taken.
type File struct {
	Name string
	// Bytes is how long it is as Open gives it.
	Bytes int64
	// Open reads it as the server gave it. Its end comes without an error only if it is what
	// was written.
	Open func(context.Context) (io.ReadCloser, error)
	// Keys is how many it has; CRC64 its checksum and Digest that of the data, as text. What
	// is not known is zero.
	Keys          uint64
	CRC64, Digest string
}

// Reads reports whether snapshots of the kind are files that can be read.
func (s *Store) Reads() bool {
	_, ok := s.drv.(Reader)
	return ok
}

// Look reads the snapshots at a site, to find one of them. Where that fails, the inventory
// holds nothing but the gap.
func (s *Store) Look(ctx context.Context, site dr.Site) dr.Inventory {
	snaps, err := s.drv.Snapshots(ctx, site)
	if err != nil {
		return dr.Inventory{Gaps: map[dr.Scope]error{
			{Kind: s.Kind(), Site: site}: s.wrap(fmt.Sprintf("read %s snapshots at %s", s.Kind(), site), err),
		}}
	}
	return dr.Inventory{Snapshots: snaps}
}

// Files gives the files of a snapshot.
func (s *Store) Files(ctx context.Context, snap dr.Snapshot) ([]File, error) {
	doing := fmt.Sprintf("read snapshot %s at %s", snap.Ref.ID, snap.Ref.Site)
	r, ok := s.drv.(Reader)
	if !ok {
		return nil, fmt.Errorf("%s: snapshots of %s are no files", doing, s.Kind())
	}
	files, err := r.Files(ctx, snap)
	if err != nil {
		return nil, s.wrap(doing, err)
	}
	return files, nil
}
