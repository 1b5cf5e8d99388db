package elasticache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// snapshotPage is the most that one answer holds (DescribeSnapshots: MaxRecords
// "minimum 20; maximum 50"; DescribeServerlessCacheSnapshots: "maximum of 50").
const snapshotPage = 50

// listSnapshots lists manual snapshots, without their claims; those that ElastiCache
// makes by itself are its own.
func (v *visit) listSnapshots(ctx context.Context) ([]dr.Snapshot, error) {
	var nodes, less []dr.Snapshot
	g, lists := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		nodes, err = v.nodeSnapshots(lists, &elasticache.DescribeSnapshotsInput{
			SnapshotSource: aws.String("user"), MaxRecords: aws.Int32(snapshotPage),
		})
		return err
	})
	g.Go(func() (err error) {
		less, err = v.serverlessSnapshots(lists, &elasticache.DescribeServerlessCacheSnapshotsInput{
			SnapshotType: aws.String("manual"), MaxResults: aws.Int32(snapshotPage),
		})
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(nodes, less), nil
}

func (v *visit) nodeSnapshots(ctx context.Context, in *elasticache.DescribeSnapshotsInput) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := elasticache.NewDescribeSnapshotsPaginator(v, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list snapshots: %w", err)
		}
		for i := range page.Snapshots {
			out = append(out, v.nodeSnapshot(&page.Snapshots[i]))
		}
	}
	return out, nil
}

func (v *visit) serverlessSnapshots(ctx context.Context, in *elasticache.DescribeServerlessCacheSnapshotsInput) ([]dr.Snapshot, error) {
	var out []dr.Snapshot
	pages := elasticache.NewDescribeServerlessCacheSnapshotsPaginator(v, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if hasCode(err, "InvalidAction") { // A Region without serverless caches.
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list snapshots of serverless caches: %w", err)
		}
		for i := range page.ServerlessCacheSnapshots {
			out = append(out, v.serverlessSnapshot(&page.ServerlessCacheSnapshots[i]))
		}
	}
	return out, nil
}

// find looks for one snapshot by its plain name. It has no claim yet.
func (v *visit) find(ctx context.Context, name string, serverless bool) (dr.Snapshot, error) {
	var found []dr.Snapshot
	var err error
	if serverless {
		found, err = v.serverlessSnapshots(ctx, &elasticache.DescribeServerlessCacheSnapshotsInput{ServerlessCacheSnapshotName: aws.String(name)})
	} else {
		found, err = v.nodeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{SnapshotName: aws.String(name)})
	}
	switch {
	case err != nil:
		return dr.Snapshot{}, err
	case len(found) != 1:
		return dr.Snapshot{}, &types.SnapshotNotFoundFault{Message: aws.String(name + " is not found")}
	}
	return found[0], nil
}

func (v *visit) nodeSnapshot(s *types.Snapshot) dr.Snapshot {
	name, status := aws.ToString(s.SnapshotName), aws.ToString(s.SnapshotStatus)
	out := dr.Snapshot{
		Ref:    dr.Ref{Kind: Kind, Site: v.site, ID: name},
		Of:     dr.Ref{Kind: Kind, Site: v.site},
		ARN:    cmp.Or(aws.ToString(s.ARN), snapshotARN(v.site, name, false)),
		State:  condition(status),
		Status: status,
		Key:    aws.ToString(s.KmsKeyId),
	}
	if group := aws.ToString(s.ReplicationGroupId); group != "" {
		out.Of.ID = group
	} else {
		out.Of.ID = clusterPrefix + aws.ToString(s.CacheClusterId)
	}
	if s.DataTiering == types.DataTieringStatusEnabled {
		out.Stays = tiered
	}
	for _, n := range s.NodeSnapshots { // The oldest of its shards is what it can be relied on for.
		out.Bytes += size(aws.ToString(n.CacheSize))
		if t := aws.ToTime(n.SnapshotCreateTime).UTC(); !t.IsZero() && (out.Taken.IsZero() || t.Before(out.Taken)) {
			out.Taken = t
		}
	}
	return out
}

func (v *visit) serverlessSnapshot(s *types.ServerlessCacheSnapshot) dr.Snapshot {
	name, status := aws.ToString(s.ServerlessCacheSnapshotName), aws.ToString(s.Status)
	out := dr.Snapshot{
		Ref:    dr.Ref{Kind: Kind, Site: v.site, ID: name},
		Of:     dr.Ref{Kind: Kind, Site: v.site},
		ARN:    cmp.Or(aws.ToString(s.ARN), snapshotARN(v.site, name, true)),
		State:  condition(status),
		Status: status,
		Key:    aws.ToString(s.KmsKeyId),
		Taken:  aws.ToTime(s.CreateTime).UTC(),
		Bytes:  size(aws.ToString(s.BytesUsedForCache)),
	}
	if _, ours := parseName(name); !ours {
		out.Ref.ID = serverlessPrefix + name
	}
	if c := s.ServerlessCacheConfiguration; c != nil {
		out.Of.ID = serverlessPrefix + aws.ToString(c.ServerlessCacheName)
	}
	return out
}

// condition sorts the status of a snapshot (Amazon ElastiCache API Reference,
// Snapshot: "creating | available | restoring | copying | deleting"). One that is
// being restored from or exported is complete.
func condition(status string) dr.Condition {
	switch strings.ToLower(status) {
	case "available", "restoring", "exporting":
		return dr.Good
	case "creating", "copying":
		return dr.Pending
	case "failed", "create-failed":
		return dr.Failed
	case "deleting", "deleted":
		return dr.Going
	default:
		return dr.Unclear
	}
}

// size reads a size as ElastiCache writes it, such as "6 MB"; 0 where it cannot.
func size(s string) int64 {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), " ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 {
		return 0
	}
	switch strings.ToUpper(unit) {
	case "KB":
		n *= 1 << 10
	case "MB":
		n *= 1 << 20
	case "GB":
		n *= 1 << 30
	case "TB":
		n *= 1 << 40
	}
	return int64(n)
}

// adopt gives a snapshot the claim that its tags hold.
func adopt(s *dr.Snapshot, tags dr.Tags) {
	claim, err := dr.ParseClaim(tags)
	s.Claim, s.Flaw = claim, ""
	if err != nil && !errors.Is(err, dr.ErrNoClaim) {
		s.Flaw = err.Error()
	}
	date(s)
}

// date gives a snapshot that has no time yet that of its slot.
func date(s *dr.Snapshot) {
	if s.Taken.IsZero() {
		s.Taken = s.Claim.Slot
	}
	if p, ok := parseName(s.Ref.ID); ok && s.Taken.IsZero() {
		s.Taken = p.slot
	}
}

func stale(when time.Time, after time.Duration) bool { return time.Since(when) > after }
