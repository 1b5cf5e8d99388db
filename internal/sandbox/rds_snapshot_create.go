package sandbox

import (
	"strings"
	"time"
)

// createDBSnapshot takes a manual snapshot.
//
// Amazon RDS API Reference, CreateDBSnapshot: "The source DB instance must be in
// the available or storage-optimization state." While a snapshot begins, the
// database shows backing-up, and so takes no second one. Without its key it is in
// neither (Amazon RDS User Guide, "Encrypting Amazon RDS resources"), though its
// status goes on to show as it was here.
func (s *rdsState) createDBSnapshot(r *request) (any, error) {
	name, of := r.params.need("DBSnapshotIdentifier"), r.params.need("DBInstanceIdentifier")
	tags, err := readTags(r.params)
	if err := firstError(r.params.check(), err, checkName("DBSnapshotIdentifier", name, maxSnapshotName)); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	d, ok := g.instance(of, r.now)
	if !ok {
		return nil, instanceNotFound(of)
	}
	c := d.config.get(r.now)
	switch {
	case c.cluster != "":
		return nil, invalidValue("The specified instance is a member of a cluster and a snapshot cannot be created directly. " +
			"Please use the CreateDBClusterSnapshot API instead.")
	case !d.status.in(r.now, statusAvailable, statusOptimizing), !s.aws.keys.works(c.key, r.now):
		return nil, refuse("InvalidDBInstanceState", "Cannot create a snapshot because the database instance %s "+
			"is not currently in the available state.", c.name)
	}
	if err := s.roomForSnapshot(g, name, r.now); err != nil {
		return nil, err
	}
	// Tags given in the call replace those that would be copied (Amazon RDS User
	// Guide, "Copying tags to DB instance snapshots").
	if c.copyTags && len(tags) == 0 {
		tags = withoutReserved(d.tags.get(r.now))
	}
	snap := s.take(g, d, name, "manual", r.now)
	snap.tags.set(r.now, tags)
	return snapshotResult{showSnapshot(snap, r.now)}, nil
}

// roomForSnapshot says why no manual snapshot of this name can be added.
func (s *rdsState) roomForSnapshot(g *rdsRegion, name string, now time.Time) error {
	if _, taken := g.snapshot(name, now); taken {
		return refuse("DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", strings.ToLower(name))
	}
	limit := s.aws.quota(g.place, QuotaManualSnapshots)
	if s.countManual(g, now) >= limit {
		return refuse("SnapshotQuotaExceeded", "Cannot create more than %d manual snapshots", limit)
	}
	return nil
}

// countManual counts the manual snapshots, in whatever status.
func (s *rdsState) countManual(g *rdsRegion, now time.Time) int {
	n := 0
	for _, snap := range g.snapshots {
		if snap.manual() && snap.exists(now) {
			n++
		}
	}
	return n
}

// take begins a snapshot of a database.
func (s *rdsState) take(g *rdsRegion, d *dbInstance, name, kind string, now time.Time) *dbSnapshot {
	c := d.config.get(now)
	lasts := s.aws.options.Durations.Snapshot.of(c.size)
	if s.hasEarlier(g, d, now) {
		lasts = s.aws.options.Durations.Increment.of(c.size)
	}
	begun := now.Add(lasts * time.Duration(s.aws.options.Durations.BackingUp) / 100)
	snap := &dbSnapshot{
		place: g.place, name: strings.ToLower(name), kind: kind, of: c, resource: d.resource, instanceCreated: d.created,
		started: now, ready: now.Add(lasts), taken: now, shownFrom: begun, original: now,
		key: c.key, optionGroup: c.optionGroup,
	}
	outcome := statusAvailable
	if d.failNext > 0 {
		d.failNext--
		outcome = statusFailed
	}
	snap.status.set(now, statusCreating)
	snap.status.then(snap.ready, outcome)
	g.snapshots = append(g.snapshots, snap)
	if d.status.in(now, statusAvailable, statusOptimizing) {
		d.status.busy(statusBackingUp, now, begun)
	}
	return snap
}

// busy shows a database or cluster as at work for a while; what was to come after
// that still comes.
func (s *status) busy(what string, from, until time.Time) {
	before := s.get(from)
	var later timeline[string]
	for _, ch := range s.timeline {
		if ch.at.After(until) {
			later = append(later, ch)
		} else if ch.at.After(from) {
			before = ch.value
		}
	}
	s.set(from, what)
	s.then(until, before)
	s.timeline = append(s.timeline, later...)
}

// hasEarlier reports whether a database has a snapshot on which the next can
// build. Amazon RDS User Guide, "Introduction to backups": "The first snapshot of
// a DB instance contains the data for the full database. Subsequent snapshots of
// the same database are incremental".
func (s *rdsState) hasEarlier(g *rdsRegion, d *dbInstance, now time.Time) bool {
	for _, snap := range g.snapshots {
		if snap.resource == d.resource && snap.source == nil && snap.status.in(now, statusAvailable) {
			return true
		}
	}
	return false
}

func withoutReserved(t tagSet) tagSet {
	out := tagSet{}
	for k, v := range t {
		if !reservedTag(k) {
			out[k] = v
		}
	}
	return out
}

func instanceNotFound(name string) error {
	return notFound("DBInstanceNotFound", "DBInstance %s not found.", name)
}

func snapshotNotFound(name string) error {
	return notFound("DBSnapshotNotFound", "DBSnapshot %s not found.", name)
}

// firstError gives the first of the errors that there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
