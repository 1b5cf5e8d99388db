package sandbox

import (
	"slices"
	"time"
)

type (
	clusterGroupXML struct {
		DBClusterParameterGroupName, DBParameterGroupFamily, Description, DBClusterParameterGroupArn string
	}
	clusterGroupResult  struct{ DBClusterParameterGroup clusterGroupXML }
	clusterGroupsResult struct {
		Marker                   string `xml:",omitempty"`
		DBClusterParameterGroups struct{ DBClusterParameterGroup []clusterGroupXML }
	}
)

func showClusterGroup(p place, g *dbGroup) clusterGroupXML {
	return clusterGroupXML{g.name, g.family, g.description, arn{"rds", p, string(clusterParameterGroups), g.name}.String()}
}

// clusterUses reports whether a cluster names a group.
func (g *rdsRegion) clusterUses(kind groupKind, name string, now time.Time) bool {
	return slices.ContainsFunc(g.clusters, func(cl *dbCluster) bool {
		c := cl.config.get(now)
		named := map[groupKind]string{subnetGroups: c.subnetGroup, clusterParameterGroups: c.parameterGroup}
		return cl.exists(now) && name != "" && named[kind] == name
	})
}

func (s *rdsState) createDBClusterParameterGroup(r *request) (any, error) {
	p := r.params
	x := &dbGroup{
		kind: clusterParameterGroups, name: p.need("DBClusterParameterGroupName"), description: p.need("Description"),
		family: p.need("DBParameterGroupFamily"),
	}
	if err := firstError(p.err, checkName("DBClusterParameterGroupName", x.name, maxSnapshotName)); err != nil {
		return nil, err
	}
	if err := s.addGroup(r, x, "DBParameterGroupAlreadyExists"); err != nil {
		return nil, err
	}
	return clusterGroupResult{showClusterGroup(r.place(), x)}, nil
}

func (s *rdsState) describeDBClusterParameterGroups(r *request) (any, error) {
	found, pg, err := s.listGroups(r, clusterParameterGroups, "DBClusterParameterGroupName")
	if err != nil {
		return nil, err
	}
	var out clusterGroupsResult
	found, out.Marker = cut(found, groupName, pg)
	for _, g := range found {
		out.DBClusterParameterGroups.DBClusterParameterGroup = append(out.DBClusterParameterGroups.DBClusterParameterGroup, showClusterGroup(r.place(), g))
	}
	return out, nil
}

func (s *rdsState) deleteDBClusterParameterGroup(r *request) (any, error) {
	return s.dropGroup(r, clusterParameterGroups, "DBClusterParameterGroupName", "InvalidDBParameterGroupState")
}
