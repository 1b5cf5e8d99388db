package redshift

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
	spacetypes "github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"
)

// settings gives what a restored cluster has to be told (RestoreFromClusterSnapshot
// and ModifyClusterIamRoles), because a snapshot does not carry it.
func settings(c *types.Cluster) map[string]string {
	m := map[string]string{
		"resource-id":    namespaceID(c),
		"node":           aws.ToString(c.NodeType),
		"nodes":          number(c.NumberOfNodes),
		"version":        aws.ToString(c.ClusterVersion),
		"zone":           aws.ToString(c.AvailabilityZone),
		"multi-az":       onOff(c.MultiAZ),
		"relocation":     onOff(c.AvailabilityZoneRelocationStatus),
		"subnets":        aws.ToString(c.ClusterSubnetGroupName),
		"vpc":            aws.ToString(c.VpcId),
		"security":       securityGroups(c),
		"classic":        classicGroups(c),
		"parameters":     parameterGroups(c),
		"public":         flag(c.PubliclyAccessible),
		"enhanced":       flag(c.EnhancedVpcRouting),
		"elastic-ip":     elasticIP(c),
		"network":        aws.ToString(c.IpAddressType),
		"port":           port(c),
		"db":             aws.ToString(c.DBName),
		"user":           aws.ToString(c.MasterUsername),
		"secret-key":     aws.ToString(c.MasterPasswordSecretKmsKeyId),
		"secret":         flag(aws.Bool(c.MasterPasswordSecretArn != nil)),
		"key":            aws.ToString(c.KmsKeyId),
		"roles":          roles(c),
		"default-role":   aws.ToString(c.DefaultIamRoleArn),
		"maintenance":    aws.ToString(c.PreferredMaintenanceWindow),
		"track":          aws.ToString(c.MaintenanceTrackName),
		"upgrade":        flag(c.AllowVersionUpgrade),
		"automated-days": number(c.AutomatedSnapshotRetentionPeriod),
		"manual-days":    number(c.ManualSnapshotRetentionPeriod),
		"schedule":       aws.ToString(c.SnapshotScheduleIdentifier),
		"domain":         aws.ToString(c.CustomDomainName),
		"certificate":    aws.ToString(c.CustomDomainCertificateArn),
	}
	if to := c.ClusterSnapshotCopyStatus; to != nil { // Is set by EnableSnapshotCopy.
		m["copy-region"] = aws.ToString(to.DestinationRegion)
		m["copy-days"] = wide(to.RetentionPeriod)
		m["copy-manual-days"] = number(to.ManualSnapshotRetentionPeriod)
		m["copy-grant"] = aws.ToString(to.SnapshotCopyGrantName)
	}
	return m
}

// spaceSettings gives the same for a namespace and its workgroup, if it has one.
func spaceSettings(n *spacetypes.Namespace, w *spacetypes.Workgroup) map[string]string {
	logs := make([]string, len(n.LogExports))
	for i, l := range n.LogExports {
		logs[i] = string(l)
	}
	m := map[string]string{
		"db":           aws.ToString(n.DbName),
		"user":         aws.ToString(n.AdminUsername),
		"secret-key":   aws.ToString(n.AdminPasswordSecretKmsKeyId),
		"secret":       flag(aws.Bool(n.AdminPasswordSecretArn != nil)),
		"key":          spaceKey(n.KmsKeyId),
		"roles":        list(n.IamRoles),
		"default-role": aws.ToString(n.DefaultIamRoleArn),
		"logs":         list(logs),
	}
	if w == nil {
		return m
	}
	m["workgroup"] = aws.ToString(w.WorkgroupName)
	m["base"] = number(w.BaseCapacity)
	m["most"] = number(w.MaxCapacity)
	m["port"] = number(w.Port)
	m["public"] = flag(w.PubliclyAccessible)
	m["enhanced"] = flag(w.EnhancedVpcRouting)
	m["subnets"] = list(w.SubnetIds)
	m["security"] = list(w.SecurityGroupIds)
	m["network"] = aws.ToString(w.IpAddressType)
	m["track"] = aws.ToString(w.TrackName)
	m["domain"] = aws.ToString(w.CustomDomainName)
	m["certificate"] = aws.ToString(w.CustomDomainCertificateArn)
	var parameters []string
	for _, p := range w.ConfigParameters {
		parameters = append(parameters, aws.ToString(p.ParameterKey)+" "+aws.ToString(p.ParameterValue))
	}
	m["parameters"] = list(parameters)
	return m
}

// namespaceID tells a cluster from all others, whatever its name: the end of the ARN of
// its namespace, which no rename changes.
func namespaceID(c *types.Cluster) string {
	arn := aws.ToString(c.ClusterNamespaceArn)
	return arn[strings.LastIndex(arn, ":")+1:]
}

// flag leaves out what is false or unset, so that the captured configuration
// stays short.
func flag(b *bool) string {
	if aws.ToBool(b) {
		return "yes"
	}
	return ""
}

// onOff reads what Redshift writes as "Enabled" and "disabled".
func onOff(s *string) string { return flag(aws.Bool(strings.EqualFold(aws.ToString(s), "enabled"))) }

func number(n *int32) string {
	if n == nil || *n == 0 {
		return ""
	}
	return strconv.Itoa(int(*n))
}

func wide(n *int64) string {
	if n == nil || *n == 0 {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func list(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), ",")
}

func securityGroups(c *types.Cluster) string {
	var ids []string
	for _, g := range c.VpcSecurityGroups {
		ids = append(ids, aws.ToString(g.VpcSecurityGroupId))
	}
	return list(ids)
}

func classicGroups(c *types.Cluster) string {
	var names []string
	for _, g := range c.ClusterSecurityGroups {
		names = append(names, aws.ToString(g.ClusterSecurityGroupName))
	}
	return list(names)
}

func parameterGroups(c *types.Cluster) string {
	var names []string
	for _, g := range c.ClusterParameterGroups {
		names = append(names, aws.ToString(g.ParameterGroupName))
	}
	return list(names)
}

func roles(c *types.Cluster) string {
	var arns []string
	for _, r := range c.IamRoles {
		arns = append(arns, aws.ToString(r.IamRoleArn))
	}
	return list(arns)
}

func port(c *types.Cluster) string {
	if c.Endpoint == nil {
		return ""
	}
	return number(c.Endpoint.Port)
}

func elasticIP(c *types.Cluster) string {
	if c.ElasticIpStatus == nil {
		return ""
	}
	return aws.ToString(c.ElasticIpStatus.ElasticIp)
}

// awsOwned is what Redshift Serverless gives as the key of what it encrypts with a
// key of its own.
const awsOwned = "AWS_OWNED_KMS_KEY"

func spaceKey(key *string) string {
	if aws.ToString(key) == awsOwned {
		return ""
	}
	return aws.ToString(key)
}
