package rdsapi

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var (
	home   = dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	abroad = dr.Site{Name: "far", Account: "111111111111", Region: "us-west-2"}
	away   = dr.Site{Name: "dr", Account: "222222222222", Region: "us-east-1"}
)

// What RDS says of a copy, how it is sorted, and what the remedy has to name.
func TestExplain(t *testing.T) {
	said := func(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }
	const source = "The source snapshot KMS key [arn:aws:kms:us-east-1:111111111111:key/1] does not exist, is not enabled or you do not have permissions to access it."
	const target = "The target KMS key [alias/dr] does not exist, is not enabled or you do not have permissions to access it."
	for name, c := range map[string]struct {
		err  error
		to   dr.Site
		want store.Fault
		says []string
	}{
		"another account's key": {
			said("KMSKeyNotAccessibleFault", source), away, store.Denied,
			[]string{"account 222222222222", "arn:aws:kms:us-east-1:111111111111:key/1", "kms:CreateGrant", "kms:ReEncrypt*", "site dr"},
		},
		"one's own key of another Region": {
			said("KMSKeyNotAccessibleFault", source), abroad, store.Denied,
			[]string{"role of site far", "arn:aws:kms:us-east-1:111111111111:key/1", "enabled"},
		},
		"the key of the site": {said("KMSKeyNotAccessibleFault", target), away, store.Denied, []string{"key alias/dr", "site dr", "us-east-1"}},
		"not shared yet":      {said("DBSnapshotNotFound", "no"), away, store.Busy, []string{"222222222222", "share"}},
		"not there":           {said("DBSnapshotNotFound", "no"), abroad, store.NotFound, nil},
		"no slot":             {said("SnapshotQuotaExceeded", "Cannot copy more than 20 snapshots across regions"), abroad, store.Quota, []string{"on their way"}},
		"no room":             {said("SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots"), abroad, store.Quota, nil},
		"persistent options": {
			said("InvalidParameterValue", "The snapshot requires a target option group with the following options: [Timezone]"),
			abroad, store.Invalid,
			[]string{"option group", "audited", "far"},
		},
		"no such options":   {said("OptionGroupNotFoundFault", "audited not found"), abroad, store.Invalid, []string{"audited", "far"}},
		"no answer":         {errors.New("no answer"), abroad, store.Unknown, nil},
		"the name is taken": {said("DBSnapshotAlreadyExists", "no"), abroad, store.Conflict, nil},
	} {
		a := plan.Action{
			Verb: plan.Copy, From: dr.Ref{Kind: "rds", Site: home, ID: "x"}, To: c.to, Key: "alias/dr",
			Claim: dr.Claim{Config: dr.NewConfig(map[string]string{"options": "audited"})},
		}
		err := explain(c.err, a)
		if got := Classify(err); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %v is %q, want %q", name, err, got, c.want)
		}
		for _, word := range c.says {
			if !strings.Contains(store.Remedy(err), word) {
				t.Errorf("%s: the remedy %q does not name %s", name, store.Remedy(err), word)
			}
		}
		if c.says == nil && store.Remedy(err) != "" {
			t.Errorf("%s: the remedy is %q, and what is said of all such errors is better", name, store.Remedy(err))
		}
	}
	if explain(nil, plan.Action{}) != nil {
		t.Error("a success is explained away")
	}
}

// board is a shelf with one snapshot on it, which notes what is done to it.
type board struct {
	Shelf

	tags   dr.Tags
	shared []string
	state  dr.Condition
	copies []Copying
	done   []string
	// meddle is called once, before the first tag is written.
	meddle func()
	err    error
}

func (b *board) Find(context.Context, string) (dr.Snapshot, error) {
	x := dr.Snapshot{Ref: dr.Ref{Kind: "rds", Site: home, ID: "x"}, ARN: "arn", State: b.state}
	x.ReadClaim(b.tags)
	b.done = append(b.done, "find")
	return x, nil
}

func (b *board) Copy(_ context.Context, c Copying) error {
	b.copies = append(b.copies, c)
	return nil
}

func (b *board) Admit(_ context.Context, _ string, add, remove []string) error {
	b.done = append(b.done, "admit")
	b.shared = slices.DeleteFunc(append(b.shared, add...), func(a string) bool { return slices.Contains(remove, a) })
	return b.err
}

func (b *board) AddTagsToResource(_ context.Context, in *rds.AddTagsToResourceInput, _ ...func(*rds.Options)) (*rds.AddTagsToResourceOutput, error) {
	b.done = append(b.done, "mark")
	for _, t := range in.Tags {
		b.tags[*t.Key] = *t.Value
	}
	if b.meddle != nil {
		b.meddle()
	}
	return nil, nil
}

func (b *board) RemoveTagsFromResource(_ context.Context, in *rds.RemoveTagsFromResourceInput, _ ...func(*rds.Options)) (*rds.RemoveTagsFromResourceOutput, error) {
	b.done = append(b.done, "unmark")
	for _, k := range in.TagKeys {
		delete(b.tags, k)
	}
	return nil, nil
}

func onBoard() (*board, *Changes, plan.Action) {
	claim := dr.Claim{Owner: "prod", Policy: "gold", Source: "rds/1/r/orders"}
	b := &board{tags: claim.Tags(), state: dr.Good}
	c := &Changes{Kind: "rds", Shelf: func(context.Context, dr.Site) (Shelf, error) { return b, nil }}
	return b, c, plan.Action{From: dr.Ref{Kind: "rds", Site: home, ID: "x"}, To: home, Name: "x", Claim: claim, With: away.Account}
}

// The mark comes before the share and goes after it.
func TestMarkAndShare(t *testing.T) {
	b, c, a := onBoard()
	for verb, want := range map[plan.Verb]string{plan.Share: "find mark admit find", plan.Withdraw: "find admit unmark"} {
		if verb == plan.Withdraw {
			b.tags[dr.TagShared] = away.Account
		} else {
			delete(b.tags, dr.TagShared)
		}
		a.Verb, b.done = verb, nil
		if _, err := c.Apply(t.Context(), a); err != nil || strings.Join(b.done, " ") != want {
			t.Errorf("%s: %v, %v; want %s", verb, b.done, err, want)
		}
	}
}

// A run that marks the snapshot for another account at the same time does not leave
// a share without its mark, nor is it waited for without end.
func TestMarkOverwritten(t *testing.T) {
	b, c, a := onBoard()
	a.Verb = plan.Share
	b.meddle = func() {
		b.tags[dr.TagShared] = "333333333333"
		b.meddle = nil
	}
	if _, err := c.Apply(t.Context(), a); err != nil || b.tags[dr.TagShared] != "222222222222 333333333333" {
		t.Errorf("%v; the mark is %q", err, b.tags[dr.TagShared])
	}
	b, c, _ = onBoard()
	b.meddle = func() { b.tags[dr.TagShared] = "333333333333" }
	if _, err := c.Apply(t.Context(), a); Classify(err) != store.Busy {
		t.Errorf("got %v", err)
	}
}

// What a person shares has no mark, and is theirs.
func TestWithdrawOnlyOurs(t *testing.T) {
	b, c, a := onBoard()
	a.Verb, b.shared = plan.Withdraw, []string{away.Account}
	if _, err := c.Apply(t.Context(), a); err != nil || len(b.shared) != 1 || len(b.done) != 1 {
		t.Errorf("%v, %v; it is shared with %v", b.done, err, b.shared)
	}
}

func TestSharingRefused(t *testing.T) {
	for code, want := range map[string]store.Fault{
		"SharedSnapshotQuotaExceeded": store.Quota, "InvalidParameterValue": store.Invalid, "AccessDenied": store.Denied,
	} {
		b, c, a := onBoard()
		a.Verb, b.err = plan.Share, &smithy.GenericAPIError{Code: code, Message: "no"}
		_, err := c.Apply(t.Context(), a)
		if Classify(err) != want || want != store.Denied && store.Remedy(err) == "" {
			t.Errorf("%s: %v (%s), remedy %q", code, err, Classify(err), store.Remedy(err))
		}
	}
}

// What the copy call is told.
func TestCopying(t *testing.T) {
	const arn = "arn:aws:rds:us-east-1:111111111111:snapshot:x"
	for name, c := range map[string]struct {
		to       dr.Site
		arn, key string
		want     Copying
	}{
		"rekey":           {home, "", "alias/share", Copying{Source: "x", Key: aws.String("alias/share")}},
		"another Region":  {abroad, arn, "", Copying{Source: arn, SourceRegion: aws.String("us-east-1")}},
		"another account": {away, arn, "alias/dr", Copying{Source: arn, Key: aws.String("alias/dr")}},
	} {
		b, changes, a := onBoard()
		a.Verb, a.To, a.ARN, a.Key, a.Name = plan.Copy, c.to, c.arn, c.key, "copy"
		a.Claim.Config = dr.NewConfig(map[string]string{"options": "audited"})
		ref, err := changes.Apply(t.Context(), a)
		if err != nil || ref != (dr.Ref{Kind: "rds", Site: c.to, ID: "copy"}) || len(b.copies) != 1 {
			t.Fatalf("%s: %v, %v, %d calls", name, ref, err, len(b.copies))
		}
		got := b.copies[0]
		if got.Source != c.want.Source || aws.ToString(got.SourceRegion) != aws.ToString(c.want.SourceRegion) ||
			aws.ToString(got.Key) != aws.ToString(c.want.Key) || (got.Key == nil) != (c.key == "") || got.Options != "audited" {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		if !slices.ContainsFunc(got.Tags, func(t types.Tag) bool { return *t.Key == dr.TagOwner && *t.Value == "prod" }) {
			t.Errorf("%s: the claim is missing in %v", name, got.Tags)
		}
	}
}
