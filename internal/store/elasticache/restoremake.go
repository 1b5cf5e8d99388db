package elasticache

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// recipe is what a cache is made from and how.
type recipe struct {
	id, form, name string
	want           wanted
	snapshot       string
	files          []string
	token          *string
	tags           dr.Tags
}

// readRecipe reads it from the arguments of a step.
func readRecipe(st saga.Step) (recipe, error) {
	settings, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return recipe{}, err
	}
	own, err := dr.Config(st.Args["tags"]).Settings()
	if err != nil {
		return recipe{}, err
	}
	r := recipe{id: st.Args["id"], want: settings, snapshot: st.Args["snapshot"]}
	r.form, r.name = splitID(st.Args["new"])
	if text := st.Args["files"]; text != "" {
		r.files = strings.Split(text, ",")
	}
	mark := dr.RestoreMark(r.id, dr.RoleNew, dr.Config(st.Args["request"]))
	r.tags = snapshotTags(mark, ownOf(own))
	return r, nil
}

// ownOf gives as many of a cache's own tags as a restored one can have, in the order of
// their keys.
func ownOf(own dr.Tags) dr.Tags {
	out := dr.Tags{}
	for _, t := range sdkTags(own) {
		if len(out) < ownTags {
			out[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
	}
	return out
}

// make begins to make the new one, with its mark and all settings that the call takes.
func (m *maker) make(ctx context.Context, st saga.Step) error {
	r, err := readRecipe(st)
	if err != nil {
		return err
	}
	if r.want.yes("auth") {
		token, err := readToken(st.Args["token"])
		if err != nil {
			return err
		}
		r.token = &token
	}
	switch r.form {
	case formCluster:
		_, err = m.caches.CreateCacheCluster(ctx, r.cluster())
	case formServerless:
		_, err = m.caches.CreateServerlessCache(ctx, r.serverless(m.site))
	default:
		_, err = m.caches.CreateReplicationGroup(ctx, r.group())
	}
	switch {
	case err == nil:
		m.memory.wrote(cacheARN(m.site, r.form, r.name), r.tags)
	case hasCode(err, "ReplicationGroupAlreadyExists"), hasCode(err, "CacheClusterAlreadyExists"), hasCode(err, "ServerlessCacheAlreadyExistsFault"):
		// An earlier try whose answer was lost has made it, and listings lag behind. Whose
		// it is shows then.
		if _, found, lookErr := m.look(ctx, st.Args["new"]); lookErr == nil && !found {
			return fmt.Errorf("%s %s: %w", noun(r.form), r.name, errUnclear)
		}
	}
	return err
}

func cacheARN(site dr.Site, form, name string) string {
	kind := map[string]string{formGroup: "replicationgroup", formCluster: "cluster", formServerless: "serverlesscache"}[form]
	return "arn:" + site.Partition() + ":elasticache:" + site.Region + ":" + site.Account + ":" + kind + ":" + name
}

func (r recipe) group() *elasticache.CreateReplicationGroupInput {
	w := r.want
	in := &elasticache.CreateReplicationGroupInput{
		ReplicationGroupId: &r.name, ReplicationGroupDescription: aws.String(sign(r.id)), Tags: sdkTags(r.tags),
		Engine: w.text("engine"), EngineVersion: aws.String(release(w)), CacheNodeType: w.text("node"),
		CacheSubnetGroupName: w.text("subnets"), SecurityGroupIds: w.list("security"), CacheParameterGroupName: w.text("parameters"),
		AutomaticFailoverEnabled: w.flag("failover"), MultiAZEnabled: w.flag("multi-az"),
		TransitEncryptionEnabled: w.flag("tls"), TransitEncryptionMode: types.TransitEncryptionMode(w["tls-mode"]), AuthToken: r.token,
		UserGroupIds: w.list("user-groups"), AtRestEncryptionEnabled: w.flag("at-rest"), KmsKeyId: w.text("key"),
		LogDeliveryConfigurations: logRequests(w), PreferredMaintenanceWindow: w.text("maintenance"),
		SnapshotRetentionLimit: aws.Int32(int32(w.count("snapshot-days"))), SnapshotWindow: w.text("snapshot-window"),
		NotificationTopicArn: w.text("topic"), NetworkType: types.NetworkType(w["network"]), IpDiscovery: types.IpDiscovery(w["ip-discovery"]),
		DataTieringEnabled: w.set("data-tiering"), AutoMinorVersionUpgrade: w.flag("minor-upgrade"), Port: w.number("port"),
		ClusterMode: types.ClusterMode(w["cluster-mode"]), Durability: types.Durability(w["durability"]), SnapshotArns: r.files,
	}
	if len(r.files) == 0 {
		in.SnapshotName = aws.String(plainName(r.snapshot))
	}
	shards := shardsOf(w)
	if types.ClusterMode(w["cluster-mode"]) == types.ClusterModeEnabled || len(shards) > 1 {
		in.NodeGroupConfiguration = nodeGroups(w, shards)
		return in
	}
	nodes := 1 + shards[0].replicas
	in.NumCacheClusters = aws.Int32(int32(nodes))
	in.PreferredCacheClusterAZs = zonesFor(w, 0, nodes)
	return in
}

// nodeGroups gives the shards with their slots and zones.
func nodeGroups(w wanted, shards []shardSetting) []types.NodeGroupConfiguration {
	out := make([]types.NodeGroupConfiguration, 0, len(shards))
	for i, s := range shards {
		g := types.NodeGroupConfiguration{ReplicaCount: aws.Int32(int32(s.replicas))}
		if s.slots != "" {
			g.NodeGroupId, g.Slots = aws.String(s.id), aws.String(s.slots)
		}
		if zones := zonesFor(w, i, 1+s.replicas); len(zones) > 0 {
			g.PrimaryAvailabilityZone, g.ReplicaAvailabilityZones = aws.String(zones[0]), zones[1:]
		}
		out = append(out, g)
	}
	return out
}

func (r recipe) cluster() *elasticache.CreateCacheClusterInput {
	w := r.want
	in := &elasticache.CreateCacheClusterInput{
		CacheClusterId: &r.name, Tags: sdkTags(r.tags), NumCacheNodes: aws.Int32(1),
		Engine: w.text("engine"), EngineVersion: aws.String(release(w)), CacheNodeType: w.text("node"),
		CacheSubnetGroupName: w.text("subnets"), SecurityGroupIds: w.list("security"), CacheParameterGroupName: w.text("parameters"),
		TransitEncryptionEnabled: w.set("tls"), AuthToken: r.token, LogDeliveryConfigurations: logRequests(w),
		PreferredMaintenanceWindow: w.text("maintenance"), PreferredAvailabilityZone: w.text("zones"), PreferredOutpostArn: w.text("outpost"),
		SnapshotRetentionLimit: aws.Int32(int32(w.count("snapshot-days"))), SnapshotWindow: w.text("snapshot-window"),
		NotificationTopicArn: w.text("topic"), NetworkType: types.NetworkType(w["network"]), IpDiscovery: types.IpDiscovery(w["ip-discovery"]),
		AutoMinorVersionUpgrade: w.flag("minor-upgrade"), Port: w.number("port"), SnapshotArns: r.files,
	}
	if len(r.files) == 0 {
		in.SnapshotName = aws.String(plainName(r.snapshot))
	}
	return in
}

func (r recipe) serverless(site dr.Site) *elasticache.CreateServerlessCacheInput {
	w := r.want
	in := &elasticache.CreateServerlessCacheInput{
		ServerlessCacheName: &r.name, Description: w.text("description"), Tags: sdkTags(r.tags),
		Engine: w.text("engine"), MajorEngineVersion: w.text("major"), KmsKeyId: w.text("key"),
		SecurityGroupIds: w.list("security"), SubnetIds: w.list("subnets"), UserGroupId: w.text("user-groups"),
		SnapshotRetentionLimit: w.number("snapshot-days"), DailySnapshotTime: w.text("snapshot-window"),
		NetworkType: types.NetworkType(w["network"]), CacheUsageLimits: limitsOf(w), SnapshotArnsToRestore: r.files,
	}
	if in.Description != nil { // None can take the place of one that is there.
		in.Description = aws.String(sign(r.id))
	}
	if len(r.files) == 0 {
		in.SnapshotArnsToRestore = []string{snapshotARN(site, plainName(r.snapshot), true)}
	}
	return in
}

// remove begins to delete a cache, without a final snapshot. One that is busy is left
// until it is not.
func (m *maker) remove(ctx context.Context, c cacheNow) (err error) {
	if c.deleting() || !c.ready() && c.broken() == nil {
		return nil
	}
	switch c.form {
	case formCluster:
		_, err = m.caches.DeleteCacheCluster(ctx, &elasticache.DeleteCacheClusterInput{CacheClusterId: &c.name})
	case formServerless:
		_, err = m.caches.DeleteServerlessCache(ctx, &elasticache.DeleteServerlessCacheInput{ServerlessCacheName: &c.name})
	default:
		_, err = m.caches.DeleteReplicationGroup(ctx, &elasticache.DeleteReplicationGroupInput{ReplicationGroupId: &c.name})
	}
	if err != nil && classify(err) != store.NotFound {
		return fmt.Errorf("delete %s %s: %w", noun(c.form), c.name, err)
	}
	return nil
}
