package ebs

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// claim marks the instance and the volumes that are to be replaced, if all is still as
// it was planned with: between a plan and its beginning somebody is asked, and may take
// any time to answer. CreateTags writes over what is there, so another restore's mark
// has to be looked for before.
func (w *worker) claim(ctx context.Context, j job) error {
	in, err := w.host(ctx, j)
	if err != nil {
		return err
	}
	if other := plainTags(in.Tags)[dr.TagRestore]; other != "" && other != j.id {
		return j.taken(other)
	}
	there, err := w.listVolumes(ctx, types.Filter{Name: aws.String("attachment.instance-id"), Values: []string{j.instance}})
	if err != nil {
		return err
	}
	for _, s := range j.swaps {
		if err := j.asPlanned(s, there); err != nil {
			return err
		}
	}
	return w.tag(ctx, j.marked(), j.mark(dr.RoleOld))
}

// asPlanned looks whether the volume that is to be replaced is the one that is attached
// now.
func (j job) asPlanned(s swapped, there []types.Volume) error {
	is := ""
	for i := range there {
		for _, at := range there[i].Attachments {
			if aws.ToString(at.InstanceId) != j.instance || aws.ToString(at.Device) != s.device || at.State == types.VolumeAttachmentStateDetached {
				continue
			}
			is = aws.ToString(there[i].VolumeId)
			if other := plainTags(there[i].Tags)[dr.TagRestore]; other != "" && other != j.id {
				return j.taken(other)
			}
		}
	}
	if is == s.old {
		return nil
	}
	return &store.Error{
		Doing: "begin restore " + j.id + " of " + j.instance, Fault: store.Conflict,
		Err:    fmt.Errorf("attached as %s is %s now, and it was planned with %s", s.device, orNone(is), orNone(s.old)),
		Remedy: "look what has changed it, and plan the restore anew",
	}
}

func (j job) taken(other string) error {
	return &store.Error{
		Doing: "change the volumes of " + j.instance, Fault: store.Conflict, Err: fmt.Errorf("restore %s of it is under way", other),
		Remedy: "`holdfast restore list` shows it; plan anew when it is over",
	}
}

// another gives the restore that has marked the instance since; empty where there is
// none. Of two that mark it at the same moment the later one has it.
func (w *worker) another(ctx context.Context, j job) (string, error) {
	if j.instance == "" {
		return "", nil
	}
	in, err := w.host(ctx, j)
	if errors.Is(err, errGone) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if id := plainTags(in.Tags)[dr.TagRestore]; id != j.id {
		return id, nil
	}
	return "", nil
}

// left reports whether the undoing of a step is no affair of this restore any more: the
// instance has become another's.
func (w *worker) left(ctx context.Context, j job, op string) (bool, error) {
	switch op {
	case opStop, opStart, opDetach:
		other, err := w.another(ctx, j)
		return other != "", err
	}
	return false, nil
}
