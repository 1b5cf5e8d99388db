package sandbox

import (
	"fmt"
	"time"
)

type (
	cacheClusterXML struct {
		CacheClusterId, ARN               string
		CacheNodeType, Engine             string
		EngineVersion, CacheClusterStatus string
		NumCacheNodes                     int
		PreferredAvailabilityZone         string `xml:",omitempty"`
		CacheClusterCreateTime            string `xml:",omitempty"`
		PreferredMaintenanceWindow        string
		PendingModifiedValues             struct{}
		NotificationConfiguration         *cacheTopicXML `xml:",omitempty"`
		CacheSecurityGroups               struct{}
		CacheParameterGroup               struct{ CacheParameterGroupName, ParameterApplyStatus string }
		CacheSubnetGroupName              string
		CacheNodes                        *cacheNodesXML `xml:",omitempty"`
		AutoMinorVersionUpgrade           bool
		SecurityGroups                    struct {
			Member []cacheSecurityXML `xml:"member"`
		}
		ReplicationGroupId                 string `xml:",omitempty"`
		SnapshotRetentionLimit             int
		SnapshotWindow                     string `xml:",omitempty"`
		AuthTokenEnabled                   bool
		TransitEncryptionEnabled           bool
		AtRestEncryptionEnabled            bool
		ReplicationGroupLogDeliveryEnabled bool
		LogDeliveryConfigurations          struct{ LogDeliveryConfiguration []cacheLogXML }
		NetworkType, IpDiscovery           string
		TransitEncryptionMode              string            `xml:",omitempty"`
		ConfigurationEndpoint              *cacheEndpointXML `xml:",omitempty"`
	}
	cacheTopicXML    struct{ TopicArn, TopicStatus string }
	cacheSecurityXML struct{ SecurityGroupId, Status string }
	cacheNodesXML    struct{ CacheNode []cacheNodeXML }
	cacheNodeXML     struct {
		CacheNodeId, CacheNodeStatus, CacheNodeCreateTime string
		Endpoint                                          cacheEndpointXML
		ParameterGroupStatus, CustomerAvailabilityZone    string
	}
)

// showCacheCluster gives a cluster, of a group or not, as it is at a moment.
func showCacheCluster(c *cache, name string, info bool, when time.Time) cacheClusterXML {
	f := c.configAt(when)
	x := cacheClusterXML{
		CacheClusterId: name, ARN: arn{"elasticache", c.place, string(formCluster), name}.String(), CacheNodeType: f.node,
		Engine: f.engine, EngineVersion: f.version, CacheClusterStatus: c.memberStatus(name, when), NumCacheNodes: f.nodes,
		PreferredMaintenanceWindow: f.maintenance, CacheSubnetGroupName: f.subnets, AutoMinorVersionUpgrade: f.minorUpgrade,
		AuthTokenEnabled: f.auth, TransitEncryptionEnabled: f.tls, AtRestEncryptionEnabled: f.atRest,
		NetworkType: "ipv4", IpDiscovery: "ipv4", TransitEncryptionMode: f.tlsMode, SnapshotRetentionLimit: f.retention,
	}
	x.CacheParameterGroup.CacheParameterGroupName, x.CacheParameterGroup.ParameterApplyStatus = f.parameters, "in-sync"
	for _, id := range f.security {
		x.SecurityGroups.Member = append(x.SecurityGroups.Member, cacheSecurityXML{id, "active"})
	}
	if f.topic != "" {
		x.NotificationConfiguration = &cacheTopicXML{f.topic, "active"}
	}
	if f.engine != "memcached" {
		x.SnapshotWindow = f.snapshotWindow
	}
	if c.form == formGroup {
		x.ReplicationGroupId, x.ReplicationGroupLogDeliveryEnabled = f.name, len(f.logs) > 0
	} else {
		x.LogDeliveryConfigurations.LogDeliveryConfiguration = showCacheLogs(f.logs)
	}
	if c.status.get(when) == statusCreating {
		return x
	}
	x.CacheClusterCreateTime, x.PreferredAvailabilityZone = stamp(c.created), c.zone(0, 0)
	if info {
		x.CacheNodes = showCacheNodes(c, name)
	}
	return x
}

func showCacheNodes(c *cache, name string) *cacheNodesXML {
	var x cacheNodesXML
	for n := range c.config.nodes {
		x.CacheNode = append(x.CacheNode, cacheNodeXML{
			CacheNodeId: fmt.Sprintf("%04d", n+1), CacheNodeStatus: statusAvailable, CacheNodeCreateTime: stamp(c.created),
			Endpoint: cacheEndpointXML{cacheEndpoint(c, name), c.config.port}, ParameterGroupStatus: "in-sync",
			CustomerAvailabilityZone: c.zone(0, n),
		})
	}
	return &x
}
