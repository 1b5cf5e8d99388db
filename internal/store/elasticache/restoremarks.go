package elasticache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	tagtypes "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

const (
	// marksShow is how long the tags of a cache that is being made are waited for: until
	// it is there only the index shows them, with a delay.
	marksShow = 10 * time.Minute
	// marksPoll is how often they are looked for meanwhile.
	marksPoll = 15 * time.Second
)

// Marks finds the restores that are under way: by the descriptions of caches, by the
// index of tags, and by the tags of caches that the index may not know yet. Only the
// new one bears a mark, from the call on that makes it.
func (d *Driver) Marks(ctx context.Context, site dr.Site) ([]store.Mark, error) {
	m, err := d.maker(ctx, site)
	if err != nil {
		return nil, err
	}
	all, err := m.list(ctx)
	if err != nil {
		return nil, err
	}
	index, err := m.markedIndex(ctx)
	if err != nil {
		return nil, err
	}
	marks := swap.Marks{Site: site}
	for _, c := range now(all) {
		_, indexed := index[c.arn]
		if !signed(c.description) && !indexed && !c.created.IsZero() && stale(c.created, newFor) || c.deleting() {
			continue
		}
		tags, err := m.markOf(ctx, c, index[c.arn])
		if err != nil {
			return nil, err
		}
		marks.Add(c.id(), tags)
	}
	return marks.All(), nil
}

// now gives all caches that are of ElastiCache's listings.
func now(all caches) []cacheNow {
	var out []cacheNow
	for i := range all.groups {
		out = append(out, groupNow(&all.groups[i]))
	}
	for i := range all.clusters {
		if k := &all.clusters[i]; aws.ToString(k.ReplicationGroupId) == "" && aws.ToString(k.Engine) != "memcached" {
			out = append(out, clusterNow(k))
		}
	}
	for i := range all.serverless {
		out = append(out, serverlessNow(&all.serverless[i]))
	}
	return out
}

// markOf reads the tags of a cache that may bear a mark. While it is being made, only
// the index has them.
func (m *maker) markOf(ctx context.Context, c cacheNow, indexed dr.Tags) (dr.Tags, error) {
	until := time.Now().Add(marksShow)
	for {
		tags, ok, err := m.tagsNow(ctx, c)
		switch {
		case err != nil || ok:
			return tags, err
		case indexed != nil:
			return indexed, nil
		case !signed(c.description) && (c.form == formGroup || c.status != "creating"):
			return nil, nil // It is busy with something else.
		case time.Now().After(until):
			return nil, &store.Error{
				Doing: "see which restore makes " + c.name, Fault: store.Busy, Err: fmt.Errorf("%s %s is %s, and its tags cannot be read yet", noun(c.form), c.name, c.status),
				Remedy: "try again when it is available",
			}
		}
		if err := rest(ctx, marksPoll); err != nil {
			return nil, err
		}
		again, err := m.markedIndex(ctx)
		if err != nil {
			return nil, err
		}
		indexed = again[c.arn]
	}
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// markedIndex asks the index for what bears a mark, by ARN. Where it may not be asked,
// there is nothing in it.
func (m *maker) markedIndex(ctx context.Context) (map[string]dr.Tags, error) {
	out := map[string]dr.Tags{}
	pages := tagging.NewGetResourcesPaginator(m.tags, &tagging.GetResourcesInput{
		ResourceTypeFilters: cacheKinds(), ResourcesPerPage: aws.Int32(indexPage),
		TagFilters: []tagtypes.TagFilter{{Key: aws.String(dr.TagRestore)}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		switch {
		case classify(err) == store.Denied:
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("list what bears the tag %s: %w", dr.TagRestore, err)
		}
		for _, x := range page.ResourceTagMappingList {
			out[aws.ToString(x.ResourceARN)] = indexTags(x.Tags)
		}
	}
	return out, nil
}

// cacheKinds are the kinds of the index that are caches.
func cacheKinds() []string {
	var out []string
	for _, k := range allKinds() {
		if !strings.HasSuffix(k, "snapshot") {
			out = append(out, k)
		}
	}
	return out
}
