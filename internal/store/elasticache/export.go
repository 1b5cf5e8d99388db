package elasticache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// tiered says why a snapshot of a cluster with data tiering stays where it is (Amazon
// ElastiCache User Guide, "Exporting a backup").
const tiered = "its cache has data tiering, and ElastiCache does not export snapshots of such caches"

// exporting is an export that is being asked for.
type exporting struct {
	*visit
	bucket *bucket
	action plan.Action
	label  label
	place  place
	// about is what ElastiCache says of the snapshot.
	about Manifest
	tier  bool
	shown dr.Snapshot
}

// export asks ElastiCache to write a snapshot into the site's bucket. A mark goes
// before, so that whatever comes of the call its files are known as ours.
func (v *visit) export(ctx context.Context, a plan.Action) error {
	b, err := v.needed(a.To)
	if err != nil {
		return err
	}
	e := &exporting{visit: v, bucket: b, action: a, place: place{a.Claim.Owner, a.Name}}
	if err := e.look(ctx); err != nil {
		return err
	}
	if e.tier {
		return &store.Error{
			Doing: "export to bucket " + b.name, Fault: store.Invalid, Err: errors.New(tiered),
			Remedy: "copy its data by other means, or let no policy that copies match it",
		}
	}
	done, known, err := e.begun(ctx)
	if err != nil || done {
		return err
	}
	key, err := e.mark(ctx)
	if err != nil {
		return err
	}
	if err := e.call(ctx); err != nil {
		return e.refused(ctx, err, key, known)
	}
	return nil
}

// look reads the snapshot that is to be exported.
func (e *exporting) look(ctx context.Context) error {
	a := e.action
	e.label = label{claim: a.Claim, snapshot: a.From.ID, prefix: a.Name}
	if serverless(a) {
		shown, err := e.find(ctx, plainName(a.From.ID), true)
		e.shown, e.label.prefix = shown, plainName(a.From.ID)
		return err
	}
	out, err := e.DescribeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{SnapshotName: apiName(a.From.ID), ShowNodeGroupConfig: aws.Bool(true)})
	switch {
	case err != nil:
		return err
	case len(out.Snapshots) != 1:
		return &types.SnapshotNotFoundFault{Message: aws.String(a.From.ID + " is not found")}
	}
	s := &out.Snapshots[0]
	e.shown, e.tier, e.label.files = e.nodeSnapshot(s), s.DataTiering == types.DataTieringStatusEnabled, len(s.NodeSnapshots)
	e.about.Engine, e.about.Version = aws.ToString(s.Engine), aws.ToString(s.EngineVersion)
	for _, n := range s.NodeSnapshots {
		g := NodeGroup{ID: aws.ToString(n.NodeGroupId)}
		if c := n.NodeGroupConfiguration; c != nil {
			g.Slots, g.Replicas = aws.ToString(c.Slots), int(aws.ToInt32(c.ReplicaCount))
		}
		e.about.NodeGroups = append(e.about.NodeGroups, g)
	}
	return nil
}

// begun finds what there is of the export already, and reports whether that is enough,
// and whether it was asked for before.
func (e *exporting) begun(ctx context.Context) (done, known bool, err error) {
	s, err := e.bucket.shelf(ctx, e.place)
	if err != nil {
		return false, false, err
	}
	files, err := e.bucket.exported(ctx, e.label.prefix)
	if err != nil {
		return false, false, err
	}
	if s != nil {
		l, _ := s.known()
		switch {
		case !l.claim.Is(e.label.claim):
			return false, true, fmt.Errorf("export %s: %w", e.place.name, errTaken)
		case s.is(leavingMark):
			return false, true, errLeaving
		case isExporting(e.shown.Status), l.whole(files, l.prefix):
			return true, true, nil
		}
	}
	switch {
	case isExporting(e.shown.Status):
		return false, s != nil, errExporting
	case e.shown.State != dr.Good:
		return false, s != nil, fmt.Errorf("snapshot %s is %s: %w", e.shown.Ref.ID, e.shown.Status, errNotDone)
	case s == nil && len(files) > 0:
		cleared, err := e.supersede(ctx)
		if err != nil || cleared {
			return false, false, err
		}
		return false, false, &store.Error{
			Doing: "export to bucket " + e.bucket.name, Fault: store.Conflict, Err: fmt.Errorf("object %s is there and not ours", files[0].key),
			Remedy: "move or delete the object yourself; holdfast does not touch it",
		}
	}
	return false, s != nil, nil
}

// supersede deletes what an earlier try for the same recovery point has left under the
// same names, which only serverless snapshots can: ElastiCache names their files after
// them.
func (e *exporting) supersede(ctx context.Context) (bool, error) {
	all, err := e.bucket.list(ctx, place{owner: e.place.owner}.ownerPrefix())
	if err != nil {
		return false, err
	}
	for _, s := range shelve(all) {
		if l, _ := s.known(); l.export() && l.prefix == e.label.prefix && l.claim.Is(e.label.claim) {
			return true, e.clear(ctx, e.bucket, s, l)
		}
	}
	return false, nil
}

// mark writes down what is to come, with all that a copy will need.
func (e *exporting) mark(ctx context.Context) (string, error) {
	m := e.about
	m.Claim, m.Name, m.Tags = e.label.claim, e.place.name, e.action.Tags
	if m.Claim.Config == "" { // A presumed claim has none; the snapshot's tags have.
		if tags, err := e.readTags(ctx, e.shown.ARN); err == nil {
			if c, err := dr.ParseClaim(tags); err == nil {
				m.Claim.Config = c.Config
			}
		}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("write down the export %s: %w", e.place.name, err)
	}
	key, err := e.place.labelKey(begunMark, e.label)
	if err != nil {
		return "", err
	}
	return key, e.bucket.put(ctx, key, body, "")
}

func (e *exporting) call(ctx context.Context) error {
	name, bucket := apiName(e.action.From.ID), aws.String(e.bucket.name)
	if serverless(e.action) {
		_, err := e.ExportServerlessCacheSnapshot(ctx, &elasticache.ExportServerlessCacheSnapshotInput{ServerlessCacheSnapshotName: name, S3BucketName: bucket})
		return err
	}
	_, err := e.CopySnapshot(ctx, &elasticache.CopySnapshotInput{
		SourceSnapshotName: name, TargetSnapshotName: aws.String(e.label.prefix), TargetBucket: bucket,
	})
	return err
}

// refused looks whether an export that was refused has begun all the same, by a try
// whose answer was lost. If it has not, and AWS said so, the mark goes again.
func (e *exporting) refused(ctx context.Context, refused error, key string, known bool) error {
	fault := classify(refused)
	if fault == store.Stopped || fault == store.Unreachable || fault == store.Unknown {
		return refused
	}
	if err := e.look(ctx); err == nil {
		files, err := e.bucket.exported(ctx, e.label.prefix)
		if err == nil && (isExporting(e.shown.Status) || e.label.whole(files, e.label.prefix)) {
			return nil
		}
	}
	if !known {
		if err := e.bucket.drop(ctx, key); err != nil {
			return fmt.Errorf("%w (and its mark is left in bucket %s: %w)", refused, e.bucket.name, err)
		}
	}
	return e.bucket.notGranted(refused)
}

// notGranted says what to grant where ElastiCache says that it may not use the bucket.
func (b *bucket) notGranted(err error) error {
	text := store.Brief(err)
	switch {
	case strings.Contains(text, "has not been granted"):
		return &store.Error{Doing: "export to bucket " + b.name, Fault: store.Denied, Err: err, Remedy: "add to the policy of bucket " + b.name + ": " + b.statement()}
	case strings.Contains(text, "unable to validate the authenticated user"):
		return &store.Error{
			Doing: "export to bucket " + b.name, Fault: store.Denied, Err: err,
			Remedy: "grant the role s3:ListAllMyBuckets, and on the bucket s3:GetBucketLocation, s3:ListBucket, s3:PutObject, s3:GetObject and s3:DeleteObject",
		}
	case strings.Contains(text, "outside of the region"), strings.Contains(text, "not owned by"), strings.Contains(text, "does not exist"):
		return &store.Error{
			Doing: "export to bucket " + b.name, Fault: store.Invalid, Err: err,
			Remedy: fmt.Sprintf("name a bucket of account %s in Region %s for site %s", b.site.Account, b.site.Region, b.site.Name),
		}
	}
	return err
}
