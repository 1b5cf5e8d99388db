package sandbox

// startDBInstance starts a stopped database.
func (s *rdsState) startDBInstance(r *request) (any, error) {
	d, err := s.namedInstance(r)
	if err != nil {
		return nil, err
	}
	if c := d.config.get(r.now); c.cluster != "" {
		return nil, stateIsClusters(c)
	}
	if !d.status.in(r.now, statusStopped, "inaccessible-encryption-credentials-recoverable") {
		return nil, refuse("InvalidDBInstanceState", "Instance %s is not in stopped or inaccessible-encryption-credentials-recoverable state.", d.config.get(r.now).name)
	}
	d.status.set(r.now, statusStarting)
	d.status.then(r.now.Add(s.aws.options.Durations.Start.Base), statusAvailable)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// stopDBInstance stops a database, after a snapshot if one is named. RDS starts it
// again after seven days.
//
// Amazon RDS User Guide, "Stopping an Amazon RDS DB instance temporarily".
func (s *rdsState) stopDBInstance(r *request) (any, error) {
	snapshot := r.params.str("DBSnapshotIdentifier")
	d, err := s.namedInstance(r)
	if err != nil {
		return nil, err
	}
	c := d.config.get(r.now)
	if c.cluster != "" {
		return nil, stateIsClusters(c)
	}
	if !d.status.in(r.now, statusAvailable) {
		return nil, refuse("InvalidDBInstanceState", "Instance %s is not in available state.", c.name)
	}
	took := s.aws.options.Durations
	stopped := r.now.Add(took.Stop.Base)
	if snapshot != "" {
		g := s.region(r.place())
		if err := firstError(checkName("DBSnapshotIdentifier", snapshot, maxSnapshotName), s.roomForSnapshot(g, snapshot, r.now)); err != nil {
			return nil, err
		}
		snap := s.take(g, d, snapshot, "manual", r.now)
		snap.tags.set(r.now, tagSet{})
		stopped = snap.ready.Add(took.Stop.Base)
	}
	d.status.set(r.now, statusStopping)
	d.status.then(stopped, statusStopped)
	again := stopped.AddDate(0, 0, 7)
	d.status.then(again, statusStarting)
	d.status.then(again.Add(took.Start.Base), statusAvailable)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

// namedInstance finds the database that a call is about.
func (s *rdsState) namedInstance(r *request) (*dbInstance, error) {
	name := r.params.need("DBInstanceIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	d, ok := s.region(r.place()).instance(name, r.now)
	if !ok {
		return nil, instanceNotFound(name)
	}
	return d, nil
}
