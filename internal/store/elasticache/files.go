package elasticache

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const (
	// exportLags is how long an export may not show after it was asked for: what
	// ElastiCache lists can lag behind what it did.
	exportLags = 5 * time.Minute
	// abandoned is how long ago a copy was last worked on that nobody works on any
	// more. Until then the next run goes on with it.
	abandoned = 24 * time.Hour
)

// filed is what a site's bucket holds.
type filed struct {
	bucket *bucket
	all    []*shelved
	// top are the files at the top of the bucket; read only where there are exports.
	top []object
}

// readFiles reads what a site's bucket holds, in pages; nothing where it has none.
func (v *visit) readFiles(ctx context.Context) (filed, error) {
	b, ok := v.bucketAt(v.site)
	if !ok {
		return filed{}, nil
	}
	all, err := b.list(ctx, root)
	if err != nil {
		return filed{}, err
	}
	f := filed{bucket: b, all: shelve(all)}
	for _, s := range f.all {
		if l, _ := s.known(); l.export() {
			f.top, err = b.list(ctx, "hf-")
			return f, err
		}
	}
	return f, nil
}

// snapshots gives what there is as files, beside the snapshots that ElastiCache
// shows.
func (f filed) snapshots(site dr.Site, shown []dr.Snapshot) []dr.Snapshot {
	status := map[string]string{}
	for i := range shown {
		status[shown[i].Ref.ID] = shown[i].Status
	}
	var out []dr.Snapshot
	for _, s := range f.all {
		l, _ := s.known()
		x, there := f.snapshot(site, s, l), true
		if l.export() {
			files := filesOf(f.top, l.prefix)
			x.Bytes = sizeOf(files)
			x.ARN = f.bucket.arn(l.prefix)
			x.State, x.Status = exportState(s, l, files, status[l.snapshot])
		} else {
			x.State, x.Status, there = copyState(s, l)
		}
		if there {
			out = append(out, x)
		}
	}
	return out
}

func (f filed) snapshot(site dr.Site, s *shelved, l marked) dr.Snapshot {
	x := dr.Snapshot{
		Ref: dr.Ref{Kind: Kind, Site: site, ID: s.name}, Of: dr.Ref{Kind: Kind, Site: site, ID: sourceID(l.claim.Source)},
		ARN: f.bucket.arn(s.prefix()), Taken: l.claim.Taken, Claim: l.claim, Key: l.kms, Bytes: l.bytes, Made: l.when.UTC(), Uncounted: true,
	}
	x.Claim.Keep = s.held
	if x.Taken.IsZero() {
		x.Taken = l.claim.Slot
	}
	return x
}

// sourceID gives the identifier of a cache out of a claim.
func sourceID(source string) string {
	id := source[strings.LastIndex(source, "/")+1:]
	settings, err := dr.Config("id=" + id).Settings()
	if err != nil {
		return id
	}
	return settings["id"]
}

// exportState says what an export is worth. Nothing says that one has failed but that
// it is over and files are missing.
func exportState(s *shelved, l marked, files []object, snapshot string) (dr.Condition, string) {
	switch {
	case s.is(leavingMark):
		return dr.Failed, "half deleted"
	case isExporting(snapshot):
		return dr.Pending, "exporting"
	case l.whole(files, l.prefix):
		return dr.Good, "exported"
	case time.Since(l.when) < exportLags:
		return dr.Pending, "exporting"
	default:
		return dr.Failed, fmt.Sprintf("the export is over, with %d files of %s", len(files), cmp.Or(number(l.files), "an unknown number"))
	}
}

// isExporting reads the status of a snapshot in ElastiCache. No page of AWS lists this
// one: "creating | available | restoring | copying | deleting" is what the API Reference
// names. While an export shows as something else, its files tell.
func isExporting(status string) bool { return strings.EqualFold(status, "exporting") }

// copyState says what a copy is worth, and whether it is shown: one that was begun and
// cut short is not, since the run that finds it missing goes on with it; unless nobody
// has for long.
func copyState(s *shelved, l marked) (dr.Condition, string, bool) {
	switch {
	case s.is(leavingMark):
		return dr.Failed, "half deleted", true
	case s.is(completeMark) && l.whole(s.files, s.key(s.name)):
		return dr.Good, "complete", true
	case s.is(completeMark):
		return dr.Failed, fmt.Sprintf("%d files of %d are left of it", len(s.files), l.files), true
	default:
		return dr.Failed, "copying was given up", time.Since(l.when) >= abandoned
	}
}

// asFile reports whether a snapshot is files in a bucket.
func asFile(s *dr.Snapshot) bool { return strings.Contains(s.ARN, ":s3:::") }

// confirmFile looks whether there is still a snapshot as files, and whether somebody
// holds it by now.
func (v *visit) confirmFile(ctx context.Context, s *dr.Snapshot) (gone bool, err error) {
	b, err := v.needed(v.site)
	if err != nil {
		return false, err
	}
	there, err := b.shelf(ctx, place{s.Claim.Owner, s.Ref.ID})
	if err != nil || there == nil {
		return err == nil, err
	}
	l, ok := there.known()
	if !ok {
		return true, nil
	}
	s.Claim = l.claim
	s.Claim.Keep = there.held
	return false, nil
}

// change deletes, holds or releases a snapshot that is files, if it is still the one
// with this claim. What is held is not deleted.
func (v *visit) change(ctx context.Context, b *bucket, s *shelved, a plan.Action) error {
	l, _ := s.known()
	switch {
	case !l.claim.Is(a.Claim):
		return fmt.Errorf("snapshot %s: %w", a.Name, errChanged)
	case a.Verb == plan.Release:
		return b.drop(ctx, s.key(heldName))
	case a.Verb == plan.Hold && s.is(leavingMark):
		return fmt.Errorf("snapshot %s: %w", a.Name, errLeaving)
	case a.Verb == plan.Hold:
		return b.put(ctx, s.key(heldName), nil, "")
	case s.held:
		return fmt.Errorf("snapshot %s: %w", a.Name, errHeld)
	}
	return v.clear(ctx, b, s, l)
}

// clear deletes all objects of a snapshot, and none else. From the first mark on it
// counts for nothing, and that mark goes last: what is left of it if this is cut short is
// found and deleted.
func (v *visit) clear(ctx context.Context, b *bucket, s *shelved, l marked) error {
	files := s.files
	if l.export() {
		there, err := v.find(ctx, plainName(l.snapshot), l.serverless())
		switch {
		case err == nil && isExporting(there.Status):
			return fmt.Errorf("snapshot %s: %w", s.name, errExporting)
		case err != nil && classify(err) != store.NotFound:
			return err
		}
		top, err := b.exported(ctx, l.prefix)
		if err != nil {
			return err
		}
		files = append(files, top...)
	}
	leaving, err := s.labelKey(leavingMark, l.label)
	if err != nil {
		return err
	}
	if !s.is(leavingMark) {
		if err := b.put(ctx, leaving, nil, ""); err != nil {
			return err
		}
	}
	if err := b.abortUploads(ctx, s.prefix()); err != nil {
		return err
	}
	keys := append(markKeys(s, completeMark), keysOf(files)...)
	if s.manifest {
		keys = append(keys, s.key(manifestName))
	}
	keys = append(keys, markKeys(s, begunMark)...)
	keys = append(keys, markKeys(s, leavingMark)...)
	if !s.is(leavingMark) {
		keys = append(keys, leaving)
	}
	return b.drop(ctx, keys...)
}

func (l label) serverless() bool {
	return strings.HasPrefix(sourceID(l.claim.Source), serverlessPrefix)
}

func markKeys(s *shelved, mark string) []string {
	var out []string
	for _, m := range s.marks[mark] {
		out = append(out, m.key)
	}
	return out
}

func apiName(id string) *string { return aws.String(plainName(id)) }
