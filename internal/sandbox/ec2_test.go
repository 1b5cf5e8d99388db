package sandbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func ec2At(a *sandbox.AWS, account, region string) *ec2.Client {
	return ec2.NewFromConfig(config(a.Client(), account, region))
}

const ec2Seed = `
accounts:
  "111111111111":
    regions:
      us-east-1:
        keys: [{name: alias/data, accounts: ["222222222222"]}]
        instances:
          web:
            age: 30d
            volumes:
              - {device: /dev/xvda, boot: true, size: 8, tags: {role: boot}}
              - {device: /dev/sdf, size: 100, key: alias/data, tags: {role: data}}
              - {device: /dev/sdg, size: 500, type: st1}
        volumes:
          loose: {size: 10}
        ebs-snapshots:
          - {id: snap-00000001, of: web/dev/sdf, age: 2d, tags: {team: shop}}
          - {id: snap-00000002, of: loose, age: 1d, images: [ami-0abc]}
          - {id: snap-00000003, of: vol-0000dead, size: 5, age: 9d, state: error}
  "222222222222":
    regions:
      us-west-2: {keys: [alias/theirs]}
`

func inEC2(t *testing.T, o sandbox.Options, run func(t *testing.T, a *sandbox.AWS, c *ec2.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(o)
		mustSeed(t, a, ec2Seed)
		run(t, a, ec2At(a, prod, east))
	})
}

func webOf(t *testing.T, c *ec2.Client) types.Instance {
	t.Helper()
	out, err := c.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{"w?b"}}},
	})
	wantCode(t, err, "")
	return out.Reservations[0].Instances[0]
}

func volumeAt(in types.Instance, device string) string {
	for _, m := range in.BlockDeviceMappings {
		if *m.DeviceName == device {
			return *m.Ebs.VolumeId
		}
	}
	return ""
}

func TestEC2SnapshotsOfAnInstance(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, _ *sandbox.AWS, c *ec2.Client) {
		web := webOf(t, c)
		data, slow := volumeAt(web, "/dev/sdf"), volumeAt(web, "/dev/sdg")
		take := func(spec types.InstanceSpecification) ([]types.SnapshotInfo, error) {
			spec.InstanceId = web.InstanceId
			out, err := c.CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
				InstanceSpecification: &spec, Description: aws.String("all"), CopyTagsFromSource: types.CopyTagsFromSourceVolume,
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}},
			})
			if err != nil {
				return nil, err
			}
			return out.Snapshots, nil
		}
		_, err := take(types.InstanceSpecification{ExcludeDataVolumeIds: []string{volumeAt(web, "/dev/xvda")}})
		wantCode(t, err, "InvalidParameterCombination")
		_, err = take(types.InstanceSpecification{ExcludeDataVolumeIds: []string{"vol-00000009"}})
		wantCode(t, err, "InvalidParameterValue")
		_, err = take(types.InstanceSpecification{ExcludeBootVolume: aws.Bool(true), ExcludeDataVolumeIds: []string{data, slow}})
		wantCode(t, err, "InvalidParameterCombination")
		got, err := take(types.InstanceSpecification{ExcludeBootVolume: aws.Bool(true)})
		wantCode(t, err, "")
		if len(got) != 2 || got[0].State != types.SnapshotStatePending || *got[0].VolumeId != data || len(got[0].Tags) != 2 || !*got[0].Encrypted {
			t.Errorf("%+v", got)
		}
		_, err = take(types.InstanceSpecification{}) // The st1 volume has one pending.
		wantCode(t, err, "ConcurrentSnapshotLimitExceeded")
		out, err := c.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("status"), Values: []string{"pending"}}},
		})
		wantCode(t, err, "")
		if len(out.Snapshots) != 2 { // None came of the call that was refused.
			t.Errorf("%d are pending", len(out.Snapshots))
		}
	})
}

func TestEC2SnapshotRules(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		call       func(ctx context.Context, c *ec2.Client) error
	}{
		{"used by an image", "InvalidSnapshot.InUse", removal("snap-00000002")},
		{"not there", "InvalidSnapshot.NotFound", removal("snap-00000009")},
		{"no id", "InvalidSnapshotID.Malformed", removal("orders")},
		{"failed ones go", "", removal("snap-00000003")},
		{"would be allowed", "DryRunOperation", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: aws.String("snap-00000001"), DryRun: aws.Bool(true)})
			return err
		}},
		{"page and ids", "InvalidParameterCombination", listing(ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5), SnapshotIds: []string{"snap-00000001"}})},
		{"small page", "InvalidParameterValue", listing(ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(4)})},
		{"large page", "InvalidParameterValue", listing(ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(1001)})},
		{"token", "InvalidParameterValue", listing(ec2.DescribeSnapshotsInput{NextToken: aws.String("x")})},
		{"filter", "InvalidParameterValue", listing(ec2.DescribeSnapshotsInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"red"}}}})},
		{"reserved tag", "InvalidParameterValue", tagging("aws:x", "y")},
		{"long key", "InvalidParameterValue", tagging(strings.Repeat("k", 129), "y")},
		{"long value", "InvalidParameterValue", tagging("k", strings.Repeat("v", 257))},
		{"any character", "", tagging("k", "a,b<é>\"")},
		{"other region", "NotImplemented", func(ctx context.Context, c *ec2.Client) error {
			_, err := c.DescribeVpcs(ctx, nil)
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inEC2(t, sandbox.Options{}, func(t *testing.T, _ *sandbox.AWS, c *ec2.Client) { wantCode(t, tc.call(t.Context(), c), tc.code) })
		})
	}
}

func removal(id string) func(context.Context, *ec2.Client) error {
	return func(ctx context.Context, c *ec2.Client) error {
		_, err := c.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{SnapshotId: &id})
		return err
	}
}

func listing(in ec2.DescribeSnapshotsInput) func(context.Context, *ec2.Client) error {
	return func(ctx context.Context, c *ec2.Client) error {
		_, err := c.DescribeSnapshots(ctx, &in)
		return err
	}
}

func tagging(k, v string) func(context.Context, *ec2.Client) error {
	return func(ctx context.Context, c *ec2.Client) error {
		_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{"snap-00000001"}, Tags: []types.Tag{{Key: &k, Value: &v}}})
		return err
	}
}

func TestEC2Tags(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		var many []types.Tag
		for i := range 49 {
			many = append(many, types.Tag{Key: aws.String(fmt.Sprint("k", i)), Value: aws.String("")})
		}
		ctx, ids := t.Context(), []string{"snap-00000001"}
		_, err := c.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids, Tags: many})
		wantCode(t, err, "")
		wantCode(t, tagging("one", "more")(ctx, c), "TagLimitExceeded")
		wantCode(t, tagging("team", "art")(ctx, c), "") // Another value needs no room.
		for _, drop := range []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}, {Key: aws.String("k0")}} {
			_, err = c.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: ids, Tags: []types.Tag{drop}})
			wantCode(t, err, "")
		}
		out, err := c.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("resource-id"), Values: ids}}})
		wantCode(t, err, "")
		if len(out.Tags) != 49 { // The team stays: it has another value.
			t.Errorf("%d tags", len(out.Tags))
		}
		a.SetDenied(prod, "ec2:CreateTags")
		_, err = c.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: aws.String(volumeAt(webOf(t, c), "/dev/sdf")), TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeSnapshot, Tags: many[:1]},
		}})
		wantCode(t, err, "UnauthorizedOperation")
	})
}

func TestEC2CopiesAndShares(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS, c *ec2.Client) {
		ctx, there := t.Context(), ec2At(a, recovery, west)
		duplicate := func(id, key string) (*ec2.CopySnapshotOutput, error) {
			return there.CopySnapshot(ctx, &ec2.CopySnapshotInput{SourceSnapshotId: &id, SourceRegion: aws.String(east), Encrypted: aws.Bool(key != ""), KmsKeyId: aws.String(key)})
		}
		early, err := duplicate("snap-00000001", "")
		wantCode(t, err, "") // That it is not there to be copied shows later.
		_, err = c.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: aws.String("snap-00000001"), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
			CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: []types.CreateVolumePermission{{UserId: aws.String(recovery)}}},
		})
		wantCode(t, err, "")
		_, err = c.ModifySnapshotAttribute(ctx, &ec2.ModifySnapshotAttributeInput{
			SnapshotId: aws.String("snap-00000001"), OperationType: types.OperationTypeAdd, GroupNames: []string{"all"},
		})
		wantCode(t, err, "OperationNotPermitted") // It is encrypted.
		a.SetDenied(recovery)
		good, err := duplicate("snap-00000001", "alias/theirs")
		wantCode(t, err, "")
		bad, err := duplicate("snap-00000001", "not-a-key")
		wantCode(t, err, "") // A key that cannot be used fails later.
		time.Sleep(24 * time.Hour)
		out, err := there.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*good.SnapshotId, *bad.SnapshotId, *early.SnapshotId}})
		wantCode(t, err, "")
		for _, x := range out.Snapshots {
			want := types.SnapshotStateCompleted
			if *x.SnapshotId != *good.SnapshotId {
				want = types.SnapshotStateError
			}
			if x.State != want || *x.VolumeId != "vol-ffffffff" || len(x.Tags) > 0 || *x.Encrypted != (*x.SnapshotId != *early.SnapshotId) {
				t.Errorf("%+v", x)
			}
		}
	})
}

func TestEC2LivesOfInstancesAndVolumes(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, _ *sandbox.AWS, c *ec2.Client) {
		ctx := t.Context()
		run, err := c.RunInstances(ctx, &ec2.RunInstancesInput{
			ImageId: aws.String("ami-0abc"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceTypeT3Micro,
			BlockDeviceMappings: []types.BlockDeviceMapping{
				{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(9), DeleteOnTermination: aws.Bool(false)}},
				{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0")},
			},
		})
		wantCode(t, err, "")
		in := run.Instances[0]
		if in.State.Name != types.InstanceStateNamePending || len(in.BlockDeviceMappings) != 2 {
			t.Errorf("%+v", in)
		}
		time.Sleep(time.Minute)
		stays := volumeAt(in, "/dev/sdf")
		made, err := c.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{VolumeId: &stays})
		wantCode(t, err, "")
		_, err = c.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &stays})
		wantCode(t, err, "VolumeInUse")
		_, err = c.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{*in.InstanceId}})
		wantCode(t, err, "")
		_, err = c.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{*in.InstanceId}})
		wantCode(t, err, "IncorrectInstanceState") // It is still stopping.
		_, err = c.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*in.InstanceId}})
		wantCode(t, err, "")
		time.Sleep(2 * time.Hour)
		left, err := c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{stays}})
		wantCode(t, err, "")
		if left.Volumes[0].State != types.VolumeStateAvailable {
			t.Errorf("%+v", left.Volumes[0])
		}
		_, err = c.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{VolumeIds: []string{volumeAt(in, "/dev/xvda")}})
		wantCode(t, err, "InvalidVolume.NotFound")
		_, err = c.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &stays})
		wantCode(t, err, "")
		time.Sleep(time.Hour)
		still, err := c.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*made.SnapshotId}})
		wantCode(t, err, "")
		again, err := c.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1b"), SnapshotId: made.SnapshotId})
		wantCode(t, err, "")
		if still.Snapshots[0].State != types.SnapshotStateCompleted || *again.Size != 9 {
			t.Errorf("%+v and %+v", still.Snapshots[0], again)
		}
		time.Sleep(time.Minute)
		_, err = c.AttachVolume(ctx, &ec2.AttachVolumeInput{VolumeId: again.VolumeId, InstanceId: webOf(t, c).InstanceId, Device: aws.String("/dev/sdz")})
		wantCode(t, err, "InvalidVolume.ZoneMismatch")
	})
}

// A pending snapshot that is deleted goes when it is done.
func TestEC2DeleteWhilePending(t *testing.T) {
	inEC2(t, sandbox.Options{}, func(t *testing.T, _ *sandbox.AWS, c *ec2.Client) {
		made, err := c.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{VolumeId: aws.String(volumeAt(webOf(t, c), "/dev/sdf"))})
		wantCode(t, err, "")
		wantCode(t, removal(*made.SnapshotId)(t.Context(), c), "")
		wantCode(t, listing(ec2.DescribeSnapshotsInput{SnapshotIds: []string{*made.SnapshotId}})(t.Context(), c), "")
		time.Sleep(time.Hour)
		wantCode(t, listing(ec2.DescribeSnapshotsInput{SnapshotIds: []string{*made.SnapshotId}})(t.Context(), c), "InvalidSnapshot.NotFound")
	})
}

// Calls without filter and page have a smaller bucket than those with one.
func TestEC2Buckets(t *testing.T) {
	for _, paged := range []bool{false, true} {
		inEC2(t, sandbox.Options{Throttle: true}, func(t *testing.T, a *sandbox.AWS, _ *ec2.Client) {
			c := ec2.NewFromConfig(config(a.Client(), prod, east), func(o *ec2.Options) { o.Retryer = aws.NopRetryer{} })
			in, most := ec2.DescribeSnapshotsInput{}, 50
			if paged {
				in.MaxResults, most = aws.Int32(1000), 100
			}
			for i := range most + 1 {
				_, err := c.DescribeSnapshots(t.Context(), &in)
				if i < most {
					wantCode(t, err, "")
				} else {
					wantCode(t, err, "RequestLimitExceeded")
				}
			}
		})
	}
}
