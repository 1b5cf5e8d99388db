package sandbox

import "time"

// deleteDBInstance deletes a database, after a final snapshot unless that is
// skipped; its automated snapshots go with it unless they are to be kept.
//
// Amazon RDS API Reference, DeleteDBInstance. A database that is failed,
// incompatible-restore or incompatible-network can only be deleted without a
// final snapshot.
func (s *rdsState) deleteDBInstance(r *request) (any, error) {
	p := r.params
	skip, final, drop := p.isSet("SkipFinalSnapshot"), p.str("FinalDBSnapshotIdentifier"), p.flag("DeleteAutomatedBackups")
	d, err := s.namedInstance(r)
	if err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	if err := s.mayDelete(g, d, skip, final, r.now); err != nil {
		return nil, err
	}
	gone := r.now.Add(s.aws.options.Durations.Delete.Base)
	if final != "" {
		snap := s.take(g, d, final, "manual", r.now)
		tags := tagSet{}
		if d.config.get(r.now).copyTags {
			tags = withoutReserved(d.tags.get(r.now))
		}
		snap.tags.set(r.now, tags)
		gone = snap.ready.Add(s.aws.options.Durations.Delete.Base)
	}
	d.status.set(r.now, statusDeleting)
	d.status.then(gone, "")
	if drop == nil || *drop {
		dropAutomated(g, d, gone)
	}
	promoteReplicas(g, d.config.get(r.now).name, gone)
	return instanceResult{s.showInstance(d, r.now)}, nil
}

func (s *rdsState) mayDelete(g *rdsRegion, d *dbInstance, skip bool, final string, now time.Time) error {
	c := d.config.get(now)
	switch {
	case d.status.in(now, statusDeleting):
		return refuse("InvalidDBInstanceState", "Instance %s is already being deleted.", c.name)
	case d.status.in(now, statusCreating):
		// (Inferred: the console offers no deletion then.)
		return refuse("InvalidDBInstanceState", "Instance %s is currently creating - please try again later.", c.name)
	case c.cluster != "":
		return mayLeave(c, final)
	case c.protected:
		return invalidCombination("Cannot delete protected DB Instance, please disable deletion protection and try again.")
	case skip && final != "":
		return invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting an instance with SkipFinalSnapshot.")
	case c.replicaOf != "" && final != "":
		return invalidCombination("FinalDBSnapshotIdentifier can not be specified when deleting a replica instance.")
	case skip:
		return nil
	case final == "":
		return invalidCombination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
	case !d.status.in(now, statusAvailable, statusOptimizing):
		return refuse("InvalidDBInstanceState", "Cannot create a snapshot because the database instance %s is not currently in the available state.", c.name)
	}
	return firstError(checkName("FinalDBSnapshotIdentifier", final, maxSnapshotName), s.roomForSnapshot(g, final, now))
}

// promoteReplicas lets the read replicas of a database that is gone stand alone.
//
// Amazon RDS User Guide, "Deleting a DB instance": of one whose replicas in the Region
// are not deleted, "each read replica is promoted to a standalone DB instance".
func promoteReplicas(g *rdsRegion, source string, gone time.Time) {
	for _, replica := range g.replicas(source, gone) {
		amend(&replica.config, gone, func(c dbConfig) dbConfig {
			c.replicaOf = ""
			return c
		})
	}
}

// dropAutomated makes a database's automated snapshots go with it.
func dropAutomated(g *rdsRegion, d *dbInstance, gone time.Time) {
	for _, snap := range g.snapshots {
		if snap.kind == "automated" && snap.resource == d.resource && snap.status.last() != "" {
			snap.status.set(gone, "")
		}
	}
}
