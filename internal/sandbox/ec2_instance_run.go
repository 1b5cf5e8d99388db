package sandbox

import (
	"strconv"
	"time"
)

// deviceRequest is one block device of a new instance.
type deviceRequest struct {
	name, virtual string
	deleteWithIt  bool
	volume        volumeRequest
}

// runInstances makes instances with their block devices. AMIs are not simulated:
// each starts from /dev/xvda, 8 GiB of gp3, unless the call says otherwise.
func (s *ec2State) runInstances(r *request) (any, error) {
	p := r.params
	like := ec2Instance{
		place: r.place(), image: p.need("ImageId"), class: or(p.str("InstanceType"), "m1.small"), keyName: p.str("KeyName"),
		subnet: p.str("SubnetId"), zone: or(p.str("Placement.AvailabilityZone"), r.region+"a"), groups: p.texts("SecurityGroupId"),
	}
	if name := p.str("IamInstanceProfile.Name"); name != "" {
		like.profile = "arn:aws:iam::" + r.who.account + ":instance-profile/" + name
	}
	like.profile = or(p.str("IamInstanceProfile.Arn"), like.profile)
	least, most := p.number("MinCount"), p.number("MaxCount")
	devices := readDevices(p)
	specs, err := s.readTagSpecs(r, "instance", "volume")
	p.ignore("ClientToken")
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	if least == nil || most == nil || *least < 1 || *most < *least || *most > 100 {
		return nil, invalidValue("MinCount and MaxCount must be given, with 1 <= MinCount <= MaxCount")
	}
	out := reservationXML{ID: s.newID("r", r.place()), Owner: r.who.account}
	g := s.region(r.place())
	for range *most {
		in := like
		in.id = s.newID("i", r.place())
		if err := s.launch(g, &in, devices, specs, r.now); err != nil {
			return nil, err
		}
		out.Instances.Item = append(out.Instances.Item, showInstance(g, &in, r.now))
	}
	return out, nil
}

func readDevices(p *params) []deviceRequest {
	out := []deviceRequest{}
	root := false
	for _, prefix := range p.flat("BlockDeviceMapping") {
		ebs := prefix + ".Ebs."
		d := deviceRequest{name: p.need(prefix + ".DeviceName"), virtual: p.str(prefix + ".VirtualName"), deleteWithIt: true}
		d.volume = volumeRequest{
			size: p.whole(ebs + "VolumeSize"), kind: p.str(ebs + "VolumeType"), iops: p.whole(ebs + "Iops"), key: p.str(ebs + "KmsKeyId"),
			throughput: p.whole(ebs + "Throughput"), encrypted: p.isSet(ebs + "Encrypted"), snapshot: p.str(ebs + "SnapshotId"),
		}
		if stays := p.flag(ebs + "DeleteOnTermination"); stays != nil {
			d.deleteWithIt = *stays
		}
		if d.name == defaultRoot {
			root = true
			if d.volume.size == 0 {
				d.volume.size = 8
			}
		}
		out = append(out, d)
	}
	if !root {
		out = append(out, deviceRequest{name: defaultRoot, deleteWithIt: true, volume: volumeRequest{kind: "gp3", size: 8}})
	}
	return out
}

const defaultRoot = "/dev/xvda"

// launch puts an instance and its volumes in.
func (s *ec2State) launch(g *ec2Region, in *ec2Instance, devices []deviceRequest, specs map[string]tagSet, now time.Time) error {
	in.launched, in.rootDevice = now, or(in.rootDevice, defaultRoot)
	in.vpc = "vpc-" + hashed(17, "vpc", in.account, in.region)
	in.subnet = or(in.subnet, "subnet-"+hashed(17, "subnet", in.account, in.zone))
	in.ip = "10.0." + strconv.Itoa(s.made/250%250) + "." + strconv.Itoa(1+s.made%250)
	if len(in.groups) == 0 {
		in.groups = []string{"sg-" + hashed(17, "sg", in.account, in.region)}
	}
	in.state.set(now, statePending)
	in.booted = now.Add(s.aws.options.Durations.EBS.Boot.Base)
	in.state.then(in.booted, stateRunning)
	in.tags.set(now, specs["instance"])
	for _, d := range devices {
		if d.virtual != "" { // Instance store: gone with the instance, never a volume.
			continue
		}
		d.volume.zone, d.volume.tags = in.zone, specs["volume"]
		v, err := s.addVolume(g, d.volume, now)
		if err != nil {
			return err
		}
		v.state.set(now, statusAvailable)
		v.attached.set(now, []attachment{{instance: in.id, device: d.name, since: now, deleteWithIt: d.deleteWithIt}})
	}
	g.instances = append(g.instances, in)
	return nil
}
