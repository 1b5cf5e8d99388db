package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// createCluster makes a cluster: creating, then available.
func (s *redshiftState) createCluster(r *request) (any, error) {
	p := r.params
	c := clusterConfig{
		name: strings.ToLower(p.need("ClusterIdentifier")), nodeType: p.need("NodeType"), user: p.need("MasterUsername"),
		dbName: or(p.str("DBName"), "dev"), nodes: 1, port: 5439, upgrade: true, retention: 1, manualRetention: -1,
		subnetGroup: p.str("ClusterSubnetGroupName"), parameterGroup: p.str("ClusterParameterGroupName"),
		zone: p.str("AvailabilityZone"), maintenanceWindow: p.str("PreferredMaintenanceWindow"), version: p.str("ClusterVersion"),
		track: p.str("MaintenanceTrackName"), schedule: p.str("SnapshotScheduleIdentifier"), defaultRole: p.str("DefaultIamRoleArn"),
		securityGroups: p.list("VpcSecurityGroupIds", "VpcSecurityGroupId"), roles: p.list("IamRoles", "IamRoleArn"),
		public: p.isSet("PubliclyAccessible"), enhanced: p.isSet("EnhancedVpcRouting"),
		multiAZ: p.isSet("MultiAZ"), relocation: p.isSet("AvailabilityZoneRelocation"),
	}
	p.ignore("MasterUserPassword", "ManageMasterPassword", "ClusterType")
	readInto(&c, p)
	key, keyErr := s.readKey(r)
	c.key = key
	tags, err := readRedshiftTags(p, "Key", "Value", p.members("Tags", "Tag"))
	if err := firstError(p.check(), err, keyErr, checkCluster(c)); err != nil {
		return nil, err
	}
	g := s.region(r.place(), r.now)
	if err := s.mayRestore(g, c, r.now); err != nil {
		return nil, err
	}
	done := r.now.Add(s.aws.options.Durations.Create.of(c.size))
	made := s.addCluster(g, c, tags, done)
	made.status.set(r.now, statusCreating)
	made.status.then(done, statusAvailable)
	made.config.set(r.now, made.config.last())
	made.tags.set(r.now, tags)
	return clusterResult{s.showCluster(made, r.now)}, nil
}

// readInto reads the numbers and flags that CreateCluster and ModifyCluster have
// in common; those that are not given stay.
func readInto(c *clusterConfig, p *params) {
	for name, to := range map[string]*int{
		"NumberOfNodes": &c.nodes, "Port": &c.port, "AutomatedSnapshotRetentionPeriod": &c.retention,
		"ManualSnapshotRetentionPeriod": &c.manualRetention,
	} {
		if n := p.number(name); n != nil {
			*to = *n
		}
	}
	if b := p.flag("AllowVersionUpgrade"); b != nil {
		c.upgrade = *b
	}
}

func (s *redshiftState) readKey(r *request) (string, error) {
	name, encrypted := r.params.str("KmsKeyId"), r.params.flag("Encrypted")
	switch {
	case name == "" && (encrypted == nil || !*encrypted):
		return "", nil
	case name == "":
		name = "alias/aws/redshift"
	}
	key, ok := s.aws.keys.resolve(r.place(), name)
	if !ok {
		return "", invalidValue("The KMS key %s does not exist or is not usable.", name)
	}
	return key, nil
}

// checkCluster says what is wrong with a cluster's settings.
//
// Amazon Redshift API Reference, CreateCluster: identifiers of 1 to 63 characters;
// AutomatedSnapshotRetentionPeriod "must be a value from 0 to 35" and cannot be 0
// "for RG or RA3 node types".
func checkCluster(c clusterConfig) error {
	switch always := strings.HasPrefix(c.nodeType, "ra3.") || strings.HasPrefix(c.nodeType, "rg."); {
	case c.retention < 0 || c.retention > 35:
		return invalidValue("Invalid automated snapshot retention period. It must be between 0 and 35 days.")
	case c.retention == 0 && always:
		return invalidValue("Automated snapshots cannot be disabled for the node type %s.", c.nodeType)
	case c.nodes < 1 || c.nodes > 128:
		return invalidValue("Invalid number of nodes: %d", c.nodes)
	}
	days := c.manualRetention
	return firstError(checkName("ClusterIdentifier", c.name, maxInstanceName), checkRetention(&days))
}

// addCluster puts a cluster into a Region, of which it is part from a moment on.
// The caller sets its status.
func (s *redshiftState) addCluster(g *redshiftRegion, c clusterConfig, tags tagSet, created time.Time) *cluster {
	fillCluster(&c, g.place)
	s.aws.serial++
	made := &cluster{
		place: g.place, created: created, nextAutomated: created.Add(automatedEvery),
		namespace: hashedUUID(g.account, g.region, c.name, stamp(created), strconv.Itoa(s.aws.serial)),
	}
	made.config.set(created, c)
	made.tags.set(created, tags)
	g.clusters = append(g.clusters, made)
	return made
}

func fillCluster(c *clusterConfig, p place) {
	c.version, c.track = or(c.version, "1.0"), or(c.track, "current")
	c.zone, c.vpc = or(c.zone, p.region+"a"), defaultVPC(p)
	c.subnetGroup, c.parameterGroup = or(c.subnetGroup, "default"), or(c.parameterGroup, "default.redshift-1.0")
	c.maintenanceWindow = or(c.maintenanceWindow, "sat:05:00-sat:05:30")
	if len(c.securityGroups) == 0 {
		c.securityGroups = []string{"sg-" + hashed(17, p.account, p.region, "default")}
	}
	if c.size == 0 {
		c.size = 50 * c.nodes
	}
}
