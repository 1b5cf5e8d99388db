package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Here is what becomes of copies where the service makes them by itself, of every
// new snapshot of a resource for which that is set, within the account and to one
// Region. There is no call that copies one snapshot: what was there before the
// setting is never copied, what fails is not tried again, and no pace thins out what
// arrives. Another account can be let restore from a snapshot and has no copy.

// lending is a snapshot that another account is to be able to restore from.
type lending struct {
	at int
	to dr.Site
}

// sent reports whether a snapshot of a resource has to be taken anew because only
// those are copied by themselves, and not what is promoted.
func sent(p policy.Policy, r *dr.Resource) bool { return r.SendsTo != "" && len(p.Copies) > 0 }

// bySetting sees to the recovery points of one source and one destination.
func (b *builder) bySetting(f journey, from, to dr.Site, seen bool) {
	switch {
	case to.Account == "" || to.Account == from.Account && to.Region == from.Region:
	case to.Account == from.Account:
		b.arrivals(f, to, seen)
	case to.Region == from.Region:
		b.lend(f, to)
	}
}

// arrivals keeps what is being copied, and tells of it.
func (b *builder) arrivals(f journey, to dr.Site, seen bool) {
	all := *f.to
	all.Schedule, f.to = policy.Schedule{}, &all // Every one of them comes.
	stops := b.stops(f, to)
	b.noteArrivals(f, stops, to)
	wanted := b.wanted(f, stops)
	r := b.bySource[f.lines[0].key.source]
	on := r != nil && r.SendsTo == to.Region
	first := firstCopied(stops)
	for i := range stops {
		s := &stops[i]
		switch {
		case s.coming:
			b.underWay(f, s, to)
		case s.there || s.original < 0:
		case len(s.failed) > 0:
			b.refuseCopy(f, s, to, Reason{Code: CopyFailed, Text: fmt.Sprintf("the copy of slot %s to %s failed, and the service makes no other of it", stamp(s.point.Slot), to.Name)},
				"see whether the key of site "+to.Name+" is of use and its quota has room; the next slot is copied again")
		case !on || b.now.Sub(s.point.Taken) >= copyMayTake || seen && (!wanted[i] || s.slot < first):
			// It is not coming: it was there before copying was on, for one.
		case seen:
			b.hold(s, "not yet copied to "+to.Name)
			b.later(f, s, to, Reason{Code: CopyFollows, Text: "the service copies slot " + stamp(s.point.Slot) + " to " + to.Name})
		default:
			b.hold(s, "not yet copied to "+to.Name+", as far as can be seen")
		}
	}
	if on && seen {
		b.follow(f, stops, to)
	}
}

// noteArrivals takes the copies into the picture that nobody has claimed yet.
func (b *builder) noteArrivals(f journey, stops []stop, to dr.Site) {
	for _, at := range b.ix.presumed {
		x := &b.ix.inv.Snapshots[at]
		c := x.Presumed
		if c.Origin == "" || x.Ref.Site != to || c.Source != f.lines[0].key.source || c.Policy != f.policy.Name {
			continue
		}
		for i := range stops {
			s := &stops[i]
			if s.slot != c.Slot.Unix() {
				continue
			}
			s.there = s.there || x.State == dr.Good
			s.coming = s.coming || x.State == dr.Pending
			if x.State == dr.Failed {
				s.failed = append(s.failed, at)
			}
		}
	}
}

// firstCopied gives the oldest slot of which the service has begun a copy: since then
// at the latest copying is on. Without one nothing is known of it, and nothing is
// waited for.
func firstCopied(stops []stop) int64 {
	for i := len(stops) - 1; i >= 0; i-- { // Oldest first.
		if s := &stops[i]; s.there || s.coming || len(s.failed) > 0 {
			return s.slot
		}
	}
	return 1<<63 - 1
}

// lend notes which recovery points another account is to be able to restore from:
// what the destination's retention would keep of those that there are.
func (b *builder) lend(f journey, to dr.Site) {
	stops := b.stops(f, to)
	for i, wanted := range b.wanted(f, stops) {
		at := stops[i].original
		if at < 0 {
			continue
		}
		if !wanted {
			b.copying.unlent[at] = to.Name
			continue
		}
		b.copying.shares[at] = append(b.copying.shares[at], to.Account)
		b.copying.lent = append(b.copying.lent, lending{at, to})
	}
}

// shareLent plans the shares that are not there yet, but for what is deleted now and
// what cannot be shared.
func (b *builder) shareLent() {
	if len(b.copying.lent) == 0 {
		return
	}
	going, planned := b.going(), map[dr.Ref]bool{}
	for _, l := range b.copying.lent {
		x := &b.ix.inv.Snapshots[l.at]
		if going[l.at] || x.Stays != "" || slices.Contains(x.Shared, l.to.Account) || b.ix.inv.Keys[dr.KeyRef{Site: x.Ref.Site, Name: x.Key}].Managed {
			continue
		}
		b.addShare(&Action{
			Verb: Share, From: x.Ref, To: x.Ref.Site, Name: x.Ref.ID, Of: b.called(x), Claim: x.Claim, Taken: x.Taken, With: l.to.Account, Members: x.Members,
			Reason: Reason{Code: ForRestore, Text: "so that " + l.to.Name + " can restore from it"},
		}, planned)
	}
}

// receive claims a copy that the service made by itself, if its policy keeps copies
// there. From then on it expires as any copy does. What is still on its way cannot
// be relied on yet and is left for later.
func (b *builder) receive(s *dr.Snapshot) {
	if s.State == dr.Pending {
		return
	}
	p, keep, ok := b.keeps(s)
	if !ok {
		b.unclaimed(s)
		return
	}
	claim := *s.Presumed
	claim.Retention = keep.Tag()
	if o := b.originalOf(claim); o != nil {
		claim.Config, claim.Keep = o.Claim.Config, claim.Keep || o.Claim.Keep
	} else if r := b.bySource[claim.Source]; r != nil && claim.Config == "" {
		claim.Config = r.Captured()
	}
	of := *s
	of.Claim = claim
	b.plan.Actions = append(b.plan.Actions, Action{
		Verb: Adopt, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Of: b.called(&of), Claim: claim, Taken: s.Taken, Tags: ownTags(b.tagsOf(claim.Source)),
		Reason: Reason{Code: Arrived, Text: fmt.Sprintf("the service copied it by itself; it is the copy of slot %s under policy %s", stamp(claim.Slot), p.Name)},
	})
}

// keeps gives the policy of an unclaimed copy, and its retention where it lies.
func (b *builder) keeps(s *dr.Snapshot) (*policy.Policy, policy.Retention, bool) {
	p, ok := b.policyOf(&line{key: lineKey{source: s.Presumed.Source, policy: s.Presumed.Policy}})
	if !ok {
		return nil, policy.Retention{}, false
	}
	for i := range p.Copies {
		if p.Copies[i].To == s.Ref.Site.Name {
			return p, p.Copies[i].Keep, true
		}
	}
	return nil, policy.Retention{}, false
}

// originalOf gives the snapshot that a copy is of; nil where it is not seen.
func (b *builder) originalOf(c dr.Claim) *dr.Snapshot {
	for _, n := range b.ix.bySource[c.Source] {
		l := &b.ix.lines[n]
		if l.key.policy != c.Policy || l.key.copy {
			continue
		}
		for _, e := range l.snaps {
			if s := &b.ix.inv.Snapshots[e.at]; e.slot == c.Slot.Unix() && s.Ref.Origin() == c.Origin {
				return s
			}
		}
	}
	return nil
}

// unclaimed tells once of each source whose copies arrive where its policy wants
// none.
func (b *builder) unclaimed(s *dr.Snapshot) {
	key := refusal{dr.Ref{Kind: s.Ref.Kind, ID: s.Presumed.Source}, s.Presumed.Policy, s.Ref.Site.Name}
	if s.Presumed.Policy == ManualPolicy || b.copying.told[key] {
		return
	}
	b.copying.told[key] = true
	of := *s
	of.Claim = *s.Presumed
	b.plan.Foretold = append(b.plan.Foretold, Verdict{
		Ref: s.Ref, Name: b.called(&of), Policy: s.Presumed.Policy, Taken: s.Taken,
		Reason: Reason{Code: Unclaimed, Text: "the service copies its snapshots to " + s.Ref.Site.Name + ", where no policy keeps them, so nothing expires them"},
		Remedy: "name " + s.Ref.Site.Name + " under copies of policy " + s.Presumed.Policy + ", or end the copying and delete what came",
	})
}

// settings plans to have the service copy what policies want at other sites, and
// says what of it there cannot be.
func (b *builder) settings(lim Limits, covers []cover) {
	b.shareLent()
	told := map[string]bool{}
	for _, c := range covers {
		routing := lim.Routes[c.r.Ref.Kind]
		if routing.Means != BySetting || c.r.State == dr.Leaving {
			continue
		}
		region := c.r.SendsTo
		for i := range c.policies {
			p := &c.policies[i]
			for n := range p.Copies {
				region = b.setting(routing, c.r, p, &p.Copies[n], region, told)
			}
		}
	}
}

// setting sees to one resource and one destination, and gives the Region to which
// the resource's snapshots are copied then.
func (b *builder) setting(routing Routing, r *dr.Resource, p *policy.Policy, cp *policy.Copy, region string, told map[string]bool) string {
	to, seen := b.destination(journey{policy: p, to: cp})
	from := r.Ref.Site
	if to.Name == from.Name || to.Account == "" {
		return region
	}
	t := b.tripOf(r.Key, from, to)
	if why, remedy := unreachable(r, t, p.Name, routing); why != "" {
		b.refuseSetting(r, p, to, Reason{Code: NoRoute, Text: "its snapshots cannot be copied to " + to.Name + ": " + why}, remedy)
		return region
	}
	if to.Account != from.Account {
		b.once(told, restoreOnly(r, p, to))
		return region
	}
	if region == to.Region || region != "" {
		b.taken(routing, r, p, cp, to, region, told)
		return region
	}
	key := routing.arrival(t)
	if trouble := b.ix.inv.Keys[dr.KeyRef{Site: to, Name: key}].Trouble; key != "" && trouble != "" {
		b.refuseSetting(r, p, to, Reason{Code: BadKey, Text: fmt.Sprintf("its snapshots cannot be copied to %s: the key of the site, %s, %s", to.Name, key, trouble)},
			"enable the key or cancel its deletion, or name another for site "+to.Name)
		return region
	}
	if !seen || r.State != dr.Ready {
		return region // The gap is said, and so is what is wrong with the resource.
	}
	b.allArrive(r, p, cp, to, told)
	b.plan.Actions = append(b.plan.Actions, Action{
		Verb: Configure, From: r.Ref, To: to, Name: r.Ref.ID, Of: r.Name, Key: key,
		Claim:  dr.Claim{Owner: b.file.Namespace, Policy: p.Name, Source: r.Ref.Source()},
		Reason: Reason{Code: CopyingOff, Text: "its snapshots are not copied yet; from now on the service copies every new one, its automated ones too, to " + to.Name},
	})
	return to.Region
}

// taken says what to do where the service copies a resource's snapshots already,
// be it to where they are wanted or elsewhere. Where a person has set that, they are
// wanted there by somebody, so nothing is switched.
func (b *builder) taken(routing Routing, r *dr.Resource, p *policy.Policy, cp *policy.Copy, to dr.Site, region string, told map[string]bool) {
	if region == to.Region {
		b.allArrive(r, p, cp, to, told)
		return
	}
	remedy := "name one Region in all policies that cover it"
	if r.SendsTo != "" {
		remedy = fmt.Sprintf("name a site in %s, or, if nobody needs the copies there, end that: %s %s", region, routing.Off, r.Ref.ID)
	}
	b.refuseSetting(r, p, to, Reason{Code: NoRoute, Text: fmt.Sprintf("its snapshots cannot be copied to %s: they are copied to %s, and the service copies them to one Region only", to.Name, region)}, remedy)
}

// unreachable says why nothing of a resource gets to a site, and what to do about it.
func unreachable(r *dr.Resource, t Trip, policyName string, routing Routing) (why, remedy string) {
	elsewhere := "name a site in the same account, or one in the same Region"
	switch {
	case r.Stays != "":
		return r.Stays, "copy them by other means, or take it out of the copies of policy " + policyName
	case t.From.Account == t.To.Account && t.From.Region == t.To.Region:
		return "the site is in the same account and Region", ""
	case t.From.Account != t.To.Account && t.From.Region != t.To.Region:
		return "the site is in another account and another Region, and the service reaches only one of the two", elsewhere
	case t.From.Account != t.To.Account && t.Managed:
		return fmt.Sprintf("they are under %s, a key that AWS manages and account %s cannot use", cmp.Or(t.Key, routing.Default), t.To.Account),
			"encrypt it with a customer managed key that account " + t.To.Account + " may use"
	case t.From.Account == t.To.Account && dr.KeyAccount(t.ToKey) != "" && dr.KeyAccount(t.ToKey) != t.To.Account:
		return fmt.Sprintf("the key of site %s is one of account %s, and a copy must not depend on another account's key", t.To.Name, dr.KeyAccount(t.ToKey)),
			fmt.Sprintf("give site %s a key of account %s", t.To.Name, t.To.Account)
	}
	return "", ""
}

// refuseSetting refuses the copies of a resource to a site, once.
func (b *builder) refuseSetting(r *dr.Resource, p *policy.Policy, to dr.Site, why Reason, remedy string) {
	key := refusal{r.Ref, p.Name, to.Name}
	if !b.copying.told[key] {
		b.copying.told[key] = true
		b.plan.Refused = append(b.plan.Refused, about(r, p.Name, why, remedy))
	}
}

// once foretells what is the same for all resources under a policy.
func (b *builder) once(told map[string]bool, v Verdict) {
	key := string(v.Reason.Code) + "\x00" + v.Policy + "\x00" + v.Ref.Site.Name + "\x00" + string(v.Ref.Kind)
	if !told[key] {
		told[key] = true
		b.plan.Foretold = append(b.plan.Foretold, v)
	}
}

func restoreOnly(r *dr.Resource, p *policy.Policy, to dr.Site) Verdict {
	return Verdict{
		Ref: dr.Ref{Kind: r.Ref.Kind, Site: to}, Name: string(r.Ref.Kind) + " snapshots", Policy: p.Name,
		Reason: Reason{Code: RestoreOnly, Text: fmt.Sprintf("account %s is let restore from the snapshots at %s and has no copies: %s can restore only while the source's account has them",
			to.Account, r.Ref.Site.Name, to.Name)},
		Remedy: "against the loss of a Region, copy to another Region of the same account; against the loss of the account itself the service offers nothing",
	}
}

// allArrive says of a destination with a pace of its own that there is none.
func (b *builder) allArrive(r *dr.Resource, p *policy.Policy, cp *policy.Copy, to dr.Site, told map[string]bool) {
	if cp.Schedule.IsZero() {
		return
	}
	b.once(told, Verdict{
		Ref: dr.Ref{Kind: r.Ref.Kind, Site: to}, Name: string(r.Ref.Kind) + " snapshots", Policy: p.Name,
		Reason: Reason{Code: AllArrive, Text: fmt.Sprintf("the service copies every snapshot to %s, so the pace there (%s) thins out nothing; what its retention does not keep is deleted when it has arrived",
			to.Name, cp.Schedule)},
		Remedy: "say with keep alone what to keep of all that arrives",
	})
}
