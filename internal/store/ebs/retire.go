package ebs

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// errAttached: somebody uses it again.
var errAttached = errors.New("it is attached to an instance again")

// retire deletes an old volume that a restore left. Its tags are read again before: they
// still have to say what the plan saw. Instances are never deleted: a restore replaces
// none.
func (d *Driver) retire(ctx context.Context, a plan.Action) error {
	w, err := d.worker(ctx, a.From.Site)
	if err != nil {
		return err
	}
	found, err := w.volumesByID(ctx, []string{a.From.ID})
	if err != nil || len(found) == 0 {
		return err
	}
	v := &found[0]
	if v.State == types.VolumeStateDeleting || v.State == types.VolumeStateDeleted {
		return nil
	}
	if err := mayRetire(v, a); err != nil {
		return &store.Error{Doing: "delete " + a.From.ID, Fault: store.Conflict, Err: err, Remedy: "the next run looks again"}
	}
	_, err = w.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(a.From.ID)})
	if classify(err) == store.NotFound {
		return nil
	}
	return err
}

func mayRetire(v *types.Volume, a plan.Action) error {
	tags := plainTags(v.Tags)
	for _, k := range [...]string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced} {
		if tags[k] == "" || tags[k] != a.Tags[k] {
			return fmt.Errorf("its tags have changed since it was looked at (%s)", k)
		}
	}
	if len(v.Attachments) > 0 {
		return errAttached
	}
	return nil
}
