package sandbox

import (
	"slices"
	"strings"
	"time"
)

// DBData says whose data a database or cluster was made with. It is zero where it was
// not restored.
type DBData struct {
	// Snapshot is the ARN of the snapshot that was restored; empty where it was a point
	// in time.
	Snapshot string
	// Resource is the resource id of the database or cluster whose data it is: its
	// DbiResourceId or DbClusterResourceId, which no change of name touches.
	Resource string
	// At is the moment as of which the data is.
	At time.Time
}

// DBInstanceData says what a database was restored from.
func (a *AWS) DBInstanceData(account, region, name string) (DBData, error) {
	var got DBData
	err := a.onInstance(account, region, name, "tell whose data it holds", func(d *dbInstance, _ time.Time) error {
		got = d.data
		return nil
	})
	return got, err
}

// DBClusterData says what a cluster was restored from.
func (a *AWS) DBClusterData(account, region, name string) (DBData, error) {
	var got DBData
	err := a.onDBCluster(account, region, name, "tell whose data it holds", func(c *dbCluster, _ time.Time) error {
		got = c.data
		return nil
	})
	return got, err
}

// DBAnswering gives the resource id of the database or cluster that can be connected to
// at an endpoint's DNS name now; "" where there is none. A name of its own has none
// while it is renamed, and neither has the new one yet.
//
// Amazon RDS User Guide, "Renaming a DB instance": the old DNS name "is immediately
// deleted", and the database "is not available until the new name becomes effective".
func (a *AWS) DBAnswering(address string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for _, g := range a.rds.regions {
		for _, d := range g.instances {
			if d.answers(now) && d.config.get(now).endpoint(g.place) == address {
				return d.resource
			}
		}
		for _, cl := range g.clusters {
			c := cl.config.get(now)
			at := []string{c.endpoint(g.place, "cluster-c"), c.endpoint(g.place, "cluster-ro-c")}
			if slices.Contains(at, address) && cl.status.answers(now) && slices.ContainsFunc(g.members(c.name, now), func(d *dbInstance) bool {
				return d.answers(now)
			}) {
				return cl.resource
			}
		}
	}
	return ""
}

func (d *dbInstance) answers(when time.Time) bool { return d.status.answers(when) }

// answers reports whether one can connect in the status of a moment.
func (s status) answers(when time.Time) bool {
	return s.in(when, statusAvailable, statusBackingUp, statusModifying, statusOptimizing, "resetting-master-credentials") ||
		strings.HasPrefix(s.get(when), "configuring-")
}

// WithholdDBInstanceClass makes a class one that a Region does not offer to an account,
// or offers again.
func (a *AWS) WithholdDBInstanceClass(account, region, class string, withheld bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	g := a.rds.region(place{account, region})
	if g.withheld == nil {
		g.withheld = map[string]timeline[bool]{}
	}
	known := g.withheld[class]
	known.set(a.now(), withheld)
	g.withheld[class] = known
}
