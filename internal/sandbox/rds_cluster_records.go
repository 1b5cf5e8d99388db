package sandbox

import (
	"strings"
	"time"
)

// dbClusterConfig is what can be set on a DB cluster. Like a dbConfig it is a value.
type dbClusterConfig struct {
	name, engine, version, mode      string
	zones                            []string
	subnetGroup, vpc, parameterGroup string
	securityGroups, logs             []string
	port                             int
	user, dbName                     string
	backupWindow, maintenanceWindow  string
	retention                        int
	copyTags, protected, iam, http   bool
	backtrack                        int
	minACU, maxACU, pause            string // Serverless v2; empty when there is none.
	key                              string // KMS key ARN; empty when plain.
	global                           string
	roles                            []dbRole
	storageType                      string
	size                             int // What the data takes; Aurora allocates by itself.
	class                            string
	iops                             int
	public, autoUpgrade              bool
	monitoringInterval               int
	monitoringRole                   string
	insights                         bool
	insightsKey                      string
	insightsRetention                int
	insightsMode                     string
	localWrites                      bool     // Readers forward writes.
	secretKey                        string   // Of the master password, where Secrets Manager keeps it.
	endpoints                        []string // Custom ones, which no change of name touches.
}

// aurora tells an Aurora cluster from a Multi-AZ DB cluster of RDS.
func (c dbClusterConfig) aurora() bool { return family(c.engine) == "aurora" }

func (c dbClusterConfig) endpoint(p place, kind string) string {
	return c.name + "." + kind + hashed(11, p.account, p.region) + "." + p.region + ".rds.amazonaws.com"
}

// dbCluster is a DB cluster.
type dbCluster struct {
	place
	resource string // The DbClusterResourceId, which survives a change of name.
	created  time.Time
	config   timeline[dbClusterConfig]
	status   status
	tags     timeline[tagSet]
	// writer is the resource id of the member that was made the writer. Where it is
	// gone, the next by promotion tier is.
	writer string
	// failNext is how many of the next snapshots will fail.
	failNext int
	data     DBData
}

func (c *dbCluster) exists(when time.Time) bool { return c.status.exists(when) }

func (c *dbCluster) arn(when time.Time) arn {
	return arn{"rds", c.place, dbClusterARN, c.config.get(when).name}
}

// What clusters and their snapshots are called in ARNs.
const (
	dbClusterARN         = "cluster"
	dbClusterSnapshotARN = "cluster-snapshot"
)

// dbClusterSnapshot is a snapshot of a DB cluster. Its life is that of a DB snapshot;
// of is hidden by the cluster's configuration when it was taken.
type dbClusterSnapshot struct {
	dbSnapshot
	of dbClusterConfig
}

// maxClusterSnapshotName is shorter than that of DB snapshots: Amazon RDS API
// Reference, CreateDBClusterSnapshot: "Must contain from 1 to 63 letters, numbers,
// or hyphens."
const maxClusterSnapshotName = 63

// cluster finds a cluster by its name or ARN as of a moment.
func (g *rdsRegion) cluster(name string, when time.Time) (*dbCluster, bool) {
	name = strings.ToLower(name)
	if a, ok := parseARN(name); ok && a.service == "rds" && a.kind == dbClusterARN && a.place == g.place {
		name = a.id
	}
	for _, c := range g.clusters {
		if c.exists(when) && c.config.get(when).name == name {
			return c, true
		}
	}
	return nil, false
}

// clusterNameTaken reports whether another cluster has a name, or is about to.
func (g *rdsRegion) clusterNameTaken(name string, but *dbCluster, now time.Time) bool {
	for _, c := range g.clusters {
		if c != but && c.exists(now) && (c.config.get(now).name == name || c.config.last().name == name) {
			return true
		}
	}
	return false
}

// dbClusterSnapshot finds a snapshot by its name or ARN as of a moment.
func (g *rdsRegion) dbClusterSnapshot(name string, when time.Time) (*dbClusterSnapshot, bool) {
	name = strings.ToLower(name)
	if a, ok := parseARN(name); ok && a.service == "rds" && a.kind == dbClusterSnapshotARN && a.place == g.place {
		name = a.id
	}
	for _, s := range g.dbClusterSnapshots {
		if s.name == name && s.exists(when) {
			return s, true
		}
	}
	return nil, false
}

func dbClusterNotFound(name string) error {
	return notFound("DBClusterNotFoundFault", "DBCluster %s not found.", name)
}

func dbClusterSnapshotNotFound(name string) error {
	return notFound("DBClusterSnapshotNotFoundFault", "DBClusterSnapshot %s not found.", name)
}
