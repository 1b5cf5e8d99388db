package ebs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// instanceSettings gives what is needed to make the instance again, because
// snapshots of volumes do not carry it. Those of the volumes are numbered in the
// order of their devices.
func instanceSettings(in *types.Instance, parts []part) map[string]string {
	m := map[string]string{
		"type":      string(in.InstanceType),
		"image":     aws.ToString(in.ImageId),
		"subnet":    aws.ToString(in.SubnetId),
		"vpc":       aws.ToString(in.VpcId),
		"ip":        aws.ToString(in.PrivateIpAddress),
		"key-name":  aws.ToString(in.KeyName),
		"security":  securityGroups(in),
		"root":      aws.ToString(in.RootDeviceName),
		"arch":      string(in.Architecture),
		"platform":  string(in.Platform),
		"boot-mode": string(in.BootMode),
		"optimized": flag(in.EbsOptimized),
		"lifecycle": string(in.InstanceLifecycle),
		"volumes":   strconv.Itoa(len(parts)),
	}
	if in.Placement != nil {
		m["zone"] = aws.ToString(in.Placement.AvailabilityZone)
		m["group"] = aws.ToString(in.Placement.GroupName)
		if in.Placement.Tenancy != types.TenancyDefault {
			m["tenancy"] = string(in.Placement.Tenancy)
		}
	}
	if in.IamInstanceProfile != nil {
		m["profile"] = aws.ToString(in.IamInstanceProfile.Arn)
	}
	for i, p := range parts {
		for k, v := range deviceSettings(p) {
			m[strconv.Itoa(i+1)+"-"+k] = v
		}
	}
	return m
}

// volumeSettings gives what is needed to make a volume again and to attach it
// where it was.
func volumeSettings(p part) map[string]string {
	m := deviceSettings(p)
	m["zone"] = aws.ToString(p.AvailabilityZone)
	if len(p.Attachments) > 0 {
		m["instance"] = aws.ToString(p.Attachments[0].InstanceId)
	}
	return m
}

func deviceSettings(p part) map[string]string {
	m := map[string]string{
		"volume": aws.ToString(p.VolumeId),
		"device": p.device,
		"type":   string(p.VolumeType),
		"gib":    number(p.Size),
		"key":    aws.ToString(p.KmsKeyId),
		"multi":  flag(p.MultiAttachEnabled),
		"boot":   flag(&p.boot),
		"stays":  flag(&p.stays),
	}
	if p.VolumeType != types.VolumeTypeGp2 { // There it follows from the size.
		m["iops"], m["throughput"] = number(p.Iops), number(p.Throughput)
	}
	return m
}

func securityGroups(in *types.Instance) string {
	var ids []string
	for _, g := range in.SecurityGroups {
		ids = append(ids, aws.ToString(g.GroupId))
	}
	slices.Sort(ids)
	return strings.Join(ids, ",")
}

// flag leaves out what is false or unset, so that the captured configuration
// stays short.
func flag(b *bool) string {
	if aws.ToBool(b) {
		return "yes"
	}
	return ""
}

func number(n *int32) string {
	if n == nil || *n == 0 {
		return ""
	}
	return strconv.Itoa(int(*n))
}
