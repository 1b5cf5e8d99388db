package sandbox

func elasticacheService(s *cacheState) *service {
	return &service{
		name: "elasticache", version: "2015-02-02", namespace: "http://elasticache.amazonaws.com/doc/2015-02-02/",
		known: elasticacheActions, resource: elasticacheResource,
		operations: map[string]operation{
			"CreateReplicationGroup":           writes(s.createGroup),
			"DescribeReplicationGroups":        reads(s.describeGroups),
			"DeleteReplicationGroup":           writes(s.deleteGroup),
			"ModifyReplicationGroup":           writes(s.modifyGroup),
			"ModifyCacheCluster":               writes(s.modifyCluster),
			"ModifyServerlessCache":            writes(s.modifyServerless),
			"CreateCacheCluster":               writes(s.createCluster),
			"DescribeCacheClusters":            reads(s.describeClusters),
			"DeleteCacheCluster":               writes(s.deleteCluster),
			"CreateServerlessCache":            writes(s.createServerless),
			"DescribeServerlessCaches":         reads(s.describeServerless),
			"DeleteServerlessCache":            writes(s.deleteServerless),
			"CreateSnapshot":                   writes(s.createSnapshot),
			"DescribeSnapshots":                reads(s.describeSnapshots),
			"CopySnapshot":                     writes(s.copySnapshot),
			"DeleteSnapshot":                   writes(s.deleteSnapshot),
			"ExportServerlessCacheSnapshot":    writes(s.exportServerlessSnapshot),
			"CreateServerlessCacheSnapshot":    writes(s.createServerlessSnapshot),
			"DescribeServerlessCacheSnapshots": reads(s.describeServerlessSnapshots),
			"DeleteServerlessCacheSnapshot":    writes(s.deleteServerlessSnapshot),
			"AddTagsToResource":                writes(s.addTags),
			"RemoveTagsFromResource":           writes(s.removeTags),
			"ListTagsForResource":              reads(s.listTags),
		},
	}
}

// elasticacheResource names what a call is about, as messages about permissions do.
func elasticacheResource(r *request) string {
	v := r.params.values
	if name := v.Get("ResourceName"); name != "" {
		return name
	}
	for _, p := range [...]struct{ param, kind string }{
		{"ServerlessCacheSnapshotName", "serverlesssnapshot"},
		{"SnapshotName", "snapshot"},
		{"SourceSnapshotName", "snapshot"},
		{"ServerlessCacheName", string(formServerless)},
		{"ReplicationGroupId", string(formGroup)},
		{"CacheClusterId", string(formCluster)},
	} {
		if id := v.Get(p.param); id != "" {
			return arn{"elasticache", r.place(), p.kind, id}.String()
		}
	}
	return "*"
}
