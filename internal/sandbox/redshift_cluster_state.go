package sandbox

// The statuses of clusters that the rules ask for (Amazon Redshift API Reference,
// Cluster, ClusterStatus, with "pausing" and "resuming" of the Management Guide).
const (
	statusPaused        = "paused"
	statusPausing       = "pausing"
	statusResuming      = "resuming"
	statusResizing      = "resizing"
	statusFinalSnapshot = "final-snapshot"
)

// namedCluster finds the cluster that a call is about, after all else has been
// read.
func (s *redshiftState) namedCluster(r *request) (*redshiftRegion, *cluster, error) {
	name := r.params.need("ClusterIdentifier")
	if err := r.params.check(); err != nil {
		return nil, nil, err
	}
	g := s.region(r.place(), r.now)
	c, ok := g.cluster(name, r.now)
	if !ok {
		return nil, nil, clusterNotFound(name)
	}
	return g, c, nil
}

// pauseCluster pauses a cluster, after a snapshot.
//
// Amazon Redshift Management Guide, "Pausing and resuming a cluster": "When you
// pause a cluster, Amazon Redshift creates a snapshot, begins terminating queries,
// and puts the cluster in a pausing state." Not for "clusters that are not
// active" nor those "that have automated snapshots turned off".
func (s *redshiftState) pauseCluster(r *request) (any, error) {
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	of := c.config.get(r.now)
	switch {
	case !c.status.in(r.now, statusAvailable) || g.inProgress(c, r.now):
		return nil, invalidClusterState("The cluster %s is not in the available state.", of.name)
	case of.retention == 0:
		return nil, refuse("UnsupportedOperation", "You can't pause cluster %s because no recent backup is available.", of.name)
	}
	snap := s.takeAutomated(g, c, r.now)
	c.status.set(r.now, statusPausing)
	c.status.then(snap.ready.Add(s.aws.options.Durations.Stop.Base), statusPaused)
	return clusterResult{s.showCluster(c, r.now)}, nil
}

func (s *redshiftState) resumeCluster(r *request) (any, error) {
	_, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	if !c.status.in(r.now, statusPaused) {
		return nil, invalidClusterState("The cluster %s is not in the paused state.", c.config.get(r.now).name)
	}
	c.status.set(r.now, statusResuming)
	c.status.then(r.now.Add(s.aws.options.Durations.Start.Base), statusAvailable)
	return clusterResult{s.showCluster(c, r.now)}, nil
}

// resizeCluster changes type or number of nodes: within minutes, or with Classic
// within hours.
func (s *redshiftState) resizeCluster(r *request) (any, error) {
	p := r.params
	nodeType, nodes, classic := p.str("NodeType"), p.number("NumberOfNodes"), p.isSet("Classic")
	p.ignore("ClusterType")
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	next := c.config.get(r.now)
	next.nodeType = or(nodeType, next.nodeType)
	if nodes != nil {
		next.nodes = *nodes
	}
	if !c.status.in(r.now, statusAvailable) || g.inProgress(c, r.now) {
		return nil, invalidClusterState("The cluster %s is not in the available state.", next.name)
	}
	if err := checkCluster(next); err != nil {
		return nil, err
	}
	done := r.now.Add(4 * s.aws.options.Durations.Modify.Base)
	if classic {
		done = r.now.Add(s.aws.options.Durations.Optimize.of(next.size))
	}
	c.status.set(r.now, statusResizing)
	c.status.then(done, statusAvailable)
	c.config.set(done, next)
	return clusterResult{s.showCluster(c, r.now)}, nil
}
