package sandbox

func serverlessService(s *serverlessState) *service {
	return &service{
		name: "redshift-serverless", json: true, known: serverlessActions, resource: serverlessResource,
		operations: map[string]operation{
			"CreateNamespace":                writes(s.createNamespace),
			"GetNamespace":                   reads(s.getNamespace),
			"ListNamespaces":                 reads(s.listNamespaces),
			"UpdateNamespace":                writes(s.updateNamespace),
			"DeleteNamespace":                writes(s.deleteNamespace),
			"CreateWorkgroup":                writes(s.createWorkgroup),
			"ListWorkgroups":                 reads(s.listWorkgroups),
			"DeleteWorkgroup":                writes(s.deleteWorkgroup),
			"GetRecoveryPoint":               reads(s.getRecoveryPoint),
			"ListRecoveryPoints":             reads(s.listRecoveryPoints),
			"ConvertRecoveryPointToSnapshot": writes(s.convertRecoveryPoint),
			"CreateSnapshot":                 writes(s.createSnapshot),
			"GetSnapshot":                    reads(s.getSnapshot),
			"ListSnapshots":                  reads(s.listSnapshots),
			"UpdateSnapshot":                 writes(s.updateSnapshot),
			"DeleteSnapshot":                 writes(s.deleteSnapshot),
			"RestoreFromSnapshot":            writes(s.restoreFromSnapshot),
			"TagResource":                    writes(s.tagResource),
			"UntagResource":                  writes(s.untagResource),
			"ListTagsForResource":            reads(s.listTagsForResource),
		},
	}
}

// serverlessResource names what a call is about, as messages about permissions do.
func serverlessResource(r *request) string {
	if full := r.params.values.Get("resourceArn"); full != "" {
		return full
	}
	return serverlessARN(r.place(), "*", "*")
}
