package sandbox

import (
	"maps"
	"slices"
	"time"
)

type (
	tagJSON struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	tagListJSON struct {
		Tags []tagJSON `json:"tags"`
	}
)

func readServerlessTags(p *params) (tagSet, error) {
	tags, err := readRedshiftTags(p, "key", "value", p.members("tags", "member"))
	return tags, serverlessTagError(err)
}

// serverlessTagError gives the rules for tags, which are those of Redshift, the
// names that Redshift Serverless has for what breaks them.
func serverlessTagError(err error) error {
	switch {
	case err == nil:
		return nil
	case codeOf(err) == "TagLimitExceededFault":
		return refuse("TooManyTagsException", "%s", plain(err).Error())
	}
	return notValid("%s", plain(err).Error())
}

// tagsOf finds the tags of a namespace or snapshot by its full name.
func (s *serverlessState) tagsOf(full string, r *request, when time.Time) (*timeline[tagSet], error) {
	g := s.region(r.place(), r.now)
	for _, n := range g.namespaces {
		if n.arn() == full && n.exists(when) {
			return &n.tags, nil
		}
	}
	for _, x := range g.snapshots {
		if x.arn() == full && x.exists(when) {
			return &x.tags, nil
		}
	}
	return nil, resourceNotFound("The resource %s was not found.", full)
}

func (s *serverlessState) tagResource(r *request) (any, error) {
	full := r.params.need("resourceArn")
	add, err := readServerlessTags(r.params)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(full, r, r.now)
	if err != nil {
		return nil, err
	}
	all := tags.get(r.now).with(add)
	if err := serverlessTagError(checkRedshiftTagCount(all)); err != nil {
		return nil, err
	}
	tags.set(r.now, all)
	return nil, nil
}

func (s *serverlessState) untagResource(r *request) (any, error) {
	full, keys := r.params.need("resourceArn"), r.params.list("tagKeys", "member")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(full, r, r.now)
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

func (s *serverlessState) listTagsForResource(r *request) (any, error) {
	full := r.params.need("resourceArn")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(full, r, r.view)
	if err != nil {
		return nil, err
	}
	out, all := tagListJSON{[]tagJSON{}}, tags.get(r.view)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		out.Tags = append(out.Tags, tagJSON{k, all[k]})
	}
	return out, nil
}
