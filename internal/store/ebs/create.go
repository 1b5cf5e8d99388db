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
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var (
	// errUseless: it failed, or nobody knows what it is worth.
	errUseless = errors.New("an earlier snapshot for the same slot has this name")
	// errNoInstance: what was to be taken is gone.
	errNoInstance = errors.New("there is no such instance")
	// errMoved: what is to be taken together is no longer together.
	errMoved = errors.New("the volumes of the instance are others than when this was planned")
)

// visible is how long what was made may take to show (Amazon EC2 API Reference,
// "Ensuring idempotency", "Eventual consistency"). After an answer that was lost
// it is waited for before anything is made again.
const visible = 5 * time.Second

// create takes the snapshots of one recovery point, their claim written with the
// same call. There is no token that would make two calls one: so it is looked for
// before each try, and the SDK does not try by itself. Before the first try the
// look that was made for many does, if there is one.
func (d *Driver) create(ctx context.Context, r region, a plan.Action, seen *glance) error {
	before, end, err := d.turns.take(ctx, a.To.String()+"\x00"+a.Name)
	if err != nil {
		return err
	}
	defer end()
	if !seen.usable(before) {
		seen = nil
	}
	for try := 1; ; try++ {
		there, err := r.findOn(ctx, seen, a.Name)
		switch {
		case err == nil:
			return judge(there, a)
		case classify(err) != store.NotFound:
			return err
		}
		if err = r.take(ctx, a, seen); err == nil {
			return nil
		}
		if try >= r.retries.MaxAttempts() || !r.retries.IsErrorRetryable(err) {
			return err
		}
		if waitErr := r.wait(ctx, try, err); waitErr != nil {
			return waitErr
		}
		seen = nil // It does not show what the lost call made.
	}
}

// findOn looks for a recovery point on a look that was made already, or anew.
func (r region) findOn(ctx context.Context, seen *glance, name string) (dr.Snapshot, error) {
	if seen != nil {
		return seen.find(name)
	}
	return r.find(ctx, name, time.Time{})
}

// wait waits before the next try, long enough for what the last one may have made
// to show.
func (r region) wait(ctx context.Context, try int, failed error) error {
	delay, err := r.retries.RetryDelay(try, failed)
	if err != nil {
		return failed
	}
	if classify(failed) != store.Throttled {
		delay = max(delay, visible)
	}
	return pause(ctx, delay)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// judge says whether what is there is what was to be made.
func judge(there dr.Snapshot, a plan.Action) error {
	switch {
	case there.Flaw != "":
		return &store.Error{
			Doing: "look whether it is there", Fault: store.Conflict, Err: fmt.Errorf("there is one of this name, but %s", there.Flaw),
			Remedy: "repair or remove the holdfast: tags of the snapshots " + fmt.Sprint(there.Members),
		}
	case !there.Claim.Is(a.Claim):
		return &store.Error{Doing: "look whether it is there", Fault: store.Conflict, Err: errors.New("there is one of this name with another claim")}
	case there.State != dr.Good && there.State != dr.Pending:
		return fmt.Errorf("%w: it is %s", errUseless, there.Status)
	}
	return nil
}

// once keeps the SDK from trying again by itself.
func once(o *ec2.Options) { o.Retryer = aws.NopRetryer{} }

// take makes the snapshots with one call.
func (r region) take(ctx context.Context, a plan.Action, seen *glance) error {
	if isInstance(a.From.ID) {
		return r.takeInstance(ctx, a, seen)
	}
	_, err := r.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
		VolumeId: aws.String(a.From.ID), Description: aws.String(describeVolume(a)), TagSpecifications: tagsOf(a, mark{a.Name, 1, a.Claim.Set}, ""),
	}, once)
	return err
}

func (r region) takeInstance(ctx context.Context, a plan.Action, seen *glance) error {
	c, err := r.choose(ctx, a, seen)
	if err != nil {
		return err
	}
	made, err := r.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
		InstanceSpecification: c.specification(a.From.ID), Description: aws.String(describeInstance(a, c.taken)),
		TagSpecifications: tagsOf(a, mark{a.Name, len(c.taken), a.Claim.Set}, ""),
	}, once)
	if err != nil {
		return err
	}
	return r.trim(ctx, c, made.Snapshots)
}

// trim deletes what was taken of volumes that were attached between the look and the
// call: nobody asked for it, and counted into the set it would stand in for one that
// is missing.
func (r region) trim(ctx context.Context, c choice, made []types.SnapshotInfo) error {
	for i := range made {
		if slices.ContainsFunc(c.taken, func(d device) bool { return d.volume == aws.ToString(made[i].VolumeId) }) {
			continue
		}
		id := aws.ToString(made[i].SnapshotId)
		if _, err := r.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)}); err != nil && classify(err) != store.NotFound {
			return fmt.Errorf("delete %s, just taken of %s, which was attached meanwhile: %w", id, aws.ToString(made[i].VolumeId), err)
		}
	}
	return nil
}
