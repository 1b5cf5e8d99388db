package sandbox

func secretsService(s *secretsState) *service {
	return &service{
		name: "secretsmanager", json: true, resource: secretsResource,
		known: "BatchGetSecretValue CancelRotateSecret CreateSecret DeleteResourcePolicy DeleteSecret DescribeSecret " +
			"GetRandomPassword GetResourcePolicy GetSecretValue ListSecretVersionIds ListSecrets PutResourcePolicy " +
			"PutSecretValue RemoveRegionsFromReplication ReplicateSecretToRegions RestoreSecret RotateSecret " +
			"StopReplicationToReplica TagResource UntagResource UpdateSecret UpdateSecretVersionStage ValidateResourcePolicy",
		operations: map[string]operation{
			"CreateSecret":   writes(s.createSecret),
			"GetSecretValue": reads(s.getSecretValue),
			"PutSecretValue": writes(s.putSecretValue),
			"DescribeSecret": reads(s.describeSecret),
			"DeleteSecret":   writes(s.deleteSecret),
			"RestoreSecret":  writes(s.restoreSecret),
		},
	}
}
