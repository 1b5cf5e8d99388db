package rdsapi

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Observe reads resources and snapshots side by side: complete, or an error.
func Observe(
	ctx context.Context,
	resources func(context.Context) ([]dr.Resource, error), snapshots func(context.Context) ([]dr.Snapshot, error),
) (dr.Inventory, error) {
	var inv dr.Inventory
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		inv.Resources, err = resources(ctx)
		return err
	})
	g.Go(func() (err error) {
		inv.Snapshots, err = snapshots(ctx)
		return err
	})
	if err := g.Wait(); err != nil {
		return dr.Inventory{}, err
	}
	return inv, nil
}
