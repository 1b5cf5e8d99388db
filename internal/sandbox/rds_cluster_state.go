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

// rebootDBCluster restarts a Multi-AZ DB cluster, with which its parameter group takes
// effect.
//
// Amazon RDS API Reference, RebootDBCluster: "Use this operation only for a non-Aurora
// Multi-AZ DB cluster" (the code of that refusal is inferred).
func (s *rdsState) rebootDBCluster(r *request) (any, error) {
	cl, err := s.namedDBCluster(r, r.now)
	if err != nil {
		return nil, err
	}
	c := cl.config.get(r.now)
	switch {
	case c.aurora():
		return nil, invalidCombination("RebootDBCluster isn't supported for DB engine %s.", c.engine)
	case !cl.status.in(r.now, statusAvailable):
		return nil, dbClusterState("DbCluster %s is not in available state.", c.name)
	}
	done := r.now.Add(s.aws.options.Durations.Reboot.Base)
	s.withMembers(cl, r.now, func(st *status) { st.busy(statusRebooting, r.now, done) })
	g := s.region(cl.place)
	for _, d := range g.members(c.name, r.now) {
		s.restarted(g, d, done)
	}
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

type httpEndpointResult struct {
	ResourceArn         string
	HttpEndpointEnabled bool
}

func (s *rdsState) enableHTTPEndpoint(r *request) (any, error) { return s.setHTTPEndpoint(r, true) }

func (s *rdsState) disableHTTPEndpoint(r *request) (any, error) { return s.setHTTPEndpoint(r, false) }

// setHTTPEndpoint switches the Data API of an Aurora cluster on or off.
//
// Amazon RDS API Reference, EnableHttpEndpoint: ResourceNotFoundFault and
// InvalidResourceStateFault; for Aurora only.
func (s *rdsState) setHTTPEndpoint(r *request, on bool) (any, error) {
	name := r.params.need("ResourceArn")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	a, isARN := parseARN(name)
	cl, ok := s.region(r.place()).cluster(name, r.now)
	switch {
	case !isARN || !ok || a.kind != dbClusterARN:
		return nil, notFound("ResourceNotFoundFault", "The specified resource %s is not found.", name)
	case !cl.config.get(r.now).aurora():
		return nil, invalidCombination("HTTP endpoints aren't supported for DB engine %s.", cl.config.get(r.now).engine)
	case !cl.status.in(r.now, statusAvailable):
		return nil, refuse("InvalidResourceStateFault", "The cluster %s is not in available state.", name)
	}
	amend(&cl.config, r.now, func(c dbClusterConfig) dbClusterConfig {
		c.http = on
		return c
	})
	return httpEndpointResult{name, on}, nil
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
