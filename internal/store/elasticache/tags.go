package elasticache

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// readTags reads the tags of one thing and remembers them.
func (v *visit) readTags(ctx context.Context, arn string) (dr.Tags, error) {
	out, err := v.ListTagsForResource(ctx, &elasticache.ListTagsForResourceInput{ResourceName: aws.String(arn)})
	if err != nil {
		return nil, err
	}
	tags := plainTags(out.TagList)
	v.memory.read(arn, tags)
	return tags, nil
}

// each does something for n things, some at a time, until one fails.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookUps)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
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

// maxTags is how many tags a resource may have (Amazon ElastiCache API Reference,
// TagQuotaPerResourceExceeded).
const maxTags = 50

// snapshotTags gives the claim's tags, and of the source's own as many as fit
// beside them, in the order of their keys.
func snapshotTags(claim, own dr.Tags) dr.Tags {
	out := maps.Clone(claim)
	for _, k := range slices.Sorted(maps.Keys(own)) {
		if _, taken := claim[k]; !taken && len(out) < maxTags {
			out[k] = own[k]
		}
	}
	return out
}

func sdkTags(tags dr.Tags) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
