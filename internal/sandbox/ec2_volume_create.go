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

// createVolume makes a volume. With a client token that was used before it gives the
// one that there is.
func (s *ec2State) createVolume(r *request) (any, error) {
	p := r.params
	q := volumeRequest{
		kind: p.str("VolumeType"), zone: p.need("AvailabilityZone"), key: p.str("KmsKeyId"), snapshot: p.str("SnapshotId"),
		size: p.whole("Size"), iops: p.whole("Iops"), throughput: p.whole("Throughput"), encrypted: p.isSet("Encrypted"),
	}
	specs, err := s.readTagSpecs(r, "volume")
	made, tokenErr := s.token(r)
	if p.isSet("MultiAttachEnabled") {
		p.fail(notSimulated("volumes with Multi-Attach"))
	}
	if err := firstError(p.check(), err, tokenErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if made != "" {
		v, err := g.volume(made, r.now)
		if err != nil {
			return nil, err
		}
		return showVolume(v, r.now), nil
	}
	if q.key != "" && !q.encrypted {
		return nil, refuse("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	q.tags = specs["volume"]
	v, err := s.newVolume(g, q, r)
	if err != nil {
		return nil, err
	}
	s.keepToken(r, v.id)
	return showVolume(v, r.now), nil
}

// newVolume begins a volume that a caller asks for. Where its key cannot be used it is
// gone again before it is available, and no one is told why.
//
// Amazon EC2 API Reference, CreateVolume, KmsKeyId: "the action can appear to complete,
// but eventually fails". That such a volume just goes is what the storage drivers of
// Kubernetes tell of.
func (s *ec2State) newVolume(g *ec2Region, q volumeRequest, r *request) (*ec2Volume, error) {
	from, err := s.volumeSource(g, &q, r.now)
	if err != nil {
		return nil, err
	}
	q.kind = or(q.kind, "gp2")
	if err := firstError(checkVolume(g, &q), s.roomForVolume(g, q, r.now)); err != nil {
		return nil, err
	}
	v := s.putVolume(g, q, from, r.now)
	name := keyOfVolume(g.place, q, from)
	if name == "" {
		return v, nil
	}
	u := keyUse{r.who, "ec2"}
	key, err := s.aws.keys.use(u, g.region, name, r.now, "DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext")
	if err == nil && from != nil && from.key != "" && from.key != key {
		_, err = s.aws.keys.use(u, g.region, from.key, r.now, "DescribeKey", "Decrypt", "ReEncryptFrom")
	}
	if v.key = key; err != nil {
		v.key = name
		v.state.set(r.now.Add(s.aws.options.Durations.EBS.Volume.Base), "")
	}
	return v, nil
}

// addVolume makes a volume whose key is there, which is ready after a while.
func (s *ec2State) addVolume(g *ec2Region, q volumeRequest, now time.Time) (*ec2Volume, error) {
	from, err := s.volumeSource(g, &q, now)
	if err != nil {
		return nil, err
	}
	q.kind = or(q.kind, "gp2")
	if err := checkVolume(g, &q); err != nil {
		return nil, err
	}
	key := keyOfVolume(g.place, q, from)
	if key != "" {
		got, ok := s.aws.keys.resolve(g.place, key)
		if !ok {
			return nil, refuse("InvalidKmsKey.InvalidState", "The KMS key %s does not exist or may not be used", key)
		}
		key = got
	}
	v := s.putVolume(g, q, from, now)
	v.key = key
	return v, nil
}

// putVolume puts a volume in that has been checked.
func (s *ec2State) putVolume(g *ec2Region, q volumeRequest, from *ec2Snapshot, now time.Time) *ec2Volume {
	v := &ec2Volume{
		place: g.place, id: s.newID("vol", g.place), kind: q.kind, zone: q.zone, snapshot: q.snapshot,
		size: q.size, iops: q.iops, throughput: q.throughput, created: now,
	}
	lasts := s.aws.options.Durations.EBS.Volume
	if from != nil {
		v.data, lasts = from.data(), s.aws.options.Durations.EBS.FromSnapshot
	}
	v.state.set(now, statusCreating)
	v.state.then(now.Add(lasts.of(q.size)), statusAvailable)
	v.tags.set(now, q.tags)
	g.volumes = append(g.volumes, v)
	return v
}

// volumeSource finds the snapshot of which a volume is to be made.
//
// Amazon EC2 API Reference, CreateVolume: size or snapshot, at least the size of the
// snapshot. The snapshot must be completed (Amazon EBS User Guide, "Create an Amazon
// EBS volume").
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

// volumeRange is what a type of volume can have: GiB, IOPS and MiB/s. No IOPS mean
// that they cannot be asked for.
type volumeRange struct{ size, iops, throughput [2]int }

// volumeKinds gives the ranges of the types (Amazon EC2 API Reference, CreateVolume).
func volumeKinds() map[string]volumeRange {
	return map[string]volumeRange{
		"gp2":      {size: [2]int{1, 16384}},
		"gp3":      {size: [2]int{1, 65536}, iops: [2]int{3000, 80000}, throughput: [2]int{125, 2000}},
		"io1":      {size: [2]int{4, 16384}, iops: [2]int{100, 64000}},
		"io2":      {size: [2]int{4, 65536}, iops: [2]int{100, 256000}},
		"st1":      {size: [2]int{125, 16384}},
		"sc1":      {size: [2]int{125, 16384}},
		"standard": {size: [2]int{1, 1024}},
	}
}

// checkVolume fills in what a type has by default, and says what it cannot have.
func checkVolume(g *ec2Region, q *volumeRequest) error {
	can, known := volumeKinds()[q.kind]
	switch {
	case !known:
		return invalidValue("Value (%s) for parameter volumeType is invalid.", q.kind)
	case len(q.zone) != len(g.region)+1 || q.zone[:len(g.region)] != g.region:
		return refuse("InvalidZone.NotFound", "The zone '%s' does not exist.", q.zone)
	case q.size == 0:
		return refuse("MissingParameter", "The request must contain the parameter size or snapshotId")
	case q.size < can.size[0]:
		return invalidValue("Volume of %dGiB is too small for volume type %s; minimum is %dGiB.", q.size, q.kind, can.size[0])
	case q.size > can.size[1]:
		return invalidValue("Volume of %dGiB is too large for volume type %s; maximum is %dGiB.", q.size, q.kind, can.size[1])
	case (q.kind == "io1" || q.kind == "io2") && q.iops == 0:
		return refuse("MissingParameter", "The request must contain the parameter iops")
	case can.throughput[1] == 0 && q.throughput != 0:
		return invalidCombination("The parameter Throughput is not supported for %s volumes.", q.kind)
	case can.iops[1] == 0 && q.iops != 0:
		return invalidCombination("The parameter iops is not supported for %s volumes.", q.kind)
	}
	switch q.kind {
	case "gp2":
		q.iops = min(max(100, 3*q.size), 16000)
	case "gp3":
		q.iops, q.throughput = orNumber(q.iops, 3000), orNumber(q.throughput, 125)
	}
	return checkRates(*q, can)
}

func orNumber(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// checkRates says whether IOPS and throughput are within their ranges and in the right
// proportion.
//
// Amazon EBS User Guide, "Amazon EBS volume types": at most 500 IOPS per GiB for gp3, 50
// for io1 and 1,000 for io2; for gp3 0.25 MiB/s per IOPS.
func checkRates(q volumeRequest, can volumeRange) error {
	ratio := map[string]int{"gp3": 500, "io1": 50, "io2": 1000}[q.kind]
	switch {
	case ratio == 0:
		return nil
	case q.iops < can.iops[0]:
		return invalidValue("Volume iops of %d is too low; minimum is %d.", q.iops, can.iops[0])
	case q.iops > can.iops[1]:
		return invalidValue("Volume iops of %d is too high; maximum is %d.", q.iops, can.iops[1])
	case q.iops > can.iops[0] && q.iops > ratio*q.size:
		return invalidValue("Iops to volume size ratio of %d is too high; maximum is %d", q.iops/q.size, ratio)
	case q.throughput != 0 && (q.throughput < can.throughput[0] || q.throughput > can.throughput[1]):
		return invalidValue("Throughput (MiBps) of %d is out of range; it must be %d to %d.", q.throughput, can.throughput[0], can.throughput[1])
	case q.throughput*4 > q.iops:
		return invalidValue("Throughput (MiBps) to iops ratio of %d to %d is too high; maximum is 0.250000.", q.throughput, q.iops)
	}
	return nil
}

// keyOfVolume gives the name of the key that a volume is to have; "" for none.
//
// Amazon EBS User Guide, "Amazon EBS encryption examples": the volume of an encrypted
// snapshot is encrypted, under the snapshot's key where the caller owns it, and under
// the caller's default key where it was shared.
func keyOfVolume(p place, q volumeRequest, from *ec2Snapshot) string {
	switch {
	case q.key != "":
		return q.key
	case from != nil && from.key != "" && from.account == p.account:
		return from.key
	case q.encrypted || from != nil && from.key != "":
		return ebsAlias
	}
	return ""
}

// ebsAlias is the key that AWS manages for EBS.
const ebsAlias = "alias/aws/ebs"

// QuotaVolumeStorage is how many GiB all volumes of one type in a Region have together
// (L-7A658B76 for gp3; each type has its own, here all the same).
const QuotaVolumeStorage Quota = "volume-storage"

// defaultVolumeStorage is 50 TiB (Amazon EBS User Guide, "Quotas for Amazon EBS").
const defaultVolumeStorage = 50 << 10

// roomForVolume limits how much storage of a type there is in a Region.
func (s *ec2State) roomForVolume(g *ec2Region, q volumeRequest, now time.Time) error {
	sum := q.size
	for _, v := range g.volumes {
		if v.kind == q.kind && v.state.exists(now) && !slices.Contains([]string{statusDeleting, stateError}, v.state.get(now)) {
			sum += v.size
		}
	}
	if sum > s.aws.quota(g.place, QuotaVolumeStorage) {
		return refuse("VolumeLimitExceeded", "You have exceeded your maximum %s storage limit in this Region.", q.kind)
	}
	return nil
}
