package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// errChanged is of a snapshot that is another one than the caller saw.
var errChanged = fmt.Errorf("%w: it is not the snapshot that was seen: its claim is another one", ErrConflict)

// Hold marks a snapshot as held, or lets it go again, if it is the one with this claim.
func (v *Vault) Hold(ctx context.Context, id ID, claim dr.Claim, held bool) error {
	_, err := v.rewrite(ctx, id, claim, func(m *Manifest) error {
		if m.Leaving {
			return fmt.Errorf("%w: it is being deleted", ErrConflict)
		}
		m.Claim.Keep = held
		return nil
	})
	if err != nil {
		return v.fail("hold or release snapshot", id.folder(), err)
	}
	return nil
}

// Reclaim gives a snapshot another claim, if it is the one with this claim. A hold stays
// as it is.
func (v *Vault) Reclaim(ctx context.Context, id ID, from, to dr.Claim) error {
	_, err := v.rewrite(ctx, id, from, func(m *Manifest) error {
		if m.Leaving {
			return fmt.Errorf("%w: it is being deleted", ErrConflict)
		}
		to.Keep = m.Claim.Keep
		m.Claim = to
		return m.check(id.folder())
	})
	if err != nil {
		return v.fail("change the claim of snapshot", id.folder(), err)
	}
	return nil
}

// rewrite changes a manifest, whoever else does.
func (v *Vault) rewrite(ctx context.Context, id ID, claim dr.Claim, change func(*Manifest) error) (Manifest, error) {
	var err error
	for range conditionTries {
		var m Manifest
		var version string
		m, version, err = v.manifest(ctx, id)
		if err != nil {
			return m, err
		}
		if !m.Claim.Is(claim) {
			return m, errChanged
		}
		if err := change(&m); err != nil {
			return m, err
		}
		body, failed := m.encode()
		if failed != nil {
			return m, failed
		}
		_, err = v.bucket.put(ctx, id.folder()+manifestName, body, version)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return m, err
		}
	}
	return Manifest{}, err
}

// Delete deletes a snapshot, if it is the one with this claim and nobody holds it. That
// there is none is a success. From the first step on it counts for nothing, and its
// manifest goes last: what is left if this is cut short is found by it, and deleted by a
// sweep or the next Delete.
func (v *Vault) Delete(ctx context.Context, id ID, claim dr.Claim) error {
	err := v.remove(ctx, id, claim)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return v.fail("delete snapshot", id.folder(), err)
	}
	return nil
}

func (v *Vault) remove(ctx context.Context, id ID, claim dr.Claim) error {
	m, err := v.rewrite(ctx, id, claim, func(m *Manifest) error {
		if m.Claim.Keep && !m.Leaving {
			return fmt.Errorf("a person holds it: %w", ErrHeld)
		}
		m.Leaving = true
		return nil
	})
	if err != nil {
		return err
	}
	var files []string
	for _, p := range m.Parts {
		files = append(files, id.folder()+p.File)
	}
	if err := v.bucket.remove(ctx, files...); err != nil {
		return err
	}
	return v.bucket.remove(ctx, id.folder()+manifestName)
}
