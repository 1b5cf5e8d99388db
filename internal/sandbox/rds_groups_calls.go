package sandbox

import "time"

type (
	subnetGroupXML struct {
		DBSubnetGroupName, DBSubnetGroupDescription, VpcId, SubnetGroupStatus string

		Subnets          struct{ Subnet []subnetXML }
		DBSubnetGroupArn string
	}
	subnetXML struct {
		SubnetIdentifier       string
		SubnetAvailabilityZone struct{ Name string }
		SubnetStatus           string
	}
	parameterGroupXML struct {
		DBParameterGroupName, DBParameterGroupFamily, Description, DBParameterGroupArn string
	}
	optionGroupXML struct {
		OptionGroupName, OptionGroupDescription, EngineName, MajorEngineVersion string

		Options                               struct{}
		AllowsVpcAndNonVpcInstanceMemberships bool
		OptionGroupArn                        string
	}
	subnetGroupResult    struct{ DBSubnetGroup subnetGroupXML }
	parameterGroupResult struct{ DBParameterGroup parameterGroupXML }
	optionGroupResult    struct{ OptionGroup optionGroupXML }
	subnetGroupsResult   struct {
		Marker         string `xml:",omitempty"`
		DBSubnetGroups struct{ DBSubnetGroup []subnetGroupXML }
	}
	parameterGroupsResult struct {
		Marker            string `xml:",omitempty"`
		DBParameterGroups struct{ DBParameterGroup []parameterGroupXML }
	}
	optionGroupsResult struct {
		Marker           string `xml:",omitempty"`
		OptionGroupsList struct{ OptionGroup []optionGroupXML }
	}
)

func showSubnetGroup(p place, g *dbGroup) subnetGroupXML {
	x := subnetGroupXML{
		DBSubnetGroupName: g.name, DBSubnetGroupDescription: g.description, VpcId: defaultVPC(p), SubnetGroupStatus: "Complete",
		DBSubnetGroupArn: arn{"rds", p, string(subnetGroups), g.name}.String(),
	}
	for i, id := range g.subnets {
		sub := subnetXML{SubnetIdentifier: id, SubnetStatus: "Active"}
		sub.SubnetAvailabilityZone.Name = p.region + string(rune('a'+i%3))
		x.Subnets.Subnet = append(x.Subnets.Subnet, sub)
	}
	return x
}

// showMembership gives the subnet group of a database.
func (s *rdsState) showMembership(p place, c dbConfig, when time.Time) *subnetGroupXML {
	g, ok := s.region(p).group(subnetGroups, c.subnetGroup, when)
	if !ok {
		g = &dbGroup{name: c.subnetGroup}
	}
	x := showSubnetGroup(p, g)
	return &x
}

func showParameterGroup(p place, g *dbGroup) parameterGroupXML {
	return parameterGroupXML{g.name, g.family, g.description, arn{"rds", p, string(parameterGroups), g.name}.String()}
}

func showOptionGroup(p place, g *dbGroup) optionGroupXML {
	return optionGroupXML{
		OptionGroupName: g.name, OptionGroupDescription: g.description, EngineName: g.engine, MajorEngineVersion: g.major,
		AllowsVpcAndNonVpcInstanceMemberships: true, OptionGroupArn: arn{"rds", p, string(optionGroups), g.name}.String(),
	}
}

func (s *rdsState) createDBSubnetGroup(r *request) (any, error) {
	p := r.params
	x := &dbGroup{
		kind: subnetGroups, name: p.need("DBSubnetGroupName"), description: p.need("DBSubnetGroupDescription"),
		subnets: p.list("SubnetIds", "SubnetIdentifier"),
	}
	if len(x.subnets) < 2 {
		return nil, firstError(p.err, refuse("DBSubnetGroupDoesNotCoverEnoughAZs",
			"The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Add subnets to cover at least 2 AZs."))
	}
	if err := s.addGroup(r, x, "DBSubnetGroupAlreadyExists"); err != nil {
		return nil, err
	}
	return subnetGroupResult{showSubnetGroup(r.place(), x)}, nil
}

func (s *rdsState) createDBParameterGroup(r *request) (any, error) {
	p := r.params
	x := &dbGroup{
		kind: parameterGroups, name: p.need("DBParameterGroupName"), description: p.need("Description"), family: p.need("DBParameterGroupFamily"),
	}
	if err := firstError(p.err, checkName("DBParameterGroupName", x.name, maxSnapshotName)); err != nil {
		return nil, err
	}
	if err := s.addGroup(r, x, "DBParameterGroupAlreadyExists"); err != nil {
		return nil, err
	}
	return parameterGroupResult{showParameterGroup(r.place(), x)}, nil
}

func (s *rdsState) createOptionGroup(r *request) (any, error) {
	p := r.params
	x := &dbGroup{
		kind: optionGroups, name: p.need("OptionGroupName"), description: p.need("OptionGroupDescription"),
		engine: p.need("EngineName"), major: p.need("MajorEngineVersion"),
	}
	if err := firstError(p.err, checkName("OptionGroupName", x.name, maxSnapshotName)); err != nil {
		return nil, err
	}
	if err := s.addGroup(r, x, "OptionGroupAlreadyExistsFault"); err != nil {
		return nil, err
	}
	return optionGroupResult{showOptionGroup(r.place(), x)}, nil
}

func (s *rdsState) describeDBSubnetGroups(r *request) (any, error) {
	found, pg, err := s.listGroups(r, subnetGroups, "DBSubnetGroupName")
	if err != nil {
		return nil, err
	}
	var out subnetGroupsResult
	found, out.Marker = cut(found, groupName, pg)
	for _, g := range found {
		out.DBSubnetGroups.DBSubnetGroup = append(out.DBSubnetGroups.DBSubnetGroup, showSubnetGroup(r.place(), g))
	}
	return out, nil
}

func (s *rdsState) describeDBParameterGroups(r *request) (any, error) {
	found, pg, err := s.listGroups(r, parameterGroups, "DBParameterGroupName")
	if err != nil {
		return nil, err
	}
	var out parameterGroupsResult
	found, out.Marker = cut(found, groupName, pg)
	for _, g := range found {
		out.DBParameterGroups.DBParameterGroup = append(out.DBParameterGroups.DBParameterGroup, showParameterGroup(r.place(), g))
	}
	return out, nil
}

func (s *rdsState) describeOptionGroups(r *request) (any, error) {
	found, pg, err := s.listGroups(r, optionGroups, "OptionGroupName")
	if err != nil {
		return nil, err
	}
	var out optionGroupsResult
	found, out.Marker = cut(found, groupName, pg)
	for _, g := range found {
		out.OptionGroupsList.OptionGroup = append(out.OptionGroupsList.OptionGroup, showOptionGroup(r.place(), g))
	}
	return out, nil
}

func groupName(g *dbGroup) string { return g.name }

func (s *rdsState) deleteDBSubnetGroup(r *request) (any, error) {
	return s.dropGroup(r, subnetGroups, "DBSubnetGroupName", "InvalidDBSubnetGroupStateFault")
}

func (s *rdsState) deleteDBParameterGroup(r *request) (any, error) {
	return s.dropGroup(r, parameterGroups, "DBParameterGroupName", "InvalidDBParameterGroupState")
}

func (s *rdsState) deleteOptionGroup(r *request) (any, error) {
	return s.dropGroup(r, optionGroups, "OptionGroupName", "InvalidOptionGroupStateFault")
}
