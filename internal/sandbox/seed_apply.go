package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Seed makes what a seed names exist, in addition to what is there. A seed with
// something wrong in itself is refused whole; one that does not fit what is there,
// such as a name that is taken, goes in up to that point.
func (a *AWS) Seed(s Seed) error {
	if err := s.check(); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	defer a.keys.whileSeeding()()
	for _, id := range slices.Sorted(maps.Keys(s.Accounts)) {
		in := s.Accounts[id]
		acc := a.account(id)
		acc.roles = append(acc.roles, in.Roles...)
		acc.denied = append(acc.denied, in.Deny...)
		if err := a.route53.seed(id, in.Zones, now); err != nil {
			return fmt.Errorf("seed: account %s: %w", id, err)
		}
		for _, name := range slices.Sorted(maps.Keys(in.Regions)) {
			if err := a.seedRegion(place{id, name}, in.Regions[name], now); err != nil {
				return fmt.Errorf("seed: account %s, Region %s: %w", id, name, err)
			}
		}
	}
	for _, f := range s.Faults {
		a.inject(f.fault())
	}
	return nil
}

func (a *AWS) seedRegion(p place, in SeedRegion, now time.Time) error {
	if err := a.keys.declare(p, in.Keys, now); err != nil {
		return err
	}
	for q, n := range in.Quotas {
		a.account(p.account).quotas[quotaKey{p.region, q}] = n
	}
	if err := a.ec2.seed(p, in, now); err != nil {
		return err
	}
	if err := firstError(a.redshift.seed(p, in, now), a.serverless.seed(p, in, now)); err != nil {
		return err
	}
	if err := a.elasticache.seedRegion(p, in, now); err != nil {
		return err
	}
	if err := firstError(a.secrets.seed(p, in.Secrets, now), a.ssm.seed(p, in.Parameters, now)); err != nil {
		return err
	}
	g := a.rds.region(p)
	a.rds.seedGroups(g, in, now)
	for _, name := range slices.Sorted(maps.Keys(in.Databases)) {
		if err := a.rds.seedInstance(g, name, in.Databases[name], now); err != nil {
			return fmt.Errorf("database %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.DBClusters)) {
		if err := a.rds.seedCluster(g, name, in.DBClusters[name], now); err != nil {
			return fmt.Errorf("DB cluster %s: %w", name, err)
		}
	}
	for _, snap := range in.DBClusterSnapshots {
		if err := a.rds.seedClusterSnapshot(g, snap, now); err != nil {
			return fmt.Errorf("snapshot %s of the DB cluster %s: %w", snap.Name, snap.Of, err)
		}
	}
	for _, snap := range in.Snapshots {
		if err := a.rds.seedSnapshot(g, snap, now); err != nil {
			return fmt.Errorf("snapshot %s of %s: %w", snap.Name, snap.Of, err)
		}
	}
	return nil
}

// seedGroups puts in groups that were there for long.
func (s *rdsState) seedGroups(g *rdsRegion, in SeedRegion, now time.Time) {
	add := func(x dbGroup) {
		x.name = strings.ToLower(x.name)
		x.status.set(now.Add(-remembered), statusAvailable)
		x.tags.set(now.Add(-remembered), tagSet{})
		g.groups = append(g.groups, &x)
	}
	for _, name := range slices.Sorted(maps.Keys(in.SubnetGroups)) {
		add(dbGroup{kind: subnetGroups, name: name, subnets: in.SubnetGroups[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(in.ParameterGroups)) {
		add(dbGroup{kind: parameterGroups, name: name, family: in.ParameterGroups[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(in.DBClusterParameterGroups)) {
		add(dbGroup{kind: clusterParameterGroups, name: name, family: in.DBClusterParameterGroups[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(in.OptionGroups)) {
		o := in.OptionGroups[name]
		add(dbGroup{kind: optionGroups, name: name, engine: o.Engine, major: o.Major})
	}
}

// seedInstance puts in a database that has been there for its age.
func (s *rdsState) seedInstance(g *rdsRegion, name string, in SeedDatabase, now time.Time) error {
	c, err := s.seedConfig(g.place, name, in)
	if err != nil {
		return err
	}
	if g.nameTaken(c.name, nil, now) {
		return errors.New("there is one of this name already")
	}
	if c.cluster == "" { // Those of clusters are there to be left alone.
		if err := s.checkConfig(g, c, now); err != nil {
			return plain(err)
		}
	}
	created := now.Add(-time.Duration(in.Age))
	d := s.addInstance(g, c, tagSet(maps.Clone(in.Tags)), created)
	d.status.set(created, or(in.Status, statusAvailable))
	return nil
}

func (s *rdsState) seedConfig(p place, name string, in SeedDatabase) (dbConfig, error) {
	c := dbConfig{
		name: strings.ToLower(name), engine: or(in.Engine, "postgres"), version: in.Version, class: or(in.Class, "db.t4g.medium"),
		size: in.Size, maxSize: in.MaxSize, storageType: or(in.StorageType, "gp3"), iops: in.Iops, throughput: in.Throughput,
		multiAZ: in.MultiAZ, public: in.Public, autoUpgrade: true, user: or(in.User, "app"), dbName: in.DBName,
		subnetGroup: in.SubnetGroup, parameterGroup: in.ParameterGroup, optionGroup: in.OptionGroup,
		securityGroups: in.SecurityGroups, logs: in.Logs, retention: 7, backupWindow: in.BackupWindow,
		maintenanceWindow: in.MaintenanceWindow, copyTags: in.CopyTags, protected: in.Protected, iam: in.IAM,
		monitoringInterval: in.MonitoringInterval, monitoringRole: in.MonitoringRole, insights: in.Insights,
		cluster: in.Cluster, replicaOf: in.ReplicaOf,
	}
	if c.size == 0 {
		c.size = 20
	}
	if in.Retention != nil {
		c.retention = *in.Retention
	}
	fillDefaults(&c, p)
	var err error
	c.key, err = s.seedKey(p, in.Key)
	return c, err
}

func (s *rdsState) seedKey(p place, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	key, ok := s.aws.keys.resolve(p, name)
	if !ok {
		return "", fmt.Errorf("there is no KMS key %q", name)
	}
	return key, nil
}

// seedSnapshot puts in a snapshot that was taken its age ago.
func (s *rdsState) seedSnapshot(g *rdsRegion, in SeedSnapshot, now time.Time) error {
	taken := now.Add(-time.Duration(in.Age))
	snap := &dbSnapshot{
		place: g.place, kind: or(in.Type, "manual"), started: taken, ready: taken, taken: taken, shownFrom: taken, original: taken,
	}
	if err := s.seedSource(g, snap, in, now); err != nil {
		return err
	}
	snap.name = strings.ToLower(or(in.Name, automatedName(snap.of.name, taken)))
	if _, taken := g.snapshot(snap.name, now); taken {
		return errors.New("there is one of this name already")
	}
	switch in.Status {
	case statusCreating:
		snap.ready = now.Add(s.aws.options.Durations.Snapshot.of(snap.of.size))
		snap.status.set(taken, statusCreating)
		snap.status.then(snap.ready, statusAvailable)
	default:
		snap.status.set(taken, or(in.Status, statusAvailable))
	}
	snap.tags.set(taken, tagSet(maps.Clone(in.Tags)))
	snap.shared.set(taken, slices.Clone(in.Shared))
	g.snapshots = append(g.snapshots, snap)
	return nil
}

// seedSource fills in of what database a snapshot is.
func (s *rdsState) seedSource(g *rdsRegion, snap *dbSnapshot, in SeedSnapshot, now time.Time) error {
	var err error
	if d, ok := g.instance(in.Of, now); ok {
		snap.of, snap.resource, snap.instanceCreated = d.config.get(now), d.resource, d.created
	} else {
		var like SeedDatabase
		if in.Database != nil {
			like = *in.Database
		}
		snap.of, err = s.seedConfig(g.place, in.Of, like)
		snap.resource = "db-" + strings.ToUpper(hashed(26, g.account, g.region, snap.of.name, "gone"))
		snap.instanceCreated = snap.taken
	}
	snap.key, snap.optionGroup = snap.of.key, snap.of.optionGroup
	if in.Key != "" {
		snap.key, err = s.seedKey(g.place, in.Key)
	}
	return err
}
