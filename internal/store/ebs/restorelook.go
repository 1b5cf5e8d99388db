package ebs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// errGone: the instance is not there any more.
var errGone = errors.New("the instance is gone")

// gone is after how long a volume that does not show is there no more. What was made
// just now may take some seconds to show.
const gone = 2 * time.Minute

// view is what bears the mark of a restore.
type view struct {
	// news are the new volumes by the snapshots that they are made of.
	news map[string]*types.Volume
	// olds are the old ones by their ids.
	olds map[string]*types.Volume
}

// look finds what bears the mark of a restore, by one call.
func (w *worker) look(ctx context.Context, j job) (view, error) {
	found, err := w.listVolumes(ctx, types.Filter{Name: aws.String("tag:" + dr.TagRestore), Values: []string{literal(j.id)}})
	if err != nil {
		return view{}, err
	}
	v := view{map[string]*types.Volume{}, map[string]*types.Volume{}}
	for i := range found {
		switch x := &found[i]; {
		case x.State == types.VolumeStateDeleting || x.State == types.VolumeStateDeleted:
		case plainTags(x.Tags)[dr.TagRole] == dr.RoleNew:
			v.news[aws.ToString(x.SnapshotId)] = x
		default:
			v.olds[aws.ToString(x.VolumeId)] = x
		}
	}
	return v, nil
}

// complete reports whether all new volumes are there and can be used.
func (v view) complete(j job) bool {
	for _, s := range j.swaps {
		if x := v.news[s.snapshot]; x == nil || x.State != types.VolumeStateAvailable && x.State != types.VolumeStateInUse {
			return false
		}
	}
	return true
}

// exchanged reports whether all new volumes are attached where they belong.
func (v view) exchanged(j job) bool {
	for _, s := range j.swaps {
		if x := v.news[s.snapshot]; x == nil || !sits(x, j.instance, s.device) {
			return false
		}
	}
	return true
}

// sits reports whether a volume is attached to an instance as a device.
func sits(v *types.Volume, instance, device string) bool {
	for _, at := range v.Attachments {
		if aws.ToString(at.InstanceId) == instance && aws.ToString(at.Device) == device && at.State == types.VolumeAttachmentStateAttached {
			return true
		}
	}
	return false
}

// on gives how a volume is attached; nil where it is not.
func on(v *types.Volume) *types.VolumeAttachment {
	for i := range v.Attachments {
		if v.Attachments[i].State != types.VolumeAttachmentStateDetached {
			return &v.Attachments[i]
		}
	}
	return nil
}

// host looks at the instance.
func (w *worker) host(ctx context.Context, j job) (*types.Instance, error) {
	found, err := w.listInstances(ctx, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("instance-id"), Values: []string{j.instance}}}, MaxResults: aws.Int32(pageSize),
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || stateOf(&found[0]) == types.InstanceStateNameTerminated || stateOf(&found[0]) == types.InstanceStateNameShuttingDown {
		return nil, saga.Hopeless(fmt.Errorf("%w: %s", errGone, j.instance))
	}
	return &found[0], nil
}

// Probe looks how far a step has come. What comes after the new volumes are made only
// counts as done when they are there: that an instance is stopped, or a volume not
// attached, may have been somebody else.
func (w *worker) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	j, err := jobIn(st)
	if err != nil {
		return saga.Progress{}, err
	}
	switch st.Op {
	case opMark:
		return w.probeMark(ctx, j)
	case opKeep:
		return w.probeKeep(ctx, j)
	case opFinish:
		return w.probeFinish(ctx, j)
	}
	v, err := w.look(ctx, j)
	if err != nil {
		return saga.Progress{}, err
	}
	if st.Op == opCreate {
		return w.probeCreate(v, j)
	}
	if !v.complete(j) {
		return saga.Progress{State: saga.NotBegun, Note: "the new volumes are not there"}, nil
	}
	switch st.Op {
	case opDetach:
		return probeDetach(v, j), nil
	case opAttach:
		return probeAttach(v, j), nil
	case opEnds:
		return probeEnds(v, j), nil
	}
	return w.probeHost(ctx, v, j, st)
}

func did(done bool, note string) saga.Progress {
	if done {
		return saga.Progress{State: saga.Done, Note: note}
	}
	return saga.Progress{State: saga.NotBegun, Note: note}
}

func (w *worker) probeMark(ctx context.Context, j job) (saga.Progress, error) {
	in, err := w.host(ctx, j)
	if err != nil {
		return saga.Progress{}, err
	}
	olds, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return saga.Progress{}, err
	}
	all := plainTags(in.Tags)[dr.TagRestore] == j.id && len(olds) == len(j.olds())
	for i := range olds {
		all = all && plainTags(olds[i].Tags)[dr.TagRestore] == j.id
	}
	return did(all, string(stateOf(in))), nil
}

// probeCreate looks at the new volumes. One that was there and is no more will not come
// back: EC2 removes a volume without a word when it cannot use the key (Amazon EC2 API
// Reference, CreateVolume, KmsKeyId: "the action can appear to complete, but eventually
// fails").
func (w *worker) probeCreate(v view, j job) (saga.Progress, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	missing, creating := 0, 0
	for _, s := range j.swaps {
		x := v.news[s.snapshot]
		switch {
		case x == nil:
			missing++
			if was, ok := w.made[s.snapshot]; ok && time.Since(was.at) >= gone {
				return saga.Progress{}, saga.Hopeless(vanished(s, was.volume))
			}
			continue
		case x.State == types.VolumeStateError:
			return saga.Progress{}, saga.Hopeless(fmt.Errorf("the new volume %s of %s is in state error", aws.ToString(x.VolumeId), s.snapshot))
		case x.State == types.VolumeStateCreating:
			creating++
		}
		w.made[s.snapshot] = known{aws.ToString(x.VolumeId), time.Now()}
	}
	note := fmt.Sprintf("%d of %d there", len(j.swaps)-missing-creating, len(j.swaps))
	switch {
	case missing > 0:
		return saga.Progress{State: saga.NotBegun, Note: note}, nil
	case creating > 0:
		return saga.Progress{State: saga.Underway, Note: "creating, " + note}, nil
	}
	return saga.Progress{State: saga.Done, Note: note}, nil
}

func vanished(s swapped, volume string) error {
	return &store.Error{
		Doing: "make a volume of " + s.snapshot, Fault: store.Denied, Err: fmt.Errorf("EC2 accepted it as %s and removed it again, which it does where it cannot use the KMS key", volume),
		Remedy: "look whether the snapshot's key is enabled, and whether the role may use it (kms:CreateGrant, kms:Decrypt, kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt*)",
	}
}

func probeDetach(v view, j job) saga.Progress {
	state := saga.Done
	for _, s := range j.swaps {
		x := v.olds[s.old]
		if x == nil {
			continue
		}
		switch at := on(x); {
		case at == nil:
		case at.State == types.VolumeAttachmentStateAttached || at.State == types.VolumeAttachmentStateAttaching:
			return saga.Progress{State: saga.NotBegun, Note: s.old + " is " + string(at.State)}
		default:
			state = saga.Underway
		}
	}
	return saga.Progress{State: state, Note: "detaching"}
}

func probeAttach(v view, j job) saga.Progress {
	state := saga.Done
	for _, s := range j.swaps {
		x := v.news[s.snapshot]
		switch at := on(x); {
		case at == nil:
			return saga.Progress{State: saga.NotBegun, Note: aws.ToString(x.VolumeId) + " is " + string(x.State)}
		case !sits(x, j.instance, s.device):
			state = saga.Underway
		}
	}
	return saga.Progress{State: state, Note: "attaching"}
}

func probeEnds(v view, j job) saga.Progress {
	if !v.exchanged(j) {
		return did(false, "not attached")
	}
	for _, s := range j.ending() {
		if at := on(v.news[s.snapshot]); at == nil || !aws.ToBool(at.DeleteOnTermination) {
			return did(false, "to be set")
		}
	}
	return did(true, "set")
}

// probeHost looks at the instance: whether it is stopped, runs again and is well.
func (w *worker) probeHost(ctx context.Context, v view, j job, st saga.Step) (saga.Progress, error) {
	if st.Op != opStop && !v.exchanged(j) {
		return did(false, "the new volumes are not attached"), nil
	}
	in, err := w.host(ctx, j)
	if err != nil {
		return saga.Progress{}, err
	}
	state := stateOf(in)
	switch {
	case st.Op == opStop:
		return saga.Progress{State: stopping(state), Note: string(state)}, nil
	case st.Op == opStart:
		return probeStart(in)
	case state != types.InstanceStateNameRunning:
		return did(false, string(state)), nil
	}
	return w.probeHealthy(ctx, j)
}

func stopping(state types.InstanceStateName) saga.State {
	switch state {
	case types.InstanceStateNameStopped:
		return saga.Done
	case types.InstanceStateNameStopping:
		return saga.Underway
	case types.InstanceStateNamePending:
		return saga.NotYet
	case types.InstanceStateNameRunning, types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
	}
	return saga.NotBegun
}

// probeStart looks whether the instance runs. One that stopped again by itself says why
// (Amazon EC2 User Guide, "Troubleshoot instance launch issues": Client.InternalError
// for a volume whose key cannot be used).
func probeStart(in *types.Instance) (saga.Progress, error) {
	state := stateOf(in)
	note := string(state)
	switch state {
	case types.InstanceStateNameRunning:
		return saga.Progress{State: saga.Done, Note: note}, nil
	case types.InstanceStateNamePending:
		return saga.Progress{State: saga.Underway, Note: note}, nil
	case types.InstanceStateNameStopping:
		return saga.Progress{State: saga.NotYet, Note: note}, nil
	case types.InstanceStateNameStopped, types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
	}
	if in.StateReason != nil && strings.Contains(aws.ToString(in.StateReason.Code), "InternalError") {
		return saga.Progress{}, saga.Hopeless(&store.Error{
			Doing: "start " + aws.ToString(in.InstanceId), Fault: store.Invalid, Err: fmt.Errorf("it stopped again: %s", aws.ToString(in.StateReason.Message)),
			Remedy: "look whether the keys of all its volumes can be used",
		})
	}
	return saga.Progress{State: saga.NotBegun, Note: note}, nil
}

// probeHealthy looks at the status checks.
func (w *worker) probeHealthy(ctx context.Context, j job) (saga.Progress, error) {
	got, err := w.ec2.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{j.instance}})
	if err != nil {
		return saga.Progress{}, fmt.Errorf("look at the status checks of %s: %w", j.instance, err)
	}
	if len(got.InstanceStatuses) == 0 {
		return did(false, "no status yet"), nil
	}
	is := got.InstanceStatuses[0]
	note, ok := "", true
	for _, check := range []*types.InstanceStatusSummary{is.InstanceStatus, is.SystemStatus} {
		if check != nil && check.Status != types.SummaryStatusOk {
			ok, note = false, string(check.Status)
		}
	}
	if ok {
		return did(true, "ok"), nil
	}
	return saga.Progress{State: saga.Underway, Note: note}, nil
}

// probeKeep: an old volume that somebody deleted is not waited for, if the new ones
// have its place.
func (w *worker) probeKeep(ctx context.Context, j job) (saga.Progress, error) {
	olds, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return saga.Progress{}, err
	}
	for i := range olds {
		tags := plainTags(olds[i].Tags)
		if tags[dr.TagExpires] != j.until || tags[dr.TagReplaced] == "" || tags[dr.TagRestore] != "" {
			return did(false, "not tagged"), nil
		}
	}
	if len(olds) > 0 {
		return did(true, "tagged"), nil
	}
	v, err := w.look(ctx, j)
	return did(err == nil && v.exchanged(j), "there are none"), err
}

func (w *worker) probeFinish(ctx context.Context, j job) (saga.Progress, error) {
	done, err := w.finished(ctx, j)
	if err != nil {
		return saga.Progress{}, err
	}
	made := map[string]bool{}
	for i := range done {
		if plainTags(done[i].Tags)[dr.TagRestore] == "" {
			made[aws.ToString(done[i].SnapshotId)] = true
		}
	}
	if len(made) < len(j.swaps) || j.instance == "" {
		return did(len(made) == len(j.swaps), "the marks are on"), nil
	}
	in, err := w.host(ctx, j)
	if err != nil {
		return saga.Progress{}, err
	}
	return did(plainTags(in.Tags)[dr.TagRestore] != j.id, "the marks are off"), nil
}

// finished lists what says that a restore has made it.
func (w *worker) finished(ctx context.Context, j job) ([]types.Volume, error) {
	return w.listVolumes(ctx, types.Filter{Name: aws.String("tag:" + dr.TagRestored), Values: []string{literal(j.id)}})
}
