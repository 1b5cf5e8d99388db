package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// members gives a cluster's instances as of a moment, in order of their names.
func (g *rdsRegion) members(cluster string, when time.Time) []*dbInstance {
	var out []*dbInstance
	for _, d := range g.instances {
		if d.exists(when) && cluster != "" && d.config.get(when).cluster == cluster {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *dbInstance) int {
		return strings.Compare(a.config.get(when).name, b.config.get(when).name)
	})
	return out
}

// writer gives the member that writes: the one that was made so, else the first by
// promotion tier, as Aurora promotes.
func (c *dbCluster) writerOf(members []*dbInstance, when time.Time) *dbInstance {
	for _, d := range members {
		if d.resource == c.writer {
			return d
		}
	}
	if len(members) == 0 {
		return nil
	}
	return slices.MinFunc(members, func(a, b *dbInstance) int {
		return cmp.Compare(a.config.get(when).promotionTier, b.config.get(when).promotionTier)
	})
}

// memberConfig gives a member what it has from its cluster. Amazon RDS API Reference,
// CreateDBInstance, DatabaseInsightsMode: "inherit this value from the DB cluster".
func memberConfig(of dbClusterConfig, c dbConfig) dbConfig {
	c.cluster, c.engine, c.version = of.name, of.engine, of.version
	c.size, c.storageType, c.iops = 1, or(of.storageType, "aurora"), of.iops
	if !of.aurora() {
		c.size, c.class = of.size, of.class
	}
	c.user, c.dbName, c.key, c.port = of.user, of.dbName, of.key, of.port
	c.subnetGroup, c.vpc, c.securityGroups = of.subnetGroup, of.vpc, of.securityGroups
	c.backupWindow, c.retention, c.copyTags, c.iam, c.insightsMode = of.backupWindow, of.retention, of.copyTags, of.iam, of.insightsMode
	return c
}

// createMember makes an instance of a cluster. What belongs to the cluster cannot
// be set on it.
//
// Amazon RDS API Reference, CreateDBInstance: what "doesn't apply to Amazon Aurora
// DB instances" because the cluster manages it.
func (s *rdsState) createMember(r *request) (any, error) {
	p := r.params
	g := s.region(r.place())
	of := p.str("DBClusterIdentifier")
	c := dbConfig{
		name: strings.ToLower(p.need("DBInstanceIdentifier")), class: p.need("DBInstanceClass"), engine: p.need("Engine"),
		zone: p.str("AvailabilityZone"), promotionTier: 1, autoUpgrade: true,
	}
	if err := clustersOwn(p, of, "MasterUsername", "DBName", "StorageEncrypted", "KmsKeyId", "Port"); err != nil {
		return nil, err
	}
	p.ignore("EngineLifecycleSupport", "NetworkType")
	engine := c.engine
	readSettings(p, &c)
	tags, err := readTags(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	cl, ok := g.cluster(of, r.now)
	if !ok {
		return nil, dbClusterNotFound(of)
	}
	cc := cl.config.get(r.now)
	c = memberConfig(cc, c)
	fillDefaults(&c, g.place)
	if err := firstError(mayJoin(cl, cc, engine, r.now), g.classOffered("", c, r.now), s.checkMember(g, c, r.now), s.roomForInstance(g, c, r.now)); err != nil {
		return nil, err
	}
	d := s.addInstance(g, c, tags, r.now)
	d.created = r.now.Add(s.aws.options.Durations.Create.Base)
	d.status.set(r.now, statusCreating)
	d.status.then(d.created, statusAvailable)
	if len(g.members(cc.name, r.now)) == 1 {
		cl.writer = d.resource
	}
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// clustersOwn refuses what cannot be set on an instance of a cluster, since the cluster
// has it: the given parameters and those that every call has.
func clustersOwn(p *params, cluster string, names ...string) error {
	for _, theirs := range append(names,
		"MasterUserPassword", "AllocatedStorage", "BackupRetentionPeriod", "PreferredBackupWindow",
		"VpcSecurityGroupIds.VpcSecurityGroupId.1", "EnableIAMDatabaseAuthentication", "MultiAZ", "Iops", "StorageType") {
		if cluster != "" && p.has(theirs) {
			return invalidCombination("The DB Instance is, or will be, a member of a DB Cluster. Set %s on the DB Cluster.", theirs)
		}
	}
	return nil
}

func mayJoin(cl *dbCluster, c dbClusterConfig, engine string, now time.Time) error {
	switch {
	case engine != c.engine:
		return invalidCombination("The engine name requested for your DB instance (%s) doesn't match the engine name of your DB cluster (%s).", engine, c.engine)
	case !c.aurora():
		return invalidCombination("DB instances can't be added to the Multi-AZ DB cluster %s.", c.name)
	case cl.data.Snapshot+cl.data.Resource != "" && cl.status.in(now, statusCreating):
		// Amazon RDS API Reference, RestoreDBClusterFromSnapshot: "You can create DB
		// instances only after the RestoreDBClusterFromSnapshot operation has completed
		// and the DB cluster is available."
		return dbClusterState("DB cluster %s is not in available state.", c.name)
	case !cl.status.in(now, statusAvailable, statusCreating, statusBackingUp):
		return dbClusterState("DB cluster %s is not in available state.", c.name)
	}
	return nil
}

// checkMember says what is wrong with the settings of a cluster's member.
//
// Amazon RDS API Reference, CreateDBInstance, PromotionTier: 0 to 15.
func (s *rdsState) checkMember(g *rdsRegion, c dbConfig, now time.Time) error {
	switch {
	case !strings.HasPrefix(c.class, "db.") || strings.Count(c.class, ".") < 1:
		return invalidValue("Invalid DB Instance class: %s", c.class)
	case c.promotionTier < 0 || c.promotionTier > 15:
		return invalidValue("Invalid promotion tier: %d. Must be between 0 and 15.", c.promotionTier)
	case !maintenancePattern.MatchString(strings.ToLower(c.maintenanceWindow)):
		return invalidValue("Invalid maintenance window: %s. Must be in the format ddd:hh24:mi-ddd:hh24:mi.", c.maintenanceWindow)
	}
	return firstError(
		checkName("DBInstanceIdentifier", c.name, maxInstanceName),
		checkMonitoring(c.monitoringInterval, c.monitoringRole),
		s.checkParameterGroup(g, c.parameterGroup, c.engine, c.version, now),
	)
}

func checkMonitoring(interval int, role string) error {
	switch {
	case !slices.Contains([]int{0, 1, 5, 10, 15, 30, 60}, interval):
		return invalidValue("Invalid monitoring interval: %d", interval)
	case interval > 0 && role == "":
		return invalidCombination("A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.")
	}
	return nil
}

// mayLeave says why an instance cannot be deleted from its cluster.
//
// Amazon RDS API Reference, DeleteDBInstance: an instance of an Aurora cluster has no
// final snapshot. Those of a Multi-AZ DB cluster go with it (Amazon RDS User Guide,
// "Deleting a Multi-AZ DB cluster"; the code of that refusal is inferred).
func mayLeave(c dbConfig, final string) error {
	switch {
	case family(c.engine) != "aurora":
		return invalidCombination("The instance %s belongs to the Multi-AZ DB cluster %s. Delete the cluster.", c.name, c.cluster)
	case final != "":
		return invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance.")
	}
	return nil
}

func stateIsClusters(c dbConfig) error {
	return invalidCombination("%s DB instances are not eligible for stopping or starting.", c.engine)
}
