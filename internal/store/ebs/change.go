package ebs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var (
	// errNotThere: no snapshot bears the name.
	errNotThere = errors.New("there is no such snapshot")
	// errPending: AWS would delete it when it is done, which may take hours, in
	// which it still counts against the volume's limit.
	errPending = errors.New("it is still being made")
)

// find looks for a recovery point by its name, or for a single snapshot by its id.
// taken, when it is not zero, must be its time: names of duplicates change when
// one of them goes, and to do a thing twice must not strike the other.
func (r region) find(ctx context.Context, name string, taken time.Time) (dr.Snapshot, error) {
	var all []dr.Snapshot
	var err error
	if strings.HasPrefix(name, "snap-") {
		all, err = r.list(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, SnapshotIds: []string{name}})
	} else {
		base, _, _ := strings.Cut(name, again)
		all, err = r.marked(ctx, pattern(base))
	}
	if err != nil {
		return dr.Snapshot{}, err
	}
	match := func(x dr.Snapshot) bool { return x.Ref.ID == name && (taken.IsZero() || x.Taken.Equal(taken)) }
	i := slices.IndexFunc(all, match)
	if i < 0 && !taken.IsZero() { // A duplicate that has moved up. All copies of one original have its time.
		i = slices.IndexFunc(all, func(x dr.Snapshot) bool { return x.Taken.Equal(taken) && x.Claim.Origin == "" })
	}
	if i < 0 {
		return dr.Snapshot{}, fmt.Errorf("%w: %s", errNotThere, name)
	}
	return all[i], nil
}

// marked lists the recovery points of which the marks match one of the patterns.
func (r region) marked(ctx context.Context, patterns ...string) ([]dr.Snapshot, error) {
	return r.list(ctx, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{Name: aws.String("tag:" + dr.TagSet), Values: patterns}},
	})
}

// doomed gives the members that a delete is about: those that the last look just saw,
// or else those of what bears the name, if it is still what the delete was meant for.
func (r region) doomed(ctx context.Context, a plan.Action) ([]string, error) {
	if len(a.Members) > 0 {
		return a.Members, nil
	}
	there, err := r.find(ctx, a.Name, a.Taken)
	switch {
	case classify(err) == store.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case a.Claim.Ours() && !there.Claim.Is(a.Claim) || there.Claim.Keep && !a.Claim.Keep:
		return nil, &store.Error{
			Doing: "look at it before deleting it", Fault: store.Conflict, Err: errors.New("its claim is not the one that was planned with, or it is held by now"),
			Remedy: "nothing: the next run plans with what it is now",
		}
	case there.State == dr.Pending:
		return nil, errPending
	}
	return there.Members, nil
}

// remove deletes all members. One that an AMI uses stays, and does not keep the
// others.
func (r region) remove(ctx context.Context, a plan.Action) error {
	members, err := r.doomed(ctx, a)
	if err != nil {
		return err
	}
	var used []string
	var cause error
	for _, id := range members {
		_, err := r.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String(id)})
		switch fault := classify(err); {
		case err == nil, fault == store.NotFound:
		case fault == store.Conflict:
			used, cause = append(used, id), err
		default:
			return fmt.Errorf("delete %s: %w", id, err)
		}
	}
	if len(used) == 0 {
		return nil
	}
	return &store.Error{
		Doing: "delete " + strings.Join(used, ", "), Fault: store.Conflict, Err: cause,
		Remedy: "deregister the AMI that uses it, or hold the snapshot",
	}
}

func (r region) hold(ctx context.Context, a plan.Action) error {
	there, err := r.find(ctx, a.Name, a.Taken)
	if err != nil {
		return err
	}
	_, err = r.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: there.Members, Tags: []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}},
	})
	return err
}

// release lifts the hold, whatever the value of its tag.
func (r region) release(ctx context.Context, a plan.Action) error {
	there, err := r.find(ctx, a.Name, a.Taken)
	if err != nil {
		return err
	}
	_, err = r.DeleteTags(ctx, &ec2.DeleteTagsInput{
		Resources: there.Members, Tags: []types.Tag{{Key: aws.String(dr.TagKeep)}},
	})
	return err
}

// adopt writes a claim on what another tool made and nobody has claimed. It has no
// name of ours, and is known by its own id.
func (r region) adopt(ctx context.Context, a plan.Action) error {
	there, err := r.find(ctx, a.Name, a.Taken)
	switch {
	case err != nil:
		return err
	case there.Claim.Is(a.Claim):
		return nil
	case there.Claim.Ours() || there.Flaw != "":
		return &store.Error{
			Doing: "adopt " + a.Name, Fault: store.Conflict, Err: errors.New("it bears a claim already"),
			Remedy: "release it from who claimed it first: its holdfast: tags say who that is",
		}
	}
	_, err = r.CreateTags(ctx, &ec2.CreateTagsInput{Resources: there.Members, Tags: sdkTags(a.Claim.Tags())})
	return err
}
