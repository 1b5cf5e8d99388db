package vault

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Swept is what a sweep took away.
type Swept struct {
	// Drafts are snapshots that never became whole, Uploads what was on the way, Files
	// what had arrived, and Bytes how much that was.
	Drafts, Uploads, Files int
	Bytes                  int64
	// Deleted are snapshots whose deleting had been cut short.
	Deleted []dr.Claim
}

// draft is what a writer left behind.
type draft struct {
	nonce, folder string
	mark          object
	files         []object
	uploads       []leftover
}

// Sweep takes away what runs left behind that were cut short, in the name of one owner:
// drafts whose mark was not renewed for a time, and snapshots whose deleting ended halfway.
// A writer renews its mark every Beat, so the time must be well above that, and is taken to
// be three times as much at least. Files that bear no mark of ours stay.
func (v *Vault) Sweep(ctx context.Context, owner string, olderThan time.Duration) (Swept, error) {
	var swept Swept
	before := time.Now().Add(-max(olderThan, 3*v.beat))
	folders, err := v.folders(ctx, "")
	if err != nil {
		return swept, v.fail("sweep", "", err)
	}
	left, err := v.bucket.leftovers(ctx)
	if err != nil {
		return swept, v.fail("sweep", "", err)
	}
	var failed []error
	all, stray := drafts(folders, left)
	for _, d := range all {
		failed = append(failed, v.sweepDraft(ctx, owner, d, before, &swept))
	}
	for _, l := range stray {
		if l.touched.Before(before) {
			failed = append(failed, l.drop(ctx))
			swept.Uploads++
		}
	}
	failed = append(failed, v.sweepLeaving(ctx, owner, folders, before, &swept))
	if err := errors.Join(failed...); err != nil {
		return swept, v.fail("sweep", "", err)
	}
	return swept, nil
}

// drafts gathers what there is by whose it is: for files only a mark says so. What is on
// the way without one is stray. It is nobody's: a mark is there before, and is taken away
// after. A call that began an upload and was made again, since its answer got lost, leaves
// one.
func drafts(folders map[string]*folder, left []leftover) (all []*draft, stray []leftover) {
	by := map[string]*draft{}
	for name, f := range folders {
		for file, o := range f.files {
			if !markForm.MatchString(file) {
				continue
			}
			nonce, _ := nonceOf(file)
			by[nonce] = &draft{nonce: nonce, folder: name, mark: o}
		}
	}
	for name, f := range folders {
		for file, o := range f.files {
			nonce, _ := nonceOf(file)
			if d := by[nonce]; d != nil && d.folder == name && partForm.MatchString(file) {
				d.files = append(d.files, o)
			}
		}
	}
	for _, l := range left {
		if d := by[l.nonce]; d != nil {
			d.uploads = append(d.uploads, l)
		} else {
			stray = append(stray, l)
		}
	}
	for _, d := range by {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *draft) int { return cmp.Compare(a.mark.key, b.mark.key) })
	return all, stray
}

// sweepDraft takes away one draft, or, of what was published, just the mark. It counts as
// abandoned by the clock of the vault and by that of who wrote the mark.
func (v *Vault) sweepDraft(ctx context.Context, owner string, d *draft, before time.Time, swept *Swept) error {
	if !d.mark.time.Before(before) {
		return nil
	}
	m, version, ours, err := v.readMark(ctx, d.mark.key)
	if err != nil || !ours || m.Owner != owner || !m.Renewed.Before(before) {
		return err
	}
	kept, err := v.published(ctx, m)
	if err != nil {
		return err
	}
	d.files = slices.DeleteFunc(d.files, func(o object) bool { return kept[o.key] })
	m.State = leaving
	if _, err := v.putMark(ctx, &m, version); errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return nil // Somebody is there after all.
	} else if err != nil {
		return err
	}
	for _, u := range d.uploads {
		if err := u.drop(ctx); err != nil {
			return err
		}
		swept.Uploads++
	}
	var keys []string
	for _, o := range d.files {
		keys = append(keys, o.key)
		swept.Files++
		swept.Bytes += o.size
	}
	if err := v.bucket.remove(ctx, keys...); err != nil {
		return err
	}
	if len(kept) == 0 || len(keys) > 0 {
		swept.Drafts++
	}
	return v.bucket.remove(ctx, d.mark.key)
}

// published gives the keys that a snapshot names which a draft has become. A manifest that
// cannot be read might be its.
func (v *Vault) published(ctx context.Context, m mark) (map[string]bool, error) {
	id := ID{m.Resource, m.Name}
	there, _, err := v.manifest(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, errNotOurs):
		return nil, nil
	case err != nil:
		return nil, err
	}
	kept := map[string]bool{}
	for _, p := range there.Parts {
		kept[id.folder()+p.File] = true
	}
	return kept, nil
}

// sweepLeaving ends deletes that were cut short.
func (v *Vault) sweepLeaving(ctx context.Context, owner string, folders map[string]*folder, before time.Time, swept *Swept) error {
	var failed []error
	for name, f := range folders {
		if f.manifest.key == "" || !f.manifest.time.Before(before) {
			continue
		}
		s, err := v.see(ctx, name, f)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if c := s.Manifest.Claim; s.Manifest.Leaving && c.Owner == owner {
			if err := v.remove(ctx, s.Manifest.ID(), c); err != nil && !errors.Is(err, ErrNotFound) {
				failed = append(failed, err)
				continue
			}
			swept.Deleted = append(swept.Deleted, c)
		}
	}
	return errors.Join(failed...)
}
