package sandbox

import "time"

// The answers of Redshift Serverless, named as in the service model.
type (
	namespaceJSON struct {
		NamespaceName     string   `json:"namespaceName"`
		NamespaceArn      string   `json:"namespaceArn"`
		NamespaceID       string   `json:"namespaceId"`
		Status            string   `json:"status"`
		CreationDate      string   `json:"creationDate"`
		AdminUsername     string   `json:"adminUsername"`
		DBName            string   `json:"dbName"`
		KmsKeyID          string   `json:"kmsKeyId"`
		DefaultIamRoleArn string   `json:"defaultIamRoleArn,omitempty"`
		IamRoles          []string `json:"iamRoles"`
		LogExports        []string `json:"logExports"`
	}
	namespaceResult struct {
		Namespace namespaceJSON `json:"namespace"`
	}
	namespacesResult struct {
		Namespaces []namespaceJSON `json:"namespaces"`
		NextToken  string          `json:"nextToken,omitempty"`
	}

	workgroupJSON struct {
		WorkgroupName      string   `json:"workgroupName"`
		WorkgroupArn       string   `json:"workgroupArn"`
		NamespaceName      string   `json:"namespaceName"`
		Status             string   `json:"status"`
		CreationDate       string   `json:"creationDate"`
		BaseCapacity       int      `json:"baseCapacity"`
		MaxCapacity        int      `json:"maxCapacity,omitempty"`
		Port               int      `json:"port"`
		PubliclyAccessible bool     `json:"publiclyAccessible"`
		EnhancedVpcRouting bool     `json:"enhancedVpcRouting"`
		SubnetIDs          []string `json:"subnetIds"`
		SecurityGroupIDs   []string `json:"securityGroupIds"`
		TrackName          string   `json:"trackName"`
	}
	workgroupResult struct {
		Workgroup workgroupJSON `json:"workgroup"`
	}
	workgroupsResult struct {
		Workgroups []workgroupJSON `json:"workgroups"`
		NextToken  string          `json:"nextToken,omitempty"`
	}

	namespaceSnapshotJSON struct {
		SnapshotName               string  `json:"snapshotName"`
		SnapshotArn                string  `json:"snapshotArn"`
		NamespaceName              string  `json:"namespaceName"`
		NamespaceArn               string  `json:"namespaceArn"`
		Status                     string  `json:"status"`
		SnapshotCreateTime         string  `json:"snapshotCreateTime"`
		AdminUsername              string  `json:"adminUsername"`
		KmsKeyID                   string  `json:"kmsKeyId"`
		OwnerAccount               string  `json:"ownerAccount"`
		SnapshotRetentionPeriod    int     `json:"snapshotRetentionPeriod"`
		TotalBackupSizeInMegaBytes float64 `json:"totalBackupSizeInMegaBytes"`
		BackupProgressInMegaBytes  float64 `json:"backupProgressInMegaBytes"`
	}
	namespaceSnapshotResult struct {
		Snapshot namespaceSnapshotJSON `json:"snapshot"`
	}
	namespaceSnapshotsResult struct {
		Snapshots []namespaceSnapshotJSON `json:"snapshots"`
		NextToken string                  `json:"nextToken,omitempty"`
	}

	pointJSON struct {
		RecoveryPointID         string  `json:"recoveryPointId"`
		RecoveryPointCreateTime string  `json:"recoveryPointCreateTime"`
		NamespaceName           string  `json:"namespaceName"`
		NamespaceArn            string  `json:"namespaceArn"`
		WorkgroupName           string  `json:"workgroupName"`
		TotalSizeInMegaBytes    float64 `json:"totalSizeInMegaBytes"`
	}
	pointResult struct {
		RecoveryPoint pointJSON `json:"recoveryPoint"`
	}
	pointsResult struct {
		RecoveryPoints []pointJSON `json:"recoveryPoints"`
		NextToken      string      `json:"nextToken,omitempty"`
	}
)

func showNamespace(n *namespace, when time.Time) namespaceJSON {
	c := n.config.get(when)
	return namespaceJSON{
		NamespaceName: n.name, NamespaceArn: n.arn(), NamespaceID: n.id, Status: n.status.get(when), CreationDate: stamp(n.created),
		AdminUsername: c.user, DBName: c.dbName, KmsKeyID: or(c.key, "AWS_OWNED_KMS_KEY"), DefaultIamRoleArn: c.defaultRole,
		IamRoles: c.roles, LogExports: c.logs,
	}
}

func showWorkgroup(n *namespace, when time.Time) workgroupJSON {
	c := n.config.get(when)
	return workgroupJSON{
		WorkgroupName: c.workgroup, WorkgroupArn: serverlessARN(n.place, "workgroup", hashedUUID(n.id, c.workgroup)),
		NamespaceName: n.name, Status: namespaceAvailable, CreationDate: stamp(c.workgroupCreated), BaseCapacity: c.base,
		MaxCapacity: c.most, Port: c.port, PubliclyAccessible: c.public, EnhancedVpcRouting: c.enhanced, SubnetIDs: c.subnets,
		SecurityGroupIDs: c.groups, TrackName: c.track,
	}
}

func showNamespaceSnapshot(s *namespaceSnapshot, when time.Time) namespaceSnapshotJSON {
	size := float64(s.config.size) * 1024
	x := namespaceSnapshotJSON{
		SnapshotName: s.name, SnapshotArn: s.arn(), NamespaceName: s.of.name, NamespaceArn: s.of.arn(), Status: s.status.get(when),
		SnapshotCreateTime: stamp(s.started), AdminUsername: s.config.user, KmsKeyID: or(s.config.key, "AWS_OWNED_KMS_KEY"),
		OwnerAccount: s.account, SnapshotRetentionPeriod: s.days.get(when), TotalBackupSizeInMegaBytes: size, BackupProgressInMegaBytes: size,
	}
	if s.ready.After(when) {
		x.BackupProgressInMegaBytes = size * float64(when.Sub(s.started)) / float64(s.ready.Sub(s.started))
	}
	return x
}

func showPoint(x recoveryPoint) pointJSON {
	c := x.of.config.get(x.taken)
	return pointJSON{
		RecoveryPointID: x.id(), RecoveryPointCreateTime: stamp(x.taken), NamespaceName: x.of.name, NamespaceArn: x.of.arn(),
		WorkgroupName: c.workgroup, TotalSizeInMegaBytes: float64(c.size) * 1024,
	}
}
