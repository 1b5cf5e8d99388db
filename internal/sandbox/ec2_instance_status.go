package sandbox

import (
	"slices"
	"time"
)

type (
	instanceStatusesXML struct {
		Statuses  items[instanceStatusXML] `xml:"instanceStatusSet"`
		NextToken string                   `xml:"nextToken,omitempty"`
	}
	instanceStatusXML struct {
		ID       string     `xml:"instanceId"`
		Zone     string     `xml:"availabilityZone"`
		State    stateXML   `xml:"instanceState"`
		Instance summaryXML `xml:"instanceStatus"`
		System   summaryXML `xml:"systemStatus"`
	}
	summaryXML struct {
		Status  string            `xml:"status"`
		Details items[summaryRow] `xml:"details"`
	}
	summaryRow struct {
		Name   string `xml:"name"`
		Status string `xml:"status"`
	}
	volumeStatusesXML struct {
		Statuses  items[volumeStatusXML] `xml:"volumeStatusSet"`
		NextToken string                 `xml:"nextToken,omitempty"`
	}
	volumeStatusXML struct {
		ID     string     `xml:"volumeId"`
		Zone   string     `xml:"availabilityZone"`
		Status summaryXML `xml:"volumeStatus"`
	}
)

// describeInstanceStatus tells how the checks of instances go.
//
// Amazon EC2 API Reference, DescribeInstanceStatus: only of those that run, unless
// IncludeAllInstances says otherwise.
func (s *ec2State) describeInstanceStatus(r *request) (any, error) {
	p := r.params
	ids, all := p.texts("InstanceId"), p.isSet("IncludeAllInstances")
	filters, err := readEC2Filters(p, "availability-zone", "instance-state-name", "instance-status.status", "system-status.status")
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
		asked := in.state.exists(r.view) && (len(ids) == 0 || slices.Contains(ids, in.id))
		if !asked || !all && !in.state.in(r.view, stateRunning) {
			continue
		}
		checks := s.checks(in, r.view)
		if filters.allow(in.tags.get(r.view), func(name string) []string {
			return []string{map[string]string{
				"availability-zone": in.zone, "instance-state-name": in.state.get(r.view),
				"instance-status.status": checks, "system-status.status": checks,
			}[name]}
		}) {
			found = append(found, in)
		}
	}
	var out instanceStatusesXML
	found, out.NextToken = cutEC2(found, func(in *ec2Instance) string { return in.id }, pg)
	for _, in := range found {
		status := summary(s.checks(in, r.view), "reachability", map[string]string{"ok": "passed"})
		out.Statuses.Item = append(out.Statuses.Item, instanceStatusXML{in.id, in.zone, showState(in.state.get(r.view)), status, status})
	}
	return out, nil
}

func summary(status, detail string, means map[string]string) summaryXML {
	return summaryXML{status, items[summaryRow]{[]summaryRow{{detail, or(means[status], status)}}}}
}

// checks tells how the status checks of an instance go.
func (s *ec2State) checks(in *ec2Instance, when time.Time) string {
	switch {
	case !in.state.in(when, stateRunning):
		return "not-applicable"
	case when.Before(in.booted.Add(s.aws.options.Durations.EBS.Check.Base)):
		return "initializing"
	}
	return "ok"
}

// describeVolumeStatus tells whether volumes are well. What is not ready has not been
// looked at yet.
func (s *ec2State) describeVolumeStatus(r *request) (any, error) {
	p := r.params
	ids := p.texts("VolumeId")
	filters, err := readEC2Filters(p, "availability-zone", "volume-status.status")
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
		if v.state.exists(r.view) && (len(ids) == 0 || slices.Contains(ids, v.id)) && filters.allow(v.tags.get(r.view), func(name string) []string {
			return []string{map[string]string{"availability-zone": v.zone, "volume-status.status": v.health(r.view)}[name]}
		}) {
			found = append(found, v)
		}
	}
	var out volumeStatusesXML
	found, out.NextToken = cutEC2(found, func(v *ec2Volume) string { return v.id }, pg)
	for _, v := range found {
		status := summary(v.health(r.view), "io-enabled", map[string]string{"ok": "passed", "impaired": "failed"})
		out.Statuses.Item = append(out.Statuses.Item, volumeStatusXML{v.id, v.zone, status})
	}
	return out, nil
}

func (v *ec2Volume) health(when time.Time) string {
	switch v.state.get(when) {
	case statusAvailable:
		return "ok"
	case stateError:
		return "impaired"
	}
	return "insufficient-data"
}
