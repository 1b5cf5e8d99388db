package sandbox

import (
	"slices"
	"time"
)

// volumeRequest is what is asked of a new volume.
type volumeRequest struct {
	kind, zone, key, snapshot string
	size, iops, throughput    int
	encrypted                 bool
	tags                      tagSet
}

// createVolume makes a volume.
func (s *ec2State) createVolume(r *request) (any, error) {
	p := r.params
	q := volumeRequest{
		kind: p.str("VolumeType"), zone: p.need("AvailabilityZone"), key: p.str("KmsKeyId"), snapshot: p.str("SnapshotId"),
		size: p.whole("Size"), iops: p.whole("Iops"), throughput: p.whole("Throughput"), encrypted: p.isSet("Encrypted"),
	}
	specs, err := s.readTagSpecs(r, "volume")
	p.ignore("ClientToken")
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	q.tags = specs["volume"]
	v, err := s.addVolume(s.region(r.place()), q, r.now)
	if err != nil {
		return nil, err
	}
	return showVolume(v, r.now), nil
}

// addVolume makes a volume, which is ready after a while.
//
// Amazon EC2 API Reference, CreateVolume: size or snapshot, at least the size of
// the snapshot; gp2 is the default type; a volume of an encrypted snapshot is
// encrypted; with the key aws/ebs if none is given.
func (s *ec2State) addVolume(g *ec2Region, q volumeRequest, now time.Time) (*ec2Volume, error) {
	from, err := s.volumeSource(g, &q, now)
	if err != nil {
		return nil, err
	}
	q.kind = or(q.kind, "gp2")
	if err := checkVolume(g, &q); err != nil {
		return nil, err
	}
	v := &ec2Volume{
		place: g.place, id: s.newID("vol", g.place), kind: q.kind, zone: q.zone, snapshot: q.snapshot,
		size: q.size, iops: q.iops, throughput: q.throughput, created: now,
	}
	if v.key, err = s.volumeKey(g.place, q, from); err != nil {
		return nil, err
	}
	v.state.set(now, statusCreating)
	v.state.then(now.Add(time.Second), statusAvailable)
	v.tags.set(now, q.tags)
	g.volumes = append(g.volumes, v)
	return v, nil
}

func (s *ec2State) volumeSource(g *ec2Region, q *volumeRequest, now time.Time) (*ec2Snapshot, error) {
	if q.snapshot == "" {
		return nil, nil //nolint:nilnil // None was asked for.
	}
	from, err := s.visibleSnapshot(g.place, q.snapshot, now)
	if err != nil {
		return nil, err
	}
	if !from.state.in(now, stateCompleted) {
		return nil, refuse("IncorrectState", "Snapshot is in invalid state - %s", from.state.get(now))
	}
	if q.size == 0 {
		q.size = from.size
	}
	if q.size < from.size {
		return nil, invalidValue("The size of a volume must be at least the size of the snapshot, %d GiB", from.size)
	}
	return from, nil
}

// checkVolume fills in what a type has by default (Amazon EBS User Guide, "Amazon
// EBS volume types").
func checkVolume(g *ec2Region, q *volumeRequest) error {
	switch {
	case !slices.Contains([]string{"gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"}, q.kind):
		return invalidValue("Value (%s) for parameter volumeType is invalid.", q.kind)
	case len(q.zone) != len(g.region)+1 || q.zone[:len(g.region)] != g.region:
		return refuse("InvalidZone.NotFound", "The zone '%s' does not exist.", q.zone)
	case q.size == 0:
		return refuse("MissingParameter", "The request must contain the parameter size or snapshotId")
	case (q.kind == "st1" || q.kind == "sc1") && q.size < 125:
		return invalidValue("Volume of %dGiB is too small for volume type %s; minimum is 125GiB.", q.size, q.kind)
	case (q.kind == "io1" || q.kind == "io2") && q.iops == 0:
		return refuse("MissingParameter", "The request must contain the parameter iops")
	case q.kind != "gp3" && q.throughput != 0:
		return invalidCombination("The parameter Throughput is not supported for %s volumes.", q.kind)
	}
	switch q.kind {
	case "gp2":
		q.iops = min(max(100, 3*q.size), 16000)
	case "gp3":
		q.iops, q.throughput = max(q.iops, 3000), max(q.throughput, 125)
	}
	return nil
}

func (s *ec2State) volumeKey(p place, q volumeRequest, from *ec2Snapshot) (string, error) {
	switch {
	case q.key == "" && from != nil && from.key != "" && from.account == p.account:
		return from.key, nil
	case q.key == "" && !q.encrypted && (from == nil || from.key == ""):
		return "", nil
	}
	key, ok := s.aws.keys.resolve(p, or(q.key, ebsAlias))
	if !ok {
		return "", refuse("InvalidKmsKey.InvalidState", "The KMS key %s does not exist or may not be used", q.key)
	}
	return key, nil
}

// ebsAlias is the key that AWS manages for EBS.
const ebsAlias = "alias/aws/ebs"
