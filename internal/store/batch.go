package store

import (
	"context"
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// Batcher is a Driver whose service cannot tell that two calls are one, so that it
// has to look before it makes anything. It looks once for many actions.
type Batcher interface {
	// Begin looks for all that the creates among the actions are about, at one site,
	// and gives the way to do each of them: as Apply does, but on this look. An
	// action of which the look is too old, or whose answer was lost, is looked for
	// by itself.
	Begin(ctx context.Context, site dr.Site, actions []plan.Action) (Doer, error)
}

// Doer does an action once, however often it is called, as Driver.Apply does.
type Doer func(ctx context.Context, a plan.Action) (dr.Ref, error)

// Batches reports whether the driver looks once for many actions, so that they are
// to be begun together.
func (s *Store) Batches() bool {
	_, ok := s.drv.(Batcher)
	return ok
}

// Begin gives the way to do each of some actions at a site. Where what they have
// in common fails, each of them fails with it.
func (s *Store) Begin(ctx context.Context, site dr.Site, actions []plan.Action) Doer {
	b, ok := s.drv.(Batcher)
	if !ok || len(actions) == 0 {
		return s.Apply
	}
	do, err := b.Begin(ctx, site, actions)
	if err != nil {
		err = fmt.Errorf("look what is there before taking %d: %w", len(actions), err)
		do = func(context.Context, plan.Action) (dr.Ref, error) { return dr.Ref{}, err }
	}
	return func(ctx context.Context, a plan.Action) (dr.Ref, error) {
		ref, err := do(ctx, a)
		return s.outcome(a, ref, err)
	}
}
