package rds

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

// full is an instance with everything that there is to capture.
func full() (*types.DBInstance, map[string]string) {
	text, num, yes := aws.String, aws.Int32, aws.Bool(true)
	in := &types.DBInstance{
		DBInstanceClass: text("db.r6g.large"), Engine: text("sqlserver-ee"), EngineVersion: text("16.00.4085.2.v1"),
		LicenseModel: text("license-included"), MultiAZ: yes, AvailabilityZone: text("us-east-1a"),
		SecondaryAvailabilityZone: text("us-east-1b"), PubliclyAccessible: yes, StorageType: text("io2"),
		AllocatedStorage: num(500), MaxAllocatedStorage: num(2000), Iops: num(14000), StorageThroughput: num(600),
		DBName: text("orders"), MasterUsername: text("O'Brien"), KmsKeyId: text("arn:aws:kms:us-east-1:111111111111:key/1"),
		CACertificateIdentifier: text("rds-ca-rsa2048-g1"), NetworkType: text("DUAL"), BackupRetentionPeriod: num(7),
		PreferredBackupWindow: text("03:00-03:30"), PreferredMaintenanceWindow: text("sun:04:00-sun:04:30"),
		AutoMinorVersionUpgrade: yes, CopyTagsToSnapshot: yes, DeletionProtection: yes, IAMDatabaseAuthenticationEnabled: yes,
		EnabledCloudwatchLogsExports: []string{"upgrade", "error"}, MonitoringInterval: num(60),
		MonitoringRoleArn: text("arn:aws:iam::111111111111:role/monitor"), PerformanceInsightsEnabled: yes,
		PerformanceInsightsRetentionPeriod: num(731), PerformanceInsightsKMSKeyId: text("arn:aws:kms:us-east-1:111111111111:key/2"),
		ReadReplicaSourceDBInstanceIdentifier: text("first"), ReadReplicaDBInstanceIdentifiers: []string{"r2", "r1"},
		DBSubnetGroup:          &types.DBSubnetGroup{DBSubnetGroupName: text("private")},
		VpcSecurityGroups:      []types.VpcSecurityGroupMembership{{VpcSecurityGroupId: text("sg-2")}, {VpcSecurityGroupId: text("sg-1")}},
		DBParameterGroups:      []types.DBParameterGroupStatus{{DBParameterGroupName: text("tuned")}},
		OptionGroupMemberships: []types.OptionGroupMembership{{OptionGroupName: text("audited")}},
		AssociatedRoles:        []types.DBInstanceRole{{FeatureName: text("S3_INTEGRATION"), RoleArn: text("arn:aws:iam::111111111111:role/s3")}},
		Endpoint:               &types.Endpoint{Port: num(1433)}, DedicatedLogVolume: yes,
		MasterUserSecret: &types.MasterUserSecret{KmsKeyId: text("arn:aws:kms:us-east-1:111111111111:key/3")}, CustomerOwnedIpEnabled: yes,
		CharacterSetName: text("SQL_Latin1_General_CP1_CI_AS"), Timezone: text("W. Europe Standard Time"),
		NcharCharacterSetName: text("AL16UTF16"), DatabaseInsightsMode: types.DatabaseInsightsModeAdvanced,
		DomainMemberships: []types.DomainMembership{{
			Domain: text("d-1234567890"), IAMRoleName: text("directory"), FQDN: text("corp.example.com"), OU: text("OU=db,DC=corp"),
			AuthSecretArn: text("arn:aws:secretsmanager:us-east-1:111111111111:secret:join"), DnsIps: []string{"10.0.0.2", "10.0.0.1"},
		}},
		ProcessorFeatures: []types.ProcessorFeature{{Name: text("threadsPerCore"), Value: text("1")}, {Name: text("coreCount"), Value: text("4")}},
		BackupTarget:      text("region"), CustomIamInstanceProfile: text("AWSRDSCustom"), EngineLifecycleSupport: text("open-source-rds-extended-support"),
		MultiTenant: yes, DbiResourceId: text("db-ABCDEFGHIJKL"), PromotionTier: num(1), TdeCredentialArn: text("arn:aws:tde"),
		DBCapacityReservationIdentifier: text("cr-1"),
		AdditionalStorageVolumes: []types.AdditionalStorageVolumeOutput{{
			VolumeName: text("rdsdbdata2"), StorageType: text("gp3"), AllocatedStorage: num(200),
			MaxAllocatedStorage: num(400), IOPS: num(3000), StorageThroughput: num(125),
		}},
	}
	return in, map[string]string{
		"class": "db.r6g.large", "engine": "sqlserver-ee", "version": "16.00.4085.2.v1", "license": "license-included",
		"multi-az": "yes", "zone": "us-east-1a", "secondary-zone": "us-east-1b", "public": "yes", "storage": "io2", "gib": "500",
		"max-gib": "2000", "iops": "14000", "throughput": "600", "db": "orders", "user": "O'Brien",
		"key": "arn:aws:kms:us-east-1:111111111111:key/1", "ca": "rds-ca-rsa2048-g1", "network": "DUAL", "backup-days": "7",
		"backup-window": "03:00-03:30", "maintenance": "sun:04:00-sun:04:30", "minor-upgrade": "yes", "copy-tags": "yes",
		"protected": "yes", "iam-auth": "yes", "logs": "error,upgrade", "monitor": "60",
		"monitor-role": "arn:aws:iam::111111111111:role/monitor", "insights": "yes", "insights-days": "731",
		"insights-key": "arn:aws:kms:us-east-1:111111111111:key/2", "insights-mode": "advanced", "replica-of": "first", "replicas": "r1,r2",
		"subnets": "private", "security": "sg-1,sg-2", "parameters": "tuned", "options": "audited",
		"roles": "S3_INTEGRATION arn:aws:iam::111111111111:role/s3", "port": "1433", "dedicated-log": "yes",
		"secret-key": "arn:aws:kms:us-east-1:111111111111:key/3", "customer-ip": "yes", "character-set": "SQL_Latin1_General_CP1_CI_AS",
		"time-zone": "W. Europe Standard Time", "national-set": "AL16UTF16", "directory": "d-1234567890", "directory-role": "directory",
		"directory-name": "corp.example.com", "directory-unit": "OU=db,DC=corp", "directory-dns": "10.0.0.1,10.0.0.2",
		"directory-secret": "arn:aws:secretsmanager:us-east-1:111111111111:secret:join", "processor": "coreCount 4,threadsPerCore 1",
		"backup-target": "region", "custom-profile": "AWSRDSCustom", "support": "open-source-rds-extended-support", "multi-tenant": "yes",
		"resource-id": "db-ABCDEFGHIJKL", "promotion-tier": "1", "tde": "arn:aws:tde", "reservation": "cr-1",
		"volumes": "rdsdbdata2 gp3 200 400 3000 125",
	}
}

// What is captured survives the tags of a snapshot.
func TestSettingsSurviveTags(t *testing.T) {
	in, want := full()
	site := dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	in.DBInstanceIdentifier = aws.String(strings.Repeat("n", 63))
	r := resource(site, in)
	claim := dr.Claim{
		Owner: "prod", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC),
		Source: r.Ref.Source(), Config: r.Config,
	}
	tags := rdsapi.SDKTags(claim.Tags(), nil)
	got := snapshot(site, &types.DBSnapshot{TagList: tags}).Claim
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

// An instance with nothing set captures nothing and breaks nothing.
func TestSettingsOfAnEmptyInstance(t *testing.T) {
	for k, v := range settings(&types.DBInstance{}) {
		if v != "" {
			t.Errorf("%s=%q comes from nowhere", k, v)
		}
	}
}

// captured says, for everything that RestoreDBInstanceFromDBSnapshot can be told,
// under which key it is captured, or why it need not be.
var captured = map[string]string{
	"AdditionalStorageVolumes": "volumes", "AllocatedStorage": "gib", "AutoMinorVersionUpgrade": "minor-upgrade",
	"AvailabilityZone": "zone", "BackupRetentionPeriod": "backup-days", "BackupTarget": "backup-target",
	"CACertificateIdentifier": "ca", "CopyTagsToSnapshot": "copy-tags", "CustomIamInstanceProfile": "custom-profile",
	"DBCapacityReservationIdentifier": "reservation", "DBInstanceClass": "class", "DBName": "db", "DBParameterGroupName": "parameters",
	"DBSubnetGroupName": "subnets", "DedicatedLogVolume": "dedicated-log", "DeletionProtection": "protected", "Domain": "directory",
	"DomainAuthSecretArn": "directory-secret", "DomainDnsIps": "directory-dns", "DomainFqdn": "directory-name",
	"DomainIAMRoleName": "directory-role", "DomainOu": "directory-unit", "EnableCloudwatchLogsExports": "logs",
	"EnableCustomerOwnedIp": "customer-ip", "EnableIAMDatabaseAuthentication": "iam-auth", "Engine": "engine",
	"EngineLifecycleSupport": "support", "Iops": "iops", "LicenseModel": "license", "ManageMasterUserPassword": "secret-key",
	"MasterUserSecretKmsKeyId": "secret-key", "MultiAZ": "multi-az", "NetworkType": "network", "OptionGroupName": "options",
	"Port": "port", "PreferredBackupWindow": "backup-window", "ProcessorFeatures": "processor", "PubliclyAccessible": "public",
	"StorageThroughput": "throughput", "StorageType": "storage", "TdeCredentialArn": "tde", "VpcSecurityGroupIds": "security",

	"DBInstanceIdentifier":        "- the restore says",
	"DBSnapshotIdentifier":        "- the restore says",
	"DBClusterSnapshotIdentifier": "- not from a cluster's snapshot",
	"Tags":                        "- the snapshot carries the source's tags",
	"TagSpecifications":           "- the snapshot carries the source's tags",
	"TdeCredentialPassword":       "- AWS does not tell it",
	"UseDefaultProcessorFeatures": "- follows from the processor's features",
}

func TestAllThatARestoreTakesIsCaptured(t *testing.T) {
	_, keys := full()
	input := reflect.TypeFor[awsrds.RestoreDBInstanceFromDBSnapshotInput]()
	for field := range input.Fields() {
		key, known := captured[field.Name]
		switch {
		case !field.IsExported() || strings.HasPrefix(key, "- "):
		case !known:
			t.Errorf("RestoreDBInstanceFromDBSnapshot takes %s: capture it, or say why not", field.Name)
		case keys[key] == "":
			t.Errorf("%s should be captured as %q and is not", field.Name, key)
		}
	}
}
