package sandbox_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	cachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// onlyCaches runs a test where there is nothing but the caches of cacheSeed.
func onlyCaches(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *elasticache.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		mustSeed(t, a, cacheSeed)
		run(t, a, cachesAt(a, prod, east))
	})
}

type (
	tagCall  = resourcegroupstaggingapi.GetResourcesInput
	tagsSeen map[string]map[string]string // By what stands after the account in the ARN.
)

func taggingAt(a *sandbox.AWS, account, region string) *resourcegroupstaggingapi.Client {
	return resourcegroupstaggingapi.NewFromConfig(config(a.Client(), account, region))
}

// seeTags reads all pages.
func seeTags(ctx context.Context, c *resourcegroupstaggingapi.Client, in *tagCall) (seen tagsSeen, pages int, err error) {
	seen = tagsSeen{}
	p := resourcegroupstaggingapi.NewGetResourcesPaginator(c, in)
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return nil, pages, err
		}
		pages++
		for _, m := range out.ResourceTagMappingList {
			id := strings.SplitN(*m.ResourceARN, ":", 6)[5]
			if _, twice := seen[id]; twice {
				return nil, pages, fmt.Errorf("%s is listed twice", id)
			}
			seen[id] = map[string]string{}
			for _, t := range m.Tags {
				seen[id][*t.Key] = *t.Value
			}
		}
	}
	return seen, pages, nil
}

func (s tagsSeen) String() string {
	var out []string
	for id, tags := range s {
		out = append(out, fmt.Sprint(id, tags))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestTagsOfAllServices(t *testing.T) {
	onlyCaches(t, func(t *testing.T, a *sandbox.AWS, _ *elasticache.Client) {
		c := taggingAt(a, prod, east)
		for _, tc := range []struct {
			name string
			in   tagCall
			want string
		}{
			{
				"a service",
				tagCall{ResourceTypeFilters: []string{"elasticache"}},
				"cluster:hot-001map[team:shop] replicationgroup:hotmap[team:shop] snapshot:plainmap[team:shop]",
			},
			{"a type", tagCall{ResourceTypeFilters: []string{"elasticache:snapshot"}}, "snapshot:plainmap[team:shop]"},
			{
				"types",
				tagCall{ResourceTypeFilters: []string{"elasticache:snapshot", "elasticache:replicationgroup"}},
				"replicationgroup:hotmap[team:shop] snapshot:plainmap[team:shop]",
			},
			{"a type without tags", tagCall{ResourceTypeFilters: []string{"elasticache:serverlesscache"}}, ""},
			{
				"ARNs",
				tagCall{ResourceARNList: []string{*cacheARN("snapshot", "plain"), *cacheARN("snapshot", "broken"), *cacheARN("snapshot", "none")}},
				"snapshot:plainmap[team:shop]",
			},
			{
				"a tag",
				tagCall{ResourceTypeFilters: []string{"elasticache:snapshot"}, TagFilters: []types.TagFilter{{Key: aws.String("team")}}},
				"snapshot:plainmap[team:shop]",
			},
			{"another value", tagCall{ResourceTypeFilters: []string{"elasticache"}, TagFilters: []types.TagFilter{{Key: aws.String("team"), Values: []string{"a", "b"}}}}, ""},
			{
				"any value",
				tagCall{ResourceTypeFilters: []string{"elasticache:snapshot"}, TagFilters: []types.TagFilter{{Key: aws.String("team"), Values: []string{"a", "shop"}}}},
				"snapshot:plainmap[team:shop]",
			},
			{"two tags", tagCall{ResourceTypeFilters: []string{"elasticache"}, TagFilters: []types.TagFilter{{Key: aws.String("team")}, {Key: aws.String("x")}}}, ""},
		} {
			got, _, err := seeTags(t.Context(), c, &tc.in)
			wantCode(t, err, "")
			if got.String() != tc.want {
				t.Errorf("%s: %s\nwant %s", tc.name, got, tc.want)
			}
		}
		elsewhere, _, err := seeTags(t.Context(), taggingAt(a, prod, west), &tagCall{ResourceTypeFilters: []string{"elasticache"}})
		wantCode(t, err, "")
		if len(elsewhere) > 0 {
			t.Errorf("in another Region: %s", elsewhere)
		}
	})
	bubble(t, sandbox.Options{}, func(t *testing.T, a *sandbox.AWS) {
		all, pages, err := seeTags(t.Context(), taggingAt(a, prod, east), &tagCall{ResourcesPerPage: aws.Int32(2)})
		wantCode(t, err, "")
		if all["db:orders"] == nil || all["replicationgroup:carts"] == nil || pages != (len(all)+1)/2 {
			t.Errorf("%d pages of 2 with %s", pages, all)
		}
	})
}

// A change shows after a while, and what is gone is still shown for a while.
func TestTagsLag(t *testing.T) {
	onlyCaches(t, func(t *testing.T, a *sandbox.AWS, caches *elasticache.Client) {
		ctx, c := t.Context(), taggingAt(a, prod, east)
		is := func(when, want string) {
			t.Helper()
			got, _, err := seeTags(ctx, c, &tagCall{ResourceTypeFilters: []string{"elasticache:snapshot", "elasticache:serverlesscache"}})
			wantCode(t, err, "")
			if got.String() != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		plain := cacheARN("snapshot", "plain")
		_, err := caches.RemoveTagsFromResource(ctx, &elasticache.RemoveTagsFromResourceInput{ResourceName: plain, TagKeys: []string{"team"}})
		wantCode(t, err, "")
		_, err = caches.AddTagsToResource(ctx, &elasticache.AddTagsToResourceInput{
			ResourceName: cacheARN("serverlesscache", "flow"), Tags: []cachetypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		})
		wantCode(t, err, "")
		is("at once", "snapshot:plainmap[team:shop]")
		time.Sleep(5 * time.Minute)
		is("soon", "serverlesscache:flowmap[a:b] snapshot:plainmap[]") // It was tagged once.
		wantCode(t, dropCacheSnapshot("plain")(ctx, caches), "")
		time.Sleep(10 * time.Minute)
		is("after its deletion", "serverlesscache:flowmap[a:b] snapshot:plainmap[]")
		time.Sleep(time.Hour)
		is("long after its deletion", "serverlesscache:flowmap[a:b]")
	})
}

// Tags of what is busy are listed, though ListTagsForResource refuses them.
func TestTagsOfBusyCaches(t *testing.T) {
	onlyCaches(t, func(t *testing.T, a *sandbox.AWS, caches *elasticache.Client) {
		ctx := t.Context()
		wantCode(t, a.SetCacheStatus(prod, east, "group", "hot", "snapshotting"), "")
		wantCode(t, readCacheTags("replicationgroup", "hot")(ctx, caches), "InvalidReplicationGroupState")
		got, _, err := seeTags(ctx, taggingAt(a, prod, east), &tagCall{ResourceTypeFilters: []string{"elasticache:replicationgroup"}})
		wantCode(t, err, "")
		if got.String() != "replicationgroup:hotmap[team:shop]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestTaggingRules(t *testing.T) {
	many := func(n int) []string { return slices.Repeat([]string{"elasticache:snapshot"}, n) }
	key := func(k string, values ...string) []types.TagFilter {
		return []types.TagFilter{{Key: aws.String(k), Values: values}}
	}
	for _, tc := range []struct {
		name, code string
		in         tagCall
	}{
		{"most", "", tagCall{ResourcesPerPage: aws.Int32(100), ResourceTypeFilters: many(100), TagFilters: key("a", slices.Repeat([]string{"x"}, 20)...)}},
		{"none a page", "InvalidParameterException", tagCall{ResourcesPerPage: aws.Int32(0)}},
		{"too many a page", "InvalidParameterException", tagCall{ResourcesPerPage: aws.Int32(101)}},
		{"too many types", "InvalidParameterException", tagCall{ResourceTypeFilters: many(101)}},
		{"too many values", "InvalidParameterException", tagCall{TagFilters: key("a", slices.Repeat([]string{"x"}, 21)...)}},
		{"no key", "InvalidParameterException", tagCall{TagFilters: key("")}},
		{"ARNs and types", "InvalidParameterException", tagCall{ResourceARNList: many(1), ResourceTypeFilters: many(1)}},
		{"ARNs by the page", "InvalidParameterException", tagCall{ResourceARNList: many(1), ResourcesPerPage: aws.Int32(10)}},
		{"too many ARNs", "InvalidParameterException", tagCall{ResourceARNList: many(101)}},
		{"made-up token", "InvalidParameterException", tagCall{PaginationToken: aws.String("next")}},
		{"another service", "NotImplemented", tagCall{ResourceTypeFilters: []string{"s3"}}},
		{"compliance", "NotImplemented", tagCall{IncludeComplianceDetails: aws.Bool(true)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onlyCaches(t, func(t *testing.T, a *sandbox.AWS, _ *elasticache.Client) {
				_, err := taggingAt(a, prod, east).GetResources(t.Context(), &tc.in)
				wantCode(t, err, tc.code)
			})
		})
	}
	onlyCaches(t, func(t *testing.T, a *sandbox.AWS, _ *elasticache.Client) {
		ctx, c := t.Context(), taggingAt(a, prod, east)
		first, err := c.GetResources(ctx, &tagCall{ResourcesPerPage: aws.Int32(1)})
		wantCode(t, err, "")
		time.Sleep(16 * time.Minute)
		_, err = c.GetResources(ctx, &tagCall{PaginationToken: first.PaginationToken})
		wantCode(t, err, "PaginationTokenExpiredException")
		_, err = c.GetTagKeys(ctx, &resourcegroupstaggingapi.GetTagKeysInput{})
		wantCode(t, err, "NotImplemented")
		a.SetDenied(prod, "tag:GetResources")
		_, err = c.GetResources(ctx, &tagCall{})
		wantCode(t, err, "AccessDeniedException")
		if err == nil || !strings.Contains(err.Error(), "tag:GetResources") {
			t.Errorf("the refusal does not name the action of IAM: %v", err)
		}
	})
}

func TestTagsThroughAWSCommandLine(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the aws command line four times")
	}
	a := sandbox.New(sandbox.Options{})
	mustSeed(t, a, cacheSeed)
	server := httptest.NewServer(a)
	defer server.Close()
	c := cli{t, server.URL}
	list := []string{"resourcegroupstaggingapi", "get-resources", "--resource-type-filters", "elasticache:snapshot"}
	c.is(c.run(prod, east, []string{"ResourceTagMappingList", "ResourceARN"}, list...), *cacheARN("snapshot", "plain"))
	c.is(c.run(prod, east, []string{"ResourceTagMappingList", "Tags", "Value"}, append(list, "--tag-filters", "Key=team,Values=shop")...), "shop")
	c.refused(prod, east, "InvalidParameterException", append(list, "--resources-per-page", "200")...)
	a.SetDenied(prod, "tag:*")
	c.refused(prod, east, "AccessDeniedException", list...)
}
