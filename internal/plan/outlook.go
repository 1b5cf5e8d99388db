package plan

import (
	"github.com/holdfast-dr/holdfast/internal/dr"
)

// outlook foretells the copies that will not be possible, before there is anything
// to copy.
func (b *builder) outlook(lim Limits, covers []cover) {
	for _, c := range covers {
		routing, ok := lim.Routes[c.r.Ref.Kind]
		if !ok || routing.Means == BySetting {
			continue
		}
		for _, p := range c.policies {
			for i := range p.Copies {
				to, _ := b.destination(journey{policy: &p, to: &p.Copies[i]})
				if to.Name == c.r.Ref.Site.Name || to.Account == "" && to.Vault == "" || b.copying.told[refusal{c.r.Ref, p.Name, to.Name}] {
					continue
				}
				if _, detour := routing.Route(b.tripOf(c.r.Key, c.r.Ref.Site, to)); detour != nil {
					b.plan.Foretold = append(b.plan.Foretold, about(c.r, p.Name,
						Reason{Code: NoRoute, Text: "its snapshots cannot be copied to " + to.Name + ": " + detour.Why}, detour.Remedy))
				}
			}
		}
	}
}

// tripOf gives what the route of something under a key depends on.
func (b *builder) tripOf(key string, from, to dr.Site) Trip {
	t := Trip{Key: key, From: from, To: to}
	t.Managed = b.ix.inv.Keys[dr.KeyRef{Site: from, Name: key}].Managed
	source, _ := b.file.Site(from.Name)
	target, _ := b.file.Site(to.Name)
	t.FromKey, t.ToKey = source.Key, target.Key
	t.FromBucket, t.ToBucket = source.Bucket, target.Bucket
	return t
}
