package sandbox

import (
	"regexp"
	"slices"
	"time"
)

// ebsDevice is how devices are called (Amazon EC2 User Guide, "Device names for volumes
// on Amazon EC2 instances").
var ebsDevice = regexp.MustCompile(`^(/dev/)?(sd|hd|xvd)[a-z]{1,2}\d{0,2}$`)

// attachVolume attaches a volume to an instance. One whose key cannot be used comes off
// again by itself.
//
// Amazon EBS User Guide, "How unusable KMS keys affect data keys" and "Amazon
// EventBridge events for Amazon EBS" (attachVolume, failed).
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
	if err := g.mayAttach(v, to, device, r.now); err != nil {
		return nil, err
	}
	a := attachment{instance: to, device: device, since: r.now, ready: r.now.Add(s.aws.options.Durations.EBS.Attach.Base)}
	v.attached.set(r.now, []attachment{a})
	if !s.decrypts(v, r.who, r.now) {
		v.attached.set(a.ready, nil)
	}
	return showAttachment(v, a, a.state(r.now)), nil
}

func (g *ec2Region) mayAttach(v *ec2Volume, to, device string, now time.Time) error {
	in, err := g.instance(to, now)
	switch {
	case err != nil:
		return err
	case !ebsDevice.MatchString(device):
		return invalidValue("Value (%s) for parameter device is invalid. %s is not a valid EBS device name.", device, device)
	case !in.state.in(now, stateRunning, statusStopped):
		return refuse("IncorrectState", "Instance '%s' is not 'running'.", to)
	case len(v.attached.get(now)) > 0:
		return refuse("VolumeInUse", "%s is already attached to an instance", v.id)
	case v.shown(now) != statusAvailable:
		return refuse("IncorrectState", "%s is not 'available'.", v.id)
	case in.zone != v.zone:
		return refuse("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", v.id, to)
	case device == in.rootDevice && (v.kind == "st1" || v.kind == "sc1"):
		return invalidCombination("Volumes of the type %s can't be used as boot volumes.", v.kind)
	}
	if _, taken := g.deviceOf(in, device, now); taken {
		return invalidValue("Invalid value '%s' for unixDevice. Attachment point %s is already in use", device, device)
	}
	return nil
}

// deviceOf finds the volume that is attached to an instance as a device.
func (g *ec2Region) deviceOf(in *ec2Instance, device string, when time.Time) (*ec2Volume, bool) {
	for _, v := range g.attachedTo(in.id, when) {
		if a, _ := v.on(in.id, when); a.device == device {
			return v, true
		}
	}
	return nil, false
}

// decrypts reports whether EC2 gets the data key of a volume for the caller.
func (s *ec2State) decrypts(v *ec2Volume, who identity, now time.Time) bool {
	if v.key == "" {
		return true
	}
	_, err := s.aws.keys.use(keyUse{who, "ec2"}, v.region, v.key, now, "CreateGrant", "Decrypt")
	return err == nil
}

// detachVolume detaches a volume. The boot volume of an instance that is not stopped
// stays.
//
// Amazon EC2 API Reference, DetachVolume: "You can't detach or force detach the root
// volume of a running instance. Stop the instance first."
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
	switch {
	case len(all) > 0 && i < 0:
		return nil, refuse("InvalidAttachment.NotFound", "The volume '%s' is not attached to instance '%s' as device '%s'.", id, from, device)
	case i < 0:
		return nil, refuse("IncorrectState", "Volume '%s' is in the '%s' state.", id, v.shown(r.now))
	}
	a := all[i]
	if st := a.state(r.now); st != stateAttached {
		return nil, refuse("IncorrectState", "The attachment of volume '%s' to '%s' is in the '%s' state.", id, a.instance, st)
	}
	if in, err := g.instance(a.instance, r.now); err == nil && in.rootDevice == a.device && !in.state.in(r.now, statusStopped, stateTerminated) {
		return nil, refuse("OperationNotPermitted", "Unable to detach root volume '%s' from instance '%s'", id, a.instance)
	}
	s.detach(v, i, r.now)
	return showAttachment(v, a, stateDetaching), nil
}

// detach lets a volume go, which takes a while.
func (s *ec2State) detach(v *ec2Volume, i int, now time.Time) {
	all := slices.Clone(v.attached.get(now))
	all[i].leaving = true
	v.attached.set(now, all)
	v.attached.set(now.Add(s.aws.options.Durations.EBS.Detach.Base), slices.Delete(slices.Clone(all), i, i+1))
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
