package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// dbClusterEngines gives the engines of clusters with the version that is the default
// here. Amazon RDS API Reference, CreateDBCluster, Engine: aurora-mysql,
// aurora-postgresql, and mysql and postgres for Multi-AZ DB clusters.
func dbClusterEngines() map[string]string {
	return map[string]string{
		"aurora-postgresql": "16.4", "aurora-mysql": "8.0.mysql_aurora.3.08.0", "postgres": "16.4", "mysql": "8.0.39",
	}
}

// readClusterSettings reads what CreateDBCluster and ModifyDBCluster have in common;
// what is not given stays as it is.
func readClusterSettings(p *params, c *dbClusterConfig) {
	text := func(name string, to *string) {
		if v := p.str(name); p.has(name) {
			*to = v
		}
	}
	number := func(name string, to *int) {
		if v := p.number(name); v != nil {
			*to = *v
		}
	}
	flag := func(name string, to *bool) {
		if v := p.flag(name); v != nil {
			*to = *v
		}
	}
	text("EngineVersion", &c.version)
	text("DBClusterParameterGroupName", &c.parameterGroup)
	text("PreferredBackupWindow", &c.backupWindow)
	text("PreferredMaintenanceWindow", &c.maintenanceWindow)
	text("DBClusterInstanceClass", &c.class)
	text("StorageType", &c.storageType)
	text("MonitoringRoleArn", &c.monitoringRole)
	text("PerformanceInsightsKMSKeyId", &c.insightsKey)
	text("DatabaseInsightsMode", &c.insightsMode)
	text("ServerlessV2ScalingConfiguration.MinCapacity", &c.minACU)
	text("ServerlessV2ScalingConfiguration.MaxCapacity", &c.maxACU)
	text("ServerlessV2ScalingConfiguration.SecondsUntilAutoPause", &c.pause)
	number("BackupRetentionPeriod", &c.retention)
	number("Port", &c.port)
	number("BacktrackWindow", &c.backtrack)
	number("AllocatedStorage", &c.size)
	number("Iops", &c.iops)
	number("MonitoringInterval", &c.monitoringInterval)
	number("PerformanceInsightsRetentionPeriod", &c.insightsRetention)
	flag("EnableIAMDatabaseAuthentication", &c.iam)
	flag("DeletionProtection", &c.protected)
	flag("EnableHttpEndpoint", &c.http)
	flag("CopyTagsToSnapshot", &c.copyTags)
	flag("AutoMinorVersionUpgrade", &c.autoUpgrade)
	flag("EnablePerformanceInsights", &c.insights)
	if groups := p.list("VpcSecurityGroupIds", "VpcSecurityGroupId"); len(groups) > 0 {
		c.securityGroups = groups
	}
	c.parameterGroup = strings.ToLower(c.parameterGroup)
}

// fillClusterDefaults gives a new cluster what was not said.
func fillClusterDefaults(c *dbClusterConfig, p place) {
	fill := func(to *string, v string) { *to = or(*to, v) }
	fill(&c.version, dbClusterEngines()[c.engine])
	fill(&c.mode, "provisioned")
	fill(&c.parameterGroup, defaultParameterGroup(c.engine, c.version))
	fill(&c.subnetGroup, "default")
	fill(&c.backupWindow, "04:00-04:30")
	fill(&c.maintenanceWindow, "sun:06:00-sun:06:30")
	fill(&c.vpc, defaultVPC(p))
	if !c.aurora() {
		fill(&c.storageType, "io1")
	}
	if c.port == 0 {
		c.port = defaultPort(c.engine)
	}
	c.insightsRetention, c.insightsKey = insightsSettings(p, c.insights, c.insightsRetention, c.insightsKey)
	if len(c.securityGroups) == 0 {
		c.securityGroups = []string{"sg-" + hashed(17, "default", p.account, p.region)}
	}
	if len(c.zones) == 0 {
		c.zones = []string{p.region + "a", p.region + "b", p.region + "c"}
	}
}

// checkDBCluster says what is wrong with a cluster's settings.
//
// Amazon RDS API Reference, CreateDBCluster: names of Aurora clusters have 1 to 63
// characters, of Multi-AZ DB clusters 1 to 52; backups are kept 1 to 35 days;
// BacktrackWindow is 0 to 259,200 s and for Aurora MySQL; ports are 1150 to 65535.
func (s *rdsState) checkDBCluster(g *rdsRegion, c dbClusterConfig, now time.Time) error {
	longest := maxInstanceName
	if !c.aurora() {
		longest = 52
	}
	switch {
	case dbClusterEngines()[c.engine] == "":
		return invalidValue("Invalid DB engine: %s", c.engine)
	case c.mode != "provisioned":
		return notSimulated("the engine mode %s", c.mode)
	case c.retention < 1 || c.retention > 35:
		return invalidValue("Invalid backup retention period: %d. Must be between 1 and 35.", c.retention)
	case c.port < 1150 || c.port > 65535:
		return invalidValue("Invalid port: %d. Must be between 1150 and 65535.", c.port)
	case c.backtrack < 0 || c.backtrack > 259_200:
		return invalidValue("Invalid backtrack window: %d. Must be between 0 and 259200.", c.backtrack)
	case c.backtrack > 0 && c.engine != "aurora-mysql":
		return invalidCombination("Backtrack is not supported for the engine %s.", c.engine)
	case !backupWindowPattern.MatchString(c.backupWindow):
		return invalidValue("Invalid backup window: %s. Must be in the format hh24:mi-hh24:mi.", c.backupWindow)
	case !maintenancePattern.MatchString(strings.ToLower(c.maintenanceWindow)):
		return invalidValue("Invalid maintenance window: %s. Must be in the format ddd:hh24:mi-ddd:hh24:mi.", c.maintenanceWindow)
	}
	return firstError(
		checkName("DBClusterIdentifier", c.name, longest), checkMonitoring(c.monitoringInterval, c.monitoringRole),
		checkWindows(c.backupWindow, c.maintenanceWindow), checkInsightsMode(c), checkCapacity(c), checkClusterStorage(c), s.checkSubnetGroup(g, c.subnetGroup, now),
		s.checkClusterParameterGroup(g, c, now),
	)
}

// checkInsightsMode looks at what the advanced mode of Database Insights needs.
//
// Amazon RDS API Reference, ModifyDBCluster, DatabaseInsightsMode: Performance Insights
// on, and its data kept for 465 days (at least that is inferred).
func checkInsightsMode(c dbClusterConfig) error {
	switch c.insightsMode {
	case "", "standard":
		return nil
	case "advanced":
		if c.insights && c.insightsRetention >= 465 {
			return nil
		}
		return invalidCombination("To enable the Advanced mode of Database Insights, turn on Performance Insights and keep its data for 465 days.")
	}
	return invalidValue("Invalid mode of Database Insights: %s", c.insightsMode)
}

// checkCapacity looks at the Aurora capacity units of Serverless v2. Amazon RDS API
// Reference, ServerlessV2ScalingConfiguration: 0 to 256 in half-steps.
func checkCapacity(c dbClusterConfig) error {
	if c.minACU == "" && c.maxACU == "" {
		return nil
	}
	least, errMin := strconv.ParseFloat(c.minACU, 64)
	most, errMax := strconv.ParseFloat(c.maxACU, 64)
	if errMin != nil || errMax != nil || least < 0 || most > 256 || least > most || 2*least != float64(int(2*least)) {
		return invalidValue("Serverless v2 capacity %s-%s is not valid. Must be between 0 and 256 in steps of 0.5.", c.minACU, c.maxACU)
	}
	return nil
}

// checkClusterStorage looks at what only Multi-AZ DB clusters need, and what only
// Aurora has.
func checkClusterStorage(c dbClusterConfig) error {
	switch {
	case c.aurora() && !slices.Contains([]string{"", "aurora", "aurora-iopt1"}, c.storageType):
		return refuse("StorageTypeNotSupported", "Invalid storage type for DB engine %s: %s", c.engine, c.storageType)
	case c.aurora() && c.class != "":
		return invalidCombination("DBClusterInstanceClass isn't supported for DB engine %s.", c.engine)
	case c.aurora():
		return nil
	case c.class == "" || c.size == 0:
		return refuse("MissingParameter", "DBClusterInstanceClass and AllocatedStorage are required for a Multi-AZ DB cluster.")
	case !slices.Contains([]string{"io1", "io2", "gp3"}, c.storageType):
		return refuse("StorageTypeNotSupported", "Invalid storage type for DB engine %s: %s", c.engine, c.storageType)
	case strings.HasPrefix(c.storageType, "io") && c.iops == 0:
		return invalidCombination("You must specify IOPS for storage type %s.", c.storageType)
	case c.http || c.minACU != "":
		return invalidCombination("HTTP endpoints and Serverless v2 aren't supported for DB engine %s.", c.engine)
	}
	return nil
}

func (s *rdsState) checkClusterParameterGroup(g *rdsRegion, c dbClusterConfig, now time.Time) error {
	grp, ok := g.group(clusterParameterGroups, c.parameterGroup, now)
	if !ok {
		return notFound("DBClusterParameterGroupNotFound", "DBClusterParameterGroup not found: %s", c.parameterGroup)
	}
	if want := parameterFamily(c.engine, c.version); grp.family != want {
		return invalidCombination("The parameter group %s with DBParameterGroupFamily %s can't be used for this cluster. "+
			"Please use a parameter group with DBParameterGroupFamily %s", c.parameterGroup, grp.family, want)
	}
	return nil
}

func dbClusterState(format string, args ...any) error {
	return refuse("InvalidDBClusterStateFault", format, args...)
}
