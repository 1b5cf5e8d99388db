package sandbox

import "net/http"

// ec2Service is the part of EC2 that EBS snapshots have to do with.
func ec2Service(s *ec2State) *service {
	return &service{
		name: "ec2", version: "2016-11-15", namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
		known: ec2Actions, resource: ec2Resource, ec2: true,
		operations: map[string]operation{
			"RunInstances":              writes(dryRun(s.runInstances)),
			"DescribeInstances":         reads(dryRun(s.describeInstances)),
			"StartInstances":            writes(dryRun(s.startInstances)),
			"StopInstances":             writes(dryRun(s.stopInstances)),
			"TerminateInstances":        writes(dryRun(s.terminateInstances)),
			"DescribeInstanceStatus":    reads(dryRun(s.describeInstanceStatus)),
			"DescribeInstanceAttribute": reads(dryRun(s.describeInstanceAttribute)),
			"ModifyInstanceAttribute":   writes(dryRun(s.modifyInstanceAttribute)),
			"CreateVolume":              writes(dryRun(s.createVolume)),
			"AttachVolume":              writes(dryRun(s.attachVolume)),
			"DetachVolume":              writes(dryRun(s.detachVolume)),
			"DeleteVolume":              writes(dryRun(s.deleteVolume)),
			"DescribeVolumes":           reads(dryRun(s.describeVolumes)),
			"DescribeVolumeStatus":      reads(dryRun(s.describeVolumeStatus)),
			"CreateSnapshot":            writes(dryRun(s.createSnapshot)),
			"CreateSnapshots":           writes(dryRun(s.createSnapshots)),
			"DescribeSnapshots":         reads(dryRun(s.describeSnapshots)),
			"DeleteSnapshot":            writes(dryRun(s.deleteSnapshot)),
			"CopySnapshot":              writes(dryRun(s.copySnapshot)),
			"ModifySnapshotAttribute":   writes(dryRun(s.modifySnapshotAttribute)),
			"DescribeSnapshotAttribute": reads(dryRun(s.describeSnapshotAttribute)),
			"CreateTags":                writes(dryRun(s.createTags)),
			"DeleteTags":                writes(dryRun(s.deleteTags)),
			"DescribeTags":              reads(dryRun(s.describeTags)),

			"CreateReplaceRootVolumeTask":    writes(dryRun(s.createReplaceRootVolumeTask)),
			"DescribeReplaceRootVolumeTasks": reads(dryRun(s.describeReplaceRootVolumeTasks)),
		},
	}
}

// dryRun answers calls that only ask whether the caller may. Those who may not
// have been refused before.
//
// Amazon EC2 API Reference, "Common parameters": DryRun "Checks whether you have
// the required permissions for the action, without actually making the request".
func dryRun(run func(*request) (any, error)) func(*request) (any, error) {
	return func(r *request) (any, error) {
		if r.params.isSet("DryRun") {
			return nil, &apiError{"DryRunOperation", http.StatusPreconditionFailed, "Request would have succeeded, but DryRun flag is set."}
		}
		return run(r)
	}
}

// ec2Unauthorized is how EC2 says that IAM does not allow a call.
func ec2Unauthorized(r *request, action string) error {
	return forbid("UnauthorizedOperation", "You are not authorized to perform this operation. "+
		"User: %s is not authorized to perform: ec2:%s on resource: %s because no identity-based policy allows the ec2:%s action",
		r.who.arn, action, ec2Resource(r), action)
}

// ec2Throttled is how EC2 says that there were too many calls (Amazon EC2
// Developer Guide, "Request throttling for the Amazon EC2 API").
func ec2Throttled() error {
	return &apiError{"RequestLimitExceeded", http.StatusServiceUnavailable, "Request limit exceeded."}
}

// ec2Resource names what a call is about, as messages about permissions do.
func ec2Resource(r *request) string {
	for _, p := range [...]struct{ param, kind string }{
		{"SnapshotId", "snapshot"},
		{"VolumeId", "volume"},
		{"InstanceId.1", "instance"},
		{"InstanceId", "instance"},
		{"InstanceSpecification.InstanceId", "instance"},
	} {
		if id := r.params.values.Get(p.param); id != "" {
			return "arn:aws:ec2:" + r.region + ":" + r.who.account + ":" + p.kind + "/" + id
		}
	}
	return "arn:aws:ec2:" + r.region + ":" + r.who.account + ":*"
}
