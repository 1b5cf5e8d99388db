package sandbox

import "slices"

// attachVolume attaches a volume to an instance.
func (s *ec2State) attachVolume(r *request) (any, error) {
	id, to, device := r.params.need("VolumeId"), r.params.need("InstanceId"), r.params.need("Device")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	v, err := g.volume(id, r.now)
	if err != nil {
		return nil, err
	}
	in, err := g.instance(to, r.now)
	switch {
	case err != nil:
		return nil, err
	case !in.state.in(r.now, stateRunning, statusStopped):
		return nil, refuse("IncorrectState", "Instance '%s' is not 'running'.", to)
	case len(v.attached.get(r.now)) > 0:
		return nil, refuse("VolumeInUse", "%s is already attached to an instance", id)
	case v.shown(r.now) != statusAvailable:
		return nil, refuse("IncorrectState", "%s is not 'available'.", id)
	case in.zone != v.zone:
		return nil, refuse("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", id, to)
	}
	for _, other := range g.attachedTo(to, r.now) {
		if a, _ := other.on(to, r.now); a.device == device {
			return nil, invalidValue("Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
		}
	}
	a := attachment{instance: to, device: device, since: r.now}
	v.attached.set(r.now, []attachment{a})
	return showAttachment(v, a, "attaching"), nil
}

// detachVolume detaches a volume. The boot volume of an instance that runs stays.
func (s *ec2State) detachVolume(r *request) (any, error) {
	id, from, device := r.params.need("VolumeId"), r.params.str("InstanceId"), r.params.str("Device")
	r.params.ignore("Force")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	v, err := g.volume(id, r.now)
	if err != nil {
		return nil, err
	}
	all := v.attached.get(r.now)
	i := slices.IndexFunc(all, func(a attachment) bool {
		return (from == "" || a.instance == from) && (device == "" || a.device == device)
	})
	if i < 0 {
		return nil, refuse("IncorrectState", "Volume '%s' is in the '%s' state.", id, v.shown(r.now))
	}
	a := all[i]
	if in, err := g.instance(a.instance, r.now); err == nil && in.rootDevice == a.device && in.state.in(r.now, stateRunning) {
		return nil, refuse("OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", id, a.instance)
	}
	v.attached.set(r.now, slices.Delete(slices.Clone(all), i, i+1))
	return showAttachment(v, a, "detaching"), nil
}

// deleteVolume deletes a volume that is not attached. Its snapshots remain.
func (s *ec2State) deleteVolume(r *request) (any, error) {
	id := r.params.need("VolumeId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	v, err := g.volume(id, r.now)
	switch {
	case err != nil:
		return nil, err
	case len(v.attached.get(r.now)) > 0:
		return nil, refuse("VolumeInUse", "Volume %s is currently attached to %s", id, v.attached.get(r.now)[0].instance)
	case !v.state.in(r.now, statusAvailable, stateError):
		return nil, refuse("IncorrectState", "The volume '%s' is not 'available'", id)
	}
	v.state.set(r.now, statusDeleting)
	v.state.then(r.now.Add(s.aws.options.Durations.SnapshotDelete.of(v.size)), "")
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}
