package sandbox

import (
	"slices"
	"strings"
	"time"
)

// cacheState is all that there is in ElastiCache, in every account and Region.
type cacheState struct {
	aws     *AWS
	regions map[place]*cacheRegion
}

// cacheRegion is what one account has in one Region. The lists keep what is gone
// for a while, since a stale read may still show it.
type cacheRegion struct {
	place
	caches    []*cache
	snapshots []*cacheSnapshot
}

func newElastiCache(a *AWS) *cacheState { return &cacheState{a, map[place]*cacheRegion{}} }

func (s *cacheState) region(p place) *cacheRegion {
	got, ok := s.regions[p]
	if !ok {
		got = &cacheRegion{place: p}
		s.regions[p] = got
	}
	return got
}

// cache finds a cache by its name as of a moment.
func (g *cacheRegion) cache(form cacheForm, name string, when time.Time) (*cache, bool) {
	for _, c := range g.caches {
		if c.form == form && strings.EqualFold(c.config.name, name) && c.exists(when) {
			return c, true
		}
	}
	return nil, false
}

// member finds a cluster by its name: one outside of groups, or a group's with
// the group.
func (g *cacheRegion) member(name string, when time.Time) (*cache, bool) {
	name = strings.ToLower(name)
	for _, c := range g.caches {
		if c.form == formServerless || !c.exists(when) {
			continue
		}
		for _, shard := range c.members() {
			if slices.Contains(shard, name) {
				return c, true
			}
		}
	}
	return nil, false
}

// snapshot finds a snapshot by its name as of a moment. Those of serverless caches
// have names of their own.
func (g *cacheRegion) snapshot(serverless bool, name string, when time.Time) (*cacheSnapshot, bool) {
	for _, s := range g.snapshots {
		if s.serverless() == serverless && strings.EqualFold(s.name, name) && s.exists(when) {
			return s, true
		}
	}
	return nil, false
}

// forget drops what has been gone for long.
func (g *cacheRegion) forget(now time.Time) {
	old := now.Add(-remembered)
	g.caches = slices.DeleteFunc(g.caches, func(c *cache) bool { return c.status.goneSince(old) })
	g.snapshots = slices.DeleteFunc(g.snapshots, func(s *cacheSnapshot) bool { return s.status.goneSince(old) })
}

// remove lets a cache go, after a final snapshot where one is named.
func (s *cacheState) remove(r *request, c *cache, final string, snapshotsOf cacheForm) error {
	g := s.region(c.place)
	g.forget(r.now)
	gone := r.now.Add(s.aws.options.Durations.Delete.Base)
	if final != "" {
		if err := firstError(s.supportsSnapshots(c), checkSnapshotName(final, snapshotsOf), s.roomForSnapshot(g, c, c.sources(), final, r.now)); err != nil {
			return err
		}
		snap := s.take(g, c, final, c.sources(), r.now)
		snap.tags.set(r.now, tagSet{})
		gone = snap.ready.Add(s.aws.options.Durations.Delete.Base)
	}
	c.status.set(r.now, statusDeleting)
	c.status.then(gone, "")
	for _, snap := range g.snapshots { // Automated ones go with it.
		if snap.automated && snap.form == c.form && snap.of.name == c.config.name && snap.status.last() != "" {
			snap.status.set(gone, "")
		}
	}
	return nil
}
