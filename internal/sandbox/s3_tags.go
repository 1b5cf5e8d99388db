package sandbox

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

type (
	s3Tag     struct{ Key, Value string }
	s3TagsXML struct{ TagSet struct{ Tag []s3Tag } }
)

// maxObjectTags and maxTags: Amazon S3 User Guide, "Categorizing your objects using
// tags" and "Using cost allocation bucket tags".
const maxObjectTags = 10

// s3TagSet checks tags.
func s3TagSet(all []s3Tag) (tagSet, error) {
	out := tagSet{}
	for _, t := range all {
		switch _, twice := out[t.Key]; {
		case twice:
			return nil, refuse("InvalidTag", "Cannot provide multiple Tags with the same key")
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey || !tagText(t.Key):
			return nil, refuse("InvalidTag", "The TagKey you have provided is invalid")
		case utf8.RuneCountInString(t.Value) > maxTagValue || !tagText(t.Value):
			return nil, refuse("InvalidTag", "The TagValue you have provided is invalid")
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return nil, refuse("InvalidTag", "System tags cannot be added/updated by requester")
		}
		out[t.Key] = t.Value
	}
	return out, nil
}

func objectTags(all []s3Tag) (tagSet, error) {
	out, err := s3TagSet(all)
	if err == nil && len(out) > maxObjectTags {
		return nil, refuse("BadRequest", "Object tags cannot be greater than %d", maxObjectTags)
	}
	return out, err
}

// headerTags reads tags written as the query of a URL.
func headerTags(text string) (tagSet, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, refuse("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
	}
	var all []s3Tag
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[key] {
			all = append(all, s3Tag{key, value})
		}
	}
	return objectTags(all)
}

func showS3Tags(t tagSet) *s3Answer {
	var x s3TagsXML
	for _, key := range slices.Sorted(maps.Keys(t)) {
		x.TagSet.Tag = append(x.TagSet.Tag, s3Tag{key, t[key]})
	}
	return s3XML("Tagging", x)
}

func (s *s3State) getObjectTags(r *request) (any, error) {
	_, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	return showS3Tags(o.tags), nil
}

func (s *s3State) putObjectTags(r *request) (any, error) {
	_, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	var body s3TagsXML
	if err := firstError(checkBody(r.s3), readS3XML(r.s3, &body)); err != nil {
		return nil, err
	}
	tags, err := objectTags(body.TagSet.Tag)
	if err != nil {
		return nil, err
	}
	o.tags = tags
	return nil, nil
}

func (s *s3State) deleteObjectTags(r *request) (any, error) {
	_, o, err := s.openObject(r)
	if err != nil {
		return nil, err
	}
	o.tags = nil
	return noContent(), nil
}

func (s *s3State) getBucketTags(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if len(b.tags) == 0 {
		return nil, notFound("NoSuchTagSet", "The TagSet does not exist")
	}
	return showS3Tags(b.tags), nil
}

func (s *s3State) putBucketTags(r *request) (any, error) {
	_, err := s.change(r, func(b *bucket) error {
		var body s3TagsXML
		if err := readS3XML(r.s3, &body); err != nil {
			return err
		}
		tags, err := s3TagSet(body.TagSet.Tag)
		if err != nil {
			return err
		}
		if len(tags) > maxTags {
			return refuse("BadRequest", "Bucket tag count cannot be greater than %d", maxTags)
		}
		b.tags = tags
		return nil
	})
	return noContent(), err
}

func (s *s3State) deleteBucketTags(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	b.tags = nil
	return noContent(), nil
}
