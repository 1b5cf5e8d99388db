package aurora

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store/internal/rdsapi"
)

// full is a cluster with everything that there is to capture, and what is captured.
func full() (*types.DBCluster, map[string]string) {
	text, num, yes := aws.String, aws.Int32, aws.Bool(true)
	c := &types.DBCluster{
		Engine: text("aurora-mysql"), EngineVersion: text("8.0.mysql_aurora.3.08.0"), EngineMode: text("provisioned"),
		DBClusterParameterGroup: text("tuned"), DBSubnetGroup: text("private"), AvailabilityZones: []string{"us-east-1b", "us-east-1a"},
		DBClusterOptionGroupMemberships: []types.DBClusterOptionGroupStatus{{DBClusterOptionGroupName: text("audited")}},
		VpcSecurityGroups:               []types.VpcSecurityGroupMembership{{VpcSecurityGroupId: text("sg-2")}, {VpcSecurityGroupId: text("sg-1")}},
		NetworkType:                     text("DUAL"), Port: num(3307), DatabaseName: text("orders"), MasterUsername: text("O'Brien"),
		KmsKeyId: text("arn:aws:kms:us-east-1:111111111111:key/1"), BackupRetentionPeriod: num(14),
		PreferredBackupWindow: text("03:00-03:30"), PreferredMaintenanceWindow: text("sun:04:00-sun:04:30"),
		AutoMinorVersionUpgrade: yes, CopyTagsToSnapshot: yes, DeletionProtection: yes, IAMDatabaseAuthenticationEnabled: yes,
		HttpEndpointEnabled: yes, BacktrackWindow: aws.Int64(259_200), EnabledCloudwatchLogsExports: []string{"slowquery", "audit"},
		AssociatedRoles:         []types.DBClusterRole{{FeatureName: text("s3Import"), RoleArn: text("arn:aws:iam::111111111111:role/s3")}},
		GlobalClusterIdentifier: text("world"), GlobalWriteForwardingRequested: yes, LocalWriteForwardingStatus: "enabled",
		ReplicationSourceIdentifier: text("first"), ReadReplicaIdentifiers: []string{"r2", "r1"}, CustomEndpoints: []string{"reports"},
		ActivityStreamMode: "sync", ActivityStreamKmsKeyId: text("arn:aws:kms:us-east-1:111111111111:key/2"),
		EngineLifecycleSupport: text("open-source-rds-extended-support"), ClusterScalabilityType: "standard",
		CharacterSetName: text("utf8mb4"), StorageType: text("aurora-iopt1"), DBClusterInstanceClass: text("db.m6gd.large"),
		Iops: num(3000), StorageThroughput: num(500), AllocatedStorage: num(200), PubliclyAccessible: yes, MultiAZ: yes,
		MonitoringInterval: num(60), MonitoringRoleArn: text("arn:aws:iam::111111111111:role/monitor"),
		PerformanceInsightsEnabled: yes, PerformanceInsightsRetentionPeriod: num(731),
		PerformanceInsightsKMSKeyId: text("arn:aws:kms:us-east-1:111111111111:key/3"), DatabaseInsightsMode: types.DatabaseInsightsModeAdvanced,
		DbClusterResourceId: text("cluster-ABC"), VPCNetworkingEnabled: yes, InternetAccessGatewayEnabled: yes,
		MasterUserSecret:                 &types.MasterUserSecret{KmsKeyId: text("arn:aws:kms:us-east-1:111111111111:key/4")},
		CertificateDetails:               &types.CertificateDetails{CAIdentifier: text("rds-ca-rsa2048-g1")},
		ServerlessV2PlatformVersion:      text("3"),
		ServerlessV2ScalingConfiguration: &types.ServerlessV2ScalingConfigurationInfo{MinCapacity: aws.Float64(0), MaxCapacity: aws.Float64(16.5), SecondsUntilAutoPause: num(300)},
		ScalingConfigurationInfo: &types.ScalingConfigurationInfo{
			MinCapacity: num(2), MaxCapacity: num(8), SecondsUntilAutoPause: num(600), SecondsBeforeTimeout: num(300),
			AutoPause: yes, TimeoutAction: text("RollbackCapacityChange"),
		},
		DomainMemberships: []types.DomainMembership{{Domain: text("d-1234567890"), IAMRoleName: text("directory")}},
		DBClusterMembers:  []types.DBClusterMember{{DBInstanceIdentifier: text("orders-1"), IsClusterWriter: yes, PromotionTier: num(0)}},
	}
	return c, map[string]string{
		"engine": "aurora-mysql", "version": "8.0.mysql_aurora.3.08.0", "mode": "provisioned", "parameters": "tuned", "options": "audited",
		"subnets": "private", "security": "sg-1,sg-2", "zones": "us-east-1a,us-east-1b", "network": "DUAL", "port": "3307", "db": "orders",
		"user": "O'Brien", "key": "arn:aws:kms:us-east-1:111111111111:key/1", "backup-days": "14", "backup-window": "03:00-03:30",
		"maintenance": "sun:04:00-sun:04:30", "minor-upgrade": "yes", "copy-tags": "yes", "protected": "yes", "iam-auth": "yes",
		"http": "yes", "backtrack": "259200", "logs": "audit,slowquery", "roles": "s3Import arn:aws:iam::111111111111:role/s3",
		"global": "world", "global-writes": "yes", "local-writes": "enabled", "replica-of": "first", "replicas": "r1,r2",
		"endpoints": "reports", "activity": "sync", "activity-key": "arn:aws:kms:us-east-1:111111111111:key/2",
		"support": "open-source-rds-extended-support", "scalability": "standard", "character-set": "utf8mb4", "storage": "aurora-iopt1",
		"class": "db.m6gd.large", "iops": "3000", "throughput": "500", "gib": "200", "public": "yes", "multi-az": "yes", "monitor": "60",
		"monitor-role": "arn:aws:iam::111111111111:role/monitor", "insights": "yes", "insights-days": "731",
		"insights-key": "arn:aws:kms:us-east-1:111111111111:key/3", "insights-mode": "advanced", "resource-id": "cluster-ABC",
		"vpc-networking": "yes", "internet-gateway": "yes", "secret-key": "arn:aws:kms:us-east-1:111111111111:key/4",
		"ca": "rds-ca-rsa2048-g1", "serverless": "3", "acu-min": "0", "acu-max": "16.5", "acu-pause": "300", "v1-min": "2", "v1-max": "8",
		"v1-pause": "600", "v1-timeout": "300", "v1-auto-pause": "yes", "v1-timeout-action": "RollbackCapacityChange",
		"directory": "d-1234567890", "directory-role": "directory",

		"members": "orders-1", "member.tier": "0", "member.class": "db.r6g.2xlarge", "member.zone": "us-east-1c",
		"member.parameters": "member-tuned", "member.public": "yes", "member.ca": "rds-ca-ecc384-g1",
		"member.maintenance": "mon:04:00-mon:04:30", "member.minor-upgrade": "yes", "member.monitor": "15",
		"member.monitor-role": "arn:aws:iam::111111111111:role/member", "member.insights": "yes", "member.insights-days": "7",
		"member.insights-key": "arn:aws:kms:us-east-1:111111111111:key/5", "member.insights-mode": "standard", "member.tags": "env=prod\nteam=shop",
	}
}

func fullInstance(id string) *types.DBInstance {
	text, num, yes := aws.String, aws.Int32, aws.Bool(true)
	return &types.DBInstance{
		DBInstanceIdentifier: &id, DBClusterIdentifier: text("orders"), DBInstanceClass: text("db.r6g.2xlarge"), AvailabilityZone: text("us-east-1c"),
		DBParameterGroups:  []types.DBParameterGroupStatus{{DBParameterGroupName: text("member-tuned")}},
		PubliclyAccessible: yes, CACertificateIdentifier: text("rds-ca-ecc384-g1"), PreferredMaintenanceWindow: text("mon:04:00-mon:04:30"),
		AutoMinorVersionUpgrade: yes, MonitoringInterval: num(15), MonitoringRoleArn: text("arn:aws:iam::111111111111:role/member"),
		PerformanceInsightsEnabled: yes, PerformanceInsightsRetentionPeriod: num(7),
		PerformanceInsightsKMSKeyId: text("arn:aws:kms:us-east-1:111111111111:key/5"), DatabaseInsightsMode: types.DatabaseInsightsModeStandard,
		TagList: []types.Tag{{Key: text("team"), Value: text("shop")}, {Key: text("env"), Value: text("prod")}, {Key: text("aws:x"), Value: text("y")}},
	}
}

// What is captured survives the tags of a snapshot.
func TestSettingsSurviveTags(t *testing.T) {
	c, want := full()
	site := dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	c.DBClusterIdentifier = aws.String(strings.Repeat("n", 63))
	r := resource(site, c, map[string]*types.DBInstance{"orders-1": fullInstance("orders-1")})
	claim := dr.Claim{
		Owner: "prod", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC),
		Source: r.Ref.Source(), Config: r.Config,
	}
	got := snapshot(site, &types.DBClusterSnapshot{TagList: rdsapi.SDKTags(claim.Tags(), nil)}).Claim
	if got != claim {
		t.Fatalf("the claim reads %+v, want %+v", got, claim)
	}
	settings, err := got.Config.Settings()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// captured says under which key each thing is kept that a restore can be told, or why
// it is not.
var captured = map[string]string{
	"AssociatedRoles": "roles", "AvailabilityZones": "zones", "BackupRetentionPeriod": "backup-days", "BacktrackWindow": "backtrack", "CopyTagsToSnapshot": "copy-tags",
	"DBClusterInstanceClass": "class", "DBClusterParameterGroupName": "parameters", "DBSubnetGroupName": "subnets", "DatabaseName": "db",
	"DeletionProtection": "protected", "Domain": "directory", "DomainIAMRoleName": "directory-role", "EnableCloudwatchLogsExports": "logs",
	"EnableIAMDatabaseAuthentication": "iam-auth", "EnableInternetAccessGateway": "internet-gateway",
	"EnablePerformanceInsights": "insights", "EnableVPCNetworking": "vpc-networking", "Engine": "engine",
	"EngineLifecycleSupport": "support", "EngineMode": "mode", "EngineVersion": "version", "Iops": "iops", "KmsKeyId": "key",
	"MonitoringInterval": "monitor", "MonitoringRoleArn": "monitor-role", "NetworkType": "network", "OptionGroupName": "options",
	"PerformanceInsightsKMSKeyId": "insights-key", "PerformanceInsightsRetentionPeriod": "insights-days", "Port": "port",
	"PreferredBackupWindow": "backup-window", "PubliclyAccessible": "public", "ScalingConfiguration": "v1-max",
	"ServerlessV2ScalingConfiguration": "acu-max", "StorageType": "storage", "VpcSecurityGroupIds": "security",

	"DBClusterIdentifier":           "- the restore says",
	"SnapshotIdentifier":            "- the restore says",
	"Tags":                          "- the snapshot carries the source's tags",
	"TagSpecifications":             "- the snapshot carries the source's tags",
	"RdsCustomClusterConfiguration": "- reserved for future use",
}

func TestAllThatARestoreTakesIsCaptured(t *testing.T) {
	_, keys := full()
	for field := range reflect.TypeFor[awsrds.RestoreDBClusterFromSnapshotInput]().Fields() {
		key, known := captured[field.Name]
		switch {
		case !field.IsExported() || strings.HasPrefix(key, "- "):
		case !known:
			t.Errorf("RestoreDBClusterFromSnapshot takes %s: capture it, or say why not", field.Name)
		case keys[key] == "":
			t.Errorf("%s should be captured as %q and is not", field.Name, key)
		}
	}
}
