package sandbox

import (
	"slices"
	"time"
	"unicode/utf8"
)

// maxDescription is how long a description may be (Amazon EC2 API Reference,
// CreateSnapshot; inferred from the limit of other descriptions of EC2).
const maxDescription = 255

// createSnapshot takes a snapshot of one volume.
func (s *ec2State) createSnapshot(r *request) (any, error) {
	id, text := r.params.need("VolumeId"), r.params.str("Description")
	specs, err := s.readTagSpecs(r, "snapshot")
	if err := firstError(r.params.check(), err, checkDescription(text)); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	v, err := g.volume(id, r.now)
	if err != nil {
		return nil, err
	}
	if err := firstError(s.roomForSnapshots(g, 1, r.now), s.mayTake(g, v, r.now)); err != nil {
		return nil, err
	}
	return showEC2Snapshot(s.take(g, v, text, specs["snapshot"], r.now), r.now), nil
}

// createSnapshots takes a snapshot of each volume of an instance, all at one
// moment: of all or none.
//
// Amazon EC2 API Reference, CreateSnapshots and InstanceSpecification: "If you
// specify the ID of the root volume, the request fails. To exclude the root
// volume, use ExcludeBootVolume"; up to 40 volumes can be excluded so. That an
// excluded volume must be attached, and which codes these refusals have, is
// inferred.
func (s *ec2State) createSnapshots(r *request) (any, error) {
	p := r.params
	const spec = "InstanceSpecification."
	id, text, copyTags := p.need(spec+"InstanceId"), p.str("Description"), p.str("CopyTagsFromSource")
	noBoot, without := p.isSet(spec+"ExcludeBootVolume"), p.texts(spec+"ExcludeDataVolumeId")
	specs, err := s.readTagSpecs(r, "snapshot")
	if err := firstError(p.check(), err, checkDescription(text)); err != nil {
		return nil, err
	}
	if copyTags != "" && copyTags != "volume" {
		return nil, invalidValue("Value (%s) for parameter CopyTagsFromSource is invalid.", copyTags)
	}
	g := s.region(r.place())
	volumes, err := g.chosen(id, noBoot, without, r.now)
	if err != nil {
		return nil, err
	}
	var out snapshotInfosXML
	tags := make([]tagSet, len(volumes))
	for i, v := range volumes {
		if tags[i] = specs["snapshot"]; copyTags != "" {
			tags[i] = v.tags.get(r.now).with(specs["snapshot"])
		}
		if err := firstError(checkEC2TagCount(tags[i]), s.mayTake(g, v, r.now)); err != nil {
			return nil, err
		}
	}
	if err := s.roomForSnapshots(g, len(volumes), r.now); err != nil {
		return nil, err
	}
	for i, v := range volumes {
		out.Snapshots.Item = append(out.Snapshots.Item, showSnapshotInfo(s.take(g, v, text, tags[i], r.now), r.now))
	}
	return out, nil
}

// chosen gives the volumes of an instance that are not excluded.
func (g *ec2Region) chosen(id string, noBoot bool, without []string, now time.Time) ([]*ec2Volume, error) {
	in, err := g.instance(id, now)
	switch {
	case err != nil:
		return nil, err
	case in.state.in(now, stateTerminated, stateShuttingDown):
		return nil, refuse("IncorrectInstanceState", "The instance '%s' is %s.", id, in.state.get(now))
	case len(without) > 40:
		return nil, invalidValue("You can specify up to 40 volume IDs per request.")
	}
	var out []*ec2Volume
	for _, v := range g.attachedTo(id, now) {
		a, _ := v.on(id, now)
		boot, i := a.device == in.rootDevice, slices.Index(without, v.id)
		switch {
		case boot && i >= 0:
			return nil, invalidCombination("The root volume %s cannot be excluded as a data volume. Use ExcludeBootVolume.", v.id)
		case i >= 0:
			without = slices.Delete(slices.Clone(without), i, i+1)
		case !boot || !noBoot:
			out = append(out, v)
		}
	}
	switch {
	case len(without) > 0:
		return nil, invalidValue("The volume %s is not attached to the instance %s.", without[0], id)
	case len(out) == 0:
		return nil, invalidCombination("All volumes of the instance %s are excluded.", id)
	}
	return out, nil
}

// roomForSnapshots limits how many there are in a Region.
func (s *ec2State) roomForSnapshots(g *ec2Region, more int, now time.Time) error {
	n := 0
	for _, x := range g.snapshots {
		if x.state.exists(now) {
			n++
		}
	}
	if n+more > s.aws.quota(g.place, QuotaEBSSnapshots) {
		return refuse("SnapshotLimitExceeded", "Maximum allowed snapshots limit exceeded.")
	}
	return nil
}

// mayTake says why no snapshot of a volume can be taken now.
//
// Amazon EBS User Guide, "Quotas for Amazon EBS": 5 pending snapshots per volume,
// 1 for st1 and sc1.
func (s *ec2State) mayTake(g *ec2Region, v *ec2Volume, now time.Time) error {
	if st := v.shown(now); st != statusAvailable && st != stateInUse {
		return refuse("IncorrectState", "The volume '%s' is '%s'", v.id, st)
	}
	limit, n := 5, 0
	if v.kind == "st1" || v.kind == "sc1" {
		limit = 1
	}
	for _, x := range g.snapshots {
		if x.volume == v.id && x.state.in(now, statePending) {
			n++
		}
	}
	if n >= limit {
		return refuse("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.")
	}
	return nil
}

// take begins a snapshot.
func (s *ec2State) take(g *ec2Region, v *ec2Volume, text string, tags tagSet, now time.Time) *ec2Snapshot {
	lasts := s.aws.options.Durations.Snapshot.of(v.size)
	if slices.ContainsFunc(g.snapshots, func(x *ec2Snapshot) bool { return x.volume == v.id && x.state.in(now, stateCompleted) }) {
		lasts = s.aws.options.Durations.Increment.of(v.size)
	}
	x := &ec2Snapshot{
		place: g.place, id: s.newID("snap", g.place), volume: v.id, description: text, key: v.key, size: v.size,
		started: now, ready: now.Add(lasts),
	}
	outcome := stateCompleted
	if v.failNext > 0 {
		v.failNext--
		outcome, x.message = stateError, "An internal error occurred."
	}
	x.state.set(now, statePending)
	x.state.then(x.ready, outcome)
	x.tags.set(now, tags)
	g.snapshots = append(g.snapshots, x)
	return x
}

func checkDescription(text string) error {
	if utf8.RuneCountInString(text) > maxDescription {
		return invalidValue("The description exceeds the maximum length of %d characters", maxDescription)
	}
	return nil
}
