package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"
)

func (s *redshiftState) createTags(r *request) (any, error) {
	name := r.params.need("ResourceName")
	add, err := readRedshiftTags(r.params, "Key", "Value", r.params.members("Tags", "Tag"))
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(name, r, r.now)
	if err != nil {
		return nil, err
	}
	all := tags.get(r.now).with(add)
	if err := checkRedshiftTagCount(all); err != nil {
		return nil, err
	}
	tags.set(r.now, all)
	return nil, nil
}

func (s *redshiftState) deleteTags(r *request) (any, error) {
	name, keys := r.params.need("ResourceName"), r.params.list("TagKeys", "TagKey")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(name, r, r.now)
	if err != nil {
		return nil, err
	}
	left := tags.get(r.now).with(nil)
	for _, k := range keys {
		delete(left, k)
	}
	tags.set(r.now, left)
	return nil, nil
}

// tagsOf finds the tags of a cluster or snapshot by its full name.
func (s *redshiftState) tagsOf(name string, r *request, when time.Time) (*timeline[tagSet], error) {
	a, ok := parseARN(name)
	missing := notFound("ResourceNotFoundFault", "The resource %s cannot be found.", name)
	switch {
	case !ok || a.service != "redshift":
		return nil, invalidValue("Invalid resource name: %s", name)
	case a.account != r.who.account:
		return nil, forbid("AccessDenied", "User: %s is not authorized to perform: redshift:%s on resource: %s", r.who.arn, r.action, name)
	case a.region != r.region:
		return nil, missing
	}
	g := s.region(a.place, r.now)
	switch a.kind {
	case "cluster":
		if c, ok := g.cluster(a.id, when); ok {
			return &c.tags, nil
		}
	case "snapshot":
		of, id, _ := strings.Cut(a.id, "/")
		if snap, ok := g.snapshot(id, when); ok && snap.of.name == of {
			return &snap.tags, nil
		}
	case "snapshotcopygrant":
		if x, ok := g.grant(a.id, when); ok {
			return &x.tags, nil
		}
	}
	return nil, missing
}

// describeTags lists the tags of one resource, or of all clusters or snapshots.
func (s *redshiftState) describeTags(r *request) (any, error) {
	p := r.params
	name, kind, f := p.str("ResourceName"), p.str("ResourceType"), readTagFilter(p)
	pg, err := readPage(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	if name != "" && kind != "" {
		return nil, invalidCombination("You cannot specify both an ARN and a resource type.")
	}
	var found []taggedXML
	add := func(full, kind string, tags tagSet) {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			if f.allow(tagSet{k: tags[k]}) {
				found = append(found, taggedXML{tagXML{k, tags[k]}, full, kind})
			}
		}
	}
	if name != "" {
		tags, err := s.tagsOf(name, r, r.view)
		if err != nil {
			return nil, err
		}
		a, _ := parseARN(name)
		add(name, a.kind, tags.get(r.view))
	} else {
		s.eachTagged(r, kind, add)
	}
	var out describeTagsResult
	out.TaggedResources.TaggedResource, out.Marker = cut(found, func(x taggedXML) string { return x.ResourceName + " " + x.Tag.Key }, pg)
	return out, nil
}

func (s *redshiftState) eachTagged(r *request, kind string, do func(full, kind string, tags tagSet)) {
	g := s.region(r.place(), r.now)
	for _, c := range g.clusters {
		if c.exists(r.view) && (kind == "" || strings.EqualFold(kind, "cluster")) {
			do(c.arn(r.view).String(), "cluster", c.tags.get(r.view))
		}
	}
	for _, snap := range g.snapshots {
		if snap.exists(r.view) && (kind == "" || strings.EqualFold(kind, "snapshot")) {
			do(snap.arn().String(), "snapshot", snap.tags.get(r.view))
		}
	}
	for _, x := range g.grants {
		if x.status.exists(r.view) && (kind == "" || strings.EqualFold(kind, "snapshotcopygrant")) {
			do(x.arn().String(), "snapshotcopygrant", x.tags.get(r.view))
		}
	}
}
