package aurora

import (
	"maps"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// settings gives what a restored cluster has to be told, because a snapshot does not
// carry it (Amazon Aurora User Guide, "Restoring from a DB cluster snapshot"), and
// what instances have to be created in it.
func settings(c *types.DBCluster, instances map[string]*types.DBInstance) map[string]string {
	flag, number, list := rdsapi.Flag, rdsapi.Number[int32], rdsapi.List
	m := map[string]string{
		"engine":           aws.ToString(c.Engine),
		"version":          aws.ToString(c.EngineVersion),
		"mode":             aws.ToString(c.EngineMode),
		"parameters":       aws.ToString(c.DBClusterParameterGroup),
		"options":          options(c),
		"subnets":          aws.ToString(c.DBSubnetGroup),
		"security":         securityGroups(c),
		"zones":            list(c.AvailabilityZones),
		"network":          aws.ToString(c.NetworkType),
		"port":             number(c.Port),
		"db":               aws.ToString(c.DatabaseName),
		"user":             aws.ToString(c.MasterUsername),
		"key":              aws.ToString(c.KmsKeyId),
		"backup-days":      number(c.BackupRetentionPeriod),
		"backup-window":    aws.ToString(c.PreferredBackupWindow),
		"maintenance":      aws.ToString(c.PreferredMaintenanceWindow),
		"minor-upgrade":    flag(c.AutoMinorVersionUpgrade),
		"copy-tags":        flag(c.CopyTagsToSnapshot),
		"protected":        flag(c.DeletionProtection),
		"iam-auth":         flag(c.IAMDatabaseAuthenticationEnabled),
		"http":             flag(c.HttpEndpointEnabled),
		"backtrack":        rdsapi.Number(c.BacktrackWindow),
		"logs":             list(c.EnabledCloudwatchLogsExports),
		"roles":            roles(c),
		"global":           aws.ToString(c.GlobalClusterIdentifier),
		"global-writes":    flag(c.GlobalWriteForwardingRequested),
		"local-writes":     string(c.LocalWriteForwardingStatus),
		"replica-of":       aws.ToString(c.ReplicationSourceIdentifier),
		"replicas":         list(c.ReadReplicaIdentifiers),
		"endpoints":        list(c.CustomEndpoints),
		"activity":         string(c.ActivityStreamMode),
		"activity-key":     aws.ToString(c.ActivityStreamKmsKeyId),
		"support":          aws.ToString(c.EngineLifecycleSupport),
		"scalability":      string(c.ClusterScalabilityType),
		"character-set":    aws.ToString(c.CharacterSetName),
		"resource-id":      aws.ToString(c.DbClusterResourceId),
		"vpc-networking":   flag(c.VPCNetworkingEnabled),
		"internet-gateway": flag(c.InternetAccessGatewayEnabled),
	}
	if c.MasterUserSecret != nil {
		m["secret-key"] = aws.ToString(c.MasterUserSecret.KmsKeyId)
	}
	if c.CertificateDetails != nil {
		m["ca"] = aws.ToString(c.CertificateDetails.CAIdentifier)
	}
	maps.Copy(m, machine(c))
	maps.Copy(m, capacity(c))
	maps.Copy(m, directory(c))
	maps.Copy(m, encodeMembers(membersOf(c, instances)))
	return m
}

// machine gives what a cluster runs on and how it is watched. Aurora has most of it
// on its instances; a Multi-AZ DB cluster on the cluster.
func machine(c *types.DBCluster) map[string]string {
	flag, number := rdsapi.Flag, rdsapi.Number[int32]
	m := map[string]string{
		"storage":       aws.ToString(c.StorageType),
		"class":         aws.ToString(c.DBClusterInstanceClass),
		"iops":          number(c.Iops),
		"throughput":    number(c.StorageThroughput),
		"public":        flag(c.PubliclyAccessible),
		"multi-az":      flag(c.MultiAZ),
		"monitor":       number(c.MonitoringInterval),
		"monitor-role":  aws.ToString(c.MonitoringRoleArn),
		"insights":      flag(c.PerformanceInsightsEnabled),
		"insights-days": number(c.PerformanceInsightsRetentionPeriod),
		"insights-key":  aws.ToString(c.PerformanceInsightsKMSKeyId),
		"insights-mode": string(c.DatabaseInsightsMode),
	}
	if bytes(c) > 0 {
		m["gib"] = number(c.AllocatedStorage)
	}
	return m
}

// capacity gives how far a serverless cluster scales: in Aurora capacity units, in
// half-steps with version 2.
func capacity(c *types.DBCluster) map[string]string {
	m := map[string]string{"serverless": aws.ToString(c.ServerlessV2PlatformVersion)}
	if v2 := c.ServerlessV2ScalingConfiguration; v2 != nil {
		m["acu-min"], m["acu-max"] = units(v2.MinCapacity), units(v2.MaxCapacity)
		m["acu-pause"] = rdsapi.Number(v2.SecondsUntilAutoPause)
	}
	if v1 := c.ScalingConfigurationInfo; v1 != nil {
		m["v1-min"], m["v1-max"] = rdsapi.Number(v1.MinCapacity), rdsapi.Number(v1.MaxCapacity)
		m["v1-pause"], m["v1-timeout"] = rdsapi.Number(v1.SecondsUntilAutoPause), rdsapi.Number(v1.SecondsBeforeTimeout)
		m["v1-auto-pause"], m["v1-timeout-action"] = rdsapi.Flag(v1.AutoPause), aws.ToString(v1.TimeoutAction)
	}
	return m
}

// units keeps 0, which lets a cluster pause.
func units(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// directory gives the Active Directory that the cluster has joined.
func directory(c *types.DBCluster) map[string]string {
	if len(c.DomainMemberships) == 0 {
		return nil
	}
	m := c.DomainMemberships[0] // There is at most one.
	return map[string]string{"directory": aws.ToString(m.Domain), "directory-role": aws.ToString(m.IAMRoleName)}
}

func securityGroups(c *types.DBCluster) string {
	ids := make([]string, 0, len(c.VpcSecurityGroups))
	for _, g := range c.VpcSecurityGroups {
		ids = append(ids, aws.ToString(g.VpcSecurityGroupId))
	}
	return rdsapi.List(ids)
}

func options(c *types.DBCluster) string {
	names := make([]string, 0, len(c.DBClusterOptionGroupMemberships))
	for _, g := range c.DBClusterOptionGroupMemberships {
		names = append(names, aws.ToString(g.DBClusterOptionGroupName))
	}
	return rdsapi.List(names)
}

func roles(c *types.DBCluster) string {
	out := make([]string, 0, len(c.AssociatedRoles))
	for _, r := range c.AssociatedRoles {
		out = append(out, aws.ToString(r.FeatureName)+" "+aws.ToString(r.RoleArn))
	}
	return rdsapi.List(out)
}
