package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// A change is accepted only of what is available, is modifying for a while, and shows.
func TestCachesCanBeChanged(t *testing.T) {
	inCaches(t, func(t *testing.T, a *sandbox.AWS, c *elasticache.Client) {
		ctx, now := t.Context(), aws.Bool(true)
		change := &elasticache.ModifyReplicationGroupInput{
			ReplicationGroupId: aws.String("hot"), ApplyImmediately: now, ReplicationGroupDescription: aws.String("hotter"),
			SnapshotRetentionLimit: aws.Int32(3), UserGroupIdsToAdd: []string{"shoppers"}, PreferredMaintenanceWindow: aws.String("tue:01:00-tue:02:00"),
			LogDeliveryConfigurations: []types.LogDeliveryConfigurationRequest{{
				LogType: types.LogTypeSlowLog, LogFormat: types.LogFormatJson, DestinationType: types.DestinationTypeCloudWatchLogs,
				DestinationDetails: &types.DestinationDetails{CloudWatchLogsDetails: &types.CloudWatchLogsDestinationDetails{LogGroup: aws.String("/slow")}},
			}},
		}
		_, err := c.ModifyReplicationGroup(ctx, change)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.ModifyReplicationGroup(ctx, change)
		wantCode(t, err, "InvalidReplicationGroupState")
		time.Sleep(5 * time.Minute)
		got, err := c.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: aws.String("hot")})
		if err != nil {
			t.Fatal(err)
		}
		if g := got.ReplicationGroups[0]; *g.Status != "available" || *g.Description != "hotter" || *g.SnapshotRetentionLimit != 3 ||
			len(g.UserGroupIds) != 1 || len(g.LogDeliveryConfigurations) != 1 {
			t.Errorf("%+v", g)
		}
		if a.CacheAnswering(prod, east, *got.ReplicationGroups[0].NodeGroups[0].ReaderEndpoint.Address) != "hot" {
			t.Error("the reader does not answer")
		}
		_, err = c.ModifyCacheCluster(ctx, &elasticache.ModifyCacheClusterInput{
			CacheClusterId: aws.String("lone"), ApplyImmediately: now, SnapshotWindow: aws.String("05:00-06:00"),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.ModifyServerlessCache(ctx, &elasticache.ModifyServerlessCacheInput{ServerlessCacheName: aws.String("flow"), Description: aws.String("flows")})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What AWS refuses when caches are made and changed.
func TestCacheRulesOfMaking(t *testing.T) {
	group := func(change func(*elasticache.CreateReplicationGroupInput)) func(context.Context, *elasticache.Client) error {
		return func(ctx context.Context, c *elasticache.Client) error {
			in := &elasticache.CreateReplicationGroupInput{ReplicationGroupId: aws.String("new"), ReplicationGroupDescription: aws.String("new")}
			change(in)
			_, err := c.CreateReplicationGroup(ctx, in)
			return err
		}
	}
	const badValue, badCombination = "InvalidParameterValue", "InvalidParameterCombination"
	for name, c := range map[string]struct {
		code string
		try  func(context.Context, *elasticache.Client) error
	}{
		"patch in the version": {badValue, group(func(in *elasticache.CreateReplicationGroupInput) { in.EngineVersion = aws.String("7.1.0") })},
		"short token": {badValue, group(func(in *elasticache.CreateReplicationGroupInput) {
			in.TransitEncryptionEnabled, in.AuthToken = aws.Bool(true), aws.String("short")
		})},
		"zones of another Region": {badValue, group(func(in *elasticache.CreateReplicationGroupInput) {
			in.PreferredCacheClusterAZs = []string{"us-west-2a"}
		})},
		"more zones than nodes": {badCombination, group(func(in *elasticache.CreateReplicationGroupInput) {
			in.PreferredCacheClusterAZs = []string{"us-east-1a", "us-east-1b"}
		})},
		"token and user groups": {badCombination, group(func(in *elasticache.CreateReplicationGroupInput) {
			in.TransitEncryptionEnabled, in.AuthToken, in.UserGroupIds = aws.Bool(true), aws.String("0123456789abcdef"), []string{"shoppers"}
		})},
		"into an older version": {badCombination, group(func(in *elasticache.CreateReplicationGroupInput) {
			in.Engine, in.EngineVersion, in.SnapshotName = aws.String("redis"), aws.String("6.2"), aws.String("plain")
		})},
		"Multi-AZ without failover": {badCombination, func(ctx context.Context, c *elasticache.Client) error {
			_, err := c.ModifyReplicationGroup(ctx, &elasticache.ModifyReplicationGroupInput{
				ReplicationGroupId: aws.String("hot"), ApplyImmediately: aws.Bool(true), MultiAZEnabled: aws.Bool(true),
			})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inCaches(t, func(t *testing.T, _ *sandbox.AWS, client *elasticache.Client) {
				wantCode(t, c.try(t.Context(), client), c.code)
			})
		})
	}
}
