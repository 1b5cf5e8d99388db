package redis

import (
	"context"
	"io"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

var _ store.Reader = (*Driver)(nil)

// Files gives the files of a snapshot, one for each shard.
func (d *Driver) Files(ctx context.Context, s dr.Snapshot) ([]store.File, error) {
	v, err := d.visit(ctx, s.Ref.Site)
	if err != nil {
		return nil, err
	}
	m, err := v.vault.Get(ctx, vault.ID{Resource: s.Of.ID, Name: s.Ref.ID})
	if err != nil {
		return nil, explained(err)
	}
	var files []store.File
	for _, p := range m.Parts {
		f := store.File{
			Name: p.Name, Bytes: p.Plain.Bytes, Keys: p.Keys, CRC64: p.CRC64, Digest: p.Digest,
			Open: func(ctx context.Context) (io.ReadCloser, error) {
				r, err := v.vault.OpenPart(ctx, m, p.Name)
				if err != nil {
					return nil, explained(err)
				}
				return r, nil
			},
		}
		if p.Compression == "" && p.Encryption == "" {
			f.Bytes = p.Bytes
		}
		files = append(files, f)
	}
	return files, nil
}
