package sandbox

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// SeedDBCluster is a DB cluster: Aurora, or a Multi-AZ DB cluster of RDS, which has its
// three instances by itself. What is left out has the defaults of CreateDBCluster,
// and: aurora-postgresql, user "app", 7 days of backups.
type SeedDBCluster struct {
	Engine  string `yaml:"engine"`
	Version string `yaml:"version"`
	// Size is what the data takes, in GiB; of a Multi-AZ DB cluster, what is allocated.
	Size               int                     `yaml:"size"`
	Class              string                  `yaml:"class"`
	StorageType        string                  `yaml:"storage-type"`
	Iops               int                     `yaml:"iops"`
	Status             string                  `yaml:"status"`
	Key                string                  `yaml:"key"`
	Age                Age                     `yaml:"age"`
	Tags               map[string]string       `yaml:"tags"`
	User               string                  `yaml:"user"`
	DBName             string                  `yaml:"db-name"`
	Port               int                     `yaml:"port"`
	SubnetGroup        string                  `yaml:"subnet-group"`
	ParameterGroup     string                  `yaml:"parameter-group"`
	SecurityGroups     []string                `yaml:"security-groups"`
	Logs               []string                `yaml:"logs"`
	Retention          *int                    `yaml:"retention"`
	BackupWindow       string                  `yaml:"backup-window"`
	MaintenanceWindow  string                  `yaml:"maintenance-window"`
	CopyTags           bool                    `yaml:"copy-tags"`
	Protected          bool                    `yaml:"deletion-protection"`
	IAM                bool                    `yaml:"iam-authentication"`
	HTTP               bool                    `yaml:"http-endpoint"`
	Public             bool                    `yaml:"public"`
	Backtrack          int                     `yaml:"backtrack"`
	MinCapacity        string                  `yaml:"min-capacity"`
	MaxCapacity        string                  `yaml:"max-capacity"`
	Global             string                  `yaml:"global-cluster"`
	Roles              map[string]string       `yaml:"roles"` // The role's ARN by feature.
	MonitoringInterval int                     `yaml:"monitoring-interval"`
	MonitoringRole     string                  `yaml:"monitoring-role"`
	Insights           bool                    `yaml:"performance-insights"`
	InsightsDays       int                     `yaml:"performance-insights-days"`
	InsightsMode       string                  `yaml:"database-insights"`
	LocalWrites        bool                    `yaml:"local-write-forwarding"`
	SecretKey          string                  `yaml:"master-secret-key"`
	Endpoints          []string                `yaml:"custom-endpoints"`
	Members            map[string]SeedDBMember `yaml:"members"`
}

// SeedDBMember is an instance of an Aurora cluster. What is left out has the defaults
// of CreateDBInstance, and: db.r6g.large.
type SeedDBMember struct {
	Class              string            `yaml:"class"`
	Tier               int               `yaml:"tier"`
	Writer             bool              `yaml:"writer"`
	Zone               string            `yaml:"zone"`
	ParameterGroup     string            `yaml:"parameter-group"`
	Public             bool              `yaml:"public"`
	MaintenanceWindow  string            `yaml:"maintenance-window"`
	MonitoringInterval int               `yaml:"monitoring-interval"`
	MonitoringRole     string            `yaml:"monitoring-role"`
	Insights           bool              `yaml:"performance-insights"`
	Tags               map[string]string `yaml:"tags"`
}

// SeedDBClusterSnapshot is a snapshot of a cluster; its fields mean what those of a
// SeedSnapshot mean. Cluster says what a cluster that is gone was like.
type SeedDBClusterSnapshot struct {
	Of      string            `yaml:"of"`
	Name    string            `yaml:"name"`
	Age     Age               `yaml:"age"`
	Type    string            `yaml:"type"`
	Status  string            `yaml:"status"`
	Tags    map[string]string `yaml:"tags"`
	Key     string            `yaml:"key"`
	Shared  []string          `yaml:"shared"`
	Cluster *SeedDBCluster    `yaml:"cluster"`
}

// seedCluster puts in a cluster that has been there for its age, with its members.
func (s *rdsState) seedCluster(g *rdsRegion, name string, in SeedDBCluster, now time.Time) error {
	c, err := s.seedClusterConfig(g.place, name, in)
	if err != nil {
		return err
	}
	if g.clusterNameTaken(c.name, nil, now) {
		return errors.New("there is one of this name already")
	}
	if err := s.checkDBCluster(g, c, now); err != nil {
		return plain(err)
	}
	created := now.Add(-time.Duration(in.Age))
	cl := s.addDBCluster(g, c, tagSet(maps.Clone(in.Tags)), created)
	cl.status.set(created, or(in.Status, statusAvailable))
	if !c.aurora() {
		s.addMultiAZ(g, cl, created)
	}
	for _, id := range slices.Sorted(maps.Keys(in.Members)) {
		if err := s.seedMember(g, cl, id, in.Members[id], created); err != nil {
			return err
		}
	}
	return nil
}

func (s *rdsState) seedMember(g *rdsRegion, cl *dbCluster, name string, in SeedDBMember, created time.Time) error {
	c := memberConfig(cl.config.last(), dbConfig{
		name: strings.ToLower(name), class: or(in.Class, "db.r6g.large"), zone: in.Zone, promotionTier: in.Tier,
		parameterGroup: strings.ToLower(in.ParameterGroup), public: in.Public, maintenanceWindow: in.MaintenanceWindow,
		monitoringInterval: in.MonitoringInterval, monitoringRole: in.MonitoringRole, insights: in.Insights, autoUpgrade: true,
	})
	fillDefaults(&c, g.place)
	if g.nameTaken(c.name, nil, created) {
		return errors.New("there is an instance " + c.name + " already")
	}
	if err := s.checkMember(g, c, s.aws.now()); err != nil {
		return plain(err)
	}
	d := s.addInstance(g, c, tagSet(maps.Clone(in.Tags)), created)
	d.status.set(created, cl.status.last())
	if in.Writer || cl.writer == "" {
		cl.writer = d.resource
	}
	return nil
}

func (s *rdsState) seedClusterConfig(p place, name string, in SeedDBCluster) (dbClusterConfig, error) {
	c := dbClusterConfig{
		name: strings.ToLower(name), engine: or(in.Engine, "aurora-postgresql"), version: in.Version,
		size: max(in.Size, 1), class: in.Class, storageType: in.StorageType, iops: in.Iops, user: or(in.User, "app"),
		dbName: in.DBName, port: in.Port, subnetGroup: strings.ToLower(in.SubnetGroup),
		parameterGroup: strings.ToLower(in.ParameterGroup), securityGroups: in.SecurityGroups, logs: in.Logs, retention: 7,
		backupWindow: in.BackupWindow, maintenanceWindow: in.MaintenanceWindow, copyTags: in.CopyTags,
		protected: in.Protected, iam: in.IAM, http: in.HTTP, public: in.Public, backtrack: in.Backtrack,
		minACU: in.MinCapacity, maxACU: in.MaxCapacity, global: in.Global, autoUpgrade: true,
		monitoringInterval: in.MonitoringInterval, monitoringRole: in.MonitoringRole,
		insights: in.Insights, insightsRetention: in.InsightsDays, insightsMode: in.InsightsMode,
		localWrites: in.LocalWrites, endpoints: in.Endpoints,
	}
	for _, feature := range slices.Sorted(maps.Keys(in.Roles)) {
		c.roles = append(c.roles, dbRole{feature: feature, arn: in.Roles[feature]})
	}
	if in.Retention != nil {
		c.retention = *in.Retention
	}
	fillClusterDefaults(&c, p)
	var err, secretErr error
	c.key, err = s.seedKey(p, in.Key)
	c.secretKey, secretErr = s.seedKey(p, in.SecretKey)
	return c, firstError(err, secretErr)
}

// seedClusterSnapshot puts in a snapshot that was taken its age ago.
func (s *rdsState) seedClusterSnapshot(g *rdsRegion, in SeedDBClusterSnapshot, now time.Time) error {
	taken := now.Add(-time.Duration(in.Age))
	snap := &dbClusterSnapshot{dbSnapshot: dbSnapshot{
		place: g.place, kind: or(in.Type, "manual"), arnKind: dbClusterSnapshotARN,
		started: taken, ready: taken, taken: taken, shownFrom: taken, original: taken,
	}}
	if err := s.seedClusterSource(g, snap, in, now); err != nil {
		return err
	}
	snap.name = strings.ToLower(or(in.Name, automatedName(snap.of.name, taken)))
	if _, taken := g.dbClusterSnapshot(snap.name, now); taken {
		return errors.New("there is one of this name already")
	}
	snap.status.set(taken, or(in.Status, statusAvailable))
	if in.Status == statusCreating {
		snap.ready = now.Add(s.aws.options.Durations.Snapshot.of(snap.of.size))
		snap.status.then(snap.ready, statusAvailable)
	}
	snap.tags.set(taken, tagSet(maps.Clone(in.Tags)))
	snap.shared.set(taken, slices.Clone(in.Shared))
	g.dbClusterSnapshots = append(g.dbClusterSnapshots, snap)
	return nil
}

// seedClusterSource fills in of what cluster a snapshot is.
func (s *rdsState) seedClusterSource(g *rdsRegion, snap *dbClusterSnapshot, in SeedDBClusterSnapshot, now time.Time) error {
	var err error
	if cl, ok := g.cluster(in.Of, now); ok {
		snap.of, snap.resource, snap.instanceCreated = cl.config.get(now), cl.resource, cl.created
	} else {
		var like SeedDBCluster
		if in.Cluster != nil {
			like = *in.Cluster
		}
		snap.of, err = s.seedClusterConfig(g.place, in.Of, like)
		snap.resource = "cluster-" + strings.ToUpper(hashed(26, g.account, g.region, snap.of.name, "gone"))
		snap.instanceCreated = snap.taken
	}
	snap.key = snap.of.key
	if in.Key != "" {
		snap.key, err = s.seedKey(g.place, in.Key)
	}
	return err
}
