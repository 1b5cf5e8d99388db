package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// The elements of the answers of Redshift, named as in the service model.
type (
	redshiftTagsXML struct{ Tag []tagXML }

	clusterXML struct {
		ClusterIdentifier, NodeType, ClusterStatus, ClusterAvailabilityStatus string
		MasterUsername, DBName                                                string
		Endpoint                                                              *clusterEndpointXML `xml:",omitempty"`
		ClusterCreateTime                                                     string              `xml:",omitempty"`
		AutomatedSnapshotRetentionPeriod, ManualSnapshotRetentionPeriod       int
		VpcSecurityGroups                                                     struct{ VpcSecurityGroup []securityGroupXML }
		ClusterParameterGroups                                                struct{ ClusterParameterGroup []clusterParametersXML }
		ClusterSubnetGroupName, VpcId, AvailabilityZone                       string
		PreferredMaintenanceWindow, ClusterVersion                            string
		AllowVersionUpgrade                                                   bool
		NumberOfNodes                                                         int
		PubliclyAccessible, Encrypted                                         bool
		Tags                                                                  redshiftTagsXML
		KmsKeyId                                                              string `xml:",omitempty"`
		EnhancedVpcRouting                                                    bool
		IamRoles                                                              struct{ ClusterIamRole []clusterRoleXML }
		MaintenanceTrackName                                                  string
		SnapshotScheduleIdentifier                                            string `xml:",omitempty"`
		AvailabilityZoneRelocationStatus                                      string
		ClusterNamespaceArn                                                   string
		TotalStorageCapacityInMegaBytes                                       int
		DefaultIamRoleArn                                                     string `xml:",omitempty"`
		IpAddressType, MultiAZ                                                string
		ClusterSnapshotCopyStatus                                             *snapshotCopyXML `xml:",omitempty"`
		RestoreStatus                                                         *restoreStatusXML
		PendingModifiedValues                                                 pendingClusterXML
	}
	snapshotCopyXML struct {
		DestinationRegion                              string
		RetentionPeriod, ManualSnapshotRetentionPeriod int
		SnapshotCopyGrantName                          string `xml:",omitempty"`
	}
	clusterEndpointXML struct {
		Address string
		Port    int
	}
	clusterParametersXML struct{ ParameterGroupName, ParameterApplyStatus string }
	clusterRoleXML       struct{ IamRoleArn, ApplyStatus string }
	clusterResult        struct{ Cluster clusterXML }
	clustersResult       struct {
		Marker   string `xml:",omitempty"`
		Clusters struct{ Cluster []clusterXML }
	}

	clusterSnapshotXML struct {
		SnapshotIdentifier, ClusterIdentifier, SnapshotCreateTime, Status string
		Port                                                              int
		AvailabilityZone, ClusterCreateTime, MasterUsername               string
		ClusterVersion, SnapshotType, NodeType                            string
		NumberOfNodes                                                     int
		DBName, VpcId                                                     string
		Encrypted                                                         bool
		KmsKeyId                                                          string `xml:",omitempty"`
		AccountsWithRestoreAccess                                         struct{ AccountWithRestoreAccess []restoreAccessXML }
		OwnerAccount                                                      string
		TotalBackupSizeInMegaBytes, BackupProgressInMegaBytes             float64
		Tags                                                              redshiftTagsXML
		EnhancedVpcRouting                                                bool
		MaintenanceTrackName                                              string
		ManualSnapshotRetentionPeriod, ManualSnapshotRemainingDays        int
		SnapshotRetentionStartTime, SnapshotArn                           string
		SourceRegion                                                      string `xml:",omitempty"`
	}
	restoreAccessXML       struct{ AccountId string }
	clusterSnapshotResult  struct{ Snapshot clusterSnapshotXML }
	clusterSnapshotsResult struct {
		Marker    string `xml:",omitempty"`
		Snapshots struct{ Snapshot []clusterSnapshotXML }
	}
	snapshotErrorXML  struct{ SnapshotIdentifier, SnapshotClusterIdentifier, FailureCode, FailureReason string }
	batchDeleteResult struct {
		Resources struct{ String []string }
		Errors    struct{ SnapshotErrorMessage []snapshotErrorXML }
	}
	taggedXML struct {
		Tag                        tagXML
		ResourceName, ResourceType string
	}
	describeTagsResult struct {
		TaggedResources struct{ TaggedResource []taggedXML }
		Marker          string `xml:",omitempty"`
	}
)

func showRedshiftTags(t tagSet) redshiftTagsXML {
	var x redshiftTagsXML
	for _, k := range slices.Sorted(maps.Keys(t)) {
		x.Tag = append(x.Tag, tagXML{k, t[k]})
	}
	return x
}

// showCluster gives a cluster as it is at a moment.
func (s *redshiftState) showCluster(c *cluster, when time.Time) clusterXML {
	of, status := c.config.get(when), c.status.get(when)
	x := clusterXML{
		ClusterIdentifier: of.name, NodeType: of.nodeType, ClusterStatus: status, ClusterAvailabilityStatus: availability(status),
		MasterUsername: of.user, DBName: of.dbName, AutomatedSnapshotRetentionPeriod: of.retention,
		ManualSnapshotRetentionPeriod: of.manualRetention, ClusterSubnetGroupName: of.subnetGroup, VpcId: of.vpc,
		AvailabilityZone: of.zone, PreferredMaintenanceWindow: of.maintenanceWindow, ClusterVersion: of.version,
		AllowVersionUpgrade: of.upgrade, NumberOfNodes: of.nodes, PubliclyAccessible: of.public, Encrypted: of.key != "",
		Tags: showRedshiftTags(c.tags.get(when)), KmsKeyId: of.key, EnhancedVpcRouting: of.enhanced, MaintenanceTrackName: of.track,
		SnapshotScheduleIdentifier: of.schedule, AvailabilityZoneRelocationStatus: "disabled", MultiAZ: "Disabled", IpAddressType: "ipv4",
		ClusterNamespaceArn:             "arn:aws:redshift:" + c.region + ":" + c.account + ":namespace:" + c.namespace,
		TotalStorageCapacityInMegaBytes: of.size * 1024, DefaultIamRoleArn: of.defaultRole,
	}
	if of.relocation {
		x.AvailabilityZoneRelocationStatus = "enabled"
	}
	if of.multiAZ {
		x.MultiAZ = "Enabled"
	}
	if to := of.copies; to.Region != "" {
		x.ClusterSnapshotCopyStatus = &snapshotCopyXML{to.Region, cmp.Or(to.Days, defaultCopyDays), cmp.Or(to.ManualDays, -1), to.Grant}
	}
	if status != statusCreating {
		x.ClusterCreateTime = stamp(c.created)
		x.Endpoint = &clusterEndpointXML{c.endpoint(when), of.port}
	}
	x.ClusterParameterGroups.ClusterParameterGroup = []clusterParametersXML{{of.parameterGroup, c.parameterStatus(when)}}
	x.RestoreStatus = c.restored.show(of.nodeType, when)
	x.showChanges(c, when)
	return x
}

// availability is what ClusterAvailabilityStatus says (Amazon Redshift API
// Reference, Cluster).
func availability(status string) string {
	switch status {
	case statusAvailable:
		return "Available"
	case statusPaused:
		return "Paused"
	case statusCreating, statusDeleting, statusModifying, statusResizing, statusPausing, statusResuming, statusRenaming:
		return "Modifying"
	case "hardware-failure", "incompatible-hsm", "incompatible-network", "incompatible-parameters", "incompatible-restore":
		return "Failed"
	}
	return "Unavailable"
}

// showClusterSnapshot gives a snapshot as it is at a moment.
func showClusterSnapshot(s *clusterSnapshot, when time.Time) clusterSnapshotXML {
	of, days := s.of, s.retention.get(when)
	size := float64(of.size) * 1024
	x := clusterSnapshotXML{
		SnapshotIdentifier: s.name, ClusterIdentifier: of.name, SnapshotCreateTime: stamp(s.taken), Status: s.status.get(when),
		Port: of.port, AvailabilityZone: of.zone, ClusterCreateTime: stamp(s.clusterCreated), MasterUsername: of.user,
		ClusterVersion: of.version, SnapshotType: s.kind, NodeType: of.nodeType, NumberOfNodes: of.nodes, DBName: of.dbName,
		VpcId: of.vpc, Encrypted: of.key != "", KmsKeyId: of.key, OwnerAccount: s.account, TotalBackupSizeInMegaBytes: size,
		BackupProgressInMegaBytes: size, Tags: showRedshiftTags(s.tags.get(when)), EnhancedVpcRouting: of.enhanced,
		MaintenanceTrackName: of.track, ManualSnapshotRetentionPeriod: days, ManualSnapshotRemainingDays: -1,
		SnapshotRetentionStartTime: stamp(s.started), SnapshotArn: s.arn().String(),
	}
	if s.source != nil {
		x.SourceRegion = s.source.region
	}
	if days >= 0 {
		x.ManualSnapshotRemainingDays = max(0, days-int(when.Sub(s.started).Hours()/24))
	}
	if s.ready.After(when) && s.ready.After(s.started) {
		x.BackupProgressInMegaBytes = size * float64(when.Sub(s.started)) / float64(s.ready.Sub(s.started))
	}
	for _, account := range s.shared.get(when) {
		x.AccountsWithRestoreAccess.AccountWithRestoreAccess = append(x.AccountsWithRestoreAccess.AccountWithRestoreAccess, restoreAccessXML{account})
	}
	return x
}
