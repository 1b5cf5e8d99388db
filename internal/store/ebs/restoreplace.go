package ebs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// asNew is the remedy of all that stands in the way of a restore in place.
const asNew = "restore the volumes beside it with --as"

// planInPlace plans the change of volumes of an instance.
func (p *planning) planInPlace(ctx context.Context) error {
	if err := p.findInstance(ctx); err != nil {
		return err
	}
	if err := p.hindered(ctx); err != nil {
		return err
	}
	p.job.instance, p.job.zone = aws.ToString(p.instance.InstanceId), zoneOf(p.instance)
	p.job.ran = stateOf(&p.instance) == types.InstanceStateNameRunning
	for _, m := range p.members {
		s, err := p.place(p.swapOf(m))
		if err != nil {
			return err
		}
		if slices.ContainsFunc(p.job.swaps, func(o swapped) bool { return o.device == s.device }) {
			return p.refuse(asNew, "two volumes of the recovery point belong to %s now", s.device)
		}
		p.job.swaps = append(p.job.swaps, s)
	}
	p.tags[p.job.instance] = plainTags(p.instance.Tags)
	for i := range p.attached {
		v := p.attached[i]
		if id := aws.ToString(v.VolumeId); slices.Contains(p.job.olds(), id) {
			p.tags[id] = plainTags(v.Tags)
		} else {
			p.note("%s, attached as %s, is not in the recovery point and stays as it is", id, v.device)
		}
	}
	p.loseKeys()
	p.loseChanged()
	p.noteStop()
	if !isInstance(p.r.Name) {
		p.note("the new volume has an identifier of its own, under which its snapshots are listed from then on")
	}
	return nil
}

func zoneOf(in types.Instance) string {
	if in.Placement == nil {
		return ""
	}
	return aws.ToString(in.Placement.AvailabilityZone)
}

// findInstance finds the instance, or that to which the volume is attached.
func (p *planning) findInstance(ctx context.Context) error {
	id := p.r.Name
	if !isInstance(id) {
		found, err := p.volumesByID(ctx, []string{id})
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return p.refuse(asNew, "volume %s is not there", id)
		case len(found[0].Attachments) != 1:
			return p.refuse(asNew, "volume %s is attached to %d instances, and in place needs one in which it changes places with the new one", id, len(found[0].Attachments))
		}
		id = aws.ToString(found[0].Attachments[0].InstanceId)
	}
	found, err := p.listInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return p.refuse(asNew, "instance %s is not there", id)
	}
	p.instance = found[0]
	volumes, err := p.listVolumes(ctx, types.Filter{Name: aws.String("attachment.instance-id"), Values: []string{id}})
	if err != nil {
		return err
	}
	for i := range volumes {
		v := &volumes[i]
		p.olds = append(p.olds, *v)
		for _, at := range v.Attachments {
			if aws.ToString(at.InstanceId) == id {
				device := aws.ToString(at.Device)
				p.attached = append(p.attached, part{v, device, device == aws.ToString(p.instance.RootDeviceName), !aws.ToBool(at.DeleteOnTermination)})
			}
		}
	}
	slices.SortFunc(p.attached, func(x, y part) int { return strings.Compare(x.device, y.device) })
	return nil
}

// hindered refuses an instance that cannot be stopped, or not without harm, and one
// that another restore has to do with.
func (p *planning) hindered(ctx context.Context) error {
	if other := plainTags(p.instance.Tags)[dr.TagRestore]; other != "" {
		return p.refuse("`holdfast restore list` shows it", "restore %s of instance %s is under way", other, aws.ToString(p.instance.InstanceId))
	}
	if remedy, why := hindrance(p.instance); why != "" {
		return p.refuse(remedy, "%s", why)
	}
	if stateOf(&p.instance) != types.InstanceStateNameRunning {
		return nil
	}
	got, err := p.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: p.instance.InstanceId, Attribute: types.InstanceAttributeNameDisableApiStop,
	})
	if err != nil {
		return fmt.Errorf("look whether %s may be stopped: %w", aws.ToString(p.instance.InstanceId), err)
	}
	if got.DisableApiStop != nil && aws.ToBool(got.DisableApiStop.Value) {
		return p.refuse("lift its stop protection (attribute disableApiStop), or "+asNew,
			"instance %s is protected from being stopped", aws.ToString(p.instance.InstanceId))
	}
	return nil
}

// tagScalingGroup is the tag by which Auto Scaling says that an instance is its own.
const tagScalingGroup = "aws:autoscaling:groupName"

// hindrance says what of an instance stands in the way of changing its volumes. What
// AWS stops only sometimes, and what others would start or replace once it stops, has
// to be stopped by a person first.
//
// Amazon EC2 User Guide, "Stop and start Amazon EC2 instances" (only with an EBS root
// volume), "Stop a Spot Instance" (only of persistent requests), "Hibernate your Amazon
// EC2 instance" (the memory is on the root volume); Amazon EC2 Auto Scaling User Guide,
// "Temporarily remove instances" (else a stopped instance is replaced).
func hindrance(in types.Instance) (remedy, why string) {
	id, state := aws.ToString(in.InstanceId), stateOf(&in)
	tags := plainTags(in.Tags)
	running := state == types.InstanceStateNameRunning
	switch {
	case !running && state != types.InstanceStateNameStopped:
		return "wait until it is running or stopped", fmt.Sprintf("instance %s is %s", id, state)
	case in.RootDeviceType == types.DeviceTypeInstanceStore:
		return asNew, fmt.Sprintf("instance %s starts from an instance store volume, so it cannot be stopped", id)
	case in.Operator != nil && aws.ToBool(in.Operator.Managed):
		return asNew, fmt.Sprintf("instance %s is managed by %s", id, aws.ToString(in.Operator.Principal))
	case running && in.InstanceLifecycle == types.InstanceLifecycleTypeSpot:
		return "stop it yourself, if its request is persistent, and restore then; or " + asNew, fmt.Sprintf("%s is a Spot Instance, which cannot always be stopped", id)
	case running && tags[tagScalingGroup] != "":
		return "put it on standby in its group, stop it, and restore then; or " + asNew,
			fmt.Sprintf("%s belongs to the Auto Scaling group %s, which replaces instances that stop", id, tags[tagScalingGroup])
	case !running && in.StateReason != nil && strings.Contains(aws.ToString(in.StateReason.Code), "Hibernate"):
		return "start it and restore then, or " + asNew, fmt.Sprintf("instance %s is hibernated: its memory is on its root volume", id)
	}
	return "", ""
}

// place finds where the new volume of a member belongs: at the device of the volume
// that was snapshotted, if that is attached still, else at the device that was captured.
func (p *planning) place(s swapped) (swapped, error) {
	captured := s.device
	i := slices.IndexFunc(p.attached, func(v part) bool { return aws.ToString(v.VolumeId) == s.old })
	if i < 0 && !isInstance(p.r.Name) { // It is that volume that is to be replaced, whatever was snapshotted.
		i = slices.IndexFunc(p.attached, func(v part) bool { return aws.ToString(v.VolumeId) == p.r.Name })
	}
	if i < 0 {
		i = slices.IndexFunc(p.attached, func(v part) bool { return v.device == captured })
	}
	was := s.old
	s.old = ""
	if i >= 0 {
		v := p.attached[i]
		s.old, s.device, s.oldEnds = aws.ToString(v.VolumeId), v.device, !v.stays
		if aws.ToBool(v.MultiAttachEnabled) {
			return s, p.refuse(asNew, "volume %s can be attached to several instances at once (Multi-Attach)", s.old)
		}
	}
	switch {
	case s.device == "":
		return s, p.refuse(asNew, "nobody knows where %s was attached", was)
	case captured != "" && captured != s.device:
		p.losses = append(p.losses, fmt.Sprintf("%sdevice %s (it is %s)", s.prefix(), captured, s.device))
	}
	switch {
	case s.old == "":
		p.note("nothing is attached as %s now; the new volume of %s is attached there", s.device, was)
	case s.old != was:
		p.note("%s, which is attached as %s now, is replaced by one with the data of %s", s.old, s.device, was)
	}
	return s, nil
}

// loseChanged names what was captured of the instance and is otherwise now: it stays
// as it is.
func (p *planning) loseChanged() {
	now := instanceSettings(&p.instance, nil)
	names := instanceLevel(p.r.Settings)
	if !isInstance(p.r.Name) {
		now, names = map[string]string{"instance": p.job.instance}, []string{"instance"}
	}
	for _, k := range names {
		if was := p.r.Settings[k]; was != "" && was != now[k] {
			p.losses = append(p.losses, fmt.Sprintf("%s %s (it stays %s)", k, was, orNone(now[k])))
		}
	}
	if was := p.r.Settings["zone"]; was != "" && was != p.job.zone {
		p.losses = append(p.losses, fmt.Sprintf("zone %s (it is %s)", was, p.job.zone))
	}
}

func orNone(s string) string {
	if s == "" {
		return "without"
	}
	return s
}

// noteStop says what it means that the instance is stopped.
func (p *planning) noteStop() {
	if !p.job.ran {
		p.note("%s is stopped, and stays so: start it when you want it", p.job.instance)
		return
	}
	p.note("%s is stopped while the volumes change: what is in its memory or on instance store volumes is lost, and its zone must have room for it to start again", p.job.instance)
	for _, n := range p.instance.NetworkInterfaces {
		if n.Association != nil && aws.ToString(n.Association.IpOwnerId) == "amazon" {
			p.note("its public address %s is not an Elastic IP address and will be another", aws.ToString(n.Association.PublicIp))
		}
	}
}
