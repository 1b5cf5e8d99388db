package sandbox

import "time"

// addTags adds tags to a cache or snapshot and gives all that it has then.
func (s *cacheState) addTags(r *request) (any, error) {
	name := r.params.need("ResourceName")
	add, err := readCacheTags(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(name, r, r.now)
	if err != nil {
		return nil, err
	}
	all := tags.get(r.now).with(add)
	if err := checkCacheTagCount(all); err != nil {
		return nil, err
	}
	tags.set(r.now, all)
	return tagsResult{showTags(all)}, nil
}

// removeTags removes tags and gives those that are left. To remove one that is not
// there is an error (TagNotFoundFault), and then none is removed.
func (s *cacheState) removeTags(r *request) (any, error) {
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
		if _, ok := left[k]; !ok {
			return nil, notFound("TagNotFound", "The requested tag was not found on this resource: %s", k)
		}
		delete(left, k)
	}
	tags.set(r.now, left)
	return tagsResult{showTags(left)}, nil
}

func (s *cacheState) listTags(r *request) (any, error) {
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

// tagsOf finds the tags of a cache or snapshot by its full name, if its status
// lets them be read.
//
// Amazon ElastiCache API Reference, ListTagsForResource: "If the cluster is not in
// the available state, ListTagsForResource returns an error." Of serverless caches
// users report that available and modifying will do. For snapshots it is assumed:
// the call knows InvalidServerlessCacheSnapshotStateFault.
func (s *cacheState) tagsOf(name string, r *request, when time.Time) (*timeline[tagSet], error) {
	const what = "perform tagging operations"
	a, ok := parseARN(name)
	switch {
	case !ok || a.service != "elasticache", a.region != r.region:
		return nil, refuse("InvalidARN", "The requested Amazon Resource Name (ARN) does not refer to an existing resource: %s", name)
	case a.account != r.who.account:
		return nil, forbid("AccessDenied", "User: %s is not authorized to perform: elasticache:%s on resource: %s", r.who.arn, r.action, name)
	}
	g := s.region(a.place)
	switch a.kind {
	case "snapshot", "serverlesssnapshot":
		serverless := a.kind == "serverlesssnapshot"
		snap, ok := g.snapshot(serverless, a.id, when)
		if !ok {
			return nil, cacheSnapshotNotFound(serverless, a.id)
		}
		return &snap.tags, snap.mustBe(when, what, statusAvailable, statusFailed, statusRestoring)
	case string(formGroup), string(formServerless):
		c, ok := g.cache(cacheForm(a.kind), a.id, when)
		if !ok {
			return nil, cacheNotFound(cacheForm(a.kind), a.id)
		}
		states := []string{statusAvailable}
		if c.form == formServerless {
			states = append(states, statusModifying)
		}
		return &c.tags, c.mustBe(when, what, states...)
	case string(formCluster):
		// Tags of a group are replicated to all its nodes.
		c, ok := g.member(a.id, when)
		if !ok {
			return nil, cacheNotFound(formCluster, a.id)
		}
		if c.memberStatus(a.id, when) != statusAvailable {
			return nil, refuse("InvalidCacheClusterState", "Cluster not in available state to %s.", what)
		}
		return &c.tags, nil
	}
	return nil, refuse("InvalidARN", "The requested Amazon Resource Name (ARN) does not refer to an existing resource: %s", name)
}
