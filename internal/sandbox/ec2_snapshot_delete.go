package sandbox

import "strings"

// deleteSnapshot deletes a snapshot.
//
// Amazon EBS User Guide, "Delete an Amazon EBS snapshot": "You can't delete a
// snapshot of the root device of an EBS volume used by a registered AMI", and
// "Although you can delete a snapshot that is still in progress, the snapshot must
// complete before the deletion takes effect."
func (s *ec2State) deleteSnapshot(r *request) (any, error) {
	id := r.params.need("SnapshotId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	x, err := g.snapshot(id, r.now)
	switch {
	case err != nil:
		return nil, err
	case len(x.images.get(r.now)) > 0:
		return nil, refuse("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", id, strings.Join(x.images.get(r.now), ", "))
	}
	when := r.now
	if x.state.in(r.now, statePending) {
		when = x.ready
	}
	x.state.set(when, "")
	s.endCopies(x, r.now)
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}
