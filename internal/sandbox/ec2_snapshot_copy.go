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
	from, err := s.visibleSnapshot(place{r.who.account, q.from}, q.source, r.now)
	if err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if err := firstError(s.checkCopy(g, q, from, r.now), s.roomForSnapshots(g, 1, r.now)); err != nil {
		return nil, err
	}
	x := s.startEC2Copy(g, q, from, r.now)
	return copiedXML{x.id, showEC2Tags(q.tags)}, nil
}

// checkCopy says why a copy is refused at once.
//
// Amazon EC2 API Reference, CopySnapshot: "If you specify a KMS key, Encrypted must
// be true" unless the source is encrypted; 20 copies in flight to one Region.
func (s *ec2State) checkCopy(g *ec2Region, q ec2Copy, from *ec2Snapshot, now time.Time) error {
	switch {
	case !from.state.in(now, stateCompleted):
		return refuse("IncorrectState", "Snapshot is in invalid state - %s", from.state.get(now))
	case q.key != "" && !q.encrypted && from.key == "":
		return refuse("InvalidParameterDependency", "If a KmsKeyId is specified, the encrypted flag must be set to true")
	}
	n := 0
	for _, x := range g.snapshots {
		if x.source != nil && x.source.region != g.region && x.state.in(now, statePending) {
			n++
		}
	}
	if from.region != g.region && n >= s.aws.quota(g.place, QuotaEBSCopies) {
		return refuse("ResourceLimitExceeded", "Too many snapshot copies in progress to destination region %s", g.region)
	}
	return nil
}

// startEC2Copy begins a copy. A key that cannot be used makes it fail later, not at
// once: "the action can appear to complete, but eventually fails".
func (s *ec2State) startEC2Copy(g *ec2Region, q ec2Copy, from *ec2Snapshot, now time.Time) *ec2Snapshot {
	lasts := s.aws.options.Durations.Copy.of(from.size)
	if from.region != g.region {
		lasts = s.aws.options.Durations.RegionCopy.of(from.size)
	}
	x := &ec2Snapshot{
		place: g.place, id: s.newID("snap", g.place), volume: bogusVolume, size: from.size, started: now, ready: now.Add(lasts), source: from,
		description: or(q.text, "[Copied "+from.id+" from "+from.region+"]"),
	}
	outcome := stateCompleted
	if from.key != "" || q.encrypted {
		key, ok := s.aws.keys.resolve(g.place, or(q.key, ebsAlias))
		if x.key = key; !ok {
			x.key = q.key
		}
		if !ok || from.account != g.account && managed(from.key, "ebs") {
			outcome, x.message = stateError, "Given key ID is not accessible"
		}
	}
	x.state.set(now, statePending)
	x.state.then(x.ready, outcome)
	x.tags.set(now, q.tags)
	g.snapshots = append(g.snapshots, x)
	return x
}
