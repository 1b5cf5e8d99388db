// Package rdsapi is what the drivers of DB instances and of DB clusters have in
// common, since Amazon RDS serves both with one API: what plans ask of snapshots, tags,
// statuses, error codes, and what a lost answer means.
package rdsapi

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// MaxTags is how many tags a resource may have (Amazon RDS User Guide, "Tagging
// Amazon RDS resources").
const MaxTags = 50

// spare is how many tags stay free for what is marked later: a person's hold, and
// the accounts that a snapshot is shared with.
const spare = 2

// PlainTags takes tags from the SDK.
func PlainTags(list []types.Tag) dr.Tags {
	if len(list) == 0 {
		return nil
	}
	out := make(dr.Tags, len(list))
	for _, t := range list {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// SDKTags gives the claim's tags, and of the source's own as many as fit beside
// them and what is marked later, in the order of their keys.
func SDKTags(claim, own dr.Tags) []types.Tag {
	out := make([]types.Tag, 0, len(claim)+len(own))
	for _, tags := range []dr.Tags{claim, own} {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			if len(out) < MaxTags-spare {
				out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
			}
		}
	}
	return out
}
