package sandbox

// deleteCluster deletes a cluster and its automated snapshots; manual ones stay.
//
// Amazon Redshift API Reference, DeleteCluster: unless SkipFinalClusterSnapshot
// says otherwise a final snapshot is taken, FinalClusterSnapshotIdentifier must be
// given, and the status is final-snapshot meanwhile; with it the identifier must
// not be given.
func (s *redshiftState) deleteCluster(r *request) (any, error) {
	p := r.params
	final, skip := p.str("FinalClusterSnapshotIdentifier"), p.isSet("SkipFinalClusterSnapshot")
	days, err := readRetention(p, "FinalClusterSnapshotRetentionPeriod")
	g, c, findErr := s.namedCluster(r)
	if err := firstError(findErr, err); err != nil {
		return nil, err
	}
	switch {
	case skip && final != "":
		return nil, invalidCombination("FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true.")
	case !skip && final == "":
		return nil, invalidCombination("FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is true.")
	case skip && c.status.in(r.now, "incompatible-restore", "incompatible-network", "incompatible-parameters", "hardware-failure"):
		// There is nothing that works which a snapshot could be taken of. (Inferred.)
	case !c.status.in(r.now, statusAvailable, statusPaused) || g.inProgress(c, r.now):
		return nil, invalidClusterState("There is an operation running on the Cluster. Please try to delete it at a later time.")
	}
	begins := r.now
	if !skip {
		if err := firstError(checkClusterSnapshotName("FinalClusterSnapshotIdentifier", final), s.roomForClusterSnapshot(g, final, r.now)); err != nil {
			return nil, err
		}
		snap := s.takeManual(g, c, final, days, tagSet{}, r.now)
		begins = snap.ready
		c.status.set(r.now, statusFinalSnapshot)
	}
	gone := begins.Add(s.aws.options.Durations.Delete.Base)
	c.status.set(begins, statusDeleting)
	c.status.then(gone, "")
	for _, snap := range g.automated(c, r.now) {
		if end := snap.status.timeline[len(snap.status.timeline)-1]; end.value != "" || end.at.After(gone) {
			snap.status.set(gone, "")
		}
	}
	return clusterResult{s.showCluster(c, r.now)}, nil
}
