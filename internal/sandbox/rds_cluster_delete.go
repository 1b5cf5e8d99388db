package sandbox

import "time"

// deleteDBCluster deletes a cluster, after a final snapshot unless that is skipped;
// its automated snapshots go with it unless they are to be kept, manual ones stay.
//
// Amazon RDS API Reference, DeleteDBCluster. An Aurora cluster's instances must be
// deleted before it (Amazon Aurora User Guide, "Deleting Aurora DB clusters and DB
// instances"); those of a Multi-AZ DB cluster go with it. The same chapter: a
// stopped cluster is to be started before it is deleted.
func (s *rdsState) deleteDBCluster(r *request) (any, error) {
	p := r.params
	skip, final, drop := p.isSet("SkipFinalSnapshot"), p.str("FinalDBSnapshotIdentifier"), p.flag("DeleteAutomatedBackups")
	cl, err := s.namedDBCluster(r, r.now)
	if err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	if err := s.mayDeleteCluster(g, cl, skip, final, r.now); err != nil {
		return nil, err
	}
	c := cl.config.get(r.now)
	gone := r.now.Add(s.aws.options.Durations.Delete.Base)
	if final != "" {
		snap := s.takeCluster(g, cl, final, r.now)
		tags := tagSet{}
		if c.copyTags {
			tags = withoutReserved(cl.tags.get(r.now))
		}
		snap.tags.set(r.now, tags)
		gone = snap.ready.Add(s.aws.options.Durations.Delete.Base)
	}
	for _, d := range g.members(c.name, r.now) {
		d.status.set(r.now, statusDeleting)
		d.status.then(gone, "")
	}
	cl.status.set(r.now, statusDeleting)
	cl.status.then(gone, "")
	if drop == nil || *drop {
		dropAutomatedOf(g, cl, gone)
	}
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

func (s *rdsState) mayDeleteCluster(g *rdsRegion, cl *dbCluster, skip bool, final string, now time.Time) error {
	c := cl.config.get(now)
	switch {
	case cl.status.in(now, statusDeleting):
		return dbClusterState("Cluster %s is already being deleted.", c.name)
	case cl.status.in(now, statusCreating):
		return dbClusterState("DB cluster %s is currently creating.", c.name) // Inferred, as for instances.
	case c.protected:
		return invalidCombination("Cannot delete protected Cluster, please disable deletion protection and try again.")
	case c.aurora() && s.hasMembers(g, c.name, now):
		return dbClusterState("Cluster cannot be deleted, it still contains DB instances in non-deleting state.")
	case cl.status.in(now, statusStopped, statusStopping):
		return dbClusterState("Cluster %s is stopped. Start it before you delete it.", c.name)
	case skip && final != "":
		return invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a cluster with SkipFinalSnapshot.")
	case skip:
		return nil
	case final == "":
		return invalidCombination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	case !cl.status.in(now, statusAvailable):
		return dbClusterState(notAvailable, c.name)
	}
	return firstError(
		checkName("FinalDBSnapshotIdentifier", final, maxSnapshotName),
		s.roomForClusterSnapshot(g, final, now),
	)
}

func (s *rdsState) hasMembers(g *rdsRegion, cluster string, now time.Time) bool {
	for _, d := range g.members(cluster, now) {
		if !d.status.in(now, statusDeleting) {
			return true
		}
	}
	return false
}

// dropAutomatedOf makes a cluster's automated snapshots go with it.
func dropAutomatedOf(g *rdsRegion, cl *dbCluster, gone time.Time) {
	for _, snap := range g.dbClusterSnapshots {
		if snap.kind == "automated" && snap.resource == cl.resource && snap.status.last() != "" {
			snap.status.set(gone, "")
		}
	}
}
