package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

type (
	taggedJSON struct {
		ResourceARN string
		Tags        []tagPairJSON
	}
	tagPairJSON       struct{ Key, Value string }
	taggedResultsJSON struct {
		PaginationToken        string
		ResourceTagMappingList []taggedJSON
	}
)

// How much one call may ask for, and how long it may wait for the next
// (Resource Groups Tagging API Reference, GetResources and
// PaginationTokenExpiredException). How much comes where nothing is said is not
// stated; 50 is assumed.
const (
	maxResourcesPerPage = 100
	resourcesPerPage    = 50
	maxTypeFilters      = 100
	maxARNs             = 100
	maxTagFilters       = 50
	maxFilterValues     = 20
	tokenLasts          = 15 * time.Minute
)

// tagQuery is what a call of GetResources asks for.
type tagQuery struct {
	arns, kinds []string
	tags        []taggedWith
	page        page
}

// taggedWith asks for a tag with any of some values, or whatever its value.
type taggedWith struct {
	key    string
	values []string
}

// getResources lists what has tags, or had some, in one Region.
//
// Resource Groups Tagging API Reference, GetResources: "does not return untagged
// resources", and resources "that were previously tagged, but do not currently have
// tags, are shown with an empty tag set". One that does not exist "simply isn't
// included".
func (a *AWS) getResources(r *request) (any, error) {
	q, err := readTagQuery(r)
	if err != nil {
		return nil, err
	}
	found := map[string]taggedJSON{}
	for _, t := range a.taggable(r.place(), r.now) {
		tags, known := t.seen(r.view)
		if !known || !q.asksFor(t, tags) {
			continue
		}
		x := taggedJSON{t.arn, []tagPairJSON{}}
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			x.Tags = append(x.Tags, tagPairJSON{k, tags[k]})
		}
		found[t.arn] = x // Of two that had one name, the later.
	}
	all := slices.Collect(maps.Values(found))
	out := taggedResultsJSON{ResourceTagMappingList: []taggedJSON{}}
	rest, more := cut(all, func(x taggedJSON) string { return x.ResourceARN }, q.page)
	out.ResourceTagMappingList = append(out.ResourceTagMappingList, rest...)
	if more != "" {
		out.PaginationToken = pageToken{rest[len(rest)-1].ResourceARN, r.now}.String()
	}
	return out, nil
}

func (q tagQuery) asksFor(t taggedThing, tags tagSet) bool {
	if len(q.arns) > 0 {
		return slices.Contains(q.arns, t.arn)
	}
	kind := t.kind()
	service, _, _ := strings.Cut(kind, ":")
	if len(q.kinds) > 0 && !slices.Contains(q.kinds, kind) && !slices.Contains(q.kinds, service) {
		return false
	}
	for _, f := range q.tags {
		value, there := tags[f.key]
		if !there || len(f.values) > 0 && !slices.Contains(f.values, value) {
			return false
		}
	}
	return true
}

func badTagQuery(format string, args ...any) error {
	return refuse("InvalidParameterException", format, args...)
}

func readTagQuery(r *request) (tagQuery, error) {
	p := r.params
	q := tagQuery{arns: p.list("ResourceARNList", "member"), kinds: p.list("ResourceTypeFilters", "member")}
	for _, prefix := range p.members("TagFilters", "member") {
		q.tags = append(q.tags, taggedWith{p.str(prefix + ".Key"), p.list(prefix+".Values", "member")})
	}
	size, token := p.number("ResourcesPerPage"), p.str("PaginationToken")
	if err := firstError(p.check(), q.check(size != nil || token != "")); err != nil {
		return q, err
	}
	var err error
	q.page, err = readTagPage(size, token, r.now)
	if len(q.arns) > 0 {
		q.page.size = maxARNs
	}
	return q, err
}

// check says what is wrong with a query by itself.
func (q tagQuery) check(paged bool) error {
	switch {
	case len(q.arns) > 0 && (paged || len(q.kinds) > 0 || len(q.tags) > 0):
		return badTagQuery("ResourceARNList cannot be given with filters or with parameters of pagination.")
	case len(q.arns) > maxARNs:
		return badTagQuery("ResourceARNList can hold at most %d ARNs.", maxARNs)
	case len(q.kinds) > maxTypeFilters:
		return badTagQuery("ResourceTypeFilters can hold at most %d items.", maxTypeFilters)
	case len(q.tags) > maxTagFilters:
		return badTagQuery("TagFilters can hold at most %d keys.", maxTagFilters)
	}
	for _, f := range q.tags {
		if f.key == "" || len(f.values) > maxFilterValues {
			return badTagQuery("A tag filter needs a key, and at most %d values.", maxFilterValues)
		}
	}
	for _, kind := range q.kinds {
		service, _, _ := strings.Cut(kind, ":")
		if !slices.Contains([]string{"ec2", "elasticache", "rds", "redshift", "redshift-serverless"}, service) {
			return notSimulated("GetResources of the type %q", kind)
		}
	}
	return nil
}

func readTagPage(size *int, token string, now time.Time) (page, error) {
	got := page{size: resourcesPerPage}
	if size != nil {
		if *size < 1 || *size > maxResourcesPerPage {
			return got, badTagQuery("ResourcesPerPage must be between 1 and %d, and not %d.", maxResourcesPerPage, *size)
		}
		got.size = *size
	}
	if token == "" {
		return got, nil
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	var last pageToken
	switch {
	case err != nil || json.Unmarshal(raw, &last) != nil:
		return got, badTagQuery("The PaginationToken is not valid.")
	case now.Sub(last.Given) > tokenLasts:
		return got, refuse("PaginationTokenExpiredException", "The PaginationToken has expired.")
	}
	got.after = last.After
	return got, nil
}

// pageToken says where the next page begins, and since when it is known.
type pageToken struct {
	After string
	Given time.Time
}

func (t pageToken) String() string {
	raw, err := json.Marshal(t)
	if err != nil {
		return "" // A text and a time can always be written.
	}
	return base64.StdEncoding.EncodeToString(raw)
}
