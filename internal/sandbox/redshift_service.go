package sandbox

func redshiftService(s *redshiftState) *service {
	return &service{
		name: "redshift", version: "2012-12-01", namespace: "http://redshift.amazonaws.com/doc/2012-12-01/",
		known: redshiftActions, resource: redshiftResource,
		operations: map[string]operation{
			"CreateCluster":                     writes(s.createCluster),
			"DescribeClusters":                  reads(s.describeClusters),
			"ModifyCluster":                     writes(s.modifyCluster),
			"DeleteCluster":                     writes(s.deleteCluster),
			"PauseCluster":                      writes(s.pauseCluster),
			"ResumeCluster":                     writes(s.resumeCluster),
			"ResizeCluster":                     writes(s.resizeCluster),
			"CreateClusterSnapshot":             writes(s.createClusterSnapshot),
			"CopyClusterSnapshot":               writes(s.copyClusterSnapshot),
			"DescribeClusterSnapshots":          reads(s.describeClusterSnapshots),
			"ModifyClusterSnapshot":             writes(s.modifyClusterSnapshot),
			"DeleteClusterSnapshot":             writes(s.deleteClusterSnapshot),
			"BatchDeleteClusterSnapshots":       writes(s.batchDeleteClusterSnapshots),
			"AuthorizeSnapshotAccess":           writes(s.authorizeSnapshotAccess),
			"RevokeSnapshotAccess":              writes(s.revokeSnapshotAccess),
			"EnableSnapshotCopy":                writes(s.enableSnapshotCopy),
			"DisableSnapshotCopy":               writes(s.disableSnapshotCopy),
			"ModifySnapshotCopyRetentionPeriod": writes(s.modifySnapshotCopyRetentionPeriod),
			"CreateSnapshotCopyGrant":           writes(s.createSnapshotCopyGrant),
			"DescribeSnapshotCopyGrants":        reads(s.describeSnapshotCopyGrants),
			"DeleteSnapshotCopyGrant":           writes(s.deleteSnapshotCopyGrant),
			"EnableLogging":                     writes(s.enableLogging),
			"DisableLogging":                    writes(s.disableLogging),
			"DescribeLoggingStatus":             reads(s.describeLoggingStatus),
			"CreateTags":                        writes(s.createTags),
			"RestoreFromClusterSnapshot":        writes(s.restoreFromClusterSnapshot),
			"RestoreTableFromClusterSnapshot":   writes(s.restoreTable),
			"DescribeTableRestoreStatus":        reads(s.describeTableRestoreStatus),
			"ModifyClusterIamRoles":             writes(s.modifyClusterIamRoles),
			"ModifyClusterSnapshotSchedule":     writes(s.modifyClusterSnapshotSchedule),
			"RebootCluster":                     writes(s.rebootCluster),
			"DeleteTags":                        writes(s.deleteTags),
			"DescribeTags":                      reads(s.describeTags),
		},
	}
}

// redshiftResource names what a call is about, as messages about permissions do.
func redshiftResource(r *request) string {
	v := r.params.values
	full := func(kind, id string) string { return arn{"redshift", r.place(), kind, id}.String() }
	if name := v.Get("ResourceName"); name != "" {
		return name
	}
	if name := v.Get("SnapshotCopyGrantName"); name != "" && !v.Has("ClusterIdentifier") {
		return full("snapshotcopygrant", name)
	}
	if name := v.Get("ClusterIdentifier"); name != "" && !v.Has("SnapshotIdentifier") {
		return full("cluster", name)
	}
	for _, p := range [...]string{"SnapshotIdentifier", "TargetSnapshotIdentifier"} {
		if name := v.Get(p); name != "" {
			return full("snapshot", or(v.Get("ClusterIdentifier"), "*")+"/"+name)
		}
	}
	return full("cluster", "*")
}
