package sandbox

// deleteDBClusterSnapshot deletes a manual snapshot of a cluster.
//
// Amazon RDS API Reference, DeleteDBClusterSnapshot: it "must be in the available
// state to be deleted"; failed ones can be deleted too. CopyDBClusterSnapshot: a copy
// in progress is cancelled by deleting it. "If the snapshot is being copied, the
// copy operation is terminated."
func (s *rdsState) deleteDBClusterSnapshot(r *request) (any, error) {
	name := r.params.need("DBClusterSnapshotIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	snap, ok := g.dbClusterSnapshot(name, r.now)
	const code = "InvalidDBClusterSnapshotStateFault"
	switch {
	case !ok:
		return nil, dbClusterSnapshotNotFound(name)
	case snap.kind == "awsbackup":
		return nil, refuse(code, "Snapshot %s was created by AWS Backup. Use AWS Backup to delete it.", snap.name)
	case !snap.manual():
		return nil, refuse(code, "Snapshot %s is an automated snapshot and cannot be deleted: only manual snapshots may be deleted.", snap.name)
	case !snap.status.in(r.now, statusAvailable, statusFailed, statusCopying):
		return nil, refuse(code, "Cannot delete the snapshot because it is not currently in the available or failed state.")
	}
	snap.status.set(r.now, statusDeleting)
	snap.status.then(r.now.Add(s.aws.options.Durations.SnapshotDelete.of(snap.of.size)), "")
	for _, other := range s.regions {
		for _, c := range other.dbClusterSnapshots {
			if c.source == &snap.dbSnapshot && c.status.in(r.now, statusCopying) {
				c.status.set(r.now, statusFailed)
			}
		}
	}
	out := showDBClusterSnapshot(snap, r.now)
	out.Status = "deleted" // So it says at once, though it is listed for a while.
	return dbClusterSnapshotResult{out}, nil
}
