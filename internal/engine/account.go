package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Account looks at what an account has besides its stores. What it may not look at
// it leaves out or says so.
type Account interface {
	// Keys looks at the KMS keys of these names at a site.
	Keys(ctx context.Context, site dr.Site, names []string) map[dr.KeyRef]dr.Key
	// Quotas gives what the account may have of the wanted kinds at a site.
	Quotas(ctx context.Context, now time.Time, site dr.Site, wanted func(dr.Kind) bool) map[dr.Scope]dr.Quota
}

// lookAtKeys looks at every key that a recovery point of ours or a site depends on.
func (e *Engine) lookAtKeys(ctx context.Context, inv *dr.Inventory) {
	if e.Account == nil {
		return
	}
	var mu sync.Mutex
	var g errgroup.Group
	for site, names := range e.keysInUse(*inv) {
		g.Go(func() error {
			keys := e.Account.Keys(ctx, site, names)
			mu.Lock()
			defer mu.Unlock()
			inv.Add(dr.Inventory{Keys: keys})
			return nil
		})
	}
	_ = g.Wait() // What could not be looked at says so.
}

// copied reports whether a policy copies what is taken of a resource.
func (e *Engine) copied(r *dr.Resource) bool {
	for _, p := range e.File.Policies {
		if len(p.Copies) > 0 && p.Match.Matches(*r) {
			return true
		}
	}
	p, ok, err := e.File.Stated(*r)
	return ok && err == nil && len(p.Copies) > 0
}

func (e *Engine) keysInUse(inv dr.Inventory) map[dr.Site][]string {
	set := map[dr.KeyRef]bool{}
	for i := range inv.Snapshots {
		if s := &inv.Snapshots[i]; s.Key != "" && s.Claim.Owner == e.File.Namespace {
			set[dr.KeyRef{Site: s.Ref.Site, Name: s.Key}] = true
		}
	}
	for i := range inv.Resources {
		if r := &inv.Resources[i]; r.Key != "" && e.copied(r) {
			set[dr.KeyRef{Site: r.Ref.Site, Name: r.Key}] = true
		}
	}
	for _, site := range inv.Sites {
		if known, ok := e.File.Site(site.Name); ok && known.Key != "" {
			set[dr.KeyRef{Site: site, Name: known.Key}] = true
		}
	}
	out := map[dr.Site][]string{}
	for ref := range maps.Keys(set) {
		out[ref.Site] = append(out[ref.Site], ref.Name)
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}
