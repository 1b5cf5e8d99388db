package ebs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
)

// Undo begins to take back a step. Only volumes that bear the mark of this very restore
// are ever deleted.
func (w *worker) Undo(ctx context.Context, st saga.Step) error {
	j, err := jobIn(st)
	if err != nil {
		return err
	}
	if left, err := w.left(ctx, j, st.Op); err != nil || left {
		return err
	}
	switch st.Op {
	case opMark:
		return w.unmark(ctx, j)
	case opCreate:
		return w.deleteNew(ctx, j)
	case opStop:
		return w.power(ctx, j, types.InstanceStateNameStopped, w.start)
	case opStart:
		return w.power(ctx, j, types.InstanceStateNameRunning, w.stop)
	case opDetach:
		return w.putBack(ctx, j)
	case opAttach:
		return w.takeOut(ctx, j)
	}
	return nil
}

// Undone looks whether a step is taken back. A look that shows what was before the step
// was begun would say so too early, and the rest would be taken back on top of it.
func (w *worker) Undone(ctx context.Context, st saga.Step) (bool, error) {
	j, err := jobIn(st)
	if err != nil {
		return false, err
	}
	undone, err := w.undone(ctx, j, st)
	return err == nil && undone && w.settled(), err
}

func (w *worker) undone(ctx context.Context, j job, st saga.Step) (bool, error) {
	if left, err := w.left(ctx, j, st.Op); err != nil || left {
		return left, err
	}
	switch st.Op {
	case opMark:
		bear, _, err := w.bearers(ctx, j)
		return err == nil && len(bear) == 0, err
	case opCreate:
		return w.noneNew(ctx, j)
	case opStop:
		return w.is(ctx, j, types.InstanceStateNameRunning)
	case opStart:
		return w.is(ctx, j, types.InstanceStateNameStopped)
	case opDetach:
		return w.isBack(ctx, j)
	case opAttach:
		v, err := w.look(ctx, j)
		return err == nil && v.detached(), err
	}
	return true, nil
}

// is reports whether the instance is in a state. One that is gone is in any.
func (w *worker) is(ctx context.Context, j job, state types.InstanceStateName) (bool, error) {
	in, err := w.host(ctx, j)
	if errors.Is(err, errGone) {
		return true, nil
	}
	return err == nil && stateOf(in) == state, err
}

// power does something to the instance if it is in a state.
func (w *worker) power(ctx context.Context, j job, from types.InstanceStateName, do func(context.Context, job) error) error {
	in, err := w.host(ctx, j)
	if errors.Is(err, errGone) {
		return nil
	}
	if err != nil || stateOf(in) != from {
		return err
	}
	return do(ctx, j)
}

// detached reports whether no new volume is attached to anything.
func (v view) detached() bool {
	for _, x := range v.news {
		if on(x) != nil {
			return false
		}
	}
	return true
}

func (w *worker) takeOut(ctx context.Context, j job) error {
	v, err := w.look(ctx, j)
	if err != nil {
		return err
	}
	return w.detachNew(ctx, v)
}

func (w *worker) detachNew(ctx context.Context, v view) error {
	for _, x := range v.news {
		if at := on(x); at != nil && at.State == types.VolumeAttachmentStateAttaching {
			continue // It cannot be detached before it is attached.
		}
		if err := w.detach(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// putBack attaches the old volumes where they were. A new one that was attached after
// all, which did not show when that was looked at, is taken out first.
func (w *worker) putBack(ctx context.Context, j job) error {
	v, err := w.look(ctx, j)
	if err != nil {
		return err
	}
	if !v.detached() {
		return w.detachNew(ctx, v)
	}
	olds, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return err
	}
	for _, s := range j.swaps {
		x := find(olds, s.old)
		if x == nil {
			continue
		}
		switch at := on(x); {
		case at == nil:
			err = w.attach(ctx, x, j, s)
		case sits(x, j.instance, s.device) && aws.ToBool(at.DeleteOnTermination) != s.oldEnds:
			err = w.setEnds(ctx, j, []swapped{s}, s.oldEnds)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isBack reports whether the old volumes are where they were.
func (w *worker) isBack(ctx context.Context, j job) (bool, error) {
	if in, err := w.host(ctx, j); errors.Is(err, errGone) {
		return true, nil
	} else if err != nil || in == nil {
		return false, err
	}
	olds, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return false, err
	}
	for _, s := range j.swaps {
		x := find(olds, s.old)
		if x == nil {
			continue
		}
		if at := on(x); at == nil || !sits(x, j.instance, s.device) || aws.ToBool(at.DeleteOnTermination) != s.oldEnds {
			return false, nil
		}
	}
	return true, nil
}

// deleteNew deletes the new volumes.
func (w *worker) deleteNew(ctx context.Context, j job) error {
	found, err := w.newOnes(ctx, j)
	if err != nil {
		return err
	}
	for i := range found {
		id := aws.ToString(found[i].VolumeId)
		if _, err := w.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(id)}); err != nil {
			return fmt.Errorf("delete %s, which restore %s made: %w", id, j.id, err)
		}
	}
	return nil
}

// newOnes lists all new volumes that a restore made and that are not on their way out.
func (w *worker) newOnes(ctx context.Context, j job) ([]types.Volume, error) {
	found, err := w.listVolumes(ctx,
		types.Filter{Name: aws.String("tag:" + dr.TagRestore), Values: []string{literal(j.id)}},
		types.Filter{Name: aws.String("tag:" + dr.TagRole), Values: []string{dr.RoleNew}})
	return slices.DeleteFunc(found, func(v types.Volume) bool {
		return v.State == types.VolumeStateDeleting || v.State == types.VolumeStateDeleted
	}), err
}

// noneNew reports whether no new volume is left.
func (w *worker) noneNew(ctx context.Context, j job) (bool, error) {
	found, err := w.newOnes(ctx, j)
	return err == nil && len(found) == 0, err
}

// touch notes that a step was begun, or that it was tried.
func (w *worker) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = time.Now()
}

// settled reports whether the step that was begun last has had the time to show.
func (w *worker) settled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.changed) >= visible
}

// bearers gives what bears the mark of the old, and the keys of all that a restore wrote
// there: a pivot that was begun and taken back leaves more than the mark.
func (w *worker) bearers(ctx context.Context, j job) (ids, keys []string, err error) {
	add := func(id string, tags dr.Tags) {
		if tags[dr.TagRestore] == j.id || tags[dr.TagExpires] == j.until && tags[dr.TagKeeper] == j.owner {
			ids = append(ids, id)
		}
	}
	in, err := w.host(ctx, j)
	if err != nil && !errors.Is(err, errGone) {
		return nil, nil, err
	}
	if in != nil {
		add(j.instance, plainTags(in.Tags))
	}
	olds, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return nil, nil, err
	}
	for i := range olds {
		add(aws.ToString(olds[i].VolumeId), plainTags(olds[i].Tags))
	}
	return ids, append([]string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced}, j.mark(dr.RoleOld).RestoreMarkKeys()...), nil
}

func (w *worker) unmark(ctx context.Context, j job) error {
	ids, keys, err := w.bearers(ctx, j)
	if err != nil {
		return err
	}
	return w.untag(ctx, ids, keys)
}
