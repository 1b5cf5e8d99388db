package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"
)

type (
	ec2TaggedXML struct {
		Tags      items[resourceTagXML] `xml:"tagSet"`
		NextToken string                `xml:"nextToken,omitempty"`
	}
	resourceTagXML struct {
		Resource string `xml:"resourceId"`
		Type     string `xml:"resourceType"`
		Key      string `xml:"key"`
		Value    string `xml:"value"`
	}
)

// tagged finds the tags of a resource by its id.
func (g *ec2Region) tagged(id string, when time.Time) (*timeline[tagSet], error) {
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "i":
		in, err := g.instance(id, when)
		if err != nil {
			return nil, err
		}
		return &in.tags, nil
	case "vol":
		v, err := g.volume(id, when)
		if err != nil {
			return nil, err
		}
		return &v.tags, nil
	case "snap":
		x, err := g.snapshot(id, when)
		if err != nil {
			return nil, err
		}
		return &x.tags, nil
	}
	return nil, refuse("InvalidID", "The ID '%s' is not valid", id)
}

// allTagged finds the tags of all resources that a call names: of all or none.
func (s *ec2State) allTagged(r *request) ([]*timeline[tagSet], error) {
	ids := r.params.texts("ResourceId")
	switch {
	case len(ids) == 0:
		return nil, refuse("MissingParameter", "The request must contain the parameter resourceIdSet")
	case len(ids) > 1000:
		return nil, invalidValue("Up to 1000 resource IDs can be specified")
	}
	var out []*timeline[tagSet]
	for _, id := range ids {
		t, err := s.region(r.place()).tagged(id, r.now)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// createTags adds tags, or gives those that are there another value.
func (s *ec2State) createTags(r *request) (any, error) {
	tags, err := readEC2Tags(r.params, "Tag")
	all, lost := s.allTagged(r)
	if err := firstError(r.params.check(), err, lost); err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter tagSet")
	}
	for _, t := range all {
		if err := checkEC2TagCount(t.get(r.now).with(tags)); err != nil {
			return nil, err
		}
	}
	for _, t := range all {
		t.set(r.now, t.get(r.now).with(tags))
	}
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

// deleteTags removes tags.
//
// Amazon EC2 API Reference, DeleteTags: a tag with a value only if it has that
// value, one without whatever it has; without tags all but AWS's own.
func (s *ec2State) deleteTags(r *request) (any, error) {
	prefixes := r.params.flat("Tag")
	drop := func(key, value string) bool { return len(prefixes) == 0 && !awsTag(key) }
	for _, prefix := range prefixes {
		before, wantKey, wantValue, valued := drop, r.params.need(prefix+".Key"), r.params.str(prefix+".Value"), r.params.has(prefix+".Value")
		drop = func(key, value string) bool {
			return before(key, value) || key == wantKey && (!valued || value == wantValue)
		}
	}
	all, err := s.allTagged(r)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	for _, t := range all {
		left := t.get(r.now).with(nil)
		maps.DeleteFunc(left, drop)
		t.set(r.now, left)
	}
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

// describeTags lists tags.
func (s *ec2State) describeTags(r *request) (any, error) {
	filters, err := readEC2Filters(r.params, "key", "value", "resource-id", "resource-type")
	pg, pageErr := s.readEC2Page(r.params, nil)
	if err := firstError(r.params.check(), err, pageErr); err != nil {
		return nil, err
	}
	var found []resourceTagXML
	add := func(id, kind string, tags tagSet) {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			x := resourceTagXML{id, kind, k, tags[k]}
			if filters.allow(tagSet{k: tags[k]}, x.field) {
				found = append(found, x)
			}
		}
	}
	g := s.region(r.place())
	for _, x := range g.instances {
		add(x.id, "instance", x.tags.get(r.view))
	}
	for _, x := range g.volumes {
		add(x.id, "volume", x.tags.get(r.view))
	}
	for _, x := range g.snapshots {
		add(x.id, "snapshot", x.tags.get(r.view))
	}
	var out ec2TaggedXML
	out.Tags.Item, out.NextToken = cutEC2(found, func(x resourceTagXML) string { return x.Resource + " " + x.Key }, pg)
	return out, nil
}

// field gives the values that filters ask for.
func (x resourceTagXML) field(name string) []string {
	return []string{map[string]string{"key": x.Key, "value": x.Value, "resource-id": x.Resource, "resource-type": x.Type}[name]}
}
