package sandbox

import (
	"strings"
	"time"
)

// createClusterSnapshot takes a manual snapshot.
//
// Amazon Redshift API Reference, CreateClusterSnapshot: "The cluster must be in
// the available state", so not while it is paused or resized. While one snapshot
// of a cluster is being made another is refused (inferred).
func (s *redshiftState) createClusterSnapshot(r *request) (any, error) {
	p := r.params
	name := p.need("SnapshotIdentifier")
	days, daysErr := readRetention(p, "ManualSnapshotRetentionPeriod")
	given := p.has("ManualSnapshotRetentionPeriod")
	tags, err := readRedshiftTags(p, "Key", "Value", p.members("Tags", "Tag"))
	g, c, findErr := s.namedCluster(r)
	if err := firstError(findErr, daysErr, err, checkClusterSnapshotName("SnapshotIdentifier", name)); err != nil {
		return nil, err
	}
	if _, taken := g.snapshot(name, r.now); taken {
		return nil, s.roomForClusterSnapshot(g, name, r.now)
	}
	switch {
	case !c.status.in(r.now, statusAvailable):
		return nil, invalidClusterState("Cannot create a snapshot because cluster %s is not currently in the available state.", c.config.get(r.now).name)
	case g.inProgress(c, r.now):
		return nil, invalidClusterState("There is an operation running on the Cluster. Please try to create a snapshot at a later time.")
	}
	if err := s.roomForClusterSnapshot(g, name, r.now); err != nil {
		return nil, err
	}
	if !given {
		days = c.config.get(r.now).manualRetention
	}
	return clusterSnapshotResult{showClusterSnapshot(s.takeManual(g, c, name, days, tags, r.now), r.now)}, nil
}

// takeManual begins a manual snapshot of a cluster.
func (s *redshiftState) takeManual(g *redshiftRegion, c *cluster, name string, days int, tags tagSet, now time.Time) *clusterSnapshot {
	of := c.config.get(now)
	lasts := s.aws.options.Durations.Increment.of(of.size)
	snap := &clusterSnapshot{
		place: g.place, name: strings.ToLower(name), kind: "manual", of: of, namespace: c.namespace,
		clusterCreated: c.created, taken: now, started: now, ready: now.Add(lasts),
	}
	outcome := statusAvailable
	if c.failNext > 0 {
		c.failNext--
		outcome = statusFailed
	}
	snap.status.set(now, statusCreating)
	snap.status.then(snap.ready, outcome)
	snap.tags.set(now, tags)
	snap.keep(days, now)
	g.snapshots = append(g.snapshots, snap)
	s.send(c, snap)
	return snap
}

// inProgress reports whether a snapshot of a cluster is being made.
func (g *redshiftRegion) inProgress(c *cluster, now time.Time) bool {
	for _, s := range g.snapshots {
		if s.namespace == c.namespace && s.taken.Equal(s.started) && s.status.in(now, statusCreating) {
			return true
		}
	}
	return false
}

// roomForClusterSnapshot says why no manual snapshot of this name can be added.
func (s *redshiftState) roomForClusterSnapshot(g *redshiftRegion, name string, now time.Time) error {
	if _, taken := g.snapshot(name, now); taken {
		return refuse("ClusterSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier %s already exists.", strings.ToLower(name))
	}
	n := 0
	for _, snap := range g.snapshots {
		if snap.manual() && snap.exists(now) {
			n++
		}
	}
	if limit := s.aws.quota(g.place, QuotaClusterSnapshots); n >= limit {
		return refuse("ClusterSnapshotQuotaExceeded", "Cannot create more than %d manual snapshots.", limit)
	}
	return nil
}

// copyClusterSnapshot makes a manual snapshot of an automated one. It has no tags:
// the call takes none.
//
// Amazon Redshift API Reference, CopyClusterSnapshot: "The source must be an
// automated snapshot and it must be in the available state." Management Guide,
// "Pausing and resuming a cluster": "You can't copy the latest automated snapshots
// of a paused cluster to manual snapshots." The copy keeps the source's creation
// time (AWS CLI Command Reference, copy-cluster-snapshot, the example); its status
// is "creating" at first (API Reference, Snapshot, Status). That its retention
// begins with the copy is inferred. So is that Redshift does not send it to another
// Region, to which the automated one has gone already.
func (s *redshiftState) copyClusterSnapshot(r *request) (any, error) {
	p := r.params
	source, target, of := p.need("SourceSnapshotIdentifier"), p.need("TargetSnapshotIdentifier"), p.str("SourceSnapshotClusterIdentifier")
	days, err := readRetention(p, "ManualSnapshotRetentionPeriod")
	if err := firstError(p.check(), err, checkClusterSnapshotName("TargetSnapshotIdentifier", target)); err != nil {
		return nil, err
	}
	g := s.region(r.place(), r.now)
	from, ok := g.snapshot(source, r.now)
	if !ok || of != "" && !strings.EqualFold(of, from.of.name) {
		return nil, clusterSnapshotNotFound(source)
	}
	if err := firstError(g.mayPromote(from, r.now), s.roomForClusterSnapshot(g, target, r.now)); err != nil {
		return nil, err
	}
	made := &clusterSnapshot{
		place: g.place, name: strings.ToLower(target), kind: "manual", of: from.of, namespace: from.namespace,
		clusterCreated: from.clusterCreated, taken: from.taken, started: r.now, ready: r.now.Add(s.aws.options.Durations.Copy.Base),
	}
	made.status.set(r.now, statusCreating)
	made.status.then(made.ready, statusAvailable)
	made.tags.set(r.now, tagSet{})
	made.keep(days, r.now)
	g.snapshots = append(g.snapshots, made)
	return clusterSnapshotResult{showClusterSnapshot(made, r.now)}, nil
}

// mayPromote says why an automated snapshot cannot be copied.
func (g *redshiftRegion) mayPromote(from *clusterSnapshot, now time.Time) error {
	if from.manual() || !from.status.in(now, statusAvailable) {
		return invalidClusterSnapshotState("The snapshot %s is not an automated snapshot in the available state.", from.name)
	}
	for _, c := range g.clusters {
		if c.namespace != from.namespace || !c.status.in(now, statusPaused, statusPausing) {
			continue
		}
		for _, other := range g.automated(c, now) {
			if other.taken.After(from.taken) {
				return nil
			}
		}
		return invalidClusterSnapshotState("The latest automated snapshot %s of a paused cluster cannot be copied.", from.name)
	}
	return nil
}
