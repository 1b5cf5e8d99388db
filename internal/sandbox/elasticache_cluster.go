package sandbox

import (
	"strings"
)

type (
	cacheClusterResult  struct{ CacheCluster cacheClusterXML }
	cacheClustersResult struct {
		Marker        string `xml:",omitempty"`
		CacheClusters struct{ CacheCluster []cacheClusterXML }
	}
)

// createCluster makes a Memcached cluster, or a single node of Redis or Valkey.
//
// Amazon ElastiCache API Reference, CreateCacheCluster.
func (s *cacheState) createCluster(r *request) (any, error) {
	p := r.params
	c := cacheConfig{name: p.need("CacheClusterId"), nodes: *firstNumber(p.number("NumCacheNodes"))}
	if p.str("ReplicationGroupId") != "" {
		return nil, notSimulated("adding a cluster to a replication group")
	}
	if zone := p.str("PreferredAvailabilityZone"); zone != "" {
		c.zones = [][]string{{zone}}
	}
	readCacheSettings(p, &c)
	return s.add(r, formCluster, c, "", readCacheSource(p), func(made *cache) any {
		return cacheClusterResult{showCacheCluster(made, made.config.name, false, r.now)}
	})
}

// describeClusters lists clusters: those outside of groups and, unless
// ShowCacheClustersNotInReplicationGroups is set, those of groups too.
func (s *cacheState) describeClusters(r *request) (any, error) {
	p := r.params
	name := strings.ToLower(p.str("CacheClusterId"))
	info, outside := p.isSet("ShowCacheNodeInfo"), p.isSet("ShowCacheClustersNotInReplicationGroups")
	pg, err := readCachePage(p, "MaxRecords", "Marker", 20, 100)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	var found []cacheClusterXML
	for _, c := range s.region(r.place()).caches {
		if c.form == formServerless || c.form == formGroup && outside || !c.exists(r.view) {
			continue
		}
		for _, shard := range c.members() {
			for _, node := range shard {
				if name == "" || node == name {
					found = append(found, showCacheCluster(c, node, info, r.view))
				}
			}
		}
	}
	if name != "" && len(found) == 0 {
		return nil, cacheNotFound(formCluster, name)
	}
	var out cacheClustersResult
	out.CacheClusters.CacheCluster, out.Marker = cut(found, func(x cacheClusterXML) string { return x.CacheClusterId }, pg)
	return out, nil
}

func (s *cacheState) deleteCluster(r *request) (any, error) {
	name, final := r.params.need("CacheClusterId"), r.params.str("FinalSnapshotIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	c, ok := g.cache(formCluster, name, r.now)
	if _, inGroup := g.member(name, r.now); !ok && inGroup {
		return nil, notSimulated("deleting a cluster of a replication group")
	}
	if !ok {
		return nil, cacheNotFound(formCluster, name)
	}
	if err := c.mustBe(r.now, "delete", statusAvailable, "restore-failed", "incompatible-network"); err != nil {
		return nil, err
	}
	if err := s.remove(r, c, final, formCluster); err != nil {
		return nil, err
	}
	return cacheClusterResult{showCacheCluster(c, c.config.name, false, r.now)}, nil
}

// zone gives that of a node: the one that was said, or one that ElastiCache chose.
func (c *cache) zone(shard, node int) string {
	if shard < len(c.config.zones) && node < len(c.config.zones[shard]) {
		return c.config.zones[shard][node]
	}
	return zoneOf(c.place, node)
}

// zoneOf spreads nodes over the zones of a Region.
func zoneOf(p place, n int) string { return p.region + string("abc"[n%3]) }

func cacheEndpoint(c *cache, name string) string {
	return name + "." + hashed(6, c.account, c.region) + ".cache.amazonaws.com"
}
