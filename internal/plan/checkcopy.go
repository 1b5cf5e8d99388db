package plan

import (
	"math"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// trail names what a copy and all that it came through have in common.
type trail struct {
	source, policy string
	slot           int64
}

func trailOf(c dr.Claim) trail { return trail{c.Source, c.Policy, c.Slot.Unix()} }

// copies looks at what is copied, shared and cleared away behind copies.
func (c *checker) copies() {
	sources, deletes := c.involved()
	if len(sources) == 0 && len(deletes) == 0 {
		return
	}
	newest := c.trails(sources, deletes)
	for i := range c.actions {
		a := &c.actions[i]
		switch a.Verb {
		case Copy, Share, Withdraw:
			c.leaves(a, sources[a.From])
		case Delete:
			if a.Claim.Stage != "" && c.good[i] && newest[lineage{a.Claim.Source, a.Claim.Policy}] < a.Claim.Slot.Unix() {
				c.object(a, "nothing else that is good holds data as new")
			}
		case Create, Promote, Adopt, Hold, Release, Configure, Retire:
		}
	}
}

// lineage is one source under one policy.
type lineage struct{ source, policy string }

// involved gives the snapshots that are copied or shared, not yet found, and by
// what they stand for those that are deleted.
func (c *checker) involved() (map[dr.Ref]*dr.Snapshot, map[trail][]int) {
	sources, deletes := map[dr.Ref]*dr.Snapshot{}, map[trail][]int{}
	for i := range c.actions {
		a := &c.actions[i]
		switch a.Verb {
		case Copy, Share, Withdraw:
			sources[a.From] = nil
		case Delete:
			deletes[trailOf(a.Claim)] = append(deletes[trailOf(a.Claim)], i)
		case Create, Promote, Adopt, Hold, Release, Configure, Retire:
		}
	}
	return sources, deletes
}

// trails finds the sources among what was seen, objects to deletes of what is being
// copied, and gives the slot of the newest good recovery point that stays of each
// lineage of which something is cleared away.
func (c *checker) trails(sources map[dr.Ref]*dr.Snapshot, deletes map[trail][]int) map[lineage]int64 {
	newest, going := c.cleared(deletes)
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if len(sources) > 0 {
			if _, is := sources[s.Ref]; is {
				sources[s.Ref] = s
			}
		}
		switch {
		case s.State == dr.Pending:
			if claim := claimed(s); claim.Owner == c.file.Namespace && claim.Origin != "" {
				c.comesFrom(s, claim, deletes[trailOf(claim)])
			}
		case s.State == dr.Good && len(newest) > 0 && s.Claim.Stage == "" && s.Claim.Owner == c.file.Namespace:
			l := lineage{s.Claim.Source, s.Claim.Policy}
			if slot, is := newest[l]; is && !going[s.Ref] {
				newest[l] = max(slot, s.Claim.Slot.Unix())
			}
		}
	}
	return newest
}

// cleared gives the lineages of which something is deleted that was only on the way,
// with no slot yet, and all that is deleted.
func (c *checker) cleared(deletes map[trail][]int) (map[lineage]int64, map[dr.Ref]bool) {
	newest, going := map[lineage]int64{}, map[dr.Ref]bool{}
	for _, list := range deletes {
		for _, i := range list {
			a := &c.actions[i]
			going[a.From] = true
			if a.Claim.Stage != "" {
				newest[lineage{a.Claim.Source, a.Claim.Policy}] = math.MinInt64
			}
		}
	}
	return newest, going
}

// claimed gives the claim of a snapshot, or the one that it is presumed to get.
func claimed(s *dr.Snapshot) dr.Claim {
	if s.Presumed != nil {
		return *s.Presumed
	}
	return s.Claim
}

// comesFrom objects to deletes of what a pending copy may be made from.
func (c *checker) comesFrom(pending *dr.Snapshot, claim dr.Claim, deletes []int) {
	for _, i := range deletes {
		a := &c.actions[i]
		from := a.Claim.Origin == "" && a.From.Origin() == claim.Origin
		over := a.Claim.Stage != "" && a.Claim.Origin == claim.Origin && claim.Stage == ""
		if c.good[i] && (from || over) {
			c.object(a, "a copy of it is being made at %s", pending.Ref.Site.Name)
		}
	}
}

// leaves objects to copies and shares of what is not ours or not good, with an
// account that is not one of the file's, and under a key of another account.
func (c *checker) leaves(a *Action, s *dr.Snapshot) {
	if s == nil {
		c.object(a, "no such snapshot was seen")
		return
	}
	if s.Claim.Owner == "" || s.Claim.Owner != c.file.Namespace || s.Flaw != "" {
		c.object(a, "it is not ours (owner %q)", s.Claim.Owner)
	}
	if s.State != dr.Good {
		c.object(a, "it is %s", s.State)
	}
	switch a.Verb {
	case Share:
		if !c.knowsAccount(a.With) {
			c.object(a, "account %s is not that of any site", a.With)
		}
	case Copy:
		if trailOf(a.Claim) != trailOf(s.Claim) || a.Claim.Origin == "" {
			c.object(a, "the copy would claim to be of something else")
		}
		if k := dr.KeyAccount(a.Key); k != "" && k != a.To.Account {
			c.object(a, "the copy would depend on a key of account %s", k)
		}
		if s.Key != "" && a.Key == "" && a.Claim.Stage != ExportStage {
			c.object(a, "the copy of an encrypted snapshot would name no key")
		}
	case Create, Promote, Adopt, Delete, Hold, Release, Withdraw, Configure, Retire:
	}
}

// knowsAccount reports whether a site lies in the account.
func (c *checker) knowsAccount(id string) bool {
	if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
		return false
	}
	for _, s := range c.inv.Sites {
		if s.Account == id {
			return true
		}
	}
	for _, s := range c.file.Sites {
		if s.Account == id {
			return true
		}
	}
	return false
}

// copyFloor finds the floor of copies: what their destination's retention says now,
// or, where the policy or the destination is gone, the highest that was written with
// them.
func (c *checker) copyFloor(fam family) (floor int, known bool) {
	if p, ok := c.policyOf(fam); ok {
		for _, cp := range p.Copies {
			if cp.To == fam.site.Name {
				return cp.Keep.Floor, true
			}
		}
	}
	return c.writtenFloor(fam)
}

func (c *checker) policyOf(fam family) (policy.Policy, bool) {
	if fam.policy != policy.TagPolicyName {
		return c.file.Policy(fam.policy)
	}
	for i := range c.inv.Resources {
		if r := &c.inv.Resources[i]; r.Ref.Source() == fam.source {
			p, ok, err := c.file.Stated(*r)
			return p, ok && err == nil && p.Name == policy.TagPolicyName
		}
	}
	return policy.Policy{}, false
}
