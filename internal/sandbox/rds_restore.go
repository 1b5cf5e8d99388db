package sandbox

import (
	"strings"
	"time"
)

// restoreDBInstanceFromDBSnapshot makes a new database of a snapshot's data. It has
// what the snapshot carries (engine, storage, user, port, class and so on); the rest
// is as the call says, else AWS's default, and not as the source had it.
//
// Amazon RDS API Reference, RestoreDBInstanceFromDBSnapshot. Amazon RDS User Guide,
// "Restoring to a DB instance".
func (s *rdsState) restoreDBInstanceFromDBSnapshot(r *request) (any, error) {
	p := r.params
	name, source := p.need("DBInstanceIdentifier"), p.need("DBSnapshotIdentifier")
	if p.err != nil {
		return nil, p.err
	}
	from, err := s.restoreSource(source, r)
	if err != nil {
		return nil, err
	}
	c := restoredConfig(from.of, name)
	c.key = from.key
	return s.restoreInstance(r, restoredInstance{
		config: c, of: from.of, source: from.resource, where: from.place,
		data: DBData{Snapshot: from.arn().String(), Resource: from.resource, At: from.original},
	})
}

// restoredInstance is a database that is to be made of what there was of another.
type restoredInstance struct {
	config, of dbConfig
	// source is the DbiResourceId of the other one, which was, or is, at a place.
	source string
	where  place
	data   DBData
}

// restoreSource finds the snapshot to restore: by its name, or by its full name where
// it is shared with the caller. It must lie in the Region.
//
// Amazon RDS User Guide, "Sharing a DB snapshot": "you can't restore a DB instance from
// a DB snapshot that is both shared and encrypted. Instead, you can make a copy".
// (The code of that refusal is inferred.)
func (s *rdsState) restoreSource(source string, r *request) (*dbSnapshot, error) {
	at, name := r.place(), source
	if strings.HasPrefix(source, "arn:") {
		full, ok := parseARN(source)
		if !ok || full.service != "rds" || full.kind != "snapshot" {
			return nil, invalidValue("Invalid snapshot identifier: %s", source)
		}
		at, name = full.place, full.id
	}
	snap, ok := s.region(at).snapshot(name, r.now)
	foreign := at.account != r.who.account
	switch {
	case !ok, at.region != r.region, foreign && !snap.sharedWith(r.who.account, r.now):
		return nil, snapshotNotFound(source)
	case !snap.status.in(r.now, statusAvailable):
		return nil, refuse("InvalidDBSnapshotState", "The snapshot %s is not in the available state.", source)
	case foreign && snap.key != "":
		return nil, refuse("KMSKeyNotAccessibleFault", "The snapshot %s is shared and encrypted. Copy it and restore the copy.", source)
	}
	return snap, s.mayRead(snap, r)
}

// restoredConfig is what a restored database has of another's configuration, with a
// name of its own.
func restoredConfig(of dbConfig, name string) dbConfig {
	return dbConfig{
		name: strings.ToLower(name), class: of.class, engine: of.engine, version: of.version, license: of.license,
		size: of.size, iops: of.iops, throughput: of.throughput, storageType: of.storageType, port: of.port,
		user: of.user, dbName: of.dbName, charset: of.charset, timezone: of.timezone, retention: of.retention,
		autoUpgrade: true,
	}
}

// restoreInstance reads what a restore asks for beside its source, and begins it.
func (s *rdsState) restoreInstance(r *request, in restoredInstance) (any, error) {
	p, g := r.params, s.region(r.place())
	c := in.config
	readErr := readRestored(p, &c, in.of)
	tags, err := readTags(p)
	if err := firstError(p.check(), readErr, err, checkProvisioned(p, c)); err != nil {
		return nil, err
	}
	windows := randomWindows(c.name)
	c.backupWindow, c.maintenanceWindow = or(c.backupWindow, windows.backup), windows.maintenance
	public := c.public
	fillDefaults(&c, g.place)
	if !p.has("PubliclyAccessible") {
		public = c.subnetGroup == "default"
	}
	c.public = public
	if err := s.checkRestored(g, p, c, in.of, r.now); err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		tags = s.tagsOfSource(in, r)
	}
	d := s.addInstance(g, c, tags, r.now)
	d.data = in.data
	s.bringUp(g, d, r.now)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// readRestored reads what the calls that restore a database have in common. They do not
// take all that CreateDBInstance takes.
func readRestored(p *params, c *dbConfig, of dbConfig) error {
	if p.action == "RestoreDBInstanceFromDBSnapshot" && p.has("MaxAllocatedStorage") {
		return notSimulated("the parameter MaxAllocatedStorage of %s, which AWS does not have", p.action)
	}
	for _, not := range [...]string{
		"EngineVersion", "MonitoringInterval", "MonitoringRoleArn", "EnablePerformanceInsights", "PerformanceInsightsKMSKeyId",
		"PerformanceInsightsRetentionPeriod", "PreferredMaintenanceWindow", "PromotionTier", "KmsKeyId",
	} {
		if p.has(not) {
			return notSimulated("the parameter %s of %s, which AWS does not have", not, p.action)
		}
	}
	engine := or(p.str("Engine"), c.engine)
	if family(engine) != family(c.engine) {
		return invalidCombination("The engine %s is not compatible with the engine %s of the source.", engine, c.engine)
	}
	c.engine, c.zone = engine, p.str("AvailabilityZone")
	if name := p.str("DBName"); name != "" {
		c.dbName = name
	}
	if kind := p.str("StorageType"); p.has("StorageType") && kind != of.storageType {
		c.iops, c.throughput = 0, 0
	}
	readSettings(p, c)
	return nil
}

// checkProvisioned says why IOPS and throughput cannot be given.
//
// Amazon RDS User Guide, "General Purpose SSD storage": gp3 has them to be provisioned
// from 400 GiB on, for Oracle from 200, for SQL Server always. (The refusal of a value
// that equals the baseline is inferred.)
func checkProvisioned(p *params, c dbConfig) error {
	least := 400
	switch family(c.engine) {
	case "oracle":
		least = 200
	case "sqlserver", "aurora":
		return nil
	}
	if c.storageType == "gp3" && c.size < least && (p.has("Iops") || p.has("StorageThroughput")) {
		return invalidCombination("You can't specify IOPS or storage throughput for engine %s and a storage size less than %d.", c.engine, least)
	}
	return nil
}

// checkRestored says why a database cannot be restored so.
func (s *rdsState) checkRestored(g *rdsRegion, p *params, c, of dbConfig, now time.Time) error {
	switch {
	case c.size < of.size:
		return invalidValue("Allocated storage size can't be less than the source instance size.")
	case c.multiAZ && p.has("AvailabilityZone"):
		return invalidCombination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
	}
	return firstError(s.roomForInstance(g, c, now), g.classOffered("", c, now), s.checkConfig(g, c, now))
}

// tagsOfSource gives what a restored database is tagged with when the call has no tags.
//
// Amazon RDS API Reference, RestoreDBInstanceFromDBSnapshot, CopyTagsToSnapshot: "If
// there are no new tags, RDS looks for the tags from the source DB instance for the DB
// snapshot, and then adds those tags to the restored DB instance."
func (s *rdsState) tagsOfSource(in restoredInstance, r *request) tagSet {
	if in.where.account != r.who.account {
		return tagSet{}
	}
	for _, d := range s.region(in.where).instances {
		if d.resource == in.source && d.exists(r.now) {
			return withoutReserved(d.tags.get(r.now))
		}
	}
	return tagSet{}
}

// bringUp lets a restored database come into being: it answers when it was created, is
// set up then, and backs itself up before it is available.
func (s *rdsState) bringUp(g *rdsRegion, d *dbInstance, now time.Time) {
	c, took := d.config.get(now), s.aws.options.Durations
	d.created = now.Add(took.Restore.of(c.size))
	done := d.created.Add(took.Configure.Base)
	d.status.set(now, statusCreating)
	d.status.then(d.created, statusModifying)
	if c.retention > 0 {
		s.firstBackup(g, d, done)
		done = done.Add(took.Backup.of(c.size))
	}
	d.status.then(done, statusAvailable)
}

// restoredWindows are the windows of a database that was restored without any.
type restoredWindows struct{ backup, maintenance string }

// randomWindows gives windows that nobody chose, as AWS does, though always the same for
// a name. They do not overlap.
func randomWindows(name string) restoredWindows {
	n := int(hashed(1, "window", name)[0]) % 8
	day := [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}[n] + ":"
	hour := string(rune('0' + n))
	return restoredWindows{"0" + hour + ":07-0" + hour + ":37", day + "09:13-" + day + "09:43"}
}
