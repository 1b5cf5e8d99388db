package sandbox

import "time"

// The elements of the answers of RDS about databases, named as in the service
// model. A list is a struct of its own, so that it is written when it is empty.
type (
	instanceXML struct {
		DBInstanceIdentifier, DBInstanceClass, Engine, DBInstanceStatus string
		MasterUsername                                                  string
		DBName                                                          string       `xml:",omitempty"`
		Endpoint                                                        *endpointXML `xml:",omitempty"`
		AllocatedStorage                                                int
		InstanceCreateTime                                              string `xml:",omitempty"`
		PreferredBackupWindow                                           string
		BackupRetentionPeriod                                           int
		DBSecurityGroups                                                struct{}
		VpcSecurityGroups                                               struct{ VpcSecurityGroupMembership []securityGroupXML }
		DBParameterGroups                                               struct{ DBParameterGroup []parameterStatusXML }
		AvailabilityZone                                                string          `xml:",omitempty"`
		DBSubnetGroup                                                   *subnetGroupXML `xml:",omitempty"`
		PreferredMaintenanceWindow                                      string
		PendingModifiedValues                                           pendingXML
		LatestRestorableTime                                            string `xml:",omitempty"`
		MultiAZ                                                         bool
		EngineVersion                                                   string
		AutoMinorVersionUpgrade                                         bool
		ReadReplicaSourceDBInstanceIdentifier                           string `xml:",omitempty"`
		ReadReplicaDBInstanceIdentifiers                                struct{ ReadReplicaDBInstanceIdentifier []string }
		LicenseModel                                                    string
		Iops                                                            int `xml:",omitempty"`
		StorageThroughput                                               int `xml:",omitempty"`
		OptionGroupMemberships                                          struct{ OptionGroupMembership []optionStatusXML }
		CharacterSetName                                                string `xml:",omitempty"`
		SecondaryAvailabilityZone                                       string `xml:",omitempty"`
		PubliclyAccessible                                              bool
		StorageType                                                     string
		DbInstancePort                                                  int
		DBClusterIdentifier                                             string `xml:",omitempty"`
		StorageEncrypted                                                bool
		KmsKeyId                                                        string `xml:",omitempty"`
		DbiResourceId                                                   string
		CACertificateIdentifier                                         string
		DomainMemberships                                               struct{}
		CopyTagsToSnapshot                                              bool
		MonitoringInterval                                              int
		EnhancedMonitoringResourceArn                                   string `xml:",omitempty"`
		MonitoringRoleArn                                               string `xml:",omitempty"`
		DBInstanceArn                                                   string
		Timezone                                                        string `xml:",omitempty"`
		IAMDatabaseAuthenticationEnabled                                bool
		PerformanceInsightsEnabled                                      bool
		PerformanceInsightsKMSKeyId                                     string   `xml:",omitempty"`
		PerformanceInsightsRetentionPeriod                              int      `xml:",omitempty"`
		EnabledCloudwatchLogsExports                                    *logsXML `xml:",omitempty"`
		DeletionProtection                                              bool
		AssociatedRoles                                                 struct{ DBInstanceRole []dbRoleXML }
		MaxAllocatedStorage                                             int `xml:",omitempty"`
		TagList                                                         tagListXML
		CustomerOwnedIpEnabled                                          bool
		NetworkType                                                     string
		BackupTarget                                                    string
		DedicatedLogVolume                                              bool
		PromotionTier                                                   *int   `xml:",omitempty"`
		EngineLifecycleSupport                                          string `xml:",omitempty"`
		DatabaseInsightsMode                                            string `xml:",omitempty"`
	}
	endpointXML struct {
		Address      string
		Port         int
		HostedZoneId string
	}
	securityGroupXML   struct{ VpcSecurityGroupId, Status string }
	parameterStatusXML struct{ DBParameterGroupName, ParameterApplyStatus string }
	optionStatusXML    struct{ OptionGroupName, Status string }
	logsXML            struct {
		Member []string `xml:"member"`
	}
	pendingXML struct {
		DBInstanceClass      string `xml:",omitempty"`
		AllocatedStorage     int    `xml:",omitempty"`
		Port                 int    `xml:",omitempty"`
		MultiAZ              *bool  `xml:",omitempty"`
		EngineVersion        string `xml:",omitempty"`
		Iops                 int    `xml:",omitempty"`
		StorageThroughput    int    `xml:",omitempty"`
		DBInstanceIdentifier string `xml:",omitempty"`
		StorageType          string `xml:",omitempty"`
		DBSubnetGroupName    string `xml:",omitempty"`
		LicenseModel         string `xml:",omitempty"`

		CACertificateIdentifier          string `xml:",omitempty"`
		BackupRetentionPeriod            *int   `xml:",omitempty"`
		IAMDatabaseAuthenticationEnabled *bool  `xml:",omitempty"`
		DedicatedLogVolume               *bool  `xml:",omitempty"`
	}
	tagListXML struct{ Tag []tagXML }
	tagXML     struct{ Key, Value string }

	instanceResult  struct{ DBInstance instanceXML }
	instancesResult struct {
		Marker      string `xml:",omitempty"`
		DBInstances struct{ DBInstance []instanceXML }
	}
)

// showInstance gives a database as it is at a moment.
func (s *rdsState) showInstance(d *dbInstance, when time.Time) instanceXML {
	c := d.config.get(when)
	x := instanceXML{
		DBInstanceIdentifier: c.name, DBInstanceClass: c.class, Engine: c.engine, DBInstanceStatus: d.status.get(when),
		MasterUsername: c.user, DBName: c.dbName, AllocatedStorage: c.size,
		PreferredBackupWindow: c.backupWindow, BackupRetentionPeriod: c.retention,
		PreferredMaintenanceWindow: c.maintenanceWindow, MultiAZ: c.multiAZ, EngineVersion: c.version,
		AutoMinorVersionUpgrade: c.autoUpgrade, ReadReplicaSourceDBInstanceIdentifier: c.replicaOf,
		LicenseModel: c.license, Iops: c.iops, StorageThroughput: c.throughput, CharacterSetName: c.charset,
		PubliclyAccessible: c.public, StorageType: c.storageType, DBClusterIdentifier: c.cluster,
		StorageEncrypted: c.key != "", KmsKeyId: c.key, DbiResourceId: d.resource, CACertificateIdentifier: c.ca,
		CopyTagsToSnapshot: c.copyTags, MonitoringInterval: c.monitoringInterval, MonitoringRoleArn: c.monitoringRole,
		DBInstanceArn: d.arn(when).String(), Timezone: c.timezone, IAMDatabaseAuthenticationEnabled: c.iam,
		PerformanceInsightsEnabled: c.insights, PerformanceInsightsKMSKeyId: c.insightsKey,
		PerformanceInsightsRetentionPeriod: c.insightsRetention, DeletionProtection: c.protected,
		MaxAllocatedStorage: c.maxSize, TagList: showTags(d.tags.get(when)), NetworkType: or(c.network, "IPV4"), BackupTarget: "region",
		EngineLifecycleSupport: c.support, DatabaseInsightsMode: c.insightsMode, DedicatedLogVolume: c.dedicatedLog,
		DBSubnetGroup: s.showMembership(d.place, c, when),
	}
	for _, g := range c.securityGroups {
		x.VpcSecurityGroups.VpcSecurityGroupMembership = append(x.VpcSecurityGroups.VpcSecurityGroupMembership, securityGroupXML{g, "active"})
	}
	x.DBParameterGroups.DBParameterGroup = []parameterStatusXML{{c.parameterGroup, inForce(c.parameterGroup, d.restarts.get(when).parameters)}}
	x.OptionGroupMemberships.OptionGroupMembership = s.showOptions(d, c, when)
	s.showRelations(&x, d, c, when)
	if c.cluster != "" {
		x.PromotionTier = &c.promotionTier
	}
	if len(c.logs) > 0 {
		x.EnabledCloudwatchLogsExports = &logsXML{c.logs}
	}
	if d.status.get(when) != statusCreating {
		showRunning(&x, d, c, when)
	}
	x.PendingModifiedValues = showPending(c, d.config.last())
	return x
}

// inForce says whether a parameter group is the one that was started with.
func inForce(group, started string) string {
	if group != started {
		return "pending-reboot"
	}
	return "in-sync"
}

// showOptions gives the option group, and the one that is to replace it.
//
// Amazon RDS API Reference, OptionGroupMembership, Status.
func (s *rdsState) showOptions(d *dbInstance, c dbConfig, when time.Time) []optionStatusXML {
	next := d.config.last().optionGroup
	if next == c.optionGroup {
		return []optionStatusXML{{c.optionGroup, "in-sync"}}
	}
	waits, took := "pending-maintenance-", s.aws.options.Durations
	soon := took.Settle.Base + took.Rename.Base + took.Redirect.Base + took.Modify.of(c.size)
	if last := d.config[len(d.config)-1]; !last.at.After(when.Add(soon)) {
		waits = "pending-"
	}
	return []optionStatusXML{{c.optionGroup, waits + "removal"}, {next, waits + "apply"}}
}

// showRelations adds the roles and the read replicas.
func (s *rdsState) showRelations(x *instanceXML, d *dbInstance, c dbConfig, when time.Time) {
	for _, r := range c.roles {
		x.AssociatedRoles.DBInstanceRole = append(x.AssociatedRoles.DBInstanceRole, dbRoleXML{r.arn, r.status(when), r.feature})
	}
	for _, replica := range s.region(d.place).replicas(c.name, when) {
		x.ReadReplicaDBInstanceIdentifiers.ReadReplicaDBInstanceIdentifier = append(
			x.ReadReplicaDBInstanceIdentifiers.ReadReplicaDBInstanceIdentifier, replica.config.get(when).name)
	}
}

// showRunning adds what a database has only once it has been created.
func showRunning(x *instanceXML, d *dbInstance, c dbConfig, when time.Time) {
	x.Endpoint = &endpointXML{c.endpoint(d.place), c.port, "Z" + hashed(13, d.region)}
	x.InstanceCreateTime = stamp(d.created)
	x.AvailabilityZone = c.zone
	if c.multiAZ {
		x.SecondaryAvailabilityZone = d.region + "c"
	}
	if c.retention > 0 {
		x.LatestRestorableTime = stamp(when.Truncate(5 * time.Minute))
	}
}

func showPending(now, next dbConfig) pendingXML {
	var x pendingXML
	text := func(to *string, a, b string) {
		if a != b {
			*to = b
		}
	}
	number := func(to *int, a, b int) {
		if a != b {
			*to = b
		}
	}
	text(&x.DBInstanceClass, now.class, next.class)
	text(&x.EngineVersion, now.version, next.version)
	text(&x.DBInstanceIdentifier, now.name, next.name)
	text(&x.StorageType, now.storageType, next.storageType)
	text(&x.DBSubnetGroupName, now.subnetGroup, next.subnetGroup)
	number(&x.AllocatedStorage, now.size, next.size)
	number(&x.Port, now.port, next.port)
	number(&x.Iops, now.iops, next.iops)
	number(&x.StorageThroughput, now.throughput, next.throughput)
	flag := func(to **bool, a, b bool) {
		if a != b {
			*to = &b
		}
	}
	text(&x.LicenseModel, now.license, next.license)
	text(&x.CACertificateIdentifier, now.ca, next.ca)
	flag(&x.MultiAZ, now.multiAZ, next.multiAZ)
	flag(&x.IAMDatabaseAuthenticationEnabled, now.iam, next.iam)
	flag(&x.DedicatedLogVolume, now.dedicatedLog, next.dedicatedLog)
	if now.retention != next.retention {
		x.BackupRetentionPeriod = &next.retention
	}
	return x
}
