package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SeedCluster is a provisioned Redshift cluster. What is left out has the defaults
// of CreateCluster, and: 2 nodes of ra3.large, user "admin", database "dev".
type SeedCluster struct {
	NodeType          string            `yaml:"node-type"`
	Nodes             int               `yaml:"nodes"`
	Size              int               `yaml:"size"` // GiB
	Status            string            `yaml:"status"`
	Key               string            `yaml:"key"`
	Age               Age               `yaml:"age"`
	Tags              map[string]string `yaml:"tags"`
	User              string            `yaml:"user"`
	DBName            string            `yaml:"db-name"`
	SubnetGroup       string            `yaml:"subnet-group"`
	ParameterGroup    string            `yaml:"parameter-group"`
	SecurityGroups    []string          `yaml:"security-groups"`
	Roles             []string          `yaml:"roles"`
	MaintenanceWindow string            `yaml:"maintenance-window"`
	Schedule          string            `yaml:"snapshot-schedule"`
	Public            bool              `yaml:"public"`
	EnhancedRouting   bool              `yaml:"enhanced-vpc-routing"`
	MultiAZ           bool              `yaml:"multi-az"`
	Relocation        bool              `yaml:"relocation"`
	// Retention is for how many days automated snapshots are kept; default 1.
	// With 0, which ra3 nodes cannot have, there are none.
	Retention *int `yaml:"retention"`
	// SnapshotCopy is the Region to which Redshift copies its snapshots.
	SnapshotCopy SeedSnapshotCopy `yaml:"snapshot-copy"`
	// Tables are those of its database, as schema and table: "public.orders".
	Tables []string `yaml:"tables"`
	// Logging is where its audit logs go. The bucket exists then.
	Logging SeedLogging `yaml:"logging"`
}

// SeedSnapshotCopy is how the snapshots of a cluster are copied to another Region.
type SeedSnapshotCopy struct {
	Region string `yaml:"region"`
	// Days is for how long copies of automated snapshots are kept, by default 7;
	// ManualDays those of manual ones, by default for ever (-1).
	Days       int    `yaml:"days"`
	ManualDays int    `yaml:"manual-days"`
	Grant      string `yaml:"grant"`
}

// SeedLogging is where the audit logs of a cluster go.
type SeedLogging struct {
	To      string   `yaml:"to"` // s3 or cloudwatch
	Bucket  string   `yaml:"bucket"`
	Prefix  string   `yaml:"prefix"`
	Exports []string `yaml:"exports"`
}

func (l SeedLogging) config() clusterLogging {
	return clusterLogging{l.To, l.Bucket, l.Prefix, l.Exports}
}

func (l SeedLogging) check() error {
	if l.To == "" && l.Bucket == "" && l.Prefix == "" && len(l.Exports) == 0 {
		return nil
	}
	return checkLogging(l.config())
}

// check says what is wrong with the copies of a cluster's snapshots.
//
// Amazon Redshift API Reference, EnableSnapshotCopy: RetentionPeriod "must be at
// least 1 and no more than 35".
func (c SeedSnapshotCopy) check() error {
	switch {
	case c == SeedSnapshotCopy{}:
		return nil
	case c.Region == "":
		return invalidValue("snapshot-copy: region: the Region is missing to which snapshots are copied")
	case c.Days < 0 || c.Days > 35:
		return invalidValue("snapshot-copy: days: it must be at least 1 and no more than 35")
	case c.ManualDays == 0:
		return nil
	}
	return checkRetention(&c.ManualDays)
}

// SeedClusterSnapshot is a manual snapshot of a Redshift cluster. Automated ones
// are there by themselves.
type SeedClusterSnapshot struct {
	// Of names the cluster, which may be gone.
	Of     string            `yaml:"of"`
	Name   string            `yaml:"name"`
	Age    Age               `yaml:"age"`
	Status string            `yaml:"status"` // available or failed
	Tags   map[string]string `yaml:"tags"`
	Shared []string          `yaml:"shared"`
}

func (c SeedCluster) config(name string) clusterConfig {
	of := clusterConfig{
		name: strings.ToLower(name), nodeType: or(c.NodeType, "ra3.large"), nodes: max(c.Nodes, 1), size: c.Size,
		user: or(c.User, "admin"), dbName: or(c.DBName, "dev"), port: 5439, upgrade: true, retention: 1, manualRetention: -1,
		subnetGroup: c.SubnetGroup, parameterGroup: c.ParameterGroup, securityGroups: c.SecurityGroups, roles: c.Roles,
		maintenanceWindow: c.MaintenanceWindow, schedule: c.Schedule, public: c.Public, enhanced: c.EnhancedRouting,
		multiAZ: c.MultiAZ, relocation: c.Relocation, copies: c.SnapshotCopy,
	}
	if c.Nodes == 0 {
		of.nodes = 2
	}
	if c.Retention != nil {
		of.retention = *c.Retention
	}
	return of
}

func (s *redshiftState) seed(p place, in SeedRegion, now time.Time) error {
	g := s.region(p, now)
	g.addGroups(in.ClusterGroups)
	for _, name := range slices.Sorted(maps.Keys(in.CopyGrants)) {
		key, ok := s.aws.keys.resolve(p, or(in.CopyGrants[name], "alias/aws/redshift"))
		if !ok {
			return fmt.Errorf("snapshot copy grant %s: there is no KMS key %q", name, in.CopyGrants[name])
		}
		if x, there := g.grant(name, now); there {
			x.key = key // A cluster has named it before.
			continue
		}
		g.addGrant(name, key, tagSet{}, time.Time{})
	}
	for _, name := range slices.Sorted(maps.Keys(in.Clusters)) {
		if err := s.seedCluster(g, name, in.Clusters[name], now); err != nil {
			return fmt.Errorf("cluster %s: %w", name, err)
		}
	}
	for _, snap := range in.ClusterSnapshots {
		if err := s.seedClusterSnapshot(g, snap, now); err != nil {
			return fmt.Errorf("cluster snapshot %s of %s: %w", snap.Name, snap.Of, err)
		}
	}
	return nil
}

func (s *redshiftState) seedCluster(g *redshiftRegion, name string, in SeedCluster, now time.Time) error {
	of := in.config(name)
	if _, taken := g.cluster(of.name, now); taken {
		return errors.New("there is one of this name already")
	}
	if in.Key != "" {
		key, ok := s.aws.keys.resolve(g.place, in.Key)
		if !ok {
			return fmt.Errorf("there is no KMS key %q", in.Key)
		}
		of.key = key
	}
	created := now.Add(-time.Duration(in.Age))
	if to := of.copies; to.Grant != "" {
		there := s.bare(place{g.account, to.Region})
		if _, ok := there.grant(to.Grant, now); !ok { // It comes into being by being named.
			there.addGrant(to.Grant, aliasKey(there.place, "alias/aws/redshift"), tagSet{}, time.Time{})
		}
	}
	c := s.addCluster(g, of, tagSet(maps.Clone(in.Tags)), created)
	g.groups = append(g.groups, slices.DeleteFunc(of.named(), func(x redshiftGroup) bool { return slices.Contains(g.groups, x) })...)
	s.tablesOf(c.namespace).set(created, seededTables(of.dbName, in.Tables))
	c.status.set(created, statusAvailable)
	if to := in.Logging.config(); to.to != "" {
		c.logging.set(created, to)
		if to.bucket != "" {
			s.buckets[to.bucket] = g.region
		}
	}
	s.catchUp(g, now)
	if in.Status != "" {
		c.status.set(now, in.Status)
	}
	return nil
}

func (s *redshiftState) seedClusterSnapshot(g *redshiftRegion, in SeedClusterSnapshot, now time.Time) error {
	taken := now.Add(-time.Duration(in.Age))
	snap := &clusterSnapshot{place: g.place, name: strings.ToLower(in.Name), kind: "manual", taken: taken, started: taken, ready: taken}
	if _, there := g.snapshot(snap.name, now); there {
		return errors.New("there is one of this name already")
	}
	if c, ok := g.cluster(in.Of, now); ok {
		snap.of, snap.namespace, snap.clusterCreated = c.config.get(now), c.namespace, c.created
	} else {
		snap.of, snap.clusterCreated = SeedCluster{}.config(in.Of), taken
		snap.namespace = hashedUUID(g.account, g.region, in.Of, "gone")
		fillCluster(&snap.of, g.place)
	}
	snap.status.set(taken, or(in.Status, statusAvailable))
	snap.tags.set(taken, tagSet(maps.Clone(in.Tags)))
	snap.shared.set(taken, slices.Clone(in.Shared))
	snap.keep(-1, taken)
	g.snapshots = append(g.snapshots, snap)
	return nil
}

// checkRedshift says what is wrong with the Redshift part of a seed by itself.
func (r SeedRegion) checkRedshift(path ...string) error {
	in := func(more ...string) []string { return append(slices.Clone(path), more...) }
	for _, name := range slices.Sorted(maps.Keys(r.Clusters)) {
		c := r.Clusters[name]
		if err := firstError(checkCluster(c.config(name)), checkRedshiftSeedTags(c.Tags), c.SnapshotCopy.check(), c.Logging.check()); err != nil {
			return at(plain(err), in("redshift-clusters", name)...)
		}
	}
	for i, snap := range r.ClusterSnapshots {
		err := firstError(checkClusterSnapshotName("name", snap.Name), checkRedshiftSeedTags(snap.Tags))
		switch {
		case err != nil:
		case snap.Of == "":
			err = errors.New("of: the cluster's name is missing")
		case !slices.Contains([]string{"", statusAvailable, statusFailed}, snap.Status):
			err = fmt.Errorf("status: %q is none of available, failed", snap.Status)
		}
		if err != nil {
			return at(plain(err), in("redshift-snapshots", fmt.Sprintf("[%d]", i))...)
		}
	}
	return r.checkServerless(path...)
}

func checkRedshiftSeedTags(tags map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if strings.HasPrefix(k, "aws:") {
			continue
		}
		if err := checkRedshiftTag(k, tags[k]); err != nil {
			return err
		}
	}
	return nil
}
