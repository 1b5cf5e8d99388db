package sandbox

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// readEC2Tags reads and checks a list of tags.
//
// Amazon EC2 User Guide, "Tag your Amazon EC2 resources": at most 50 tags, keys of
// at most 128 and values of at most 256 Unicode characters, "EC2 allows for any
// character in its tags", keys do not begin with aws:.
func readEC2Tags(p *params, list string) (tagSet, error) {
	out := tagSet{}
	for _, prefix := range p.flat(list) {
		key, value := p.str(prefix+".Key"), p.str(prefix+".Value")
		if err := checkEC2Tag(key, value); err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, invalidValue("Duplicate tag key '%s' specified.", key)
		}
		out[key] = value
	}
	return out, checkEC2TagCount(out)
}

func checkEC2Tag(key, value string) error {
	switch {
	case key == "":
		return invalidValue("Tag key cannot be empty")
	case utf8.RuneCountInString(key) > maxTagKey:
		return invalidValue("Tag key exceeds the maximum length of %d characters", maxTagKey)
	case utf8.RuneCountInString(value) > maxTagValue:
		return invalidValue("Tag value exceeds the maximum length of %d characters", maxTagValue)
	case awsTag(key):
		return invalidValue("Tag keys starting with 'aws:' are reserved for internal use")
	}
	return nil
}

func awsTag(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }

// checkEC2TagCount says whether there are too many tags. AWS's own do not count.
func checkEC2TagCount(t tagSet) error {
	n := 0
	for key := range t {
		if !awsTag(key) {
			n++
		}
	}
	if n > maxTags {
		return refuse("TagLimitExceeded", "The maximum number of Tags for a resource has been reached (%d)", maxTags)
	}
	return nil
}

// readTagSpecs reads the tags that a call gives to what it makes, by the type of
// the resource.
//
// Amazon EC2 User Guide, "Grant permission to tag Amazon EC2 resources during
// creation": the caller needs ec2:CreateTags too where tags are given.
func (s *ec2State) readTagSpecs(r *request, types ...string) (map[string]tagSet, error) {
	out := map[string]tagSet{}
	for _, prefix := range r.params.flat("TagSpecification") {
		kind := r.params.str(prefix + ".ResourceType")
		if !slices.Contains(types, kind) {
			return nil, invalidValue("'%s' is not a valid taggable resource type for this operation.", kind)
		}
		if _, twice := out[kind]; twice {
			return nil, invalidValue("Multiple tag specifications for the resource type '%s'", kind)
		}
		tags, err := readEC2Tags(r.params, prefix+".Tag")
		if err != nil {
			return nil, err
		}
		out[kind] = tags
	}
	if len(out) > 0 && s.aws.account(r.who.account).denies("ec2", "CreateTags") {
		return nil, ec2Unauthorized(r, "CreateTags")
	}
	return out, nil
}

// ec2Tag is a tag as EC2 writes it.
type ec2Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func showEC2Tags(t tagSet) items[ec2Tag] {
	var out items[ec2Tag]
	for _, k := range slices.Sorted(maps.Keys(t)) {
		out.Item = append(out.Item, ec2Tag{k, t[k]})
	}
	return out
}
