package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Copy copies a snapshot to another vault, under another name and claim. Where both are in
// S3 the bytes stay there; otherwise they come through here and are compared with the
// manifest. Where the other vault compresses or encrypts and the files are plain, they are
// written anew. Nothing is seen of it before it is whole; if there is a snapshot of that
// name already, the error is a ConflictError with its manifest.
func Copy(ctx context.Context, from *Vault, id ID, to *Vault, as ID, claim dr.Claim) (Manifest, error) {
	m, err := from.Get(ctx, id)
	if err != nil {
		return m, err
	}
	if m.Leaving {
		return m, from.fail("copy snapshot", id.folder(), fmt.Errorf("%w: it is being deleted", ErrConflict))
	}
	d, err := to.Begin(ctx, as, claim)
	if err != nil {
		return m, err
	}
	out, err := d.copyAll(ctx, from, m)
	if err != nil {
		return m, also(err, d.Discard(ctx))
	}
	return out, nil
}

// copyAll copies all parts, two at a time, and publishes.
func (d *Draft) copyAll(ctx context.Context, from *Vault, m Manifest) (Manifest, error) {
	out := m
	out.Parts = make([]Part, len(m.Parts))
	g, copying := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i, p := range m.Parts {
		g.Go(func() error {
			stored, err := d.copyPart(copying, from, m, p)
			out.Parts[i] = p
			out.Parts[i].Stored = stored
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return out, err
	}
	out.Copied, out.CopyOf = time.Now().UTC(), from.String()+"/"+m.ID().folder()
	return d.Publish(ctx, out)
}

// copyPart copies one file, the shortest way.
func (d *Draft) copyPart(ctx context.Context, from *Vault, m Manifest, p Part) (Stored, error) {
	if p.Encryption == "" && (len(d.v.recipients) > 0 || d.v.level != 0 && p.Compression == "") {
		r, err := from.OpenPart(ctx, m, p.Name)
		if err != nil {
			return Stored{}, err
		}
		w, err := d.NewPart(ctx, p.Name)
		if err != nil {
			return Stored{}, errors.Join(err, r.Close())
		}
		return pump(w, r) //nolint:contextcheck // A part has the context that it began with.
	}
	file := p.Stored
	file.File = partName(p.Name, d.mark.Nonce, p.Compression != "", p.Encryption != "")
	d.begin(file.File)
	done, err := d.v.bucket.take(ctx, from.bucket, m.ID().folder()+p.File, p.Bytes, d.id.folder()+file.File)
	if err != nil {
		return Stored{}, d.v.fail("copy", d.id.folder()+file.File, err)
	}
	if done {
		d.keep(file)
		return file, nil
	}
	w, err := d.rawPart(ctx, p.Name, p.Compression != "", p.Encryption != "")
	if err != nil {
		return Stored{}, err
	}
	if _, err := pump(w, from.openStored(ctx, m, p)); err != nil { //nolint:contextcheck // A part has the context that it began with.
		return Stored{}, err
	}
	d.keep(file) // What was copied is what it was compared with.
	return file, nil
}

// pump writes what is read into a part.
func pump(w *PartWriter, r io.ReadCloser) (Stored, error) {
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, r, make([]byte, 256<<10))
	if err = errors.Join(err, r.Close()); err != nil {
		return Stored{}, errors.Join(err, w.Abort())
	}
	return w.Commit()
}
