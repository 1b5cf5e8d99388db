package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// flat gives the prefixes of a list's members as EC2 writes them, in order, such
// as "Filter.1" and "Filter.2".
func (p *params) flat(name string) []string {
	seen := map[int]bool{}
	for key := range p.values {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		index, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(index); err == nil && n > 0 {
			seen[n] = true
		}
	}
	order := make([]int, 0, len(seen))
	for n := range seen {
		order = append(order, n)
	}
	sort.Ints(order)
	out := make([]string, len(order))
	for i, n := range order {
		out[i] = name + "." + strconv.Itoa(n)
	}
	return out
}

// texts reads a list of texts as EC2 writes them.
func (p *params) texts(name string) []string {
	var out []string
	for _, prefix := range p.flat(name) {
		out = append(out, p.str(prefix))
	}
	return out
}

// whole reads a whole number that is 0 when it is not given.
func (p *params) whole(name string) int {
	if n := p.number(name); n != nil {
		return *n
	}
	return 0
}

// readEC2Page reads what part of a listing a call asks for; size 0 asks for all.
//
// Amazon EC2 API Reference, DescribeSnapshots: MaxResults is 5 to 1000, and cannot
// go with ids. An answer may hold fewer than MaxResults though more follow
// ("Query requests", "Pagination").
func (s *ec2State) readEC2Page(p *params, ids []string) (page, error) {
	var got page
	if n := p.number("MaxResults"); n != nil {
		if *n < 5 || *n > 1000 {
			return got, invalidValue("Value ( %d ) for parameter maxResults is invalid. Expecting a value from 5 to 1000.", *n)
		}
		if len(ids) > 0 {
			return got, invalidCombination("The parameter maxResults cannot be used with a list of ids")
		}
		got.size = *n
		if s.pageLimit > 0 {
			got.size = min(got.size, s.pageLimit)
		}
	}
	token := p.str("NextToken")
	if token == "" {
		return got, nil
	}
	after, ok := readMarker(token)
	if !ok {
		return got, invalidValue("Unable to parse pagination token")
	}
	got.after = after
	return got, nil
}

// cutEC2 gives one page of a listing, and the token of the next.
func cutEC2[T any](all []T, key func(T) string, pg page) ([]T, string) {
	if pg.size == 0 {
		pg.size = len(all)
	}
	return cut(all, key, pg)
}

// ec2Filters are the filters of a Describe call. All must let a thing pass, and
// one value of each. Values are case-sensitive, * stands for any text, ? for one
// character, and \ takes the meaning from what follows (Amazon EC2 User Guide,
// "Filter your resources").
type ec2Filters []ec2Filter

type ec2Filter struct {
	name   string
	values []string
}

// readEC2Filters reads the filters and refuses names that the action does not
// have. Filters by tag are common to all.
func readEC2Filters(p *params, known ...string) (ec2Filters, error) {
	var out ec2Filters
	for _, prefix := range p.flat("Filter") {
		f := ec2Filter{p.str(prefix + ".Name"), p.texts(prefix + ".Value")}
		if f.name != "tag-key" && !strings.HasPrefix(f.name, "tag:") && !slices.Contains(known, f.name) {
			return nil, invalidValue("The filter '%s' is invalid", f.name)
		}
		if len(f.values) == 0 {
			return nil, invalidValue("The filter '%s' must have at least one value", f.name)
		}
		out = append(out, f)
	}
	return out, nil
}

// allow reports whether the filters let a thing pass, whose values of the known
// filters are given by field.
func (fs ec2Filters) allow(tags tagSet, field func(name string) []string) bool {
	for _, f := range fs {
		var have []string
		if key, ok := strings.CutPrefix(f.name, "tag:"); ok {
			if v, ok := tags[key]; ok {
				have = []string{v}
			}
		} else if f.name == "tag-key" {
			for k := range tags {
				have = append(have, k)
			}
		} else {
			have = field(f.name)
		}
		if !f.matchesAny(have) {
			return false
		}
	}
	return true
}

func (f ec2Filter) matchesAny(have []string) bool {
	return slices.ContainsFunc(have, func(h string) bool {
		return slices.ContainsFunc(f.values, func(pattern string) bool { return wild([]rune(pattern), []rune(h)) })
	})
}

// wild matches a text with a pattern.
func wild(pattern, text []rune) bool {
	for len(pattern) > 0 {
		switch {
		case pattern[0] == '*':
			for i := range len(text) + 1 {
				if wild(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case len(text) == 0:
			return false
		case pattern[0] == '?':
		default:
			if pattern[0] == '\\' && len(pattern) > 1 {
				pattern = pattern[1:]
			}
			if pattern[0] != text[0] {
				return false
			}
		}
		pattern, text = pattern[1:], text[1:]
	}
	return len(text) == 0
}

// readMarker reads what cut gave as the marker of the next page.
func readMarker(marker string) (after string, ok bool) {
	raw, err := base64.URLEncoding.DecodeString(marker)
	return after, err == nil && json.Unmarshal(raw, &after) == nil
}
