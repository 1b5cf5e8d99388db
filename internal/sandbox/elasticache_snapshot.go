package sandbox

import (
	"strings"
	"time"
)

// createSnapshot takes a manual snapshot of a replication group, of a cluster
// outside of groups, or of one node of a group that is not in cluster mode.
//
// Amazon ElastiCache API Reference, CreateSnapshot. Amazon ElastiCache User Guide,
// "Snapshot and restore": no more than 20 manual snapshots per node in 24 hours;
// backups in cluster mode are of the whole cluster only; during the backup no
// other operation is possible. Which of several refusals comes first is assumed:
// the one that tells least, since clients must not rely on it.
func (s *cacheState) createSnapshot(r *request) (any, error) {
	p := r.params
	name, group, cluster, key := p.need("SnapshotName"), p.str("ReplicationGroupId"), p.str("CacheClusterId"), p.str("KmsKeyId")
	tags, err := readCacheTags(p)
	if err := firstError(p.check(), err, checkSnapshotName(name, formGroup)); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	c, nodes, err := g.source(group, cluster, r.now)
	if err != nil {
		return nil, err
	}
	if err := firstError(
		s.supportsSnapshots(c),
		c.mustBe(r.now, "create a snapshot", statusAvailable),
		s.roomForSnapshot(g, c, nodes, name, r.now),
	); err != nil {
		return nil, err
	}
	snap := s.take(g, c, name, nodes, r.now)
	if key != "" {
		if snap.key, err = s.cacheKey(r.place(), key); err != nil {
			return nil, err
		}
	}
	if c.form == formCluster || group == "" {
		snap.cluster = strings.ToLower(cluster)
	}
	snap.tags.set(r.now, tags)
	return cacheSnapshotResult{showCacheSnapshot(snap, false, r.now)}, nil
}

// source finds what a snapshot is to be taken of, and of which nodes.
func (g *cacheRegion) source(group, cluster string, now time.Time) (*cache, []string, error) {
	switch {
	case (group == "") == (cluster == ""):
		return nil, nil, invalidCombination("Exactly one of ReplicationGroupId and CacheClusterId must be given.")
	case group != "":
		c, ok := g.cache(formGroup, group, now)
		if !ok {
			return nil, nil, cacheNotFound(formGroup, group)
		}
		nodes := c.sources()
		return c, nodes, nil
	}
	c, ok := g.member(cluster, now)
	switch {
	case !ok:
		return nil, nil, cacheNotFound(formCluster, cluster)
	case c.config.clusterMode:
		return nil, nil, invalidCombination("Snapshots of a replication group with cluster mode enabled are of the whole group: give its ReplicationGroupId.")
	}
	return c, []string{strings.ToLower(cluster)}, nil
}

// supportsSnapshots refuses nodes that have none.
//
// Amazon ElastiCache API Reference, SnapshotFeatureNotSupportedFault: "running on
// a cache.t1.micro cache node", "running Memcached". Serverless Memcached has them
// (CreateServerlessCacheSnapshot).
func (s *cacheState) supportsSnapshots(c *cache) error {
	switch {
	case c.form == formServerless:
		return nil
	case c.config.engine == "memcached":
		return refuse("SnapshotFeatureNotSupportedFault", "Snapshots are not supported by the engine memcached.")
	case strings.HasPrefix(c.config.node, "cache.t1."):
		return refuse("SnapshotFeatureNotSupportedFault", "Snapshots are not supported on nodes of type %s.", c.config.node)
	}
	return nil
}

// roomForSnapshot says why no manual snapshot of this name can be added. All that
// were begun within a day count, those that have been deleted too.
func (s *cacheState) roomForSnapshot(g *cacheRegion, c *cache, nodes []string, name string, now time.Time) error {
	serverless := c.form == formServerless
	quota, code := QuotaCacheSnapshots, "SnapshotQuotaExceededFault"
	if serverless {
		quota, code = QuotaServerlessCacheSnapshots, "ServerlessCacheSnapshotQuotaExceededFault"
	}
	limit := s.aws.quota(g.place, quota)
	for _, node := range nodes {
		n := 0
		for _, t := range c.taken[node] {
			if now.Sub(t) < cacheSnapshotQuotaInterval {
				n++
			}
		}
		if n >= limit {
			return refuse(code, "The number of manual snapshots of %s within 24 hours cannot exceed %d.", node, limit)
		}
	}
	if _, taken := g.snapshot(serverless, name, now); taken {
		if serverless {
			return refuse("ServerlessCacheSnapshotAlreadyExistsFault", "A serverless cache snapshot with this name already exists: %s", name)
		}
		return refuse("SnapshotAlreadyExistsFault", "Snapshot with specified name already exists: %s", name)
	}
	return nil
}

// take begins a snapshot of some of a cache's nodes. All but serverless caches show
// "snapshotting" while it lasts.
func (s *cacheState) take(g *cacheRegion, c *cache, name string, nodes []string, now time.Time) *cacheSnapshot {
	if c.taken == nil {
		c.taken = map[string][]time.Time{}
	}
	for _, node := range nodes {
		c.taken[node] = append(c.taken[node], now)
	}
	snap := &cacheSnapshot{
		place: g.place, name: strings.ToLower(name), form: c.form, of: c.config, nodes: nodes, key: c.config.key,
		started: now, ready: now.Add(s.aws.options.Durations.Snapshot.of(c.config.gib)), cacheCreated: c.created,
	}
	outcome := statusAvailable
	if c.failNext > 0 {
		c.failNext--
		outcome = statusFailed
	}
	snap.status.set(now, statusCreating)
	snap.status.then(snap.ready, outcome)
	g.snapshots = append(g.snapshots, snap)
	if c.form != formServerless && c.status.in(now, statusAvailable) {
		c.status.set(now, statusSnapshotting)
		c.status.then(snap.ready, statusAvailable)
	}
	return snap
}

// deleteSnapshot deletes a snapshot, be it manual or automated.
//
// Amazon ElastiCache API Reference, DeleteSnapshot; User Guide, "Deleting a
// backup": "at any time, regardless of whether the backup was created
// automatically or manually".
func (s *cacheState) deleteSnapshot(r *request) (any, error) {
	snap, err := s.dropSnapshot(r, false, r.params.need("SnapshotName"))
	if err != nil {
		return nil, err
	}
	return cacheSnapshotResult{showCacheSnapshot(snap, false, r.now)}, nil
}

func (s *cacheState) dropSnapshot(r *request, serverless bool, name string) (*cacheSnapshot, error) {
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	g.forget(r.now)
	snap, ok := g.snapshot(serverless, name, r.now)
	if !ok {
		return nil, cacheSnapshotNotFound(serverless, name)
	}
	if err := snap.mustBe(r.now, "delete", statusAvailable, statusFailed); err != nil {
		return nil, err
	}
	snap.status.set(r.now, statusDeleting)
	snap.status.then(r.now.Add(s.aws.options.Durations.SnapshotDelete.Base), "")
	return snap, nil
}

func cacheSnapshotNotFound(serverless bool, name string) error {
	if serverless {
		return notFound("ServerlessCacheSnapshotNotFoundFault", "Serverless cache snapshot %s not found.", name)
	}
	return notFound("SnapshotNotFoundFault", "%s not found", name)
}
