package plan

import (
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// retirements objects to deletes of resources but of those that a restore of this
// installation replaced, whose time is over, whose data a good final snapshot holds,
// and in whose place something else serves; and to every delete of such a snapshot.
func (c *checker) retirements(at time.Time) {
	for i := range c.actions {
		a := &c.actions[i]
		switch a.Verb {
		case Retire:
			c.alone(i)
			c.isOver(a, at)
			c.isReplaced(a)
			c.dataIsSafe(a)
		case Delete:
			if a.Claim.Policy == dr.PolicyFinal && c.good[i] {
				c.object(a, "it is the final snapshot of what is there no more")
			}
		case Create, Promote, Adopt, Hold, Release, Copy, Share, Withdraw, Configure:
		}
	}
}

// alone objects where a resource is deleted twice, or while something else is done to
// it.
func (c *checker) alone(i int) {
	a := &c.actions[i]
	for n := range c.actions {
		if o := &c.actions[n]; n != i && o.From == a.From && o.Verb != Delete {
			c.object(a, "the plan does something else to it (%s)", o.Verb)
		}
	}
	if a.Name != a.From.ID || a.To != a.From.Site {
		c.object(a, "it names %s, and would delete %s", a.Name, a.From.ID)
	}
	if err, gap := c.inv.Gaps[dr.Scope{Kind: a.From.Kind, Site: a.From.Site}]; gap {
		c.object(a, "its scope could not be seen whole: %v", err)
	}
}

func (c *checker) resource(ref dr.Ref) *dr.Resource {
	for i := range c.inv.Resources {
		if c.inv.Resources[i].Ref == ref {
			return &c.inv.Resources[i]
		}
	}
	return nil
}

// isOver objects unless the tags of an old one say that it is ours and that its time
// has come.
func (c *checker) isOver(a *Action, at time.Time) {
	r := c.resource(a.From)
	if r == nil {
		c.object(a, "no such resource was seen")
		return
	}
	for _, k := range [...]string{dr.TagExpires, dr.TagKeeper, dr.TagReplaced} {
		if r.Tags[k] == "" || r.Tags[k] != a.Tags[k] {
			c.object(a, "its tag %s is not the one that was planned with", k)
		}
	}
	if c.file.Namespace == "" || r.Tags[dr.TagKeeper] != c.file.Namespace {
		c.object(a, "it is kept for %q, and this installation is %q", r.Tags[dr.TagKeeper], c.file.Namespace)
	}
	if until, err := time.Parse(time.RFC3339, r.Tags[dr.TagExpires]); err != nil || at.IsZero() || until.After(at) {
		c.object(a, "its time has not come (%s)", r.Tags[dr.TagExpires])
	}
	if _, under := r.Tags[dr.TagRestore]; under {
		c.object(a, "a restore of it is under way")
	}
	if r.State != dr.Ready && r.State != dr.Blocked {
		c.object(a, "it is %s", r.State)
	}
}

// isReplaced objects unless something else serves in its place.
func (c *checker) isReplaced(a *Action) {
	for i := range c.inv.Resources {
		r := &c.inv.Resources[i]
		if r.Ref.Kind != a.From.Kind || r.Ref.Site != a.From.Site || r.Ref == a.From || !goesBy(r, a.Tags[dr.TagReplaced]) {
			continue
		}
		_, under := r.Tags[dr.TagRestore]
		_, kept := r.Tags[dr.TagExpires]
		switch {
		case under || kept:
			c.object(a, "what replaced it is not settled itself")
		case r.State != dr.Ready && r.State != dr.Busy:
			c.object(a, "what replaced it is %s", r.State)
		}
		return
	}
	c.object(a, "what replaced it (%q) was not seen", a.Tags[dr.TagReplaced])
}

func goesBy(r *dr.Resource, id string) bool {
	if id == "" {
		return false
	}
	if r.Ref.ID == id {
		return true
	}
	for i := range r.Parts {
		if r.Parts[i].ID == id {
			return true
		}
	}
	return false
}

// dataIsSafe objects unless a good snapshot of its own holds what it held in the end,
// and stays.
func (c *checker) dataIsSafe(a *Action) {
	want := dr.Ref{Kind: a.From.Kind, Site: a.From.Site, ID: a.From.ID}.Source()
	until, _ := time.Parse(time.RFC3339, a.Tags[dr.TagExpires]) // Looked at above.
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if s.State != dr.Good || s.Flaw != "" || s.Claim != a.Claim || s.Ref.Kind != a.From.Kind || s.Ref.Site != a.From.Site {
			continue
		}
		claim := s.Claim
		switch {
		case claim.Owner == "" || claim.Owner != c.file.Namespace || claim.Policy != dr.PolicyFinal || claim.Origin != "" || claim.Stage != "":
		case claim.Source != want || !claim.Slot.Equal(until) || s.Taken.Before(until.Add(-tolerance)):
		case c.deletes(s.Ref):
		default:
			return
		}
	}
	c.object(a, "no good final snapshot of it was seen")
}

// tolerance is how far two clocks may differ.
const tolerance = 15 * time.Minute

func (c *checker) deletes(snapshot dr.Ref) bool {
	for i := range c.actions {
		if c.actions[i].Verb == Delete && c.actions[i].From == snapshot {
			return true
		}
	}
	return false
}
