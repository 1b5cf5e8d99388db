package redshift

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
	spacetypes "github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// maxTags is how many tags a resource may have (CreateTags: "A resource can have
// up to 50 tags").
const maxTags = 50

// spare is how many tags stay free for what is marked later: a person's hold, and whom
// a snapshot is shared with.
const spare = 2

// tagTaken holds, on a snapshot that was converted from a recovery point, the time
// of that point. The service shows the time of the conversion, up to half an hour
// later, while the data are of the recovery point.
const tagTaken = dr.TagTaken

// pointTime reads that time.
func pointTime(tags dr.Tags) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, tags[tagTaken])
	return at.UTC(), err == nil
}

// fitting gives the keys of the claim's tags, and of the source's own as many as
// fit beside them, in order, each with its value.
func fitting(claim, own dr.Tags, add func(k, v string)) {
	n := 0
	for _, tags := range []dr.Tags{claim, own} {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			if n < maxTags-spare {
				add(k, tags[k])
				n++
			}
		}
	}
}

func sdkTags(claim, own dr.Tags) []types.Tag {
	var out []types.Tag
	fitting(claim, own, func(k, v string) { out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(v)}) })
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

func spaceTags(claim, own dr.Tags) []spacetypes.Tag {
	var out []spacetypes.Tag
	fitting(claim, own, func(k, v string) { out = append(out, spacetypes.Tag{Key: aws.String(k), Value: aws.String(v)}) })
	return out
}

func plainSpaceTags(list []spacetypes.Tag) dr.Tags {
	if len(list) == 0 {
		return nil
	}
	out := make(dr.Tags, len(list))
	for _, t := range list {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
