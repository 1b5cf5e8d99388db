package redshift

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const (
	// defaultKey is the key under which copies come where their site names none.
	defaultKey = "alias/aws/redshift"
	// copyPrefix is what Redshift puts before the name of a snapshot to call its copy
	// in another Region.
	copyPrefix = "copy:"
	// copyDays is for how long the copies of automated snapshots are kept, which come
	// along unasked: as short as AWS allows (EnableSnapshotCopy, RetentionPeriod: "Must
	// be at least 1"), since they cost and no policy wants them.
	copyDays = 1
	// tagKey names, on a snapshot copy grant of holdfast's, the key that it was made for.
	tagKey = dr.TagPrefix + "key"
)

// Routing says how snapshots of clusters get to other sites: Redshift copies every new
// one of a cluster to one other Region where that is set, and other accounts can be
// let restore. A copy of a plain snapshot is plain.
func (*Driver) Routing() plan.Routing {
	return plan.Routing{
		Means: plan.BySetting, Default: defaultKey, PlainStaysPlain: true, NameLimit: nameLimit,
		Off: "aws redshift disable-snapshot-copy --cluster-identifier",
	}
}

// spacesStay is why snapshots of namespaces get nowhere. Redshift Serverless has a
// setting of its own for each namespace, which takes recovery points along and names
// the key, and shares snapshots by resource policies.
const spacesStay = "holdfast does not copy or share snapshots of Redshift Serverless; " +
	"the service itself can copy those of a namespace to one Region (aws redshift-serverless create-snapshot-copy-configuration)"

// configure has Redshift copy the new snapshots of a cluster to another Region. Their
// copies are to stay for ever: when they have to go is for the destination's
// retention to say, and AWS's own clock would not know of floors and holds.
func (d *Driver) configure(ctx context.Context, a plan.Action) error {
	here, err := d.client(ctx, a.From.Site)
	if err != nil {
		return err
	}
	in := &redshift.EnableSnapshotCopyInput{
		ClusterIdentifier: aws.String(a.From.ID), DestinationRegion: aws.String(a.To.Region),
		RetentionPeriod: aws.Int32(copyDays), ManualSnapshotRetentionPeriod: aws.Int32(forEver),
	}
	if a.Key != "" {
		there, err := d.client(ctx, a.To)
		if err != nil {
			return err
		}
		if err := there.grantCopies(ctx, a); err != nil {
			return fmt.Errorf("let Redshift use key %s in %s: %w", a.Key, a.To.Region, err)
		}
		in.SnapshotCopyGrantName = aws.String(grantName(a.Key))
	}
	_, err = here.prov.EnableSnapshotCopy(ctx, in)
	if _, on := errors.AsType[*types.SnapshotCopyAlreadyEnabledFault](err); on {
		return here.sendsTo(ctx, a.From.ID, a.To.Region)
	}
	return err
}

// sendsTo looks whether a cluster, for which copying is on, copies to a Region: then
// another run has just set it.
func (c client) sendsTo(ctx context.Context, cluster, region string) error {
	out, err := c.prov.DescribeClusters(ctx, &redshift.DescribeClustersInput{ClusterIdentifier: aws.String(cluster)})
	if err != nil {
		return fmt.Errorf("it copies its snapshots already, and looking where to failed: %w", err)
	}
	for i := range out.Clusters {
		if to := out.Clusters[i].ClusterSnapshotCopyStatus; to != nil && aws.ToString(to.DestinationRegion) != region {
			return &store.Error{
				Doing: "turn on copying", Fault: store.Conflict, Err: fmt.Errorf("its snapshots are copied to %s", aws.ToString(to.DestinationRegion)),
				Remedy: "name a site in that Region, or end that copying if nobody needs it",
			}
		}
	}
	return nil
}

// grantName derives the name of the grant for a key, so that there is one for each
// key, for however many clusters.
func grantName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "holdfast-" + hex.EncodeToString(sum[:8])
}

// grantCopies makes the grant by which Redshift may encrypt copies that arrive here.
func (c client) grantCopies(ctx context.Context, a plan.Action) error {
	name := grantName(a.Key)
	_, err := c.prov.CreateSnapshotCopyGrant(ctx, &redshift.CreateSnapshotCopyGrantInput{
		SnapshotCopyGrantName: aws.String(name), KmsKeyId: aws.String(a.Key),
		Tags: sdkTags(dr.Tags{tagKey: a.Key, dr.TagOwner: a.Claim.Owner}, nil),
	})
	if _, there := errors.AsType[*types.SnapshotCopyGrantAlreadyExistsFault](err); !there {
		return err
	}
	out, err := c.prov.DescribeSnapshotCopyGrants(ctx, &redshift.DescribeSnapshotCopyGrantsInput{SnapshotCopyGrantName: aws.String(name)})
	if err != nil {
		return fmt.Errorf("look at grant %s, which exists already: %w", name, err)
	}
	for _, g := range out.SnapshotCopyGrants {
		if plainTags(g.Tags)[tagKey] == a.Key {
			return nil
		}
	}
	return &store.Error{
		Doing: "make the snapshot copy grant " + name, Fault: store.Conflict, Err: errors.New("there is one of this name, and it was not made for this key"),
		Remedy: "see what uses it; if nothing does, aws redshift delete-snapshot-copy-grant --snapshot-copy-grant-name " + name,
	}
}

// arrive looks whether a snapshot is one that Redshift copied here of what this
// installation took in another Region. It is known by its name, or, should the tags
// have come along, by the claim of its original; that of a copy it has to be given.
func arrive(s *dr.Snapshot, raw *types.Snapshot, own dr.Candidates) {
	from, here := aws.ToString(raw.SourceRegion), s.Ref.Site
	name, named := strings.CutPrefix(s.Ref.ID, copyPrefix)
	if from == "" || from == here.Region || !named {
		return
	}
	there := dr.Site{Account: here.Account, Region: from}
	s.CopyOf = "arn:" + here.Partition() + ":redshift:" + from + ":" + here.Account + ":snapshot:" + s.Of.ID + "/" + name
	s.Made = aws.ToTime(raw.SnapshotRetentionStartTime).UTC()
	claim := s.Claim
	switch {
	case s.Automated || s.Flaw != "" || claim.Origin != "":
		return
	case claim.Ours():
		s.Claim, s.Shared = dr.Claim{}, nil
	default:
		var ok bool
		if claim, ok = own.Presume(name, dr.Ref{Kind: Kind, Site: there, ID: s.Of.ID}, s.Of.ID, nameLimit); !ok {
			return
		}
	}
	claim.Origin = dr.Ref{Kind: Kind, Site: there, ID: name}.Origin()
	if raw.SnapshotCreateTime != nil {
		claim.Taken = raw.SnapshotCreateTime.UTC().Truncate(1e9)
	}
	s.Presumed, s.Tags = &claim, nil
}

// receive claims a copy that Redshift made by itself. The claim comes last: until it
// is there the next run finds the rest undone and does it again.
func (c client) receive(ctx context.Context, a plan.Action, raw *types.Snapshot, there dr.Snapshot) error {
	original := there.Claim
	original.Origin = a.Claim.Origin
	if !unclaimed(plainTags(raw.Tags)) && !original.Is(a.Claim) {
		return &types.ClusterSnapshotAlreadyExistsFault{Message: aws.String(a.From.ID + " is not free to be claimed")}
	}
	if aws.ToInt32(raw.ManualSnapshotRetentionPeriod) != forEver && there.State == dr.Good { // Somebody else has turned copying on.
		if _, err := c.prov.ModifyClusterSnapshot(ctx, &redshift.ModifyClusterSnapshotInput{
			SnapshotIdentifier: aws.String(a.From.ID), ManualSnapshotRetentionPeriod: aws.Int32(forEver),
		}); err != nil {
			return fmt.Errorf("keep it until the policy lets it expire: %w", err)
		}
	}
	if len(there.Shared) > 0 { // The mark is the original's; the copy is shared with nobody.
		if err := c.unmark(ctx, there.ARN, dr.TagShared); err != nil {
			return err
		}
	}
	return c.mark(ctx, a, there.ARN)
}
