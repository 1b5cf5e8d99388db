package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// createDBInstance makes a database: creating, then its first backup if backups
// are on, then available.
func (s *rdsState) createDBInstance(r *request) (any, error) {
	if r.params.has("DBClusterIdentifier") {
		return s.createMember(r)
	}
	c, err := s.readNewInstance(r)
	if err != nil {
		return nil, err
	}
	tags, err := readTags(r.params)
	g := s.region(r.place())
	if err := firstError(r.params.check(), err, g.classOffered("", c, r.now), s.checkConfig(g, c, r.now), s.roomForInstance(g, c, r.now)); err != nil {
		return nil, err
	}
	d := s.addInstance(g, c, tags, r.now)
	took := s.aws.options.Durations
	done := r.now.Add(took.Create.of(c.size))
	d.created = done
	d.status.set(r.now, statusCreating)
	if c.retention > 0 {
		s.firstBackup(g, d, done)
		done = done.Add(took.Backup.of(c.size))
	}
	d.status.then(done, statusAvailable)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// firstBackup is the automated snapshot that RDS takes of every new database whose
// backups are on.
func (s *rdsState) firstBackup(g *rdsRegion, d *dbInstance, when time.Time) {
	c := d.config.last()
	done := when.Add(s.aws.options.Durations.Backup.of(c.size))
	d.status.then(when, statusBackingUp)
	snap := &dbSnapshot{
		place: g.place, name: automatedName(c.name, when), kind: "automated", of: c, resource: d.resource,
		instanceCreated: d.created, started: when, ready: done, taken: when, shownFrom: done, original: when,
		key: c.key, optionGroup: c.optionGroup,
	}
	snap.status.set(when, statusCreating)
	snap.status.then(done, statusAvailable)
	snap.tags.set(when, d.tags.last())
	g.snapshots = append(g.snapshots, snap)
}

func automatedName(db string, when time.Time) string {
	return "rds:" + db + when.UTC().Format("-2006-01-02-15-04")
}

// addInstance puts a database into a Region. The caller sets its status.
func (s *rdsState) addInstance(g *rdsRegion, c dbConfig, tags tagSet, now time.Time) *dbInstance {
	s.aws.serial++
	resource := "db-" + strings.ToUpper(hashed(26, g.account, g.region, c.name, stamp(now), strconv.Itoa(s.aws.serial)))
	d := &dbInstance{place: g.place, resource: resource, created: now}
	d.config.set(now, c)
	d.tags.set(now, tags)
	s.restarted(g, d, now)
	g.instances = append(g.instances, d)
	return d
}

// roomForInstance says why the database cannot be added.
func (s *rdsState) roomForInstance(g *rdsRegion, c dbConfig, now time.Time) error {
	if g.nameTaken(c.name, nil, now) {
		return refuse("DBInstanceAlreadyExists", "DB instance already exists")
	}
	n := 0
	for _, d := range g.instances {
		if d.exists(now) {
			n++
		}
	}
	if n >= s.aws.quota(g.place, QuotaInstances) {
		return refuse("InstanceQuotaExceeded", "DB Instance quota exceeded")
	}
	return nil
}

// readNewInstance reads what a CreateDBInstance call asks for.
func (s *rdsState) readNewInstance(r *request) (dbConfig, error) {
	p := r.params
	c := dbConfig{name: strings.ToLower(p.need("DBInstanceIdentifier")), class: p.need("DBInstanceClass"), engine: p.need("Engine")}
	c.user, c.dbName = p.str("MasterUsername"), p.str("DBName")
	c.zone, c.charset, c.timezone = p.str("AvailabilityZone"), p.str("CharacterSetName"), p.str("Timezone")
	password, kept := p.str("MasterUserPassword"), p.isSet("ManageMasterUserPassword")
	p.ignore("EngineLifecycleSupport", "NetworkType", "DatabaseInsightsMode")
	encrypted, key := p.flag("StorageEncrypted"), p.str("KmsKeyId")
	c.retention = 1
	c.autoUpgrade = true
	readSettings(p, &c)
	if err := p.err; err != nil {
		return c, err
	}
	_, known := engines()[c.engine]
	switch {
	case family(c.engine) == "aurora":
		return c, invalidCombination("The engine %s is for instances of a DB cluster: DBClusterIdentifier is missing.", c.engine)
	case !known:
		return c, invalidValue("Invalid DB engine")
	case c.user == "":
		return c, refuse("MissingParameter", "The parameter MasterUsername must be provided and must not be blank.")
	case !kept && len(password) < 8:
		return c, invalidValue("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
	case c.size == 0:
		return c, refuse("MissingParameter", "The request must contain the parameter AllocatedStorage.")
	}
	fillDefaults(&c, r.place())
	var err error
	c.key, err = s.storageKey(r.place(), encrypted, key)
	return c, err
}

// storageKey gives the key of a new database's storage.
//
// Amazon RDS API Reference, CreateDBInstance, KmsKeyId: with StorageEncrypted and
// without a key it is the account's default, aws/rds. A key without
// StorageEncrypted is refused here, where AWS may leave the storage plain.
func (s *rdsState) storageKey(p place, encrypted *bool, name string) (string, error) {
	switch {
	case encrypted == nil && name == "":
		return "", nil
	case encrypted == nil, !*encrypted && name != "":
		return "", invalidCombination("KmsKeyId cannot be set without StorageEncrypted being set to true.")
	case !*encrypted:
		return "", nil
	case name == "":
		name = "alias/aws/rds"
	}
	key, ok := s.aws.keys.resolve(p, name)
	if !ok {
		return "", refuse("KMSKeyNotAccessibleFault", "The specified KMS key [%s] does not exist, is not enabled or you do not have permissions to access it.", name)
	}
	return key, nil
}
