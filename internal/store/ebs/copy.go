package ebs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// defaultKey is the alias of the key that AWS manages for EBS.
const defaultKey = "alias/aws/ebs"

// copies is how many copies may be on their way into a Region (Amazon EBS User Guide,
// "Quotas for Amazon EBS": concurrent snapshot copies per destination Region).
const copies = 20

// Routing says how recovery points get to other sites: each member by one call, from
// another account and another Region at once where it must be.
func (*Driver) Routing() plan.Routing {
	return plan.Routing{Means: plan.ByCall, Default: defaultKey, Copies: copies, NameLimit: nameLimit}
}

// unsharedLooks is how often it is looked whether another account's snapshot is
// shared: a share takes a moment to show.
const unsharedLooks = 3

// copy copies the members of a recovery point, one call each, with their claim. There
// is no token that would make two calls one: so it is looked what is there before
// each try, and only what is missing is copied.
func (d *Driver) copy(ctx context.Context, r region, a plan.Action, seen *glance) (dr.Ref, error) {
	if len(a.Members) == 0 {
		return dr.Ref{}, &store.Error{Doing: "copy it", Fault: store.Invalid, Err: errors.New("the action names no members")}
	}
	before, end, err := d.turns.take(ctx, strings.Join([]string{a.To.String(), a.Claim.Origin, a.Claim.Stage}, "\x00"))
	if err != nil {
		return dr.Ref{}, err
	}
	defer end()
	if !seen.usable(before) {
		seen = nil
	}
	made := dr.Ref{Kind: Kind, Site: a.To}
	for try, unshared := 1, 1; ; try++ {
		var n int
		made.ID, n, err = d.copyMissing(ctx, r, a, seen)
		switch {
		case errors.Is(err, errUnshared) && unshared < unsharedLooks:
			unshared++
		case err == nil, try >= r.retries.MaxAttempts(), !r.retries.IsErrorRetryable(err):
			return made, explainCopy(err, a)
		}
		if waitErr := r.wait(ctx, try, err); waitErr != nil {
			return dr.Ref{}, waitErr
		}
		if n > 0 {
			try = 0 // It gets on.
		}
		seen = nil // It does not show what the lost call made.
	}
}

// copyMissing copies what is missing at the destination, and says how much that was.
// The name is that under which the rest is there already, if any is.
func (d *Driver) copyMissing(ctx context.Context, r region, a plan.Action, seen *glance) (name string, n int, err error) {
	there, err := r.copiesOn(ctx, seen, a.Claim.Origin)
	if err != nil {
		return "", 0, err
	}
	target := chooseCopy(there, a)
	if target.complete {
		return target.name, 0, nil
	}
	from, err := d.originalsOn(ctx, seen, a)
	if err != nil {
		return "", 0, err
	}
	if target.useless != nil {
		return "", 0, useless(target.useless, from, a)
	}
	for _, m := range from {
		if target.has(m.part()) {
			continue
		}
		if _, err := r.CopySnapshot(ctx, copyInput(a, target.name, m), once); err != nil {
			return "", n, fmt.Errorf("copy %s: %w", m.id(), err)
		}
		n++
	}
	return target.name, n, nil
}

// copyInput is what the call is told. Under the key that AWS manages no key is named:
// so AWS makes it where it is not there yet (Amazon EC2 API Reference, CopySnapshot,
// KmsKeyId: "If this parameter is not specified, your KMS key for Amazon EBS is used").
func copyInput(a plan.Action, name string, m member) *ec2.CopySnapshotInput {
	in := &ec2.CopySnapshotInput{
		SourceRegion: aws.String(a.From.Site.Region), SourceSnapshotId: m.SnapshotId, Description: aws.String(describeCopy(a, m)),
		TagSpecifications: tagsOf(a, mark{name, len(a.Members), a.Claim.Set}, m.part()),
	}
	if a.Key != "" {
		in.Encrypted = aws.Bool(true)
	}
	if a.Key != "" && a.Key != defaultKey {
		in.KmsKeyId = aws.String(a.Key)
	}
	return in
}

// target is the recovery point of which the members are copied.
type target struct {
	// name is what it has, or is to have; set is what there is of it, or nil.
	name string
	*set
	complete bool
	// useless is set where what has the name cannot become what was asked for.
	useless *dr.Snapshot
}

func (t target) has(part string) bool { return t.set != nil && t.set.has(part) }

// chooseCopy chooses among the copies of one original. One that is complete, or on the
// way to that, will do, and one of which members are missing is completed: whatever
// its name is, because the name that a plan gives to a further try says only that
// there was one before.
func chooseCopy(there []*set, a plan.Action) target {
	out := target{name: a.Name}
	for _, s := range there {
		x := s.snapshot(a.To)
		whole := len(s.members) == s.mark.members
		switch {
		case whole && x.Flaw == "" && x.Claim.Is(a.Claim) && (x.State == dr.Good || x.State == dr.Pending):
			return target{name: s.id, set: s, complete: true}
		case s.lacks(x, a):
			if out.set == nil || len(s.members) > len(out.members) {
				out.name, out.set = s.mark.name, s
			}
		case s.id == a.Name:
			out.useless = &x
		}
	}
	if out.set != nil {
		out.useless = nil
	}
	return out
}

// lacks reports whether all that is wrong with a set is that members are missing.
func (s *set) lacks(x dr.Snapshot, a plan.Action) bool {
	return x.Flaw == "" && x.Claim.Is(a.Claim) && s.id == s.mark.name &&
		s.mark.members == len(a.Members) && len(s.members) < s.mark.members &&
		!slices.ContainsFunc(s.members, func(m member) bool {
			return m.tags[dr.TagMember] == "" || m.State != types.SnapshotStateCompleted && m.State != types.SnapshotStatePending
		})
}

// copiesOn gives the copies of an original on a look that was made already, or anew.
func (r region) copiesOn(ctx context.Context, seen *glance, origin string) ([]*set, error) {
	if seen != nil {
		return seen.copiesOf(origin), nil
	}
	return r.copiesOf(ctx, origin)
}

// copiesOf lists the copies of some originals.
func (r region) copiesOf(ctx context.Context, origins ...string) ([]*set, error) {
	values := make([]string, len(origins))
	for i, o := range origins {
		values[i] = literal(o)
	}
	all, err := r.read(ctx, &ec2.DescribeSnapshotsInput{
		OwnerIds: []string{"self"}, MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{Name: aws.String("tag:" + dr.TagOrigin), Values: values}},
	})
	return collect(all), err
}

// originals are snapshots to copy as their owner sees them, by their ids, or why that
// is not known.
type originals struct {
	by  map[string]member
	err error
}

// originals looks at snapshots where they are: only their owner sees their tags, by
// which a copy on its way tells which volume it holds. Of those that another account
// is to copy only what is shared with it is given.
func (d *Driver) originals(ctx context.Context, site dr.Site, forAccount string, ids []string) originals {
	r, err := d.region(ctx, site)
	if err != nil {
		return originals{err: err}
	}
	out := originals{by: map[string]member{}}
	for some := range slices.Chunk(ids, filterValues) {
		// Asked for by their ids, one that is gone would fail the call for all.
		in := &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, MaxResults: aws.Int32(pageSize), Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: some}},
		}
		if forAccount != site.Account {
			in.RestorableByUserIds = []string{forAccount}
		}
		found, err := r.read(ctx, in)
		if err != nil {
			return originals{err: err}
		}
		for _, m := range found {
			out.by[m.id()] = m
		}
	}
	return out
}

var (
	// errUnshared: from another account what is not shared looks as if it did not
	// exist.
	errUnshared = errors.New("it is not shared with the account of the copy")
	// errUnfinished: what is not complete cannot be copied.
	errUnfinished = errors.New("it is not complete")
)

// originalsOn gives the members to copy, all of them, on a look that was made already
// or anew.
func (d *Driver) originalsOn(ctx context.Context, seen *glance, a plan.Action) ([]member, error) {
	var there originals
	if seen != nil {
		there = seen.originals[a.From.Site]
	}
	if there.by == nil && there.err == nil {
		there = d.originals(ctx, a.From.Site, a.To.Account, a.Members)
	}
	if there.err != nil {
		return nil, fmt.Errorf("look at the original: %w", there.err)
	}
	out := make([]member, 0, len(a.Members))
	for _, id := range a.Members {
		m, ok := there.by[id]
		switch {
		case !ok && a.From.Site.Account != a.To.Account:
			return nil, fmt.Errorf("%w: %s", errUnshared, id)
		case !ok:
			return nil, fmt.Errorf("%w: %s", errNotThere, id)
		case m.State != types.SnapshotStateCompleted:
			return nil, fmt.Errorf("%w: %s is %s", errUnfinished, id, m.State)
		}
		out = append(out, m)
	}
	return out, nil
}

// useless says why what has the name of a copy is none.
func useless(x *dr.Snapshot, from []member, a plan.Action) error {
	err := judge(*x, a)
	if !errors.Is(err, errUseless) || !strings.Contains(x.Status, "key ID") {
		return cmp.Or(err, errUseless)
	}
	keys := []string{cmp.Or(a.Key, defaultKey) + " of site " + a.To.Name}
	for _, m := range from {
		if key := aws.ToString(m.KmsKeyId); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return &store.Error{Doing: "copy it", Fault: store.Denied, Err: err, Remedy: keyRemedy(a, keys)}
}

// keyRemedy says which keys have to be open to whom. EC2 does not tell which of them
// it was (Amazon EBS User Guide, "Share the KMS key used to encrypt a shared Amazon EBS
// snapshot"; AWS KMS Developer Guide, "Allowing users in other accounts to use a KMS
// key").
func keyRemedy(a plan.Action, keys []string) string {
	return fmt.Sprintf("see that these keys are enabled and that the role of site %s in account %s may use them (kms:DescribeKey, kms:CreateGrant, kms:Decrypt, kms:ReEncrypt*, kms:GenerateDataKeyWithoutPlaintext), by their own policies too where they are another account's: %s",
		a.To.Name, a.To.Account, strings.Join(keys, ", "))
}

// explainCopy says of the error of a copy what can be done about it.
func explainCopy(err error, a plan.Action) error {
	known := &store.Error{Doing: "copy it", Fault: classify(err), Err: err}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errUnshared), known.Fault == store.NotFound && a.From.Site.Account != a.To.Account:
		known.Fault = store.Busy
		known.Remedy = fmt.Sprintf("account %s does not see the snapshot: a share takes a moment, or it was taken back; the next run tries again", a.To.Account)
	case hasCode(err, "ResourceLimitExceeded"):
		known.Remedy = "as many copies as AWS allows are on their way into this Region; what is begun goes on, and a later run copies the rest"
	default:
		return err
	}
	return known
}
