package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// remove deletes a snapshot, if it is the one that was seen. Its files are named after who
// wrote them, so another one under its name has others.
func (v *visit) remove(ctx context.Context, a plan.Action) error {
	if len(a.Members) > 0 {
		m, err := v.vault.Get(ctx, v.id(a))
		switch {
		case errors.Is(err, vault.ErrNotFound):
			return nil
		case err != nil:
			return err
		case !slices.EqualFunc(m.Parts, a.Members, func(p vault.Part, file string) bool { return p.File == file }):
			return &store.Error{
				Doing: "delete it", Fault: store.Conflict,
				Err: errors.New("another one has its name by now"), Remedy: "the next run looks at it anew",
			}
		}
	}
	return v.vault.Delete(ctx, v.id(a), a.Claim)
}

// copyHere copies a snapshot from another vault. All of it is compared with its manifest
// on the way, and nothing is seen before it is whole.
func (v *visit) copyHere(ctx context.Context, a plan.Action) error {
	from, err := v.visit(ctx, a.From.Site)
	if err != nil {
		return fmt.Errorf("reach what is to be copied: %w", err)
	}
	v.depot.sweep(ctx, a.Claim.Owner)
	source := vault.ID{Resource: resourceOf(a.Claim), Name: a.From.ID}
	_, err = vault.Copy(ctx, from.vault, source, v.vault, v.id(a), a.Claim)
	return there(err, a)
}
