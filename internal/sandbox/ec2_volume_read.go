package sandbox

import (
	"slices"
	"strconv"
	"time"
)

type (
	volumesXML struct {
		Volumes   items[volumeXML] `xml:"volumeSet"`
		NextToken string           `xml:"nextToken,omitempty"`
	}
	volumeXML struct {
		ID          string               `xml:"volumeId"`
		Size        int                  `xml:"size"`
		Snapshot    string               `xml:"snapshotId"`
		Zone        string               `xml:"availabilityZone"`
		Status      string               `xml:"status"`
		Created     string               `xml:"createTime"`
		Attachments items[attachmentXML] `xml:"attachmentSet"`
		Tags        items[ec2Tag]        `xml:"tagSet"`
		Kind        string               `xml:"volumeType"`
		Iops        int                  `xml:"iops,omitempty"`
		Throughput  int                  `xml:"throughput,omitempty"`
		Encrypted   bool                 `xml:"encrypted"`
		Key         string               `xml:"kmsKeyId,omitempty"`
		MultiAttach bool                 `xml:"multiAttachEnabled"`
	}
	attachmentXML struct {
		Volume   string `xml:"volumeId"`
		Instance string `xml:"instanceId"`
		Device   string `xml:"device"`
		Status   string `xml:"status"`
		Time     string `xml:"attachTime"`
		Delete   bool   `xml:"deleteOnTermination"`
	}
)

// describeVolumes lists volumes.
func (s *ec2State) describeVolumes(r *request) (any, error) {
	p := r.params
	ids := p.texts("VolumeId")
	filters, err := readEC2Filters(p, "volume-id", "status", "attachment.instance-id", "attachment.device", "attachment.status",
		"volume-type", "availability-zone", "snapshot-id", "encrypted")
	pg, pageErr := s.readEC2Page(p, ids)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	g := s.region(r.place())
	for _, id := range ids {
		if _, err := g.volume(id, r.view); err != nil {
			return nil, err
		}
	}
	var found []*ec2Volume
	for _, v := range g.volumes {
		if v.state.exists(r.view) && (len(ids) == 0 || slices.Contains(ids, v.id)) && filters.allow(v.tags.get(r.view), v.field(r.view)) {
			found = append(found, v)
		}
	}
	var out volumesXML
	found, out.NextToken = cutEC2(found, func(v *ec2Volume) string { return v.id }, pg)
	for _, v := range found {
		out.Volumes.Item = append(out.Volumes.Item, showVolume(v, r.view))
	}
	return out, nil
}

// field gives the values that filters ask for.
func (v *ec2Volume) field(when time.Time) func(string) []string {
	return func(name string) []string {
		var out []string
		for _, a := range v.attached.get(when) {
			switch name {
			case "attachment.instance-id":
				out = append(out, a.instance)
			case "attachment.device":
				out = append(out, a.device)
			case "attachment.status":
				out = append(out, a.state(when))
			}
		}
		switch name {
		case "volume-id":
			return []string{v.id}
		case "status":
			return []string{v.shown(when)}
		case "volume-type":
			return []string{v.kind}
		case "availability-zone":
			return []string{v.zone}
		case "snapshot-id":
			return []string{v.snapshot}
		case "encrypted":
			return []string{strconv.FormatBool(v.key != "")}
		}
		return out
	}
}

func showVolume(v *ec2Volume, when time.Time) volumeXML {
	out := volumeXML{
		ID: v.id, Size: v.size, Snapshot: v.snapshot, Zone: v.zone, Status: v.shown(when), Created: stamp(v.created),
		Tags: showEC2Tags(v.tags.get(when)), Kind: v.kind, Iops: v.iops, Throughput: v.throughput, Encrypted: v.key != "", Key: v.key,
	}
	for _, a := range v.attached.get(when) {
		out.Attachments.Item = append(out.Attachments.Item, showAttachment(v, a, a.state(when)))
	}
	return out
}

func showAttachment(v *ec2Volume, a attachment, status string) attachmentXML {
	return attachmentXML{v.id, a.instance, a.device, status, stamp(a.since), a.deleteWithIt}
}
