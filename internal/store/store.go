// Package store is what holdfast asks of every kind of data store. A Driver is
// one folder below this one; a Store wraps a driver with what all have in
// common: errors that say what was being done to what and what to do about it,
// and nothing counted as seen unless it was seen whole.
package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// Driver is what one kind of data store has to offer. Drivers hold no state that
// a decision depends on, and may be used from several goroutines at once.
type Driver interface {
	// Kind names the kind.
	Kind() dr.Kind
	// Observe reads all resources and snapshots of the kind at a site: complete,
	// or an error. Where what was seen is enough to take snapshots by, it may be
	// given with a gap that says what was not seen; then nothing is deleted there.
	Observe(ctx context.Context, site dr.Site) (dr.Inventory, error)
	// Snapshots reads only the snapshots, page by page: complete, or an error.
	Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error)
	// Apply does an action once, however often it is called. To delete what is
	// not there is a success; to create what is there is one if its claim is the
	// action's, and Conflict otherwise. A delete with Members is of these, which
	// the caller has just seen; one without is looked for by its name.
	Apply(ctx context.Context, a plan.Action) (dr.Ref, error)
	// Grants tries, without changing anything, whether the caller may do what the
	// driver needs at a site.
	Grants(ctx context.Context, site dr.Site) []Grant
	// Classify sorts an error of the driver.
	Classify(err error) Fault
}

// Confirmer is a Driver whose service lists snapshots without their tags. It
// presumes a claim from what the listing shows, and reads the tags of just those
// snapshots that something depends on.
type Confirmer interface {
	// Confirm gives the snapshots with what their tags say now; one that is gone
	// is left out.
	Confirm(ctx context.Context, site dr.Site, snaps []dr.Snapshot) ([]dr.Snapshot, error)
}

// Grant is one permission that a driver needs, and what came of trying it: nil
// when it is there.
type Grant struct {
	// Permission as IAM names it, such as "rds:CreateDBSnapshot".
	Permission string
	// Needed says what for.
	Needed string
	// Copies marks what is needed only where policies copy.
	Copies bool
	// Restores marks what is needed only for restores, and to delete what one replaced.
	Restores bool
	Err      error
}

// Sessions gives a driver its way to a site.
type Sessions interface {
	// Config gives the configuration of an SDK client for the site: Region,
	// credentials, retries and pacing.
	Config(ctx context.Context, site dr.Site) (aws.Config, error)
}

// Store wraps a driver.
type Store struct{ drv Driver }

// New wraps a driver.
func New(d Driver) *Store { return &Store{d} }

// Kind names the kind of store.
func (s *Store) Kind() dr.Kind { return s.drv.Kind() }

// Observe reads what is at a site. Where that fails, the inventory holds nothing
// but the gap.
func (s *Store) Observe(ctx context.Context, site dr.Site) dr.Inventory {
	doing := fmt.Sprintf("read %s at %s", s.Kind(), site)
	inv, err := s.drv.Observe(ctx, site)
	if err != nil {
		return dr.Inventory{Gaps: map[dr.Scope]error{{Kind: s.Kind(), Site: site}: s.wrap(doing, err)}}
	}
	for scope, gap := range inv.Gaps {
		inv.Gaps[scope] = s.wrap(doing, gap)
	}
	return inv
}

// Snapshots reads the snapshots at a site anew, as the last look before deletes.
func (s *Store) Snapshots(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	snaps, err := s.drv.Snapshots(ctx, site)
	if err != nil {
		return nil, s.wrap(fmt.Sprintf("read %s snapshots at %s again before deleting any", s.Kind(), site), err)
	}
	return snaps, nil
}

// Presumes reports whether listings lack tags, so that Confirm has to be asked
// before anything is deleted.
func (s *Store) Presumes() bool {
	_, ok := s.drv.(Confirmer)
	return ok
}

// Confirm gives snapshots with what their tags say now, where listings lack them;
// otherwise as they are.
func (s *Store) Confirm(ctx context.Context, site dr.Site, snaps []dr.Snapshot) ([]dr.Snapshot, error) {
	c, ok := s.drv.(Confirmer)
	if !ok || len(snaps) == 0 {
		return snaps, nil
	}
	sure, err := c.Confirm(ctx, site, snaps)
	if err != nil {
		return nil, s.wrap(fmt.Sprintf("read the tags of %d %s snapshots at %s before deleting them", len(snaps), s.Kind(), site), err)
	}
	return sure, nil
}

// Apply does one action.
func (s *Store) Apply(ctx context.Context, a plan.Action) (dr.Ref, error) {
	ref, err := s.drv.Apply(ctx, a)
	return s.outcome(a, ref, err)
}

// outcome gives what a driver gave for an action, or an error that says what it was
// about.
func (s *Store) outcome(a plan.Action, ref dr.Ref, err error) (dr.Ref, error) {
	if err != nil {
		return dr.Ref{}, s.wrap(doing(a), err)
	}
	return ref, nil
}

func doing(a plan.Action) string {
	switch a.Verb {
	case plan.Promote:
		return fmt.Sprintf("keep automated snapshot %s as %s at %s", a.From.ID, a.Name, a.To)
	case plan.Copy:
		return fmt.Sprintf("copy %s snapshot %s of %s to %s as %s", a.From.Kind, a.From.ID, a.From.Site, a.To, a.Name)
	case plan.Share:
		return fmt.Sprintf("share %s snapshot %s at %s with account %s", a.From.Kind, a.From.ID, a.From.Site, a.With)
	case plan.Withdraw:
		return fmt.Sprintf("take back the share of %s snapshot %s at %s with account %s", a.From.Kind, a.From.ID, a.From.Site, a.With)
	case plan.Configure:
		return fmt.Sprintf("have snapshots of %s %s at %s copied to %s", a.From.Kind, a.From.ID, a.From.Site, a.To)
	case plan.Create:
		return fmt.Sprintf("take snapshot %s of %s %s at %s", a.Name, a.From.Kind, a.From.ID, a.To)
	case plan.Retire:
		return fmt.Sprintf("delete %s %s at %s, which a restore replaced", a.From.Kind, a.From.ID, a.From.Site)
	case plan.Delete, plan.Adopt, plan.Hold, plan.Release:
		return fmt.Sprintf("%s %s snapshot %s at %s", a.Verb, a.From.Kind, a.Name, a.From.Site)
	}
	return fmt.Sprintf("%s %s", a.Verb, a.Name)
}

// Grants tries what permissions there are at a site.
func (s *Store) Grants(ctx context.Context, site dr.Site) []Grant {
	grants := s.drv.Grants(ctx, site)
	for i, g := range grants {
		if g.Err != nil {
			grants[i].Err = s.wrap(fmt.Sprintf("try %s at %s", g.Permission, site), g.Err)
		}
	}
	return grants
}

func (s *Store) wrap(what string, err error) error {
	fault := s.drv.Classify(err)
	remedy := Remedy(err) // A driver may know better than what its sort of error says.
	if remedy == "" {
		remedy = fault.Remedy()
	}
	return &Error{Doing: what, Fault: fault, Remedy: remedy, Err: err}
}
