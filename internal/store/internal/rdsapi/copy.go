package rdsapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// makeCopy copies a snapshot, the claim written with the same call. The source's
// tags are never asked for: of another account's snapshot they do not come, and of
// one's own they would bring the claim of the original with them.
func makeCopy(ctx context.Context, s Shelf, a plan.Action) error {
	in := Copying{Source: a.ARN, Name: a.Name, Tags: SDKTags(a.Claim.Tags(), a.Tags)}
	if in.Source == "" {
		in.Source = a.From.ID
	}
	if a.Key != "" {
		in.Key = &a.Key
	}
	if a.From.Site.Region != a.To.Region {
		in.SourceRegion = &a.From.Site.Region
	}
	// A configuration that cannot be read says nothing of options.
	if settings, err := a.Claim.Config.Settings(); err == nil {
		in.Options = settings["options"]
	}
	return explain(made(s.Copy(ctx, in), a.Claim, finder(ctx, s, a.Name)), a)
}

// explain says of the error of a copy what can be done about it.
func explain(err error, a plan.Action) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	known := &store.Error{Doing: "copy it", Fault: Classify(err), Err: err}
	switch {
	case api.ErrorCode() == "KMSKeyNotAccessibleFault":
		known.Remedy = keyRemedy(api.ErrorMessage(), a)
	case known.Fault == store.NotFound && a.From.Site.Account != a.To.Account:
		// The snapshot was there when the plan was made. What is not shared looks from
		// another account as if it did not exist.
		known.Fault = store.Busy
		known.Remedy = fmt.Sprintf("account %s does not see the snapshot: a share takes a moment, or it was taken back; the next run tries again", a.To.Account)
	case known.Fault == store.Quota && strings.Contains(api.ErrorMessage(), "across regions"):
		known.Remedy = "as many copies as AWS allows are on their way into this Region; the next run tries again"
	case NeedsOptions(err) || api.ErrorCode() == "OptionGroupNotFoundFault":
		known.Fault, known.Remedy = store.Invalid, optionsRemedy(a)
	default:
		return err
	}
	return known
}

// keyRemedy says which key has to be opened to whom. RDS names the source's or the
// target's in its message, between brackets.
//
// Amazon RDS User Guide, "Sharing encrypted snapshots", for what another account has
// to be allowed; AWS KMS Developer Guide, "Allowing users in other accounts to use a
// KMS key", for the two policies that it takes.
func keyRemedy(message string, a plan.Action) string {
	const use = "kms:DescribeKey, kms:CreateGrant, kms:Decrypt, kms:ReEncrypt* and kms:GenerateDataKey*"
	if !strings.Contains(message, "source snapshot") {
		return fmt.Sprintf("see that the key %s of site %s is enabled in %s, and allow the role there kms:DescribeKey and kms:CreateGrant on it",
			a.Key, a.To.Name, a.To.Region)
	}
	key := "the snapshot's key"
	if _, rest, ok := strings.Cut(message, "["); ok {
		if name, _, ok := strings.Cut(rest, "]"); ok {
			key = "key " + name
		}
	}
	if a.From.Site.Account == a.To.Account {
		return fmt.Sprintf("see that %s is enabled, and allow the role of site %s to use it: %s", key, a.To.Name, use)
	}
	return fmt.Sprintf("allow account %s to use %s, in the key's policy in account %s and in the policy of the role of site %s: %s",
		a.To.Account, key, a.From.Site.Account, a.To.Name, use)
}

// NeedsOptions reports whether a copy was refused because the snapshot cannot do
// without an option group. RDS says so with InvalidParameterValue and "The snapshot
// requires a target option group with the following options".
func NeedsOptions(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.Contains(api.ErrorMessage(), "requires a target option group")
}

// optionsRemedy says what to do about a snapshot of a database with persistent
// options (Amazon RDS User Guide, "Option group considerations" of copies).
func optionsRemedy(a plan.Action) string {
	settings, err := a.Claim.Config.Settings()
	name := settings["options"]
	if err != nil || name == "" {
		name = "of the database"
	}
	return fmt.Sprintf("make an option group at %s of the same name and with the same options as %s at %s; the next run uses it", a.To, name, a.From.Site)
}

// errUnmarked: another run changed the mark of a share at the same time.
var errUnmarked = errors.New("the mark of the share was overwritten")

// share lets an account copy a snapshot. The mark comes before the share, so that
// there is none of ours that nobody would take back. RDS sets a tag without asking
// what it was, so after the share the mark is looked at again: another run may have
// marked the snapshot for another account at the same time.
func (c *Changes) share(ctx context.Context, s Shelf, a plan.Action) error {
	end, err := c.turns.Take(ctx, a.From.String())
	if err != nil {
		return err
	}
	defer end()
	admitted := false
	for range 3 {
		there, err := claimed(ctx, s, a)
		if err != nil {
			return err
		}
		marked := slices.Contains(there.Shared, a.With)
		if marked && admitted {
			return nil
		}
		if !marked {
			if err := addShare(ctx, s, there, a.With); err != nil {
				return err
			}
		}
		if err := s.Admit(ctx, a.From.ID, []string{a.With}, nil); err != nil {
			return explainShare(err)
		}
		admitted = true
	}
	return errUnmarked
}

// addShare marks that a snapshot is shared with an account.
func addShare(ctx context.Context, s Shelf, there dr.Snapshot, account string) error {
	if len(there.Shared) >= dr.MostShared {
		return &store.Error{
			Doing: "share it", Fault: store.Quota, Remedy: sharedRemedy,
			Err: fmt.Errorf("it is shared with %d accounts already", len(there.Shared)),
		}
	}
	value := dr.SharedTag(append(slices.Clone(there.Shared), account))
	return mark(ctx, s, there.ARN, types.Tag{Key: aws.String(dr.TagShared), Value: &value})
}

const sharedRemedy = "a snapshot can be shared with few accounts at a time; the shares are taken back when the copies are there, and the next run goes on"

func explainShare(err error) error {
	known := &store.Error{Doing: "share it", Fault: Classify(err), Err: err}
	switch known.Fault {
	case store.Quota:
		known.Remedy = sharedRemedy
	case store.Invalid:
		// Amazon RDS User Guide, "Sharing a DB snapshot", on what cannot be shared.
		known.Remedy = "AWS shares no snapshot under a key that it manages, and none of a database whose option group has permanent or persistent options, such as TDE"
	default:
		return err
	}
	return known
}

// withdraw takes a share back. The mark goes after the share. Without a mark there
// is no share of ours: what a person shares is theirs.
func (c *Changes) withdraw(ctx context.Context, s Shelf, a plan.Action) error {
	end, err := c.turns.Take(ctx, a.From.String())
	if err != nil {
		return err
	}
	defer end()
	there, err := claimed(ctx, s, a)
	switch {
	case err != nil && Classify(err) == store.NotFound, err == nil && there.State == dr.Going:
		return nil // Its shares are gone with it.
	case err != nil:
		return err
	case !slices.Contains(there.Shared, a.With):
		return nil
	}
	if err := s.Admit(ctx, a.From.ID, nil, []string{a.With}); err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(there.Shared), func(account string) bool { return account == a.With })
	if len(left) == 0 {
		return unmark(ctx, s, there.ARN, dr.TagShared)
	}
	return mark(ctx, s, there.ARN, types.Tag{Key: aws.String(dr.TagShared), Value: aws.String(dr.SharedTag(left))})
}

// claimed reads the snapshot that an action is about, which must bear the claim that
// was seen: nothing else is shared, or kept from others.
func claimed(ctx context.Context, s Shelf, a plan.Action) (dr.Snapshot, error) {
	there, err := s.Find(ctx, a.From.ID)
	if err == nil && (!there.Claim.Ours() || !there.Claim.Is(a.Claim)) {
		err = notOurs(string(a.Verb)+" it", "it does not bear the claim that was seen")
	}
	return there, err
}

func notOurs(doing, why string) error {
	return &store.Error{Doing: doing, Fault: store.Conflict, Err: errors.New(why)}
}
