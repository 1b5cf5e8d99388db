package elasticache

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
)

// changeable are the settings that a cache can be given when it is there, but for its
// description.
func changeable(form string) []string {
	if form == formServerless {
		return []string{"security", "snapshot-days", "snapshot-window", "user-groups", "min-gb", "max-gb", "min-ecpu", "max-ecpu"}
	}
	out := []string{"security", "snapshot-days", "snapshot-window", "maintenance", "topic", "parameters", "minor-upgrade", "logs"}
	if form == formGroup {
		out = append(out, "failover", "multi-az", "user-groups")
	}
	return out
}

// unsettled names the settings that a cache does not have yet and can be given.
func unsettled(form, name string, is, want wanted) []string {
	var out []string
	if form != formCluster && is["description"] != described(want, name) {
		out = append(out, "description")
	}
	for _, key := range changeable(form) {
		unsaid := want[key] == "" && (key == "security" || key == "snapshot-window" || key == "maintenance" || key == "topic" || key == "parameters")
		if is[key] != want[key] && !unsaid {
			out = append(out, key)
		}
	}
	return out
}

// settle gives a cache the settings that it does not have.
func (m *maker) settle(ctx context.Context, c cacheNow, is, want wanted) (err error) {
	these := wanted{}
	for _, key := range unsettled(c.form, c.name, is, want) {
		these[key] = want[key]
	}
	switch c.form {
	case formCluster:
		_, err = m.caches.ModifyCacheCluster(ctx, changeCluster(c, these))
	case formServerless:
		_, err = m.caches.ModifyServerlessCache(ctx, changeServerless(c, these, want))
	default:
		_, err = m.caches.ModifyReplicationGroup(ctx, changeGroup(c, these, is, want))
	}
	return err
}

// said gives a setting that is to be changed, also to nothing.
func said[T any](these wanted, key string, value T) *T {
	if _, ok := these[key]; !ok {
		return nil
	}
	return &value
}

func days(these wanted) *int32 {
	return said(these, "snapshot-days", int32(these.count("snapshot-days")))
}

func changeGroup(c cacheNow, these, is, want wanted) *elasticache.ModifyReplicationGroupInput {
	in := &elasticache.ModifyReplicationGroupInput{
		ReplicationGroupId: &c.name, ApplyImmediately: aws.Bool(true), ReplicationGroupDescription: said(these, "description", described(want, c.name)),
		SecurityGroupIds: these.list("security"), SnapshotRetentionLimit: days(these), SnapshotWindow: these.text("snapshot-window"),
		PreferredMaintenanceWindow: these.text("maintenance"), NotificationTopicArn: these.text("topic"), CacheParameterGroupName: these.text("parameters"),
		AutoMinorVersionUpgrade: said(these, "minor-upgrade", these.yes("minor-upgrade")), LogDeliveryConfigurations: logRequests(these),
		AutomaticFailoverEnabled: said(these, "failover", these.yes("failover")), MultiAZEnabled: said(these, "multi-az", these.yes("multi-az")),
	}
	if _, ok := these["user-groups"]; ok {
		has, wants := is.list("user-groups"), want.list("user-groups")
		in.UserGroupIdsToAdd = slices.DeleteFunc(slices.Clone(wants), func(id string) bool { return slices.Contains(has, id) })
		in.UserGroupIdsToRemove = slices.DeleteFunc(slices.Clone(has), func(id string) bool { return slices.Contains(wants, id) })
	}
	return in
}

func changeCluster(c cacheNow, these wanted) *elasticache.ModifyCacheClusterInput {
	return &elasticache.ModifyCacheClusterInput{
		CacheClusterId: &c.name, ApplyImmediately: aws.Bool(true),
		SecurityGroupIds: these.list("security"), SnapshotRetentionLimit: days(these), SnapshotWindow: these.text("snapshot-window"),
		PreferredMaintenanceWindow: these.text("maintenance"), NotificationTopicArn: these.text("topic"), CacheParameterGroupName: these.text("parameters"),
		AutoMinorVersionUpgrade: said(these, "minor-upgrade", these.yes("minor-upgrade")), LogDeliveryConfigurations: logRequests(these),
	}
}

func changeServerless(c cacheNow, these, want wanted) *elasticache.ModifyServerlessCacheInput {
	in := &elasticache.ModifyServerlessCacheInput{
		ServerlessCacheName: &c.name, Description: said(these, "description", described(want, c.name)),
		SecurityGroupIds: these.list("security"), SnapshotRetentionLimit: days(these), DailySnapshotTime: these.text("snapshot-window"),
		UserGroupId: these.text("user-groups"),
	}
	for _, key := range [...]string{"min-gb", "max-gb", "min-ecpu", "max-ecpu"} {
		if _, ok := these[key]; ok {
			in.CacheUsageLimits = limitsOf(want)
		}
	}
	return in
}
