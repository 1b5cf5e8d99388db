package sandbox

import "maps"

func rdsService(s *rdsState) *service {
	all := rdsClusterOperations(s)
	maps.Copy(all, rdsInstanceOperations(s))
	return &service{
		name: "rds", version: "2014-10-31", namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
		known: rdsActions, resource: rdsResource,
		operations: all,
	}
}

func rdsInstanceOperations(s *rdsState) map[string]operation {
	return map[string]operation{
		"CreateDBInstance":             writes(s.createDBInstance),
		"DescribeDBInstances":          reads(s.describeDBInstances),
		"ModifyDBInstance":             writes(s.modifyDBInstance),
		"DeleteDBInstance":             writes(s.deleteDBInstance),
		"StartDBInstance":              writes(s.startDBInstance),
		"StopDBInstance":               writes(s.stopDBInstance),
		"CreateDBSnapshot":             writes(s.createDBSnapshot),
		"DescribeDBSnapshots":          reads(s.describeDBSnapshots),
		"CopyDBSnapshot":               writes(s.copyDBSnapshot),
		"DeleteDBSnapshot":             writes(s.deleteDBSnapshot),
		"ModifyDBSnapshotAttribute":    writes(s.modifyDBSnapshotAttribute),
		"DescribeDBSnapshotAttributes": reads(s.describeDBSnapshotAttributes),
		"AddTagsToResource":            writes(s.addTagsToResource),
		"RemoveTagsFromResource":       writes(s.removeTagsFromResource),
		"ListTagsForResource":          reads(s.listTagsForResource),
		"CreateDBSubnetGroup":          writes(s.createDBSubnetGroup),
		"DescribeDBSubnetGroups":       reads(s.describeDBSubnetGroups),
		"DeleteDBSubnetGroup":          writes(s.deleteDBSubnetGroup),
		"CreateDBParameterGroup":       writes(s.createDBParameterGroup),
		"DescribeDBParameterGroups":    reads(s.describeDBParameterGroups),
		"DeleteDBParameterGroup":       writes(s.deleteDBParameterGroup),
		"CreateOptionGroup":            writes(s.createOptionGroup),
		"DescribeOptionGroups":         reads(s.describeOptionGroups),
		"DeleteOptionGroup":            writes(s.deleteOptionGroup),
		"DescribeAccountAttributes":    reads(s.describeAccountAttributes),
		"RebootDBInstance":             writes(s.rebootDBInstance),
		"PromoteReadReplica":           writes(s.promoteReadReplica),
		"AddRoleToDBInstance":          writes(s.addRoleToDBInstance),
		"RemoveRoleFromDBInstance":     writes(s.removeRoleFromDBInstance),

		"RestoreDBInstanceFromDBSnapshot": writes(s.restoreDBInstanceFromDBSnapshot),
		"RestoreDBInstanceToPointInTime":  writes(s.restoreDBInstanceToPointInTime),
	}
}

func rdsClusterOperations(s *rdsState) map[string]operation {
	return map[string]operation{
		"RestoreDBClusterFromSnapshot":  writes(s.restoreDBClusterFromSnapshot),
		"RestoreDBClusterToPointInTime": writes(s.restoreDBClusterToPointInTime),
		"AddRoleToDBCluster":            writes(s.addRoleToDBCluster),
		"RemoveRoleFromDBCluster":       writes(s.removeRoleFromDBCluster),
		"RebootDBCluster":               writes(s.rebootDBCluster),
		"EnableHttpEndpoint":            writes(s.enableHTTPEndpoint),
		"DisableHttpEndpoint":           writes(s.disableHTTPEndpoint),

		"CreateDBCluster":                     writes(s.createDBCluster),
		"DescribeDBClusters":                  reads(s.describeDBClusters),
		"ModifyDBCluster":                     writes(s.modifyDBCluster),
		"DeleteDBCluster":                     writes(s.deleteDBCluster),
		"StartDBCluster":                      writes(s.startDBCluster),
		"StopDBCluster":                       writes(s.stopDBCluster),
		"CreateDBClusterSnapshot":             writes(s.createDBClusterSnapshot),
		"DescribeDBClusterSnapshots":          reads(s.describeDBClusterSnapshots),
		"CopyDBClusterSnapshot":               writes(s.copyDBClusterSnapshot),
		"DeleteDBClusterSnapshot":             writes(s.deleteDBClusterSnapshot),
		"ModifyDBClusterSnapshotAttribute":    writes(s.modifyDBClusterSnapshotAttribute),
		"DescribeDBClusterSnapshotAttributes": reads(s.describeDBClusterSnapshotAttributes),
		"CreateDBClusterParameterGroup":       writes(s.createDBClusterParameterGroup),
		"DescribeDBClusterParameterGroups":    reads(s.describeDBClusterParameterGroups),
		"DeleteDBClusterParameterGroup":       writes(s.deleteDBClusterParameterGroup),
	}
}

// rdsResource names what a call is about, as messages about permissions do.
func rdsResource(r *request) string {
	v := r.params.values
	full := func(kind, id string) string {
		if _, ok := parseARN(id); ok {
			return id
		}
		return arn{"rds", r.place(), kind, id}.String()
	}
	for _, p := range [...]struct{ param, kind string }{
		{"ResourceName", ""},
		{"ResourceArn", ""},
		{"DBSnapshotIdentifier", "snapshot"},
		{"SourceDBSnapshotIdentifier", "snapshot"},
		{"DBInstanceIdentifier", "db"},
		{"TargetDBInstanceIdentifier", "db"},
		{"SnapshotIdentifier", dbClusterSnapshotARN},
		{"DBClusterSnapshotIdentifier", dbClusterSnapshotARN},
		{"SourceDBClusterSnapshotIdentifier", dbClusterSnapshotARN},
		{"DBClusterIdentifier", dbClusterARN},
		{"DBClusterParameterGroupName", string(clusterParameterGroups)},
		{"DBSubnetGroupName", "subgrp"},
		{"DBParameterGroupName", "pg"},
		{"OptionGroupName", "og"},
	} {
		if id := v.Get(p.param); id != "" {
			return full(p.kind, id)
		}
	}
	kind := "db"
	switch r.action {
	case "DescribeDBSnapshots":
		kind = "snapshot"
	case "DescribeDBClusters":
		kind = dbClusterARN
	case "DescribeDBClusterSnapshots":
		kind = dbClusterSnapshotARN
	}
	return full(kind, "*")
}
