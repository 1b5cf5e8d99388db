package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

type (
	cacheSnapshotXML struct {
		SnapshotName                string
		ReplicationGroupId          string `xml:",omitempty"`
		ReplicationGroupDescription string `xml:",omitempty"`
		CacheClusterId              string `xml:",omitempty"`
		SnapshotStatus              string
		SnapshotSource              string
		CacheNodeType, Engine       string
		EngineVersion               string
		NumCacheNodes               int    `xml:",omitempty"`
		PreferredAvailabilityZone   string `xml:",omitempty"`
		CacheClusterCreateTime      string `xml:",omitempty"`
		PreferredMaintenanceWindow  string
		TopicArn                    string `xml:",omitempty"`
		Port                        int
		CacheParameterGroupName     string
		CacheSubnetGroupName, VpcId string
		AutoMinorVersionUpgrade     bool
		SnapshotRetentionLimit      int
		SnapshotWindow              string
		NumNodeGroups               int
		AutomaticFailover           string
		NodeSnapshots               struct{ NodeSnapshot []cacheNodeSnapshotXML }
		KmsKeyId                    string `xml:",omitempty"`
		ARN, DataTiering            string
	}
	cacheNodeSnapshotXML struct {
		CacheClusterId         string              `xml:",omitempty"`
		NodeGroupId            string              `xml:",omitempty"`
		CacheNodeId            string              `xml:",omitempty"`
		NodeGroupConfiguration *cacheShardShapeXML `xml:",omitempty"`
		CacheSize              string
		CacheNodeCreateTime    string `xml:",omitempty"`
		SnapshotCreateTime     string `xml:",omitempty"`
	}
	cacheShardShapeXML struct {
		Slots                   string `xml:",omitempty"`
		ReplicaCount            int
		PrimaryAvailabilityZone string
	}
	cacheSnapshotResult  struct{ Snapshot cacheSnapshotXML }
	cacheSnapshotsResult struct {
		Marker    string `xml:",omitempty"`
		Snapshots struct{ Snapshot []cacheSnapshotXML }
	}
)

// describeSnapshots lists snapshots, without their tags.
//
// Amazon ElastiCache API Reference, DescribeSnapshots.
func (s *cacheState) describeSnapshots(r *request) (any, error) {
	p := r.params
	name, group, cluster, source := p.str("SnapshotName"), p.str("ReplicationGroupId"), p.str("CacheClusterId"), p.str("SnapshotSource")
	shape := p.isSet("ShowNodeGroupConfig")
	pg, err := readCachePage(p, "MaxRecords", "Marker", 20, 50)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "system", "user"}, source) {
		return nil, invalidValue("Invalid snapshot source: %s", source)
	}
	var found []cacheSnapshotXML
	for _, snap := range s.region(r.place()).snapshots {
		if snap.serverless() || !snap.exists(r.view) || source != "" && snap.automated != (source == "system") {
			continue
		}
		x := showCacheSnapshot(snap, shape, r.view)
		if asked(name, x.SnapshotName) && asked(group, x.ReplicationGroupId) && asked(cluster, x.CacheClusterId) {
			found = append(found, x)
		}
	}
	if name != "" && len(found) == 0 {
		return nil, cacheSnapshotNotFound(false, name)
	}
	var out cacheSnapshotsResult
	out.Snapshots.Snapshot, out.Marker = cut(found, func(x cacheSnapshotXML) string { return x.SnapshotName }, pg)
	return out, nil
}

func asked(want, got string) bool { return want == "" || strings.EqualFold(want, got) }

// showCacheSnapshot gives a snapshot of nodes as it is at a moment. It has no time
// of its own, only those of its nodes, once they are done.
func showCacheSnapshot(s *cacheSnapshot, shape bool, when time.Time) cacheSnapshotXML {
	f := s.of
	x := cacheSnapshotXML{
		SnapshotName: s.name, SnapshotStatus: s.status.get(when), SnapshotSource: "manual", CacheNodeType: f.node, Engine: f.engine,
		EngineVersion: f.version, PreferredMaintenanceWindow: f.maintenance, TopicArn: f.topic, Port: f.port,
		CacheParameterGroupName: f.parameters, CacheSubnetGroupName: f.subnets, VpcId: defaultVPC(s.place),
		AutoMinorVersionUpgrade: f.minorUpgrade, SnapshotRetentionLimit: f.retention, SnapshotWindow: f.snapshotWindow,
		NumNodeGroups: f.shards, AutomaticFailover: switched(f.failover), KmsKeyId: s.key, ARN: s.arn().String(), DataTiering: switched(f.dataTiering),
	}
	if s.automated {
		x.SnapshotSource = "automated"
	}
	if s.cluster != "" {
		x.CacheClusterId, x.NumCacheNodes = s.cluster, 1
		x.CacheClusterCreateTime, x.PreferredAvailabilityZone = stamp(s.cacheCreated), zoneOf(s.place, 0)
	} else {
		x.ReplicationGroupId, x.ReplicationGroupDescription = f.name, f.description
	}
	for i, node := range s.nodes {
		x.NodeSnapshots.NodeSnapshot = append(x.NodeSnapshots.NodeSnapshot, s.showNode(i, node, shape, when))
	}
	return x
}

func (s *cacheSnapshot) showNode(i int, node string, shape bool, when time.Time) cacheNodeSnapshotXML {
	x := cacheNodeSnapshotXML{CacheClusterId: node, CacheNodeId: "0001", CacheNodeCreateTime: stamp(s.cacheCreated)}
	if s.cluster == "" {
		x.NodeGroupId = fmt.Sprintf("%04d", i+1)
	}
	if shape {
		x.NodeGroupConfiguration = &cacheShardShapeXML{ReplicaCount: s.of.replicas, PrimaryAvailabilityZone: zoneOf(s.place, 0)}
		if s.of.clusterMode {
			x.NodeGroupConfiguration.Slots = cacheSlots(i, s.of.shards)
		}
	}
	if !when.Before(s.ready) && !s.status.in(when, statusFailed) {
		x.CacheSize, x.SnapshotCreateTime = fmt.Sprintf("%d MB", s.of.gib*1024/len(s.nodes)), stamp(s.started)
	}
	return x
}
