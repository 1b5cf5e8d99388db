package sandbox

// deleteDBSnapshot deletes a manual snapshot.
//
// Amazon RDS API Reference, DeleteDBSnapshot: "The DB snapshot must be in the
// available state to be deleted"; failed ones can be deleted too. "If the snapshot
// is being copied, the copy operation is terminated." Amazon RDS User Guide,
// "Deleting a DB snapshot": automated ones cannot be deleted so, nor those that
// AWS Backup manages.
func (s *rdsState) deleteDBSnapshot(r *request) (any, error) {
	name := r.params.need("DBSnapshotIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	snap, ok := g.snapshot(name, r.now)
	switch {
	case !ok:
		return nil, snapshotNotFound(name)
	case snap.kind == "awsbackup":
		return nil, refuse("InvalidDBSnapshotState", "Snapshot %s was created by AWS Backup. Use AWS Backup to delete it.", snap.name)
	case !snap.manual():
		return nil, refuse("InvalidDBSnapshotState", "Snapshot %s is an automated snapshot and cannot be deleted: only manual snapshots may be deleted.", snap.name)
	case !snap.status.in(r.now, statusAvailable, statusFailed):
		return nil, refuse("InvalidDBSnapshotState", "Cannot delete the snapshot because it is not currently in the available or failed state.")
	}
	snap.status.set(r.now, statusDeleting)
	snap.status.then(r.now.Add(s.aws.options.Durations.SnapshotDelete.of(snap.of.size)), "")
	s.endCopies(snap, r)
	out := showSnapshot(snap, r.now)
	out.Status = "deleted" // So it says at once, though it is listed for a while.
	return snapshotResult{out}, nil
}

// endCopies makes the copies of a snapshot fail that are not done.
func (s *rdsState) endCopies(source *dbSnapshot, r *request) {
	for _, g := range s.regions {
		for _, c := range g.snapshots {
			if c.source == source && c.status.in(r.now, statusCreating) {
				c.status.set(r.now, statusFailed)
			}
		}
	}
}
