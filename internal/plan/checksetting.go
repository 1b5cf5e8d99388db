package plan

import (
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// configures objects to settings for what was not seen or is set already, to where no
// policy copies, to another account, and under another account's key.
func (c *checker) configures(a *Action) {
	var r *dr.Resource
	for i := range c.inv.Resources {
		if c.inv.Resources[i].Ref == a.From {
			r = &c.inv.Resources[i]
		}
	}
	if r == nil {
		c.object(a, "no such resource was seen")
		return
	}
	if r.SendsTo != "" {
		c.object(a, "its snapshots are copied to %s already", r.SendsTo)
	}
	if a.To.Account == "" || a.To.Account != a.From.Site.Account || a.To.Region == a.From.Site.Region {
		c.object(a, "site %s is not in another Region of the same account", a.To.Name)
	}
	if k := dr.KeyAccount(a.Key); k != "" && k != a.To.Account {
		c.object(a, "the copies would depend on a key of account %s", k)
	}
	if r.Key != "" && a.Key == "" {
		c.object(a, "the copies of encrypted snapshots would name no key")
	}
	if !c.copiesTo(r, a.Claim.Policy, a.To.Name) {
		c.object(a, "no policy %q copies to %s", a.Claim.Policy, a.To.Name)
	}
	for i := range c.actions {
		if o := &c.actions[i]; o != a && o.Verb == Configure && o.From == a.From {
			c.object(a, "the plan sets it twice")
			return
		}
	}
}

// copiesTo reports whether a policy of the file, or the one in the tags of a resource,
// copies to a site.
func (c *checker) copiesTo(r *dr.Resource, name, site string) bool {
	p, ok := c.file.Policy(name)
	if name == policy.TagPolicyName {
		stated, is, err := c.file.Stated(*r)
		p, ok = stated, is && err == nil
	}
	for _, cp := range p.Copies {
		if ok && cp.To == site {
			return true
		}
	}
	return false
}
