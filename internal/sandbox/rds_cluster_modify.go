package sandbox

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// modifyDBCluster changes a cluster. A new name, version, storage or class is work
// that waits for the maintenance window unless ApplyImmediately is set; the rest
// changes at once.
//
// Amazon Aurora User Guide, "Modifying an Amazon Aurora DB cluster", table of
// settings.
func (s *rdsState) modifyDBCluster(r *request) (any, error) {
	p := r.params
	g := s.region(r.place())
	cl, found := g.cluster(p.str("DBClusterIdentifier"), r.now)
	m := clusterModification{
		immediately: p.isSet("ApplyImmediately"), upgrade: p.isSet("AllowMajorVersionUpgrade"), password: p.str("MasterUserPassword"),
	}
	if found {
		m.before, m.after = cl.config.get(r.now), cl.config.last()
	}
	ownErr := s.readClusterChanges(r, &m.after)
	m.after.insightsRetention, m.after.insightsKey = insightsSettings(g.place, m.after.insights, m.after.insightsRetention, m.after.insightsKey)
	if m.after.parameterGroup == defaultParameterGroup(m.before.engine, m.before.version) {
		m.after.parameterGroup = defaultParameterGroup(m.after.engine, m.after.version)
	}
	if _, err := s.namedDBCluster(r, r.now); err != nil {
		return nil, err
	}
	if ownErr != nil {
		return nil, ownErr
	}
	if p.has("MasterUserPassword") && len(m.password) < 8 {
		return nil, invalidValue("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
	}
	if err := firstError(s.mayModifyCluster(g, cl, m, r.now), s.checkDBCluster(g, m.after, r.now)); err != nil {
		return nil, err
	}
	s.changeCluster(g, cl, m, r.now)
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

// readClusterChanges reads what a ModifyDBCluster call asks for beside what
// CreateDBCluster takes.
//
// Amazon RDS API Reference, ModifyDBCluster, EnableHttpEndpoint: "applies only to Aurora
// Serverless v1 DB clusters" (that AWS refuses it for others is inferred), and
// MasterUserSecretKmsKeyId: aws/secretsmanager where none is given.
func (s *rdsState) readClusterChanges(r *request, c *dbClusterConfig) error {
	p := r.params
	readClusterSettings(p, c)
	c.logs = changedLogs(p, c.logs)
	if p.has("NewDBClusterIdentifier") {
		c.name = strings.ToLower(p.str("NewDBClusterIdentifier"))
	}
	forward, kept, key := p.flag("EnableLocalWriteForwarding"), p.isSet("ManageMasterUserPassword"), p.str("MasterUserSecretKmsKeyId")
	if forward != nil {
		c.localWrites = *forward
	}
	switch {
	case p.has("EnableHttpEndpoint"):
		return invalidCombination("EnableHttpEndpoint isn't supported for this cluster. Use EnableHttpEndpoint and DisableHttpEndpoint instead.")
	case c.localWrites && !c.aurora():
		return invalidCombination("Local write forwarding isn't supported for DB engine %s.", c.engine)
	case kept && p.has("MasterUserPassword"), key != "" && !kept:
		return invalidCombination("MasterUserPassword and MasterUserSecretKmsKeyId don't go with this value of ManageMasterUserPassword.")
	case kept && c.secretKey == "":
		key = or(key, "alias/aws/secretsmanager")
		if c.secretKey, _ = s.aws.keys.resolve(r.place(), key); c.secretKey == "" {
			return keyNotAccessible("secret", key)
		}
	}
	return nil
}

// clusterModification is what a ModifyDBCluster call asks for.
type clusterModification struct {
	before, after        dbClusterConfig
	immediately, upgrade bool
	password             string
}

// mayModifyCluster says why a cluster takes this change not now. That its instances
// must be available for a new name is inferred from InvalidDBInstanceState among the
// errors of ModifyDBCluster.
func (s *rdsState) mayModifyCluster(g *rdsRegion, cl *dbCluster, m clusterModification, now time.Time) error {
	switch {
	case !cl.status.in(now, statusAvailable):
		return dbClusterState("The DB cluster %s is not in available state.", m.before.name)
	case g.clusterNameTaken(m.after.name, cl, now):
		return refuse("DBClusterAlreadyExistsFault", "DB Cluster already exists")
	case majorVersion(m.after.engine, m.after.version) != majorVersion(m.before.engine, m.before.version) && !m.upgrade:
		return invalidCombination("The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
	case m.after.size < m.before.size:
		return invalidCombination("Storage cannot be reduced.")
	case m.after.name == m.before.name:
		return nil
	}
	for _, d := range g.members(m.before.name, now) {
		if !d.status.in(now, statusAvailable) {
			return refuse("InvalidDBInstanceState", "DB instance %s is not in available state.", d.config.get(now).name)
		}
	}
	return nil
}

func changedLogs(p *params, logs []string) []string {
	const prefix = "CloudwatchLogsExportConfiguration."
	off, add := p.list(prefix+"DisableLogTypes", "member"), p.list(prefix+"EnableLogTypes", "member")
	if len(off) == 0 && len(add) == 0 {
		return logs
	}
	on := slices.Concat(logs, add)
	on = slices.DeleteFunc(on, func(l string) bool { return slices.Contains(off, l) })
	slices.Sort(on)
	return slices.Compact(on)
}

// deferredCluster is what of a cluster changes in the maintenance window, unless at
// once.
type deferredCluster struct {
	name, version, class, storageType string
	size, iops, port                  int
}

func deferredClusterOf(c dbClusterConfig) deferredCluster {
	return deferredCluster{c.name, c.version, c.class, c.storageType, c.size, c.iops, c.port}
}

// changeCluster brings a new configuration into force.
func (s *rdsState) changeCluster(g *rdsRegion, cl *dbCluster, m clusterModification, now time.Time) {
	took, before, after := s.aws.options.Durations, m.before, m.after
	atOnce, seen := after, now.Add(took.Settle.Base)
	atOnce.name, atOnce.version, atOnce.class = before.name, before.version, before.class
	atOnce.size, atOnce.iops, atOnce.storageType, atOnce.port = before.size, before.iops, before.storageType, before.port
	if after.version != before.version {
		atOnce.parameterGroup = before.parameterGroup
	}
	cl.config.set(now, atOnce)
	s.passOn(g, before.name, atOnce, now)
	works := deferredClusterOf(before) != deferredClusterOf(after)
	switch {
	case works && m.immediately:
		s.workCluster(g, cl, before, after, seen)
		return
	case works:
		s.workCluster(g, cl, before, after, nextWindow(after.maintenanceWindow, seen))
	}
	switch {
	case m.password != "":
		cl.status.busy("resetting-master-credentials", seen, seen.Add(took.Configure.Base))
	case !reflect.DeepEqual(before, atOnce):
		cl.status.busy(statusModifying, seen, seen.Add(took.Configure.Base))
	}
}

// workCluster changes what needs work, from a moment on. Its instances are restarted
// where they are to listen or run otherwise; they keep their own names.
func (s *rdsState) workCluster(g *rdsRegion, cl *dbCluster, before, after dbClusterConfig, from time.Time) {
	took := s.aws.options.Durations
	done := from.Add(took.Modify.Base)
	cl.status.set(from, statusModifying)
	if before.name != after.name {
		begun := from.Add(took.Rename.Base)
		done = begun.Add(took.ClusterRedirect.Base)
		renamed := before
		renamed.name = after.name
		if deferredClusterOf(renamed) != deferredClusterOf(after) {
			done = done.Add(took.Modify.Base)
		}
		named := cl.config.last()
		named.name = after.name
		cl.config.set(begun, named)
		s.passOn(g, before.name, named, begun)
		cl.status.set(from, statusRenaming)
	}
	cl.config.set(done, after)
	s.passOn(g, after.name, after, done)
	cl.status.then(done, statusAvailable)
	for _, d := range g.members(after.name, done) {
		s.restarted(g, d, done)
	}
}

// passOn gives a cluster's instances what they have from it, from a moment on. Until
// then it is, or was, known to them by a name.
func (s *rdsState) passOn(g *rdsRegion, name string, c dbClusterConfig, when time.Time) {
	for _, d := range g.members(name, when) {
		amend(&d.config, when, func(m dbConfig) dbConfig { return memberConfig(c, m) })
	}
}
