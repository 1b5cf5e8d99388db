package sandbox

import (
	"slices"
	"strings"
	"time"
)

// redshiftState is all that there is in Redshift, in every account and Region.
type redshiftState struct {
	aws     *AWS
	regions map[place]*redshiftRegion
	// buckets are those to which clusters may log: their Regions by name.
	buckets map[string]string
	// copyTags makes copies in other Regions carry the tags of their originals.
	copyTags bool
	// tables are those of each namespace, by its id. Those of the deleted stay, for
	// their snapshots.
	tables map[string]*timeline[clusterTables]
}

// redshiftRegion is what one account has in one Region. The lists keep what is
// gone for a while, since a stale read may still show it.
type redshiftRegion struct {
	place
	clusters  []*cluster
	snapshots []*clusterSnapshot
	grants    []*copyGrant
	groups    []redshiftGroup
	// tableRestores are the requests to restore one table.
	tableRestores []*tableRestore
	// failRestores is how many of the next restores will fail.
	failRestores int
}

// clusterConfig is what can be set on a cluster. It is a value: a change makes a
// new one. The slices in it are never written to.
type clusterConfig struct {
	name, nodeType, version, zone     string
	subnetGroup, vpc, parameterGroup  string
	user, dbName, maintenanceWindow   string
	track, schedule, key, defaultRole string
	nodes, port, retention, size      int
	manualRetention                   int
	public, enhanced, upgrade         bool
	multiAZ, relocation               bool
	securityGroups, roles             []string
	copies                            SeedSnapshotCopy
}

// cluster is a provisioned cluster.
type cluster struct {
	place
	namespace string // The id of its namespace, which survives a change of name.
	created   time.Time
	config    timeline[clusterConfig]
	status    status
	tags      timeline[tagSet]
	logging   timeline[clusterLogging]
	// failNext is how many of the next manual snapshots will fail.
	failNext int
	// failCopies is how many of the next copies to another Region will fail.
	failCopies int
	// failTables is how many of the next restores of a table will fail.
	failTables int
	// restored is where its data comes from, where it was restored.
	restored *clusterRestore
	// started is the parameter group with which it was started last, where that was
	// changed.
	started timeline[string]
	// nextAutomated is when Redshift next takes a snapshot by itself.
	nextAutomated time.Time
}

func (c *cluster) exists(when time.Time) bool { return c.status.exists(when) }

func (c *cluster) arn(when time.Time) arn {
	return arn{"redshift", c.place, "cluster", c.config.get(when).name}
}

// clusterSnapshot is a snapshot of a cluster.
type clusterSnapshot struct {
	place
	name, kind string // kind is "manual" or "automated".
	// of is the cluster's configuration when the snapshot was taken.
	of        clusterConfig
	namespace string
	// source is what a copy from another Region was made of; nil otherwise.
	source         *clusterSnapshot
	clusterCreated time.Time
	// taken is the moment whose data it holds; started is when it was asked for
	// and its retention begins, ready when it is (or was) to be done.
	taken, started, ready time.Time
	status                status
	tags                  timeline[tagSet]
	shared                timeline[[]string]
	retention             timeline[int]
}

func (s *clusterSnapshot) exists(when time.Time) bool { return s.status.exists(when) }

func (s *clusterSnapshot) manual() bool { return s.kind == "manual" }

func (s *clusterSnapshot) arn() arn {
	return arn{"redshift", s.place, "snapshot", s.of.name + "/" + s.name}
}

// keep sets for how many days a snapshot is kept; -1 is for ever. What was to
// happen to it before its end still does.
func (s *clusterSnapshot) keep(days int, now time.Time) {
	s.retention.set(now, days)
	if last := len(s.status.timeline) - 1; last > 0 && s.status.timeline[last].value == "" {
		s.status.timeline = s.status.timeline[:last:last]
	}
	if days >= 0 {
		s.status.then(latest(s.started.AddDate(0, 0, days), now), "")
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func newRedshift(a *AWS) *redshiftState {
	return &redshiftState{aws: a, regions: map[place]*redshiftRegion{}, buckets: map[string]string{}, tables: map[string]*timeline[clusterTables]{}}
}

// region gives what there is in a Region, with the snapshots that Redshift has
// taken by itself up to now, there and in the Regions from which it copies them.
func (s *redshiftState) region(p place, now time.Time) *redshiftRegion {
	got := s.bare(p)
	for _, g := range s.senders(p) {
		s.catchUp(g, now)
	}
	got.forget(now)
	return got
}

// bare gives what is known of a Region so far.
func (s *redshiftState) bare(p place) *redshiftRegion {
	got, ok := s.regions[p]
	if !ok {
		got = &redshiftRegion{place: p}
		s.regions[p] = got
	}
	return got
}

// cluster finds a cluster by its name as of a moment.
func (g *redshiftRegion) cluster(name string, when time.Time) (*cluster, bool) {
	name = strings.ToLower(name)
	for _, c := range g.clusters {
		if c.exists(when) && c.config.get(when).name == name {
			return c, true
		}
	}
	return nil, false
}

// snapshot finds a snapshot by its name as of a moment.
func (g *redshiftRegion) snapshot(name string, when time.Time) (*clusterSnapshot, bool) {
	name = strings.ToLower(name)
	for _, s := range g.snapshots {
		if s.name == name && s.exists(when) {
			return s, true
		}
	}
	return nil, false
}

// forget drops what has been gone for long.
func (g *redshiftRegion) forget(now time.Time) {
	old := now.Add(-remembered)
	g.clusters = slices.DeleteFunc(g.clusters, func(c *cluster) bool { return c.status.goneSince(old) })
	g.snapshots = slices.DeleteFunc(g.snapshots, func(s *clusterSnapshot) bool { return s.status.goneSince(old) })
	g.grants = slices.DeleteFunc(g.grants, func(x *copyGrant) bool { return x.status.goneSince(old) })
}

func clusterNotFound(name string) error {
	return notFound("ClusterNotFound", "Cluster %s not found.", name)
}

func clusterSnapshotNotFound(name string) error {
	return notFound("ClusterSnapshotNotFound", "Snapshot %s not found.", name)
}
