package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SeedCache is a cache of ElastiCache. What is left out has the defaults of AWS,
// and: a replication group of one node, redis, cache.t4g.micro.
type SeedCache struct {
	// Form is group, cluster (outside of groups) or serverless; default group.
	Form        string `yaml:"form"`
	Engine      string `yaml:"engine"`
	Version     string `yaml:"version"`
	Node        string `yaml:"node"`
	Description string `yaml:"description"`
	Shards      int    `yaml:"shards"`
	Replicas    int    `yaml:"replicas"`
	// Nodes is of Memcached clusters.
	Nodes          int               `yaml:"nodes"`
	ClusterMode    bool              `yaml:"cluster-mode"`
	Status         string            `yaml:"status"`
	Key            string            `yaml:"key"`
	Age            Age               `yaml:"age"`
	Tags           map[string]string `yaml:"tags"`
	MultiAZ        bool              `yaml:"multi-az"`
	Failover       bool              `yaml:"automatic-failover"`
	TLS            bool              `yaml:"tls"`
	Auth           bool              `yaml:"auth"`
	AtRest         bool              `yaml:"at-rest"`
	DataTiering    bool              `yaml:"data-tiering"`
	Port           int               `yaml:"port"`
	Retention      int               `yaml:"retention"`
	ParameterGroup string            `yaml:"parameter-group"`
	SubnetGroup    string            `yaml:"subnet-group"`
	Subnets        []string          `yaml:"subnets"`
	SecurityGroups []string          `yaml:"security-groups"`
	UserGroups     []string          `yaml:"user-groups"`
	Topic          string            `yaml:"topic"`
	SnapshotWindow string            `yaml:"snapshot-window"`
	Maintenance    string            `yaml:"maintenance-window"`
	// SlowLog names the log group that the slow log goes to.
	SlowLog string `yaml:"slow-log"`
	// Size is how many GiB of data it holds; MaxSize and MaxECPU are the limits of
	// a serverless one.
	Size    int `yaml:"size"`
	MaxSize int `yaml:"max-size"`
	MaxECPU int `yaml:"max-ecpu"`
}

// SeedCacheSnapshot is a snapshot of a cache.
type SeedCacheSnapshot struct {
	// Of names the cache and Form its form. Where there is none (any more) the
	// snapshot is of one that has been deleted.
	Of   string `yaml:"of"`
	Form string `yaml:"form"`
	Name string `yaml:"name"`
	Age  Age    `yaml:"age"`
	// Type is manual or automated; default manual.
	Type string `yaml:"type"`
	// Status is default available.
	Status string            `yaml:"status"`
	Tags   map[string]string `yaml:"tags"`
}

func seedForm(s string) (cacheForm, error) {
	switch s {
	case "", "group":
		return formGroup, nil
	case "cluster":
		return formCluster, nil
	case "serverless":
		return formServerless, nil
	}
	return "", fmt.Errorf("form: %q is none of group, cluster, serverless", s)
}

func (s SeedCache) config(name string, p place) cacheConfig {
	c := cacheConfig{
		name: name, description: s.Description, engine: s.Engine, version: s.Version, node: s.Node, shards: s.Shards, replicas: s.Replicas,
		nodes: s.Nodes, clusterMode: s.ClusterMode || s.Shards > 1, dataTiering: s.DataTiering, failover: s.Failover || s.MultiAZ, multiAZ: s.MultiAZ,
		minorUpgrade: true, tls: s.TLS, auth: s.Auth, atRest: s.AtRest, port: s.Port, retention: s.Retention, parameters: s.ParameterGroup,
		subnets: s.SubnetGroup, topic: s.Topic, maintenance: s.Maintenance, snapshotWindow: s.SnapshotWindow, security: s.SecurityGroups,
		subnetIDs: s.Subnets, userGroups: s.UserGroups, maxGB: s.MaxSize, maxECPU: s.MaxECPU, gib: s.Size,
	}
	if s.SlowLog != "" {
		c.logs = []cacheLog{{"slow-log", "cloudwatch-logs", "json", s.SlowLog}}
	}
	fillCacheDefaults(&c, p)
	return c
}

// checkCaches says what is wrong with a Region's caches by themselves.
func (r SeedRegion) checkCaches(in func(...string) []string) error {
	for _, name := range slices.Sorted(maps.Keys(r.Caches)) {
		seed := r.Caches[name]
		form, err := seedForm(seed.Form)
		if err == nil {
			err = firstError(checkCache(form, seed.config(name, place{})), checkSeedTags(seed.Tags))
		}
		if err != nil {
			return at(plain(err), in("caches", name)...)
		}
	}
	for i, snap := range r.CacheSnapshots {
		form, err := seedForm(snap.Form)
		switch {
		case err != nil:
		case snap.Of == "":
			err = errors.New("of: the cache's name is missing")
		case !slices.Contains([]string{"", "manual", "automated"}, snap.Type):
			err = fmt.Errorf("type: %q is none of manual, automated", snap.Type)
		case snap.Type != "automated":
			err = checkSnapshotName(snap.Name, form)
		}
		if err = firstError(err, checkSeedTags(snap.Tags)); err != nil {
			return at(plain(err), in("cache-snapshots", fmt.Sprintf("[%d]", i))...)
		}
	}
	return nil
}

// seedRegion puts in the caches and snapshots of a seed.
func (s *cacheState) seedRegion(p place, in SeedRegion, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(in.Caches)) {
		if err := s.seedCache(p, name, in.Caches[name], now); err != nil {
			return fmt.Errorf("cache %s: %w", name, err)
		}
	}
	for _, snap := range in.CacheSnapshots {
		if err := s.seedSnapshot(p, snap, now); err != nil {
			return fmt.Errorf("snapshot %s of the cache %s: %w", snap.Name, snap.Of, err)
		}
	}
	return nil
}

func (s *cacheState) seedCache(p place, name string, in SeedCache, now time.Time) error {
	form, err := seedForm(in.Form)
	if err != nil {
		return err
	}
	g, c := s.region(p), in.config(name, p)
	if _, taken := g.cache(form, c.name, now); taken {
		return errors.New("there is one of this name already")
	}
	if c.key, err = s.cacheKey(p, in.Key); err != nil {
		return plain(err)
	}
	created := now.Add(-time.Duration(in.Age))
	made := &cache{place: p, form: form, created: created, config: c}
	made.status.set(created, or(in.Status, statusAvailable))
	made.tags.set(created, tagSet(maps.Clone(in.Tags)))
	g.caches = append(g.caches, made)
	return nil
}

func (s *cacheState) seedSnapshot(p place, in SeedCacheSnapshot, now time.Time) error {
	form, err := seedForm(in.Form)
	if err != nil {
		return err
	}
	g, taken := s.region(p), now.Add(-time.Duration(in.Age))
	name := strings.ToLower(or(in.Name, "automatic."+in.Of+taken.UTC().Format("-2006-01-02-15-04")))
	if _, there := g.snapshot(form == formServerless, name, now); there {
		return errors.New("there is one of this name already")
	}
	c, ok := g.cache(form, in.Of, now)
	if !ok {
		c = &cache{place: p, form: form, created: taken, config: SeedCache{}.config(in.Of, p)}
	}
	snap := &cacheSnapshot{
		place: p, name: name, automated: in.Type == "automated", form: form, of: c.config, nodes: c.sources(), key: c.config.key,
		started: taken, ready: taken, cacheCreated: c.created,
	}
	if form == formCluster {
		snap.cluster = c.config.name
	}
	snap.status.set(taken, or(in.Status, statusAvailable))
	if in.Status == statusCreating {
		snap.ready = now.Add(s.aws.options.Durations.Snapshot.of(c.config.gib))
		snap.status.then(snap.ready, statusAvailable)
	}
	snap.tags.set(taken, tagSet(maps.Clone(in.Tags)))
	g.snapshots = append(g.snapshots, snap)
	return nil
}
