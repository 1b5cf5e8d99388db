package sandbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const cacheSeed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        caches:
          hot: {age: 30d, tags: {team: shop}}
          shards: {shards: 2, replicas: 1, node: cache.r6gd.xlarge, data-tiering: true}
          busy: {status: modifying}
          lone: {form: cluster, engine: valkey}
          pages: {form: cluster, engine: memcached, nodes: 2}
          tiny: {form: cluster, node: cache.t1.micro}
          flow: {form: serverless, engine: valkey, max-size: 5}
        cache-snapshots:
          - {of: hot, name: plain, age: 1d, tags: {team: shop}}
          - {of: hot, type: automated, age: 2d}
          - {of: hot, name: broken, status: failed}
          - {of: hot, name: fresh, status: creating}
          - {of: shards, name: tiered, age: 1d}
          - {of: flow, form: serverless, name: plain, age: 1d}
`

func cachesAt(a *sandbox.AWS, account, region string) *elasticache.Client {
	return elasticache.NewFromConfig(config(a.Client(), account, region))
}

// inCaches runs a test on the caches of cacheSeed.
func inCaches(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *elasticache.Client)) {
	t.Helper()
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		mustSeed(t, a, cacheSeed)
		run(t, a, cachesAt(a, prod, east))
	})
}

func cacheARN(kind, id string) *string {
	return aws.String("arn:aws:elasticache:us-east-1:111111111111:" + kind + ":" + id)
}

func groupSnapshot(group, name string) func(context.Context, *elasticache.Client) error {
	return func(ctx context.Context, c *elasticache.Client) error {
		_, err := c.CreateSnapshot(ctx, &elasticache.CreateSnapshotInput{ReplicationGroupId: &group, SnapshotName: &name})
		return err
	}
}

func clusterSnapshot(cluster, name string) func(context.Context, *elasticache.Client) error {
	return func(ctx context.Context, c *elasticache.Client) error {
		_, err := c.CreateSnapshot(ctx, &elasticache.CreateSnapshotInput{CacheClusterId: &cluster, SnapshotName: &name})
		return err
	}
}

func dropCacheSnapshot(name string) func(context.Context, *elasticache.Client) error {
	return func(ctx context.Context, c *elasticache.Client) error {
		_, err := c.DeleteSnapshot(ctx, &elasticache.DeleteSnapshotInput{SnapshotName: &name})
		return err
	}
}

func copyCacheSnapshot(from, to, bucket string) func(context.Context, *elasticache.Client) error {
	return func(ctx context.Context, c *elasticache.Client) error {
		in := &elasticache.CopySnapshotInput{SourceSnapshotName: &from, TargetSnapshotName: &to}
		if bucket != "" {
			in.TargetBucket = &bucket
		}
		_, err := c.CopySnapshot(ctx, in)
		return err
	}
}

func readCacheTags(kind, id string) func(context.Context, *elasticache.Client) error {
	return func(ctx context.Context, c *elasticache.Client) error {
		_, err := c.ListTagsForResource(ctx, &elasticache.ListTagsForResourceInput{ResourceName: cacheARN(kind, id)})
		return err
	}
}

func TestCacheRules(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		call       func(context.Context, *elasticache.Client) error
	}{
		{"snapshot", "", groupSnapshot("hot", "One")},
		{"longest name", "", groupSnapshot("hot", strings.Repeat("a", 40))},
		{"name too long", "InvalidParameterValue", groupSnapshot("hot", strings.Repeat("a", 41))},
		{"double hyphen", "InvalidParameterValue", groupSnapshot("hot", "a--b")},
		{"trailing hyphen", "InvalidParameterValue", groupSnapshot("hot", "a-")},
		{"name taken", "SnapshotAlreadyExistsFault", groupSnapshot("hot", "Plain")},
		{"name of a serverless one", "", groupSnapshot("hot", "one")},
		{"no group", "ReplicationGroupNotFoundFault", groupSnapshot("cold", "one")},
		{"busy group", "InvalidReplicationGroupState", groupSnapshot("busy", "one")},
		{"a node", "", clusterSnapshot("lone", "one")},
		{"a node of a group", "", clusterSnapshot("hot-001", "one")},
		{"a node in cluster mode", "InvalidParameterCombination", clusterSnapshot("shards-0001-001", "one")},
		{"no node", "CacheClusterNotFound", clusterSnapshot("none", "one")},
		{"memcached", "SnapshotFeatureNotSupportedFault", clusterSnapshot("pages", "one")},
		{"t1", "SnapshotFeatureNotSupportedFault", clusterSnapshot("tiny", "one")},
		{"delete", "", dropCacheSnapshot("plain")},
		{"delete what failed", "", dropCacheSnapshot("broken")},
		{"delete what is being made", "InvalidSnapshotState", dropCacheSnapshot("fresh")},
		{"delete nothing", "SnapshotNotFoundFault", dropCacheSnapshot("none")},
		{"copy", "", copyCacheSnapshot("plain", "two", "")},
		{"copy onto a name", "SnapshotAlreadyExistsFault", copyCacheSnapshot("plain", "broken", "")},
		{"copy what is being made", "InvalidSnapshotState", copyCacheSnapshot("fresh", "two", "")},
		{"export to no bucket", "InvalidParameterValue", copyCacheSnapshot("plain", "two", "bucket")},
		{"export of data tiering", "SnapshotFeatureNotSupportedFault", copyCacheSnapshot("tiered", "two", "bucket")},
		{"tags", "", readCacheTags("replicationgroup", "hot")},
		{"tags of a member", "", readCacheTags("cluster", "hot-001")},
		{"tags of what is busy", "InvalidReplicationGroupState", readCacheTags("replicationgroup", "busy")},
		{"tags of a busy member", "InvalidCacheClusterState", readCacheTags("cluster", "busy-001")},
		{"tags of a new snapshot", "InvalidSnapshotState", readCacheTags("snapshot", "fresh")},
		{"tags of no snapshot", "SnapshotNotFoundFault", readCacheTags("snapshot", "none")},
		{"tags of a serverless one", "", readCacheTags("serverlesssnapshot", "plain")},
		{"tags of nothing", "InvalidARN", readCacheTags("galaxy", "none")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inCaches(t, func(t *testing.T, _ *sandbox.AWS, c *elasticache.Client) {
				wantCode(t, tc.call(t.Context(), c), tc.code)
			})
		})
	}
}

func TestCacheSnapshotLife(t *testing.T) {
	inCaches(t, func(t *testing.T, a *sandbox.AWS, c *elasticache.Client) {
		ctx := t.Context()
		made, err := c.CreateSnapshot(ctx, &elasticache.CreateSnapshotInput{
			ReplicationGroupId: aws.String("shards"), SnapshotName: aws.String("One"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		})
		wantCode(t, err, "")
		if *made.Snapshot.SnapshotName != "one" || *made.Snapshot.SnapshotStatus != "creating" || made.Snapshot.NodeSnapshots[0].SnapshotCreateTime != nil {
			t.Errorf("a new one: %+v", made.Snapshot)
		}
		group, err := c.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("shards")})
		wantCode(t, err, "")
		if g := group.ReplicationGroups[0]; *g.Status != "snapshotting" || len(g.MemberClusters) != 4 || *g.NodeGroups[1].Slots != "8192-16383" {
			t.Errorf("the group: %s, %v, %+v", *g.Status, g.MemberClusters, g.NodeGroups)
		}
		wantCode(t, groupSnapshot("shards", "two")(ctx, c), "InvalidReplicationGroupState")
		time.Sleep(time.Hour)
		all, err := c.DescribeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{SnapshotName: aws.String("one"), ShowNodeGroupConfig: aws.Bool(true)})
		wantCode(t, err, "")
		if s := all.Snapshots[0]; *s.SnapshotStatus != "available" || len(s.NodeSnapshots) != 2 || *s.NumNodeGroups != 2 ||
			*s.NodeSnapshots[1].NodeGroupConfiguration.Slots != "8192-16383" || s.NodeSnapshots[0].SnapshotCreateTime == nil {
			t.Errorf("done: %+v", s)
		}
		wantCode(t, a.FailNextCacheSnapshots(prod, east, "group", "shards", 1), "")
		wantCode(t, groupSnapshot("shards", "two")(ctx, c), "")
		time.Sleep(time.Hour)
		all, err = c.DescribeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{ReplicationGroupId: aws.String("shards"), SnapshotSource: aws.String("user")})
		wantCode(t, err, "")
		if len(all.Snapshots) != 3 || *all.Snapshots[2].SnapshotName != "two" || *all.Snapshots[2].SnapshotStatus != "failed" {
			t.Errorf("of the group: %+v", all.Snapshots)
		}
	})
}

func TestCachesComeAndGo(t *testing.T) {
	inCaches(t, func(t *testing.T, _ *sandbox.AWS, c *elasticache.Client) {
		ctx := t.Context()
		_, err := c.CreateReplicationGroup(ctx, &elasticache.CreateReplicationGroupInput{
			ReplicationGroupId: aws.String("New"), ReplicationGroupDescription: aws.String("d"), Engine: aws.String("valkey"),
			CacheNodeType: aws.String("cache.r7g.large"), NumNodeGroups: aws.Int32(2), ReplicasPerNodeGroup: aws.Int32(1),
			SecurityGroupIds: []string{"sg-1"}, UserGroupIds: []string{"app"}, TransitEncryptionEnabled: aws.Bool(true),
			LogDeliveryConfigurations: []types.LogDeliveryConfigurationRequest{{
				LogType: types.LogTypeSlowLog, LogFormat: types.LogFormatJson, DestinationType: types.DestinationTypeCloudWatchLogs,
				DestinationDetails: &types.DestinationDetails{CloudWatchLogsDetails: &types.CloudWatchLogsDestinationDetails{LogGroup: aws.String("/logs")}},
			}},
		})
		wantCode(t, err, "")
		wantCode(t, readCacheTags("replicationgroup", "new")(ctx, c), "InvalidReplicationGroupState")
		_, err = c.CreateCacheCluster(ctx, &elasticache.CreateCacheClusterInput{
			CacheClusterId: aws.String("mem"), Engine: aws.String("memcached"), CacheNodeType: aws.String("cache.t4g.small"), NumCacheNodes: aws.Int32(2),
		})
		wantCode(t, err, "")
		_, err = c.CreateServerlessCache(ctx, &elasticache.CreateServerlessCacheInput{ServerlessCacheName: aws.String("less"), Engine: aws.String("valkey")})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		group, err := c.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("new")})
		wantCode(t, err, "")
		if g := group.ReplicationGroups[0]; *g.Status != "available" || !*g.ClusterEnabled || *g.LogDeliveryConfigurations[0].DestinationDetails.CloudWatchLogsDetails.LogGroup != "/logs" || g.UserGroupIds[0] != "app" {
			t.Errorf("the group: %+v", g)
		}
		outside, err := c.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{ShowCacheClustersNotInReplicationGroups: aws.Bool(true), ShowCacheNodeInfo: aws.Bool(true)})
		wantCode(t, err, "")
		if len(outside.CacheClusters) != 5 || len(outside.CacheClusters[1].CacheNodes) != 2 {
			t.Errorf("outside of groups: %+v", outside.CacheClusters)
		}
		_, err = c.DeleteReplicationGroup(ctx, &elasticache.DeleteReplicationGroupInput{ReplicationGroupId: aws.String("new"), FinalSnapshotIdentifier: aws.String("last")})
		wantCode(t, err, "")
		_, err = c.DeleteCacheCluster(ctx, &elasticache.DeleteCacheClusterInput{CacheClusterId: aws.String("mem"), FinalSnapshotIdentifier: aws.String("no")})
		wantCode(t, err, "SnapshotFeatureNotSupportedFault")
		_, err = c.DeleteServerlessCache(ctx, &elasticache.DeleteServerlessCacheInput{ServerlessCacheName: aws.String("less"), FinalSnapshotName: aws.String("last")})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		_, err = c.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("new")})
		wantCode(t, err, "ReplicationGroupNotFoundFault")
		_, err = c.DescribeSnapshots(ctx, &elasticache.DescribeSnapshotsInput{SnapshotName: aws.String("last")})
		wantCode(t, err, "")
		less, err := c.DescribeServerlessCacheSnapshots(ctx, &elasticache.DescribeServerlessCacheSnapshotsInput{ServerlessCacheName: aws.String("less")})
		wantCode(t, err, "")
		if len(less.ServerlessCacheSnapshots) != 1 || *less.ServerlessCacheSnapshots[0].Status != "available" {
			t.Errorf("left of the serverless one: %+v", less.ServerlessCacheSnapshots)
		}
	})
}

func TestCacheTagsAndQuota(t *testing.T) {
	inCaches(t, func(t *testing.T, a *sandbox.AWS, c *elasticache.Client) {
		ctx := t.Context()
		plain := cacheARN("snapshot", "plain")
		got, err := c.AddTagsToResource(ctx, &elasticache.AddTagsToResourceInput{ResourceName: plain, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("c")}}})
		wantCode(t, err, "")
		if len(got.TagList) != 2 {
			t.Errorf("tags after adding one: %v", got.TagList)
		}
		untag := &elasticache.RemoveTagsFromResourceInput{ResourceName: plain, TagKeys: []string{"b"}}
		_, err = c.RemoveTagsFromResource(ctx, untag)
		wantCode(t, err, "")
		_, err = c.RemoveTagsFromResource(ctx, untag)
		wantCode(t, err, "TagNotFound")
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaCacheSnapshots, 1), "")
		wantCode(t, groupSnapshot("hot", "one")(ctx, c), "")
		time.Sleep(time.Hour)
		wantCode(t, dropCacheSnapshot("one")(ctx, c), "")
		wantCode(t, groupSnapshot("hot", "two")(ctx, c), "SnapshotQuotaExceededFault") // The deleted one counts.
		time.Sleep(24 * time.Hour)
		wantCode(t, groupSnapshot("hot", "two")(ctx, c), "")
	})
}
