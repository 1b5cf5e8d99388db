package sandbox

import (
	"strings"
	"time"
)

type tagsResult struct{ TagList tagListXML }

func (s *rdsState) addTagsToResource(r *request) (any, error) {
	name := r.params.need("ResourceName")
	add, err := readTags(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(name, r, r.now)
	if err != nil {
		return nil, err
	}
	all := tags.get(r.now).with(add)
	if err := checkTagCount(all); err != nil {
		return nil, err
	}
	tags.set(r.now, all)
	return nil, nil
}

func (s *rdsState) removeTagsFromResource(r *request) (any, error) {
	name, keys := r.params.need("ResourceName"), r.params.list("TagKeys", "member")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(name, r, r.now)
	if err != nil {
		return nil, err
	}
	left := tags.get(r.now).with(nil)
	for _, k := range keys {
		if reservedTag(k) {
			return nil, errReservedTag()
		}
		delete(left, k)
	}
	tags.set(r.now, left)
	return nil, nil
}

func (s *rdsState) listTagsForResource(r *request) (any, error) {
	name := r.params.need("ResourceName")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(name, r, r.view)
	if err != nil {
		return nil, err
	}
	return tagsResult{showTags(tags.get(r.view))}, nil
}

// tagsOf finds the tags of a resource by its full name. Those of another account
// or Region are out of reach.
func (s *rdsState) tagsOf(name string, r *request, when time.Time) (*timeline[tagSet], error) {
	a, ok := parseARN(name)
	switch {
	case !ok || a.service != "rds":
		return nil, invalidValue("Invalid resource name:%s", name)
	case a.region != r.region:
		return nil, invalidValue("The specified resource name does not match an RDS resource in this region.")
	case a.account != r.who.account:
		return nil, forbid("AccessDenied", "User: %s is not authorized to perform: rds:%s on resource: %s", r.who.arn, r.action, name)
	}
	g := s.region(a.place)
	switch a.kind {
	case "db":
		if d, ok := g.instance(a.id, when); ok {
			return &d.tags, nil
		}
		return nil, instanceNotFound(a.id)
	case dbClusterARN:
		if c, ok := g.cluster(a.id, when); ok {
			return &c.tags, nil
		}
		return nil, dbClusterNotFound(a.id)
	case dbClusterSnapshotARN:
		if snap, ok := g.dbClusterSnapshot(a.id, when); ok {
			return &snap.tags, nil
		}
		return nil, dbClusterSnapshotNotFound(a.id)
	case "snapshot":
		if snap, ok := g.snapshot(a.id, when); ok {
			return &snap.tags, nil
		}
		return nil, snapshotNotFound(a.id)
	}
	if grp, ok := g.group(groupKind(a.kind), strings.ToLower(a.id), when); ok {
		return &grp.tags, nil
	}
	return nil, invalidValue("The specified resource name does not match an RDS resource in this region.")
}
