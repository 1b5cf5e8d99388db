package sandbox

import (
	"slices"
	"time"
)

type (
	instanceAttributeXML struct {
		ID      string            `xml:"instanceId"`
		Devices *items[deviceXML] `xml:"blockDeviceMapping"`
		Root    *textXML          `xml:"rootDeviceName"`
		Class   *textXML          `xml:"instanceType"`
		NoEnd   *boolXML          `xml:"disableApiTermination"`
		NoStop  *boolXML          `xml:"disableApiStop"`
		Groups  *items[groupXML]  `xml:"groupSet"`
	}
	textXML struct {
		Value string `xml:"value"`
	}
	boolXML struct {
		Value bool `xml:"value"`
	}
)

// describeInstanceAttribute tells one attribute of an instance.
func (s *ec2State) describeInstanceAttribute(r *request) (any, error) {
	id, name := r.params.need("InstanceId"), r.params.need("Attribute")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	in, err := g.instance(id, r.view)
	if err != nil {
		return nil, err
	}
	shown := showInstance(g, in, r.view)
	out := instanceAttributeXML{ID: id}
	switch name {
	case "blockDeviceMapping":
		out.Devices = &shown.Devices
	case "rootDeviceName":
		out.Root = &textXML{in.rootDevice}
	case "instanceType":
		out.Class = &textXML{in.class}
	case "disableApiTermination":
		out.NoEnd = &boolXML{in.noEnd.get(r.view)}
	case "disableApiStop":
		out.NoStop = &boolXML{in.noStop.get(r.view)}
	case "groupSet":
		out.Groups = &shown.Groups
	default:
		return nil, notSimulated("the instance attribute %q", name)
	}
	return out, nil
}

// modifyInstanceAttribute changes whether volumes go with an instance, and its
// protection.
//
// Amazon EC2 API Reference, ModifyInstanceAttribute: "You can specify only one attribute
// at a time."
func (s *ec2State) modifyInstanceAttribute(r *request) (any, error) {
	p := r.params
	id, devices := p.need("InstanceId"), p.flat("BlockDeviceMapping")
	noStop, noEnd := p.flag("DisableApiStop.Value"), p.flag("DisableApiTermination.Value")
	if name := p.str("Attribute"); name != "" {
		value := p.flag("Value")
		switch name {
		case "disableApiStop":
			noStop = value
		case "disableApiTermination":
			noEnd = value
		case "blockDeviceMapping":
		default:
			p.fail(notSimulated("changing the instance attribute %q", name))
		}
	}
	changes, given := readDeviceChanges(p, devices), 0
	for _, is := range []bool{len(devices) > 0, noStop != nil, noEnd != nil} {
		if is {
			given++
		}
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	in, err := g.instance(id, r.now)
	switch {
	case err != nil:
		return nil, err
	case given != 1:
		return nil, invalidCombination("Exactly one attribute must be specified.")
	case noStop != nil:
		in.noStop.set(r.now, *noStop)
	case noEnd != nil:
		in.noEnd.set(r.now, *noEnd)
	}
	return nil, g.changeDevices(in, changes, r.now)
}

// deviceChange says whether the volume at a device is to go with its instance.
type deviceChange struct {
	device, volume string
	deleteWithIt   *bool
}

func readDeviceChanges(p *params, prefixes []string) []deviceChange {
	var out []deviceChange
	for _, prefix := range prefixes {
		out = append(out, deviceChange{
			p.need(prefix + ".DeviceName"), p.str(prefix + ".Ebs.VolumeId"), p.flag(prefix + ".Ebs.DeleteOnTermination"),
		})
	}
	return out
}

// changeDevices changes all devices or, if one is not there, none.
func (g *ec2Region) changeDevices(in *ec2Instance, changes []deviceChange, now time.Time) error {
	for _, c := range changes {
		v, ok := g.deviceOf(in, c.device, now)
		if !ok || c.volume != "" && c.volume != v.id {
			return refuse("InvalidInstanceAttributeValue", "No device is currently mapped at %s", c.device)
		}
	}
	for _, c := range changes {
		v, _ := g.deviceOf(in, c.device, now)
		if c.deleteWithIt == nil {
			continue
		}
		amend(&v.attached, now, func(all []attachment) []attachment { return withDelete(all, in.id, *c.deleteWithIt) })
	}
	return nil
}

func withDelete(all []attachment, instance string, with bool) []attachment {
	out := slices.Clone(all)
	for i := range out {
		if out[i].instance == instance {
			out[i].deleteWithIt = with
		}
	}
	return out
}
