package elasticache

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const (
	// cachePage is the most that one answer holds (DescribeReplicationGroups,
	// DescribeCacheClusters: MaxRecords "minimum 20; maximum 100").
	cachePage = 100
	// serverlessPage likewise (DescribeServerlessCaches: "The default is 50").
	serverlessPage = 50
)

// How many manual snapshots may be taken within 24 hours (Amazon ElastiCache User
// Guide, "Snapshot and restore", on the constraints of backups: 20 of a node, 24 of a
// serverless cache). A snapshot of a group is one of a node of each shard, so the
// limit of its nodes is that of the group.
const (
	nodeDaily       = 20
	serverlessDaily = 24
)

// caches is what there is at a site.
type caches struct {
	groups     []types.ReplicationGroup
	clusters   []types.CacheCluster
	serverless []types.ServerlessCache
}

// found is a cache, and since when it is there.
type found struct {
	dr.Resource
	created *time.Time
}

// resources gives what is protected of the caches, without tags.
func (v *visit) resources(all caches) []found {
	nodes := map[string]*types.CacheCluster{}
	for i := range all.clusters {
		nodes[aws.ToString(all.clusters[i].CacheClusterId)] = &all.clusters[i]
	}
	var out []found
	for i := range all.groups {
		g := &all.groups[i]
		out = append(out, found{v.group(g, nodes), g.ReplicationGroupCreateTime})
	}
	for i := range all.clusters {
		if c := &all.clusters[i]; aws.ToString(c.ReplicationGroupId) == "" {
			out = append(out, found{v.cluster(c), c.CacheClusterCreateTime})
		}
	}
	for i := range all.serverless {
		c := &all.serverless[i]
		out = append(out, found{v.serverlessCache(c), c.CreateTime})
	}
	return out
}

func (v *visit) list(ctx context.Context) (caches, error) {
	var all caches
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		all.groups, err = v.listGroups(ctx)
		return err
	})
	g.Go(func() (err error) {
		all.clusters, err = v.listClusters(ctx)
		return err
	})
	g.Go(func() (err error) {
		all.serverless, err = v.listServerless(ctx)
		return err
	})
	return all, g.Wait()
}

func (v *visit) listGroups(ctx context.Context) ([]types.ReplicationGroup, error) {
	var out []types.ReplicationGroup
	pages := elasticache.NewDescribeReplicationGroupsPaginator(v, &elasticache.DescribeReplicationGroupsInput{MaxRecords: aws.Int32(cachePage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list replication groups: %w", err)
		}
		out = append(out, page.ReplicationGroups...)
	}
	return out, nil
}

// listClusters lists nodes, those of groups too: much of a group's configuration
// is shown on its nodes only.
func (v *visit) listClusters(ctx context.Context) ([]types.CacheCluster, error) {
	var out []types.CacheCluster
	pages := elasticache.NewDescribeCacheClustersPaginator(v, &elasticache.DescribeCacheClustersInput{
		MaxRecords: aws.Int32(cachePage), ShowCacheNodeInfo: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list cache clusters: %w", err)
		}
		out = append(out, page.CacheClusters...)
	}
	return out, nil
}

func (v *visit) listServerless(ctx context.Context) ([]types.ServerlessCache, error) {
	var out []types.ServerlessCache
	pages := elasticache.NewDescribeServerlessCachesPaginator(v, &elasticache.DescribeServerlessCachesInput{MaxResults: aws.Int32(serverlessPage)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if hasCode(err, "InvalidAction") { // A Region without serverless caches.
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list serverless caches: %w", err)
		}
		out = append(out, page.ServerlessCaches...)
	}
	return out, nil
}

func (v *visit) group(g *types.ReplicationGroup, nodes map[string]*types.CacheCluster) dr.Resource {
	id, status := aws.ToString(g.ReplicationGroupId), aws.ToString(g.Status)
	var first *types.CacheCluster
	for _, name := range slices.Sorted(slices.Values(g.MemberClusters)) {
		if n := nodes[name]; n != nil {
			first = n
			break
		}
	}
	return dr.Resource{
		Ref: dr.Ref{Kind: Kind, Site: v.site, ID: id}, ARN: aws.ToString(g.ARN), Name: id, Key: aws.ToString(g.KmsKeyId),
		State: readiness(status), Status: status, Config: dr.NewConfig(groupSettings(g, first)),
		Bytes: int64(len(g.NodeGroups)) * memoryOf(aws.ToString(g.CacheNodeType)), NameLimit: nameLimit, Daily: nodeDaily,
	}
}

func (v *visit) cluster(c *types.CacheCluster) dr.Resource {
	id, status := aws.ToString(c.CacheClusterId), aws.ToString(c.CacheClusterStatus)
	out := dr.Resource{
		Ref: dr.Ref{Kind: Kind, Site: v.site, ID: clusterPrefix + id}, ARN: aws.ToString(c.ARN), Name: id,
		State: readiness(status), Status: status, Config: dr.NewConfig(clusterSettings(c)),
		Bytes: int64(max(1, aws.ToInt32(c.NumCacheNodes))) * memoryOf(aws.ToString(c.CacheNodeType)), NameLimit: nameLimit, Daily: nodeDaily,
	}
	// Amazon ElastiCache API Reference, SnapshotFeatureNotSupportedFault.
	switch {
	case out.State == dr.Leaving:
	case aws.ToString(c.Engine) == "memcached":
		out.State, out.Status = dr.Blocked, "memcached, which has no snapshots"
	case strings.HasPrefix(aws.ToString(c.CacheNodeType), "cache.t1."):
		out.State, out.Status = dr.Blocked, "on a node of type "+aws.ToString(c.CacheNodeType)+", which has no snapshots"
	}
	return out
}

func (v *visit) serverlessCache(c *types.ServerlessCache) dr.Resource {
	id, status := aws.ToString(c.ServerlessCacheName), aws.ToString(c.Status)
	out := dr.Resource{
		Ref: dr.Ref{Kind: Kind, Site: v.site, ID: serverlessPrefix + id}, ARN: aws.ToString(c.ARN), Name: id, Key: aws.ToString(c.KmsKeyId),
		State: readiness(status), Status: status, Config: dr.NewConfig(serverlessSettings(c)), NameLimit: nameLimit, Daily: serverlessDaily,
	}
	if c.CacheUsageLimits != nil && c.CacheUsageLimits.DataStorage != nil {
		out.Bytes = int64(aws.ToInt32(c.CacheUsageLimits.DataStorage.Maximum)) << 30
	}
	return out
}

// readiness sorts the status of a cache (Amazon ElastiCache API Reference:
// ReplicationGroup, CacheCluster, ServerlessCache; the last writes capitals).
func readiness(status string) dr.Readiness {
	switch strings.ToLower(status) {
	case "available":
		return dr.Ready
	case "deleting", "deleted":
		return dr.Leaving
	case "create-failed", "restore-failed", "incompatible-network":
		return dr.Blocked
	default:
		return dr.Busy
	}
}

// newFor is how long after its creation a cache may have tags that the index does
// not show.
const newFor = time.Hour

// tagged adds the tags of caches. Those that are gone meanwhile are left out.
func (v *visit) tagged(ctx context.Context, all []found, tags index) ([]dr.Resource, error) {
	gone := make([]bool, len(all))
	err := each(ctx, len(all), func(ctx context.Context, i int) (err error) {
		gone[i], err = v.tag(ctx, &all[i], tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	var left []dr.Resource
	for i, r := range all {
		if !gone[i] {
			left = append(left, r.Resource)
		}
	}
	return left, nil
}

// tag adds the tags of one cache: those that were read just now, or that the index
// shows; where it shows none, none, unless the cache is new or the index unread.
func (v *visit) tag(ctx context.Context, r *found, tags index) (gone bool, err error) {
	last, known := v.memory.get(r.ARN)
	shown, listed := tags.of(r.ARN)
	switch {
	case known && !stale(last.read, tagsLast):
		r.Tags = last.tags
		return false, nil
	case listed || tags.whole && r.created != nil && stale(*r.created, newFor):
		r.Tags = shown
		return false, nil
	}
	return v.lookUp(ctx, r, last, known)
}

// lookUp reads the tags of one cache. "If the cluster is not in the available state,
// ListTagsForResource returns an error" (Amazon ElastiCache API Reference); then the
// last ones known hold.
func (v *visit) lookUp(ctx context.Context, r *found, last remembered, known bool) (gone bool, err error) {
	r.Tags = last.tags
	if r.State == dr.Ready || r.State == dr.Blocked {
		tags, err := v.readTags(ctx, r.ARN)
		switch fault := classify(err); {
		case err == nil:
			r.Tags = tags
			return false, nil
		case fault == store.NotFound:
			return true, nil
		case fault != store.Busy:
			return false, fmt.Errorf("read the tags of %s: %w", r.Ref.ID, err)
		}
	}
	if !known {
		r.Status += " (its tags cannot be read meanwhile)"
	}
	return false, nil
}
