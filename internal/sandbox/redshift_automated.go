package sandbox

import "time"

// automatedEvery is how often Redshift takes a snapshot by itself.
//
// Amazon Redshift Management Guide, "Amazon Redshift snapshots and backups": about
// every eight hours, or after every 5 GB of changes per node if that comes first.
// Nothing writes data here, so it is every eight hours.
const automatedEvery = 8 * time.Hour

// catchUp puts in the snapshots that Redshift has taken by itself since the
// Region was last looked at, as of when they were taken.
func (s *redshiftState) catchUp(g *redshiftRegion, now time.Time) {
	for _, c := range g.clusters {
		for ; !c.nextAutomated.After(now); c.nextAutomated = c.nextAutomated.Add(automatedEvery) {
			at := c.nextAutomated
			of := c.config.get(at)
			days := of.retention
			expired := at.AddDate(0, 0, max(days, of.copies.Days)).Before(now.Add(-remembered))
			// What is not available, paused for one, is passed over (inferred).
			if days == 0 || expired || !c.status.in(at, statusAvailable) {
				continue
			}
			s.takeAutomated(g, c, at)
		}
	}
}

// takeAutomated takes a snapshot as Redshift does by itself.
func (s *redshiftState) takeAutomated(g *redshiftRegion, c *cluster, at time.Time) *clusterSnapshot {
	of := c.config.get(at)
	snap := &clusterSnapshot{
		place: g.place, name: automatedClusterName(of.name, at), kind: "automated", of: of, namespace: c.namespace,
		clusterCreated: c.created, taken: at, started: at, ready: at.Add(s.aws.options.Durations.Increment.of(of.size)),
	}
	snap.status.set(at, statusCreating)
	snap.status.then(snap.ready, statusAvailable)
	snap.tags.set(at, tagSet{})
	snap.keep(of.retention, at)
	if gone, ok := c.goneAt(); ok && gone.Before(snap.started.AddDate(0, 0, of.retention)) {
		snap.status.then(latest(gone, at), "")
	}
	g.snapshots = append(g.snapshots, snap)
	s.send(c, snap)
	return snap
}

// automatedClusterName is what Redshift calls the snapshots it takes by itself.
func automatedClusterName(cluster string, at time.Time) string {
	return "rs:" + cluster + at.UTC().Format("-2006-01-02-15-04-05")
}

// goneAt gives when a cluster is gone, if that is certain.
func (c *cluster) goneAt() (time.Time, bool) {
	last := len(c.status.timeline) - 1
	if last < 0 || c.status.timeline[last].value != "" {
		return time.Time{}, false
	}
	return c.status.timeline[last].at, true
}

// automated gives the snapshots that Redshift took of a cluster by itself.
func (g *redshiftRegion) automated(c *cluster, when time.Time) []*clusterSnapshot {
	var out []*clusterSnapshot
	for _, s := range g.snapshots {
		if s.namespace == c.namespace && !s.manual() && s.exists(when) {
			out = append(out, s)
		}
	}
	return out
}
