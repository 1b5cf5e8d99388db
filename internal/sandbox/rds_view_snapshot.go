package sandbox

import (
	"maps"
	"slices"
	"time"
)

// The elements of the answers of RDS about snapshots, named as in the service
// model.
type (
	snapshotXML struct {
		DBSnapshotIdentifier, DBInstanceIdentifier string
		SnapshotCreateTime                         string `xml:",omitempty"`
		Engine                                     string
		AllocatedStorage                           int
		Status                                     string
		Port                                       int
		AvailabilityZone                           string `xml:",omitempty"`
		VpcId                                      string
		InstanceCreateTime                         string
		MasterUsername, EngineVersion              string
		LicenseModel, SnapshotType                 string
		Iops                                       int    `xml:",omitempty"`
		StorageThroughput                          int    `xml:",omitempty"`
		OptionGroupName                            string `xml:",omitempty"`
		PercentProgress                            int
		SourceRegion                               string `xml:",omitempty"`
		SourceDBSnapshotIdentifier                 string `xml:",omitempty"`
		StorageType                                string
		Encrypted                                  bool
		KmsKeyId                                   string `xml:",omitempty"`
		DBSnapshotArn                              string
		Timezone                                   string `xml:",omitempty"`
		IAMDatabaseAuthenticationEnabled           bool
		ProcessorFeatures                          struct{}
		DbiResourceId                              string
		TagList                                    tagListXML
		SnapshotTarget                             string
		OriginalSnapshotCreateTime                 string `xml:",omitempty"`
		SnapshotDatabaseTime                       string `xml:",omitempty"`
		DedicatedLogVolume                         bool
	}
	snapshotResult  struct{ DBSnapshot snapshotXML }
	snapshotsResult struct {
		Marker      string `xml:",omitempty"`
		DBSnapshots struct{ DBSnapshot []snapshotXML }
	}
)

// showSnapshot gives a snapshot as its owner sees it at a moment.
//
// While the snapshot is begun it has no creation time yet: the AWS CLI Command
// Reference shows the answer to create-db-snapshot without one.
func showSnapshot(s *dbSnapshot, when time.Time) snapshotXML {
	x := snapshotXML{
		DBSnapshotIdentifier: s.name, DBInstanceIdentifier: s.of.name, Engine: s.of.engine, AllocatedStorage: s.of.size,
		Status: s.status.get(when), Port: s.of.port, AvailabilityZone: s.of.zone, VpcId: s.of.vpc,
		InstanceCreateTime: stamp(s.instanceCreated), MasterUsername: s.of.user, EngineVersion: s.of.version,
		LicenseModel: s.of.license, SnapshotType: s.kind, Iops: s.of.iops, StorageThroughput: s.of.throughput,
		OptionGroupName: s.optionGroup, PercentProgress: s.percent(when),
		StorageType: s.of.storageType, Encrypted: s.key != "", KmsKeyId: s.key, DBSnapshotArn: s.arn().String(),
		Timezone: s.of.timezone, IAMDatabaseAuthenticationEnabled: s.of.iam, DbiResourceId: s.resource,
		TagList: showTags(s.tags.get(when)), SnapshotTarget: "region",
	}
	// "It only has a value in the case of a cross-account or cross-Region copy."
	// (Amazon RDS API Reference, DBSnapshot, SourceDBSnapshotIdentifier.)
	if from, ok := parseARN(s.sourceARN); ok && from.place != s.place {
		x.SourceDBSnapshotIdentifier = s.sourceARN
		if from.region != s.region {
			x.SourceRegion = from.region
		}
	}
	if !when.Before(s.shownFrom) {
		x.SnapshotCreateTime = stamp(s.taken)
		x.OriginalSnapshotCreateTime = stamp(s.original)
		x.SnapshotDatabaseTime = stamp(s.original)
	}
	return x
}

// showForeign gives a snapshot of another account as one sees it with whom it is
// shared: under its full name, and without its tags, which are its owner's.
func showForeign(s *dbSnapshot, kind string, when time.Time) snapshotXML {
	x := showSnapshot(s, when)
	x.DBSnapshotIdentifier = x.DBSnapshotArn
	x.SnapshotType = kind
	x.TagList = tagListXML{}
	return x
}

func showTags(t tagSet) tagListXML {
	var x tagListXML
	for _, k := range slices.Sorted(maps.Keys(t)) {
		x.Tag = append(x.Tag, tagXML{k, t[k]})
	}
	return x
}
