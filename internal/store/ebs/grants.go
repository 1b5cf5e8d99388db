package ebs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Things that do not exist, for trying permissions on.
const (
	noInstance = "i-00000000000000000"
	noVolume   = "vol-00000000000000000"
	noSnapshot = "snap-00000000000000000"
)

// attempt is one permission and how to try it.
type attempt struct {
	permission, needed string
	try                func() error
}

// Grants tries each permission that the driver needs. EC2 tells whether a call is
// allowed without doing it (DryRun), and the calls name things that do not exist.
func (d *Driver) Grants(ctx context.Context, site dr.Site) []store.Grant {
	r, err := d.region(ctx, site)
	if err != nil {
		return []store.Grant{{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err}}
	}
	dry := aws.Bool(true)
	var grants []store.Grant
	for _, t := range append(r.reading(ctx, dry), r.writing(ctx, dry)...) {
		grants = append(grants, store.Grant{Permission: t.permission, Needed: t.needed, Err: refused(t.try())})
	}
	for _, t := range r.copying(ctx, dry) {
		grants = append(grants, store.Grant{Permission: t.permission, Needed: t.needed, Copies: true, Err: refused(t.try())})
	}
	w, err := d.worker(ctx, site)
	if err != nil {
		return append(grants, store.Grant{Permission: "sts:AssumeRole", Needed: "to reach the site", Err: err})
	}
	for _, t := range restoring(ctx, w.ec2, site, dry) {
		grants = append(grants, store.Grant{Permission: t.permission, Needed: t.needed, Restores: true, Err: refused(t.try())})
	}
	return grants
}

func (r region) reading(ctx context.Context, dry *bool) []attempt {
	return []attempt{
		{"ec2:DescribeInstances", "to find instances", func() error {
			_, err := r.DescribeInstances(ctx, &ec2.DescribeInstancesInput{DryRun: dry, MaxResults: aws.Int32(5)})
			return err
		}},
		{"ec2:DescribeVolumes", "to find volumes", func() error {
			_, err := r.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{DryRun: dry, MaxResults: aws.Int32(5)})
			return err
		}},
		{"ec2:DescribeSnapshots", "to find snapshots", func() error {
			_, err := r.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{DryRun: dry, OwnerIds: []string{"self"}, MaxResults: aws.Int32(5)})
			return err
		}},
	}
}

func (r region) writing(ctx context.Context, dry *bool) []attempt {
	keep := []types.Tag{{Key: aws.String(dr.TagKeep), Value: aws.String("yes")}}
	return []attempt{
		{"ec2:CreateSnapshots", "to take snapshots of instances", func() error {
			_, err := r.CreateSnapshots(ctx, &ec2.CreateSnapshotsInput{
				DryRun: dry, InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(noInstance)},
			})
			return err
		}},
		{"ec2:CreateSnapshot", "to take snapshots of volumes", func() error {
			_, err := r.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{DryRun: dry, VolumeId: aws.String(noVolume)})
			return err
		}},
		{"ec2:CreateTags", "to claim snapshots and hold them", func() error {
			_, err := r.CreateTags(ctx, &ec2.CreateTagsInput{DryRun: dry, Resources: []string{noSnapshot}, Tags: keep})
			return err
		}},
		{"ec2:DeleteTags", "to release held snapshots", func() error {
			_, err := r.DeleteTags(ctx, &ec2.DeleteTagsInput{DryRun: dry, Resources: []string{noSnapshot}, Tags: keep})
			return err
		}},
		{"ec2:DeleteSnapshot", "to expire snapshots", func() error {
			_, err := r.DeleteSnapshot(ctx, &ec2.DeleteSnapshotInput{DryRun: dry, SnapshotId: aws.String(noSnapshot)})
			return err
		}},
	}
}

func (r region) copying(ctx context.Context, dry *bool) []attempt {
	return []attempt{
		{"ec2:CopySnapshot", "to copy snapshots to this site", func() error {
			_, err := r.CopySnapshot(ctx, &ec2.CopySnapshotInput{DryRun: dry, SourceRegion: aws.String(r.site.Region), SourceSnapshotId: aws.String(noSnapshot)})
			return err
		}},
		{"ec2:ModifySnapshotAttribute", "to let other accounts copy snapshots", func() error {
			_, err := r.ModifySnapshotAttribute(ctx, admission(noSnapshot, nil, []string{r.site.Account}, dry))
			return err
		}},
	}
}

// restoring are the calls of a restore.
func restoring(ctx context.Context, api restoreAPI, site dr.Site, dry *bool) []attempt {
	instance, volume, device := aws.String(noInstance), aws.String(noVolume), aws.String("/dev/sdz")
	return []attempt{
		{"ec2:CreateVolume", "to restore volumes", func() error {
			_, err := api.CreateVolume(ctx, &ec2.CreateVolumeInput{DryRun: dry, AvailabilityZone: aws.String(site.Region + "a"), SnapshotId: aws.String(noSnapshot)})
			return err
		}},
		{"ec2:DeleteVolume", "to take back what failed, and to delete what a restore replaced", func() error {
			_, err := api.DeleteVolume(ctx, &ec2.DeleteVolumeInput{DryRun: dry, VolumeId: volume})
			return err
		}},
		{"ec2:AttachVolume", "to restore volumes in place", func() error {
			_, err := api.AttachVolume(ctx, &ec2.AttachVolumeInput{DryRun: dry, VolumeId: volume, InstanceId: instance, Device: device})
			return err
		}},
		{"ec2:DetachVolume", "to restore volumes in place", func() error {
			_, err := api.DetachVolume(ctx, &ec2.DetachVolumeInput{DryRun: dry, VolumeId: volume})
			return err
		}},
		{"ec2:StopInstances", "to restore volumes in place", func() error {
			_, err := api.StopInstances(ctx, &ec2.StopInstancesInput{DryRun: dry, InstanceIds: []string{noInstance}})
			return err
		}},
		{"ec2:StartInstances", "to restore volumes in place", func() error {
			_, err := api.StartInstances(ctx, &ec2.StartInstancesInput{DryRun: dry, InstanceIds: []string{noInstance}})
			return err
		}},
		{"ec2:ModifyInstanceAttribute", "to have restored volumes go with their instance", func() error {
			_, err := api.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
				DryRun: dry, InstanceId: instance, BlockDeviceMappings: []types.InstanceBlockDeviceMappingSpecification{{DeviceName: device}},
			})
			return err
		}},
		{"ec2:DescribeInstanceAttribute", "to see whether an instance may be stopped", func() error {
			_, err := api.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
				DryRun: dry, InstanceId: instance, Attribute: types.InstanceAttributeNameDisableApiStop,
			})
			return err
		}},
		{"ec2:DescribeInstanceStatus", "to see whether an instance is well", func() error {
			_, err := api.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{DryRun: dry, MaxResults: aws.Int32(5)})
			return err
		}},
	}
}

// refused gives the error of a try that says something against it: neither the one
// by which EC2 says that it would have done it, nor that a thing does not exist.
func refused(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "DryRunOperation" || classify(err) == store.NotFound {
		return nil
	}
	return err
}
