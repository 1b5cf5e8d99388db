package sandbox

import (
	"slices"
	"strings"
	"time"
)

// clusterChange is what a call changes on a cluster: some at once, some when it is
// done with it.
type clusterChange struct {
	now, done clusterConfig
	status    string
	lasts     time.Duration
}

// modifyCluster changes a cluster. The maintenance window and the retention of snapshots
// change at once; a parameter group is there at once and takes effect with a restart; the
// rest takes its time.
//
// Amazon Redshift API Reference, ModifyCluster: "If you decrease the automated snapshot
// retention period from its current value, existing automated snapshots that fall outside
// of the new retention period will be immediately deleted".
func (s *redshiftState) modifyCluster(r *request) (any, error) {
	p := r.params
	renamed := strings.ToLower(p.str("NewClusterIdentifier"))
	window, groups := p.str("PreferredMaintenanceWindow"), p.list("VpcSecurityGroupIds", "VpcSecurityGroupId")
	parameters, public, enhanced := p.str("ClusterParameterGroupName"), p.flag("PubliclyAccessible"), p.flag("EnhancedVpcRouting")
	multiAZ, relocation := p.flag("MultiAZ"), p.flag("AvailabilityZoneRelocation")
	p.ignore("MasterUserPassword")
	// Read below, over what is set.
	p.ignore("NumberOfNodes", "Port", "AutomatedSnapshotRetentionPeriod", "ManualSnapshotRetentionPeriod", "AllowVersionUpgrade")
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	was := c.config.get(r.now)
	next := was
	readInto(&next, p)
	next.name, next.maintenanceWindow, next.parameterGroup = or(renamed, next.name), or(window, next.maintenanceWindow), or(parameters, next.parameterGroup)
	if len(groups) > 0 {
		next.securityGroups = slices.Clone(groups)
	}
	next.public, next.enhanced = set(public, next.public), set(enhanced, next.enhanced)
	next.multiAZ, next.relocation = set(multiAZ, next.multiAZ), set(relocation, next.relocation)
	ch := s.change(was, next)
	if err := firstError(p.check(), s.mayModify(g, c, ch, r)); err != nil {
		return nil, err
	}
	if next.parameterGroup != was.parameterGroup && len(c.started) == 0 {
		c.started.set(c.created, was.parameterGroup)
	}
	c.apply(ch, r.now)
	for _, snap := range g.automated(c, r.now) {
		snap.keep(next.retention, r.now)
	}
	return clusterResult{s.showCluster(c, r.now)}, nil
}

func set(flag *bool, otherwise bool) bool {
	if flag != nil {
		return *flag
	}
	return otherwise
}

// change sorts what changes by when it does.
func (s *redshiftState) change(was, next clusterConfig) clusterChange {
	at, d := was, s.aws.options.Durations
	at.retention, at.manualRetention, at.upgrade = next.retention, next.manualRetention, next.upgrade
	at.maintenanceWindow, at.parameterGroup = next.maintenanceWindow, next.parameterGroup
	ch := clusterChange{now: at, done: next}
	switch {
	case next.name != was.name:
		ch.status, ch.lasts = statusRenaming, d.Redshift.Rename.Base
	case next.public != was.public, next.enhanced != was.enhanced, next.port != was.port, next.multiAZ != was.multiAZ, next.relocation != was.relocation:
		ch.status, ch.lasts = statusModifying, d.Modify.Base
	case !slices.Equal(next.securityGroups, was.securityGroups), next.parameterGroup != was.parameterGroup:
		ch.status, ch.lasts = statusModifying, d.Redshift.Configure.Base
	}
	return ch
}

// apply lets a change come to pass.
func (c *cluster) apply(ch clusterChange, now time.Time) {
	c.config.set(now, ch.now)
	if ch.status == "" {
		return
	}
	done := now.Add(ch.lasts)
	c.status.set(now, ch.status)
	c.status.then(done, statusAvailable)
	c.config.set(done, ch.done)
}

// mayModify says why a cluster does not take a change. That one is renamed by itself
// only, and that nothing is changed while a snapshot is taken, is inferred.
func (s *redshiftState) mayModify(g *redshiftRegion, c *cluster, ch clusterChange, r *request) error {
	was, next := c.config.get(r.now), ch.done
	alone := ch.now.differs(was)
	renamedOnly := next
	renamedOnly.name = was.name
	switch {
	case !c.status.in(r.now, statusAvailable):
		return invalidClusterState("The cluster %s is not in the available state.", was.name)
	case ch.status != "" && g.inProgress(c, r.now):
		return invalidClusterState("There is an operation running on the Cluster. Please try to modify it at a later time.")
	case next.name != was.name && (alone || renamedOnly.differs(was)):
		return invalidCombination("The cluster identifier cannot be changed together with other settings.")
	case g.nameTaken(next.name, c, r.now):
		return refuse("ClusterAlreadyExists", "Cluster already exists: %s", next.name)
	case next.nodes != was.nodes:
		return notSimulated("ModifyCluster with another number of nodes; ResizeCluster is")
	case next.port != was.port:
		if err := checkPort(next); err != nil {
			return err
		}
	case next.enhanced != was.enhanced && next.multiAZ:
		return notSimulated("enhanced VPC routing changed on a Multi-AZ cluster")
	}
	return firstError(checkCluster(next), g.checkGroups(next))
}

// rebootCluster restarts a cluster. Its parameter group takes effect then.
//
// Amazon Redshift API Reference, RebootCluster.
func (s *redshiftState) rebootCluster(r *request) (any, error) {
	g, c, err := s.namedCluster(r)
	switch {
	case err != nil:
		return nil, err
	case !c.status.in(r.now, statusAvailable), g.inProgress(c, r.now):
		return nil, invalidClusterState("The cluster %s is not in the available state.", c.config.get(r.now).name)
	}
	up := r.now.Add(s.aws.options.Durations.Redshift.Reboot.Base)
	c.status.set(r.now, statusRebooting)
	c.status.then(up, statusAvailable)
	if len(c.started) > 0 {
		c.started.set(up, c.config.get(r.now).parameterGroup)
	}
	return clusterResult{s.showCluster(c, r.now)}, nil
}

// parameterStatus is ParameterApplyStatus (Amazon Redshift API Reference,
// ClusterParameterGroupStatus).
func (c *cluster) parameterStatus(when time.Time) string {
	if in, ok := c.started.at(when); ok && in != c.config.get(when).parameterGroup {
		return "pending-reboot"
	}
	return "in-sync"
}

// modifyClusterIamRoles adds and takes away IAM roles.
//
// Amazon Redshift API Reference, ModifyClusterIamRoles. Taking away one that is not there
// is refused (inferred); adding one that is there changes nothing.
func (s *redshiftState) modifyClusterIamRoles(r *request) (any, error) {
	p := r.params
	add, drop := p.list("AddIamRoles", "IamRoleArn"), p.list("RemoveIamRoles", "IamRoleArn")
	byDefault := p.str("DefaultIamRoleArn")
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	was := c.config.get(r.now)
	next := was
	next.roles = slices.Clone(was.roles)
	for _, role := range drop {
		i := slices.Index(next.roles, role)
		if i < 0 {
			return nil, invalidValue("The IAM role %s is not associated with the cluster %s.", role, was.name)
		}
		if next.roles = slices.Delete(next.roles, i, i+1); next.defaultRole == role {
			next.defaultRole = ""
		}
	}
	for _, role := range add {
		if !slices.Contains(next.roles, role) {
			next.roles = append(next.roles, role)
		}
	}
	next.defaultRole = or(byDefault, next.defaultRole)
	switch {
	case !c.status.in(r.now, statusAvailable), g.inProgress(c, r.now):
		return nil, invalidClusterState("The cluster %s is not in the available state.", was.name)
	case checkRoles(next) != nil:
		return nil, checkRoles(next)
	}
	c.apply(clusterChange{was, next, statusModifying, s.aws.options.Durations.Redshift.Roles.Base}, r.now)
	return clusterResult{s.showCluster(c, r.now)}, nil
}

// pendingClusterXML is what is being changed on a cluster (Amazon Redshift API
// Reference, PendingModifiedValues).
type pendingClusterXML struct {
	ClusterIdentifier  string `xml:",omitempty"`
	NodeType           string `xml:",omitempty"`
	NumberOfNodes      int    `xml:",omitempty"`
	PubliclyAccessible *bool
	EnhancedVpcRouting *bool
}

// showChanges shows what a cluster has, and what is being changed on it.
func (x *clusterXML) showChanges(c *cluster, when time.Time) {
	of := c.config.get(when)
	next := of
	if change, ok := c.config.next(when); ok && !c.status.in(when, statusCreating) {
		next = change.value
	}
	for role, state := range stages(of.roles, next.roles, "in-sync") {
		x.IamRoles.ClusterIamRole = append(x.IamRoles.ClusterIamRole, clusterRoleXML{role, state})
	}
	for id, state := range stages(of.securityGroups, next.securityGroups, "active") {
		x.VpcSecurityGroups.VpcSecurityGroup = append(x.VpcSecurityGroups.VpcSecurityGroup, securityGroupXML{id, state})
	}
	if next.name != of.name {
		x.PendingModifiedValues.ClusterIdentifier = next.name
	}
	if next.nodeType != of.nodeType || next.nodes != of.nodes {
		x.PendingModifiedValues.NodeType, x.PendingModifiedValues.NumberOfNodes = next.nodeType, next.nodes
	}
	if next.public != of.public {
		x.PendingModifiedValues.PubliclyAccessible = &next.public
	}
	if next.enhanced != of.enhanced {
		x.PendingModifiedValues.EnhancedVpcRouting = &next.enhanced
	}
}

// stages gives what is there and what is to be, each with how far it is.
func stages(was, next []string, settled string) func(yield func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for _, x := range was {
			state := settled
			if !slices.Contains(next, x) {
				state = "removing"
			}
			if !yield(x, state) {
				return
			}
		}
		for _, x := range next {
			if !slices.Contains(was, x) && !yield(x, "adding") {
				return
			}
		}
	}
}
