package sandbox_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func volumeOf(t *testing.T, c *ec2.Client, id string) types.Volume {
	t.Helper()
	out, err := c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{id}})
	wantCode(t, err, "")
	return out.Volumes[0]
}

func restoreVolume(t *testing.T, c *ec2.Client, snapshot string, change func(*ec2.CreateVolumeInput)) (string, error) {
	t.Helper()
	in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), SnapshotId: &snapshot, VolumeType: types.VolumeTypeGp3}
	if change != nil {
		change(in)
	}
	out, err := c.CreateVolume(t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.VolumeId, nil
}

func snapshotOf(t *testing.T, c *ec2.Client, volume string) string {
	t.Helper()
	out, err := c.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: &volume})
	wantCode(t, err, "")
	time.Sleep(time.Hour)
	return *out.SnapshotId
}

func TestEC2CreateVolumeRules(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		change     func(*ec2.CreateVolumeInput)
	}{
		{"plain", "", nil},
		{"pending snapshot", "IncorrectState", func(in *ec2.CreateVolumeInput) { in.SnapshotId = aws.String("snap-00000003") }},
		{"no snapshot", "InvalidSnapshot.NotFound", func(in *ec2.CreateVolumeInput) { in.SnapshotId = aws.String("snap-00000009") }},
		{"too small", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.Size = aws.Int32(99) }},
		{"larger", "", func(in *ec2.CreateVolumeInput) { in.Size = aws.Int32(200) }},
		{"zone", "InvalidZone.NotFound", func(in *ec2.CreateVolumeInput) { in.AvailabilityZone = aws.String("us-west-2a") }},
		{"key without encryption", "InvalidParameterDependency", func(in *ec2.CreateVolumeInput) { in.KmsKeyId = aws.String("alias/data") }},
		{"too many IOPS", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.Iops = aws.Int32(80001) }},
		{"IOPS per GiB", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.Iops = aws.Int32(50001) }},
		{"few IOPS", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.Iops = aws.Int32(2999) }},
		{"throughput per IOPS", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.Throughput = aws.Int32(751) }},
		{"throughput", "", func(in *ec2.CreateVolumeInput) { in.Throughput, in.Iops = aws.Int32(1000), aws.Int32(4000) }},
		{"IOPS of gp2", "InvalidParameterCombination", func(in *ec2.CreateVolumeInput) { in.VolumeType, in.Iops = "gp2", aws.Int32(3000) }},
		{"throughput of io2", "InvalidParameterCombination", func(in *ec2.CreateVolumeInput) {
			in.VolumeType, in.Iops, in.Throughput = "io2", aws.Int32(3000), aws.Int32(500)
		}},
		{"io1 without IOPS", "MissingParameter", func(in *ec2.CreateVolumeInput) { in.VolumeType = "io1" }},
		{"small st1", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.VolumeType = "st1" }},
		{"large magnetic", "InvalidParameterValue", func(in *ec2.CreateVolumeInput) { in.VolumeType, in.Size = "standard", aws.Int32(1025) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inEC2(t, sandbox.Options{}, func(t *testing.T, _ *sandbox.AWS, c *ec2.Client) {
				_, err := restoreVolume(t, c, "snap-00000001", tc.change)
				wantCode(t, err, tc.code)
			})
		})
	}
}

func TestEC2CreateVolumeTokenAndQuota(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		with := func(token string, size int32) func(*ec2.CreateVolumeInput) {
			return func(in *ec2.CreateVolumeInput) { in.ClientToken, in.Size = &token, &size }
		}
		first, err := restoreVolume(t, c, "snap-00000001", with("one", 100))
		wantCode(t, err, "")
		again, err := restoreVolume(t, c, "snap-00000001", with("one", 100))
		wantCode(t, err, "")
		other, err := restoreVolume(t, c, "snap-00000001", with("two", 100))
		wantCode(t, err, "")
		if first != again || first == other {
			t.Errorf("%s, again %s, other %s", first, again, other)
		}
		_, err = restoreVolume(t, c, "snap-00000001", with("one", 101))
		wantCode(t, err, "IdempotentParameterMismatch")
		wantCode(t, a.SetQuota(prod, east, sandbox.QuotaVolumeStorage, 250), "")
		_, err = restoreVolume(t, c, "snap-00000001", nil)
		wantCode(t, err, "VolumeLimitExceeded")
	})
}

// A volume whose key cannot be used is accepted, and then gone.
func TestEC2CreateVolumeKeys(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		good, err := restoreVolume(t, c, "snap-00000001", nil)
		wantCode(t, err, "")
		bad, err := restoreVolume(t, c, "snap-00000001", func(in *ec2.CreateVolumeInput) {
			in.Encrypted, in.KmsKeyId = aws.Bool(true), aws.String("alias/none")
		})
		wantCode(t, err, "")
		if v := volumeOf(t, c, bad); v.State != types.VolumeStateCreating {
			t.Errorf("at first it is %s", v.State)
		}
		time.Sleep(time.Minute)
		_, err = c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{bad}})
		wantCode(t, err, "InvalidVolume.NotFound")
		if v := volumeOf(t, c, good); v.State != types.VolumeStateAvailable || !*v.Encrypted || *v.SnapshotId != "snap-00000001" {
			t.Errorf("%+v", v)
		}
		got, err := a.VolumeData(prod, east, good)
		wantCode(t, err, "")
		if got.Snapshot != "snap-00000001" || got.Volume != volumeAt(webOf(t, c), "/dev/sdf") {
			t.Errorf("it holds %+v", got)
		}
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/data", false), "")
		lost, err := restoreVolume(t, c, "snap-00000001", nil)
		wantCode(t, err, "")
		time.Sleep(time.Minute)
		_, err = c.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{lost}})
		wantCode(t, err, "InvalidVolume.NotFound")
	})
}

// A shared snapshot becomes a volume under the key of who restores it.
func TestEC2CreateVolumeOfSharedSnapshot(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		theirs := ec2At(a, recovery, east)
		_, err := restoreVolume(t, theirs, "snap-00000001", nil)
		wantCode(t, err, "InvalidSnapshot.NotFound")
		_, err = c.ModifySnapshotAttribute(t.Context(), &ec2.ModifySnapshotAttributeInput{
			SnapshotId: aws.String("snap-00000001"), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: []types.CreateVolumePermission{{UserId: aws.String(recovery)}}},
		})
		wantCode(t, err, "")
		id, err := restoreVolume(t, theirs, "snap-00000001", nil)
		wantCode(t, err, "")
		time.Sleep(time.Minute)
		if v := volumeOf(t, theirs, id); *v.KmsKeyId == *volumeOf(t, c, volumeAt(webOf(t, c), "/dev/sdf")).KmsKeyId {
			t.Errorf("it is under the owner's key: %+v", v)
		}
	})
}

// swapRoot takes an instance's root volume away and puts another in its place.
func TestEC2SwapRootVolume(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		ctx, web := t.Context(), webOf(t, c)
		id, old := *web.InstanceId, volumeAt(web, "/dev/xvda")
		next, err := restoreVolume(t, c, snapshotOf(t, c, old), nil)
		wantCode(t, err, "")
		time.Sleep(time.Minute)
		attach := func(volume, device string) error {
			_, err := c.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: &volume, InstanceId: &id, Device: &device})
			return err
		}
		detach := func(volume string) error {
			_, err := c.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: &volume})
			return err
		}
		wantCode(t, detach(old), "OperationNotPermitted")
		_, err = c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "")
		wantCode(t, detach(old), "OperationNotPermitted")
		wantCode(t, attach(next, "/dev/sdz"), "IncorrectState")
		time.Sleep(2 * time.Minute)
		wantCode(t, attach(next, "/dev/xvda"), "InvalidParameterValue")
		wantCode(t, attach(next, "root"), "InvalidParameterValue")
		wantCode(t, detach(next), "IncorrectState")
		wantCode(t, detach(old), "")
		wantCode(t, detach(old), "IncorrectState")
		if v := volumeOf(t, c, old); v.State != types.VolumeStateInUse || v.Attachments[0].State != types.VolumeAttachmentStateDetaching {
			t.Errorf("%+v", v)
		}
		wantCode(t, attach(next, "/dev/xvda"), "InvalidParameterValue")
		time.Sleep(time.Minute)
		_, err = c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "InvalidParameterValue")
		wantCode(t, attach(next, "/dev/xvda"), "")
		wantCode(t, attach(next, "/dev/xvda"), "VolumeInUse")
		if got, _ := a.DeviceVolume(prod, east, id, "/dev/xvda"); got != "" {
			t.Errorf("%s is there before it is attached", got)
		}
		time.Sleep(time.Minute)
		if got, _ := a.DeviceVolume(prod, east, id, "/dev/xvda"); got != next {
			t.Errorf("%s is the root, want %s", got, next)
		}
		modify := func(device string) error {
			_, err := c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &id, BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{
				{DeviceName: &device, Ebs: &types.EbsInstanceBlockDeviceSpecification{DeleteOnTermination: aws.Bool(true)}},
			}})
			return err
		}
		wantCode(t, modify("/dev/sdx"), "InvalidInstanceAttributeValue")
		if v := volumeOf(t, c, next); *v.Attachments[0].DeleteOnTermination {
			t.Error("an attached volume goes with its instance by itself")
		}
		wantCode(t, modify("/dev/xvda"), "")
		attr, err := c.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: types.InstanceAttributeNameBlockDeviceMapping})
		wantCode(t, err, "")
		for _, m := range attr.BlockDeviceMappings {
			if *m.DeviceName == "/dev/xvda" && (!*m.Ebs.DeleteOnTermination || *m.Ebs.VolumeId != next) {
				t.Errorf("%+v", m.Ebs)
			}
		}
		_, err = c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "")
		wantCode(t, ec2.NewInstanceStatusOkWaiter(c).Wait(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}}, time.Hour), "")
		wantCode(t, ec2.NewVolumeAvailableWaiter(c).Wait(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{old}}, time.Hour), "")
		health, err := c.DescribeVolumeStatus(ctx, &ec2.DescribeVolumeStatusInput{VolumeIds: []string{next}})
		wantCode(t, err, "")
		if health.VolumeStatuses[0].VolumeStatus.Status != types.VolumeStatusInfoStatusOk {
			t.Errorf("%+v", health.VolumeStatuses[0])
		}
		_, err = c.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &next})
		wantCode(t, err, "VolumeInUse")
		_, err = c.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &old})
		wantCode(t, err, "")
	})
}

// Without its key a volume does not stay attached, and an instance does not start.
func TestEC2KeysOfAttachedVolumes(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		ctx, web := t.Context(), webOf(t, c)
		id, data := *web.InstanceId, volumeAt(web, "/dev/sdf")
		_, err := c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "")
		time.Sleep(2 * time.Minute)
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/data", false), "")
		_, err = c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "")
		time.Sleep(2 * time.Minute)
		if in := webOf(t, c); in.State.Name != types.InstanceStateNameStopped || *in.StateReason.Code != "Client.InternalError" {
			t.Errorf("%+v for %+v", in.State, in.StateReason)
		}
		_, err = c.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: &data})
		wantCode(t, err, "")
		time.Sleep(time.Minute)
		_, err = c.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: &data, InstanceId: &id, Device: aws.String("/dev/sdf")})
		wantCode(t, err, "")
		time.Sleep(time.Minute)
		if v := volumeOf(t, c, data); v.State != types.VolumeStateAvailable {
			t.Errorf("it is %s", v.State)
		}
	})
}

func TestEC2Protection(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		ctx := t.Context()
		id, err := a.PutInstance(prod, east, "safe", sandbox.SeedInstance{StopProtected: true, Protected: true})
		wantCode(t, err, "")
		stop := func() error {
			_, err := c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}})
			return err
		}
		_, err = c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
		wantCode(t, err, "OperationNotPermitted")
		wantCode(t, stop(), "OperationNotPermitted")
		_, err = c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
			InstanceId: &id, DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(false)}, DisableApiTermination: &types.AttributeBooleanValue{Value: aws.Bool(false)},
		})
		wantCode(t, err, "InvalidParameterCombination")
		_, err = c.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &id, DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(false)}})
		wantCode(t, err, "")
		wantCode(t, stop(), "")
	})
}

func TestEC2ReplaceRootVolume(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		ctx, web := t.Context(), webOf(t, c)
		id, old := *web.InstanceId, volumeAt(web, "/dev/xvda")
		snap := snapshotOf(t, c, old)
		replace := func(snapshot string) (*ec2.CreateReplaceRootVolumeTaskOutput, error) {
			return c.CreateReplaceRootVolumeTask(ctx, &ec2.CreateReplaceRootVolumeTaskInput{
				InstanceId: &id, SnapshotId: &snapshot, DeleteReplacedRootVolume: aws.Bool(true),
			})
		}
		_, err := replace("snap-00000001") // Of another volume.
		wantCode(t, err, "InvalidParameterValue")
		made, err := replace(snap)
		wantCode(t, err, "")
		_, err = replace(snap)
		wantCode(t, err, "IncorrectState")
		state := func() types.ReplaceRootVolumeTaskState {
			out, err := c.DescribeReplaceRootVolumeTasks(ctx, &ec2.DescribeReplaceRootVolumeTasksInput{
				ReplaceRootVolumeTaskIds: []string{*made.ReplaceRootVolumeTask.ReplaceRootVolumeTaskId},
			})
			wantCode(t, err, "")
			return out.ReplaceRootVolumeTasks[0].TaskState
		}
		if got := state(); got != types.ReplaceRootVolumeTaskStatePending {
			t.Errorf("at first it is %s", got)
		}
		time.Sleep(time.Minute)
		if got := state(); got != types.ReplaceRootVolumeTaskStateInProgress {
			t.Errorf("then it is %s", got)
		}
		time.Sleep(time.Hour)
		if got := state(); got != types.ReplaceRootVolumeTaskStateSucceeded {
			t.Errorf("at last it is %s", got)
		}
		now := volumeAt(webOf(t, c), "/dev/xvda")
		held, err := a.VolumeData(prod, east, now)
		wantCode(t, err, "")
		if now == old || held.Snapshot != snap || !*volumeOf(t, c, now).Attachments[0].DeleteOnTermination {
			t.Errorf("the root is %s of %+v", now, held)
		}
		_, err = c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{old}})
		wantCode(t, err, "InvalidVolume.NotFound")
		_, err = replace(snap) // It is of the same lineage still.
		wantCode(t, err, "")
	})
}
