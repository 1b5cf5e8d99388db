package sandbox

import "time"

type (
	dbClusterSnapshotXML struct {
		AvailabilityZones                struct{ AvailabilityZone []string }
		DBClusterSnapshotIdentifier      string
		DBClusterIdentifier              string
		SnapshotCreateTime               string `xml:",omitempty"`
		Engine, EngineMode               string
		AllocatedStorage                 int
		Status                           string
		Port                             int
		VpcId, ClusterCreateTime         string
		MasterUsername, EngineVersion    string
		LicenseModel, SnapshotType       string
		PercentProgress                  int
		StorageEncrypted                 bool
		KmsKeyId                         string `xml:",omitempty"`
		DBClusterSnapshotArn             string
		SourceDBClusterSnapshotArn       string `xml:",omitempty"`
		IAMDatabaseAuthenticationEnabled bool
		TagList                          tagListXML
		StorageType                      string `xml:",omitempty"`
		DbClusterResourceId              string
		BackupRetentionPeriod            int
		PreferredBackupWindow            string
	}
	dbClusterSnapshotResult  struct{ DBClusterSnapshot dbClusterSnapshotXML }
	dbClusterSnapshotsResult struct {
		Marker             string `xml:",omitempty"`
		DBClusterSnapshots struct{ DBClusterSnapshot []dbClusterSnapshotXML }
	}
)

// showDBClusterSnapshot gives a snapshot as its owner sees it at a moment. Unlike a DB
// snapshot it tells of a copy when it was copied, and not when the original was
// taken: the service model has no OriginalSnapshotCreateTime here.
func showDBClusterSnapshot(s *dbClusterSnapshot, when time.Time) dbClusterSnapshotXML {
	x := dbClusterSnapshotXML{
		DBClusterSnapshotIdentifier: s.name, DBClusterIdentifier: s.of.name, Engine: s.of.engine, EngineMode: s.of.mode,
		AllocatedStorage: s.of.size, Status: s.status.get(when), Port: s.of.port, VpcId: s.of.vpc,
		ClusterCreateTime: stamp(s.instanceCreated), MasterUsername: s.of.user, EngineVersion: s.of.version,
		LicenseModel: licenseOf(s.of.engine), SnapshotType: s.kind, PercentProgress: s.percent(when),
		StorageEncrypted: s.key != "", KmsKeyId: s.key, DBClusterSnapshotArn: s.arn().String(),
		SourceDBClusterSnapshotArn: s.sourceARN, IAMDatabaseAuthenticationEnabled: s.of.iam,
		TagList: showTags(s.tags.get(when)), StorageType: s.of.storageType, DbClusterResourceId: s.resource,
		BackupRetentionPeriod: s.of.retention, PreferredBackupWindow: s.of.backupWindow,
	}
	x.AvailabilityZones.AvailabilityZone = s.of.zones
	if !when.Before(s.shownFrom) {
		x.SnapshotCreateTime = stamp(s.taken)
	}
	return x
}
