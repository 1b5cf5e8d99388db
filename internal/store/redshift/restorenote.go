package redshift

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// opNote writes on the snapshot what is being restored from it. Where something is
// restored under a new name there is no old one to bear the mark, and the new one has no
// tags until after it was made: a machine that dies in between would leave a cluster of
// which nobody knows what it was to become. The note goes when the new one is marked.
const opNote = "note"

// roleSource is the role of the snapshot.
const roleSource = "source"

// noted reads the snapshot, and reports whether it bears the note of a restore.
func (w warehouses) noted(ctx context.Context, st saga.Step) (bool, dr.Snapshot, error) {
	out, err := w.api.DescribeClusterSnapshots(ctx, &redshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: aws.String(st.Args["snapshot"])})
	switch {
	case isGone(err), err == nil && len(out.Snapshots) == 0:
		return false, dr.Snapshot{}, nil
	case err != nil:
		return false, dr.Snapshot{}, fmt.Errorf("look at snapshot %s: %w", st.Args["snapshot"], err)
	}
	s := snapshot(w.site, &out.Snapshots[0])
	s.Tags = plainTags(out.Snapshots[0].Tags)
	return s.Tags[dr.TagRestore] == st.Args["id"] && s.Tags[dr.TagRole] == roleSource, s, nil
}

func (w warehouses) probeNote(ctx context.Context, st saga.Step) (saga.Progress, error) {
	noted, s, err := w.noted(ctx, st)
	switch {
	case err != nil:
		return saga.Progress{}, err
	case noted:
		return saga.Progress{State: saga.Done, Note: s.Status}, nil
	}
	return saga.Progress{State: saga.NotBegun, Note: s.Status}, nil
}

// note writes it, but not over that of another restore, which would be lost.
func (w warehouses) note(ctx context.Context, st saga.Step) error {
	_, s, err := w.noted(ctx, st)
	if err != nil {
		return err
	}
	switch other := s.Tags[dr.TagRestore]; {
	case s.ARN == "":
		return &store.Error{
			Doing: "note the restore on snapshot " + st.Args["snapshot"], Fault: store.NotFound, Err: fmt.Errorf("there is no such snapshot any more"),
			Remedy: "choose another recovery point (`holdfast snapshots` lists them)",
		}
	case other != "" && other != st.Args["id"]:
		return &store.Error{
			Doing: "note the restore on snapshot " + st.Args["snapshot"], Fault: store.Busy,
			Err:    fmt.Errorf("restore %s is just making another cluster of it", other),
			Remedy: "wait some minutes; if that restore was stopped, `holdfast restore resume " + other + "` or abort it",
		}
	}
	_, err = w.api.CreateTags(ctx, &redshift.CreateTagsInput{
		ResourceName: aws.String(s.ARN), Tags: allTags(dr.RestoreMark(st.Args["id"], roleSource, dr.Config(st.Args["request"]))),
	})
	return err
}

// forget takes the note off, if it is there.
func (w warehouses) forget(ctx context.Context, st saga.Step) error {
	noted, s, err := w.noted(ctx, st)
	if err != nil || !noted {
		return err
	}
	_, err = w.api.DeleteTags(ctx, &redshift.DeleteTagsInput{ResourceName: aws.String(s.ARN), TagKeys: s.Tags.RestoreMarkKeys()})
	return err
}
