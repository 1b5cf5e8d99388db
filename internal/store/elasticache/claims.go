package elasticache

import (
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// claim finds out the claims of snapshots with as few look-ups as can be.
func (v *visit) claim(ctx context.Context, all []dr.Snapshot, tags index) error {
	var unknown []*dr.Snapshot
	for i := range all {
		s := &all[i]
		if _, ours := parseName(s.Ref.ID); ours && !v.recall(s, tags) {
			unknown = append(unknown, s)
		}
		date(s)
	}
	defer v.memory.tidy()
	return each(ctx, len(unknown), func(ctx context.Context, i int) error {
		s := unknown[i]
		tags, err := v.readTags(ctx, s.ARN)
		switch fault := classify(err); {
		case err == nil:
			adopt(s, tags)
		case fault == store.NotFound, fault == store.Busy:
			// It went away or cannot be read meanwhile: what is remembered stands.
		default:
			return fmt.Errorf("read the tags of snapshot %s: %w", s.Ref.ID, err)
		}
		return nil
	})
}

// recall gives a snapshot the claim that is known without a look-up, and reports
// whether that is good enough. What this process read or wrote just now is newer
// than what the index shows.
func (v *visit) recall(s *dr.Snapshot, tags index) bool {
	settled := s.State == dr.Good || s.State == dr.Failed // Else its tags cannot be read.
	r, known := v.memory.get(s.ARN)
	if shown, ok := tags.of(s.ARN); ok && (!known || !r.newer()) {
		adopt(s, shown)
		return true
	}
	if known {
		adopt(s, r.tags)
		again := r.unsure || s.Claim.Keep && stale(r.read, holdLasts)
		return !again || !settled
	}
	if c, ok := v.known.presumed(s); ok {
		s.Claim = c
		return true
	}
	return !settled
}

// confirm reads the tags of snapshots now, but of those that it has just read: the
// plan and the last look before its deletes ask for the same ones.
func (v *visit) confirm(ctx context.Context, these []dr.Snapshot) ([]dr.Snapshot, error) {
	out := slices.Clone(these)
	gone := make([]bool, len(out))
	err := each(ctx, len(out), func(ctx context.Context, i int) error {
		s := &out[i]
		if asFile(s) {
			var err error
			gone[i], err = v.confirmFile(ctx, s)
			return err
		}
		if r, ok := v.memory.get(s.ARN); ok && !r.unsure && !stale(r.read, confirmed) {
			adopt(s, r.tags)
			return nil
		}
		tags, err := v.readTags(ctx, s.ARN)
		switch fault := classify(err); {
		case err == nil:
			adopt(s, tags)
		case fault == store.NotFound:
			gone[i] = true
		case fault == store.Busy:
			s.Claim, s.Flaw = dr.Claim{}, "its tags cannot be read now: "+store.Brief(err)
		default:
			return fmt.Errorf("read the tags of snapshot %s: %w", s.Ref.ID, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	left := out[:0]
	for i, s := range out {
		if !gone[i] {
			left = append(left, s)
		}
	}
	return left, nil
}
