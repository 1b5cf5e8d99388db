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
		multiAZ: c.MultiAZ, relocation: c.Relocation,
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
	c := s.addCluster(g, of, tagSet(maps.Clone(in.Tags)), created)
	c.status.set(created, statusAvailable)
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
		if err := firstError(checkCluster(r.Clusters[name].config(name)), checkRedshiftSeedTags(r.Clusters[name].Tags)); err != nil {
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
