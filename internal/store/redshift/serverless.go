package redshift

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// serverless reads namespaces, snapshots and recovery points. In a Region without
// Redshift Serverless there is nothing.
func (c client) serverless(ctx context.Context, site dr.Site, memory *tagMemory) ([]dr.Resource, []dr.Snapshot, error) {
	resources, err := c.namespaces(ctx, site)
	switch {
	case notOffered(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	}
	snaps, err := c.spaceSnapshots(ctx, site, memory)
	if err != nil || len(resources) == 0 {
		return resources, snaps, err
	}
	points, err := c.points(ctx, site)
	if err != nil {
		return nil, nil, err
	}
	return resources, append(snaps, points...), nil
}

func (c client) namespaces(ctx context.Context, site dr.Site) ([]dr.Resource, error) {
	var found []types.Namespace
	pages := redshiftserverless.NewListNamespacesPaginator(c.space, &redshiftserverless.ListNamespacesInput{MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list namespaces: %w", err)
		}
		found = append(found, page.Namespaces...)
	}
	if len(found) == 0 {
		return nil, nil
	}
	groups, err := c.workgroups(ctx)
	if err != nil {
		return nil, err
	}
	arns := make([]string, len(found))
	for i := range found {
		arns[i] = aws.ToString(found[i].NamespaceArn)
	}
	tags, err := c.readTags(ctx, arns)
	if err != nil {
		return nil, fmt.Errorf("read the tags of namespaces: %w", err)
	}
	out := make([]dr.Resource, len(found))
	for i := range found {
		out[i] = namespace(site, &found[i], groups[aws.ToString(found[i].NamespaceName)], tags[arns[i]])
	}
	return out, nil
}

// workgroups gives the workgroup of each namespace.
func (c client) workgroups(ctx context.Context) (map[string]*types.Workgroup, error) {
	out := map[string]*types.Workgroup{}
	pages := redshiftserverless.NewListWorkgroupsPaginator(c.space, &redshiftserverless.ListWorkgroupsInput{MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list workgroups: %w", err)
		}
		for i := range page.Workgroups {
			out[aws.ToString(page.Workgroups[i].NamespaceName)] = &page.Workgroups[i]
		}
	}
	return out, nil
}

func namespace(site dr.Site, n *types.Namespace, w *types.Workgroup, tags dr.Tags) dr.Resource {
	name, status := aws.ToString(n.NamespaceName), string(n.Status)
	r := dr.Resource{
		Ref:       dr.Ref{Kind: Kind, Site: site, ID: serverlessPrefix + name},
		ARN:       aws.ToString(n.NamespaceArn),
		Name:      name,
		Key:       spaceKey(n.KmsKeyId),
		Tags:      tags,
		Status:    status,
		Config:    dr.NewConfig(spaceSettings(n, w)),
		NameLimit: nameLimit,
		Uncounted: true,
		Stays:     spacesStay,
	}
	switch {
	case n.Status == types.NamespaceStatusDeleting:
		r.State = dr.Leaving
	case n.Status != types.NamespaceStatusAvailable:
		r.State = dr.Busy
	case w == nil: // Nothing computes over it, so nothing can take a snapshot (inferred).
		r.State, r.Status = dr.Blocked, status+", without a workgroup"
	default:
		r.State = dr.Ready
	}
	return r
}

// spaceSnapshots lists the snapshots of namespaces, whoever made them, those of
// namespaces that are gone included. Their tags are looked up.
func (c client) spaceSnapshots(ctx context.Context, site dr.Site, memory *tagMemory) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := redshiftserverless.NewListSnapshotsPaginator(c.space, &redshiftserverless.ListSnapshotsInput{MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list snapshots of namespaces: %w", err)
		}
		for i := range page.Snapshots {
			out = append(out, spaceSnapshot(site, &page.Snapshots[i]))
		}
	}
	tags, err := memory.of(ctx, c, out)
	if err != nil {
		return nil, fmt.Errorf("read the tags of snapshots of namespaces: %w", err)
	}
	seen := out[:0]
	for _, s := range out {
		if its, ok := tags[s.ARN]; ok { // Else it has been deleted since it was listed.
			own := maps.Clone(its)
			delete(own, tagTaken) // Of an original it is no part of the claim.
			claim(&s, own)
			if at, ok := pointTime(its); ok && s.Claim.Ours() && at.Before(s.Taken) {
				s.Taken = at
			}
			seen = append(seen, s)
		}
	}
	return seen, nil
}

func spaceSnapshot(site dr.Site, s *types.Snapshot) dr.Snapshot {
	status, total := string(s.Status), aws.ToFloat64(s.TotalBackupSizeInMegaBytes)
	out := dr.Snapshot{
		Ref:    dr.Ref{Kind: Kind, Site: site, ID: serverlessPrefix + aws.ToString(s.SnapshotName)},
		Of:     dr.Ref{Kind: Kind, Site: site, ID: serverlessPrefix + aws.ToString(s.NamespaceName)},
		ARN:    aws.ToString(s.SnapshotArn),
		Taken:  aws.ToTime(s.SnapshotCreateTime).UTC(),
		State:  condition(strings.ToLower(status)),
		Status: status,
		Key:    spaceKey(s.KmsKeyId),
		Bytes:  int64(total * mebibyte),

		Uncounted: true,
		Stays:     spacesStay,
	}
	switch {
	case out.State == dr.Good:
		out.Percent = 100
	case total > 0:
		out.Percent = min(99, int(100*aws.ToFloat64(s.BackupProgressInMegaBytes)/total))
	}
	return out
}

// points lists recovery points. There are only good ones.
func (c client) points(ctx context.Context, site dr.Site) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := redshiftserverless.NewListRecoveryPointsPaginator(c.space, &redshiftserverless.ListRecoveryPointsInput{MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list recovery points: %w", err)
		}
		for i := range page.RecoveryPoints {
			p := &page.RecoveryPoints[i]
			out = append(out, dr.Snapshot{
				Ref:       dr.Ref{Kind: Kind, Site: site, ID: pointPrefix + aws.ToString(p.RecoveryPointId)},
				Of:        dr.Ref{Kind: Kind, Site: site, ID: serverlessPrefix + aws.ToString(p.NamespaceName)},
				Taken:     aws.ToTime(p.RecoveryPointCreateTime).UTC(),
				State:     dr.Good,
				Percent:   100,
				Automated: true,
				Uncounted: true,
				Bytes:     int64(aws.ToFloat64(p.TotalSizeInMegaBytes) * mebibyte),
			})
		}
	}
	return out, nil
}
