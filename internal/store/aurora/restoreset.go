package aurora

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// lost are the settings that no call gives to a restored cluster, or none that should:
// whoever replicates, streams its activity, or reaches it by an endpoint of its own.
var lost = [...]string{
	"replicas", "replica-of", "global", "global-writes", "endpoints", "activity", "activity-key", "serverless", "throughput",
}

// losses names the settings that the new one will not have.
func losses(r store.Restore) []string {
	out := store.Lost(r.Settings, lost[:]...)
	if multiAZ(r.Settings) && r.Settings[memberList] != "" {
		out = append(out, memberList+" "+r.Settings[memberList]+": AWS names its instances anew, and chooses their zones")
	}
	if key, is := r.Settings["key"], r.From.Key; is != "" && key != is {
		out = append(out, "key "+key+": it is encrypted under the snapshot's key "+is)
	}
	if left := rdsapi.TagsLeft(r); len(left) > 0 {
		out = append(out, "tags "+strings.Join(left, ",")+": with the restore's mark they are more than a cluster may have")
	}
	return out
}

// restoreInput gives the call that makes the new cluster, with all settings that it
// takes. Deletion protection comes last of all, so that a half-made one can be removed;
// both windows together, since neither may overlap the other one's default.
func restoreInput(st saga.Step, m rdsapi.Wanted, tags []types.Tag) *rds.RestoreDBClusterFromSnapshotInput {
	in := &rds.RestoreDBClusterFromSnapshotInput{
		DBClusterIdentifier: aws.String(st.Args["name"]), SnapshotIdentifier: aws.String(st.Args["snapshot"]), Tags: tags,
		Engine: m.Word("engine"), EngineVersion: m.Word("version"), EngineLifecycleSupport: m.Word("support"),
		DatabaseName: m.Word("db"), DBClusterParameterGroupName: m.Word("parameters"), DBSubnetGroupName: m.Word("subnets"),
		VpcSecurityGroupIds: m.List("security"), Port: m.Whole("port"), BackupRetentionPeriod: m.Whole("backup-days"),
		CopyTagsToSnapshot: m.Yes("copy-tags"), EnableIAMDatabaseAuthentication: m.Yes("iam-auth"),
		EnableCloudwatchLogsExports: m.List("logs"), StorageType: m.Word("storage"), DeletionProtection: aws.Bool(false),
	}
	if multiAZ(m) {
		in.DBClusterInstanceClass, in.Iops, in.PubliclyAccessible = m.Word("class"), m.Whole("iops"), m.Yes("public")
	} else {
		ofAurora(in, m)
	}
	if m["monitor"] != "" {
		in.MonitoringInterval, in.MonitoringRoleArn = m.Whole("monitor"), m.Word("monitor-role")
	}
	if m["insights"] == "yes" {
		in.EnablePerformanceInsights = aws.Bool(true)
		in.PerformanceInsightsRetentionPeriod, in.PerformanceInsightsKMSKeyId = m.Whole("insights-days"), m.Word("insights-key")
	}
	return in
}

// ofAurora adds what only Aurora clusters have.
func ofAurora(in *rds.RestoreDBClusterFromSnapshotInput, m rdsapi.Wanted) {
	in.EngineMode, in.AvailabilityZones, in.NetworkType = m.Word("mode"), m.List("zones"), m.Word("network")
	in.Domain, in.DomainIAMRoleName = m.Word("directory"), m.Word("directory-role")
	if seconds := m.Whole("backtrack"); seconds != nil {
		in.BacktrackWindow = aws.Int64(int64(*seconds))
	}
	if m["public"] == "yes" {
		in.PubliclyAccessible = aws.Bool(true)
	}
	if m["internet-gateway"] == "yes" { // The two are given together or not at all.
		in.EnableInternetAccessGateway, in.EnableVPCNetworking = aws.Bool(true), m.Yes("vpc-networking")
	}
	for _, r := range rolesOf(m) {
		in.AssociatedRoles = append(in.AssociatedRoles, types.DBClusterAssociatedRole{FeatureName: r.name(), RoleArn: aws.String(r.arn)})
	}
	least, errMin := strconv.ParseFloat(m["acu-min"], 64)
	most, errMax := strconv.ParseFloat(m["acu-max"], 64)
	if errMin == nil && errMax == nil {
		in.ServerlessV2ScalingConfiguration = &types.ServerlessV2ScalingConfiguration{
			MinCapacity: aws.Float64(least), MaxCapacity: aws.Float64(most), SecondsUntilAutoPause: m.Whole("acu-pause"),
		}
	}
}

// memberInput gives the call that makes a member. What it does not say it has from its
// cluster.
func memberInput(st saga.Step, m rdsapi.Wanted, tags []types.Tag) *rds.CreateDBInstanceInput {
	in := &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String(st.Args["name"]), DBClusterIdentifier: aws.String(st.Args["cluster"]), Tags: tags,
		Engine: m.Word("engine"), DBInstanceClass: m.Word("class"), AvailabilityZone: m.Word("zone"),
		DBParameterGroupName: m.Word("parameters"), PubliclyAccessible: m.Yes("public"), CACertificateIdentifier: m.Word("ca"),
		PreferredMaintenanceWindow: m.Word("maintenance"), AutoMinorVersionUpgrade: m.Yes("minor-upgrade"), PromotionTier: m.Whole("tier"),
	}
	if m["monitor"] != "" {
		in.MonitoringInterval, in.MonitoringRoleArn = m.Whole("monitor"), m.Word("monitor-role")
	}
	if m["insights"] == "yes" {
		in.EnablePerformanceInsights = aws.Bool(true)
		in.PerformanceInsightsRetentionPeriod, in.PerformanceInsightsKMSKeyId = m.Whole("insights-days"), m.Word("insights-key")
	}
	return in
}

// differences gives the call that changes what a cluster does not have yet of what a
// restore does not take; changed is false where there is nothing.
func differences(c *types.DBCluster, want rdsapi.Wanted) (in *rds.ModifyDBClusterInput, changed bool) {
	is := rdsapi.Wanted(settings(c, nil))
	in = &rds.ModifyDBClusterInput{DBClusterIdentifier: c.DBClusterIdentifier, ApplyImmediately: aws.Bool(true)}
	differs := func(names ...string) bool {
		for _, n := range names {
			if is[n] != want[n] && want[n] != "" {
				changed = true
				return true
			}
		}
		return false
	}
	if differs("maintenance", "backup-window") {
		in.PreferredMaintenanceWindow, in.PreferredBackupWindow = want.Word("maintenance"), want.Word("backup-window")
	}
	if is["minor-upgrade"] != want["minor-upgrade"] {
		changed, in.AutoMinorVersionUpgrade = true, want.Yes("minor-upgrade")
	}
	if differs("insights-mode") { // The advanced mode wants the others in the same call.
		in.DatabaseInsightsMode = types.DatabaseInsightsMode(want["insights-mode"])
		if want["insights"] == "yes" {
			in.EnablePerformanceInsights = aws.Bool(true)
			in.PerformanceInsightsRetentionPeriod, in.PerformanceInsightsKMSKeyId = want.Whole("insights-days"), want.Word("insights-key")
		}
	}
	if want["secret-key"] != "" && c.MasterUserSecret == nil {
		changed, in.ManageMasterUserPassword, in.MasterUserSecretKmsKeyId = true, aws.Bool(true), want.Word("secret-key")
	}
	if multiAZ(want) && differs("ca") {
		in.CACertificateIdentifier = want.Word("ca")
	}
	return in, changed
}

// forwards reports whether readers forward writes to the writer, or are about to.
func forwards(m map[string]string) bool {
	return slices.Contains([]string{
		string(types.LocalWriteForwardingStatusEnabled), string(types.LocalWriteForwardingStatusEnabling), string(types.LocalWriteForwardingStatusRequested),
	}, m["local-writes"])
}

// role is an IAM role, for a feature of the engine where it is for one.
type role struct{ feature, arn string }

func (r role) name() *string {
	if r.feature == "" {
		return nil
	}
	return aws.String(r.feature)
}

func rolesOf(m rdsapi.Wanted) []role {
	var out []role
	for _, pair := range m.List("roles") {
		feature, arn, _ := strings.Cut(pair, " ")
		out = append(out, role{feature, arn})
	}
	return out
}

func missingRoles(c *types.DBCluster, want rdsapi.Wanted) []role {
	return slices.DeleteFunc(rolesOf(want), func(r role) bool {
		return slices.ContainsFunc(c.AssociatedRoles, func(has types.DBClusterRole) bool {
			return aws.ToString(has.RoleArn) == r.arn && strings.EqualFold(aws.ToString(has.FeatureName), r.feature)
		})
	})
}

// textTags reads what tagText wrote.
func textTags(text string) dr.Tags {
	out := dr.Tags{}
	for line := range strings.SplitSeq(text, "\n") {
		if k, v, ok := strings.Cut(line, "="); ok {
			out[k] = v
		}
	}
	return out
}
