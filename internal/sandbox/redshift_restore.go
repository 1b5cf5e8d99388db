package sandbox

import (
	"slices"
	"strings"
	"time"
)

// restoreFromClusterSnapshot makes a new cluster of a snapshot's data.
//
// Amazon Redshift API Reference, RestoreFromClusterSnapshot: the new cluster is like the
// one of the snapshot but for its parameter group and security groups, which are the
// default ones, and what the call says. That IAM roles, snapshot schedule, relocation and
// logging do not come along either follows from the call taking them.
func (s *redshiftState) restoreFromClusterSnapshot(r *request) (any, error) {
	p := r.params
	q, name := readRestoreSource(p), strings.ToLower(p.need("ClusterIdentifier"))
	g := s.region(r.place(), r.now)
	if p.err != nil {
		return nil, p.err
	}
	snap, err := s.restorable(q, r)
	if err != nil {
		return nil, err
	}
	c := restoredCluster(snap.of, name)
	readRestoredCluster(p, &c)
	encryption := keyWish{p.str("KmsKeyId"), p.flag("Encrypted")}
	if err := firstError(p.check(), checkCluster(c), checkRestoredNodes(c, snap.of), checkPort(c)); err != nil {
		return nil, err
	}
	if c.key, err = s.restoredKey(encryption, snap, r); err != nil {
		return nil, err
	}
	if err := s.mayRestore(g, c, r.now); err != nil {
		return nil, err
	}
	return clusterResult{s.showCluster(s.beginRestore(g, c, snap, r), r.now)}, nil
}

// restoreSource names the snapshot that is to be restored.
type restoreSource struct{ name, arn, of, owner string }

func readRestoreSource(p *params) restoreSource {
	q := restoreSource{p.str("SnapshotIdentifier"), p.str("SnapshotArn"), p.str("SnapshotClusterIdentifier"), p.str("OwnerAccount")}
	if (q.name == "") == (q.arn == "") {
		p.fail(invalidCombination("Specify either SnapshotIdentifier or SnapshotArn, and not both."))
	}
	return q
}

// restorable finds a snapshot of the Region that the caller may restore.
//
// Amazon Redshift API Reference, RestoreFromClusterSnapshot: OwnerAccount is "required
// if you are restoring a snapshot you do not own".
func (s *redshiftState) restorable(q restoreSource, r *request) (*clusterSnapshot, error) {
	owner := or(q.owner, r.who.account)
	missing := clusterSnapshotNotFound(or(q.name, q.arn))
	if !isAccountID(owner) {
		return nil, invalidValue("Invalid account id: %s", owner)
	}
	for _, snap := range s.region(place{owner, r.region}, r.now).snapshots {
		named := q.arn == snap.arn().String() || strings.EqualFold(q.name, snap.name)
		if !named || !snap.exists(r.now) || q.of != "" && !strings.EqualFold(q.of, snap.of.name) {
			continue
		}
		switch {
		case owner != r.who.account && !slices.Contains(snap.shared.get(r.now), r.who.account):
			return nil, refuse("AccessToSnapshotDenied", "The owner of the snapshot %s has not authorized your account to access it.", snap.name)
		case !snap.status.in(r.now, statusAvailable):
			return nil, invalidClusterSnapshotState("The snapshot %s is not in the available state.", snap.name)
		}
		return snap, nil
	}
	return nil, missing
}

// restoredCluster is what a restored cluster has of the one of its snapshot.
func restoredCluster(of clusterConfig, name string) clusterConfig {
	return clusterConfig{
		name: name, nodeType: of.nodeType, nodes: of.nodes, size: of.size, version: of.version, track: of.track, user: of.user,
		dbName: of.dbName, port: of.port, retention: of.retention, maintenanceWindow: of.maintenanceWindow,
		upgrade: true, manualRetention: -1,
	}
}

// readRestoredCluster reads what a restore asks for beside its source.
func readRestoredCluster(p *params, c *clusterConfig) {
	readInto(c, p)
	for name, to := range map[string]*string{
		"NodeType": &c.nodeType, "AvailabilityZone": &c.zone, "ClusterSubnetGroupName": &c.subnetGroup,
		"ClusterParameterGroupName": &c.parameterGroup, "PreferredMaintenanceWindow": &c.maintenanceWindow,
		"MaintenanceTrackName": &c.track, "SnapshotScheduleIdentifier": &c.schedule, "DefaultIamRoleArn": &c.defaultRole,
	} {
		*to = or(p.str(name), *to)
	}
	c.public, c.enhanced = p.isSet("PubliclyAccessible"), p.isSet("EnhancedVpcRouting")
	c.multiAZ, c.relocation = p.isSet("MultiAZ"), p.isSet("AvailabilityZoneRelocation")
	c.securityGroups, c.roles = p.list("VpcSecurityGroupIds", "VpcSecurityGroupId"), p.list("IamRoles", "IamRoleArn")
	p.ignore("AquaConfigurationStatus") // "This parameter is retired."
	if p.str("IpAddressType") == "dualstack" {
		p.fail(notSimulated("clusters with IPv6"))
	}
	if p.isSet("ManageMasterPassword") {
		p.fail(notSimulated("passwords of clusters that Secrets Manager manages"))
	}
}

// nodeLimits gives how many nodes clusters of a type can have (Amazon Redshift
// Management Guide, "Amazon Redshift provisioned clusters", node type details).
func nodeLimits() map[string][2]int {
	return map[string][2]int{
		"ra3.large": {1, 16}, "ra3.xlplus": {1, 32}, "ra3.4xlarge": {2, 128}, "ra3.16xlarge": {2, 128},
		"rg.xlarge": {1, 32}, "rg.4xlarge": {2, 128}, "dc2.large": {1, 32}, "dc2.8xlarge": {2, 128},
	}
}

// checkRestoredNodes says whether a snapshot can be restored to these nodes.
//
// Amazon Redshift API Reference, RestoreFromClusterSnapshot, NodeType: a DC type must be
// restored into the same one. (That it can be into another family is in the Management
// Guide, "Upgrading from DC2 node types"; the way back is not.)
func checkRestoredNodes(c, of clusterConfig) error {
	limits, known := nodeLimits()[c.nodeType]
	dense := func(kind string) bool { return strings.HasPrefix(kind, "dc") }
	switch {
	case !known:
		return invalidValue("Invalid node type: %s", c.nodeType)
	case dense(c.nodeType) && c.nodeType != of.nodeType:
		return refuse("InvalidRestore", "A snapshot of %s nodes cannot be restored to %s nodes.", of.nodeType, c.nodeType)
	case c.nodes < limits[0] || c.nodes > limits[1]:
		return refuse("NumberOfNodesPerClusterLimitExceeded", "A cluster of %s nodes has %d to %d of them, not %d.", c.nodeType, limits[0], limits[1], c.nodes)
	case c.multiAZ && c.nodes < 2:
		return invalidCombination("A Multi-AZ cluster needs at least 2 nodes.")
	}
	return nil
}

// checkPort says whether a port can be chosen (Amazon Redshift API Reference,
// RestoreFromClusterSnapshot, Port).
func checkPort(c clusterConfig) error {
	in := func(from, to int) bool { return c.port >= from && c.port <= to }
	if strings.HasPrefix(c.nodeType, "dc") && in(1150, 65535) || in(5431, 5455) || in(8191, 8215) {
		return nil
	}
	return invalidValue("The port %d is not valid for the node type %s.", c.port, c.nodeType)
}

// mayRestore says why a cluster cannot be added.
func (s *redshiftState) mayRestore(g *redshiftRegion, c clusterConfig, now time.Time) error {
	if g.nameTaken(c.name, nil, now) {
		return refuse("ClusterAlreadyExists", "Cluster already exists: %s", c.name)
	}
	return firstError(g.checkGroups(c), checkRoles(c), s.roomForNodes(g, c.nodes, now))
}

// beginRestore puts a cluster in that is restored from a snapshot. It has the snapshot's
// tags where the caller owns that.
//
// Amazon Redshift Management Guide, "Tagging resources in Amazon Redshift": tags are
// retained when a snapshot is restored in its Region. (Whose, it does not say: those of
// the snapshot is inferred.)
func (s *redshiftState) beginRestore(g *redshiftRegion, c clusterConfig, snap *clusterSnapshot, r *request) *cluster {
	lasts := s.aws.options.Durations.Redshift.Restore.of(c.size)
	tags := tagSet{}
	if snap.account == r.who.account {
		tags = snap.tags.get(r.now)
	}
	made := s.addCluster(g, c, tags, r.now.Add(lasts))
	made.status.set(r.now, statusCreating)
	made.status.then(made.created, statusAvailable)
	made.config.set(r.now, made.config.last())
	made.tags.set(r.now, tags)
	made.restored = &clusterRestore{from: snap, begun: r.now, done: made.created}
	if g.failRestores > 0 {
		g.failRestores--
		made.restored.failed = true
		made.status.set(made.created, "incompatible-restore")
	}
	s.tablesOf(made.namespace).set(r.now, s.tablesOf(snap.namespace).get(snap.taken).restoredFrom(snap))
	return made
}

// clusterRestore is where the data of a cluster comes from.
type clusterRestore struct {
	from        *clusterSnapshot
	begun, done time.Time
	failed      bool
}

// restoreStatusXML is what DescribeClusters tells of a restore. The numbers are only
// kept up to date for DC2 nodes (Amazon Redshift API Reference, RestoreStatus).
type restoreStatusXML struct {
	Status                                 string
	CurrentRestoreRateInMegaBytesPerSecond float64
	SnapshotSizeInMegaBytes                int
	ProgressInMegaBytes                    int
	ElapsedTimeInSeconds                   int
	EstimatedTimeToCompletionInSeconds     int
}

func (x *clusterRestore) show(nodeType string, when time.Time) *restoreStatusXML {
	if x == nil {
		return nil
	}
	out := &restoreStatusXML{Status: "completed"}
	at := x.done
	switch {
	case when.Before(x.done) && when.Before(x.begun.Add(x.done.Sub(x.begun)/5)):
		return &restoreStatusXML{Status: "starting"}
	case when.Before(x.done):
		out.Status, at = "restoring", when
	case x.failed:
		out.Status = "failed"
	}
	if strings.HasPrefix(nodeType, "dc2.") {
		out.SnapshotSizeInMegaBytes = x.from.of.size * 1024
		out.ElapsedTimeInSeconds = int(at.Sub(x.begun).Seconds())
		out.EstimatedTimeToCompletionInSeconds = int(x.done.Sub(at).Seconds())
		out.ProgressInMegaBytes = int(float64(out.SnapshotSizeInMegaBytes) * float64(at.Sub(x.begun)) / float64(x.done.Sub(x.begun)))
		out.CurrentRestoreRateInMegaBytesPerSecond = float64(out.ProgressInMegaBytes) / float64(max(1, out.ElapsedTimeInSeconds))
	}
	return out
}
