package sandbox

import (
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
	immediately, renamed := p.isSet("ApplyImmediately"), p.str("NewDBClusterIdentifier")
	g := s.region(r.place())
	cl, found := g.cluster(p.str("DBClusterIdentifier"), r.now)
	var before, after dbClusterConfig
	if found {
		before, after = cl.config.get(r.now), cl.config.last()
	}
	readClusterSettings(p, &after)
	after.logs = changedLogs(p, after.logs)
	p.ignore("AllowMajorVersionUpgrade", "MasterUserPassword")
	if _, err := s.namedDBCluster(r, r.now); err != nil {
		return nil, err
	}
	if renamed != "" {
		after.name = strings.ToLower(renamed)
	}
	if after.parameterGroup == defaultParameterGroup(before.engine, before.version) {
		after.parameterGroup = defaultParameterGroup(after.engine, after.version)
	}
	switch {
	case !cl.status.in(r.now, statusAvailable):
		return nil, dbClusterState("The DB cluster %s is not in available state.", before.name)
	case g.clusterNameTaken(after.name, cl, r.now):
		return nil, refuse("DBClusterAlreadyExistsFault", "DB Cluster already exists")
	}
	if err := s.checkDBCluster(g, after, r.now); err != nil {
		return nil, err
	}
	s.changeCluster(g, cl, before, after, immediately, r.now)
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

func changedLogs(p *params, logs []string) []string {
	const prefix = "CloudwatchLogsExportConfiguration."
	off := p.list(prefix+"DisableLogTypes", "member")
	on := slices.Concat(logs, p.list(prefix+"EnableLogTypes", "member"))
	on = slices.DeleteFunc(on, func(l string) bool { return slices.Contains(off, l) })
	slices.Sort(on)
	return slices.Compact(on)
}

// changeCluster brings a new configuration into force.
func (s *rdsState) changeCluster(g *rdsRegion, cl *dbCluster, before, after dbClusterConfig, immediately bool, now time.Time) {
	atOnce := after
	atOnce.name, atOnce.version, atOnce.class = before.name, before.version, before.class
	atOnce.size, atOnce.iops, atOnce.storageType, atOnce.port = before.size, before.iops, before.storageType, before.port
	cl.config.set(now, atOnce)
	if atOnce.name == after.name && atOnce.version == after.version && atOnce.class == after.class &&
		atOnce.size == after.size && atOnce.iops == after.iops && atOnce.storageType == after.storageType && atOnce.port == after.port {
		return
	}
	from, working := now, statusModifying
	if !immediately {
		from = nextWindow(after.maintenanceWindow, now)
	}
	if before.name != after.name {
		working = statusRenaming
	}
	done := from.Add(s.aws.options.Durations.Modify.Base)
	cl.config.set(done, after)
	cl.status.set(from, working)
	cl.status.then(done, statusAvailable)
	for _, d := range g.members(before.name, now) {
		m := d.config.get(now)
		m.cluster, m.version, m.port = after.name, after.version, after.port
		d.config.set(done, m)
	}
}
