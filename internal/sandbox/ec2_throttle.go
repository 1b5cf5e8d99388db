package sandbox

import "strings"

// ec2Bucket gives the token bucket of a call. Each action has one of its own.
//
// Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API":
// non-mutating actions 100 and 20 per second; unfiltered and unpaginated ones 50
// and 10; Create/DeleteSnapshot(s), ModifySnapshotAttribute and CreateVolume 100
// and 5; CreateTags 100 and 10; other mutating ones 50 and 5.
func ec2Bucket(r *request) (string, Bucket) {
	name := "ec2:" + r.action
	switch r.action {
	case "CreateSnapshot", "CreateSnapshots", "DeleteSnapshot", "ModifySnapshotAttribute", "CreateVolume":
		return name, Bucket{Rate: 5, Burst: 100}
	case "CreateTags":
		return name, Bucket{Rate: 10, Burst: 100}
	}
	switch {
	case !strings.HasPrefix(r.action, "Describe"):
		return name, Bucket{Rate: 5, Burst: 50}
	case r.params.unbounded():
		return name + " (unfiltered)", Bucket{Rate: 10, Burst: 50}
	}
	return name, Bucket{Rate: 20, Burst: 100}
}

// unbounded says that a call asks neither for certain things nor for a page.
func (p *params) unbounded() bool {
	if p.has("MaxResults") {
		return false
	}
	for key := range p.values {
		if strings.HasPrefix(key, "Filter.") || strings.HasSuffix(key, "Id.1") {
			return false
		}
	}
	return true
}
