package sandbox

// redshiftActions lists the actions of the Redshift API, version 2012-12-01, so that one
// that is not simulated can be told from one that does not exist.
const redshiftActions = "AcceptReservedNodeExchange AddPartner AssociateDataShareConsumer " +
	"AuthorizeClusterSecurityGroupIngress AuthorizeDataShare AuthorizeEndpointAccess " +
	"AuthorizeSnapshotAccess BatchDeleteClusterSnapshots BatchModifyClusterSnapshots CancelResize " +
	"CopyClusterSnapshot CreateAuthenticationProfile CreateCluster CreateClusterParameterGroup " +
	"CreateClusterSecurityGroup CreateClusterSnapshot CreateClusterSubnetGroup " +
	"CreateCustomDomainAssociation CreateEndpointAccess CreateEventSubscription " +
	"CreateHsmClientCertificate CreateHsmConfiguration CreateIntegration " +
	"CreateRedshiftIdcApplication CreateScheduledAction CreateSnapshotCopyGrant " +
	"CreateSnapshotSchedule CreateTags CreateUsageLimit DeauthorizeDataShare " +
	"DeleteAuthenticationProfile DeleteCluster DeleteClusterParameterGroup " +
	"DeleteClusterSecurityGroup DeleteClusterSnapshot DeleteClusterSubnetGroup " +
	"DeleteCustomDomainAssociation DeleteEndpointAccess DeleteEventSubscription " +
	"DeleteHsmClientCertificate DeleteHsmConfiguration DeleteIntegration DeletePartner " +
	"DeleteRedshiftIdcApplication DeleteResourcePolicy DeleteScheduledAction DeleteSnapshotCopyGrant " +
	"DeleteSnapshotSchedule DeleteTags DeleteUsageLimit DeregisterNamespace " +
	"DescribeAccountAttributes DescribeAuthenticationProfiles DescribeClusterDbRevisions " +
	"DescribeClusterParameterGroups DescribeClusterParameters DescribeClusterSecurityGroups " +
	"DescribeClusterSnapshots DescribeClusterSubnetGroups DescribeClusterTracks " +
	"DescribeClusterVersions DescribeClusters DescribeCustomDomainAssociations DescribeDataShares " +
	"DescribeDataSharesForConsumer DescribeDataSharesForProducer DescribeDefaultClusterParameters " +
	"DescribeEndpointAccess DescribeEndpointAuthorization DescribeEventCategories " +
	"DescribeEventSubscriptions DescribeEvents DescribeHsmClientCertificates " +
	"DescribeHsmConfigurations DescribeInboundIntegrations DescribeIntegrations " +
	"DescribeLoggingStatus DescribeNodeConfigurationOptions DescribeOrderableClusterOptions " +
	"DescribePartners DescribeRedshiftIdcApplications DescribeReservedNodeExchangeStatus " +
	"DescribeReservedNodeOfferings DescribeReservedNodes DescribeResize DescribeScheduledActions " +
	"DescribeSnapshotCopyGrants DescribeSnapshotSchedules DescribeStorage DescribeTableRestoreStatus " +
	"DescribeTags DescribeUsageLimits DisableLogging DisableSnapshotCopy " +
	"DisassociateDataShareConsumer EnableLogging EnableSnapshotCopy FailoverPrimaryCompute " +
	"GetClusterCredentials GetClusterCredentialsWithIAM GetIdentityCenterAuthToken " +
	"GetReservedNodeExchangeConfigurationOptions GetReservedNodeExchangeOfferings GetResourcePolicy " +
	"ListRecommendations ModifyAquaConfiguration ModifyAuthenticationProfile ModifyCluster " +
	"ModifyClusterDbRevision ModifyClusterIamRoles ModifyClusterMaintenance " +
	"ModifyClusterParameterGroup ModifyClusterSnapshot ModifyClusterSnapshotSchedule " +
	"ModifyClusterSubnetGroup ModifyCustomDomainAssociation ModifyEndpointAccess " +
	"ModifyEventSubscription ModifyIntegration ModifyLakehouseConfiguration " +
	"ModifyRedshiftIdcApplication ModifyScheduledAction ModifySnapshotCopyRetentionPeriod " +
	"ModifySnapshotSchedule ModifyUsageLimit PauseCluster PurchaseReservedNodeOffering " +
	"PutResourcePolicy RebootCluster RegisterNamespace RejectDataShare ResetClusterParameterGroup " +
	"ResizeCluster RestoreFromClusterSnapshot RestoreTableFromClusterSnapshot ResumeCluster " +
	"RevokeClusterSecurityGroupIngress RevokeEndpointAccess RevokeSnapshotAccess RotateEncryptionKey " +
	"UpdatePartnerStatus"
