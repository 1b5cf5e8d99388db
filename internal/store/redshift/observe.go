package redshift

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

const mebibyte = 1 << 20

func (c client) clusters(ctx context.Context, site dr.Site) ([]dr.Resource, error) {
	var out []dr.Resource
	pages := redshift.NewDescribeClustersPaginator(c.prov, &redshift.DescribeClustersInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list clusters: %w", err)
		}
		for i := range page.Clusters {
			out = append(out, resource(site, &page.Clusters[i]))
		}
	}
	return out, nil
}

// clusterSnapshots lists manual snapshots, whoever made them, and those automated
// ones that are good.
func (c client) clusterSnapshots(ctx context.Context, site dr.Site, own dr.Candidates) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := redshift.NewDescribeClusterSnapshotsPaginator(c.prov, &redshift.DescribeClusterSnapshotsInput{MaxRecords: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list cluster snapshots: %w", err)
		}
		for i := range page.Snapshots {
			s := snapshot(site, &page.Snapshots[i])
			presume(&s, &page.Snapshots[i], own)
			arrive(&s, &page.Snapshots[i], own)
			if !s.Automated || s.State == dr.Good && s.CopyOf == "" { // No cluster here is the one of such a copy.
				out = append(out, s)
			}
		}
	}
	return out, nil
}

func (c client) find(ctx context.Context, site dr.Site, name string) (*types.Snapshot, dr.Snapshot, error) {
	out, err := c.prov.DescribeClusterSnapshots(ctx, &redshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: aws.String(name)})
	if err != nil {
		return nil, dr.Snapshot{}, err
	}
	if len(out.Snapshots) != 1 {
		return nil, dr.Snapshot{}, &types.ClusterSnapshotNotFoundFault{Message: aws.String(name + " is not found")}
	}
	return &out.Snapshots[0], snapshot(site, &out.Snapshots[0]), nil
}

func resource(site dr.Site, c *types.Cluster) dr.Resource {
	id, status := aws.ToString(c.ClusterIdentifier), aws.ToString(c.ClusterStatus)
	out := dr.Resource{
		Ref:       dr.Ref{Kind: Kind, Site: site, ID: id},
		ARN:       "arn:" + site.Partition() + ":redshift:" + site.Region + ":" + site.Account + ":cluster:" + id,
		Name:      id,
		Key:       aws.ToString(c.KmsKeyId),
		Tags:      plainTags(c.Tags),
		State:     readiness(status),
		Status:    status,
		Config:    dr.NewConfig(settings(c)),
		Bytes:     aws.ToInt64(c.TotalStorageCapacityInMegaBytes) * mebibyte,
		NameLimit: nameLimit,
	}
	if to := c.ClusterSnapshotCopyStatus; to != nil {
		out.SendsTo = aws.ToString(to.DestinationRegion)
	}
	return out
}

func snapshot(site dr.Site, s *types.Snapshot) dr.Snapshot {
	status, tags := aws.ToString(s.Status), plainTags(s.Tags)
	total := aws.ToFloat64(s.TotalBackupSizeInMegaBytes)
	out := dr.Snapshot{
		Ref:       dr.Ref{Kind: Kind, Site: site, ID: aws.ToString(s.SnapshotIdentifier)},
		Of:        dr.Ref{Kind: Kind, Site: site, ID: aws.ToString(s.ClusterIdentifier)},
		ARN:       snapshotARN(site, s),
		State:     condition(status),
		Status:    status,
		Key:       aws.ToString(s.KmsKeyId),
		Bytes:     int64(total * mebibyte),
		Automated: aws.ToString(s.SnapshotType) == "automated",
	}
	switch {
	case out.State == dr.Good:
		out.Percent = 100
	case total > 0:
		out.Percent = min(99, int(100*aws.ToFloat64(s.BackupProgressInMegaBytes)/total))
	}
	if !out.Automated {
		claim(&out, tags)
	}
	out.Taken = out.Claim.Slot // Until Redshift has given it a time.
	if s.SnapshotCreateTime != nil {
		out.Taken = s.SnapshotCreateTime.UTC()
	}
	return out
}

// snapshotARN gives a snapshot's full name, which older answers leave to be put
// together (Service Authorization Reference, "Resource types defined by Amazon
// Redshift").
func snapshotARN(site dr.Site, s *types.Snapshot) string {
	if arn := aws.ToString(s.SnapshotArn); arn != "" {
		return arn
	}
	return "arn:" + site.Partition() + ":redshift:" + site.Region + ":" + site.Account + ":snapshot:" +
		aws.ToString(s.ClusterIdentifier) + "/" + aws.ToString(s.SnapshotIdentifier)
}

// ourName is what dr.SnapshotName gives: prefix, slot, hash and attempt.
var ourName = regexp.MustCompile(`^(holdfast|hf)-.*[0-9]{8}t[0-9]{6}z-[0-9a-v]{8}(-[0-9]+)?$`)

// claim reads whose a snapshot is. One that is named by holdfast and carries no
// claim can be what a promotion leaves that was interrupted between its two calls.
// It is not ours, as far as its tags go.
func claim(s *dr.Snapshot, tags dr.Tags) {
	var err error
	s.Claim, err = dr.ParseClaim(tags)
	switch {
	case err == nil:
		s.Shared = dr.ParseShared(tags)
	case !errors.Is(err, dr.ErrNoClaim):
		s.Flaw = err.Error()
	case ourName.MatchString(s.Ref.ID):
		s.Flaw = "it has a name of holdfast's and no claim, and nothing proves whose it is; delete it if nobody needs it"
	default:
		s.Tags = tags
	}
}

// presume looks whether a snapshot is what an interrupted promotion of this
// installation left: a manual one of a cluster, without any tags, of just the name
// that one of its claims gives. A plan then asks for the claim to be written.
// Anything less stays a flaw, for a person to look at.
func presume(s *dr.Snapshot, raw *types.Snapshot, own dr.Candidates) {
	if s.Automated || s.Flaw == "" || len(raw.Tags) > 0 {
		return
	}
	if c, ok := own.Presume(s.Ref.ID, s.Of, s.Of.ID, nameLimit); ok {
		s.Flaw, s.Presumed = "", &c
	}
}

// promotable drops the newest automated snapshot of each paused cluster, which
// cannot be copied (Amazon Redshift Management Guide, "Pausing and resuming a
// cluster").
func promotable(clusters []dr.Resource, snaps []dr.Snapshot) []dr.Snapshot {
	for i := range clusters {
		if clusters[i].Status != "paused" && clusters[i].Status != "pausing" {
			continue
		}
		newest := -1
		for j := range snaps {
			if snaps[j].Automated && snaps[j].Of == clusters[i].Ref && (newest < 0 || snaps[j].Taken.After(snaps[newest].Taken)) {
				newest = j
			}
		}
		if newest >= 0 {
			snaps = slices.Delete(snaps, newest, newest+1)
		}
	}
	return snaps
}

// readiness sorts the status of a cluster (Amazon Redshift API Reference, Cluster,
// ClusterStatus). CreateClusterSnapshot: "The cluster must be in the available
// state", so a paused one has to be resumed by somebody first.
func readiness(status string) dr.Readiness {
	switch status {
	case "available", "available, prep-for-resize", "available, resize-cleanup":
		return dr.Ready
	case "deleting", "final-snapshot":
		return dr.Leaving
	case "paused", "storage-full", "hardware-failure":
		return dr.Blocked
	}
	if strings.HasPrefix(status, "incompatible-") {
		return dr.Blocked
	}
	return dr.Busy
}

// condition sorts the status of a snapshot (Amazon Redshift API Reference,
// Snapshot, Status; DeleteClusterSnapshot names "cancelled" as well).
func condition(status string) dr.Condition {
	switch status {
	case "available":
		return dr.Good
	case "creating", "copying", "final snapshot":
		return dr.Pending
	case "failed", "cancelled":
		return dr.Failed
	case "deleting", "deleted":
		return dr.Going
	default:
		return dr.Unclear
	}
}
