package sandbox

import (
	"slices"
	"strings"
	"time"
)

// redshiftGroup is a parameter group, a subnet group or a snapshot schedule, as far as
// clusters name it. Those that a seed's clusters name exist by that.
type redshiftGroup struct{ kind, name string }

const (
	clusterParameters = "parametergroup"
	clusterSubnets    = "subnetgroup"
	clusterSchedules  = "snapshotschedule"
)

// named gives the groups that a cluster has, but for the default ones, which exist by
// themselves.
func (c clusterConfig) named() []redshiftGroup {
	var out []redshiftGroup
	for _, x := range []redshiftGroup{{clusterParameters, c.parameterGroup}, {clusterSubnets, c.subnetGroup}, {clusterSchedules, c.schedule}} {
		if x.name != "" && x.name != "default" && !strings.HasPrefix(x.name, "default.redshift-") {
			out = append(out, redshiftGroup{x.kind, strings.ToLower(x.name)})
		}
	}
	return out
}

// checkGroups says which of the groups that a cluster is to have there is not.
func (g *redshiftRegion) checkGroups(c clusterConfig) error {
	for _, x := range c.named() {
		if slices.Contains(g.groups, x) {
			continue
		}
		code := map[string]string{
			clusterParameters: "ClusterParameterGroupNotFound", clusterSubnets: "ClusterSubnetGroupNotFoundFault", clusterSchedules: "SnapshotScheduleNotFound",
		}[x.kind]
		if x.kind == clusterParameters {
			return notFound(code, "ParameterGroup not found: %s", x.name)
		}
		return refuse(code, "%s was not found.", x.name)
	}
	return nil
}

// SeedClusterGroups are the parameter groups, subnet groups and snapshot schedules of
// Redshift in a Region, by name.
type SeedClusterGroups struct {
	Parameters []string `yaml:"parameter-groups"`
	Subnets    []string `yaml:"subnet-groups"`
	Schedules  []string `yaml:"snapshot-schedules"`
}

func (g *redshiftRegion) addGroups(in SeedClusterGroups) {
	for kind, names := range map[string][]string{clusterParameters: in.Parameters, clusterSubnets: in.Subnets, clusterSchedules: in.Schedules} {
		for _, name := range names {
			if x := (redshiftGroup{kind, strings.ToLower(name)}); !slices.Contains(g.groups, x) {
				g.groups = append(g.groups, x)
			}
		}
	}
}

// PutClusterGroups makes groups exist that clusters may name. Those of seeded clusters
// do already.
func (a *AWS) PutClusterGroups(account, region string, in SeedClusterGroups) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.redshift.region(place{account, region}, a.now()).addGroups(in)
}

// QuotaClusterNodes is how many nodes all clusters of a Region have together.
const QuotaClusterNodes Quota = "redshift-nodes"

// defaultClusterNodes is that of the Amazon Redshift Management Guide, "Quotas and
// limits in Amazon Redshift".
const defaultClusterNodes = 200

func (s *redshiftState) roomForNodes(g *redshiftRegion, more int, now time.Time) error {
	n := more
	for _, c := range g.clusters {
		if c.exists(now) {
			n += c.config.get(now).nodes
		}
	}
	if limit := s.aws.quota(g.place, QuotaClusterNodes); n > limit {
		return refuse("NumberOfNodesQuotaExceeded", "The operation would exceed the number of nodes allotted to the account: %d.", limit)
	}
	return nil
}

// nameTaken reports whether a cluster other than one has a name, or is getting it.
func (g *redshiftRegion) nameTaken(name string, but *cluster, now time.Time) bool {
	return slices.ContainsFunc(g.clusters, func(c *cluster) bool {
		return c != but && c.exists(now) && (c.config.get(now).name == name || c.config.last().name == name)
	})
}

// modifyClusterSnapshotSchedule gives a cluster a schedule by which Redshift takes its
// snapshots, or takes it away.
func (s *redshiftState) modifyClusterSnapshotSchedule(r *request) (any, error) {
	name, off := r.params.str("ScheduleIdentifier"), r.params.isSet("DisassociateSchedule")
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	next := c.config.get(r.now)
	switch {
	case off:
		next.schedule = ""
	case name == "":
		return nil, invalidCombination("Specify ScheduleIdentifier, or DisassociateSchedule.")
	default:
		next.schedule = name
	}
	if err := g.checkGroups(next); err != nil {
		return nil, err
	}
	amend(&c.config, r.now, func(of clusterConfig) clusterConfig {
		of.schedule = next.schedule
		return of
	})
	return nil, nil
}
