package elasticache

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/holdfast-dr/holdfast/internal/store"
)

// restoreGrants tries what restores need. What is to be made is to be made from a
// snapshot that does not exist.
func (m *maker) restoreGrants(ctx context.Context) []store.Grant {
	var out []store.Grant
	for _, t := range append(m.restoreTries(ctx), m.recordTries(ctx)...) {
		err := t.try()
		if fault := classify(err); fault == store.NotFound || fault == store.Invalid {
			err = nil
		}
		out = append(out, store.Grant{Permission: t.permission, Needed: t.needed, Restores: true, Err: err})
	}
	return out
}

func (m *maker) restoreTries(ctx context.Context) []attempt {
	name := aws.String(probe)
	return []attempt{
		{"elasticache:CreateReplicationGroup", "to restore replication groups", func() error {
			_, err := m.caches.CreateReplicationGroup(ctx, &elasticache.CreateReplicationGroupInput{
				ReplicationGroupId: name, ReplicationGroupDescription: name, SnapshotName: name,
			})
			return err
		}},
		{"elasticache:ModifyReplicationGroup", "to put restored groups into order", func() error {
			_, err := m.caches.ModifyReplicationGroup(ctx, &elasticache.ModifyReplicationGroupInput{ReplicationGroupId: name, ApplyImmediately: aws.Bool(true)})
			return err
		}},
		{"elasticache:DeleteReplicationGroup", "to take back what failed, and to delete what a restore replaced", func() error {
			_, err := m.caches.DeleteReplicationGroup(ctx, &elasticache.DeleteReplicationGroupInput{ReplicationGroupId: name})
			return err
		}},
		{"elasticache:CreateCacheCluster", "to restore nodes outside of groups", func() error {
			_, err := m.caches.CreateCacheCluster(ctx, &elasticache.CreateCacheClusterInput{CacheClusterId: name, NumCacheNodes: aws.Int32(1), SnapshotName: name})
			return err
		}},
		{"elasticache:ModifyCacheCluster", "to put restored nodes into order", func() error {
			_, err := m.caches.ModifyCacheCluster(ctx, &elasticache.ModifyCacheClusterInput{CacheClusterId: name, ApplyImmediately: aws.Bool(true)})
			return err
		}},
		{"elasticache:DeleteCacheCluster", "to take back nodes that failed, and to delete what a restore replaced", func() error {
			_, err := m.caches.DeleteCacheCluster(ctx, &elasticache.DeleteCacheClusterInput{CacheClusterId: name})
			return err
		}},
		{"elasticache:CreateServerlessCache", "to restore serverless caches", func() error {
			_, err := m.caches.CreateServerlessCache(ctx, &elasticache.CreateServerlessCacheInput{
				ServerlessCacheName: name, Engine: aws.String("valkey"), SnapshotArnsToRestore: []string{snapshotARN(m.site, probe, true)},
			})
			return err
		}},
		{"elasticache:ModifyServerlessCache", "to put restored serverless caches into order", func() error {
			_, err := m.caches.ModifyServerlessCache(ctx, &elasticache.ModifyServerlessCacheInput{ServerlessCacheName: name})
			return err
		}},
		{"elasticache:DeleteServerlessCache", "to take back serverless caches that failed, and to delete what a restore replaced", func() error {
			_, err := m.caches.DeleteServerlessCache(ctx, &elasticache.DeleteServerlessCacheInput{ServerlessCacheName: name})
			return err
		}},
	}
}

// recordTries are about the records by which clients of caches go.
func (m *maker) recordTries(ctx context.Context) []attempt {
	dns := route53.NewFromConfig(m.cfg)
	zone := aws.String("Z00000000000000000000")
	return []attempt{
		{"route53:ListHostedZonesByName", "to find the zone of a cache's record", func() error {
			_, err := dns.ListHostedZonesByName(ctx, &route53.ListHostedZonesByNameInput{MaxItems: aws.Int32(1)})
			return err
		}},
		{"route53:ListResourceRecordSets", "to see where a cache's record points", func() error {
			_, err := dns.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{HostedZoneId: zone, MaxItems: aws.Int32(1)})
			return err
		}},
		{"route53:ChangeResourceRecordSets", "to point a cache's record to the restored one", func() error {
			set := &types.ResourceRecordSet{
				Name: aws.String(probe + ".invalid"), Type: types.RRTypeCname, TTL: aws.Int64(60),
				ResourceRecords: []types.ResourceRecord{{Value: aws.String(probe + ".invalid")}},
			}
			_, err := dns.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
				HostedZoneId: zone, ChangeBatch: &types.ChangeBatch{Changes: []types.Change{{Action: types.ChangeActionDelete, ResourceRecordSet: set}}},
			})
			return err
		}},
		{"route53:GetChange", "to wait until all name servers know it", func() error {
			_, err := dns.GetChange(ctx, &route53.GetChangeInput{Id: aws.String("C00000000000000000000")})
			return err
		}},
	}
}
