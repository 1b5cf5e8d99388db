package sandbox

import (
	"strings"
	"time"
)

// notAvailable is what AWS says when a cluster takes no snapshot now.
const notAvailable = "Can't create a snapshot because the database cluster %s isn't currently in the available state."

// createDBClusterSnapshot takes a manual snapshot of a cluster.
//
// A cluster takes one in the state available only: AWS says so in the message of
// InvalidDBClusterStateFault. While a snapshot begins, the cluster shows
// backing-up, and so takes no second one.
func (s *rdsState) createDBClusterSnapshot(r *request) (any, error) {
	name := r.params.need("DBClusterSnapshotIdentifier")
	tags, err := readTags(r.params)
	cl, findErr := s.namedDBCluster(r, r.now)
	if err := firstError(r.params.check(), err, checkName("DBClusterSnapshotIdentifier", name, maxClusterSnapshotName), findErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	c := cl.config.get(r.now)
	if !cl.status.in(r.now, statusAvailable) || !s.aws.keys.works(c.key, r.now) {
		return nil, dbClusterState(notAvailable, c.name)
	}
	if err := s.roomForClusterSnapshot(g, name, r.now); err != nil {
		return nil, err
	}
	if c.copyTags {
		tags = withoutReserved(cl.tags.get(r.now)).with(tags)
		if err := checkTagCount(tags); err != nil {
			return nil, err
		}
	}
	snap := s.takeCluster(g, cl, name, r.now)
	snap.tags.set(r.now, tags)
	return dbClusterSnapshotResult{showDBClusterSnapshot(snap, r.now)}, nil
}

// roomForClusterSnapshot says why no manual snapshot of this name can be added. The
// quota is apart from that of DB instances.
func (s *rdsState) roomForClusterSnapshot(g *rdsRegion, name string, now time.Time) error {
	if _, taken := g.dbClusterSnapshot(name, now); taken {
		return refuse("DBClusterSnapshotAlreadyExistsFault",
			"Cannot create the snapshot because a snapshot with the identifier %s already exists.", strings.ToLower(name))
	}
	limit := s.aws.quota(g.place, QuotaManualDBClusterSnapshots)
	if g.countManualOfClusters(now) >= limit {
		return refuse("SnapshotQuotaExceeded", "Cannot create more than %d manual snapshots", limit)
	}
	return nil
}

func (g *rdsRegion) countManualOfClusters(now time.Time) int {
	n := 0
	for _, snap := range g.dbClusterSnapshots {
		if snap.manual() && snap.exists(now) {
			n++
		}
	}
	return n
}

// takeCluster begins a manual snapshot of a cluster.
func (s *rdsState) takeCluster(g *rdsRegion, cl *dbCluster, name string, now time.Time) *dbClusterSnapshot {
	c, took := cl.config.get(now), s.aws.options.Durations
	lasts := took.Snapshot.of(c.size)
	if g.hasEarlierOf(cl, now) {
		lasts = took.Increment.of(c.size)
	}
	begun := now.Add(lasts * time.Duration(took.BackingUp) / 100)
	snap := &dbClusterSnapshot{of: c, dbSnapshot: dbSnapshot{
		place: g.place, name: strings.ToLower(name), kind: "manual", arnKind: dbClusterSnapshotARN, resource: cl.resource,
		instanceCreated: cl.created, started: now, ready: now.Add(lasts), taken: now, shownFrom: begun, original: now, key: c.key,
	}}
	outcome := statusAvailable
	if cl.failNext > 0 {
		cl.failNext--
		outcome = statusFailed
	}
	snap.status.set(now, statusCreating)
	snap.status.then(snap.ready, outcome)
	g.dbClusterSnapshots = append(g.dbClusterSnapshots, snap)
	if cl.status.in(now, statusAvailable) {
		cl.status.busy(statusBackingUp, now, begun)
	}
	return snap
}

func (g *rdsRegion) hasEarlierOf(cl *dbCluster, now time.Time) bool {
	for _, snap := range g.dbClusterSnapshots {
		if snap.resource == cl.resource && snap.source == nil && snap.status.in(now, statusAvailable) {
			return true
		}
	}
	return false
}
