package plan_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

func copyPolicies() []string {
	return []string{
		`
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 3}, copies: [{to: west, keep: {last: 2}}]}
`, `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: other, keep: {within: 6h}}, {to: far, keep: {daily: 3}}]}
`, `
  gold: {match: {name: ".*"}, every: 1h, keep: {within: 4h}, copies: [{to: far, every: 3h, keep: {last: 3, floor: 2}}, {to: west, keep: {hourly: 2}}]}
`, `
  gold: {match: {name: ".*", sites: [prod]}, every: 2h, keep: {last: 1}, copies: [{to: other, keep: {last: 4}}]}
  silver: {match: {name: "^b"}, every: 1h, keep: {last: 2}, copies: [{to: far, keep: {last: 1, floor: 1}}]}
`,
	}
}

// TestCopiesConverge lets copies go wrong in every way for a while, and then be:
// what every destination would keep is there once, and nothing is left over of the
// ways that it took.
func TestCopiesConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := parseCopies(t, rapid.SampledFrom(copyPolicies()).Draw(t, "policies"))
		lim := routes(rapid.IntRange(1, 3).Draw(t, "slots"))
		c := &cloud{now: now, trouble: true, t: t}
		for _, id := range []string{"orders", "billing"} {
			r := ready(id)
			delete(r.Tags, "holdfast:policy")
			r.Key = rapid.SampledFrom([]string{"", managedKey, customerKey}).Draw(t, "key")
			c.resources = append(c.resources, r)
		}
		for range rapid.IntRange(5, 25).Draw(t, "steps") {
			c.step(f, lim)
		}
		c.trouble, c.resources = false, nil // From here on nothing is due and nothing goes wrong.
		for range 200 {
			c.step(f, lim)
		}
		c.done(f, lim)
	})
}

func (c *cloud) step(f policy.File, lim plan.Limits) {
	inv := c.inventory()
	p := plan.Build(c.now, f, inv, lim)
	if found := plan.Check(p, f, inv); len(found) > 0 {
		c.t.Fatalf("the check objects: %v\n%s\n%s", found, show(p), c.show())
	}
	c.apply(p)
	c.slots(lim)
	c.pass(20 * time.Minute)
}

// slots counts the copies between Regions that are under way.
func (c *cloud) slots(lim plan.Limits) {
	n := map[string]int{}
	for _, s := range c.snaps {
		if s.State == dr.Pending && s.Claim.Origin != "" && s.from.Site.Region != s.Ref.Site.Region {
			n[s.Ref.Site.Account+s.Ref.Site.Region]++
		}
	}
	for where, k := range n {
		if k > lim.Routes["rds"].Copies && c.gaps == nil {
			c.t.Fatalf("%d copies into %s at once", k, where)
		}
	}
}

func (c *cloud) done(f policy.File, lim plan.Limits) {
	p := plan.Build(c.now, f, c.inventory(), lim)
	if len(p.Actions) > 0 || len(p.Waiting) > 0 {
		c.t.Fatalf("not at rest:\n%s\n%s", show(p), c.show())
	}
	copies := map[string]int{}
	for _, s := range c.snaps {
		switch {
		case s.State != dr.Good:
			c.t.Fatalf("left over: %s\n%s", s.Ref, c.show())
		case s.Claim.Stage != "":
			c.t.Fatalf("left on the way: %s\n%s\n%s", s.Ref, show(p), c.show())
		case len(s.Shared) > 0:
			c.t.Fatalf("still shared: %s\n%s", s.Ref, c.show())
		case s.Claim.Origin != "":
			copies[fmt.Sprint(s.Ref.Site, s.Claim.Source, s.Claim.Policy, s.Claim.Slot)]++
			if s.Claim.Retention == "" || s.Claim.Taken.IsZero() {
				c.t.Fatalf("a copy that does not stand alone: %+v", s.Claim)
			}
		}
	}
	for what, n := range copies {
		if n > 1 {
			c.t.Fatalf("%d copies of %s", n, what)
		}
	}
	c.allThere(f, copies)
}

// allThere wants the newest recovery point of every source at each destination that
// has no pace of its own.
func (c *cloud) allThere(f policy.File, copies map[string]int) {
	newest := map[[2]string]*cloudSnap{}
	for _, s := range c.snaps {
		if s.Claim.Origin != "" {
			continue
		}
		key := [2]string{s.Claim.Source, s.Claim.Policy}
		if newest[key] == nil || s.Claim.Slot.After(newest[key].Claim.Slot) {
			newest[key] = s
		}
	}
	sites := map[string]dr.Site{"west": west, "other": other, "far": far}
	for key, s := range newest {
		p, _ := f.Policy(key[1])
		for _, to := range p.Copies {
			if to.Schedule.IsZero() && copies[fmt.Sprint(sites[to.To], s.Claim.Source, s.Claim.Policy, s.Claim.Slot)] == 0 {
				c.t.Fatalf("%s is not at %s\n%s", s.Ref, to.To, c.show())
			}
		}
	}
}
