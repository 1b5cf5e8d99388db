package ebs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var (
	// errIncomplete: the new volumes are not all there.
	errIncomplete = errors.New("not all new volumes are there")
	// errRuns: volumes are changed under no instance that runs.
	errRuns = errors.New("the instance is not stopped: somebody started it")
)

// Do begins a step.
func (w *worker) Do(ctx context.Context, st saga.Step) error {
	defer w.touch()
	j, err := jobIn(st)
	if err != nil {
		return err
	}
	switch st.Op {
	case opMark:
		return w.claim(ctx, j)
	case opHealthy:
		return nil
	case opFinish:
		return w.finish(ctx, j)
	}
	v, err := w.look(ctx, j)
	if err != nil {
		return err
	}
	if st.Op == opCreate {
		return w.create(ctx, v, j, st)
	}
	if !v.complete(j) {
		return errIncomplete
	}
	return w.exchange(ctx, v, j, st.Op)
}

// exchange begins a step that changes the instance or its volumes.
func (w *worker) exchange(ctx context.Context, v view, j job, op string) error {
	if other, err := w.another(ctx, j); err != nil {
		return err
	} else if other != "" {
		return j.taken(other)
	}
	switch op {
	case opStop:
		return w.stop(ctx, j)
	case opDetach:
		return w.detachOld(ctx, v, j)
	case opAttach:
		return w.attachNew(ctx, v, j)
	case opEnds:
		return w.setEnds(ctx, j, j.ending(), true)
	case opStart:
		return w.start(ctx, j)
	case opKeep:
		return w.keep(ctx, v, j)
	}
	return fmt.Errorf("ebs cannot %s", op)
}

func (j job) mark(role string) dr.Tags { return dr.RestoreMark(j.id, role, dr.Config(j.request)) }

func (w *worker) tag(ctx context.Context, ids []string, tags dr.Tags) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := w.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids, Tags: sdkTags(tags)})
	return err
}

func (w *worker) untag(ctx context.Context, ids, keys []string) error {
	if len(ids) == 0 {
		return nil
	}
	tags := make([]types.Tag, len(keys))
	for i, k := range keys {
		tags[i] = types.Tag{Key: aws.String(k)}
	}
	_, err := w.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: ids, Tags: tags})
	return err
}

// create makes the new volumes that are missing, with their mark.
func (w *worker) create(ctx context.Context, v view, j job, st saga.Step) error {
	settings, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return err
	}
	captured, err := dr.Config(st.Args["tags"]).Settings()
	if err != nil {
		return err
	}
	olds, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return err
	}
	for _, s := range j.swaps {
		if v.news[s.snapshot] != nil {
			continue
		}
		tags := newTags(olds, s, captured)
		if !j.inPlace {
			tags["Name"] = j.name
		}
		maps.Copy(tags, j.mark(dr.RoleNew))
		made, err := w.ec2.CreateVolume(ctx, volumeInput(j, s, settings, st.Args["copy"] == "", tags))
		if err != nil {
			return explainCreate(s, err)
		}
		w.mu.Lock()
		w.made[s.snapshot] = known{aws.ToString(made.VolumeId), time.Now()}
		w.mu.Unlock()
	}
	return nil
}

// volumeInput asks for a volume as the old one was. Of a copy, which is under another
// key, EC2 takes the key that the copy is under.
func volumeInput(j job, s swapped, settings map[string]string, sameKey bool, tags dr.Tags) *ec2.CreateVolumeInput {
	is := func(name string) string { return settings[s.prefix()+name] }
	in := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(j.zone), SnapshotId: aws.String(s.snapshot), VolumeType: types.VolumeType(volumeType(settings, s)),
		Size: whole(is("gib")), ClientToken: aws.String(token(j, s)),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeVolume, Tags: sdkTags(tags)}},
	}
	switch in.VolumeType {
	case types.VolumeTypeGp3:
		in.Iops, in.Throughput = whole(is("iops")), whole(is("throughput"))
	case types.VolumeTypeIo1, types.VolumeTypeIo2:
		in.Iops = whole(is("iops"))
	case types.VolumeTypeGp2, types.VolumeTypeSt1, types.VolumeTypeSc1, types.VolumeTypeStandard: // It follows from the size.
	}
	if key := is("key"); key != "" && sameKey {
		in.Encrypted, in.KmsKeyId = aws.Bool(true), aws.String(key)
	}
	if is("multi") != "" {
		in.MultiAttachEnabled = aws.Bool(true)
	}
	return in
}

func volumeType(settings map[string]string, s swapped) string {
	if kind := settings[s.prefix()+"type"]; kind != "" && s.number != noNumber+s.snapshot {
		return kind
	}
	return string(types.VolumeTypeGp3)
}

func whole(text string) *int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil
	}
	return aws.Int32(int32(n))
}

// token makes two calls for the same volume of the same restore one.
func token(j job, s swapped) string {
	sum := sha256.Sum256([]byte(j.id + "\x00" + s.snapshot))
	return hex.EncodeToString(sum[:])
}

// explainCreate says what can be done about a volume that EC2 does not make.
func explainCreate(s swapped, err error) error {
	e := &store.Error{Doing: "make a volume of " + s.snapshot, Fault: classify(err), Err: err}
	if e.Fault == store.Quota {
		e.Remedy = "delete volumes that nobody needs, or ask AWS for more storage of this type (Service Quotas, Amazon EBS)"
	}
	return e
}

// explainPower says what can be done about an instance that does not stop or start.
func explainPower(doing string, j job, err error) error {
	if err == nil {
		return nil
	}
	e := &store.Error{Doing: doing + " " + j.instance, Fault: classify(err), Err: err}
	switch {
	case hasCode(err, "InsufficientInstanceCapacity"):
		e.Remedy = "AWS has no room for it in its zone now: wait, or start it as another type"
	case hasCode(err, "OperationNotPermitted"):
		e.Remedy = "lift its stop protection (attribute disableApiStop)"
	}
	return e
}

func (w *worker) stop(ctx context.Context, j job) error {
	_, err := w.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{j.instance}})
	return explainPower("stop", j, err)
}

func (w *worker) start(ctx context.Context, j job) error {
	_, err := w.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{j.instance}})
	return explainPower("start", j, err)
}

// detachOld detaches the old volumes of an instance that is stopped: nothing writes on
// them then.
func (w *worker) detachOld(ctx context.Context, v view, j job) error {
	in, err := w.host(ctx, j)
	if err != nil {
		return err
	}
	if stateOf(in) != types.InstanceStateNameStopped {
		return errRuns
	}
	for _, s := range j.swaps {
		if x := v.olds[s.old]; x != nil {
			if err := w.detach(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// detach detaches a volume, if it is attached.
func (w *worker) detach(ctx context.Context, v *types.Volume) error {
	at := on(v)
	if at == nil || at.State == types.VolumeAttachmentStateDetaching {
		return nil
	}
	if _, err := w.ec2.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: v.VolumeId, InstanceId: at.InstanceId}); err != nil {
		return fmt.Errorf("detach %s: %w", aws.ToString(v.VolumeId), err)
	}
	return nil
}

func (w *worker) attachNew(ctx context.Context, v view, j job) error {
	for _, s := range j.swaps {
		if x := v.news[s.snapshot]; on(x) == nil {
			if err := w.attach(ctx, x, j, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *worker) attach(ctx context.Context, v *types.Volume, j job, s swapped) error {
	_, err := w.ec2.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: v.VolumeId, InstanceId: aws.String(j.instance), Device: aws.String(s.device)})
	if err != nil {
		return fmt.Errorf("attach %s to %s as %s: %w", aws.ToString(v.VolumeId), j.instance, s.device, err)
	}
	return nil
}

// setEnds says of volumes whether they go when the instance is terminated.
func (w *worker) setEnds(ctx context.Context, j job, which []swapped, ends bool) error {
	var all []types.InstanceBlockDeviceMappingSpecification
	for _, s := range which {
		all = append(all, types.InstanceBlockDeviceMappingSpecification{
			DeviceName: aws.String(s.device), Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(ends)},
		})
	}
	_, err := w.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String(j.instance), BlockDeviceMappings: all})
	if err != nil {
		return fmt.Errorf("say of the volumes of %s whether they go with it: %w", j.instance, err)
	}
	return nil
}

// keep says on the old volumes until when they are kept and by what they were replaced,
// and takes their marks off. It does so only while the new ones have their places.
func (w *worker) keep(ctx context.Context, v view, j job) error {
	if !v.exchanged(j) {
		return fmt.Errorf("%w: they are not attached to %s", errIncomplete, j.instance)
	}
	there, err := w.volumesByID(ctx, j.olds())
	if err != nil {
		return err
	}
	var ids []string
	for _, s := range j.swaps {
		if find(there, s.old) == nil {
			continue
		}
		ids = append(ids, s.old)
		kept := dr.Tags{dr.TagExpires: j.until, dr.TagKeeper: j.owner, dr.TagReplaced: aws.ToString(v.news[s.snapshot].VolumeId)}
		if err := w.tag(ctx, []string{s.old}, kept); err != nil {
			return fmt.Errorf("keep %s: %w", s.old, err)
		}
	}
	return w.untag(ctx, ids, j.mark(dr.RoleOld).RestoreMarkKeys())
}

// finish takes the marks off what is new, and off the instance.
func (w *worker) finish(ctx context.Context, j job) error {
	v, err := w.look(ctx, j)
	if err != nil {
		return err
	}
	var ids []string
	for _, x := range v.news {
		ids = append(ids, aws.ToString(x.VolumeId))
	}
	slices.Sort(ids)
	if err := w.tag(ctx, ids, dr.Tags{dr.TagRestored: j.id}); err != nil {
		return err
	}
	if j.instance != "" {
		ids = append(ids, j.instance)
	}
	return w.untag(ctx, ids, j.mark(dr.RoleNew).RestoreMarkKeys())
}
