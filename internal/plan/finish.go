package plan

import (
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// finish plans to write the claims of snapshots that were made and not claimed,
// because the promotion that made them was interrupted between its two calls.
// Their names say what the claims are. From the next run on they are ours as any
// other, and expire.
func (b *builder) finish() {
	if len(b.ix.presumed) == 0 {
		return
	}
	sources := make(map[string]*dr.Resource, len(b.ix.inv.Resources))
	for i := range b.ix.inv.Resources {
		sources[b.ix.inv.Resources[i].Ref.Source()] = &b.ix.inv.Resources[i]
	}
	for _, at := range b.ix.presumed {
		s := &b.ix.inv.Snapshots[at]
		if s.State == dr.Going || s.State == dr.Unclear {
			continue
		}
		if s.Presumed.Origin != "" {
			b.receive(s)
			continue
		}
		b.plan.Actions = append(b.plan.Actions, b.finishing(s, sources[s.Presumed.Source]))
	}
}

// finishing writes what a snapshot's name says, and what it does not say as its
// resource has it now, if that is still there.
func (b *builder) finishing(s *dr.Snapshot, r *dr.Resource) Action {
	a := Action{
		Verb: Adopt, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Of: s.Of.ID, Claim: *s.Presumed, Taken: s.Taken,
		Reason: Reason{Code: Interrupted, Text: "it was made for slot " + stamp(s.Presumed.Slot) +
			", as its name says, and the run that made it was interrupted before it could write the claim"},
	}
	if r == nil {
		return a
	}
	a.Of, a.Claim.Config, a.Tags = r.Name, r.Captured(), ownTags(r.Tags)
	if stated, ok, err := b.file.Stated(*r); a.Claim.Policy == policy.TagPolicyName && ok && err == nil && stated.Name == policy.TagPolicyName {
		a.Claim.Retention = stated.Keep.Tag()
	}
	return a
}

// interrupted reports whether a snapshot that only has to be claimed will serve a
// slot of a resource.
func (ix *index) interrupted(r dr.Ref, policyName string, slot time.Time) bool {
	for _, at := range ix.presumed {
		s := &ix.inv.Snapshots[at]
		c := s.Presumed
		if (s.State == dr.Good || s.State == dr.Pending) && c.Policy == policyName && c.Slot.Equal(slot) && c.Source == r.Source() && s.Ref.Site == r.Site {
			return true
		}
	}
	return false
}

// leftOver reports whether an interrupted promotion left a snapshot of this name.
func (ix *index) leftOver(r dr.Ref, name string) bool {
	for _, at := range ix.presumed {
		if (ix.inv.Snapshots[at].Ref == dr.Ref{Kind: r.Kind, Site: r.Site, ID: name}) {
			return true
		}
	}
	return false
}
