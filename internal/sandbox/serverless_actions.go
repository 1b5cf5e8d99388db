package sandbox

// serverlessActions lists the actions of the Redshift Serverless API, version 2021-04-21, so that one
// that is not simulated can be told from one that does not exist.
const serverlessActions = "ConvertRecoveryPointToSnapshot CreateCustomDomainAssociation CreateEndpointAccess " +
	"CreateNamespace CreateReservation CreateScheduledAction CreateSnapshot " +
	"CreateSnapshotCopyConfiguration CreateUsageLimit CreateWorkgroup DeleteCustomDomainAssociation " +
	"DeleteEndpointAccess DeleteNamespace DeleteResourcePolicy DeleteScheduledAction DeleteSnapshot " +
	"DeleteSnapshotCopyConfiguration DeleteUsageLimit DeleteWorkgroup GetCredentials " +
	"GetCustomDomainAssociation GetEndpointAccess GetIdentityCenterAuthToken GetNamespace " +
	"GetRecoveryPoint GetReservation GetReservationOffering GetResourcePolicy GetScheduledAction " +
	"GetSnapshot GetTableRestoreStatus GetTrack GetUsageLimit GetWorkgroup " +
	"ListCustomDomainAssociations ListEndpointAccess ListManagedWorkgroups ListNamespaces " +
	"ListRecoveryPoints ListReservationOfferings ListReservations ListScheduledActions " +
	"ListSnapshotCopyConfigurations ListSnapshots ListTableRestoreStatus ListTagsForResource " +
	"ListTracks ListUsageLimits ListWorkgroups PutResourcePolicy RestoreFromRecoveryPoint " +
	"RestoreFromSnapshot RestoreTableFromRecoveryPoint RestoreTableFromSnapshot TagResource " +
	"UntagResource UpdateCustomDomainAssociation UpdateEndpointAccess UpdateLakehouseConfiguration " +
	"UpdateNamespace UpdateScheduledAction UpdateSnapshot UpdateSnapshotCopyConfiguration " +
	"UpdateUsageLimit UpdateWorkgroup"
