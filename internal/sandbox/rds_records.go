package sandbox

import (
	"maps"
	"reflect"
	"time"
)

// dbConfig is what can be set on a database. It is a value: a change makes a new
// one. The slices in it are never written to.
type dbConfig struct {
	name, class, engine, version, license string
	size, maxSize, iops, throughput       int
	storageType                           string
	multiAZ, public, autoUpgrade          bool
	zone, subnetGroup, vpc                string
	securityGroups, logs                  []string
	parameterGroup, optionGroup           string
	port                                  int
	user, dbName, ca                      string
	backupWindow, maintenanceWindow       string
	retention                             int
	copyTags, protected, iam              bool
	monitoringInterval                    int
	monitoringRole                        string
	insights                              bool
	insightsKey                           string
	insightsRetention                     int
	key                                   string // KMS key ARN; empty when plain.
	cluster                               string
	replicaOf                             string
	charset, timezone                     string
	promotionTier                         int // Of members of clusters.
	roles                                 []dbRole
	// What is shown only where it was given: the lifecycle of the engine, the mode of
	// Database Insights, and the network.
	support, insightsMode, network string
	dedicatedLog                   bool
}

// dbRole is an IAM role that a database or a cluster uses for a feature. It is being
// associated until it is active.
type dbRole struct {
	feature, arn string
	active       time.Time
}

func (r dbRole) status(when time.Time) string {
	if when.Before(r.active) {
		return "PENDING"
	}
	return "ACTIVE"
}

// dbInstance is a database.
type dbInstance struct {
	place
	resource string // The DbiResourceId, which survives a change of name.
	created  time.Time
	config   timeline[dbConfig]
	status   status
	tags     timeline[tagSet]
	// failNext is how many of the next snapshots will fail.
	failNext int
	// restarts is the configuration with which it was started last: parameter groups
	// take effect then.
	restarts timeline[startedWith]
	data     DBData
}

// startedWith are the parameter groups with which a database was started.
type startedWith struct{ parameters, ofCluster string }

// differs reports whether anything is set otherwise.
func (c dbConfig) differs(o dbConfig) bool { return !reflect.DeepEqual(c, o) }

func (d *dbInstance) exists(when time.Time) bool { return d.status.exists(when) }

func (d *dbInstance) arn(when time.Time) arn {
	return arn{"rds", d.place, "db", d.config.get(when).name}
}

// dbSnapshot is a snapshot of a database.
type dbSnapshot struct {
	place
	name, kind string // kind is "manual", "automated" or "awsbackup".
	arnKind    string // What it is called in ARNs; empty: "snapshot".
	// of is the database's configuration when the snapshot was taken.
	of              dbConfig
	resource        string
	instanceCreated time.Time
	// started is when it was asked for, ready when it is (or was) to be done.
	started, ready time.Time
	// taken is the moment whose data it holds; shown from shownFrom on.
	taken, shownFrom time.Time
	original         time.Time
	status           status
	tags             timeline[tagSet]
	shared           timeline[[]string]
	key, optionGroup string
	source           *dbSnapshot // Of copies.
	sourceARN        string
}

func (s *dbSnapshot) exists(when time.Time) bool { return s.status.exists(when) }

func (s *dbSnapshot) arn() arn { return arn{"rds", s.place, or(s.arnKind, "snapshot"), s.name} }

func (s *dbSnapshot) manual() bool { return s.kind == "manual" }

// percent says how much of a snapshot is done at a moment.
func (s *dbSnapshot) percent(when time.Time) int {
	switch {
	case s.status.get(when) == statusAvailable:
		return 100
	case !when.After(s.started) || !s.ready.After(s.started):
		return 0
	}
	return min(99, int(100*when.Sub(s.started)/s.ready.Sub(s.started)))
}

// sharedWith reports whether the snapshot's owner lets an account use it.
func (s *dbSnapshot) sharedWith(account string, when time.Time) bool {
	for _, a := range s.shared.get(when) {
		if a == account || a == everyone {
			return true
		}
	}
	return false
}

func (s *dbSnapshot) public(when time.Time) bool { return s.sharedWith(everyone, when) }

// everyone is the account name that makes a snapshot public.
const everyone = "all"

// Statuses that the rules ask for.
const (
	statusAvailable  = "available"
	statusBackingUp  = "backing-up"
	statusCopying    = "copying"
	statusCreating   = "creating"
	statusDeleting   = "deleting"
	statusFailed     = "failed"
	statusModifying  = "modifying"
	statusOptimizing = "storage-optimization"
	statusStarting   = "starting"
	statusStopped    = "stopped"
	statusStopping   = "stopping"
	statusRenaming   = "renaming"
	statusRebooting  = "rebooting"
)

// tagSet is a resource's tags. It is never written to once it is in a timeline.
type tagSet map[string]string

func (t tagSet) with(o tagSet) tagSet {
	out := tagSet{}
	maps.Copy(out, t)
	maps.Copy(out, o)
	return out
}

// defaultPort is where an engine listens.
func defaultPort(engine string) int {
	if engine == "aurora-postgresql" {
		return 5432
	}
	switch family(engine) {
	case "postgres":
		return 5432
	case "oracle":
		return 1521
	case "sqlserver":
		return 1433
	case "db2":
		return 50000
	default:
		return 3306
	}
}

func (c dbConfig) endpoint(p place) string {
	return c.name + ".c" + hashed(11, p.account, p.region) + "." + p.region + ".rds.amazonaws.com"
}

// then says what the status will be from a later moment on.
func (s *status) then(when time.Time, v string) { s.set(when, v) }
