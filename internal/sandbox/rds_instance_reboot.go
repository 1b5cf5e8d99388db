package sandbox

import "time"

// rebootDBInstance restarts a database, with which its parameter groups take effect.
//
// Amazon RDS User Guide, "Rebooting a DB instance": it must be available, and a
// failover can be forced of Multi-AZ deployments only.
func (s *rdsState) rebootDBInstance(r *request) (any, error) {
	failover := r.params.isSet("ForceFailover")
	d, err := s.namedInstance(r)
	if err != nil {
		return nil, err
	}
	c := d.config.get(r.now)
	switch {
	case !d.status.in(r.now, statusAvailable, statusOptimizing):
		return nil, refuse("InvalidDBInstanceState", "Instance %s is not in available state.", c.name)
	case failover && !c.multiAZ:
		return nil, invalidCombination("Cannot specify ForceFailover because the instance is not configured for MultiAZ")
	}
	done := r.now.Add(s.aws.options.Durations.Reboot.Base)
	d.status.busy(statusRebooting, r.now, done)
	s.restarted(s.region(r.place()), d, done)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// restarted notes with which groups a database was started at a moment.
func (s *rdsState) restarted(g *rdsRegion, d *dbInstance, when time.Time) {
	c := d.config.get(when)
	with := startedWith{parameters: c.parameterGroup}
	for _, cl := range g.clusters {
		if of := cl.config.get(when); c.cluster != "" && of.name == c.cluster && cl.status.last() != "" {
			with.ofCluster = of.parameterGroup
		}
	}
	d.restarts.set(when, with)
}

// promoteReadReplica makes a database of its own of a read replica.
//
// Amazon RDS User Guide, "Promoting a read replica to be a standalone DB instance": it
// is rebooted, and backed up if backups are on.
func (s *rdsState) promoteReadReplica(r *request) (any, error) {
	p := r.params
	days, window := p.number("BackupRetentionPeriod"), p.str("PreferredBackupWindow")
	d, err := s.namedInstance(r)
	if err != nil {
		return nil, err
	}
	c := d.config.get(r.now)
	switch {
	case c.replicaOf == "":
		return nil, refuse("InvalidDBInstanceState", "DB Instance is not a read replica.")
	case !d.status.in(r.now, statusAvailable):
		return nil, refuse("InvalidDBInstanceState", "Database instance is not in available state.")
	}
	c.replicaOf, c.backupWindow = "", or(window, c.backupWindow)
	if days != nil {
		c.retention = *days
	}
	g := s.region(r.place())
	if err := s.checkConfig(g, c, r.now); err != nil {
		return nil, err
	}
	seen := r.now.Add(s.aws.options.Durations.Settle.Base)
	done := seen.Add(s.aws.options.Durations.Modify.Base)
	amend(&d.config, done, func(was dbConfig) dbConfig {
		was.replicaOf, was.backupWindow, was.retention = "", c.backupWindow, c.retention
		return was
	})
	d.status.busy(statusModifying, seen, done)
	s.restarted(g, d, done)
	return instanceResult{s.showInstance(d, r.now)}, nil
}
