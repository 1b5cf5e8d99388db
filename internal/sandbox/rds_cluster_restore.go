package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// restoreDBClusterFromSnapshot makes a new cluster of a cluster snapshot's data: of
// Aurora one without any instance, of a Multi-AZ DB cluster with its three. What the
// call does not say is AWS's default, and not as the source had it.
//
// Amazon RDS API Reference, RestoreDBClusterFromSnapshot. Making an Aurora cluster of a
// snapshot of a DB instance is not simulated.
func (s *rdsState) restoreDBClusterFromSnapshot(r *request) (any, error) {
	p := r.params
	name, source, engine := p.need("DBClusterIdentifier"), p.need("SnapshotIdentifier"), p.need("Engine")
	if p.err != nil {
		return nil, p.err
	}
	from, err := s.clusterRestoreSource(source, r)
	if err != nil {
		return nil, err
	}
	if engine != from.of.engine {
		return nil, invalidCombination("The engine %s is not compatible with the engine %s of the snapshot.", engine, from.of.engine)
	}
	c := restoredClusterConfig(from.of, name)
	c.zones = p.list("AvailabilityZones", "AvailabilityZone")
	if err := restoredVersion(p, &c, from.of.version); err != nil {
		return nil, err
	}
	if p.has("DatabaseName") {
		if c.dbName = p.str("DatabaseName"); c.dbName == "" {
			return nil, invalidValue("The parameter DatabaseName must be provided and must not be blank.")
		}
	}
	data := DBData{Snapshot: from.arn().String(), Resource: from.resource, At: from.original}
	return s.restoreCluster(r, c, from.key, data)
}

// clusterRestoreSource finds the snapshot to restore. Unlike a DB snapshot, one that is
// shared and encrypted can be restored if its key lets the caller use it.
//
// Amazon Aurora User Guide, "Restoring from a DB cluster snapshot": sharing a snapshot,
// "whether encrypted or unencrypted, enables authorized Amazon accounts to directly
// restore a DB cluster from the snapshot".
func (s *rdsState) clusterRestoreSource(source string, r *request) (*dbClusterSnapshot, error) {
	at := r.place()
	if full, ok := parseARN(source); ok {
		if full.service == "rds" && full.kind == "snapshot" {
			return nil, notSimulated("the migration of a DB snapshot to a cluster")
		}
		if full.service != "rds" || full.kind != dbClusterSnapshotARN {
			return nil, invalidValue("Invalid snapshot identifier: %s", source)
		}
		at = full.place
	}
	snap, ok := s.region(at).dbClusterSnapshot(source, r.now)
	switch {
	case !ok, at.region != r.region, at.account != r.who.account && !snap.sharedWith(r.who.account, r.now):
		return nil, dbClusterSnapshotNotFound(source)
	case !snap.status.in(r.now, statusAvailable):
		return nil, refuse("InvalidDBClusterSnapshotStateFault", "The snapshot %s is not in the available state.", source)
	}
	return snap, s.mayRead(&snap.dbSnapshot, r)
}

// restoredClusterConfig is what a restored cluster has of another's configuration.
func restoredClusterConfig(of dbClusterConfig, name string) dbClusterConfig {
	return dbClusterConfig{
		name: strings.ToLower(name), engine: of.engine, version: of.version, port: of.port, user: of.user, dbName: of.dbName,
		retention: of.retention, size: of.size, autoUpgrade: true,
	}
}

// restoredVersion reads the engine version of a cluster that is restored.
//
// Amazon RDS API Reference, RestoreDBClusterFromSnapshot, EngineVersion: without it "the
// default version for the database engine in the Amazon Web Services Region is used".
// That this goes for the same major version only, and that no version can be older than
// the snapshot's, is inferred.
func restoredVersion(p *params, c *dbClusterConfig, of string) error {
	c.version = p.str("EngineVersion")
	if usual := dbClusterEngines()[c.engine]; c.version == "" {
		c.version = of
		if majorVersion(c.engine, usual) == majorVersion(c.engine, of) && !olderVersion(usual, of) {
			c.version = usual
		}
	}
	if olderVersion(c.version, of) {
		return invalidCombination("Cannot restore a snapshot of version %s to the older version %s.", of, c.version)
	}
	return nil
}

// olderVersion compares versions number by number.
func olderVersion(a, b string) bool {
	numbers := func(v string) []string {
		return strings.FieldsFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	}
	x, y := numbers(a), numbers(b)
	for i := range min(len(x), len(y)) {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		if errM == nil && errN == nil && m != n {
			return m < n
		}
	}
	return len(x) < len(y)
}

// restoreDBClusterToPointInTime makes a new cluster of what another was like at a
// moment.
//
// Amazon RDS API Reference, RestoreDBClusterToPointInTime: a clone (copy-on-write) can
// only be made of the latest moment.
func (s *rdsState) restoreDBClusterToPointInTime(r *request) (any, error) {
	p := r.params
	name, source := p.need("DBClusterIdentifier"), p.need("SourceDBClusterIdentifier")
	form := or(p.str("RestoreType"), "full-copy")
	when, err := readMoment(p, "RestoreToTime")
	if err := firstError(p.err, err); err != nil {
		return nil, err
	}
	cl, ok := s.region(r.place()).cluster(source, r.now)
	switch {
	case !ok:
		return nil, dbClusterNotFound(source)
	case form != "full-copy" && form != "copy-on-write":
		return nil, invalidValue("Invalid restore type: %s", form)
	case form == "copy-on-write" && !when.IsZero():
		return nil, invalidCombination("RestoreToTime cannot be specified with the restore type copy-on-write.")
	}
	of := cl.config.get(r.now)
	if when, err = restorable(when, cl.created, of.retention, r.now); err != nil {
		return nil, err
	}
	if err := s.mayUseKey(of.key, r); err != nil {
		return nil, err
	}
	return s.restoreCluster(r, restoredClusterConfig(of, name), of.key, DBData{Resource: cl.resource, At: when})
}

// restoreCluster reads what a restore asks for beside its source, and begins it.
func (s *rdsState) restoreCluster(r *request, c dbClusterConfig, key string, data DBData) (any, error) {
	p, g := r.params, s.region(r.place())
	for _, not := range [...]string{"AllocatedStorage", "PreferredMaintenanceWindow", "EnableHttpEndpoint", "MasterUserPassword"} {
		if p.has(not) {
			return nil, notSimulated("the parameter %s of %s, which AWS does not have", not, p.action)
		}
	}
	version, public := c.version, p.flag("PubliclyAccessible")
	readClusterSettings(p, &c)
	c.version, c.mode, c.subnetGroup = version, p.str("EngineMode"), strings.ToLower(p.str("DBSubnetGroupName"))
	c.logs = p.list("EnableCloudwatchLogsExports", "member")
	c.roles = readClusterRoles(p)
	wanted := p.str("KmsKeyId")
	p.ignore("EngineLifecycleSupport", "NetworkType", "OptionGroupName")
	tags, err := readTags(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	if c.key, err = s.restoredKey(c, key, wanted, r); err != nil {
		return nil, err
	}
	c.public = public != nil && *public || public == nil && !c.aurora() && or(c.subnetGroup, "default") == "default"
	windows := randomWindows(c.name)
	c.backupWindow, c.maintenanceWindow = or(c.backupWindow, windows.backup), windows.maintenance
	fillClusterDefaults(&c, g.place)
	if err := firstError(s.roomForCluster(g, c, r.now), s.checkDBCluster(g, c, r.now)); err != nil {
		return nil, err
	}
	cl := s.addDBCluster(g, c, tags, r.now)
	cl.data = data
	cl.created = r.now.Add(s.aws.options.Durations.Restore.of(c.size))
	cl.status.set(r.now, statusCreating)
	cl.status.then(cl.created, statusAvailable)
	if !c.aurora() {
		s.addMultiAZ(g, cl, r.now)
	}
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

// readClusterRoles reads the roles that a restored cluster is to have.
func readClusterRoles(p *params) []dbRole {
	var out []dbRole
	for _, prefix := range p.members("AssociatedRoles", "DBClusterAssociatedRole") {
		out = append(out, dbRole{feature: p.str(prefix + ".FeatureName"), arn: p.str(prefix + ".RoleArn"), active: time.Time{}})
	}
	return out
}

// restoredKey gives the key of a restored cluster: the wanted one, else that of the
// source. What is encrypted stays so.
//
// Amazon RDS API Reference, RestoreDBClusterFromSnapshot, KmsKeyId. A key for what was
// plain is for Aurora only: Amazon Aurora User Guide, "Limitations of Amazon Aurora
// encrypted DB clusters" (the code of the refusal is inferred).
func (s *rdsState) restoredKey(c dbClusterConfig, key, wanted string, r *request) (string, error) {
	switch {
	case wanted == "":
		return key, nil
	case key == "" && !c.aurora():
		return "", invalidCombination("KmsKeyId can't be specified when restoring an unencrypted Multi-AZ DB cluster.")
	}
	got, err := s.aws.keys.use(keyUse{r.who, "rds"}, r.region, wanted, r.now, "DescribeKey", "CreateGrant", "GenerateDataKey")
	if err != nil {
		return "", keyNotAccessible("target", wanted)
	}
	return got, nil
}
