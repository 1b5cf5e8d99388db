package rds

import (
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// settings gives what a restored instance has to be told, because a snapshot
// does not carry it (Amazon RDS User Guide, "Restoring to a DB instance").
func settings(in *types.DBInstance) map[string]string {
	m := map[string]string{
		"class":          aws.ToString(in.DBInstanceClass),
		"engine":         aws.ToString(in.Engine),
		"version":        aws.ToString(in.EngineVersion),
		"license":        aws.ToString(in.LicenseModel),
		"multi-az":       rdsapi.Flag(in.MultiAZ),
		"zone":           aws.ToString(in.AvailabilityZone),
		"public":         rdsapi.Flag(in.PubliclyAccessible),
		"storage":        aws.ToString(in.StorageType),
		"gib":            rdsapi.Number(in.AllocatedStorage),
		"max-gib":        rdsapi.Number(in.MaxAllocatedStorage),
		"iops":           rdsapi.Number(in.Iops),
		"throughput":     rdsapi.Number(in.StorageThroughput),
		"db":             aws.ToString(in.DBName),
		"user":           aws.ToString(in.MasterUsername),
		"key":            aws.ToString(in.KmsKeyId),
		"ca":             aws.ToString(in.CACertificateIdentifier),
		"network":        aws.ToString(in.NetworkType),
		"backup-days":    rdsapi.Number(in.BackupRetentionPeriod),
		"backup-window":  aws.ToString(in.PreferredBackupWindow),
		"maintenance":    aws.ToString(in.PreferredMaintenanceWindow),
		"minor-upgrade":  rdsapi.Flag(in.AutoMinorVersionUpgrade),
		"copy-tags":      rdsapi.Flag(in.CopyTagsToSnapshot),
		"protected":      rdsapi.Flag(in.DeletionProtection),
		"iam-auth":       rdsapi.Flag(in.IAMDatabaseAuthenticationEnabled),
		"logs":           rdsapi.List(in.EnabledCloudwatchLogsExports),
		"monitor":        rdsapi.Number(in.MonitoringInterval),
		"monitor-role":   aws.ToString(in.MonitoringRoleArn),
		"insights":       rdsapi.Flag(in.PerformanceInsightsEnabled),
		"insights-days":  rdsapi.Number(in.PerformanceInsightsRetentionPeriod),
		"insights-key":   aws.ToString(in.PerformanceInsightsKMSKeyId),
		"replica-of":     aws.ToString(in.ReadReplicaSourceDBInstanceIdentifier),
		"replicas":       rdsapi.List(in.ReadReplicaDBInstanceIdentifiers),
		"subnets":        subnetGroup(in),
		"security":       securityGroups(in),
		"parameters":     parameterGroup(in),
		"options":        optionGroup(in),
		"roles":          roles(in),
		"port":           port(in),
		"dedicated-log":  rdsapi.Flag(in.DedicatedLogVolume),
		"secret-key":     secretKey(in),
		"customer-ip":    rdsapi.Flag(in.CustomerOwnedIpEnabled),
		"character-set":  aws.ToString(in.CharacterSetName),
		"time-zone":      aws.ToString(in.Timezone),
		"insights-mode":  string(in.DatabaseInsightsMode),
		"volumes":        volumes(in),
		"tde":            aws.ToString(in.TdeCredentialArn),
		"reservation":    aws.ToString(in.DBCapacityReservationIdentifier),
		"processor":      processor(in),
		"national-set":   aws.ToString(in.NcharCharacterSetName),
		"backup-target":  aws.ToString(in.BackupTarget),
		"custom-profile": aws.ToString(in.CustomIamInstanceProfile),
		"support":        aws.ToString(in.EngineLifecycleSupport),
		"multi-tenant":   rdsapi.Flag(in.MultiTenant),
		"resource-id":    aws.ToString(in.DbiResourceId),
		"secondary-zone": aws.ToString(in.SecondaryAvailabilityZone),
		"promotion-tier": rdsapi.Number(in.PromotionTier),
	}
	maps.Copy(m, directory(in))
	return m
}

func subnetGroup(in *types.DBInstance) string {
	if in.DBSubnetGroup == nil {
		return ""
	}
	return aws.ToString(in.DBSubnetGroup.DBSubnetGroupName)
}

func securityGroups(in *types.DBInstance) string {
	var ids []string
	for _, g := range in.VpcSecurityGroups {
		ids = append(ids, aws.ToString(g.VpcSecurityGroupId))
	}
	return rdsapi.List(ids)
}

func parameterGroup(in *types.DBInstance) string {
	var names []string
	for _, g := range in.DBParameterGroups {
		names = append(names, aws.ToString(g.DBParameterGroupName))
	}
	return rdsapi.List(names)
}

func optionGroup(in *types.DBInstance) string {
	var names []string
	for _, g := range in.OptionGroupMemberships {
		names = append(names, aws.ToString(g.OptionGroupName))
	}
	return rdsapi.List(names)
}

func roles(in *types.DBInstance) string {
	var out []string
	for _, r := range in.AssociatedRoles {
		out = append(out, aws.ToString(r.FeatureName)+" "+aws.ToString(r.RoleArn))
	}
	return rdsapi.List(out)
}

func port(in *types.DBInstance) string {
	if in.Endpoint == nil {
		return ""
	}
	return rdsapi.Number(in.Endpoint.Port)
}

func secretKey(in *types.DBInstance) string {
	if in.MasterUserSecret == nil {
		return ""
	}
	return aws.ToString(in.MasterUserSecret.KmsKeyId)
}

// directory gives the Active Directory that the instance has joined, managed by
// AWS (with an id) or by oneself (with name, unit, secret and name servers).
func directory(in *types.DBInstance) map[string]string {
	if len(in.DomainMemberships) == 0 {
		return nil
	}
	m := in.DomainMemberships[0] // There is at most one.
	return map[string]string{
		"directory":        aws.ToString(m.Domain),
		"directory-role":   aws.ToString(m.IAMRoleName),
		"directory-name":   aws.ToString(m.FQDN),
		"directory-unit":   aws.ToString(m.OU),
		"directory-secret": aws.ToString(m.AuthSecretArn),
		"directory-dns":    rdsapi.List(m.DnsIps),
	}
}

// volumes gives the storage volumes beside the first: name, type, GiB, the most
// that it may grow to, IOPS and throughput.
func volumes(in *types.DBInstance) string {
	var out []string
	for _, v := range in.AdditionalStorageVolumes {
		out = append(out, strings.Join([]string{
			aws.ToString(v.VolumeName), aws.ToString(v.StorageType), rdsapi.Number(v.AllocatedStorage),
			rdsapi.Number(v.MaxAllocatedStorage), rdsapi.Number(v.IOPS), rdsapi.Number(v.StorageThroughput),
		}, " "))
	}
	return rdsapi.List(out)
}

func processor(in *types.DBInstance) string {
	var out []string
	for _, f := range in.ProcessorFeatures {
		out = append(out, aws.ToString(f.Name)+" "+aws.ToString(f.Value))
	}
	return rdsapi.List(out)
}
