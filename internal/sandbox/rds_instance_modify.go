package sandbox

import (
	"slices"
	"strings"
	"time"
)

// modifyDBInstance changes a database. What needs work on it waits for the
// maintenance window unless ApplyImmediately is set; the rest changes at once.
//
// Amazon RDS User Guide, "Modifying an Amazon RDS DB instance" and "Settings for DB
// instances": the table says which is which.
func (s *rdsState) modifyDBInstance(r *request) (any, error) {
	p := r.params
	name := p.need("DBInstanceIdentifier")
	g := s.region(r.place())
	d, ok := g.instance(name, r.now)
	if !ok {
		return nil, firstError(p.err, instanceNotFound(name))
	}
	m := modification{before: d.config.get(r.now), after: d.config.last()} // What is pending stays so.
	ownErr := clustersOwn(p, m.before.cluster, "DeletionProtection", "DBPortNumber", "EngineVersion")
	readChanges(p, g.place, m.before, &m.after)
	followVersion(m.before, &m.after)
	m.immediately, m.upgrade = p.isSet("ApplyImmediately"), p.isSet("AllowMajorVersionUpgrade")
	m.password = p.str("MasterUserPassword")
	p.ignore("CertificateRotationRestart")
	if err := firstError(p.check(), ownErr, m.checkPassword(p), checkProvisioned(p, m.after)); err != nil {
		return nil, err
	}
	if err := firstError(s.mayModify(g, d, r.now), s.checkChange(g, d, m, r.now)); err != nil {
		return nil, err
	}
	s.change(g, d, m, r.now)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// modification is what a ModifyDBInstance call asks for.
type modification struct {
	before, after        dbConfig
	immediately, upgrade bool
	password             string
}

func (m modification) checkPassword(p *params) error {
	if p.has("MasterUserPassword") && len(m.password) < 8 {
		return invalidValue("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
	}
	return nil
}

// readChanges reads what a ModifyDBInstance call names otherwise than
// CreateDBInstance, and what it takes otherwise.
//
// Amazon RDS API Reference, ModifyDBInstance, AllocatedStorage: what is less than 10%
// more is rounded up to that. Amazon RDS User Guide, "Managing capacity automatically
// with Amazon RDS storage autoscaling": a maximum equal to the allocated storage turns
// it off.
func readChanges(p *params, at place, before dbConfig, c *dbConfig) {
	maximum := c.maxSize
	readSettings(p, c)
	if n := p.number("DBPortNumber"); n != nil {
		c.port = *n
	}
	if v := p.str("NewDBInstanceIdentifier"); p.has("NewDBInstanceIdentifier") {
		c.name = strings.ToLower(v)
	}
	if c.size > before.size {
		c.size = max(c.size, (before.size*11+9)/10)
	}
	if c.maxSize != maximum && c.maxSize == c.size {
		c.maxSize = 0
	}
	c.insightsRetention, c.insightsKey = insightsSettings(at, c.insights, c.insightsRetention, c.insightsKey)
	c.logs = changedLogs(p, c.logs)
}

// insightsSettings gives what Performance Insights goes by, if it is on.
//
// Amazon RDS API Reference, ModifyDBInstance: 7 days and the account's default key
// where nothing else is said.
func insightsSettings(at place, on bool, days int, key string) (int, string) {
	if !on {
		return 0, ""
	}
	if days == 0 {
		days = 7
	}
	return days, or(key, aliasKey(at, "alias/aws/rds"))
}

// followVersion moves a database that uses default groups to those of its new
// version.
func followVersion(before dbConfig, after *dbConfig) {
	if after.parameterGroup == defaultParameterGroup(before.engine, before.version) {
		after.parameterGroup = defaultParameterGroup(after.engine, after.version)
	}
	if after.optionGroup == defaultOptionGroup(before.engine, before.version) {
		after.optionGroup = defaultOptionGroup(after.engine, after.version)
	}
}

// mayModify says why a database takes no change now.
func (s *rdsState) mayModify(g *rdsRegion, d *dbInstance, now time.Time) error {
	if cl, ok := g.cluster(d.config.get(now).cluster, now); ok && cl.status.in(now, statusRenaming) {
		return dbClusterState("DB cluster %s is being renamed.", d.config.get(now).cluster)
	}
	if !d.status.in(now, statusAvailable, statusOptimizing, "storage-full", "incompatible-parameters") {
		return refuse("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	return nil
}

// checkChange says why a change cannot be made.
func (s *rdsState) checkChange(g *rdsRegion, d *dbInstance, m modification, now time.Time) error {
	before, after := m.before, m.after
	switch {
	case after.size < before.size:
		return invalidCombination("Invalid storage size for engine name %s and storage type %s: %d. Storage cannot be reduced.",
			before.engine, after.storageType, after.size)
	case after.maxSize != before.maxSize && after.maxSize*10 < after.size*11 && after.maxSize > 0:
		return invalidCombination("Max storage size must be at least 10%% greater than storage size")
	case g.nameTaken(after.name, d, now):
		return refuse("DBInstanceAlreadyExists", "DB instance already exists")
	case before.size != after.size && d.status.in(now, statusOptimizing):
		return invalidCombination("You can't currently modify the storage of this DB instance because the previous storage change is being optimized.")
	case after.retention == 0 && before.retention > 0 && len(g.replicas(before.name, now)) > 0:
		return invalidCombination("Backups cannot be disabled for a DB instance that is a source to read replicas.")
	case majorVersion(after.engine, after.version) != majorVersion(before.engine, before.version) && !m.upgrade:
		return invalidCombination("The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
	}
	return firstError(g.classOffered(before.class, after, now), s.checkConfig(g, after, now))
}

// change brings a new configuration into force.
func (s *rdsState) change(g *rdsRegion, d *dbInstance, m modification, now time.Time) {
	took := s.aws.options.Durations
	atOnce, seen := m.after, now.Add(took.Settle.Base)
	keepDeferred(&atOnce, m.before)
	d.config.set(now, atOnce)
	works := deferredOf(m.before) != deferredOf(m.after)
	switch {
	case works && m.immediately:
		s.work(g, d, m.before, m.after, seen)
		return
	case works:
		s.work(g, d, m.before, m.after, nextWindow(m.after.maintenanceWindow, seen))
	}
	what, lasts := configuring(m.before, atOnce, m.password != ""), took.Configure.Base
	if what == statusRebooting {
		lasts = took.Reboot.Base
		s.restarted(g, d, seen.Add(lasts))
	}
	if what != "" {
		d.status.busy(what, seen, seen.Add(lasts))
	}
}

// work changes what needs work, from a moment on.
func (s *rdsState) work(g *rdsRegion, d *dbInstance, before, after dbConfig, from time.Time) {
	took := s.aws.options.Durations
	done := from
	d.status.set(from, statusModifying)
	if before.name != after.name {
		begun := from.Add(took.Rename.Base)
		done = begun.Add(took.Redirect.Base)
		s.rename(g, d, after.name, begun)
		d.status.set(from, statusRenaming)
		d.status.then(begun, statusRebooting)
	}
	renamed := before
	renamed.name = after.name
	if deferredOf(renamed) != deferredOf(after) {
		done = done.Add(took.Modify.of(after.size))
	}
	d.config.set(done, after)
	if before.name != after.name || before.class != after.class || before.version != after.version || before.subnetGroup != after.subnetGroup {
		s.restarted(g, d, done)
	}
	if before.size != after.size || before.storageType != after.storageType || before.iops != after.iops || before.throughput != after.throughput {
		d.status.then(done, statusOptimizing)
		done = done.Add(took.Optimize.of(after.size))
	}
	d.status.then(done, statusAvailable)
}

// rename gives a database another name at a moment. Read replicas stay those of the
// same database.
//
// Amazon RDS User Guide, "Renaming a DB instance". That the old name is free as soon as
// the new one shows is inferred.
func (s *rdsState) rename(g *rdsRegion, d *dbInstance, name string, when time.Time) {
	old := d.config.last().name
	for _, replica := range g.replicas(old, when) {
		amend(&replica.config, when, func(c dbConfig) dbConfig {
			c.replicaOf = name
			return c
		})
	}
	c := d.config.last()
	c.name = name
	d.config.set(when, c)
}

// replicas gives the read replicas of a database in its Region, in order of their names.
func (g *rdsRegion) replicas(name string, when time.Time) []*dbInstance {
	var out []*dbInstance
	for _, d := range g.instances {
		if d.exists(when) && d.config.get(when).replicaOf == name {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b *dbInstance) int {
		return strings.Compare(a.config.get(when).name, b.config.get(when).name)
	})
	return out
}

// amend changes a value from a moment on, and in the same way what is to come.
func amend[T any](l *timeline[T], when time.Time, change func(T) T) {
	later := slices.Clone(*l)
	l.set(when, change(l.get(when)))
	for _, ch := range later {
		if ch.at.After(when) {
			l.set(ch.at, change(ch.value))
		}
	}
}

// deferredConfig is what changes in the maintenance window, unless at once.
type deferredConfig struct {
	name, class, version, license, storageType, subnetGroup, optionGroup, ca string

	size, iops, throughput           int
	multiAZ, iam, backups, logVolume bool
}

func deferredOf(c dbConfig) deferredConfig {
	return deferredConfig{
		name: c.name, class: c.class, version: c.version, license: c.license, storageType: c.storageType,
		subnetGroup: c.subnetGroup, optionGroup: c.optionGroup, ca: c.ca, size: c.size, iops: c.iops,
		throughput: c.throughput, multiAZ: c.multiAZ, iam: c.iam, backups: c.retention > 0, logVolume: c.dedicatedLog,
	}
}

// keepDeferred takes back the changes that need work on the database.
func keepDeferred(c *dbConfig, before dbConfig) {
	if c.version != before.version {
		c.parameterGroup = before.parameterGroup
	}
	if (c.retention > 0) != (before.retention > 0) {
		c.retention = before.retention
	}
	c.name, c.class, c.version, c.license = before.name, before.class, before.version, before.license
	c.size, c.iops, c.throughput, c.storageType = before.size, before.iops, before.throughput, before.storageType
	c.multiAZ, c.subnetGroup, c.optionGroup = before.multiAZ, before.subnetGroup, before.optionGroup
	c.ca, c.iam, c.dedicatedLog = before.ca, before.iam, before.dedicatedLog
}

// configuring says as what a database shows while it is changed without waiting; ""
// where nothing changes.
//
// Amazon RDS User Guide, "Viewing Amazon RDS DB instance status". A change of the port
// restarts it: Amazon RDS API Reference, ModifyDBInstance, DBPortNumber.
func configuring(before, after dbConfig, password bool) string {
	monitored := before.monitoringInterval == after.monitoringInterval && before.monitoringRole == after.monitoringRole
	switch {
	case before.port != after.port:
		return statusRebooting
	case password:
		return "resetting-master-credentials"
	case !monitored:
		return "configuring-enhanced-monitoring"
	case !slices.Equal(before.logs, after.logs):
		return "configuring-log-exports"
	case before.differs(after):
		return statusModifying
	}
	return ""
}

// nextWindow gives the next beginning of a maintenance window such as
// "sun:05:00-sun:05:30" after now.
func nextWindow(window string, now time.Time) time.Time {
	for day := range 8 {
		date := now.AddDate(0, 0, day)
		at, err := time.Parse("15:04", window[4:9])
		if err != nil {
			return now
		}
		start := time.Date(date.Year(), date.Month(), date.Day(), at.Hour(), at.Minute(), 0, 0, time.UTC)
		if strings.EqualFold(date.Weekday().String()[:3], window[:3]) && start.After(now) {
			return start
		}
	}
	return now
}
