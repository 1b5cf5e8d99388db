package sandbox

import (
	"slices"
	"strconv"
	"time"
)

// createSnapshot takes a snapshot of a namespace. That the namespace needs to be
// available and to have a workgroup is inferred.
func (s *serverlessState) createSnapshot(r *request) (any, error) {
	name, days := r.params.need("snapshotName"), r.params.number("retentionPeriod")
	tags, err := readServerlessTags(r.params)
	g, n, findErr := s.namedNamespace(r)
	if err := firstError(findErr, err, checkServerlessSnapshot(name, days), s.roomForNamespaceSnapshot(g, name, r.now)); err != nil {
		return nil, err
	}
	if !n.status.in(r.now, namespaceAvailable) || n.config.get(r.now).workgroup == "" {
		return nil, conflict("The namespace %s is not in a state in which a snapshot can be created.", n.name)
	}
	snap := s.takeNamespace(g, n, name, r)
	snap.tags.set(r.now, tags)
	snap.keep(given(days, -1), r.now)
	return namespaceSnapshotResult{showNamespaceSnapshot(snap, r.now)}, nil
}

// checkServerlessSnapshot looks at name and days. The API Reference states neither
// pattern nor length of the name: those of clusters are inferred.
func checkServerlessSnapshot(name string, days *int) error {
	if err := checkName("snapshotName", name, maxSnapshotName); err != nil {
		return notValid("%s", plain(err).Error())
	}
	if checkRetention(days) != nil {
		return notValid("Invalid retention period. It must be -1 or an integer between 1 and 3653.")
	}
	return nil
}

func (s *serverlessState) roomForNamespaceSnapshot(g *serverlessRegion, name string, now time.Time) error {
	if g == nil {
		return nil
	}
	if _, err := g.snapshot(name, now); err == nil {
		return conflict("The snapshot %s already exists.", name)
	}
	n := 0
	for _, x := range g.snapshots {
		if x.exists(now) {
			n++
		}
	}
	if limit := s.aws.quota(g.place, QuotaServerlessSnapshots); n >= limit {
		return refuse("ServiceQuotaExceededException", "The limit of %d snapshots is reached.", limit)
	}
	return nil
}

// takeNamespace begins a snapshot of a namespace.
func (s *serverlessState) takeNamespace(g *serverlessRegion, n *namespace, name string, r *request) *namespaceSnapshot {
	s.aws.serial++
	c := n.config.get(r.now)
	snap := &namespaceSnapshot{
		place: g.place, name: name, of: n, config: c, started: r.now, ready: r.now.Add(s.aws.options.Durations.Increment.of(c.size)),
		id: hashedUUID(g.account, g.region, name, stamp(r.now), strconv.Itoa(s.aws.serial), "snapshot"),
	}
	outcome := snapshotAvailable
	if n.failNext > 0 {
		n.failNext--
		outcome = snapshotFailed
	}
	snap.status.set(r.now, snapshotCreating)
	snap.status.then(snap.ready, outcome)
	snap.tags.set(r.now, tagSet{})
	snap.days.set(r.now, -1)
	g.snapshots = append(g.snapshots, snap)
	return snap
}

func (s *serverlessState) namedSnapshot(r *request) (*namespaceSnapshot, error) {
	name := r.params.need("snapshotName")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	return s.region(r.place(), r.now).snapshot(name, r.view)
}

func (s *serverlessState) getSnapshot(r *request) (any, error) {
	snap, err := s.namedSnapshot(r)
	if err != nil {
		return nil, err
	}
	return namespaceSnapshotResult{showNamespaceSnapshot(snap, r.view)}, nil
}

func (s *serverlessState) updateSnapshot(r *request) (any, error) {
	days := r.params.number("retentionPeriod")
	snap, err := s.namedSnapshot(r)
	if err := firstError(err, checkRetention(days)); err != nil {
		return nil, err
	}
	shown := showNamespaceSnapshot(snap, r.now)
	if days != nil {
		snap.keep(*days, r.now)
		shown.SnapshotRetentionPeriod = *days
	}
	return namespaceSnapshotResult{shown}, nil
}

func (s *serverlessState) deleteSnapshot(r *request) (any, error) {
	snap, err := s.namedSnapshot(r)
	if err != nil {
		return nil, err
	}
	if snap.status.in(r.now, snapshotCreating) {
		return nil, conflict("The snapshot %s is being created.", snap.name)
	}
	shown := showNamespaceSnapshot(snap, r.now)
	shown.Status = "DELETED"
	snap.status.set(r.now, "")
	return namespaceSnapshotResult{shown}, nil
}

// listSnapshots lists snapshots. Their tags are not in the answer: the service
// model's Snapshot has none.
func (s *serverlessState) listSnapshots(r *request) (any, error) {
	p := r.params
	of, full := p.str("namespaceName"), p.str("namespaceArn")
	pg, err := readToken(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	g := s.region(r.place(), r.now)
	found := slices.DeleteFunc(slices.Clone(g.snapshots), func(x *namespaceSnapshot) bool {
		return !x.exists(r.view) || of != "" && x.of.name != of || full != "" && x.of.arn() != full
	})
	out := namespaceSnapshotsResult{Snapshots: []namespaceSnapshotJSON{}}
	found, out.NextToken = cut(found, func(x *namespaceSnapshot) string { return x.name }, pg)
	for _, x := range found {
		out.Snapshots = append(out.Snapshots, showNamespaceSnapshot(x, r.view))
	}
	return out, nil
}
