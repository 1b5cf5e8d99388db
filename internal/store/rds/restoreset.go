package rds

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// Restore makes the new one, with its mark and all settings that the call takes.
// Deletion protection comes last of all, so that a half-made one can be removed. A name
// that is taken is looked into by whoever waits: it may be taken by an earlier call whose
// answer was lost, and show late.
func (i instances) Restore(ctx context.Context, st saga.Step, tags dr.Tags) error {
	m, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	in := &rds.RestoreDBInstanceFromDBSnapshotInput{
		DBInstanceIdentifier: aws.String(st.Args["name"]), DBSnapshotIdentifier: aws.String(st.Args["snapshot"]),
		Tags:            rdsapi.RestoreTags(tags),
		DBInstanceClass: m.Word("class"), DBSubnetGroupName: m.Word("subnets"), DBParameterGroupName: m.Word("parameters"),
		OptionGroupName: ownOptions(m), VpcSecurityGroupIds: m.List("security"), Port: m.Whole("port"),
		MultiAZ: m.Yes("multi-az"), PubliclyAccessible: m.Yes("public"), AutoMinorVersionUpgrade: m.Yes("minor-upgrade"),
		CopyTagsToSnapshot: m.Yes("copy-tags"), EnableIAMDatabaseAuthentication: m.Yes("iam-auth"),
		StorageType:  m.Word("storage"),
		LicenseModel: m.Word("license"), EnableCloudwatchLogsExports: m.List("logs"), CACertificateIdentifier: m.Word("ca"),
		NetworkType: m.Word("network"), DedicatedLogVolume: m.Yes("dedicated-log"), DeletionProtection: aws.Bool(false),
		Domain: m.Word("directory"), DomainIAMRoleName: m.Word("directory-role"), EngineLifecycleSupport: m.Word("support"),
		ProcessorFeatures: processors(m),
	}
	if provisioned(m) {
		in.Iops, in.StorageThroughput = m.Whole("iops"), m.Whole("throughput")
	}
	if m["multi-az"] != "yes" {
		in.AvailabilityZone = m.Word("zone")
	}
	_, err = i.api.RestoreDBInstanceFromDBSnapshot(ctx, in)
	if _, taken := errors.AsType[*types.DBInstanceAlreadyExistsFault](err); taken {
		return nil
	}
	return err
}

// ownOptions gives the option group, unless it is the default one: that comes by itself,
// and in a Region where it was never used there is none of its name yet (Amazon RDS User
// Guide, "Working with option groups").
func ownOptions(m rdsapi.Wanted) *string {
	if strings.HasPrefix(m["options"], "default:") {
		return nil
	}
	return m.Word("options")
}

// provisioned reports whether IOPS and throughput can be given. Of gp3 storage below a
// size that depends on the engine they cannot, and are what AWS gives to all (Amazon
// RDS User Guide, "Amazon RDS DB instance storage", "gp3 storage").
func provisioned(m rdsapi.Wanted) bool {
	gib, _ := strconv.Atoi(m["gib"])
	switch {
	case strings.HasPrefix(m["storage"], "io"):
		return true
	case m["storage"] != "gp3":
		return false
	case strings.HasPrefix(m["engine"], "sqlserver"):
		return true
	case strings.HasPrefix(m["engine"], "oracle"):
		return gib >= 200
	default:
		return gib >= 400
	}
}

func processors(m rdsapi.Wanted) []types.ProcessorFeature {
	var out []types.ProcessorFeature
	for _, pair := range m.List("processor") {
		name, value, _ := strings.Cut(pair, " ")
		out = append(out, types.ProcessorFeature{Name: aws.String(name), Value: aws.String(value)})
	}
	return out
}

// setters are the settings that a running instance can be given, and how.
func setters() map[string]func(*rds.ModifyDBInstanceInput, rdsapi.Wanted) {
	return map[string]func(*rds.ModifyDBInstanceInput, rdsapi.Wanted){
		"class": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.DBInstanceClass = m.Word("class") },
		"parameters": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.DBParameterGroupName = m.Word("parameters")
		},
		"options":  func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.OptionGroupName = m.Word("options") },
		"security": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.VpcSecurityGroupIds = m.List("security") },
		"max-gib":  func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.MaxAllocatedStorage = m.Whole("max-gib") },
		"maintenance": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.PreferredMaintenanceWindow = m.Word("maintenance")
		},
		"backup-window": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.PreferredBackupWindow = m.Word("backup-window")
		},
		"backup-days": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.BackupRetentionPeriod = aws.Int32(aws.ToInt32(m.Whole("backup-days")))
		},
		"minor-upgrade": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.AutoMinorVersionUpgrade = m.Yes("minor-upgrade")
		},
		"copy-tags": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.CopyTagsToSnapshot = m.Yes("copy-tags") },
		"iam-auth": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.EnableIAMDatabaseAuthentication = m.Yes("iam-auth")
		},
		"public":        func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.PubliclyAccessible = m.Yes("public") },
		"ca":            func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) { in.CACertificateIdentifier = m.Word("ca") },
		"monitor":       setMonitoring,
		"monitor-role":  setMonitoring,
		"insights":      setInsights,
		"insights-days": setInsights,
		"insights-key":  setInsights,
		"insights-mode": func(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
			in.DatabaseInsightsMode = types.DatabaseInsightsMode(m["insights-mode"])
		},
	}
}

func setMonitoring(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
	in.MonitoringInterval, in.MonitoringRoleArn = aws.Int32(aws.ToInt32(m.Whole("monitor"))), m.Word("monitor-role")
}

func setInsights(in *rds.ModifyDBInstanceInput, m rdsapi.Wanted) {
	in.EnablePerformanceInsights = m.Yes("insights")
	if m["insights"] == "yes" {
		in.PerformanceInsightsRetentionPeriod, in.PerformanceInsightsKMSKeyId = m.Whole("insights-days"), m.Word("insights-key")
	}
}

// differences names the settings that an instance does not have yet and can be
// given.
func differences(in *seen, want rdsapi.Wanted) []string {
	is := settings(in)
	var out []string
	for name := range setters() {
		if is[name] != want[name] && (want[name] != "" || !unstated(name)) {
			out = append(out, name)
		}
	}
	return out
}

// unstated reports whether an empty value means that the old one did not say.
func unstated(name string) bool {
	switch name {
	case "class", "parameters", "options", "security", "maintenance", "backup-window", "ca", "insights-mode", "insights-key", "insights-days":
		return true
	}
	return false
}

func (i instances) settle(ctx context.Context, in *seen, st saga.Step) error {
	want, err := rdsapi.ParseWanted(st.Args["settings"])
	if err != nil {
		return err
	}
	change := &rds.ModifyDBInstanceInput{DBInstanceIdentifier: in.DBInstanceIdentifier, ApplyImmediately: aws.Bool(true)}
	set := setters()
	for _, name := range differences(in, want) {
		set[name](change, want)
	}
	_, err = i.api.ModifyDBInstance(ctx, change)
	return err
}

// role is an IAM role for a feature of the engine.
type role struct{ feature, arn string }

func missingRoles(in *seen, want rdsapi.Wanted) []role {
	has := map[role]bool{}
	for _, r := range in.AssociatedRoles {
		has[role{aws.ToString(r.FeatureName), aws.ToString(r.RoleArn)}] = true
	}
	var out []role
	for _, pair := range want.List("roles") {
		feature, arn, _ := strings.Cut(pair, " ")
		if r := (role{feature, arn}); !has[r] {
			out = append(out, r)
		}
	}
	return out
}
