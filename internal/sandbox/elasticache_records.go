package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// cacheForm is one of the forms in which there are caches, as it stands in ARNs.
type cacheForm string

const (
	formGroup      cacheForm = "replicationgroup"
	formCluster    cacheForm = "cluster"
	formServerless cacheForm = "serverlesscache"
)

// cacheConfig is what can be set on a cache. Not every form has all of it. The
// slices in it are never written to.
type cacheConfig struct {
	name, description, engine, version  string
	node                                string
	shards, replicas, nodes             int // nodes is of Memcached clusters.
	clusterMode, dataTiering            bool
	failover, multiAZ, minorUpgrade     bool
	tls, auth, atRest                   bool
	tlsMode, key, token                 string
	port, retention                     int
	parameters, subnets, topic          string
	maintenance, snapshotWindow         string
	security, subnetIDs, userGroups     []string
	logs                                []cacheLog
	zones                               [][]string // Of the nodes by shard, where they were said.
	minGB, maxGB, minECPU, maxECPU, gib int        // gib is how much data it holds.
}

type cacheLog struct{ kind, destination, format, target string }

// cache is a replication group, a cluster outside of groups or a serverless cache.
type cache struct {
	place
	form    cacheForm
	created time.Time
	config  cacheConfig
	// before is the configuration until it was changed last.
	before  cacheConfig
	changed time.Time
	status  status
	tags    timeline[tagSet]
	// failNext is how many of the next snapshots will fail.
	failNext int
	// seeded names what it was made from: snapshots, or objects by their ARNs.
	seeded []string
	// taken holds when manual snapshots were begun, by node; the quota counts them
	// even when they are gone.
	taken map[string][]time.Time
}

func (c *cache) exists(when time.Time) bool { return c.status.exists(when) }

// configAt gives the configuration as of a moment.
func (c *cache) configAt(when time.Time) cacheConfig {
	if when.Before(c.changed) {
		return c.before
	}
	return c.config
}

func (c *cache) arn() arn { return arn{"elasticache", c.place, string(c.form), c.config.name} }

// members gives the names of a group's clusters by shard, primaries first; of the
// other forms its own.
func (c *cache) members() [][]string {
	if c.form != formGroup {
		return [][]string{{c.config.name}}
	}
	var out [][]string
	for shard := range c.config.shards {
		var nodes []string
		for n := range c.config.replicas + 1 {
			if c.config.clusterMode {
				nodes = append(nodes, fmt.Sprintf("%s-%04d-%03d", c.config.name, shard+1, n+1))
			} else {
				nodes = append(nodes, fmt.Sprintf("%s-%03d", c.config.name, n+1))
			}
		}
		out = append(out, nodes)
	}
	return out
}

// sources gives the node of each shard that a snapshot is taken from: the last
// replica, or the primary where there is none.
func (c *cache) sources() []string {
	var out []string
	for _, shard := range c.members() {
		out = append(out, shard[len(shard)-1])
	}
	return out
}

// memberStatus gives the status of one of a group's clusters.
func (c *cache) memberStatus(name string, when time.Time) string {
	got := c.status.get(when)
	if got == statusSnapshotting && !slices.Contains(c.sources(), name) {
		return statusAvailable
	}
	return got
}

// cacheSnapshot is a snapshot of a cache.
type cacheSnapshot struct {
	place
	name string
	// automated ones are made by ElastiCache.
	automated bool
	form      cacheForm
	// of is the cache's configuration when the snapshot was taken; cluster the one
	// node it was taken of, where it was one.
	of             cacheConfig
	cluster        string
	nodes          []string
	started, ready time.Time
	cacheCreated   time.Time
	status         status
	tags           timeline[tagSet]
	key            string
}

func (s *cacheSnapshot) exists(when time.Time) bool { return s.status.exists(when) }

func (s *cacheSnapshot) serverless() bool { return s.form == formServerless }

func (s *cacheSnapshot) arn() arn {
	if s.serverless() {
		return arn{"elasticache", s.place, "serverlesssnapshot", s.name}
	}
	return arn{"elasticache", s.place, "snapshot", s.name}
}

// Statuses that only ElastiCache has.
const (
	statusSnapshotting = "snapshotting"
	statusRestoring    = "restoring"
	statusExporting    = "exporting"
)
