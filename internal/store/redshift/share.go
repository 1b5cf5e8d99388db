package redshift

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// errUnmarked: another run changed the mark of a share at the same time.
var errUnmarked = errors.New("the mark of the share was overwritten")

const sharedRemedy = "AWS lets 20 accounts restore one snapshot and allows 100 such permissions under one KMS key: keep fewer recovery points for other accounts"

// share lets another account restore from a snapshot. The tag that says so is there
// before the permission, and is looked at again after it, since tags are set without
// regard to what another run has set meanwhile: no share of ours is to be without one.
func (d *Driver) share(ctx context.Context, c client, a plan.Action) error {
	end, err := d.turns.Take(ctx, a.From.String())
	if err != nil {
		return err
	}
	defer end()
	let := false
	for range 3 {
		there, err := c.ours(ctx, a)
		if err != nil {
			return err
		}
		if marked := slices.Contains(there.Shared, a.With); marked && let {
			return nil
		} else if !marked {
			if len(there.Shared) >= dr.MostShared {
				return &store.Error{Doing: "share it", Fault: store.Quota, Remedy: sharedRemedy, Err: fmt.Errorf("it is shared with %d accounts already", len(there.Shared))}
			}
			if err := c.markShared(ctx, there.ARN, append(slices.Clone(there.Shared), a.With)); err != nil {
				return err
			}
		}
		if err := c.admit(ctx, a.From.ID, a.With); err != nil {
			return err
		}
		let = true
	}
	return errUnmarked
}

func (c client) admit(ctx context.Context, name, account string) error {
	_, err := c.prov.AuthorizeSnapshotAccess(ctx, &redshift.AuthorizeSnapshotAccessInput{
		SnapshotIdentifier: aws.String(name), AccountWithRestoreAccess: aws.String(account),
	})
	if _, already := errors.AsType[*types.AuthorizationAlreadyExistsFault](err); already {
		return nil
	}
	_, most := errors.AsType[*types.AuthorizationQuotaExceededFault](err)
	_, key := errors.AsType[*types.LimitExceededFault](err)
	if most || key {
		return &store.Error{Doing: "share it", Fault: store.Quota, Remedy: sharedRemedy, Err: err}
	}
	return err
}

// withdraw takes a share back, and then its mark. Without a mark there is no share of
// ours: what a person shares is theirs.
func (d *Driver) withdraw(ctx context.Context, c client, a plan.Action) error {
	end, err := d.turns.Take(ctx, a.From.String())
	if err != nil {
		return err
	}
	defer end()
	there, err := c.ours(ctx, a)
	switch {
	case isGone(err), err == nil && there.State == dr.Going:
		return nil // Its shares are gone with it.
	case err != nil:
		return err
	case !slices.Contains(there.Shared, a.With):
		return nil
	}
	if err := c.revoke(ctx, a.From.ID, a.With); err != nil {
		return err
	}
	return c.markShared(ctx, there.ARN, slices.DeleteFunc(slices.Clone(there.Shared), func(account string) bool { return account == a.With }))
}

func (c client) revoke(ctx context.Context, name, account string) error {
	_, err := c.prov.RevokeSnapshotAccess(ctx, &redshift.RevokeSnapshotAccessInput{
		SnapshotIdentifier: aws.String(name), AccountWithRestoreAccess: aws.String(account),
	})
	if _, over := errors.AsType[*types.AuthorizationNotFoundFault](err); over {
		return nil
	}
	return err
}

// ours reads the snapshot that an action is about, which must bear the claim that was
// seen.
func (c client) ours(ctx context.Context, a plan.Action) (dr.Snapshot, error) {
	_, there, err := c.find(ctx, a.From.Site, a.From.ID)
	if err == nil && (!there.Claim.Ours() || !there.Claim.Is(a.Claim)) {
		err = &store.Error{Doing: string(a.Verb) + " it", Fault: store.Conflict, Err: errors.New("it does not bear the claim that was seen")}
	}
	return there, err
}

// unshared takes back our shares of a snapshot that is to be deleted, which AWS
// refuses while it has any (Amazon Redshift Management Guide, "Sharing a snapshot"),
// and reports whether there were some.
func (c client) unshared(ctx context.Context, a plan.Action) (bool, error) {
	there, err := c.ours(ctx, a)
	if err != nil {
		return false, err
	}
	for _, account := range there.Shared {
		if err := c.revoke(ctx, a.From.ID, account); err != nil {
			return false, err
		}
	}
	return len(there.Shared) > 0, nil
}

func (c client) markShared(ctx context.Context, arn string, accounts []string) error {
	if len(accounts) == 0 {
		return c.unmark(ctx, arn, dr.TagShared)
	}
	return c.tag(ctx, arn, types.Tag{Key: aws.String(dr.TagShared), Value: aws.String(dr.SharedTag(accounts))})
}

func (c client) tag(ctx context.Context, arn string, tags ...types.Tag) error {
	_, err := c.prov.CreateTags(ctx, &redshift.CreateTagsInput{ResourceName: aws.String(arn), Tags: tags})
	return err
}

func (c client) unmark(ctx context.Context, arn string, keys ...string) error {
	_, err := c.prov.DeleteTags(ctx, &redshift.DeleteTagsInput{ResourceName: aws.String(arn), TagKeys: keys})
	return err
}
