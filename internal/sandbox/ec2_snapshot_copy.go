package sandbox

import "time"

// ec2Copy is what a CopySnapshot call asks for.
type ec2Copy struct {
	source, from, text, key string
	encrypted               bool
	tags                    tagSet
}

type copiedXML struct {
	ID   string        `xml:"snapshotId"`
	Tags items[ec2Tag] `xml:"tagSet"`
}

// copySnapshot copies a snapshot from another Region, or within one. It is called
// in the destination. A copy names a volume that does not exist and bears the tags
// of the call alone.
func (s *ec2State) copySnapshot(r *request) (any, error) {
	p := r.params
	q := ec2Copy{
		source: p.need("SourceSnapshotId"), from: p.need("SourceRegion"), text: p.str("Description"),
		key: p.str("KmsKeyId"), encrypted: p.isSet("Encrypted"),
	}
	specs, err := s.readTagSpecs(r, "snapshot")
	p.ignore("PresignedUrl") // "The snapshot is copied to the Regional endpoint that you send the request to".
	to := p.str("DestinationRegion")
	if err := firstError(p.check(), err, checkDescription(q.text)); err != nil {
		return nil, err
	}
	q.tags = specs["snapshot"]
	if to != "" && to != r.region {
		return nil, invalidValue("The destination region must be the region that the request is sent to, %s", r.region)
	}
	from, err := s.ec2CopySource(q, r)
	if err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if err := firstError(s.checkCopy(g, q, from, r.now), s.roomForSnapshots(g, 1, r.now)); err != nil {
		return nil, err
	}
	x := s.startEC2Copy(g, q, from, r)
	return copiedXML{x.id, showEC2Tags(q.tags)}, nil
}

// ec2CopySource finds the snapshot to copy. One of another Region that is not there,
// or not shared with the caller, is found out only later: it comes back without a
// place, and its copy will fail.
//
// Amazon EBS User Guide, "Amazon EventBridge events for Amazon EBS", copySnapshot: it
// fails with the cause "Source snapshot ID is not valid".
func (s *ec2State) ec2CopySource(q ec2Copy, r *request) (*ec2Snapshot, error) {
	from, err := s.visibleSnapshot(place{r.who.account, q.from}, q.source, r.now)
	if err == nil || q.from == r.region || !ec2ID.MatchString(q.source) {
		return from, err
	}
	lost := &ec2Snapshot{id: q.source}
	lost.region = q.from
	lost.state.set(r.now, stateCompleted)
	return lost, nil
}

// checkCopy says why a copy is refused at once.
//
// Amazon EC2 API Reference, CopySnapshot: "If you specify a KMS key, Encrypted must
// be true" unless the source is encrypted. Amazon EBS User Guide, "Copy an Amazon EBS
// snapshot": 20 copies in flight to one Region, counted here wherever they come from.
func (s *ec2State) checkCopy(g *ec2Region, q ec2Copy, from *ec2Snapshot, now time.Time) error {
	switch {
	case !from.state.in(now, stateCompleted):
		return refuse("IncorrectState", "Snapshot is in invalid state - %s", from.state.get(now))
	case q.key != "" && !q.encrypted && from.key == "" && from.account != "":
		return refuse("InvalidParameterDependency", "If a KmsKeyId is specified, the encrypted flag must be set to true")
	}
	n := 0
	for _, x := range g.snapshots {
		if x.source != nil && x.state.in(now, statePending) {
			n++
		}
	}
	if limit := s.aws.quota(g.place, QuotaEBSCopies); n >= limit {
		return refuse("ResourceLimitExceeded", "Too many snapshot copies in progress. The limit is %d for this destination region.", limit)
	}
	return nil
}

// startEC2Copy begins a copy. A key that cannot be used makes it fail later, not at
// once: "the action can appear to complete, but eventually fails".
func (s *ec2State) startEC2Copy(g *ec2Region, q ec2Copy, from *ec2Snapshot, r *request) *ec2Snapshot {
	lasts := s.aws.options.Durations.Copy.of(from.size)
	if from.region != g.region {
		lasts = s.aws.options.Durations.RegionCopy.of(from.size)
	}
	x := &ec2Snapshot{
		place: g.place, id: s.newID("snap", g.place), volume: bogusVolume, size: from.size, started: r.now, ready: r.now.Add(lasts), source: from,
		description: or(q.text, "[Copied "+from.id+" from "+from.region+"]"),
	}
	outcome := stateCompleted
	if x.message = s.copyProblem(x, q, from, r); x.message != "" {
		outcome, x.ready = stateError, r.now.Add(s.aws.options.Durations.Copy.of(0))
	}
	x.state.set(r.now, statePending)
	x.state.then(x.ready, outcome)
	x.tags.set(r.now, q.tags)
	g.snapshots = append(g.snapshots, x)
	return x
}

// Why copies end as "error".
const (
	badCopyKey    = "Given key ID is not accessible"
	badCopySource = "Source snapshot ID is not valid"
)

// copyProblem gives the copy its key, and says why it will fail. Of the keys is
// needed what their policies have to have (Amazon EBS User Guide, "Share the KMS key
// used to encrypt a shared Amazon EBS snapshot" and "Requirements for Amazon EBS
// encryption"). aws/ebs of another account never has it.
func (s *ec2State) copyProblem(x *ec2Snapshot, q ec2Copy, from *ec2Snapshot, r *request) string {
	if from.account == "" {
		return badCopySource
	}
	if from.key == "" && !q.encrypted {
		return ""
	}
	u, keys := keyUse{r.who, "ec2"}, s.aws.keys
	var err error
	if x.key, err = keys.use(u, r.region, or(q.key, ebsAlias), r.now, "DescribeKey", "CreateGrant", "GenerateDataKeyWithoutPlaintext", "ReEncryptTo"); err != nil {
		x.key = q.key
		return badCopyKey
	}
	if from.key == "" {
		return ""
	}
	if _, err = keys.use(u, from.region, from.key, r.now, "DescribeKey", "CreateGrant", "Decrypt", "ReEncryptFrom"); err != nil {
		return badCopyKey
	}
	return ""
}

// endCopies makes the copies of a snapshot fail that are not done. (What AWS does
// with them is inferred from the cause of failure that it knows.)
func (s *ec2State) endCopies(source *ec2Snapshot, now time.Time) {
	for _, g := range s.regions {
		for _, x := range g.snapshots {
			if x.source == source && x.state.in(now, statePending) {
				x.message = badCopySource
				x.state.set(now, stateError)
			}
		}
	}
}
