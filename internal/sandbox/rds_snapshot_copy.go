package sandbox

import (
	"strings"
	"time"
)

// copyRequest is what a CopyDBSnapshot call asks for.
type copyRequest struct {
	source, target, key string
	tags                tagSet
	copyTags            bool
	optionGroup         string
	sourceRegion        string
}

// copyDBSnapshot copies a snapshot within a Region, from another Region, from
// another account that shares it, or both. It is called in the destination.
//
// Amazon RDS User Guide, "Copying a DB snapshot".
func (s *rdsState) copyDBSnapshot(r *request) (any, error) {
	p := r.params
	q := copyRequest{
		source: p.need("SourceDBSnapshotIdentifier"), target: p.need("TargetDBSnapshotIdentifier"), key: p.str("KmsKeyId"),
		copyTags: p.isSet("CopyTags"), optionGroup: p.str("OptionGroupName"), sourceRegion: p.str("SourceRegion"),
	}
	var err error
	q.tags, err = readTags(p)
	// "It's ignored in other Regions" than those of GovCloud.
	p.ignore("PreSignedUrl", "DestinationRegion")
	if err := firstError(p.check(), err, checkName("TargetDBSnapshotIdentifier", q.target, maxSnapshotName)); err != nil {
		return nil, err
	}
	from, err := s.copySource(q, r)
	if err != nil {
		return nil, err
	}
	key, err := s.copyKey(q, from, r)
	if err != nil {
		return nil, err
	}
	g := s.region(r.place())
	tags, err := copiedTags(q, from, r)
	if err := firstError(err, s.checkCopyOptions(q, from, r), s.roomForSnapshot(g, q.target, r.now), s.roomForCopy(g, from, r.now)); err != nil {
		return nil, err
	}
	made := s.startCopy(g, from, q, r.now)
	made.key = key
	made.tags.set(r.now, tags)
	return snapshotResult{showSnapshot(made, r.now)}, nil
}

// copySource finds the snapshot to copy: by name in the same Region and account,
// by its full name anywhere, if the caller may use it.
func (s *rdsState) copySource(q copyRequest, r *request) (*dbSnapshot, error) {
	at, name := r.place(), q.source
	if strings.HasPrefix(q.source, "arn:") {
		full, ok := parseARN(q.source)
		if !ok || full.service != "rds" || full.kind != "snapshot" {
			return nil, invalidValue("Invalid snapshot identifier: %s", q.source)
		}
		at, name = full.place, full.id
	}
	if q.sourceRegion != "" && q.sourceRegion != at.region {
		return nil, invalidCombination("The source snapshot %s is not in the source region %s. "+
			"A snapshot of another region must be given by its ARN.", q.source, q.sourceRegion)
	}
	snap, ok := s.region(at).snapshot(name, r.now)
	if ok && at.account != r.who.account {
		ok = snap.sharedWith(r.who.account, r.now)
	}
	switch {
	case !ok:
		return nil, snapshotNotFound(q.source)
	case !snap.status.in(r.now, statusAvailable):
		return nil, refuse("InvalidDBSnapshotState", "The source snapshot %s is not in the available state.", q.source)
	}
	return snap, nil
}

// copyKey gives the key of the copy.
//
// Amazon RDS API Reference, CopyDBSnapshot, KmsKeyId: it must be given for an
// encrypted snapshot of another Region or account; else the copy keeps the
// source's. Given for a plain one, it encrypts the copy.
func (s *rdsState) copyKey(q copyRequest, from *dbSnapshot, r *request) (string, error) {
	foreign, distant := from.account != r.who.account, from.region != r.region
	name := q.key
	switch {
	case name != "":
	case from.key == "":
		return "", nil
	case distant:
		return "", invalidValue("Must specify new KMS key for cross region encrypted snapshot copy.")
	case foreign:
		return "", keyNotAccessible("target", "None")
	default:
		name = from.key
	}
	if err := s.mayRead(from, r); err != nil {
		return "", err
	}
	// What is needed of a key, here and in mayRead, is what the policy has that AWS
	// gives for keys of shared snapshots (Amazon RDS User Guide, "Sharing encrypted
	// snapshots"), as far as a copy can need it. That all of it is needed is inferred.
	key, err := s.aws.keys.use(keyUse{r.who, "rds"}, r.region, name, r.now, "DescribeKey", "CreateGrant", "GenerateDataKey")
	if err != nil {
		return "", keyNotAccessible("target", name)
	}
	return key, nil
}

// mayRead says why the caller cannot read an encrypted snapshot: its key must be
// there and enabled, and its policy must let the caller use it, which that of
// aws/rds never does for another account.
func (s *rdsState) mayRead(from *dbSnapshot, r *request) error {
	if from.key == "" {
		return nil
	}
	if _, err := s.aws.keys.use(keyUse{r.who, "rds"}, from.region, from.key, r.now, "DescribeKey", "CreateGrant", "Decrypt"); err != nil {
		return keyNotAccessible("source snapshot", from.key)
	}
	return nil
}

func keyNotAccessible(which, key string) error {
	return refuse("KMSKeyNotAccessibleFault", "The %s KMS key [%s] does not exist, is not enabled or "+
		"you do not have permissions to access it.", which, key)
}

// copiedTags gives the copy's tags. The source's are copied only if asked for and
// never from another account. AWS's own among them make the call fail.
func copiedTags(q copyRequest, from *dbSnapshot, r *request) (tagSet, error) {
	if !q.copyTags || from.account != r.who.account {
		return q.tags, nil
	}
	theirs := from.tags.get(r.now)
	for key := range theirs {
		if reservedTag(key) {
			return nil, errReservedTag()
		}
	}
	all := theirs.with(q.tags)
	return all, checkTagCount(all)
}

// checkCopyOptions looks at the option group, which must exist at the destination.
func (s *rdsState) checkCopyOptions(q copyRequest, from *dbSnapshot, r *request) error {
	if q.optionGroup == "" {
		return nil
	}
	return s.checkOptionGroup(s.region(r.place()), q.optionGroup, from.of.engine, from.of.version, r.now)
}

// roomForCopy limits the copies in flight between Regions.
//
// Amazon RDS User Guide, "Copying a DB snapshot": "You can have up to 20 snapshot
// copy requests in progress to a single destination Region per account."
func (s *rdsState) roomForCopy(g *rdsRegion, from *dbSnapshot, now time.Time) error {
	if from.region == g.region {
		return nil
	}
	limit, n := s.aws.quota(g.place, QuotaCopies), 0
	for _, c := range g.snapshots {
		if c.source != nil && c.source.region != g.region && c.status.in(now, statusCreating) {
			n++
		}
	}
	if n >= limit {
		return refuse("SnapshotQuotaExceeded", "Cannot copy more than %d snapshots across regions", limit)
	}
	return nil
}

// startCopy begins a copy.
func (s *rdsState) startCopy(g *rdsRegion, from *dbSnapshot, q copyRequest, now time.Time) *dbSnapshot {
	lasts := s.aws.options.Durations.Copy.of(from.of.size)
	if from.region != g.region {
		lasts = s.aws.options.Durations.RegionCopy.of(from.of.size)
	}
	made := &dbSnapshot{
		place: g.place, name: strings.ToLower(q.target), kind: "manual", of: from.of, resource: from.resource,
		instanceCreated: from.instanceCreated, started: now, ready: now.Add(lasts), taken: now, shownFrom: now,
		original: from.original, source: from, sourceARN: from.arn().String(),
	}
	if from.region == g.region && from.account == g.account {
		made.optionGroup = from.optionGroup
	} else {
		made.optionGroup = defaultOptionGroup(from.of.engine, from.of.version)
		made.of.vpc, made.of.zone = defaultVPC(g.place), g.region+"a"
	}
	if q.optionGroup != "" {
		made.optionGroup = q.optionGroup
	}
	made.status.set(now, statusCreating)
	made.status.then(made.ready, statusAvailable)
	g.snapshots = append(g.snapshots, made)
	return made
}
