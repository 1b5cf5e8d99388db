package sandbox

import (
	"fmt"
	"time"
)

// The elements of the answers of ElastiCache about groups and clusters, named as
// in the service model. A list is a struct of its own, so that it is written when
// it is empty.
type (
	cacheGroupXML struct {
		ReplicationGroupId, Description, Status string
		PendingModifiedValues                   struct{}
		MemberClusters                          struct{ ClusterId []string }
		NodeGroups                              struct{ NodeGroup []cacheShardXML }
		SnapshottingClusterId                   string `xml:",omitempty"`
		AutomaticFailover, MultiAZ              string
		ConfigurationEndpoint                   *cacheEndpointXML `xml:",omitempty"`
		SnapshotRetentionLimit                  int
		SnapshotWindow                          string
		ClusterEnabled                          bool
		CacheNodeType                           string
		AuthTokenEnabled                        bool
		TransitEncryptionEnabled                bool
		AtRestEncryptionEnabled                 bool
		KmsKeyId                                string `xml:",omitempty"`
		ARN                                     string
		UserGroupIds                            cacheMembersXML
		LogDeliveryConfigurations               struct{ LogDeliveryConfiguration []cacheLogXML }
		ReplicationGroupCreateTime              string
		DataTiering                             string
		AutoMinorVersionUpgrade                 bool
		NetworkType, IpDiscovery                string
		TransitEncryptionMode                   string `xml:",omitempty"`
		ClusterMode, Engine                     string
	}
	cacheShardXML struct {
		NodeGroupId, Status string
		PrimaryEndpoint     *cacheEndpointXML `xml:",omitempty"`
		ReaderEndpoint      *cacheEndpointXML `xml:",omitempty"`
		Slots               string            `xml:",omitempty"`
		NodeGroupMembers    struct{ NodeGroupMember []cacheMemberXML }
	}
	cacheMemberXML struct {
		CacheClusterId, CacheNodeId, PreferredAvailabilityZone string
		CurrentRole                                            string `xml:",omitempty"`
	}
	cacheEndpointXML struct {
		Address string
		Port    int
	}
	cacheMembersXML struct {
		Member []string `xml:"member"`
	}
	cacheLogXML struct {
		LogType, DestinationType string
		DestinationDetails       cacheLogTargetXML
		LogFormat, Status        string
	}
	cacheLogTargetXML struct {
		CloudWatchLogsDetails  *struct{ LogGroup string }       `xml:",omitempty"`
		KinesisFirehoseDetails *struct{ DeliveryStream string } `xml:",omitempty"`
	}
)

// showCacheGroup gives a replication group as it is at a moment.
func showCacheGroup(c *cache, when time.Time) cacheGroupXML {
	f := c.configAt(when)
	x := cacheGroupXML{
		ReplicationGroupId: f.name, Description: f.description, Status: c.status.get(when),
		AutomaticFailover: switched(f.failover), MultiAZ: switched(f.multiAZ), SnapshotRetentionLimit: f.retention,
		SnapshotWindow: f.snapshotWindow, ClusterEnabled: f.clusterMode, CacheNodeType: f.node, AuthTokenEnabled: f.auth,
		TransitEncryptionEnabled: f.tls, AtRestEncryptionEnabled: f.atRest, KmsKeyId: f.key, ARN: c.arn().String(),
		UserGroupIds: cacheMembersXML{f.userGroups}, ReplicationGroupCreateTime: stamp(c.created), DataTiering: switched(f.dataTiering),
		AutoMinorVersionUpgrade: f.minorUpgrade, NetworkType: "ipv4", IpDiscovery: "ipv4", TransitEncryptionMode: f.tlsMode,
		ClusterMode: switched(f.clusterMode), Engine: f.engine,
	}
	x.LogDeliveryConfigurations.LogDeliveryConfiguration = showCacheLogs(f.logs)
	if x.Status == statusSnapshotting {
		x.SnapshottingClusterId = c.sources()[0]
	}
	if x.Status == statusCreating {
		return x // Its nodes are not there yet.
	}
	for shard, nodes := range c.members() {
		x.MemberClusters.ClusterId = append(x.MemberClusters.ClusterId, nodes...)
		x.NodeGroups.NodeGroup = append(x.NodeGroups.NodeGroup, showCacheShard(c, shard, nodes))
	}
	if f.clusterMode {
		x.ConfigurationEndpoint = &cacheEndpointXML{cacheEndpoint(c, "clustercfg."+f.name), f.port}
	}
	return x
}

func showCacheShard(c *cache, shard int, nodes []string) cacheShardXML {
	x := cacheShardXML{NodeGroupId: fmt.Sprintf("%04d", shard+1), Status: statusAvailable}
	if c.config.clusterMode {
		x.Slots = cacheSlots(shard, c.config.shards)
	} else {
		x.PrimaryEndpoint = &cacheEndpointXML{cacheEndpoint(c, "master."+c.config.name), c.config.port}
		x.ReaderEndpoint = &cacheEndpointXML{cacheEndpoint(c, "replica."+c.config.name), c.config.port}
	}
	for n, name := range nodes {
		m := cacheMemberXML{CacheClusterId: name, CacheNodeId: "0001", PreferredAvailabilityZone: c.zone(shard, n)}
		if !c.config.clusterMode {
			m.CurrentRole = "replica"
			if n == 0 {
				m.CurrentRole = "primary"
			}
		}
		x.NodeGroupMembers.NodeGroupMember = append(x.NodeGroupMembers.NodeGroupMember, m)
	}
	return x
}

// cacheSlots cuts the 16384 slots of a cluster evenly.
func cacheSlots(shard, of int) string {
	const all = 16384
	return fmt.Sprintf("%d-%d", all*shard/of, all*(shard+1)/of-1)
}

func showCacheLogs(all []cacheLog) []cacheLogXML {
	var out []cacheLogXML
	for _, l := range all {
		x := cacheLogXML{LogType: l.kind, DestinationType: l.destination, LogFormat: l.format, Status: "active"}
		if l.destination == "kinesis-firehose" {
			x.DestinationDetails.KinesisFirehoseDetails = &struct{ DeliveryStream string }{l.target}
		} else {
			x.DestinationDetails.CloudWatchLogsDetails = &struct{ LogGroup string }{l.target}
		}
		out = append(out, x)
	}
	return out
}

func switched(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}
