package plan

import (
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// copying is what planning copies leaves behind for the rest of the plan.
type copying struct {
	// needed are snapshots that a copy still needs, and why; by their index.
	needed map[int]string
	// shares are the accounts that a snapshot has to be shared with still.
	shares map[int][]string
	// failing are the slots of a line whose copies failed and are tried again.
	failing map[failing]bool
	// errands are the copies that can be begun now.
	errands []errand
	// lent are shares for accounts that restore and do not copy, and unlent the
	// sites that would not keep a snapshot any longer; by its index.
	lent   []lending
	unlent map[int]string
	// told are the refusals that have been made, so that each is made once.
	told map[refusal]bool
}

type failing struct {
	lineKey
	slot int64
}

type refusal struct {
	ref    dr.Ref
	policy string
	to     string
}

// errand is a copy to be made: the call, and the share that it needs first.
type errand struct {
	share *Action
	copy  Action
	// weight is how many copy slots it takes; 0 within a Region.
	weight int
	// newest is the newest slot that the destination has of its source.
	newest int64
}

// copies plans how recovery points get to the other sites of their policies. It
// looks at all snapshots of one source under one policy together, wherever they
// are: what a destination's own retention would keep of them and is not there has
// to be copied. Nothing is remembered: a hop that failed or whose outcome vanished
// is planned again from what exists.
func (b *builder) copies(lim Limits) {
	b.copying = copying{needed: map[int]string{}, shares: map[int][]string{}, failing: map[failing]bool{}, unlent: map[int]string{}, told: map[refusal]bool{}}
	b.holdRestored()
	b.holdSources()
	for lines := b.ix.lines; len(lines) > 0; {
		n := 1
		for n < len(lines) && lines[n].key.source == lines[0].key.source && lines[n].key.policy == lines[0].key.policy {
			n++
		}
		if p, ok := b.policyOf(&lines[0]); ok {
			for i := range p.Copies {
				b.copyTo(lim, journey{policy: p, to: &p.Copies[i], lines: lines[:n]})
			}
		}
		lines = lines[n:]
	}
}

// holdRestored keeps what a restore is being made from: without the configuration on
// it, it could not be resumed.
func (b *builder) holdRestored() {
	from := restoring(b.ix.inv.Resources)
	if len(from) == 0 {
		return
	}
	for i := range b.ix.inv.Snapshots {
		if id := from[b.ix.inv.Snapshots[i].Ref]; id != "" {
			b.copying.needed[i] = "restore " + id + " is under way from it"
		}
	}
}

// restoring gives the snapshots from which restores are under way, with the IDs of
// those.
func restoring(resources []dr.Resource) map[dr.Ref]string {
	var out map[dr.Ref]string
	for i := range resources {
		r := &resources[i]
		if name := r.Tags.RestoreFrom(); name != "" {
			if out == nil {
				out = map[dr.Ref]string{}
			}
			out[dr.Ref{Kind: r.Ref.Kind, Site: r.Ref.Site, ID: name}] = r.Tags[dr.TagRestore]
		}
	}
	return out
}

// holdSources keeps what copies are being made from, whatever the policies want by
// now: AWS goes on with a copy that nobody wants any more, and fails it when what it
// is made from is gone.
func (b *builder) holdSources() {
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		if s.State != dr.Pending {
			continue
		}
		c := s.Claim
		if s.Presumed != nil {
			c = *s.Presumed
		}
		if c.Origin != "" && c.Owner == b.file.Namespace {
			b.holdSource(c, "being copied to "+s.Ref.Site.Name)
		}
	}
}

// holdSource keeps what a copy of this claim may be made from.
func (b *builder) holdSource(c dr.Claim, why string) {
	for _, n := range b.ix.bySource[c.Source] {
		l := &b.ix.lines[n]
		if l.key.policy != c.Policy {
			continue
		}
		for _, e := range l.snaps {
			x := &b.ix.inv.Snapshots[e.at]
			from := !l.key.copy && x.Ref.Origin() == c.Origin
			over := l.key.stage != "" && c.Stage == "" && x.Claim.Origin == c.Origin
			if from || over {
				b.copying.needed[e.at] = why
			}
		}
	}
}

// policyOf gives the policy of a line, as the file or the tags of its source state
// it now.
func (b *builder) policyOf(l *line) (*policy.Policy, bool) {
	if l.key.policy == policy.TagPolicyName {
		s, ok := b.stated[l.key.source]
		return &s.policy, ok && s.err == nil && s.policy.Name == policy.TagPolicyName
	}
	for i := range b.file.Policies {
		if b.file.Policies[i].Name == l.key.policy {
			return &b.file.Policies[i], true
		}
	}
	return nil, false
}

// copyTo plans the copies of one source to one destination.
func (b *builder) copyTo(lim Limits, f journey) {
	to, seen := b.destination(f)
	kind, from, ok := b.origin(f.lines)
	if !ok || to.Name == from.Name {
		return
	}
	if seen && !b.seesSnapshots(kind, to) {
		seen = false
	}
	if lim.Routes[kind].Means == BySetting {
		b.bySetting(f, from, to, seen)
		return
	}
	stops := b.stops(f, to)
	if i := slices.IndexFunc(stops, func(s stop) bool { return s.there || s.coming }); i >= 0 {
		f.newest = stops[i].slot
	}
	wanted := b.wanted(f, stops)
	for i := range stops {
		s := &stops[i]
		if s.stagePending {
			b.hold(s, "being copied on the way to another site")
		}
		switch {
		case s.coming:
			b.underWay(f, s, to)
		case s.there:
		case !seen && (wanted[i] || b.now.Sub(s.point.Taken) < copyMayTake):
			b.hold(s, "not yet copied to "+f.to.To+", as far as can be seen")
			b.keepShared(s, to.Account)
		case !wanted[i]:
		default:
			b.send(lim, f, s, kind, from, to)
		}
	}
	if seen {
		b.follow(f, stops, to)
	}
}

// destination gives the site of a destination as it was found; seen is false where
// it was not.
func (b *builder) destination(f journey) (to dr.Site, seen bool) {
	for _, s := range b.ix.inv.Sites {
		if s.Name == f.to.To {
			return s, true
		}
	}
	known, _ := b.file.Site(f.to.To)
	return known.Site, false
}

// seesSnapshots reports whether the snapshots of a kind at a site were seen.
func (b *builder) seesSnapshots(k dr.Kind, s dr.Site) bool {
	for gap := range b.ix.inv.Gaps {
		if gap.Kind == k && gap.Site.Name == s.Name {
			return false
		}
	}
	return true
}

// origin gives the kind and the site of what is to be copied.
func (b *builder) origin(lines []line) (dr.Kind, dr.Site, bool) {
	for _, l := range lines {
		if !l.key.copy || l.key.stage != "" {
			return b.ix.inv.Snapshots[l.snaps[0].at].Ref.Kind, b.ix.sites[l.key.site], true
		}
	}
	return "", dr.Site{}, false
}

// hold keeps what a copy still needs.
func (b *builder) hold(s *stop, why string) {
	for _, at := range [...]int{s.original, s.staged} {
		if at >= 0 {
			b.copying.needed[at] = why
		}
	}
}

// keepShared keeps up what is shared with an account already.
func (b *builder) keepShared(s *stop, account string) {
	for _, at := range [...]int{s.original, s.staged} {
		if at >= 0 {
			b.copying.shares[at] = append(b.copying.shares[at], account)
		}
	}
}

// underWay notes a copy that is being made.
func (b *builder) underWay(f journey, s *stop, to dr.Site) {
	b.hold(s, "being copied to "+to.Name)
	b.keepShared(s, to.Account)
	b.later(f, s, to, Reason{Code: Copying, Text: "the copy of slot " + stamp(s.point.Slot) + " to " + to.Name + " is under way"})
}

func (b *builder) later(f journey, s *stop, to dr.Site, why Reason) {
	ref := dr.Ref{Site: to}
	for _, at := range [...]int{s.original, s.staged} {
		if at >= 0 {
			ref = b.ix.inv.Snapshots[at].Of
			break
		}
	}
	b.plan.Waiting = append(b.plan.Waiting, Verdict{Ref: ref, Name: ref.ID, Policy: f.policy.Name, Reason: why})
}

// follow tells of recovery points that are copied once they are complete.
func (b *builder) follow(f journey, stops []stop, to dr.Site) {
	for i := range stops {
		s := &stops[i]
		if !s.originalPending || s.there || s.coming || s.original >= 0 {
			continue
		}
		for _, l := range f.lines {
			for _, e := range l.snaps {
				if x := &b.ix.inv.Snapshots[e.at]; e.slot == s.slot && x.State == dr.Pending && !l.key.copy {
					b.plan.Waiting = append(b.plan.Waiting, Verdict{
						Ref: x.Of, Name: x.Of.ID, Policy: f.policy.Name,
						Reason: Reason{Code: CopyFollows, Text: "it is copied to " + to.Name + " when it is complete"},
					})
				}
			}
		}
	}
}
