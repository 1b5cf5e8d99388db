package sandbox

import (
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// params are the parameters of one call in the Query protocol. Reading marks
// them as used; those that no one reads are not passed over: check refuses them,
// since a parameter without effect would flatter the caller.
type params struct {
	action string
	values url.Values
	used   map[string]bool
	err    error
}

func newParams(action string, form url.Values) *params {
	return &params{action: action, values: form, used: map[string]bool{"Action": true, "Version": true}}
}

// has reports whether a parameter was given, be it empty.
func (p *params) has(name string) bool { return p.values.Has(name) }

// str reads a text.
func (p *params) str(name string) string {
	p.used[name] = true
	return p.values.Get(name)
}

// need reads a text that must be there.
func (p *params) need(name string) string {
	if !p.has(name) {
		p.fail(refuse("MissingParameter", "The request must contain the parameter %s.", name))
	}
	return p.str(name)
}

// number reads a whole number; nil when it is not given.
func (p *params) number(name string) *int {
	s := p.str(name)
	if !p.has(name) {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		p.fail(refuse("MalformedInput", "Invalid value '%s' for the parameter %s: an integer is needed.", s, name))
		return nil
	}
	i := int(n)
	return &i
}

// flag reads a boolean; nil when it is not given.
func (p *params) flag(name string) *bool {
	s := p.str(name)
	if !p.has(name) {
		return nil
	}
	if s != "true" && s != "false" {
		p.fail(refuse("MalformedInput", "Invalid value '%s' for the parameter %s: true or false is needed.", s, name))
		return nil
	}
	b := s == "true"
	return &b
}

// isSet reads a boolean that is false when it is not given.
func (p *params) isSet(name string) bool {
	b := p.flag(name)
	return b != nil && *b
}

// list reads a list of texts, such as ValuesToAdd.AttributeValue.1.
func (p *params) list(name, member string) []string {
	var out []string
	for _, prefix := range p.members(name, member) {
		out = append(out, p.str(prefix))
	}
	return out
}

// members gives the prefixes of a list's members, in order, such as
// "Tags.Tag.1" and "Tags.Tag.2". An empty list comes as the bare name.
func (p *params) members(name, member string) []string {
	p.used[name] = true
	seen := map[int]string{}
	for key := range p.values {
		for _, m := range [...]string{member, "member"} {
			prefix := name + "." + m + "."
			rest, ok := strings.CutPrefix(key, prefix)
			if !ok {
				continue
			}
			index, _, _ := strings.Cut(rest, ".")
			if n, err := strconv.Atoi(index); err == nil && n > 0 {
				seen[n] = prefix + index
			}
		}
	}
	order := make([]int, 0, len(seen))
	for n := range seen {
		order = append(order, n)
	}
	sort.Ints(order)
	out := make([]string, len(order))
	for i, n := range order {
		out[i] = seen[n]
	}
	return out
}

// ignore marks parameters that have no effect in the simulation, rightly.
func (p *params) ignore(names ...string) {
	for _, n := range names {
		p.used[n] = true
	}
}

func (p *params) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// check gives the first thing that was wrong with the parameters. It is to be
// called when all have been read.
func (p *params) check() error {
	if p.err != nil {
		return p.err
	}
	var left []string
	for key := range p.values {
		if !p.used[key] && !strings.HasPrefix(key, "X-Amz-") {
			left = append(left, key)
		}
	}
	if len(left) == 0 {
		return nil
	}
	sort.Strings(left)
	return notSimulated("the parameter %s of %s", left[0], p.action)
}
