package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// errSwept is why a writer has to stop.
var errSwept = errors.New("this run did not renew its mark for so long that another one swept up what it had written: take the snapshot again")

// Draft is a snapshot that is being written. It ends with Publish or Discard.
type Draft struct {
	v     *Vault
	id    ID
	claim dr.Claim
	// ctx ends when the draft is lost.
	ctx   context.Context //nolint:containedctx // It is a call that takes long.
	lost  context.CancelCauseFunc
	beats sync.WaitGroup
	still chan struct{}
	once  sync.Once

	mu sync.Mutex
	// mark is as it was written last, and version is its.
	mark    mark
	version string
	open    map[*PartWriter]bool
	names   map[string]bool
	// begun are all files that may be there, stored those that were committed.
	begun  map[string]bool
	stored map[string]Stored
	// unsure says that it may be published or not.
	unsure bool
}

// Begin begins a snapshot. Where there is one of this name already, the error is a
// ConflictError with its manifest.
func (v *Vault) Begin(ctx context.Context, id ID, claim dr.Claim) (*Draft, error) {
	doing := "begin snapshot"
	if err := id.valid(); err != nil {
		return nil, v.fail(doing, "", err)
	}
	if _, err := dr.ParseClaim(claim.Tags()); err != nil {
		return nil, v.fail(doing, id.folder(), err)
	}
	if there, _, err := v.manifest(ctx, id); err == nil {
		return nil, v.fail(doing, id.folder(), &ConflictError{there})
	} else if !errors.Is(err, ErrNotFound) {
		return nil, v.fail(doing, id.folder(), err)
	}
	d := &Draft{
		v: v, id: id, claim: claim, still: make(chan struct{}),
		open: map[*PartWriter]bool{}, names: map[string]bool{}, begun: map[string]bool{}, stored: map[string]Stored{},
		mark: mark{
			Format: Format, Owner: claim.Owner, Resource: id.Resource, Name: id.Name, Nonce: newNonce(),
			State: writing, Begun: time.Now().UTC(),
		},
	}
	version, err := v.putMark(ctx, &d.mark, "")
	if err != nil {
		return nil, v.fail(doing, id.folder(), err)
	}
	d.version = version
	d.ctx, d.lost = context.WithCancelCause(ctx)
	d.beats.Go(d.beat)
	return d, nil
}

// beat renews the mark from time to time.
func (d *Draft) beat() {
	t := time.NewTicker(d.v.beat)
	defer t.Stop()
	for {
		select {
		case <-d.still:
			return
		case <-d.ctx.Done():
			return
		case <-t.C:
			if err := d.renew(d.ctx, writing); errors.Is(err, errSwept) {
				d.lost(err)
				return
			}
		}
	}
}

// renew writes the mark again. Where somebody else did, or took it away, the draft is
// lost; where it just cannot be written now, there is time for another try.
func (d *Draft) renew(ctx context.Context, to state) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.mark
	m.State = to
	version, err := d.v.putMark(ctx, &m, d.version)
	switch {
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		return fmt.Errorf("%w (%w)", errSwept, ErrConflict)
	case err != nil:
		return err
	}
	d.mark, d.version = m, version
	return nil
}

// held makes sure that the draft is not lost, if it may be.
func (d *Draft) held() error {
	d.mu.Lock()
	stale := time.Since(d.mark.Renewed) > 2*d.v.beat
	d.mu.Unlock()
	if !stale {
		return nil
	}
	return d.renew(d.ctx, writing)
}

// settle ends the renewing.
func (d *Draft) settle() {
	d.once.Do(func() { close(d.still) })
	d.beats.Wait()
}

// Publish makes the snapshot visible, whole. Of the manifest only what the vault cannot
// know is to be given: kind, source, times, consistency, and the parts, each with what
// Commit gave for it. If another run was faster, the error is a ConflictError with its
// manifest, and the draft is to be discarded.
func (d *Draft) Publish(ctx context.Context, m Manifest) (Manifest, error) {
	const doing = "publish snapshot"
	folder := d.id.folder()
	m, body, err := d.manifest(m)
	if err != nil {
		return m, d.v.fail(doing, folder, err)
	}
	d.settle()
	if err := d.renew(ctx, publishing); err != nil {
		return m, d.v.fail(doing, folder, err)
	}
	d.mu.Lock()
	d.unsure = true
	d.mu.Unlock()
	_, err = d.v.bucket.put(ctx, folder+manifestName, body, "")
	if errors.Is(err, ErrConflict) {
		d.mu.Lock()
		d.unsure = false
		d.mu.Unlock()
		there, _, readErr := d.v.manifest(ctx, d.id)
		if readErr == nil {
			err = &ConflictError{there}
		}
	}
	if err != nil {
		return m, d.v.fail(doing, folder, err)
	}
	d.lost(nil)
	for _, p := range m.Parts {
		delete(d.begun, p.File)
	}
	if d.v.bucket.remove(ctx, d.files()...) == nil {
		_ = d.v.bucket.remove(ctx, d.mark.key())
	} // Otherwise the next sweep does.
	return m, nil
}

// manifest fills in what the vault knows.
func (d *Draft) manifest(m Manifest) (Manifest, []byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m.Format, m.Resource, m.Name, m.Claim, m.Nonce = Format, d.id.Resource, d.id.Name, d.claim, d.mark.Nonce
	if m.Begun.IsZero() {
		m.Begun = d.mark.Begun
	}
	if m.Ended.IsZero() {
		m.Ended = time.Now().UTC()
	}
	if len(d.open) > 0 {
		return m, nil, fmt.Errorf("%d of its parts are still being written: commit or abort them first", len(d.open))
	}
	named := 0
	for _, p := range m.Parts {
		if d.stored[p.File] != p.Stored {
			return m, nil, fmt.Errorf("part %q is not one that was committed: give what Commit gave", p.Name)
		}
		named++
	}
	if named != len(d.stored) {
		return m, nil, fmt.Errorf("the manifest names %d parts, and %d were committed", named, len(d.stored))
	}
	if err := m.check(d.id.folder()); err != nil {
		return m, nil, err
	}
	body, err := m.encode()
	return m, body, err
}

// Discard gives the draft up and deletes what was written, also where ctx is over. After a
// Publish of which nobody knows whether it took effect, that is left to a sweep.
func (d *Draft) Discard(ctx context.Context) error {
	d.settle()
	d.lost(context.Canceled)
	d.mu.Lock()
	open, unsure := make([]*PartWriter, 0, len(d.open)), d.unsure
	for w := range d.open {
		open = append(open, w)
	}
	d.mu.Unlock()
	var failed error
	for _, w := range open {
		failed = also(w.Abort(), failed)
	}
	if unsure || failed != nil {
		return failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), givingUp)
	defer cancel()
	if err := d.v.bucket.remove(ctx, d.files()...); err != nil {
		return d.v.fail("discard the draft of", d.id.folder(), err)
	}
	if err := d.v.bucket.remove(ctx, d.mark.key()); err != nil {
		return d.v.fail("discard the draft of", d.id.folder(), err)
	}
	return nil
}

// files gives the keys of all that may be there.
func (d *Draft) files() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for file := range d.begun {
		out = append(out, d.id.folder()+file)
	}
	slices.Sort(out)
	return out
}

// begin notes that a file may be there from now on.
func (d *Draft) begin(file string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun[file] = true
}

// keep notes that a file is there.
func (d *Draft) keep(file Stored) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stored[file.File] = file
}
