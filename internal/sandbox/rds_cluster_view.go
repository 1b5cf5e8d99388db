package sandbox

import "time"

// The elements of the answers of RDS about clusters, named as in the service model.
type (
	dbClusterXML struct {
		AllocatedStorage                   int
		AvailabilityZones                  struct{ AvailabilityZone []string }
		BackupRetentionPeriod              int
		DatabaseName                       string `xml:",omitempty"`
		DBClusterIdentifier                string
		DBClusterParameterGroup            string
		DBSubnetGroup, Status              string
		AutomaticRestartTime               string `xml:",omitempty"`
		EarliestRestorableTime             string `xml:",omitempty"`
		Endpoint, ReaderEndpoint           string
		MultiAZ                            bool
		Engine, EngineVersion              string
		LatestRestorableTime               string `xml:",omitempty"`
		Port                               int
		MasterUsername                     string
		PreferredBackupWindow              string
		PreferredMaintenanceWindow         string
		ReadReplicaIdentifiers             struct{}
		DBClusterMembers                   struct{ DBClusterMember []dbMemberXML }
		VpcSecurityGroups                  struct{ VpcSecurityGroupMembership []securityGroupXML }
		HostedZoneId                       string
		StorageEncrypted                   bool
		KmsKeyId                           string `xml:",omitempty"`
		DbClusterResourceId, DBClusterArn  string
		AssociatedRoles                    struct{ DBClusterRole []dbRoleXML }
		IAMDatabaseAuthenticationEnabled   bool
		ClusterCreateTime                  string
		BacktrackWindow                    int      `xml:",omitempty"`
		EnabledCloudwatchLogsExports       *logsXML `xml:",omitempty"`
		EngineMode                         string
		DBClusterInstanceClass             string `xml:",omitempty"`
		StorageType                        string `xml:",omitempty"`
		Iops                               int    `xml:",omitempty"`
		PubliclyAccessible                 *bool  `xml:",omitempty"`
		AutoMinorVersionUpgrade            bool
		DeletionProtection                 bool
		HttpEndpointEnabled                bool
		CopyTagsToSnapshot                 bool
		CrossAccountClone                  bool
		DomainMemberships                  struct{}
		TagList                            tagListXML
		GlobalClusterIdentifier            string `xml:",omitempty"`
		NetworkType                        string
		ServerlessV2ScalingConfiguration   *dbScalingXML `xml:",omitempty"`
		MonitoringInterval                 int           `xml:",omitempty"`
		MonitoringRoleArn                  string        `xml:",omitempty"`
		PerformanceInsightsEnabled         bool
		PerformanceInsightsKMSKeyId        string `xml:",omitempty"`
		PerformanceInsightsRetentionPeriod int    `xml:",omitempty"`
		DatabaseInsightsMode               string `xml:",omitempty"`
		LocalWriteForwardingStatus         string `xml:",omitempty"`
		MasterUserSecret                   *masterSecretXML
		CustomEndpoints                    *logsXML `xml:",omitempty"`
		PendingModifiedValues              *dbClusterPendingXML
	}
	masterSecretXML     struct{ SecretArn, SecretStatus, KmsKeyId string }
	dbClusterPendingXML struct {
		DBClusterIdentifier string `xml:",omitempty"`
		EngineVersion       string `xml:",omitempty"`
		StorageType         string `xml:",omitempty"`
		AllocatedStorage    int    `xml:",omitempty"`
		Iops                int    `xml:",omitempty"`
	}
	dbMemberXML struct {
		DBInstanceIdentifier          string
		IsClusterWriter               bool
		DBClusterParameterGroupStatus string
		PromotionTier                 int
	}
	dbRoleXML    struct{ RoleArn, Status, FeatureName string }
	dbScalingXML struct {
		MinCapacity, MaxCapacity string
		SecondsUntilAutoPause    string `xml:",omitempty"`
	}
	dbClusterResult  struct{ DBCluster dbClusterXML }
	dbClustersResult struct {
		Marker     string `xml:",omitempty"`
		DBClusters struct{ DBCluster []dbClusterXML }
	}
)

// showDBCluster gives a cluster as it is at a moment. Aurora's storage has no fixed
// size and shows as 1.
func (s *rdsState) showDBCluster(cl *dbCluster, when time.Time) dbClusterXML {
	c := cl.config.get(when)
	x := dbClusterXML{
		AllocatedStorage: 1, BackupRetentionPeriod: c.retention, DatabaseName: c.dbName, DBClusterIdentifier: c.name,
		DBClusterParameterGroup: c.parameterGroup, DBSubnetGroup: c.subnetGroup, Status: cl.status.get(when),
		Endpoint: c.endpoint(cl.place, "cluster-c"), ReaderEndpoint: c.endpoint(cl.place, "cluster-ro-c"),
		Engine: c.engine, EngineVersion: c.version, Port: c.port, MasterUsername: c.user,
		PreferredBackupWindow: c.backupWindow, PreferredMaintenanceWindow: c.maintenanceWindow,
		HostedZoneId: "Z" + hashed(13, cl.region), StorageEncrypted: c.key != "", KmsKeyId: c.key,
		DbClusterResourceId: cl.resource, DBClusterArn: cl.arn(when).String(), IAMDatabaseAuthenticationEnabled: c.iam,
		ClusterCreateTime: stamp(cl.created), BacktrackWindow: c.backtrack, EngineMode: c.mode,
		DBClusterInstanceClass: c.class, StorageType: c.storageType, Iops: c.iops, AutoMinorVersionUpgrade: c.autoUpgrade,
		DeletionProtection: c.protected, HttpEndpointEnabled: c.http, CopyTagsToSnapshot: c.copyTags,
		TagList: showTags(cl.tags.get(when)), GlobalClusterIdentifier: c.global, NetworkType: "IPV4",
		MonitoringInterval: c.monitoringInterval, MonitoringRoleArn: c.monitoringRole, PerformanceInsightsEnabled: c.insights,
		PerformanceInsightsKMSKeyId: c.insightsKey, PerformanceInsightsRetentionPeriod: c.insightsRetention,
	}
	x.AvailabilityZones.AvailabilityZone = c.zones
	showRarelySet(&x, cl, c)
	if !c.aurora() {
		x.AllocatedStorage, x.PubliclyAccessible = c.size, &c.public
	}
	if c.minACU != "" {
		x.ServerlessV2ScalingConfiguration = &dbScalingXML{c.minACU, c.maxACU, c.pause}
	}
	for _, g := range c.securityGroups {
		x.VpcSecurityGroups.VpcSecurityGroupMembership = append(x.VpcSecurityGroups.VpcSecurityGroupMembership, securityGroupXML{g, "active"})
	}
	for _, r := range c.roles {
		x.AssociatedRoles.DBClusterRole = append(x.AssociatedRoles.DBClusterRole, dbRoleXML{r.arn, r.status(when), r.feature})
	}
	if len(c.logs) > 0 {
		x.EnabledCloudwatchLogsExports = &logsXML{c.logs}
	}
	x.PendingModifiedValues = showClusterPending(deferredClusterOf(c), deferredClusterOf(cl.config.last()))
	s.showMembers(&x, cl, c, when)
	showClusterTimes(&x, cl, when)
	return x
}

// showRarelySet adds what few clusters have.
func showRarelySet(x *dbClusterXML, cl *dbCluster, c dbClusterConfig) {
	x.DatabaseInsightsMode = c.insightsMode
	if c.localWrites {
		x.LocalWriteForwardingStatus = "enabled"
	}
	if c.secretKey != "" {
		secret := arn{"secretsmanager", cl.place, "secret", "rds!" + cl.resource}
		x.MasterUserSecret = &masterSecretXML{secret.String(), "active", c.secretKey}
	}
	if len(c.endpoints) > 0 {
		x.CustomEndpoints = &logsXML{c.endpoints}
	}
}

func (s *rdsState) showMembers(x *dbClusterXML, cl *dbCluster, c dbClusterConfig, when time.Time) {
	members := s.region(cl.place).members(c.name, when)
	writer, zones := cl.writerOf(members, when), map[string]bool{}
	for _, d := range members {
		m := d.config.get(when)
		zones[m.zone] = true
		x.DBClusterMembers.DBClusterMember = append(x.DBClusterMembers.DBClusterMember, dbMemberXML{
			m.name, d == writer, inForce(c.parameterGroup, d.restarts.get(when).ofCluster), m.promotionTier,
		})
	}
	x.MultiAZ = len(zones) > 1
}

func showClusterTimes(x *dbClusterXML, cl *dbCluster, when time.Time) {
	if next, ok := cl.status.next(when); ok && cl.status.in(when, statusStopped) && next.value == statusStarting {
		x.AutomaticRestartTime = stamp(next.at)
	}
	if !cl.status.in(when, statusCreating) {
		x.EarliestRestorableTime, x.LatestRestorableTime = stamp(cl.created), stamp(when.Truncate(5*time.Minute))
	}
}

// showClusterPending gives what is still to change; nil where there is nothing.
func showClusterPending(now, next deferredCluster) *dbClusterPendingXML {
	var x dbClusterPendingXML
	if now.name != next.name {
		x.DBClusterIdentifier = next.name
	}
	if now.version != next.version {
		x.EngineVersion = next.version
	}
	if now.storageType != next.storageType {
		x.StorageType = next.storageType
	}
	if now.size != next.size {
		x.AllocatedStorage = next.size
	}
	if now.iops != next.iops {
		x.Iops = next.iops
	}
	if x == (dbClusterPendingXML{}) {
		return nil
	}
	return &x
}
