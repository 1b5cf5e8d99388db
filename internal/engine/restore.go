package engine

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
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
	// Site is where to restore; empty: where the resource lives.
	Site string
	// Kind tells resources of the same name apart; empty where there is only one.
	Kind dr.Kind
	// Drop names settings to leave out, for what the site does not have.
	Drop []string
	// As is the name of the new one; empty: in place.
	As string
	// KeepOld and RenameFirst are as in store.Restore.
	KeepOld     time.Duration
	RenameFirst bool
	// SkipChecks restores without the checks of the policy.
	SkipChecks bool
	// With is as in store.Restore.
	With map[string]string
}

// Restoring is a restore that was planned or found.
type Restoring struct {
	store.Restoration
	Request store.Restore
	Kind    dr.Kind
	Site    dr.Site
	// Checks are those that the new one has to pass.
	Checks []policy.Check
	// blocked says why it cannot go on, although it can be taken back.
	blocked error
}

// Final is what the new one is called in the end.
func (r *Restoring) Final() string { return cmp.Or(r.Name, r.Request.Name) }

// tell adds what became of the captured configuration.
func (r *Restoring) tell(m moved) {
	r.Losses = append(m.losses, r.Losses...)
	r.Notes = append(m.notes, r.Notes...)
}

// errNoRestore: the driver cannot.
var errNoRestore = errors.New("this version of holdfast does not restore stores of this kind")

// PlanRestore finds the recovery point and builds the steps. It changes nothing.
func (e *Engine) PlanRestore(ctx context.Context, inv dr.Inventory, w RestoreWish) (Restoring, error) {
	p, err := recoveryPoint(e.File.Namespace, inv, w)
	if err != nil {
		return Restoring{}, err
	}
	r := store.Restore{
		From: p.Snapshot, Name: w.As, InPlace: w.As == "", RenameFirst: w.RenameFirst, KeepOld: w.KeepOld, Drop: w.Drop, With: w.With,
		Begun: e.Clock.Now().UTC().Truncate(time.Second), Owner: e.File.Namespace,
	}
	if r.InPlace {
		if err := replace(&r, inv, p, w); err != nil {
			return Restoring{}, err
		}
	}
	if !w.SkipChecks {
		r.Checks = policy.Digest(e.checksOf(p.Snapshot))
	}
	r.ID = restoreID(r)
	told, err := e.outfit(ctx, &r, inv, p.source)
	if err != nil {
		return Restoring{}, err
	}
	made, err := e.restoring(ctx, p.Ref.Kind, p.Ref.Site, r)
	made.tell(told)
	made.Notes = append(p.notes, made.Notes...)
	if err == nil {
		e.noteChecks(ctx, &made, w.SkipChecks)
	}
	return made, err
}

// replace finds what the restored one is to take the place of: the source itself, or at
// another site what bears its name there.
func replace(r *store.Restore, inv dr.Inventory, p point, w RestoreWish) error {
	old, err := standsFor(inv, p, w)
	if err != nil {
		return err
	}
	if id := old.Tags[dr.TagRestore]; id != "" {
		return &store.Error{
			Doing: "restore " + w.Resource + " in place", Fault: store.Busy, Err: fmt.Errorf("restore %s of it is under way", id),
			Remedy: "`holdfast restore resume " + id + "` goes on, `holdfast restore abort " + id + "` takes it back",
		}
	}
	is, err := old.Config.Settings()
	if err != nil {
		return fmt.Errorf("read the configuration of %s: %w", old.Ref, err)
	}
	r.Name, r.Old = old.Ref.ID, is["resource-id"]
	return nil
}

func standsFor(inv dr.Inventory, p point, w RestoreWish) (*dr.Resource, error) {
	var named []*dr.Resource
	for i := range inv.Resources {
		o := &inv.Resources[i]
		if o.Ref.Kind != p.source.Kind || o.Ref.Site != p.Ref.Site {
			continue
		}
		if o.Ref.Source() == p.source.Source() {
			return o, nil
		}
		if _, aside := o.Tags.Aside(); !aside && (o.Ref.ID == p.source.ID || o.Name == w.Resource) {
			named = append(named, o)
		}
	}
	doing := fmt.Sprintf("restore %s in place at %s", w.Resource, p.Ref.Site.Name)
	switch len(named) {
	case 1:
		return named[0], nil
	case 0:
		return nil, &store.Error{
			Doing: doing, Fault: store.NotFound, Err: fmt.Errorf("%s is not at %s, so nothing can be restored in its place", w.Resource, p.Ref.Site.Name),
			Remedy: "restore it under a name with --as",
		}
	default:
		return nil, &store.Error{
			Doing: doing, Fault: store.Conflict, Err: fmt.Errorf("%d resources there bear that name", len(named)),
			Remedy: "restore it under a name with --as",
		}
	}
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
	return e.withChecks(Restoring{Restoration: made, Request: r, Kind: k, Site: site}), nil
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

// Restores finds the restores that are under way at all sites. With what was found
// comes an error that names what could not be seen: there may be more.
func (e *Engine) Restores(ctx context.Context, inv dr.Inventory) ([]Restoring, error) {
	var out []Restoring
	var unseen []error
	for _, site := range inv.Sites {
		for _, s := range e.WantedAt(site) {
			found, err := e.restoresOf(ctx, inv, s, site)
			out = append(out, found...)
			if err != nil {
				unseen = append(unseen, err)
			}
		}
	}
	for _, known := range e.File.Sites {
		if known.Vault == "" && !slices.ContainsFunc(inv.Sites, func(s dr.Site) bool { return s.Name == known.Name }) {
			unseen = append(unseen, gapOf(inv, known.Site))
		}
	}
	return out, errors.Join(unseen...)
}

// gapOf says why nothing was seen at a site.
func gapOf(inv dr.Inventory, site dr.Site) error {
	for scope, err := range inv.Gaps {
		if scope.Site.Name == site.Name {
			return err // It is the same for all kinds.
		}
	}
	return fmt.Errorf("site %s was not looked at", site)
}

func (e *Engine) restoresOf(ctx context.Context, inv dr.Inventory, s *store.Store, site dr.Site) ([]Restoring, error) {
	r, ok := s.Restorer()
	if !ok {
		return nil, nil
	}
	marks, err := r.Marks(ctx, site)
	if err != nil {
		return nil, s.Wrap(fmt.Sprintf("look for restores of %s at %s", s.Kind(), site), err)
	}
	var out []Restoring
	var failed []error
	for _, m := range marks {
		found, err := e.found(ctx, inv, s.Kind(), m)
		if err != nil {
			failed = append(failed, fmt.Errorf("restore %s of %s: %w", m.ID, m.Name, err))
			continue
		}
		out = append(out, found)
	}
	return out, errors.Join(failed...)
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
	} else { // The old one, known by its ID, still has its configuration.
		r.From.Of = dr.Ref{Kind: k, Site: m.Site, ID: m.Name}
	}
	source := (chooser{inv: inv}).sourceOf(&r.From)
	told, err := e.outfit(ctx, &r, inv, source)
	made, failed := e.restoring(ctx, k, m.Site, r)
	made.tell(told)
	made.blocked = err
	if i < 0 { // Without the configuration on it the new one would become another.
		made.blocked = &store.Error{
			Doing: "resume restore " + m.ID, Fault: store.NotFound,
			Err:    fmt.Errorf("snapshot %s, from which %s is restored, is not seen at %s", m.Snapshot, m.Name, m.Site),
			Remedy: "look with `holdfast snapshots`; if it is gone, `holdfast restore abort " + m.ID + "` takes the restore back",
		}
	}
	return made, failed
}

// RunRestore runs the steps, or resumes them.
func (e *Engine) RunRestore(ctx context.Context, r Restoring, poll time.Duration, watch func(saga.Event)) (saga.Result, error) {
	if err := e.checkable(ctx, r); err != nil {
		return saga.Result{}, err
	}
	if r.blocked != nil && (!lastOf(r) || !e.pastPivot(ctx, r)) {
		return saga.Result{}, r.blocked
	}
	return e.drive(ctx, r, poll, watch, (*saga.Runner).Run)
}

// lastOf reports whether all that a restore has to do after its pivot is to take its marks
// off, for which nothing needs to be known of the snapshot. Were it held up, no policy
// would ever take snapshots of the new one, which serves by then.
func lastOf(r Restoring) bool {
	i := slices.IndexFunc(r.Saga.Steps, func(st saga.Step) bool { return st.Pivot })
	return i >= 0 && i == len(r.Saga.Steps)-2
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
	runner := &saga.Runner{Worker: e.checked(w, r, restorer.Endpoint), Clock: e.Clock, Poll: poll, Watch: watch, Temporary: func(err error) bool {
		switch s.Fault(err) {
		case store.Busy, store.Throttled, store.Unreachable:
			return true
		default:
			return false
		}
	}}
	return advised(s, r, how(runner, ctx, r.Saga)), nil
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

// restoreID gives a restore a short name of its own, out of what it is and when it
// was asked for.
func restoreID(r store.Restore) string {
	sum := sha256.Sum256([]byte(r.From.Ref.Source() + "\x00" + r.Name + "\x00" + r.Begun.Format(time.RFC3339)))
	return "r" + r.Begun.Format("0102t1504") + "-" + hex.EncodeToString(sum[:2])
}
