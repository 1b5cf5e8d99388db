package elasticache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// What a host of a cache is for.
const (
	hostConfig  = "configuration"
	hostPrimary = "primary"
	hostReader  = "reader"
	hostNode    = "node"
)

// cacheNow is a cache as it was found.
type cacheNow struct {
	form, name, arn string
	// status is the service's own word, in lower case.
	status, description, engine string
	created                     time.Time
	// hosts are where it answers, by what they are for.
	hosts map[string]string
	port  int
	// One of them, by the form.
	group      *types.ReplicationGroup
	cluster    *types.CacheCluster
	serverless *types.ServerlessCache
}

func (c cacheNow) id() string { return cacheID(c.form, c.name) }

// ready: it can be used and changed. serves: it can be used.
func (c cacheNow) ready() bool { return c.status == "available" }

func (c cacheNow) serves() bool {
	return c.ready() || c.status == "modifying" || c.status == "snapshotting"
}

func (c cacheNow) deleting() bool { return readiness(c.status) == dr.Leaving }

// broken says why it will never serve; nil where it may.
func (c cacheNow) broken() error {
	if readiness(c.status) != dr.Blocked {
		return nil
	}
	return fmt.Errorf("%s %s is %s", noun(c.form), c.name, c.status)
}

// noun is what AWS calls a cache of a form.
func noun(form string) string {
	switch form {
	case formCluster:
		return "cache cluster"
	case formServerless:
		return "serverless cache"
	default:
		return "replication group"
	}
}

// look looks for the cache that has an identifier.
func (m *maker) look(ctx context.Context, id string) (c cacheNow, found bool, err error) {
	form, name := splitID(id)
	switch form {
	case formCluster:
		c, err = m.lookCluster(ctx, name)
	case formServerless:
		c, err = m.lookServerless(ctx, name)
	default:
		c, err = m.lookGroup(ctx, name)
	}
	switch {
	case classify(err) == store.NotFound:
		return cacheNow{}, false, nil
	case err != nil:
		return cacheNow{}, false, fmt.Errorf("look at %s %s: %w", noun(form), name, err)
	}
	return c, true, nil
}

func (m *maker) lookGroup(ctx context.Context, name string) (cacheNow, error) {
	out, err := m.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String(name)})
	switch {
	case err != nil:
		return cacheNow{}, err
	case len(out.ReplicationGroups) == 0:
		return cacheNow{}, &types.ReplicationGroupNotFoundFault{}
	}
	return groupNow(&out.ReplicationGroups[0]), nil
}

func groupNow(g *types.ReplicationGroup) cacheNow {
	c := cacheNow{
		form: formGroup, name: aws.ToString(g.ReplicationGroupId), arn: aws.ToString(g.ARN), status: strings.ToLower(aws.ToString(g.Status)),
		description: aws.ToString(g.Description), engine: aws.ToString(g.Engine), created: aws.ToTime(g.ReplicationGroupCreateTime),
		hosts: map[string]string{}, group: g,
	}
	c.host(hostConfig, g.ConfigurationEndpoint)
	if len(g.NodeGroups) == 1 && g.ConfigurationEndpoint == nil {
		c.host(hostPrimary, g.NodeGroups[0].PrimaryEndpoint)
		c.host(hostReader, g.NodeGroups[0].ReaderEndpoint)
	}
	return c
}

func (m *maker) lookCluster(ctx context.Context, name string) (cacheNow, error) {
	out, err := m.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: aws.String(name), ShowCacheNodeInfo: aws.Bool(true)})
	switch {
	case err != nil:
		return cacheNow{}, err
	case len(out.CacheClusters) == 0:
		return cacheNow{}, &types.CacheClusterNotFoundFault{}
	}
	return clusterNow(&out.CacheClusters[0]), nil
}

func clusterNow(k *types.CacheCluster) cacheNow {
	c := cacheNow{
		form: formCluster, name: aws.ToString(k.CacheClusterId), arn: aws.ToString(k.ARN), status: strings.ToLower(aws.ToString(k.CacheClusterStatus)),
		engine: aws.ToString(k.Engine), created: aws.ToTime(k.CacheClusterCreateTime), hosts: map[string]string{}, cluster: k,
	}
	for _, n := range k.CacheNodes {
		c.host(hostNode, n.Endpoint)
	}
	return c
}

func (m *maker) lookServerless(ctx context.Context, name string) (cacheNow, error) {
	out, err := m.DescribeServerlessCaches(ctx, &elasticache.DescribeServerlessCachesInput{ServerlessCacheName: aws.String(name)})
	switch {
	case err != nil:
		return cacheNow{}, err
	case len(out.ServerlessCaches) == 0:
		return cacheNow{}, &types.ServerlessCacheNotFoundFault{}
	}
	return serverlessNow(&out.ServerlessCaches[0]), nil
}

func serverlessNow(s *types.ServerlessCache) cacheNow {
	c := cacheNow{
		form: formServerless, name: aws.ToString(s.ServerlessCacheName), arn: aws.ToString(s.ARN), status: strings.ToLower(aws.ToString(s.Status)),
		description: aws.ToString(s.Description), engine: aws.ToString(s.Engine), created: aws.ToTime(s.CreateTime),
		hosts: map[string]string{}, serverless: s,
	}
	c.host(hostPrimary, s.Endpoint)
	c.host(hostReader, s.ReaderEndpoint)
	return c
}

func (c *cacheNow) host(what string, e *types.Endpoint) {
	if e == nil || aws.ToString(e.Address) == "" {
		return
	}
	c.hosts[what] = aws.ToString(e.Address)
	if c.port == 0 {
		c.port = int(aws.ToInt32(e.Port))
	}
}

// settingsNow reads the settings of a cache. Half of a group's are shown on its nodes
// only.
func (m *maker) settingsNow(ctx context.Context, c cacheNow) (wanted, error) {
	switch c.form {
	case formCluster:
		return clusterSettings(c.cluster), nil
	case formServerless:
		return serverlessSettings(c.serverless), nil
	}
	var first *types.CacheCluster
	if len(c.group.MemberClusters) > 0 {
		n, err := m.lookCluster(ctx, c.group.MemberClusters[0])
		if err != nil && classify(err) != store.NotFound {
			return nil, fmt.Errorf("look at the nodes of replication group %s: %w", c.name, err)
		}
		first = n.cluster
	}
	return groupSettings(c.group, first), nil
}

// belongs says to which restore a cache belongs.
type belongs int

const (
	// ours: this very restore made it.
	ours belongs = iota + 1
	// finished: it did, and is over.
	finished
	// others: it did not.
	others
	// unclear: that cannot be seen now.
	unclear
)

// sign is the description of a cache while it is being made. Listings show it in any
// status, and tags can be read only of caches that are available (Amazon ElastiCache
// API Reference, ListTagsForResource). The captured description takes its place once
// they can. Nodes outside of groups have none, and serverless caches need not have one.
func sign(id string) string { return "made by holdfast for restore " + id }

func signed(description string) bool { return strings.HasPrefix(description, sign("")) }

// whose finds out to which restore a cache belongs. tags are given where they had to
// be read.
func (m *maker) whose(ctx context.Context, c cacheNow, id string) (belongs, dr.Tags, error) {
	if c.description == sign(id) {
		return ours, nil, nil
	}
	tags, ok, err := m.tagsNow(ctx, c)
	switch {
	case err != nil:
		return 0, nil, err
	case !ok:
		return unclear, nil, nil
	case tags[dr.TagRestore] == id && tags[dr.TagRole] == dr.RoleNew:
		return ours, tags, nil
	case tags[dr.TagRestored] == id:
		return finished, tags, nil
	}
	return others, tags, nil
}

// tagsNow reads the tags of a cache; ok is false where its status does not let them be
// read.
func (m *maker) tagsNow(ctx context.Context, c cacheNow) (tags dr.Tags, ok bool, err error) {
	tags, err = m.readTags(ctx, c.arn)
	switch fault := classify(err); {
	case err == nil:
		return tags, true, nil
	case fault == store.Busy, fault == store.NotFound:
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("read the tags of %s %s: %w", noun(c.form), c.name, err)
}
