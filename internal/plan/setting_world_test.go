package plan_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// sender is a service that copies by itself, as far as planning can tell: of each
// resource for which that is set, every snapshot that is taken from then on, which
// shows in the other Region unclaimed. What others take is copied too.
type sender struct {
	cloud
	// sends is since when each resource's snapshots are copied, and next what is copied
	// as soon as it is good.
	sends map[dr.Ref]time.Time
	next  map[dr.Ref]bool
}

func settingPolicies() []string {
	return []string{
		`
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 3}, copies: [{to: west, keep: {last: 2}}]}
`, `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: other, keep: {within: 6h}}, {to: west, keep: {daily: 3, floor: 2}}]}
`, `
  gold: {match: {name: ".*"}, every: 1h, keep: {within: 9h}, copies: [{to: west, every: 3h, keep: {last: 3}}, {to: other, every: 3h, keep: {last: 2}}]}
  silver: {match: {name: "^b"}, every: 2h, keep: {last: 2}, copies: [{to: west, keep: {last: 1}}]}
`,
	}
}

func (c *sender) inventory() dr.Inventory {
	inv := c.cloud.inventory()
	for i := range inv.Resources {
		if !c.sends[inv.Resources[i].Ref].IsZero() {
			inv.Resources[i].SendsTo = west.Region
		}
	}
	return inv
}

// act does one action.
func (c *sender) act(a plan.Action) {
	switch a.Verb {
	case plan.Configure:
		if !c.sends[a.From].IsZero() {
			c.t.Fatalf("it is set already: %v", a)
		}
		c.sends[a.From] = c.now
	case plan.Create:
		before := len(c.snaps)
		c.cloud.act(a)
		if on := c.sends[a.From]; len(c.snaps) > before && !on.IsZero() {
			c.next[c.snaps[len(c.snaps)-1].Ref] = true
		}
	case plan.Adopt:
		s := c.find(a.From)
		if s == nil {
			return
		}
		if s.State == dr.Pending || !s.Presumed.Is(a.Claim) {
			c.t.Fatalf("%s would be claimed: %v", s.Ref, a)
		}
		s.Claim, s.Presumed = a.Claim, nil
	case plan.Delete:
		if s := c.find(a.From); s != nil {
			for _, o := range c.snaps {
				if o.State == dr.Pending && o.from == s.Ref && o.Ref.Site == west {
					c.t.Fatalf("%s would be deleted while it is copied (%s)", s.Ref, a.Reason)
				}
			}
		}
		c.cloud.act(a)
	default:
		c.cloud.act(a)
	}
}

// send begins the copy of a snapshot.
func (c *sender) send(s *cloudSnap) {
	claim := s.Claim
	claim.Origin, claim.Taken = s.Ref.Origin(), s.Taken.UTC().Truncate(time.Second)
	c.snaps = append(c.snaps, &cloudSnap{
		Snapshot: dr.Snapshot{
			Ref: dr.Ref{Kind: "rds", Site: west, ID: "copy:" + s.Ref.ID}, Of: s.Of, Taken: s.Taken, Made: c.now, State: dr.Pending, Status: "creating",
			Presumed: &claim, CopyOf: s.ARN, Key: s.Key,
		},
		ready: c.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(c.t, "copying")) * time.Minute), from: s.Ref,
	})
}

func (c *sender) step(f policy.File, lim plan.Limits) {
	inv := c.inventory()
	p := plan.Build(c.now, f, inv, lim)
	if found := plan.Check(p, f, inv); len(found) > 0 {
		c.t.Fatalf("the check objects: %v\n%s\n%s", found, show(p), c.show())
	}
	for _, a := range p.Actions {
		if c.luck(12, "crash") {
			break
		}
		if !c.luck(10, "refused") {
			c.act(a)
		}
	}
	c.pass(20 * time.Minute)
	for _, s := range slices.Clone(c.snaps) {
		if c.next[s.Ref] && s.State == dr.Good {
			delete(c.next, s.Ref)
			c.send(s)
		}
	}
}

// TestSettingsConverge lets things go wrong for a while and then be: copying is on,
// all that arrived is claimed and expires, and what is shared is what the other
// account's site would keep.
func TestSettingsConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := parseCopies(t, rapid.SampledFrom(settingPolicies()).Draw(t, "policies"))
		lim := settingRoutes()
		c := &sender{cloud{now: now, trouble: true, t: t}, map[dr.Ref]time.Time{}, map[dr.Ref]bool{}}
		for _, id := range []string{"orders", "billing"} {
			r := ready(id)
			delete(r.Tags, "holdfast:policy")
			c.resources = append(c.resources, r)
		}
		for range rapid.IntRange(5, 30).Draw(t, "steps") {
			c.step(f, lim)
		}
		c.trouble, c.gaps = false, nil
		for range 3 {
			c.step(f, lim)
		}
		if len(c.sends) != 2 {
			t.Fatalf("copying is on for %d of 2", len(c.sends))
		}
		c.resources = nil // From here on nothing is due.
		for range 200 {
			c.step(f, lim)
		}
		c.rest(f, lim)
	})
}

func (c *sender) rest(f policy.File, lim plan.Limits) {
	p := plan.Build(c.now, f, c.inventory(), lim)
	if len(p.Actions) > 0 || len(p.Waiting) > 0 {
		c.t.Fatalf("not at rest:\n%s\n%s", show(p), c.show())
	}
	for _, s := range c.snaps {
		switch {
		case s.State != dr.Good || s.Presumed != nil:
			c.t.Fatalf("left over: %s is %s, presumed %v\n%s", s.Ref, s.State, s.Presumed, c.show())
		case s.Claim.Origin != "" && (s.Claim.Retention == "" || s.Claim.Taken.IsZero() || s.Ref.Site != west):
			c.t.Fatalf("a copy that does not stand alone: %+v", s)
		}
		if s.Claim.Origin != "" || len(s.Shared) == 0 {
			continue
		}
		pol, _ := f.Policy(s.Claim.Policy)
		if !slices.ContainsFunc(pol.Copies, func(cp policy.Copy) bool { return cp.To == "other" }) {
			c.t.Fatalf("%s is shared, and nobody asked for it", s.Ref)
		}
	}
}
