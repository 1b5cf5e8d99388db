package sandbox

import (
	"slices"
	"strings"
	"time"
)

type (
	ec2InstancesXML struct {
		Reservations items[reservationXML] `xml:"reservationSet"`
		NextToken    string                `xml:"nextToken,omitempty"`
	}
	reservationXML struct {
		ID        string                `xml:"reservationId"`
		Owner     string                `xml:"ownerId"`
		Instances items[ec2InstanceXML] `xml:"instancesSet"`
	}
	ec2InstanceXML struct {
		ID       string           `xml:"instanceId"`
		Image    string           `xml:"imageId"`
		State    stateXML         `xml:"instanceState"`
		Key      string           `xml:"keyName,omitempty"`
		Class    string           `xml:"instanceType"`
		Launched string           `xml:"launchTime"`
		Zone     string           `xml:"placement>availabilityZone"`
		Tenancy  string           `xml:"placement>tenancy"`
		Subnet   string           `xml:"subnetId"`
		VPC      string           `xml:"vpcId"`
		IP       string           `xml:"privateIpAddress"`
		Groups   items[groupXML]  `xml:"groupSet"`
		Arch     string           `xml:"architecture"`
		RootType string           `xml:"rootDeviceType"`
		Root     string           `xml:"rootDeviceName"`
		Devices  items[deviceXML] `xml:"blockDeviceMapping"`
		Profile  *profileXML      `xml:"iamInstanceProfile"`
		Reason   *reasonXML       `xml:"stateReason"`
		Tags     items[ec2Tag]    `xml:"tagSet"`
	}
	groupXML struct {
		ID   string `xml:"groupId"`
		Name string `xml:"groupName"`
	}
	deviceXML struct {
		Name string       `xml:"deviceName"`
		EBS  ebsDeviceXML `xml:"ebs"`
	}
	ebsDeviceXML struct {
		Volume string `xml:"volumeId"`
		Status string `xml:"status"`
		Time   string `xml:"attachTime"`
		Delete bool   `xml:"deleteOnTermination"`
	}
	reasonXML struct {
		Code    string `xml:"code"`
		Message string `xml:"message"`
	}
	profileXML struct {
		ARN string `xml:"arn"`
		ID  string `xml:"id"`
	}
)

// describeInstances lists instances; those that ended for an hour more.
func (s *ec2State) describeInstances(r *request) (any, error) {
	p := r.params
	ids := p.texts("InstanceId")
	filters, err := readEC2Filters(p, "instance-id", "instance-state-name", "instance-type", "availability-zone", "image-id")
	pg, pageErr := s.readEC2Page(p, ids)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	for _, id := range ids {
		if _, err := g.instance(id, r.view); err != nil {
			return nil, err
		}
	}
	var found []*ec2Instance
	for _, in := range g.instances {
		if in.state.exists(r.view) && (len(ids) == 0 || slices.Contains(ids, in.id)) && filters.allow(in.tags.get(r.view), in.field(r.view)) {
			found = append(found, in)
		}
	}
	var out ec2InstancesXML
	found, out.NextToken = cutEC2(found, func(in *ec2Instance) string { return in.id }, pg)
	for _, in := range found {
		one := reservationXML{ID: "r-" + hashed(17, in.id), Owner: in.account}
		one.Instances.Item = []ec2InstanceXML{showInstance(g, in, r.view)}
		out.Reservations.Item = append(out.Reservations.Item, one)
	}
	return out, nil
}

// field gives the values that filters ask for.
func (in *ec2Instance) field(when time.Time) func(string) []string {
	return func(name string) []string {
		return []string{map[string]string{
			"instance-id": in.id, "instance-state-name": in.state.get(when), "instance-type": in.class,
			"availability-zone": in.zone, "image-id": in.image,
		}[name]}
	}
}

func showInstance(g *ec2Region, in *ec2Instance, when time.Time) ec2InstanceXML {
	out := ec2InstanceXML{
		ID: in.id, Image: in.image, State: showState(in.state.get(when)), Key: in.keyName, Class: in.class, Launched: stamp(in.launched),
		Zone: in.zone, Tenancy: "default", Subnet: in.subnet, VPC: in.vpc, IP: in.ip, Arch: "x86_64",
		RootType: "ebs", Root: in.rootDevice, Tags: showEC2Tags(in.tags.get(when)),
	}
	for _, id := range in.groups {
		out.Groups.Item = append(out.Groups.Item, groupXML{id, "group-" + id})
	}
	if in.profile != "" {
		out.Profile = &profileXML{in.profile, "AIPA" + hashed(17, in.profile)}
	}
	if why := in.reason.get(when); why != "" && !in.state.in(when, statePending, stateRunning) {
		code, _, _ := strings.Cut(why, ": ")
		out.Reason = &reasonXML{code, why}
	}
	for _, v := range g.attachedTo(in.id, when) {
		a, _ := v.on(in.id, when)
		out.Devices.Item = append(out.Devices.Item, deviceXML{a.device, ebsDeviceXML{v.id, a.state(when), stamp(a.since), a.deleteWithIt}})
	}
	return out
}
