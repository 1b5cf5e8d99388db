package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// readSettings reads the settings that CreateDBInstance and ModifyDBInstance have
// in common; what is not given stays as it is.
func readSettings(p *params, c *dbConfig) {
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
	text("DBInstanceClass", &c.class)
	text("EngineVersion", &c.version)
	text("LicenseModel", &c.license)
	text("StorageType", &c.storageType)
	text("DBSubnetGroupName", &c.subnetGroup)
	text("DBParameterGroupName", &c.parameterGroup)
	text("OptionGroupName", &c.optionGroup)
	text("PreferredBackupWindow", &c.backupWindow)
	text("PreferredMaintenanceWindow", &c.maintenanceWindow)
	text("MonitoringRoleArn", &c.monitoringRole)
	text("PerformanceInsightsKMSKeyId", &c.insightsKey)
	text("CACertificateIdentifier", &c.ca)
	number("AllocatedStorage", &c.size)
	number("MaxAllocatedStorage", &c.maxSize)
	number("Iops", &c.iops)
	number("StorageThroughput", &c.throughput)
	number("BackupRetentionPeriod", &c.retention)
	number("MonitoringInterval", &c.monitoringInterval)
	number("PromotionTier", &c.promotionTier)
	number("PerformanceInsightsRetentionPeriod", &c.insightsRetention)
	number("Port", &c.port)
	flag("MultiAZ", &c.multiAZ)
	flag("AutoMinorVersionUpgrade", &c.autoUpgrade)
	flag("PubliclyAccessible", &c.public)
	flag("CopyTagsToSnapshot", &c.copyTags)
	flag("DeletionProtection", &c.protected)
	flag("EnableIAMDatabaseAuthentication", &c.iam)
	flag("EnablePerformanceInsights", &c.insights)
	readRarely(p, c)
	if groups := p.list("VpcSecurityGroupIds", "VpcSecurityGroupId"); len(groups) > 0 {
		c.securityGroups = groups
	}
	if logs := p.list("EnableCloudwatchLogsExports", "member"); len(logs) > 0 {
		c.logs = logs
	}
	c.subnetGroup = strings.ToLower(c.subnetGroup)
	c.parameterGroup = strings.ToLower(c.parameterGroup)
	c.optionGroup = strings.ToLower(c.optionGroup)
}

// readRarely reads what is shown only where it was set.
func readRarely(p *params, c *dbConfig) {
	c.support = or(p.str("EngineLifecycleSupport"), c.support)
	c.insightsMode = or(p.str("DatabaseInsightsMode"), c.insightsMode)
	c.network = or(p.str("NetworkType"), c.network)
	if v := p.flag("DedicatedLogVolume"); v != nil {
		c.dedicatedLog = *v
	}
}

// fillDefaults gives a new database what was not said.
func fillDefaults(c *dbConfig, p place) {
	or := func(to *string, v string) {
		if *to == "" {
			*to = v
		}
	}
	or(&c.version, engines()[c.engine])
	or(&c.license, licenseOf(c.engine))
	or(&c.storageType, "gp2")
	or(&c.zone, p.region+"a")
	or(&c.subnetGroup, "default")
	or(&c.parameterGroup, defaultParameterGroup(c.engine, c.version))
	or(&c.optionGroup, defaultOptionGroup(c.engine, c.version))
	or(&c.backupWindow, "03:00-03:30")
	or(&c.maintenanceWindow, "sun:05:00-sun:05:30")
	or(&c.ca, "rds-ca-rsa2048-g1")
	or(&c.vpc, defaultVPC(p))
	if c.port == 0 {
		c.port = defaultPort(c.engine)
	}
	if c.storageType == "gp3" && c.iops == 0 {
		c.iops, c.throughput = 3000, 125
	}
	if len(c.securityGroups) == 0 {
		c.securityGroups = []string{"sg-" + hashed(17, "default", p.account, p.region)}
	}
	if c.insights && c.insightsRetention == 0 {
		c.insightsRetention = 7
	}
	if c.insights {
		or(&c.insightsKey, aliasKey(p, "alias/aws/rds"))
	}
}

func defaultVPC(p place) string { return "vpc-" + hashed(17, "vpc", p.account, p.region) }

// checkConfig says what is wrong with a database's settings.
//
// Amazon RDS API Reference, CreateDBInstance.
func (s *rdsState) checkConfig(g *rdsRegion, c dbConfig, now time.Time) error {
	if c.cluster != "" {
		return s.checkMember(g, c, now)
	}
	least := minimumSize(c.storageType)
	switch {
	case !strings.HasPrefix(c.class, "db.") || strings.Count(c.class, ".") < 2:
		return invalidValue("Invalid DB Instance class: %s", c.class)
	case c.size < least || c.size > 65536:
		return invalidValue("Invalid storage size for engine name %s and storage type %s: %d", c.engine, c.storageType, c.size)
	case c.maxSize != 0 && c.maxSize <= c.size:
		return invalidValue("Max storage size must be greater than storage size")
	case c.retention < 0 || c.retention > 35:
		return invalidValue("Invalid backup retention period: %d. Must be between 0 and 35.", c.retention)
	case !slices.Contains([]string{"standard", "gp2", "gp3", "io1", "io2"}, c.storageType):
		return invalidValue("Invalid storage type: %s", c.storageType)
	case strings.HasPrefix(c.storageType, "io") && c.iops == 0:
		return invalidCombination("You must specify IOPS for storage type %s.", c.storageType)
	case !slices.Contains([]int{0, 1, 5, 10, 15, 30, 60}, c.monitoringInterval):
		return invalidValue("Invalid monitoring interval: %d", c.monitoringInterval)
	case c.monitoringInterval > 0 && c.monitoringRole == "":
		return invalidCombination("A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.")
	case !backupWindowPattern.MatchString(c.backupWindow):
		return invalidValue("Invalid backup window: %s. Must be in the format hh24:mi-hh24:mi.", c.backupWindow)
	case !maintenancePattern.MatchString(strings.ToLower(c.maintenanceWindow)):
		return invalidValue("Invalid maintenance window: %s. Must be in the format ddd:hh24:mi-ddd:hh24:mi.", c.maintenanceWindow)
	}
	return firstError(
		checkName("DBInstanceIdentifier", c.name, maxInstanceName),
		checkWindows(c.backupWindow, c.maintenanceWindow),
		checkCertificate(c.ca),
		s.checkSubnetGroup(g, c.subnetGroup, now),
		s.checkParameterGroup(g, c.parameterGroup, c.engine, c.version, now),
		s.checkOptionGroup(g, c.optionGroup, c.engine, c.version, now),
	)
}

// checkWindows says what is wrong with the two windows, which have the right form.
//
// Amazon RDS API Reference, ModifyDBInstance, PreferredBackupWindow: "Must not conflict
// with the preferred maintenance window. Must be at least 30 minutes."
func checkWindows(backup, maintenance string) error {
	const day, least = 24 * 60, 30
	minute := func(s string) int { return int(s[0]-'0')*600 + int(s[1]-'0')*60 + int(s[3]-'0')*10 + int(s[4]-'0') }
	from, lasts := minute(backup), (minute(backup[6:])-minute(backup)+day)%day
	start, works := minute(maintenance[4:]), (minute(maintenance[14:])-minute(maintenance[4:])+day)%day
	switch {
	case lasts < least:
		return invalidValue("The backup window must be at least 30 minutes.")
	case works < least && maintenance[:3] == maintenance[10:13]:
		return invalidValue("The maintenance window must be at least 30 minutes.")
	case (start-from+day)%day < lasts, (from-start+day)%day < works:
		return invalidCombination("The backup window and maintenance window must not overlap.")
	}
	return nil
}

// checkCertificate knows the certificate authorities of the Amazon RDS User Guide,
// "Using SSL/TLS to encrypt a connection to a DB instance".
func checkCertificate(ca string) error {
	if !slices.Contains([]string{"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"}, ca) {
		return notFound("CertificateNotFound", "Certificate not found: %s", ca)
	}
	return nil
}

// The formats of the two windows, as the API Reference gives them.
var (
	backupWindowPattern = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$`)
	maintenancePattern  = regexp.MustCompile(`^(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d-(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):[0-5]\d$`)
)
