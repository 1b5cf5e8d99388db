package elasticache

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// indexPage is the most that one answer holds (Resource Groups Tagging API
// Reference, GetResources: "a minimum of 1 and a maximum value of 100").
const indexPage = 100

// index is what GetResources says of tags at a site, by ARN: pages for what would
// be a look-up each. It follows a change of tags with a delay of which AWS states
// nothing, so it is good enough to plan on and never to delete on.
type index struct {
	tags map[string]dr.Tags
	// whole: it was read. Only then does it mean something if a thing is not in it.
	whole bool
}

// of gives the tags that the index has of a thing.
func (x index) of(arn string) (dr.Tags, bool) {
	tags, ok := x.tags[arn]
	return tags, ok
}

// snapshotKinds and allKinds give the types of things as they stand in ARNs. Nodes of
// groups have tags too, those of the group, and come along with nodes outside of
// groups.
func snapshotKinds() []string {
	return []string{"elasticache:snapshot", "elasticache:serverlesssnapshot"}
}

func allKinds() []string {
	return append(snapshotKinds(), "elasticache:replicationgroup", "elasticache:cluster", "elasticache:serverlesscache")
}

// indexWait is how long the index is waited for: where there is no way to it, which
// is so in networks without an endpoint for it, the rest must not be held up for long.
const indexWait = time.Minute

// readIndex reads the index of some types. Where it cannot be read, be it that the
// caller may not or that nothing answers, all goes as well without it, only with
// more calls: then it is empty, and is not asked again for a while. Grants tells of a
// permission that is missing.
func (v *visit) readIndex(ctx context.Context, kinds []string) (index, error) {
	if v.memory.unindexed(v.site) {
		return index{}, nil
	}
	x := index{tags: map[string]dr.Tags{}, whole: true}
	pages := tagging.NewGetResourcesPaginator(v.tags, &tagging.GetResourcesInput{
		ResourceTypeFilters: kinds, ResourcesPerPage: aws.Int32(indexPage),
	})
	limited, cancel := context.WithTimeout(ctx, indexWait)
	defer cancel()
	for pages.HasMorePages() {
		page, err := pages.NextPage(limited)
		switch {
		case ctx.Err() != nil || classify(err) == store.NoCredentials:
			return index{}, fmt.Errorf("list tags: %w", cmp.Or(ctx.Err(), err))
		case err != nil:
			v.memory.noIndex(v.site)
			return index{}, nil
		}
		for _, m := range page.ResourceTagMappingList {
			x.tags[aws.ToString(m.ResourceARN)] = indexTags(m.Tags)
		}
	}
	return x, nil
}

func indexTags(list []tagtypes.Tag) dr.Tags {
	if len(list) == 0 {
		return nil
	}
	out := make(dr.Tags, len(list))
	for _, t := range list {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
