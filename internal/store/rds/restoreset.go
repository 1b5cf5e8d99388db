package rds

import (
	"context"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

func yes(m map[string]string, key string) *bool { return aws.Bool(m[key] == "yes") }

func word(m map[string]string, key string) *string {
	if m[key] == "" {
		return nil
	}
	return aws.String(m[key])
}

func whole(m map[string]string, key string) *int32 {
	n, err := strconv.ParseInt(m[key], 10, 32)
	if err != nil {
		return nil
	}
	return aws.Int32(int32(n))
}

func list(m map[string]string, key string) []string {
	if m[key] == "" {
		return nil
	}
	return strings.Split(m[key], ",")
}

// restore makes the new one, with its mark and all settings that the call takes.
// Deletion protection comes last of all, so that a half-made one can be removed.
func (w worker) restore(ctx context.Context, st saga.Step) error {
	m, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return err
	}
	own, err := dr.Config(st.Args["tags"]).Settings()
	if err != nil {
		return err
	}
	in := &rds.RestoreDBInstanceFromDBSnapshotInput{
		DBInstanceIdentifier: aws.String(st.Args["name"]), DBSnapshotIdentifier: aws.String(st.Args["snapshot"]),
		Tags:            rdsapi.SDKTags(w.mark(st, dr.RoleNew), own),
		DBInstanceClass: word(m, "class"), DBSubnetGroupName: word(m, "subnets"), DBParameterGroupName: word(m, "parameters"),
		OptionGroupName: word(m, "options"), VpcSecurityGroupIds: list(m, "security"), Port: whole(m, "port"),
		MultiAZ: yes(m, "multi-az"), PubliclyAccessible: yes(m, "public"), AutoMinorVersionUpgrade: yes(m, "minor-upgrade"),
		CopyTagsToSnapshot: yes(m, "copy-tags"), EnableIAMDatabaseAuthentication: yes(m, "iam-auth"),
		StorageType:  word(m, "storage"),
		LicenseModel: word(m, "license"), EnableCloudwatchLogsExports: list(m, "logs"), CACertificateIdentifier: word(m, "ca"),
		NetworkType: word(m, "network"), DedicatedLogVolume: yes(m, "dedicated-log"), DeletionProtection: aws.Bool(false),
		Domain: word(m, "directory"), DomainIAMRoleName: word(m, "directory-role"), EngineLifecycleSupport: word(m, "support"),
		ProcessorFeatures: processors(m),
	}
	if provisioned(m) {
		in.Iops, in.StorageThroughput = whole(m, "iops"), whole(m, "throughput")
	}
	if m["multi-az"] != "yes" {
		in.AvailabilityZone = word(m, "zone")
	}
	_, err = w.api.RestoreDBInstanceFromDBSnapshot(ctx, in)
	return err
}

// provisioned reports whether IOPS and throughput can be given. Of gp3 storage below a
// size that depends on the engine they cannot, and are what AWS gives to all (Amazon
// RDS User Guide, "Amazon RDS DB instance storage", "gp3 storage").
func provisioned(m map[string]string) bool {
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

func processors(m map[string]string) []types.ProcessorFeature {
	var out []types.ProcessorFeature
	for _, pair := range list(m, "processor") {
		name, value, _ := strings.Cut(pair, " ")
		out = append(out, types.ProcessorFeature{Name: aws.String(name), Value: aws.String(value)})
	}
	return out
}

// setters are the settings that a running instance can be given, and how.
func setters() map[string]func(*rds.ModifyDBInstanceInput, map[string]string) {
	return map[string]func(*rds.ModifyDBInstanceInput, map[string]string){
		"class": func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.DBInstanceClass = word(m, "class") },
		"parameters": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.DBParameterGroupName = word(m, "parameters")
		},
		"options":  func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.OptionGroupName = word(m, "options") },
		"security": func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.VpcSecurityGroupIds = list(m, "security") },
		"max-gib":  func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.MaxAllocatedStorage = whole(m, "max-gib") },
		"maintenance": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.PreferredMaintenanceWindow = word(m, "maintenance")
		},
		"backup-window": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.PreferredBackupWindow = word(m, "backup-window")
		},
		"backup-days": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.BackupRetentionPeriod = aws.Int32(aws.ToInt32(whole(m, "backup-days")))
		},
		"minor-upgrade": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.AutoMinorVersionUpgrade = yes(m, "minor-upgrade")
		},
		"copy-tags": func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.CopyTagsToSnapshot = yes(m, "copy-tags") },
		"iam-auth": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.EnableIAMDatabaseAuthentication = yes(m, "iam-auth")
		},
		"public":        func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.PubliclyAccessible = yes(m, "public") },
		"ca":            func(in *rds.ModifyDBInstanceInput, m map[string]string) { in.CACertificateIdentifier = word(m, "ca") },
		"monitor":       setMonitoring,
		"monitor-role":  setMonitoring,
		"insights":      setInsights,
		"insights-days": setInsights,
		"insights-key":  setInsights,
		"insights-mode": func(in *rds.ModifyDBInstanceInput, m map[string]string) {
			in.DatabaseInsightsMode = types.DatabaseInsightsMode(m["insights-mode"])
		},
	}
}

func setMonitoring(in *rds.ModifyDBInstanceInput, m map[string]string) {
	in.MonitoringInterval, in.MonitoringRoleArn = aws.Int32(aws.ToInt32(whole(m, "monitor"))), word(m, "monitor-role")
}

func setInsights(in *rds.ModifyDBInstanceInput, m map[string]string) {
	in.EnablePerformanceInsights = yes(m, "insights")
	if m["insights"] == "yes" {
		in.PerformanceInsightsRetentionPeriod, in.PerformanceInsightsKMSKeyId = whole(m, "insights-days"), word(m, "insights-key")
	}
}

// differences names the settings that an instance does not have yet and can be
// given.
func differences(in *seen, want map[string]string) []string {
	is := settings(in.DBInstance)
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

func (w worker) settle(ctx context.Context, in *seen, st saga.Step) error {
	want, err := dr.Config(st.Args["settings"]).Settings()
	if err != nil {
		return err
	}
	change := &rds.ModifyDBInstanceInput{DBInstanceIdentifier: in.DBInstanceIdentifier, ApplyImmediately: aws.Bool(true)}
	set := setters()
	for _, name := range differences(in, want) {
		set[name](change, want)
	}
	_, err = w.api.ModifyDBInstance(ctx, change)
	return err
}

// role is an IAM role for a feature of the engine.
type role struct{ feature, arn string }

func missingRoles(in *seen, want map[string]string) []role {
	has := map[role]bool{}
	for _, r := range in.AssociatedRoles {
		has[role{aws.ToString(r.FeatureName), aws.ToString(r.RoleArn)}] = true
	}
	var out []role
	for _, pair := range list(want, "roles") {
		feature, arn, _ := strings.Cut(pair, " ")
		if r := (role{feature, arn}); !has[r] {
			out = append(out, r)
		}
	}
	return out
}
