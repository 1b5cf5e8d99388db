package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// RestoreWish is what a person asks for.
type RestoreWish struct {
	// Resource is what people call the source, or its identifier.
	Resource string
	// From chooses the recovery point: "latest", the name of a snapshot, or a moment
	// (the newest that holds data of that moment or before).
	From string
	// Site is where to restore; empty where only one site has a recovery point.
	Site string
	// As is the name of the new one; empty: in place.
	As string
	// KeepOld and RenameFirst are as in store.Restore.
	KeepOld     time.Duration
	RenameFirst bool
}

// Restoring is a restore that was planned or found.
type Restoring struct {
	store.Restoration
	Request store.Restore
	Kind    dr.Kind
	Site    dr.Site
}

// errNoRestore: the driver cannot.
var errNoRestore = errors.New("this version of holdfast does not restore stores of this kind")

// PlanRestore finds the recovery point and builds the steps. It changes nothing.
func (e *Engine) PlanRestore(ctx context.Context, inv dr.Inventory, w RestoreWish) (Restoring, error) {
	s, err := recoveryPoint(e.File.Namespace, inv, w)
	if err != nil {
		return Restoring{}, err
	}
	settings, err := s.Claim.Config.Settings()
	if err != nil {
		return Restoring{}, fmt.Errorf("read the captured configuration of snapshot %s: %w", s.Ref.ID, err)
	}
	r := store.Restore{
		From: s, Name: w.As, InPlace: w.As == "", RenameFirst: w.RenameFirst, KeepOld: w.KeepOld,
		Begun: e.Clock.Now().UTC().Truncate(time.Second), Owner: e.File.Namespace, Settings: settings,
	}
	old := resourceOf(inv, s)
	if old != nil {
		r.Tags = plainTags(old.Tags)
	}
	if r.InPlace {
		if old == nil {
			return Restoring{}, fmt.Errorf("%s is not at %s, so nothing can be restored in its place; restore it under a name with --as", w.Resource, s.Ref.Site.Name)
		}
		r.Name = old.Ref.ID
		is, err := old.Config.Settings()
		if err != nil {
			return Restoring{}, fmt.Errorf("read the configuration of %s: %w", old.Ref, err)
		}
		r.Old = is["resource-id"]
	}
	r.ID = restoreID(r)
	return e.restoring(ctx, s.Ref.Kind, s.Ref.Site, r)
}

// restoring builds the steps of a request.
func (e *Engine) restoring(ctx context.Context, k dr.Kind, site dr.Site, r store.Restore) (Restoring, error) {
	restorer, s, err := e.restorer(k)
	if err != nil {
		return Restoring{}, err
	}
	made, err := restorer.Restore(ctx, r)
	if err != nil {
		return Restoring{}, s.Wrap(fmt.Sprintf("plan the restore of %s at %s", r.Name, site), err)
	}
	return Restoring{Restoration: made, Request: r, Kind: k, Site: site}, nil
}

func (e *Engine) restorer(k dr.Kind) (store.Restorer, *store.Store, error) {
	s := e.store(k)
	if s == nil {
		return nil, nil, fmt.Errorf("%s: %w", k, errNoRestore)
	}
	r, ok := s.Restorer()
	if !ok {
		return nil, nil, fmt.Errorf("%s: %w", k, errNoRestore)
	}
	return r, s, nil
}

// Restores finds the restores that are under way at all sites.
func (e *Engine) Restores(ctx context.Context, inv dr.Inventory) ([]Restoring, error) {
	var out []Restoring
	for _, site := range inv.Sites {
		for _, s := range e.Stores {
			r, ok := s.Restorer()
			if !ok {
				continue
			}
			marks, err := r.Marks(ctx, site)
			if err != nil {
				return nil, s.Wrap(fmt.Sprintf("look for restores of %s at %s", s.Kind(), site), err)
			}
			for _, m := range marks {
				found, err := e.found(ctx, inv, s.Kind(), m)
				if err != nil {
					return nil, err
				}
				out = append(out, found)
			}
		}
	}
	return out, nil
}

// found builds the steps of a restore that was found by its mark.
func (e *Engine) found(ctx context.Context, inv dr.Inventory, k dr.Kind, m store.Mark) (Restoring, error) {
	i := slices.IndexFunc(inv.Snapshots, func(s dr.Snapshot) bool {
		return s.Ref == dr.Ref{Kind: k, Site: m.Site, ID: m.Snapshot}
	})
	r := m.Restore
	r.From = dr.Snapshot{Ref: dr.Ref{Kind: k, Site: m.Site, ID: m.Snapshot}}
	if i >= 0 {
		r.From = inv.Snapshots[i]
	}
	settings, err := r.From.Claim.Config.Settings()
	if err != nil {
		return Restoring{}, fmt.Errorf("read the captured configuration of snapshot %s: %w", m.Snapshot, err)
	}
	r.Settings = settings
	if old := resourceOf(inv, r.From); old != nil {
		r.Tags = plainTags(old.Tags)
	}
	return e.restoring(ctx, k, m.Site, r)
}

// RunRestore runs the steps, or resumes them.
func (e *Engine) RunRestore(ctx context.Context, r Restoring, poll time.Duration, watch func(saga.Event)) (saga.Result, error) {
	return e.drive(ctx, r, poll, watch, (*saga.Runner).Run)
}

// AbortRestore takes back what there is of a restore.
func (e *Engine) AbortRestore(ctx context.Context, r Restoring, poll time.Duration, watch func(saga.Event)) (saga.Result, error) {
	return e.drive(ctx, r, poll, watch, (*saga.Runner).Abort)
}

func (e *Engine) drive(ctx context.Context, r Restoring, poll time.Duration, watch func(saga.Event),
	how func(*saga.Runner, context.Context, saga.Saga) saga.Result,
) (saga.Result, error) {
	restorer, s, err := e.restorer(r.Kind)
	if err != nil {
		return saga.Result{}, err
	}
	w, err := restorer.Worker(ctx, r.Site)
	if err != nil {
		return saga.Result{}, s.Wrap(fmt.Sprintf("reach %s", r.Site), err)
	}
	runner := &saga.Runner{Worker: w, Clock: e.Clock, Poll: poll, Watch: watch, Temporary: func(err error) bool {
		switch s.Fault(err) {
		case store.Busy, store.Throttled, store.Unreachable:
			return true
		default:
			return false
		}
	}}
	return how(runner, ctx, r.Saga), nil
}

// recoveryPoint finds the snapshot that a person means.
func recoveryPoint(namespace string, inv dr.Inventory, w RestoreWish) (dr.Snapshot, error) {
	at, byTime := parseMoment(w.From)
	var best *dr.Snapshot
	sites := map[string]bool{}
	for i := range inv.Snapshots {
		s := &inv.Snapshots[i]
		if s.Claim.Stage != "" || w.Site != "" && s.Ref.Site.Name != w.Site {
			continue
		}
		if s.Ref.ID == w.From || s.ARN == w.From {
			return *s, usable(*s, w)
		}
		chosen := byTime || w.From == "" || w.From == "latest"
		if !chosen || s.State != dr.Good || s.Claim.Owner != namespace || !means(inv, *s, w.Resource) || byTime && s.Taken.After(at) {
			continue
		}
		sites[s.Ref.Site.Name] = true
		if best == nil || s.Taken.After(best.Taken) {
			best = s
		}
	}
	switch {
	case best == nil:
		return dr.Snapshot{}, noPoint(inv, w)
	case len(sites) > 1 && w.Site == "" && best.Claim.Origin != "":
		return dr.Snapshot{}, fmt.Errorf("%s has recovery points at several sites: say which with --site", w.Resource)
	}
	return *best, nil
}

// parseMoment reads a moment in UTC.
func parseMoment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04Z", "2006-01-02 15:04", "2006-01-02T15:04Z"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// usable says why the snapshot that a person named cannot be restored from.
func usable(s dr.Snapshot, w RestoreWish) error {
	switch {
	case s.State == dr.Pending:
		return fmt.Errorf("snapshot %s is still being made (%s)", s.Ref.ID, s.Status)
	case s.State != dr.Good:
		return fmt.Errorf("snapshot %s is %s and cannot be restored from", s.Ref.ID, s.Status)
	case w.Resource != "" && s.Of.ID != w.Resource && !strings.HasSuffix(s.Claim.Source, "/"+w.Resource):
		return fmt.Errorf("snapshot %s is of %s, not of %s", s.Ref.ID, s.Of.ID, w.Resource)
	}
	return nil
}

// means reports whether a snapshot is of what a person calls by a name.
func means(inv dr.Inventory, s dr.Snapshot, name string) bool {
	part := strings.Split(s.Claim.Source, "/")
	if s.Of.ID == name || len(part) == 4 && part[3] == name {
		return true
	}
	r := resourceOf(inv, s)
	return r != nil && r.Name == name
}

func noPoint(inv dr.Inventory, w RestoreWish) error {
	err := fmt.Errorf("there is no good snapshot of %s that can be used (--from %s)", w.Resource, w.From)
	for _, gap := range inv.Gaps {
		return errors.Join(err, fmt.Errorf("not every site could be seen: %w", gap))
	}
	return err
}

// resourceOf finds the resource of which a snapshot was taken, at its own site.
func resourceOf(inv dr.Inventory, s dr.Snapshot) *dr.Resource {
	for i := range inv.Resources {
		if r := &inv.Resources[i]; r.Ref.Source() == s.Claim.Source && r.Ref.Site == s.Ref.Site {
			return r
		}
	}
	return nil
}

// plainTags gives the tags of a resource that another may carry too.
func plainTags(t dr.Tags) dr.Tags {
	out := dr.Tags{}
	for k, v := range t {
		if !strings.HasPrefix(k, "aws:") && !strings.HasPrefix(k, "rds:") && !strings.HasPrefix(k, dr.TagRestore) {
			out[k] = v
		}
	}
	return out
}

// restoreID gives a restore a short name of its own, out of what it is and when it
// was asked for.
func restoreID(r store.Restore) string {
	sum := sha256.Sum256([]byte(r.From.Ref.Source() + "\x00" + r.Name + "\x00" + r.Begun.Format(time.RFC3339)))
	return "r" + r.Begun.Format("0102t1504") + "-" + hex.EncodeToString(sum[:2])
}
