package plan

import (
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// cover is what policies say about one resource.
type cover struct {
	r        *dr.Resource
	policies []policy.Policy
	// excluded is set where a tag of the resource takes it out of every policy.
	excluded bool
	// aside says why, where a restore is the cause.
	aside string
	// bad says what is wrong with the policy that its tags state.
	bad error
}

// covers finds the policies of every resource: those of the file that match it,
// the one of the file that its tags name, or the one that they state.
func (b *builder) covers(resources []*dr.Resource) []cover {
	out := make([]cover, len(resources))
	for i, r := range resources {
		out[i] = b.cover(r)
	}
	return out
}

func (b *builder) cover(r *dr.Resource) cover {
	c := cover{r: r}
	b.bySource[r.Ref.Source()] = r
	if _, c.excluded = r.Tags[dr.TagExclude]; c.excluded {
		return c
	}
	if c.aside, c.excluded = r.Tags.Aside(); c.excluded {
		return c
	}
	for _, p := range b.file.Policies {
		if p.Match.Matches(*r) {
			c.policies = append(c.policies, p)
		}
	}
	stated, ok, err := b.file.Stated(*r)
	switch {
	case err != nil:
		c.bad = err
	case ok && !c.has(stated.Name):
		c.policies = append(c.policies, stated)
	}
	if ok {
		b.stated[r.Ref.Source()] = statement{stated, err}
	}
	return c
}

func (c cover) has(name string) bool {
	for _, p := range c.policies {
		if p.Name == name {
			return true
		}
	}
	return false
}

// statement is what the tags of a resource state.
type statement struct {
	policy policy.Policy
	err    error
}

// condemn refuses a resource whose tags state a policy that cannot be read. Its
// snapshots under that policy stay.
func (b *builder) condemn(c cover) {
	b.plan.Refused = append(b.plan.Refused, about(c.r, policy.TagPolicyName,
		Reason{Code: BadTag, Text: "the policy in its tags cannot be read: " + c.bad.Error()},
		"correct the tag; until then no snapshot is taken by it and none expires by it"))
}

// tagRetention finds the retention of snapshots whose policy stood in tags: as
// the resource states it now, or, where that is gone, as it was written with the
// newest of them.
func (b *builder) tagRetention(l *line) (policy.Policy, bool) {
	if s, ok := b.stated[l.key.source]; ok && s.policy.Name == policy.TagPolicyName {
		return s.policy, s.err == nil
	}
	if s, ok := b.stated[l.key.source]; ok && s.err != nil {
		return policy.Policy{}, false
	}
	for _, e := range l.snaps {
		if text := b.ix.inv.Snapshots[e.at].Claim.Retention; text != "" {
			keep, err := policy.ParseRetention(text)
			return policy.Policy{Name: policy.TagPolicyName, Location: time.UTC, Keep: keep}, err == nil
		}
	}
	return policy.Policy{}, false
}

// parts gives the identifiers of the parts that a policy takes; ok is false where
// a resource has parts and none is left.
func parts(p policy.Policy, r *dr.Resource) (ids []string, ok bool) {
	if len(r.Parts) == 0 {
		return nil, true
	}
	for _, part := range r.Parts {
		if p.Volumes.Take(part) {
			ids = append(ids, part.ID)
		}
	}
	return ids, len(ids) > 0
}
