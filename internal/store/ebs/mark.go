package ebs

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// mark is what the tag holdfast:set says: the name of the recovery point to which
// a snapshot belongs and how many snapshots that has. What the claim itself calls
// its set, if anything, follows behind.
type mark struct {
	name    string
	members int
	set     string
}

func (m mark) String() string {
	s := m.name + "/" + strconv.Itoa(m.members)
	if m.set != "" {
		s += "/" + m.set
	}
	return s
}

func parseMark(s string) (mark, bool) {
	name, rest, _ := strings.Cut(s, "/")
	number, set, _ := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	return mark{name, n, set}, err == nil && n > 0 && name != ""
}

// pattern gives the filter value that finds the tag of a name, whatever number
// follows it (Amazon EC2 User Guide, "Filter your resources": * and ? are
// wildcards, and a backslash takes that from them).
func pattern(name string) string { return literal(name) + "/*" }

// literal gives the filter value that finds a text and nothing else.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(text)
}

// maxTags is how many tags a snapshot may have (Amazon EC2 User Guide, "Tag your
// Amazon EC2 resources").
const maxTags = 50

// spare is how many tags stay free for what is marked later: a person's hold, and
// the accounts that a snapshot is shared with.
const spare = 2

// tagsOf gives the tags that the snapshots of an action carry: the claim with the
// mark, and of the source's own as many as fit beside it and what is marked later,
// in the order of their keys. AWS's own and those that are holdfast's configuration
// stay behind: a resource's holdfast:keep is a retention, and on a snapshot would be
// a hold. part is noted of copies.
func tagsOf(a plan.Action, m mark, part string) []types.TagSpecification {
	claim := a.Claim
	claim.Set = m.String()
	tags := claim.Tags()
	if part != "" {
		tags[dr.TagMember] = part
	}
	out := sdkTags(tags)
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		if len(out) < maxTags-spare && !strings.HasPrefix(strings.ToLower(k), "aws:") && !strings.HasPrefix(k, dr.TagPrefix) {
			out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(a.Tags[k])})
		}
	}
	return []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: out}}
}

func sdkTags(tags dr.Tags) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}

func plainTags(list []types.Tag) dr.Tags {
	if len(list) == 0 {
		return nil
	}
	out := make(dr.Tags, len(list))
	for _, t := range list {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
