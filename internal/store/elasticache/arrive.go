package elasticache

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// sideBySide is how many files of a snapshot are copied at a time, and how many parts
// of each.
const sideBySide = 4

// arrival is the files of an export on their way into another bucket.
type arrival struct {
	*visit
	from, to *bucket
	action   plan.Action
	place    place
	manifest Manifest
	// files are those of the export, in the order of their numbers.
	files  []object
	prefix string
}

// arrive copies the files of an export into this site's bucket, as this site's own
// caller. Nothing counts as a copy until all of them are there, compared with what they
// were copied from; then one mark says so. What a run that was cut short has left is
// gone on with.
func (v *visit) arrive(ctx context.Context, a plan.Action) error {
	to, err := v.needed(a.To)
	if err != nil {
		return err
	}
	from, err := v.needed(a.From.Site)
	if err != nil {
		return err
	}
	c := &arrival{visit: v, from: from, to: to, action: a, place: place{a.Claim.Owner, a.Name}}
	there, err := to.shelf(ctx, c.place)
	if err != nil {
		return err
	}
	if there != nil {
		l, _ := there.known()
		switch {
		case !l.claim.Is(a.Claim):
			return fmt.Errorf("copy %s: %w", a.Name, errTaken)
		case there.is(leavingMark):
			return errLeaving
		case there.is(completeMark):
			return nil
		}
	}
	if err := c.source(ctx); err != nil {
		return from.unread(v.site, err)
	}
	return c.publish(ctx, there)
}

// source finds the export and its files.
func (c *arrival) source(ctx context.Context) error {
	s, err := c.from.shelf(ctx, place{c.action.Claim.Owner, c.action.From.ID})
	switch {
	case err != nil:
		return err
	case s == nil:
		return fmt.Errorf("export %s: %w", c.action.From.ID, errGone)
	case s.is(leavingMark) || !s.is(begunMark):
		return fmt.Errorf("export %s: %w", c.action.From.ID, errGone)
	}
	l := s.marks[begunMark][0]
	claim := c.action.Claim
	claim.Stage = plan.ExportStage
	if !l.claim.Is(claim) {
		return fmt.Errorf("export %s: %w", c.action.From.ID, errChanged)
	}
	if c.files, err = c.from.exported(ctx, l.prefix); err != nil {
		return err
	}
	if !l.whole(c.files, l.prefix) {
		return fmt.Errorf("export %s: %w", c.action.From.ID, errNotDone)
	}
	c.prefix = l.prefix
	slices.SortFunc(c.files, func(x, y object) int { return cmp.Compare(c.numberOf(x), c.numberOf(y)) })
	c.manifest, err = c.from.manifest(ctx, l.key)
	return err
}

func (c *arrival) numberOf(o object) int {
	n, _ := fileNumber(o.key, c.prefix)
	return n
}

// publish copies all files, and then says that they are there.
func (c *arrival) publish(ctx context.Context, there *shelved) error {
	l := label{claim: c.action.Claim, files: len(c.files), bytes: sizeOf(c.files), kms: c.action.Key}
	begun, err1 := c.place.labelKey(begunMark, l)
	complete, err2 := c.place.labelKey(completeMark, l)
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	if err := c.to.put(ctx, begun, nil, ""); err != nil {
		return err
	}
	files, err := c.copyAll(ctx)
	if err != nil {
		return err
	}
	// An upload whose answer was lost is one too many.
	if err := c.to.abortUploads(ctx, c.place.prefix()); err != nil {
		return err
	}
	m := c.manifest
	config := cmp.Or(c.action.Claim.Config, m.Claim.Config)
	m.Claim, m.Name, m.Key, m.Files = c.action.Claim, c.action.Name, c.action.Key, files
	m.Claim.Config = config
	if len(c.action.Tags) > 0 {
		m.Tags = c.action.Tags
	}
	body, err := m.encode()
	if err != nil {
		return err
	}
	if err := c.to.put(ctx, c.place.key(manifestName), body, c.action.Key); err != nil {
		return err
	}
	if err := c.to.put(ctx, complete, nil, ""); err != nil {
		return err
	}
	over := []string{begun}
	if there != nil {
		over = append(over, markKeys(there, begunMark)...)
	}
	return c.to.drop(ctx, over...)
}

func (c *arrival) copyAll(ctx context.Context) ([]File, error) {
	out := make([]File, len(c.files))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide)
	for i, f := range c.files {
		g.Go(func() (err error) {
			t := transfer{from: c.from, to: c.to, source: f.key, kms: c.action.Key}
			t.target = c.place.key(fmt.Sprintf("%s-%04d.rdb", c.place.name, c.numberOf(f)))
			out[i], err = t.do(ctx)
			return err
		})
	}
	return out, g.Wait()
}

// unread says what to grant where a bucket at another site cannot be read.
func (b *bucket) unread(by dr.Site, err error) error {
	if classify(err) != store.Denied {
		return err
	}
	return &store.Error{
		Doing: "read bucket " + b.name + " of site " + b.site.Name, Fault: store.Denied, Err: err,
		Remedy: fmt.Sprintf("let the role of site %s read it, and where it is in another account add to the policy of bucket %s: %s", by.Name, b.name, b.readable(by)),
	}
}
