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
	"github.com/holdfast-dr/holdfast/internal/policy"
)

const gibibyte = 1 << 30

func (r region) instances(ctx context.Context) ([]types.Instance, error) {
	return r.listInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(pageSize)})
}

func (r region) listInstances(ctx context.Context, in *ec2.DescribeInstancesInput) ([]types.Instance, error) {
	var out []types.Instance
	pages := ec2.NewDescribeInstancesPaginator(r, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list instances: %w", err)
		}
		for i := range page.Reservations {
			out = append(out, page.Reservations[i].Instances...)
		}
	}
	return out, nil
}

func (r region) volumes(ctx context.Context) ([]types.Volume, error) { return r.listVolumes(ctx) }

// sight is what was listed, before it is put together.
type sight struct {
	instances []types.Instance
	volumes   []types.Volume
}

// part is a volume of an instance and how it is attached there.
type part struct {
	*types.Volume
	device string
	boot   bool
	stays  bool // When the instance ends.
}

// units puts volumes to their instances. A volume that is attached to nothing, or
// has a policy in its own tags, is a unit of its own.
func (s sight) units(site dr.Site) []dr.Resource {
	parts, known, changing := map[string][]part{}, map[string]*types.Instance{}, s.changing()
	for i := range s.instances {
		known[aws.ToString(s.instances[i].InstanceId)] = &s.instances[i]
	}
	var out []dr.Resource
	for i := range s.volumes {
		v := &s.volumes[i]
		if id := changing.home(plainTags(v.Tags)); id != "" && len(v.Attachments) == 0 && !ownPolicy(v) {
			parts[id] = append(parts[id], part{Volume: v, stays: true})
			continue
		}
		if len(v.Attachments) == 0 || ownPolicy(v) {
			out = append(out, changing.hold(volumeUnit(site, v)))
			continue
		}
		homeless := true
		for _, at := range v.Attachments {
			id, device := aws.ToString(at.InstanceId), aws.ToString(at.Device)
			if in := known[id]; in != nil {
				homeless = false
				boot := device == aws.ToString(in.RootDeviceName)
				parts[id] = append(parts[id], part{v, device, boot, !aws.ToBool(at.DeleteOnTermination)})
			}
		}
		if homeless { // Its instance came while the lists were read: the next look sees both.
			u := volumeUnit(site, v)
			u.State = dr.Busy
			out = append(out, u)
		}
	}
	for i := range s.instances {
		in := &s.instances[i]
		mine := parts[aws.ToString(in.InstanceId)]
		if len(mine) > 0 && stateOf(in) != types.InstanceStateNameTerminated {
			out = append(out, changing.hold(instanceUnit(site, in, mine)))
		}
	}
	return out
}

func ownPolicy(v *types.Volume) bool {
	return slices.ContainsFunc(v.Tags, func(t types.Tag) bool {
		return aws.ToString(t.Key) == dr.TagPolicy || aws.ToString(t.Key) == policy.TagEvery
	})
}

func instanceUnit(site dr.Site, in *types.Instance, parts []part) dr.Resource {
	slices.SortFunc(parts, func(x, y part) int { return strings.Compare(x.device, y.device) })
	id, status := aws.ToString(in.InstanceId), string(stateOf(in))
	out := dr.Resource{
		Ref: dr.Ref{Kind: Kind, Site: site, ID: id}, ARN: arn(site, "instance", id), Tags: plainTags(in.Tags),
		State: readiness(status), Status: status, Config: dr.NewConfig(instanceSettings(in, parts)), NameLimit: nameLimit,
	}
	out.Name = called(out.Tags, id)
	for _, p := range parts {
		out.Parts = append(out.Parts, p.part())
		out.Bytes += size(p.Volume)
		if out.Key == "" || p.boot {
			out.Key = aws.ToString(p.KmsKeyId)
		}
	}
	return out
}

func volumeUnit(site dr.Site, v *types.Volume) dr.Resource {
	id, status := aws.ToString(v.VolumeId), string(v.State)
	p := part{Volume: v, stays: true}
	if len(v.Attachments) > 0 {
		p.device, p.stays = aws.ToString(v.Attachments[0].Device), !aws.ToBool(v.Attachments[0].DeleteOnTermination)
	}
	out := dr.Resource{
		Ref: dr.Ref{Kind: Kind, Site: site, ID: id}, ARN: arn(site, "volume", id), Tags: plainTags(v.Tags),
		Key: aws.ToString(v.KmsKeyId), State: readiness(status), Status: status,
		Config: dr.NewConfig(volumeSettings(p)), Bytes: size(v), NameLimit: nameLimit,
	}
	out.Name, out.Parts = called(out.Tags, id), []dr.Part{p.part()}
	return out
}

func (p part) part() dr.Part {
	return dr.Part{ID: aws.ToString(p.VolumeId), Device: p.device, Boot: p.boot, Tags: plainTags(p.Tags), Bytes: size(p.Volume)}
}

func size(v *types.Volume) int64 { return int64(aws.ToInt32(v.Size)) * gibibyte }

func called(tags dr.Tags, id string) string {
	if name := tags["Name"]; name != "" {
		return name
	}
	return id
}

func arn(site dr.Site, kind, id string) string {
	return "arn:" + site.Partition() + ":ec2:" + site.Region + ":" + site.Account + ":" + kind + "/" + id
}

func stateOf(in *types.Instance) types.InstanceStateName {
	if in.State == nil {
		return ""
	}
	return in.State.Name
}

// readiness sorts the states of instances (Amazon EC2 User Guide, "Instance
// lifecycle") and of volumes (Amazon EBS User Guide, "EBS volume state").
func readiness(state string) dr.Readiness {
	switch state {
	case "running", "stopped", "available", "in-use":
		return dr.Ready
	case "shutting-down", "terminated", "deleting", "deleted":
		return dr.Leaving
	case "error":
		return dr.Blocked
	}
	return dr.Busy // Instances that are pending or stopping, volumes that are being made.
}
