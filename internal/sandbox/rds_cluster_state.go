package sandbox

import "time"

// startDBCluster starts a stopped cluster, and its instances with it.
func (s *rdsState) startDBCluster(r *request) (any, error) {
	cl, err := s.namedDBCluster(r, r.now)
	if err != nil {
		return nil, err
	}
	if !cl.status.in(r.now, statusStopped, "inaccessible-encryption-credentials-recoverable") {
		return nil, dbClusterState("DbCluster %s is not in stopped state.", cl.config.get(r.now).name)
	}
	s.withMembers(cl, r.now, func(st *status) {
		st.set(r.now, statusStarting)
		st.then(r.now.Add(s.aws.options.Durations.Start.Base), statusAvailable)
	})
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

// stopDBCluster stops an Aurora cluster and its instances. After seven days it is
// started again.
//
// Amazon Aurora User Guide, "Stopping and starting an Amazon Aurora DB cluster".
// Amazon RDS User Guide, "Limitations of Multi-AZ DB clusters": those cannot be
// stopped (the code of that refusal is inferred).
func (s *rdsState) stopDBCluster(r *request) (any, error) {
	cl, err := s.namedDBCluster(r, r.now)
	if err != nil {
		return nil, err
	}
	c := cl.config.get(r.now)
	switch {
	case !c.aurora():
		return nil, invalidCombination("Multi-AZ DB clusters are not eligible for stopping or starting.")
	case !cl.status.in(r.now, statusAvailable):
		return nil, dbClusterState("DbCluster %s is not in available state.", c.name)
	}
	took := s.aws.options.Durations
	stopped := r.now.Add(took.Stop.Base)
	again := stopped.AddDate(0, 0, 7)
	s.withMembers(cl, r.now, func(st *status) {
		st.set(r.now, statusStopping)
		st.then(stopped, statusStopped)
		st.then(again, statusStarting)
		st.then(again.Add(took.Start.Base), statusAvailable)
	})
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

// withMembers changes the status of a cluster and of its instances, but for those
// that are being deleted.
func (s *rdsState) withMembers(cl *dbCluster, now time.Time, change func(*status)) {
	change(&cl.status)
	for _, d := range s.region(cl.place).members(cl.config.get(now).name, now) {
		if !d.status.in(now, statusDeleting) {
			change(&d.status)
		}
	}
}
