package sandbox

import (
	"slices"
	"strings"
	"time"
)

// rdsState is all that there is in RDS, in every account and Region.
type rdsState struct {
	aws     *AWS
	regions map[place]*rdsRegion
}

// rdsRegion is what one account has in one Region. The lists keep what is gone
// for a while, since a stale read may still show it.
type rdsRegion struct {
	place
	instances []*dbInstance
	snapshots []*dbSnapshot
	groups    []*dbGroup
	clusters  []*dbCluster
	// dbClusterSnapshots are apart: they have their own names and quota.
	dbClusterSnapshots []*dbClusterSnapshot
	// withheld are the instance classes that are not offered.
	withheld map[string]timeline[bool]
}

// remembered is how long what is gone is kept. No stale read looks further back.
const remembered = 24 * time.Hour

func newRDS(a *AWS) *rdsState { return &rdsState{a, map[place]*rdsRegion{}} }

func (s *rdsState) region(p place) *rdsRegion {
	got, ok := s.regions[p]
	if !ok {
		got = &rdsRegion{place: p}
		s.regions[p] = got
	}
	return got
}

// instance finds a database by its name as of a moment.
func (g *rdsRegion) instance(name string, when time.Time) (*dbInstance, bool) {
	name = strings.ToLower(name)
	if a, ok := parseARN(name); ok && a.service == "rds" && a.kind == "db" && a.place == g.place {
		name = a.id
	}
	for _, d := range g.instances {
		if d.exists(when) && d.config.get(when).name == name {
			return d, true
		}
	}
	return nil, false
}

// nameTaken reports whether another database has a name, or is about to.
func (g *rdsRegion) nameTaken(name string, but *dbInstance, now time.Time) bool {
	return slices.ContainsFunc(g.instances, func(d *dbInstance) bool {
		return d != but && d.exists(now) && (d.config.get(now).name == name || d.config.last().name == name)
	})
}

// snapshot finds a snapshot by its name as of a moment.
func (g *rdsRegion) snapshot(name string, when time.Time) (*dbSnapshot, bool) {
	name = strings.ToLower(name)
	for _, s := range g.snapshots {
		if s.name == name && s.exists(when) {
			return s, true
		}
	}
	return nil, false
}

// forget drops what has been gone for long.
func (g *rdsRegion) forget(now time.Time) {
	old := now.Add(-remembered)
	g.instances = slices.DeleteFunc(g.instances, func(d *dbInstance) bool { return d.status.goneSince(old) })
	g.clusters = slices.DeleteFunc(g.clusters, func(c *dbCluster) bool { return c.status.goneSince(old) })
	g.dbClusterSnapshots = slices.DeleteFunc(g.dbClusterSnapshots, func(s *dbClusterSnapshot) bool { return s.status.goneSince(old) })
	g.snapshots = slices.DeleteFunc(g.snapshots, func(s *dbSnapshot) bool { return s.status.goneSince(old) })
}

// status is the status of a thing over time. Before the first entry it does not
// exist, and after an entry of "" it is gone.
type status struct{ timeline[string] }

func (s status) exists(when time.Time) bool { return s.get(when) != "" }

func (s status) goneSince(when time.Time) bool {
	return s.last() == "" && s.get(when) == "" && len(s.timeline) > 0 && !s.timeline[0].at.After(when)
}

// in reports whether the status at a moment is any of these.
func (s status) in(when time.Time, these ...string) bool { return slices.Contains(these, s.get(when)) }
