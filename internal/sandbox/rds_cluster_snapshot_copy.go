package sandbox

import (
	"strings"
	"time"
)

// copyDBClusterSnapshot copies a cluster's snapshot within a Region, from another
// Region, from another account that shares it, or both. It is called in the
// destination.
//
// Amazon Aurora User Guide, "Copying a DB cluster snapshot". Amazon RDS User Guide,
// "Limitations of Multi-AZ DB clusters": theirs cannot be copied (the code of that
// refusal is inferred).
func (s *rdsState) copyDBClusterSnapshot(r *request) (any, error) {
	p := r.params
	q := copyRequest{
		source: p.need("SourceDBClusterSnapshotIdentifier"), target: p.need("TargetDBClusterSnapshotIdentifier"),
		key: p.str("KmsKeyId"), copyTags: p.isSet("CopyTags"), sourceRegion: p.str("SourceRegion"),
	}
	var err error
	q.tags, err = readTags(p)
	p.ignore("PreSignedUrl", "DestinationRegion")
	if err := firstError(p.check(), err, checkName("TargetDBClusterSnapshotIdentifier", q.target, maxClusterSnapshotName)); err != nil {
		return nil, err
	}
	from, err := s.clusterCopySource(q, r)
	if err != nil {
		return nil, err
	}
	key, err := s.clusterCopyKey(q, from, r)
	if err != nil {
		return nil, err
	}
	g := s.region(r.place())
	tags, err := copiedTags(q, &from.dbSnapshot, r)
	if err := firstError(err, s.roomForClusterSnapshot(g, q.target, r.now), s.roomForClusterCopy(g, from, r.now)); err != nil {
		return nil, err
	}
	made := s.startClusterCopy(g, from, q.target, r.now)
	made.key = key
	made.tags.set(r.now, tags)
	return dbClusterSnapshotResult{showDBClusterSnapshot(made, r.now)}, nil
}

// clusterCopySource finds the snapshot to copy: by name in the same Region and
// account, by its full name anywhere, if the caller may use it.
func (s *rdsState) clusterCopySource(q copyRequest, r *request) (*dbClusterSnapshot, error) {
	at := r.place()
	if full, ok := parseARN(q.source); ok {
		if full.service != "rds" || full.kind != dbClusterSnapshotARN {
			return nil, invalidValue("Invalid snapshot identifier: %s", q.source)
		}
		at = full.place
	}
	if q.sourceRegion != "" && q.sourceRegion != at.region {
		return nil, invalidCombination("The source snapshot %s is not in the source region %s. "+
			"A snapshot of another region must be given by its ARN.", q.source, q.sourceRegion)
	}
	snap, ok := s.region(at).dbClusterSnapshot(q.source, r.now)
	if ok && at.account != r.who.account {
		ok = snap.sharedWith(r.who.account, r.now)
	}
	switch {
	case !ok:
		return nil, dbClusterSnapshotNotFound(q.source)
	case !snap.status.in(r.now, statusAvailable):
		return nil, refuse("InvalidDBClusterSnapshotStateFault", "The source snapshot %s is not in the available state.", q.source)
	case !snap.of.aurora():
		return nil, invalidCombination("Copying a snapshot of a Multi-AZ DB cluster isn't supported.")
	}
	return snap, nil
}

// clusterCopyKey gives the key of the copy, by the rules for DB snapshots but one:
// Amazon RDS API Reference, CopyDBClusterSnapshot, KmsKeyId: "If you copy an
// unencrypted DB cluster snapshot and specify a value for the KmsKeyId parameter, an
// error is returned." (Its code is inferred.)
func (s *rdsState) clusterCopyKey(q copyRequest, from *dbClusterSnapshot, r *request) (string, error) {
	if from.key == "" && q.key != "" {
		return "", invalidCombination("KmsKeyId can't be specified when copying the unencrypted DB cluster snapshot %s.", q.source)
	}
	return s.copyKey(q, &from.dbSnapshot, r)
}

// roomForClusterCopy limits the copies in flight between Regions.
//
// Amazon Aurora User Guide, "Copying a DB cluster snapshot": "You can have up to five
// snapshot copy requests in progress to a single destination Region per account."
func (s *rdsState) roomForClusterCopy(g *rdsRegion, from *dbClusterSnapshot, now time.Time) error {
	if from.region == g.region {
		return nil
	}
	limit, n := s.aws.quota(g.place, QuotaDBClusterCopies), 0
	for _, c := range g.dbClusterSnapshots {
		if c.source != nil && c.source.region != g.region && c.status.in(now, statusCopying) {
			n++
		}
	}
	if n >= limit {
		return refuse("SnapshotQuotaExceeded", "Cannot copy more than %d snapshots across regions", limit)
	}
	return nil
}

// startClusterCopy begins a copy, which is always a full one.
func (s *rdsState) startClusterCopy(g *rdsRegion, from *dbClusterSnapshot, name string, now time.Time) *dbClusterSnapshot {
	lasts := s.aws.options.Durations.Copy.of(from.of.size)
	if from.region != g.region {
		lasts = s.aws.options.Durations.RegionCopy.of(from.of.size)
	}
	made := &dbClusterSnapshot{of: from.of, dbSnapshot: dbSnapshot{
		place: g.place, name: strings.ToLower(name), kind: "manual", arnKind: dbClusterSnapshotARN, resource: from.resource,
		instanceCreated: from.instanceCreated, started: now, ready: now.Add(lasts), taken: now, shownFrom: now,
		original: from.original, source: &from.dbSnapshot, sourceARN: from.arn().String(),
	}}
	if from.place != g.place {
		made.of.vpc = defaultVPC(g.place)
		made.of.zones = []string{g.region + "a", g.region + "b", g.region + "c"}
	}
	made.status.set(now, statusCopying)
	made.status.then(made.ready, statusAvailable)
	g.dbClusterSnapshots = append(g.dbClusterSnapshots, made)
	return made
}
