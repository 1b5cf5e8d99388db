package elasticache

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
)

// groupSettings gives what a restored replication group has to be told. A snapshot
// carries engine, node type and slots, but not security groups, encryption in
// transit, user groups, logs and tags (Amazon ElastiCache API Reference, Snapshot
// and CreateReplicationGroup). Half of it is shown on the group's nodes only; first
// is one of them, or nil.
func groupSettings(g *types.ReplicationGroup, first *types.CacheCluster) map[string]string {
	m := map[string]string{
		"form":            "group",
		"engine":          aws.ToString(g.Engine),
		"node":            aws.ToString(g.CacheNodeType),
		"description":     aws.ToString(g.Description),
		"shards":          number(len(g.NodeGroups)),
		"replicas":        replicas(g),
		"slots":           slots(g),
		"zones":           zones(g),
		"cluster-mode":    clusterMode(g),
		"failover":        enabled(string(g.AutomaticFailover)),
		"multi-az":        enabled(string(g.MultiAZ)),
		"tls":             flag(g.TransitEncryptionEnabled),
		"tls-mode":        string(g.TransitEncryptionMode),
		"auth":            flag(g.AuthTokenEnabled),
		"at-rest":         flag(g.AtRestEncryptionEnabled),
		"key":             aws.ToString(g.KmsKeyId),
		"user-groups":     list(g.UserGroupIds),
		"logs":            logs(g.LogDeliveryConfigurations),
		"snapshot-days":   number(int(aws.ToInt32(g.SnapshotRetentionLimit))),
		"snapshot-window": aws.ToString(g.SnapshotWindow),
		"data-tiering":    enabled(string(g.DataTiering)),
		"minor-upgrade":   flag(g.AutoMinorVersionUpgrade),
		"network":         string(g.NetworkType),
		"ip-discovery":    string(g.IpDiscovery),
		"durability":      string(g.Durability),
		"port":            groupPort(g),
	}
	if g.GlobalReplicationGroupInfo != nil {
		m["global"] = aws.ToString(g.GlobalReplicationGroupInfo.GlobalReplicationGroupId)
	}
	if first != nil {
		addNodeSettings(m, first)
	}
	return m
}

// clusterSettings gives what a node outside of groups has to be told.
func clusterSettings(c *types.CacheCluster) map[string]string {
	m := map[string]string{
		"form":            "cluster",
		"engine":          aws.ToString(c.Engine),
		"node":            aws.ToString(c.CacheNodeType),
		"nodes":           number(int(aws.ToInt32(c.NumCacheNodes))),
		"zones":           aws.ToString(c.PreferredAvailabilityZone),
		"tls":             flag(c.TransitEncryptionEnabled),
		"tls-mode":        string(c.TransitEncryptionMode),
		"auth":            flag(c.AuthTokenEnabled),
		"at-rest":         flag(c.AtRestEncryptionEnabled),
		"logs":            logs(c.LogDeliveryConfigurations),
		"snapshot-days":   number(int(aws.ToInt32(c.SnapshotRetentionLimit))),
		"snapshot-window": aws.ToString(c.SnapshotWindow),
		"minor-upgrade":   flag(c.AutoMinorVersionUpgrade),
		"network":         string(c.NetworkType),
		"ip-discovery":    string(c.IpDiscovery),
	}
	addNodeSettings(m, c)
	return m
}

// addNodeSettings adds what nodes alone show.
func addNodeSettings(m map[string]string, c *types.CacheCluster) {
	m["version"] = aws.ToString(c.EngineVersion)
	m["subnets"] = aws.ToString(c.CacheSubnetGroupName)
	m["maintenance"] = aws.ToString(c.PreferredMaintenanceWindow)
	m["outpost"] = aws.ToString(c.PreferredOutpostArn)
	if c.CacheParameterGroup != nil {
		m["parameters"] = aws.ToString(c.CacheParameterGroup.CacheParameterGroupName)
	}
	if c.NotificationConfiguration != nil {
		m["topic"] = aws.ToString(c.NotificationConfiguration.TopicArn)
	}
	var groups []string
	for _, s := range c.SecurityGroups {
		groups = append(groups, aws.ToString(s.SecurityGroupId))
	}
	m["security"] = list(groups)
	for _, n := range c.CacheNodes {
		if n.Endpoint != nil && m["port"] == "" {
			m["port"] = number(int(aws.ToInt32(n.Endpoint.Port)))
		}
	}
}

// serverlessSettings gives what a restored serverless cache has to be told.
func serverlessSettings(c *types.ServerlessCache) map[string]string {
	m := map[string]string{
		"form":            "serverless",
		"engine":          aws.ToString(c.Engine),
		"major":           aws.ToString(c.MajorEngineVersion),
		"version":         aws.ToString(c.FullEngineVersion),
		"description":     aws.ToString(c.Description),
		"key":             aws.ToString(c.KmsKeyId),
		"security":        list(c.SecurityGroupIds),
		"subnets":         list(c.SubnetIds),
		"user-groups":     aws.ToString(c.UserGroupId),
		"snapshot-days":   number(int(aws.ToInt32(c.SnapshotRetentionLimit))),
		"snapshot-window": aws.ToString(c.DailySnapshotTime),
		"network":         string(c.NetworkType),
	}
	if u := c.CacheUsageLimits; u != nil {
		if d := u.DataStorage; d != nil {
			m["min-gb"], m["max-gb"] = number(int(aws.ToInt32(d.Minimum))), number(int(aws.ToInt32(d.Maximum)))
		}
		if e := u.ECPUPerSecond; e != nil {
			m["min-ecpu"], m["max-ecpu"] = number(int(aws.ToInt32(e.Minimum))), number(int(aws.ToInt32(e.Maximum)))
		}
	}
	return m
}

// replicas gives how many replicas each shard has.
func replicas(g *types.ReplicationGroup) string {
	var out []string
	for i := range g.NodeGroups {
		out = append(out, strconv.Itoa(max(0, len(g.NodeGroups[i].NodeGroupMembers)-1)))
	}
	if same := slices.Compact(slices.Clone(out)); len(same) == 1 {
		return number(len(g.NodeGroups[0].NodeGroupMembers) - 1)
	}
	return strings.Join(out, ",")
}

func slots(g *types.ReplicationGroup) string {
	var out []string
	for i := range g.NodeGroups {
		if n := &g.NodeGroups[i]; aws.ToString(n.Slots) != "" {
			// A shard may hold several ranges, with commas between them.
			out = append(out, aws.ToString(n.NodeGroupId)+":"+strings.ReplaceAll(aws.ToString(n.Slots), ",", "_"))
		}
	}
	return list(out)
}

func zones(g *types.ReplicationGroup) string {
	var out []string
	for i := range g.NodeGroups {
		for _, n := range g.NodeGroups[i].NodeGroupMembers {
			if z := aws.ToString(n.PreferredAvailabilityZone); z != "" {
				out = append(out, z)
			}
		}
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(out))), ",")
}

func clusterMode(g *types.ReplicationGroup) string {
	if g.ClusterMode == "" && aws.ToBool(g.ClusterEnabled) {
		return string(types.ClusterModeEnabled)
	}
	return string(g.ClusterMode)
}

func groupPort(g *types.ReplicationGroup) string {
	if e := g.ConfigurationEndpoint; e != nil {
		return number(int(aws.ToInt32(e.Port)))
	}
	for i := range g.NodeGroups {
		if e := g.NodeGroups[i].PrimaryEndpoint; e != nil {
			return number(int(aws.ToInt32(e.Port)))
		}
	}
	return ""
}

// logs gives what is logged where, such as
// "slow-log json cloudwatch-logs /elasticache/orders".
func logs(all []types.LogDeliveryConfiguration) string {
	var out []string
	for _, l := range all {
		to := ""
		if d := l.DestinationDetails; d != nil && d.CloudWatchLogsDetails != nil {
			to = aws.ToString(d.CloudWatchLogsDetails.LogGroup)
		} else if d != nil && d.KinesisFirehoseDetails != nil {
			to = aws.ToString(d.KinesisFirehoseDetails.DeliveryStream)
		}
		out = append(out, strings.Join([]string{string(l.LogType), string(l.LogFormat), string(l.DestinationType), to}, " "))
	}
	return list(out)
}

// flag leaves out what is false or unset, so that the captured configuration
// stays short.
func flag(b *bool) string {
	if aws.ToBool(b) {
		return "yes"
	}
	return ""
}

func enabled(s string) string {
	if s == "enabled" || s == "enabling" {
		return "yes"
	}
	return ""
}

func number(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func list(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ",")
}
