package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkName says what is wrong with the name of a new resource.
//
// Amazon RDS API Reference, CreateDBSnapshot: 1 to 255 letters, digits or
// hyphens; the first character is a letter; no hyphen at the end and no two in a
// row. CreateDBInstance: the same with 1 to 63.
func checkName(param, name string, limit int) error {
	switch {
	case name == "":
		return invalidValue("The parameter %s must be provided and must not be blank.", param)
	case utf8.RuneCountInString(name) > limit:
		return invalidValue("The parameter %s must not be longer than %d characters.", param, limit)
	case !namePattern.MatchString(name):
		return invalidValue("The parameter %s is not a valid identifier. Identifiers must begin with a letter; "+
			"must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", param)
	}
	return nil
}

var namePattern = regexp.MustCompile(`^[A-Za-z](-?[A-Za-z0-9])*$`)

const (
	maxSnapshotName = 255
	maxInstanceName = 63
	maxTags         = 50
	maxTagKey       = 128
	maxTagValue     = 256
)

// readTags reads and checks the tags of a call.
//
// Amazon RDS User Guide, "Tagging Amazon RDS resources": at most 50 tags, keys of
// 1 to 128 and values of at most 256 Unicode characters, of the set of letters,
// digits, whitespace and _ . : / = + - @; keys do not begin with aws: or rds:.
func readTags(p *params) (tagSet, error) {
	out := tagSet{}
	for _, prefix := range p.members("Tags", "Tag") {
		key, value := p.str(prefix+".Key"), p.str(prefix+".Value")
		if err := checkTag(key, value); err != nil {
			return nil, err
		}
		if _, twice := out[key]; twice {
			return nil, invalidValue("Duplicate tag keys found: %s", key)
		}
		out[key] = value
	}
	return out, checkTagCount(out)
}

func checkTag(key, value string) error {
	switch {
	case key == "" || utf8.RuneCountInString(key) > maxTagKey:
		return invalidValue("Tag key length must be between 1 and %d.", maxTagKey)
	case utf8.RuneCountInString(value) > maxTagValue:
		return invalidValue("Tag value length must not be longer than %d.", maxTagValue)
	case reservedTag(key):
		return errReservedTag()
	case !tagText(key):
		return invalidValue("The tag key '%s' contains invalid characters. %s", key, tagAlphabet)
	case !tagText(value):
		return invalidValue("The tag value '%s' contains invalid characters. %s", value, tagAlphabet)
	}
	return nil
}

const tagAlphabet = `Only Unicode letters, digits, white space and _ . : / = + - @ are allowed.`

func errReservedTag() error {
	return invalidValue("Tag keys cannot start with the reserved prefixes: aws:, rds:")
}

func reservedTag(key string) bool {
	low := strings.ToLower(key)
	return strings.HasPrefix(low, "aws:") || strings.HasPrefix(low, "rds:")
}

// tagText is the pattern of the API Reference, Tag: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$.
func tagText(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// checkTagCount says whether there are too many tags. AWS's own do not count.
func checkTagCount(t tagSet) error {
	n := 0
	for key := range t {
		if !reservedTag(key) {
			n++
		}
	}
	if n > maxTags {
		return invalidValue("The maximum number of tags per resource is %d.", maxTags)
	}
	return nil
}

// filters are the values by name of a Describe call's filters.
type filters map[string][]string

// readFilters reads the filters and refuses names that the action does not have.
func readFilters(p *params, known ...string) (filters, error) {
	out := filters{}
	for _, prefix := range p.members("Filters", "Filter") {
		name, values := p.str(prefix+".Name"), p.list(prefix+".Values", "Value")
		if !slices.Contains(known, name) {
			return nil, invalidValue("Unrecognized filter name: %s", name)
		}
		if len(values) == 0 {
			return nil, invalidValue("The filter %s must have at least one value.", name)
		}
		for _, v := range values {
			out[name] = append(out[name], strings.ToLower(v))
		}
	}
	return out, nil
}

// allow reports whether a filter lets one of these values pass.
func (f filters) allow(name string, values ...string) bool {
	want, ok := f[name]
	if !ok {
		return true
	}
	return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(want, strings.ToLower(v)) })
}

// with adds a filter.
func (f filters) with(name, value string) filters {
	out := filters{name: {strings.ToLower(value)}}
	for k, v := range f {
		if k != name {
			out[k] = v
		}
	}
	return out
}
