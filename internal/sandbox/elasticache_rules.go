package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// The longest names. Those of groups, clusters and serverless snapshots are from
// the Amazon ElastiCache API Reference (CreateReplicationGroup: 1–40,
// CreateCacheCluster: 1–50, CreateServerlessCacheSnapshot: 1–255); for snapshots
// of nodes and for serverless caches it states none, and that of groups is assumed.
const (
	maxCacheGroupName          = 40
	maxCacheClusterName        = 50
	maxCacheSnapshotName       = 40
	maxServerlessSnapshotName  = 255
	manualSnapshotsPerNode     = 20
	serverlessSnapshotsPerDay  = 24
	cacheSnapshotQuotaInterval = 24 * time.Hour
)

func checkSnapshotName(name string, form cacheForm) error {
	if form == formServerless {
		return checkName("ServerlessCacheSnapshotName", name, maxServerlessSnapshotName)
	}
	return checkName("SnapshotName", name, maxCacheSnapshotName)
}

// cacheEngines gives the engines with the version that is the default here.
func cacheEngines() map[string]string {
	return map[string]string{"redis": "7.1.0", "valkey": "8.0.1", "memcached": "1.6.22"}
}

// parameterGroupOf names the default parameter group, such as
// "default.redis7.cluster.on" (Amazon ElastiCache User Guide, "Parameter groups").
func parameterGroupOf(c cacheConfig) string {
	part := strings.Split(c.version, ".")
	major := part[0]
	if c.engine == "memcached" && len(part) > 1 {
		major += "." + part[1]
	}
	name := "default." + c.engine + major
	if c.clusterMode {
		name += ".cluster.on"
	}
	return name
}

// fillCacheDefaults gives a new cache what was not said.
func fillCacheDefaults(c *cacheConfig, p place) {
	c.name = strings.ToLower(c.name)
	c.engine = or(c.engine, "redis")
	c.version = or(c.version, cacheEngines()[c.engine])
	c.node = or(c.node, "cache.t4g.micro")
	c.parameters = or(c.parameters, parameterGroupOf(*c))
	c.subnets = or(c.subnets, "default")
	c.maintenance = or(c.maintenance, "sun:05:00-sun:06:00")
	c.snapshotWindow = or(c.snapshotWindow, "03:00-04:00")
	c.shards = max(c.shards, 1)
	c.nodes = max(c.nodes, 1)
	c.gib = max(c.gib, 1)
	if c.port == 0 {
		c.port = 6379
		if c.engine == "memcached" {
			c.port = 11211
		}
	}
	if c.tls {
		c.tlsMode = or(c.tlsMode, "required")
	}
	if len(c.security) == 0 {
		c.security = []string{"sg-" + hashed(17, "default", p.account, p.region)}
	}
}

// checkCache says what is wrong with a cache's settings.
func checkCache(form cacheForm, c cacheConfig) error {
	limit := maxCacheGroupName
	if form == formCluster {
		limit = maxCacheClusterName
	}
	_, known := cacheEngines()[c.engine]
	switch {
	case !known:
		return invalidValue("Invalid cache engine: %s", c.engine)
	case form == formGroup && c.engine == "memcached":
		return invalidValue("Engine memcached is not supported for replication groups.")
	case form == formServerless:
		return checkName("ServerlessCacheName", c.name, limit)
	case !strings.HasPrefix(c.node, "cache.") || strings.Count(c.node, ".") != 2:
		return invalidValue("Invalid cache node type: %s", c.node)
	case c.dataTiering != strings.HasPrefix(c.node, "cache.r6gd."):
		return invalidCombination("Data tiering must be enabled on nodes of the r6gd family, and on no others.")
	case form == formCluster && c.engine != "memcached" && c.nodes != 1:
		return invalidValue("Cannot create a Redis or Valkey cluster with a NumCacheNodes parameter greater than 1.")
	case c.shards > 1 && !c.clusterMode:
		return invalidCombination("Cluster mode must be enabled for more than one node group.")
	case c.multiAZ && c.replicas == 0, c.failover && c.replicas == 0 && !c.clusterMode:
		return invalidCombination("Automatic failover and Multi-AZ need at least one replica.")
	case len(c.zones) > 0 && form == formGroup && wrongZones(c):
		return invalidCombination("The number of availability zones must be that of the nodes.")
	case c.multiAZ && !c.failover:
		return invalidCombination("Multi-AZ needs automatic failover.")
	case c.token != "" && len(c.userGroups) > 0:
		return invalidCombination("An AUTH token and user groups cannot be combined.")
	case c.auth && !c.tls:
		return invalidCombination("The AUTH token is only supported when encryption-in-transit is enabled.")
	}
	return checkName("CacheClusterId", c.name, limit)
}

// wrongZones: API Reference, CreateReplicationGroup: "The number of Availability Zones
// listed must equal the value of NumCacheClusters."
func wrongZones(c cacheConfig) bool {
	for _, zones := range c.zones {
		if len(zones) != c.replicas+1 {
			return true
		}
	}
	return len(c.zones) != c.shards
}

// checkCacheTag checks one tag (Amazon ElastiCache User Guide, "Tagging your
// ElastiCache resources"; the same alphabet as elsewhere, and only AWS's own
// prefix is reserved).
func checkCacheTag(key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey || !tagText(key):
		return invalidValue("Invalid tag key '%s'. %s", key, tagAlphabet)
	case utf8.RuneCountInString(value) > maxTagValue || !tagText(value):
		return invalidValue("Invalid tag value '%s'. %s", value, tagAlphabet)
	case strings.HasPrefix(strings.ToLower(key), "aws:"):
		return invalidValue("Tag keys cannot start with the reserved prefix aws:")
	}
	return nil
}

func readCacheTags(p *params) (tagSet, error) {
	out := tagSet{}
	for _, prefix := range p.members("Tags", "Tag") {
		key, value := p.str(prefix+".Key"), p.str(prefix+".Value")
		if err := checkCacheTag(key, value); err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, invalidValue("Duplicate tag keys found: %s", key)
		}
		out[key] = value
	}
	return out, checkCacheTagCount(out)
}

// checkCacheTagCount: API Reference, TagQuotaPerResourceExceeded: 50.
func checkCacheTagCount(t tagSet) error {
	if len(t) > maxTags {
		return refuse("TagQuotaPerResourceExceeded", "The maximum number of tags permitted on a resource is %d.", maxTags)
	}
	return nil
}

// readCachePage reads which part of a listing a call asks for.
//
// Amazon ElastiCache API Reference: DescribeSnapshots takes 20 to 50 records,
// DescribeReplicationGroups and DescribeCacheClusters 20 to 100; the most is the
// default. The calls about serverless caches say MaxResults, at most 50, and
// NextToken.
func readCachePage(p *params, size, token string, least, most int) (page, error) {
	marker := p.str(token)
	n := p.number(size)
	got := page{size: most}
	if n != nil {
		if *n < least || *n > most {
			return got, invalidValue("Invalid value %d for %s. Must be between %d and %d", *n, size, least, most)
		}
		got.size = *n
	}
	if marker == "" {
		return got, nil
	}
	raw, err := base64.URLEncoding.DecodeString(marker)
	if err != nil || json.Unmarshal(raw, &got.after) != nil {
		return got, invalidValue("Invalid or expired marker: %s", marker)
	}
	return got, nil
}
