package ebs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// errUnmarked: another run changed the mark of a share at the same time.
var errUnmarked = errors.New("the mark of the share was overwritten")

// share lets an account copy all members of a recovery point. The mark comes before
// the share, so that there is none of ours that nobody would take back. EC2 sets a tag
// without asking what it was, so after the share the mark is looked at again: another
// run may have marked the snapshots for another account at the same time.
func (d *Driver) share(ctx context.Context, r region, a plan.Action) error {
	_, end, err := d.turns.take(ctx, a.From.String())
	if err != nil {
		return err
	}
	defer end()
	admitted := false
	for try := range 3 {
		if try > 1 { // What was written may take a moment to show.
			if err := pause(ctx, visible); err != nil {
				return err
			}
		}
		there, err := r.claimed(ctx, a)
		if err != nil {
			return err
		}
		marked := slices.Contains(there.Shared, a.With)
		if marked && admitted {
			return nil
		}
		if !marked {
			if err := r.addShare(ctx, there, a.With); err != nil {
				return err
			}
		}
		if err := r.admit(ctx, there.Members, []string{a.With}, nil); err != nil {
			return explainShare(err)
		}
		admitted = true
	}
	return errUnmarked
}

// addShare marks all members as shared with an account.
func (r region) addShare(ctx context.Context, there dr.Snapshot, account string) error {
	if len(there.Shared) >= dr.MostShared {
		return &store.Error{
			Doing: "share it", Fault: store.Quota, Err: fmt.Errorf("it is shared with %d accounts already", len(there.Shared)),
			Remedy: "the mark has no room for more; shares are taken back when the copies are there, and the next run goes on",
		}
	}
	return r.markShared(ctx, there.Members, append(slices.Clone(there.Shared), account))
}

func (r region) markShared(ctx context.Context, members, accounts []string) error {
	_, err := r.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: members, Tags: []types.Tag{{Key: aws.String(dr.TagShared), Value: aws.String(dr.SharedTag(accounts))}},
	})
	return err
}

// withdraw takes a share back. The mark goes after the share. Without a mark there is
// no share of ours: what a person shares is theirs.
func (d *Driver) withdraw(ctx context.Context, r region, a plan.Action) error {
	_, end, err := d.turns.take(ctx, a.From.String())
	if err != nil {
		return err
	}
	defer end()
	there, err := r.claimed(ctx, a)
	switch {
	case classify(err) == store.NotFound:
		return nil // Its shares are gone with it.
	case err != nil:
		return err
	case !slices.Contains(there.Shared, a.With):
		return nil
	}
	if err := r.admit(ctx, there.Members, nil, []string{a.With}); err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(there.Shared), func(account string) bool { return account == a.With })
	if len(left) > 0 {
		return r.markShared(ctx, there.Members, left)
	}
	_, err = r.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: there.Members, Tags: []types.Tag{{Key: aws.String(dr.TagShared)}}})
	return err
}

// claimed reads the recovery point that an action is about, which must bear the claim
// that was seen: nothing else is shared, or kept from others.
func (r region) claimed(ctx context.Context, a plan.Action) (dr.Snapshot, error) {
	there, err := r.find(ctx, a.From.ID, a.Taken)
	if err == nil && (!there.Claim.Ours() || !there.Claim.Is(a.Claim)) {
		err = &store.Error{Doing: string(a.Verb) + " it", Fault: store.Conflict, Err: errors.New("it does not bear the claim that was seen")}
	}
	return there, err
}

// admit lets accounts copy the members, and takes that from others. It stops at the
// first that fails; what is done already is no trouble when it is done again.
func (r region) admit(ctx context.Context, members, add, remove []string) error {
	for _, id := range members {
		if _, err := r.ModifySnapshotAttribute(ctx, admission(id, add, remove, nil)); err != nil {
			return fmt.Errorf("change who may copy %s: %w", id, err)
		}
	}
	return nil
}

func admission(id string, add, remove []string, dry *bool) *ec2.ModifySnapshotAttributeInput {
	users := func(accounts []string) []types.CreateVolumePermission {
		var out []types.CreateVolumePermission
		for _, account := range accounts {
			out = append(out, types.CreateVolumePermission{UserId: aws.String(account)})
		}
		return out
	}
	return &ec2.ModifySnapshotAttributeInput{
		SnapshotId: aws.String(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission, DryRun: dry,
		CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: users(add), Remove: users(remove)},
	}
}

// explainShare says of the error of a share what can be done about it (Amazon EBS User
// Guide, "Share an Amazon EBS snapshot", on what cannot be shared).
func explainShare(err error) error {
	if !hasCode(err, "OperationNotPermitted") {
		return err
	}
	return &store.Error{
		Doing: "share it", Fault: store.Invalid, Err: err,
		Remedy: "AWS shares no snapshot under the key that it manages (aws/ebs): put all encrypted volumes of the instance under customer managed keys",
	}
}

func hasCode(err error, code string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.EqualFold(api.ErrorCode(), code)
}
