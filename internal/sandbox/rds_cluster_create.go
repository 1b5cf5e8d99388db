package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// createDBCluster makes a cluster. An Aurora cluster has no instances until they
// are created; a Multi-AZ DB cluster comes with a writer and two readers (Amazon
// RDS User Guide, "Multi-AZ DB cluster deployments").
func (s *rdsState) createDBCluster(r *request) (any, error) {
	p := r.params
	c := dbClusterConfig{
		name: strings.ToLower(p.need("DBClusterIdentifier")), engine: p.need("Engine"), mode: p.str("EngineMode"),
		user: p.str("MasterUsername"), dbName: p.str("DatabaseName"), zones: p.list("AvailabilityZones", "AvailabilityZone"),
		subnetGroup: strings.ToLower(p.str("DBSubnetGroupName")), retention: 1, autoUpgrade: true,
	}
	password, kept := p.str("MasterUserPassword"), p.isSet("ManageMasterUserPassword")
	encrypted, key := p.flag("StorageEncrypted"), p.str("KmsKeyId")
	public := p.flag("PubliclyAccessible")
	readClusterSettings(p, &c)
	c.logs = p.list("EnableCloudwatchLogsExports", "member")
	p.ignore("EngineLifecycleSupport", "NetworkType")
	tags, err := readTags(p)
	if err := firstError(p.check(), err, checkMaster(c.user, password, kept)); err != nil {
		return nil, err
	}
	c.public = public != nil && *public || public == nil && !c.aurora() && or(c.subnetGroup, "default") == "default"
	g := s.region(r.place())
	fillClusterDefaults(&c, g.place)
	c.key, err = s.storageKey(g.place, encrypted, key)
	if err := firstError(err, s.checkDBCluster(g, c, r.now), s.roomForCluster(g, c, r.now)); err != nil {
		return nil, err
	}
	cl := s.addDBCluster(g, c, tags, r.now)
	cl.created = r.now.Add(s.aws.options.Durations.Create.Base)
	cl.status.set(r.now, statusCreating)
	cl.status.then(cl.created, statusAvailable)
	if !c.aurora() {
		s.addMultiAZ(g, cl, r.now)
	}
	return dbClusterResult{s.showDBCluster(cl, r.now)}, nil
}

func checkMaster(user, password string, kept bool) error {
	switch {
	case user == "":
		return refuse("MissingParameter", "The parameter MasterUsername must be provided and must not be blank.")
	case !kept && len(password) < 8:
		return invalidValue("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
	}
	return nil
}

// roomForCluster says why the cluster cannot be added.
func (s *rdsState) roomForCluster(g *rdsRegion, c dbClusterConfig, now time.Time) error {
	if g.clusterNameTaken(c.name, nil, now) {
		return refuse("DBClusterAlreadyExistsFault", "DB Cluster already exists")
	}
	if g.countClusters(now) >= s.aws.quota(g.place, QuotaDBClusters) {
		return forbid("DBClusterQuotaExceededFault", "DB Cluster quota exceeded")
	}
	return nil
}

func (g *rdsRegion) countClusters(now time.Time) int {
	n := 0
	for _, c := range g.clusters {
		if c.exists(now) {
			n++
		}
	}
	return n
}

// addDBCluster puts a cluster into a Region. The caller sets its status.
func (s *rdsState) addDBCluster(g *rdsRegion, c dbClusterConfig, tags tagSet, now time.Time) *dbCluster {
	s.aws.serial++
	resource := "cluster-" + strings.ToUpper(hashed(26, g.account, g.region, c.name, stamp(now), strconv.Itoa(s.aws.serial)))
	cl := &dbCluster{place: g.place, resource: resource, created: now}
	cl.config.set(now, c)
	cl.tags.set(now, tags)
	g.clusters = append(g.clusters, cl)
	return cl
}

// addMultiAZ puts in the three instances of a Multi-AZ DB cluster, each in a zone of
// its own. What they are called where those names are taken is inferred.
func (s *rdsState) addMultiAZ(g *rdsRegion, cl *dbCluster, now time.Time) {
	c := cl.config.get(now)
	number := 0
	for i, zone := range c.zones[:min(3, len(c.zones))] {
		name := ""
		for name == "" || g.nameTaken(name, nil, now) {
			number++
			name = fmt.Sprintf("%s-instance-%d", c.name, number)
		}
		m := memberConfig(c, dbConfig{
			name: name, zone: zone, public: c.public, promotionTier: 1,
			monitoringInterval: c.monitoringInterval, monitoringRole: c.monitoringRole, autoUpgrade: c.autoUpgrade,
			maintenanceWindow: c.maintenanceWindow, insights: c.insights, insightsRetention: c.insightsRetention,
		})
		fillDefaults(&m, g.place)
		d := s.addInstance(g, m, tagSet{}, now)
		d.created = cl.created
		d.status.set(now, cl.status.get(now))
		if next, ok := cl.status.next(now); ok {
			d.status.then(next.at, next.value)
		}
		if i == 0 {
			cl.writer = d.resource
		}
	}
}

// namedDBCluster finds the cluster that a call is about, when all its parameters have
// been read.
func (s *rdsState) namedDBCluster(r *request, when time.Time) (*dbCluster, error) {
	name := r.params.need("DBClusterIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	c, ok := s.region(r.place()).cluster(name, when)
	if !ok {
		return nil, dbClusterNotFound(name)
	}
	return c, nil
}
