package sandbox

import (
	"slices"
	"strings"
	"time"
)

// cacheChange reads what a call is to change of a cache's settings. What is not said
// stays as it is.
type cacheChange struct {
	p *params
	c cacheConfig
	// immediately is not told by calls about serverless caches.
	immediately bool
}

func (x *cacheChange) text(param string, to *string) {
	if v := x.p.str(param); v != "" {
		*to = v
	}
}

func (x *cacheChange) flag(param string, to *bool) {
	if v := x.p.flag(param); v != nil {
		*to = *v
	}
}

func (x *cacheChange) number(param string, to *int) {
	if v := x.p.number(param); v != nil {
		*to = *v
	}
}

func (x *cacheChange) list(param, member string, to *[]string) {
	if v := x.p.list(param, member); len(v) > 0 {
		*to = v
	}
}

// nodes reads what can be changed of groups and clusters alike.
func (x *cacheChange) nodes() {
	x.list("SecurityGroupIds", "SecurityGroupId", &x.c.security)
	x.text("PreferredMaintenanceWindow", &x.c.maintenance)
	x.text("NotificationTopicArn", &x.c.topic)
	x.text("CacheParameterGroupName", &x.c.parameters)
	x.flag("AutoMinorVersionUpgrade", &x.c.minorUpgrade)
	x.number("SnapshotRetentionLimit", &x.c.retention)
	x.text("SnapshotWindow", &x.c.snapshotWindow)
	x.flag("ApplyImmediately", &x.immediately)
	for _, log := range readCacheLogs(x.p) {
		x.c.logs = slices.DeleteFunc(slices.Clone(x.c.logs), func(l cacheLog) bool { return l.kind == log.kind })
		if !log.off {
			x.c.logs = append(x.c.logs, log.cacheLog)
		}
	}
}

// modifyGroup changes a replication group.
//
// Amazon ElastiCache API Reference, ModifyReplicationGroup: a description has at most
// 255 characters; without ApplyImmediately changes wait for the maintenance window.
func (s *cacheState) modifyGroup(r *request) (any, error) {
	name := r.params.need("ReplicationGroupId")
	c, x, err := s.changing(r, formGroup, name)
	if err != nil {
		return nil, err
	}
	x.nodes()
	x.text("ReplicationGroupDescription", &x.c.description)
	x.flag("AutomaticFailoverEnabled", &x.c.failover)
	x.flag("MultiAZEnabled", &x.c.multiAZ)
	add, drop := x.p.list("UserGroupIdsToAdd", "member"), x.p.list("UserGroupIdsToRemove", "member")
	for _, id := range drop {
		if !slices.Contains(x.c.userGroups, id) {
			return nil, invalidCombination("User group %s is not associated with the replication group.", id)
		}
	}
	x.c.userGroups = slices.DeleteFunc(slices.Clone(x.c.userGroups), func(id string) bool { return slices.Contains(drop, id) })
	x.c.userGroups = append(x.c.userGroups, add...)
	if err := s.change(r, c, x); err != nil {
		return nil, err
	}
	return cacheGroupResult{showCacheGroup(c, r.now)}, nil
}

// modifyCluster changes a cluster outside of groups (Amazon ElastiCache API Reference,
// ModifyCacheCluster).
func (s *cacheState) modifyCluster(r *request) (any, error) {
	name := r.params.need("CacheClusterId")
	c, x, err := s.changing(r, formCluster, name)
	if err != nil {
		return nil, err
	}
	x.nodes()
	if err := s.change(r, c, x); err != nil {
		return nil, err
	}
	return cacheClusterResult{showCacheCluster(c, c.config.name, false, r.now)}, nil
}

// modifyServerless changes a serverless cache (Amazon ElastiCache API Reference,
// ModifyServerlessCache).
func (s *cacheState) modifyServerless(r *request) (any, error) {
	name := r.params.need("ServerlessCacheName")
	c, x, err := s.changing(r, formServerless, name)
	if err != nil {
		return nil, err
	}
	x.immediately = true
	x.text("Description", &x.c.description)
	x.list("SecurityGroupIds", "SecurityGroupId", &x.c.security)
	x.number("SnapshotRetentionLimit", &x.c.retention)
	x.text("DailySnapshotTime", &x.c.snapshotWindow)
	if id := x.p.str("UserGroupId"); id != "" {
		x.c.userGroups = []string{id}
	}
	const limits = "CacheUsageLimits."
	x.number(limits+"DataStorage.Minimum", &x.c.minGB)
	x.number(limits+"DataStorage.Maximum", &x.c.maxGB)
	x.number(limits+"ECPUPerSecond.Minimum", &x.c.minECPU)
	x.number(limits+"ECPUPerSecond.Maximum", &x.c.maxECPU)
	x.p.ignore(limits + "DataStorage.Unit")
	if err := s.change(r, c, x); err != nil {
		return nil, err
	}
	return serverlessCacheResult{showServerlessCache(c, r.now)}, nil
}

// changing finds the cache that is to be changed.
func (s *cacheState) changing(r *request, form cacheForm, name string) (*cache, *cacheChange, error) {
	c, ok := s.region(r.place()).cache(form, name, r.now)
	if !ok {
		return nil, nil, cacheNotFound(form, name)
	}
	return c, &cacheChange{p: r.params, c: c.config}, nil
}

// change makes a change: modifying for a while, then available.
func (s *cacheState) change(r *request, c *cache, x *cacheChange) error {
	if err := x.p.check(); err != nil {
		return err
	}
	if err := firstError(c.mustBe(r.now, "modify", statusAvailable), checkCache(c.form, x.c), checkCacheDescription(x.c.description)); err != nil {
		return err
	}
	if !x.immediately {
		return notSimulated("changes that wait for the maintenance window")
	}
	c.before, c.config, c.changed = c.config, x.c, r.now
	c.status.set(r.now, statusModifying)
	c.status.then(r.now.Add(s.aws.options.Durations.Configure.Base), statusAvailable)
	return nil
}

// checkCacheDescription: API Reference, ModifyReplicationGroup and CreateServerlessCache:
// "Maximum length is 255 characters."
func checkCacheDescription(text string) error {
	if len(text) > 255 {
		return invalidValue("The description is longer than 255 characters.")
	}
	return nil
}

// readCacheLog is a log that a call switches on or off.
type readCacheLog struct {
	cacheLog
	off bool
}

func readCacheLogs(p *params) []readCacheLog {
	var out []readCacheLog
	for _, prefix := range p.members("LogDeliveryConfigurations", "LogDeliveryConfigurationRequest") {
		log := cacheLog{p.str(prefix + ".LogType"), p.str(prefix + ".DestinationType"), p.str(prefix + ".LogFormat"), ""}
		log.target = p.str(prefix+".DestinationDetails.CloudWatchLogsDetails.LogGroup") +
			p.str(prefix+".DestinationDetails.KinesisFirehoseDetails.DeliveryStream")
		on := p.flag(prefix + ".Enabled")
		out = append(out, readCacheLog{log, on != nil && !*on})
	}
	return out
}

// engineRelease finds the release that a new cache runs.
//
// Amazon ElastiCache User Guide, "Supported engines and versions": from version 6 of
// Redis OSS on, and with Valkey, a version is named by two numbers, and the patch is
// ElastiCache's affair; before that all three are named.
func engineRelease(engine, version string) (string, error) {
	if version == "" || engine == "memcached" {
		return version, nil
	}
	full := map[string]string{
		"redis 5.0.6": "5.0.6", "redis 6.0": "6.0.5", "redis 6.2": "6.2.6", "redis 7.0": "7.0.7", "redis 7.1": "7.1.0",
		"valkey 7.2": "7.2.6", "valkey 8.0": "8.0.1", "valkey 8.1": "8.1.0",
	}[engine+" "+version]
	if full == "" {
		return "", invalidValue("Cannot find version %s for %s", version, engine)
	}
	return full, nil
}

// checkToken says what is wrong with an AUTH token (API Reference,
// CreateReplicationGroup, AuthToken).
func checkToken(token string) error {
	if token == "" {
		return nil
	}
	ok := len(token) >= 16 && len(token) <= 128
	for _, c := range token {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		ok = ok && (letter || strings.ContainsRune("!&#$^<>-", c))
	}
	if !ok {
		return invalidValue("Invalid AuthToken provided.")
	}
	return nil
}

// older compares versions number by number.
func older(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return len(x[i]) < len(y[i]) || len(x[i]) == len(y[i]) && x[i] < y[i]
		}
	}
	return false
}

// zonesIn says whether zones are of a Region.
func zonesIn(region string, zones []string) error {
	for _, z := range zones {
		if len(z) != len(region)+1 || !strings.HasPrefix(z, region) || z[len(region)] < 'a' || z[len(region)] > 'f' {
			return invalidValue("%s is not a valid availability zone.", z)
		}
	}
	return nil
}

// CacheAnswering gives the name of the cache that answers at an address in a Region of
// an account; nothing where none does.
func (a *AWS) CacheAnswering(account, region, address string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for _, c := range a.elasticache.region(place{account, region}).caches {
		if !c.exists(now) || !c.status.in(now, statusAvailable, statusModifying, statusSnapshotting) {
			continue
		}
		if slices.Contains(c.addresses(now), strings.TrimSuffix(address, ".")) {
			return c.config.name
		}
	}
	return ""
}

// addresses are those at which a cache answers.
func (c *cache) addresses(now time.Time) []string {
	if c.form == formServerless {
		if x := showServerlessCache(c, now); x.Endpoint != nil {
			return []string{x.Endpoint.Address}
		}
		return nil
	}
	var out []string
	for _, shard := range c.members() {
		for _, node := range shard {
			out = append(out, cacheEndpoint(c, node))
		}
	}
	if c.form != formGroup {
		return out
	}
	if c.config.clusterMode {
		return append(out, cacheEndpoint(c, "clustercfg."+c.config.name))
	}
	return append(out, cacheEndpoint(c, "master."+c.config.name), cacheEndpoint(c, "replica."+c.config.name))
}

// CacheToken gives the AUTH token of a cache; empty where it has none or was seeded.
func (a *AWS) CacheToken(account, region, form, name string) (token string, err error) {
	err = a.onCache(account, region, form, name, "look at its AUTH token", func(c *cache, _ time.Time) error {
		token = c.config.token
		return nil
	})
	return token, err
}
