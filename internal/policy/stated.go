package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// TagPolicyName is the name of the policy that a resource states by its own
// tags; the policy file cannot use it.
const TagPolicyName = "tags"

// ManualName is the policy name in the claim of a snapshot that a person asked
// for of a resource that no policy covers; the policy file cannot use it.
const ManualName = "manual"

// The tags by which a resource carries its policy itself.
const (
	// TagNamed names a policy of the file.
	TagNamed = dr.TagPolicy
	// TagEvery and TagCopyTo state one, together with dr.TagKeep.
	TagEvery  = dr.TagPrefix + "every"
	TagCopyTo = dr.TagPrefix + "copy-to"
)

// Stated reads the policy that a resource carries in its tags; ok is false when
// it carries none. The tags either name a policy of the file
// ("holdfast:policy=gold"), or state one: "holdfast:every=6h", with
// "holdfast:keep=7d" or "holdfast:keep=daily=7 weekly=4 floor=2" and, if wanted,
// "holdfast:copy-to=dr". Days are counted in UTC. An error condemns only this
// resource.
//
// A stated policy has no selector: it means the resource that states it.
//
// Where it has none of these tags, the dialects that the file switches on are
// tried.
func (f File) Stated(r dr.Resource) (p Policy, ok bool, err error) {
	if p, ok, err = f.statedByTags(r.Tags); ok {
		return p, ok, err
	}
	for _, d := range f.Dialects {
		if p, ok, err = f.translate(d, r); ok {
			return p, ok, err
		}
	}
	return Policy{}, false, nil
}

func (f File) statedByTags(tags dr.Tags) (p Policy, ok bool, err error) {
	name, named := tags[TagNamed]
	every, timed := tags[TagEvery]
	keep, kept := tags[dr.TagKeep]
	to, copied := tags[TagCopyTo]
	switch {
	case named && (timed || copied):
		return Policy{}, true, fmt.Errorf("tag %s names a policy and %s states another; keep one", TagNamed, TagEvery)
	case named:
		return f.named(name)
	case !timed && !copied:
		return Policy{}, false, nil // The tag keep alone is a person's hold.
	case !timed:
		return Policy{}, true, fmt.Errorf("tag %s is missing; write for example 6h", TagEvery)
	case !kept:
		return Policy{}, true, fmt.Errorf("tag %s is missing; write for example 7d", dr.TagKeep)
	}
	p = Policy{Name: TagPolicyName, Location: time.UTC}
	if p.Schedule, err = Every(every, nil); err != nil {
		return Policy{}, true, fmt.Errorf("tag %s: %w", TagEvery, err)
	}
	if p.Keep, err = ParseRetention(keep); err != nil {
		return Policy{}, true, fmt.Errorf("tag %s: %w", dr.TagKeep, err)
	}
	if copied {
		p.Copies, err = f.statedCopies(to, p.Keep)
	}
	return p, true, err
}

func (f File) named(name string) (Policy, bool, error) {
	p, ok := f.Policy(name)
	if ok {
		return p, true, nil
	}
	known := make([]string, len(f.Policies))
	for i, p := range f.Policies {
		known[i] = p.Name
	}
	return Policy{}, true, fmt.Errorf("tag %s: unknown policy %q; %s", TagNamed, clip(name), didYouMean(name, known))
}

func (f File) statedCopies(to string, keep Retention) ([]Copy, error) {
	var out []Copy
	for name := range strings.FieldsSeq(to) {
		if _, ok := f.Site(name); !ok {
			return nil, fmt.Errorf("tag %s: unknown site %q", TagCopyTo, clip(name))
		}
		if slices.ContainsFunc(out, func(c Copy) bool { return c.To == name }) {
			return nil, fmt.Errorf("tag %s: site %q twice", TagCopyTo, name)
		}
		out = append(out, Copy{To: name, Keep: keep})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("tag %s is empty; name a site", TagCopyTo)
	}
	return out, nil
}

// ParseRetention reads a retention from one line: "forever", a duration ("7d"
// keeps all within 7 days), or rules as in "within=24h daily=7 floor=2". It keeps
// to the characters that every service allows in a tag.
func ParseRetention(s string) (Retention, error) {
	k := Retention{Floor: DefaultFloor}
	if s == "forever" {
		k.Forever = true
		return k, nil
	}
	if !strings.Contains(s, "=") {
		d, err := ParseDuration(s)
		k.Within = d
		return k, err
	}
	counts := map[string]*int{
		"last": &k.Last, "hourly": &k.Hourly, "daily": &k.Daily, "weekly": &k.Weekly,
		"monthly": &k.Monthly, "yearly": &k.Yearly, "floor": &k.Floor,
	}
	for word := range strings.FieldsSeq(s) {
		rule, value, _ := strings.Cut(word, "=")
		var err error
		if n, ok := counts[rule]; ok {
			*n, err = parseCount(value)
		} else if rule == "within" {
			k.Within, err = ParseDuration(value)
		} else {
			return Retention{}, fmt.Errorf("unknown rule %q; known are floor, hourly, daily, last, monthly, weekly, within, yearly", clip(rule))
		}
		if err != nil {
			return Retention{}, fmt.Errorf("%s: %w", rule, err)
		}
	}
	if most, ok := k.Most(MinEvery); ok && most == 0 {
		return Retention{}, fmt.Errorf("%q keeps nothing", clip(s))
	}
	return k, nil
}

func parseCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxCount || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("expected a whole number from 0 to %d, found %q", maxCount, clip(s))
	}
	return n, nil
}
