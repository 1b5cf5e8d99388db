package sandbox

// deleteClusterSnapshot deletes a manual snapshot.
//
// Amazon Redshift API Reference, DeleteClusterSnapshot: "Deletes the specified
// manual snapshot. The snapshot must be in the available state, with no other
// users authorized to access the snapshot." Failed and cancelled ones can be
// deleted too. The answer says "deleted", and DescribeClusterSnapshots shows it no
// more.
func (s *redshiftState) deleteClusterSnapshot(r *request) (any, error) {
	name, of := r.params.need("SnapshotIdentifier"), r.params.str("SnapshotClusterIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	snap, err := s.dropClusterSnapshot(r, name, of)
	if err != nil {
		return nil, err
	}
	out := showClusterSnapshot(snap, r.now)
	out.Status = "deleted"
	return clusterSnapshotResult{out}, nil
}

func (s *redshiftState) dropClusterSnapshot(r *request, name, of string) (*clusterSnapshot, error) {
	snap, ok := s.region(r.place(), r.now).snapshot(name, r.now)
	switch {
	case !ok || of != "" && of != snap.of.name:
		return nil, clusterSnapshotNotFound(name)
	case !snap.manual():
		return nil, invalidClusterSnapshotState("The snapshot %s is automated and cannot be deleted.", snap.name)
	case !snap.status.in(r.now, statusAvailable, statusFailed):
		return nil, invalidClusterSnapshotState("Cannot delete the snapshot %s because it is not currently in the available state.", snap.name)
	case len(snap.shared.get(r.now)) > 0:
		return nil, invalidClusterSnapshotState("Cannot delete the snapshot %s because other accounts still have access to it.", snap.name)
	}
	snap.status.set(r.now, "")
	s.abandon(snap, r.now)
	return snap, nil
}

// maxBatch is how many snapshots one BatchDeleteClusterSnapshots takes (Amazon
// Redshift API Reference, BatchDeleteRequestSizeExceeded: "The limit is 100").
const maxBatch = 100

// batchDeleteClusterSnapshots deletes what it can and tells what it could not.
func (s *redshiftState) batchDeleteClusterSnapshots(r *request) (any, error) {
	type one struct{ name, of string }
	var all []one
	for _, prefix := range r.params.members("Identifiers", "DeleteClusterSnapshotMessage") {
		all = append(all, one{r.params.str(prefix + ".SnapshotIdentifier"), r.params.str(prefix + ".SnapshotClusterIdentifier")})
	}
	if err := r.params.check(); err != nil {
		return nil, err
	}
	if len(all) > maxBatch {
		return nil, refuse("BatchDeleteRequestSizeExceeded", "The maximum number for a batch delete of snapshots has been reached. The limit is %d.", maxBatch)
	}
	var out batchDeleteResult
	for _, x := range all {
		if _, err := s.dropClusterSnapshot(r, x.name, x.of); err != nil {
			out.Errors.SnapshotErrorMessage = append(out.Errors.SnapshotErrorMessage, snapshotErrorXML{x.name, x.of, codeOf(err), plain(err).Error()})
			continue
		}
		out.Resources.String = append(out.Resources.String, x.name)
	}
	return out, nil
}

// modifyClusterSnapshot changes how long a manual snapshot is kept.
//
// Amazon Redshift API Reference, ModifyClusterSnapshot: "If the manual snapshot
// falls outside of the new retention period, you can specify the force option to
// immediately delete the snapshot."
func (s *redshiftState) modifyClusterSnapshot(r *request) (any, error) {
	p := r.params
	name, force, given := p.need("SnapshotIdentifier"), p.isSet("Force"), p.has("ManualSnapshotRetentionPeriod")
	days, err := readRetention(p, "ManualSnapshotRetentionPeriod")
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	snap, ok := s.region(r.place(), r.now).snapshot(name, r.now)
	switch {
	case !ok:
		return nil, clusterSnapshotNotFound(name)
	case !snap.manual():
		return nil, invalidClusterSnapshotState("The snapshot %s is not a manual snapshot.", snap.name)
	case !given:
		return clusterSnapshotResult{showClusterSnapshot(snap, r.now)}, nil
	case days >= 0 && !force && snap.started.AddDate(0, 0, days).Before(r.now):
		return nil, refuse("InvalidRetentionPeriodFault", "The retention period specified is in the past.")
	}
	out := showClusterSnapshot(snap, r.now)
	snap.keep(days, r.now)
	out.ManualSnapshotRetentionPeriod = days
	return clusterSnapshotResult{out}, nil
}
