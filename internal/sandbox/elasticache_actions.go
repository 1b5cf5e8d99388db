package sandbox

// elasticacheActions lists the actions of the ElastiCache API, version 2015-02-02, so
// that one that is not simulated can be told from one that does not exist.
const elasticacheActions = "AddTagsToResource AuthorizeCacheSecurityGroupIngress BatchApplyUpdateAction " +
	"BatchStopUpdateAction CompleteMigration CopyServerlessCacheSnapshot CopySnapshot " +
	"CreateCacheCluster CreateCacheParameterGroup CreateCacheSecurityGroup " +
	"CreateCacheSubnetGroup CreateGlobalReplicationGroup CreateReplicationGroup " +
	"CreateServerlessCache CreateServerlessCacheSnapshot CreateSnapshot CreateUser " +
	"CreateUserGroup DecreaseNodeGroupsInGlobalReplicationGroup DecreaseReplicaCount " +
	"DeleteCacheCluster DeleteCacheParameterGroup DeleteCacheSecurityGroup " +
	"DeleteCacheSubnetGroup DeleteGlobalReplicationGroup DeleteReplicationGroup " +
	"DeleteServerlessCache DeleteServerlessCacheSnapshot DeleteSnapshot DeleteUser " +
	"DeleteUserGroup DescribeCacheClusters DescribeCacheEngineVersions " +
	"DescribeCacheParameterGroups DescribeCacheParameters DescribeCacheSecurityGroups " +
	"DescribeCacheSubnetGroups DescribeEngineDefaultParameters DescribeEvents " +
	"DescribeGlobalReplicationGroups DescribeReplicationGroups DescribeReservedCacheNodes " +
	"DescribeReservedCacheNodesOfferings DescribeServerlessCacheSnapshots " +
	"DescribeServerlessCaches DescribeServiceUpdates DescribeSnapshots DescribeUpdateActions " +
	"DescribeUserGroups DescribeUsers DisassociateGlobalReplicationGroup " +
	"ExportServerlessCacheSnapshot FailoverGlobalReplicationGroup " +
	"IncreaseNodeGroupsInGlobalReplicationGroup IncreaseReplicaCount " +
	"ListAllowedNodeTypeModifications ListTagsForResource ModifyCacheCluster " +
	"ModifyCacheParameterGroup ModifyCacheSubnetGroup ModifyGlobalReplicationGroup " +
	"ModifyReplicationGroup ModifyReplicationGroupShardConfiguration ModifyServerlessCache " +
	"ModifyUser ModifyUserGroup PurchaseReservedCacheNodesOffering " +
	"RebalanceSlotsInGlobalReplicationGroup RebootCacheCluster RemoveTagsFromResource " +
	"ResetCacheParameterGroup RevokeCacheSecurityGroupIngress StartMigration TestFailover " +
	"TestMigration"
