package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/vault"
)

// create takes a snapshot. That it is there already is a success if it is this one.
func (v *visit) create(ctx context.Context, a plan.Action) error {
	e, err := v.endpoint(a.From.ID)
	if err != nil {
		return err
	}
	v.depot.sweep(ctx, a.Claim.Owner)
	draft, err := v.vault.Begin(ctx, v.id(a), a.Claim)
	if err != nil {
		return there(err, a)
	}
	m, err := v.take(ctx, e, draft)
	if err == nil {
		_, err = draft.Publish(ctx, m)
	}
	if err != nil {
		return there(errors.Join(err, draft.Discard(ctx)), a)
	}
	return nil
}

// there says of a name that is taken whether that is the snapshot which was to be made.
func there(err error, a plan.Action) error {
	conflict, ok := errors.AsType[*vault.ConflictError](err)
	switch {
	case !ok:
		return err
	case conflict.There.Leaving:
		return &store.Error{Doing: "begin it", Fault: store.Busy, Err: err, Remedy: "run again later: what is left of one with this name is being deleted"}
	case conflict.There.Claim.Is(a.Claim):
		return nil
	}
	return err
}

// take has all shards of an endpoint written into a draft.
func (v *visit) take(ctx context.Context, e policy.Endpoint, draft *vault.Draft) (vault.Manifest, error) {
	at, err := v.reach(v.site, e)
	if err != nil {
		return vault.Manifest{}, err
	}
	t := taking{ctx: ctx, draft: draft, parts: map[int]*part{}}
	defer t.close()
	point, err := v.servers.Take(ctx, at, t.open, replica.Options{Forks: e.Forks, AllowFuzzy: e.Fuzzy})
	if err != nil {
		return vault.Manifest{}, err
	}
	m := vault.Manifest{
		Kind: Kind, Taken: point.Taken.UTC(), Skew: point.Skew, Consistency: vault.PointInTime,
		Source: vault.Source{Addresses: e.Addresses},
	}
	if point.Fuzzy {
		m.Consistency = vault.Fuzzy
	}
	for i, s := range point.Shards {
		p, err := t.parts[i].commit(s) //nolint:contextcheck // It has the one that it was opened with.
		if err != nil {
			return m, err
		}
		m.Parts = append(m.Parts, p)
		m.Source.Server, m.Source.Version = p.Source.Server, p.Source.Version
	}
	if len(m.Parts) == 1 {
		m.Source = m.Parts[0].Source
		m.Source.Addresses = e.Addresses
	}
	return m, nil
}

// taking is a snapshot on its way into a vault.
type taking struct {
	ctx   context.Context //nolint:containedctx // It is a call that takes long; parts outlive what opens them.
	draft *vault.Draft

	mu    sync.Mutex
	parts map[int]*part
}

// part is one shard's file.
type part struct {
	name   string
	to     *vault.PartWriter
	scan   *rdb.Pusher
	cancel context.CancelCauseFunc
}

// open makes the place for one shard's file.
func (t *taking) open(_ context.Context, i int, s replica.Shard) (replica.Target, error) {
	name := "dump"
	if len(s.Slots) > 0 {
		name = fmt.Sprintf("shard-%04d", i)
	}
	ctx, cancel := context.WithCancelCause(t.ctx)
	to, err := t.draft.NewPart(ctx, name) //nolint:contextcheck // That of the whole: it ends later than what opens it.
	if err != nil {
		cancel(err)
		return replica.Target{}, err
	}
	scan := rdb.NewPusher(ctx, rdb.Options{Level: rdb.Deep, Largest: -1}) //nolint:contextcheck // The same.
	p := &part{name: name, to: to, scan: scan, cancel: cancel}
	t.mu.Lock()
	t.parts[i] = p
	t.mu.Unlock()
	return replica.Target{To: p, Scan: p.scan}, nil
}

// close lets go of what scans and writes. What was committed stays.
func (t *taking) close() {
	for _, p := range t.parts {
		_, _ = p.scan.Close() // What it found, it has told before.
		p.cancel(nil)
	}
}

// Write stores the next bytes.
func (p *part) Write(b []byte) (int, error) { return p.to.Write(b) }

// CloseWithError has a write that hangs come back: the file is to be thrown away.
func (p *part) CloseWithError(err error) error {
	p.cancel(err)
	return nil
}

// commit ends the file, and says what is in it.
func (p *part) commit(s replica.ShardResult) (vault.Part, error) {
	report, err := p.scan.Close()
	if err != nil {
		return vault.Part{}, err
	}
	stored, err := p.to.Commit()
	if err != nil {
		return vault.Part{}, err
	}
	out := vault.Part{
		Name: p.name, Stored: stored, Slots: slots(s.Slots), Keys: report.Keys,
		Databases: map[string]uint64{}, Types: map[string]uint64{},
		Source: vault.Source{
			Addresses: []string{s.Address}, Role: "master", Server: strings.ToLower(s.Server.Program), Version: s.Server.Version,
			ReplicationID: s.ReplicationID, Offset: max(s.Offset, 0),
		},
	}
	if s.Replica {
		out.Source.Role = "replica"
	}
	if s.Checksum != 0 {
		out.CRC64 = fmt.Sprintf("%016x", s.Checksum)
	}
	if !report.Digest.IsZero() {
		out.Digest = report.Digest.String()
	}
	for _, db := range report.Databases {
		out.Databases[fmt.Sprint(db.DB)] = db.Keys
	}
	for _, share := range report.Types {
		out.Types[share.Name] += share.Keys
	}
	return out, nil
}
