package sandbox

import (
	"slices"
	"strings"
	"time"
)

// modifyDBInstance changes a database. What needs work on it waits for the
// maintenance window unless ApplyImmediately is set; the rest changes at once.
//
// Amazon RDS User Guide, "Modifying an Amazon RDS DB instance": the table of
// settings says which is which.
func (s *rdsState) modifyDBInstance(r *request) (any, error) {
	p := r.params
	name := p.need("DBInstanceIdentifier")
	g := s.region(r.place())
	d, ok := g.instance(name, r.now)
	if !ok {
		return nil, firstError(p.err, instanceNotFound(name))
	}
	before := d.config.get(r.now)
	after := d.config.last() // What is pending stays so.
	readChanges(p, &after)
	followVersion(before, &after)
	immediately := p.isSet("ApplyImmediately")
	p.ignore("AllowMajorVersionUpgrade", "CertificateRotationRestart", "MasterUserPassword")
	if err := p.check(); err != nil {
		return nil, err
	}
	if !d.status.in(r.now, statusAvailable, statusOptimizing, "storage-full", "incompatible-parameters") {
		return nil, refuse("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	if err := s.checkChange(g, d, before, after, r.now); err != nil {
		return nil, err
	}
	s.change(d, before, after, immediately, r.now)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// readChanges reads what a ModifyDBInstance call names otherwise than
// CreateDBInstance.
func readChanges(p *params, c *dbConfig) {
	readSettings(p, c)
	if n := p.number("DBPortNumber"); n != nil {
		c.port = *n
	}
	if v := p.str("NewDBInstanceIdentifier"); v != "" {
		c.name = strings.ToLower(v)
	}
	const logs = "CloudwatchLogsExportConfiguration."
	off := p.list(logs+"DisableLogTypes", "member")
	on := slices.Concat(c.logs, p.list(logs+"EnableLogTypes", "member"))
	on = slices.DeleteFunc(on, func(l string) bool { return slices.Contains(off, l) })
	slices.Sort(on)
	c.logs = slices.Compact(on)
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

// checkChange says why a change cannot be made.
func (s *rdsState) checkChange(g *rdsRegion, d *dbInstance, before, after dbConfig, now time.Time) error {
	if after.size < before.size {
		return invalidCombination("Invalid storage size for engine name %s and storage type %s: %d. Storage cannot be reduced.",
			before.engine, after.storageType, after.size)
	}
	if g.nameTaken(after.name, d, now) {
		return refuse("DBInstanceAlreadyExists", "DB instance already exists")
	}
	if before.size != after.size && d.status.in(now, statusOptimizing) {
		return invalidCombination("You can't currently modify the storage of this DB instance because the previous storage change is being optimized.")
	}
	return s.checkConfig(g, after, now)
}

// change brings a new configuration into force.
func (s *rdsState) change(d *dbInstance, before, after dbConfig, immediately bool, now time.Time) {
	atOnce := after
	keepDeferred(&atOnce, before)
	d.config.set(now, atOnce)
	if !needsWork(before, after) {
		return
	}
	if !immediately {
		s.changeFrom(d, before, after, nextWindow(after.maintenanceWindow, now))
		return
	}
	s.changeFrom(d, before, after, now)
}

// changeFrom works on a database from a moment on.
func (s *rdsState) changeFrom(d *dbInstance, before, after dbConfig, from time.Time) {
	took := s.aws.options.Durations
	done := from.Add(took.Modify.of(after.size))
	working := statusModifying
	if before.name != after.name {
		working = statusRenaming
	}
	d.config.set(done, after)
	d.status.set(from, working)
	if before.size != after.size || before.storageType != after.storageType || before.iops != after.iops {
		d.status.then(done, statusOptimizing)
		done = done.Add(took.Optimize.of(after.size))
	}
	d.status.then(done, statusAvailable)
}

// keepDeferred takes back the changes that need work on the database.
func keepDeferred(c *dbConfig, before dbConfig) {
	c.name, c.class, c.version = before.name, before.class, before.version
	c.size, c.iops, c.throughput, c.storageType = before.size, before.iops, before.throughput, before.storageType
	c.multiAZ, c.port, c.subnetGroup = before.multiAZ, before.port, before.subnetGroup
}

// needsWork reports whether there are such changes.
func needsWork(before, after dbConfig) bool {
	return showPending(before, after) != (pendingXML{})
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
