package sandbox

import "strings"

type (
	cacheGroupResult  struct{ ReplicationGroup cacheGroupXML }
	cacheGroupsResult struct {
		Marker            string `xml:",omitempty"`
		ReplicationGroups struct{ ReplicationGroup []cacheGroupXML }
	}
)

// createGroup makes a replication group. One with several shards, or whose
// parameter group says so, is in cluster mode.
//
// Amazon ElastiCache API Reference, CreateReplicationGroup.
func (s *cacheState) createGroup(r *request) (any, error) {
	p := r.params
	c := cacheConfig{name: p.need("ReplicationGroupId"), description: p.need("ReplicationGroupDescription")}
	if n := p.number("NumNodeGroups"); n != nil {
		c.shards = *n
	}
	switch total := p.number("NumCacheClusters"); {
	case p.has("ReplicasPerNodeGroup"):
		c.replicas = *firstNumber(p.number("ReplicasPerNodeGroup"))
	case total != nil:
		c.replicas = max(*total, 1) - 1
	}
	c.failover, c.multiAZ = p.isSet("AutomaticFailoverEnabled"), p.isSet("MultiAZEnabled")
	c.atRest, c.dataTiering = p.isSet("AtRestEncryptionEnabled"), p.isSet("DataTieringEnabled")
	c.userGroups = p.list("UserGroupIds", "member")
	if zones := p.list("PreferredCacheClusterAZs", "AvailabilityZone"); len(zones) > 0 {
		c.zones = [][]string{zones}
	}
	key, mode := p.str("KmsKeyId"), p.str("ClusterMode")
	readCacheSettings(p, &c)
	if err := readShards(p, &c); err != nil {
		return nil, err
	}
	c.clusterMode = mode == "enabled" || c.shards > 1 || strings.Contains(c.parameters, ".cluster.on")
	return s.add(r, formGroup, c, key, readCacheSource(p), func(made *cache) any { return cacheGroupResult{showCacheGroup(made, r.now)} })
}

func firstNumber(n *int) *int {
	if n == nil {
		n = new(int)
	}
	return n
}

// readCacheSettings reads what groups and clusters have in common.
func readCacheSettings(p *params, c *cacheConfig) {
	c.engine, c.version, c.node = p.str("Engine"), p.str("EngineVersion"), p.str("CacheNodeType")
	c.parameters, c.subnets, c.topic = p.str("CacheParameterGroupName"), p.str("CacheSubnetGroupName"), p.str("NotificationTopicArn")
	c.maintenance, c.snapshotWindow = p.str("PreferredMaintenanceWindow"), p.str("SnapshotWindow")
	c.security = p.list("SecurityGroupIds", "SecurityGroupId")
	c.tls, c.tlsMode, c.token = p.isSet("TransitEncryptionEnabled"), p.str("TransitEncryptionMode"), p.str("AuthToken")
	c.auth = c.token != ""
	for _, param := range [...]string{"NetworkType", "IpDiscovery"} {
		if v := p.str(param); v != "" && v != "ipv4" {
			p.fail(notSimulated("%s %s", param, v))
		}
	}
	c.port, c.retention = *firstNumber(p.number("Port")), *firstNumber(p.number("SnapshotRetentionLimit"))
	upgrade := p.flag("AutoMinorVersionUpgrade")
	c.minorUpgrade = upgrade == nil || *upgrade
	for _, log := range readCacheLogs(p) {
		c.logs = append(c.logs, log.cacheLog)
	}
}

// add makes a cache: creating, then available.
func (s *cacheState) add(r *request, form cacheForm, c cacheConfig, key string, source cacheSource, show func(*cache) any) (any, error) {
	tags, err := readCacheTags(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	if form != formServerless {
		if c.version, err = engineRelease(or(c.engine, "redis"), c.version); err != nil {
			return nil, err
		}
	}
	if err := firstError(checkToken(c.token), checkCacheDescription(c.description)); err != nil {
		return nil, err
	}
	for _, zones := range c.zones {
		if err := zonesIn(r.region, zones); err != nil {
			return nil, err
		}
	}
	data, err := s.dataFor(r, form, &c, source)
	if err != nil {
		return nil, err
	}
	fillCacheDefaults(&c, r.place())
	if c.key, err = s.cacheKey(r.place(), key); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	if err := firstError(checkCache(form, c), g.cacheNameFree(form, c.name, r)); err != nil {
		return nil, err
	}
	made := &cache{place: r.place(), form: form, created: r.now, config: c, seeded: data.names}
	made.status.set(r.now, statusCreating)
	done := r.now.Add(s.aws.options.Durations.Create.of(c.gib))
	if len(data.names) > 0 {
		done = done.Add(s.aws.options.Durations.Copy.of(c.gib))
	}
	made.status.then(done, data.outcome(form))
	made.tags.set(r.now, tags)
	data.hold(r.now, done)
	g.caches = append(g.caches, made)
	return show(made), nil
}

func (s *cacheState) cacheKey(p place, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	key, ok := s.aws.keys.resolve(p, name)
	if !ok {
		return "", refuse("InvalidKMSKeyFault", "The KMS key supplied is not valid: %s", name)
	}
	return key, nil
}

func (g *cacheRegion) cacheNameFree(form cacheForm, name string, r *request) error {
	if _, taken := g.cache(form, name, r.now); !taken {
		return nil
	}
	switch form {
	case formGroup:
		return refuse("ReplicationGroupAlreadyExists", "The specified replication group already exists: %s", name)
	case formServerless:
		return refuse("ServerlessCacheAlreadyExistsFault", "A serverless cache with this name already exists: %s", name)
	default:
		return refuse("CacheClusterAlreadyExists", "Cache cluster already exists: %s", name)
	}
}

func (s *cacheState) describeGroups(r *request) (any, error) {
	name := r.params.str("ReplicationGroupId")
	pg, err := readCachePage(r.params, "MaxRecords", "Marker", 20, 100)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	var found []cacheGroupXML
	for _, c := range s.region(r.place()).caches {
		if c.form == formGroup && c.exists(r.view) && (name == "" || strings.EqualFold(c.config.name, name)) {
			found = append(found, showCacheGroup(c, r.view))
		}
	}
	if name != "" && len(found) == 0 {
		return nil, cacheNotFound(formGroup, name)
	}
	var out cacheGroupsResult
	out.ReplicationGroups.ReplicationGroup, out.Marker = cut(found, func(x cacheGroupXML) string { return x.ReplicationGroupId }, pg)
	return out, nil
}

func (s *cacheState) deleteGroup(r *request) (any, error) {
	name, final, retain := r.params.need("ReplicationGroupId"), r.params.str("FinalSnapshotIdentifier"), r.params.isSet("RetainPrimaryCluster")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	if retain {
		return nil, notSimulated("RetainPrimaryCluster of DeleteReplicationGroup")
	}
	c, ok := s.region(r.place()).cache(formGroup, name, r.now)
	if !ok {
		return nil, cacheNotFound(formGroup, name)
	}
	if err := c.mustBe(r.now, "delete", statusAvailable, "create-failed"); err != nil {
		return nil, err
	}
	if err := s.remove(r, c, final, formGroup); err != nil {
		return nil, err
	}
	return cacheGroupResult{showCacheGroup(c, r.now)}, nil
}

func cacheNotFound(form cacheForm, name string) error {
	switch form {
	case formGroup:
		return notFound("ReplicationGroupNotFoundFault", "ReplicationGroup %s not found.", name)
	case formServerless:
		return notFound("ServerlessCacheNotFoundFault", "Serverless cache %s not found.", name)
	default:
		return notFound("CacheClusterNotFound", "CacheCluster not found: %s", name)
	}
}
