package elasticache

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// dnsAPI is the part of Route 53's client that restores use.
type dnsAPI interface {
	ListHostedZonesByName(context.Context, *route53.ListHostedZonesByNameInput, ...func(*route53.Options)) (*route53.ListHostedZonesByNameOutput, error)
	ListResourceRecordSets(context.Context, *route53.ListResourceRecordSetsInput, ...func(*route53.Options)) (*route53.ListResourceRecordSetsOutput, error)
	ChangeResourceRecordSets(context.Context, *route53.ChangeResourceRecordSetsInput, ...func(*route53.Options)) (*route53.ChangeResourceRecordSetsOutput, error)
	GetChange(context.Context, *route53.GetChangeInput, ...func(*route53.Options)) (*route53.GetChangeOutput, error)
}

// zone is a hosted zone, as a site reaches it.
type zone struct {
	dnsAPI
	id   string
	site dr.Site
}

// pointer is a record that points to a cache.
type pointer struct {
	name string
	// what is the host of a cache that it points to: its primary, its reader and so on.
	what string
	// was is where it pointed before the restore.
	was string
	ttl int64
}

// encodePointers writes records into one argument of a step; hosts and names hold none
// of its separators.
func encodePointers(all []pointer) string {
	var out []string
	for _, p := range all {
		out = append(out, strings.Join([]string{p.name, p.what, p.was, strconv.FormatInt(p.ttl, 10)}, " "))
	}
	return strings.Join(out, ",")
}

func decodePointers(text string) []pointer {
	var out []pointer
	for one := range strings.SplitSeq(text, ",") {
		if part := strings.Split(one, " "); len(part) == 4 {
			ttl, _ := strconv.ParseInt(part[3], 10, 64)
			out = append(out, pointer{part[0], part[1], part[2], ttl})
		}
	}
	return out
}

// dotless gives a domain name as people write it.
func dotless(name string) string { return strings.TrimSuffix(strings.ToLower(name), ".") }

// pointed finds the records that point to the old one.
func (p *restorePlan) pointed(ctx context.Context) error {
	if !p.InPlace {
		return nil
	}
	old, found, err := p.look(ctx, p.Name)
	if err != nil {
		return err
	}
	if !found && p.there == nil {
		return p.refuse(fmt.Errorf("there is no %s %s", noun(p.form), plainName(p.Name)), "restore it under a name (--as)")
	}
	if err := p.roomOn(ctx, old); err != nil {
		return err
	}
	for name := range strings.SplitSeq(p.With[withRecord], ",") {
		z, set, err := p.record(ctx, dotless(name))
		if err != nil && !p.changedSince(err) {
			return err
		}
		if z.id == "" {
			z = p.zone
		}
		if p.zone.id != "" && p.zone.id != z.id {
			return p.refuse(fmt.Errorf("the records %s are in several zones, which nothing changes together", p.With[withRecord]),
				"name those of one zone, and change the others by hand")
		}
		p.zone = z
		one, err := p.pointer(set, old)
		if err != nil && !p.changedSince(err) {
			return err
		}
		one.name = dotless(name)
		p.records = append(p.records, one)
	}
	return nil
}

// changedSince reports whether something that stands in the way of a restore has come to
// be after it was begun. That is for its steps to find: it must be possible to take it
// back.
func (p *restorePlan) changedSince(err error) bool {
	return p.there != nil && store.FaultOf(err) == store.Invalid
}

// pointer says what a record points to. When the restore goes on, that may be the new
// one already.
func (p *restorePlan) pointer(set types.ResourceRecordSet, old cacheNow) (pointer, error) {
	one := pointer{name: dotless(aws.ToString(set.Name)), ttl: aws.ToInt64(set.TTL)}
	to := valueOf(set)
	for what, host := range old.hosts {
		if dotless(host) == to {
			one.what, one.was = what, host
			return one, nil
		}
	}
	if p.there != nil {
		for what, host := range p.there.hosts {
			if dotless(host) == to {
				one.what, one.was = what, old.hosts[what]
				return one, nil
			}
		}
	}
	return one, p.refuse(fmt.Errorf("the record %s points to %s, which is no endpoint of %s", one.name, to, plainName(p.Name)),
		"name the record by which its clients go")
}

// record finds a record, in the zone that a person names or in the only one that has
// it.
func (p *restorePlan) record(ctx context.Context, name string) (zone, types.ResourceRecordSet, error) {
	zones, err := p.zones(ctx, name)
	if err != nil {
		return zone{}, types.ResourceRecordSet{}, err
	}
	var in []zone
	var found types.ResourceRecordSet
	for _, z := range zones {
		set, ok, err := z.find(ctx, name)
		if err != nil {
			return zone{}, found, err
		}
		if ok {
			in, found = append(in, z), set
		}
	}
	switch {
	case len(in) == 0:
		return zone{}, found, p.refuse(fmt.Errorf("no zone of Route 53 that was looked at has a record %s", name),
			"name the zone that has it, if another account has (--record-zone SITE/ZONE-ID); or make the record first, as a CNAME to the cache")
	case len(in) > 1:
		return zone{}, found, p.refuse(fmt.Errorf("%d zones have a record %s (%s, %s)", len(in), name, in[0].id, in[1].id), "say which (--record-zone ZONE-ID)")
	}
	return in[0], found, in[0].simple(found)
}

// zones gives the zones that may hold a record: those of the names that it ends with.
func (p *restorePlan) zones(ctx context.Context, name string) ([]zone, error) {
	site, id := p.site, p.With[withZone]
	if s, ok := p.siteCalled(strings.SplitN(id, "/", 2)[0]); ok {
		site = s
		_, id, _ = strings.Cut(id, "/")
	}
	dns, err := p.dns(ctx, site)
	if err != nil {
		return nil, err
	}
	if id != "" {
		return []zone{{dns, id, site}}, nil
	}
	var out []zone
	for rest := name; strings.Contains(rest, "."); {
		found, err := zonesCalled(ctx, dns, rest)
		if err != nil {
			return nil, denied("list the zones of Route 53", "route53:ListHostedZonesByName", err)
		}
		for _, id := range found {
			out = append(out, zone{dns, id, site})
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return out, nil
}

// dns reaches Route 53 as a site does.
func (m *maker) dns(ctx context.Context, site dr.Site) (dnsAPI, error) {
	cfg, err := m.sessions.Config(ctx, site)
	if err != nil {
		return nil, err
	}
	return route53.NewFromConfig(cfg), nil
}

// zonesCalled gives the public and private zones that have a name.
func zonesCalled(ctx context.Context, dns dnsAPI, name string) ([]string, error) {
	var out []string
	in := &route53.ListHostedZonesByNameInput{DNSName: aws.String(name)}
	for {
		page, err := dns.ListHostedZonesByName(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, z := range page.HostedZones {
			if dotless(aws.ToString(z.Name)) != name {
				return out, nil // They come in order, from this name on.
			}
			out = append(out, strings.TrimPrefix(aws.ToString(z.Id), "/hostedzone/"))
		}
		if !page.IsTruncated {
			return out, nil
		}
		in = &route53.ListHostedZonesByNameInput{DNSName: page.NextDNSName, HostedZoneId: page.NextHostedZoneId}
	}
}

// find looks for the record of a name; of several, for one that is not simple.
func (z zone) find(ctx context.Context, name string) (set types.ResourceRecordSet, ok bool, err error) {
	out, err := z.ListResourceRecordSets(ctx, &route53.ListResourceRecordSetsInput{
		HostedZoneId: &z.id, StartRecordName: aws.String(name), MaxItems: aws.Int32(20),
	})
	if err != nil {
		return set, false, denied("list the records of zone "+z.id, "route53:ListResourceRecordSets", err)
	}
	for _, s := range out.ResourceRecordSets {
		if dotless(aws.ToString(s.Name)) == name {
			set, ok = s, true
		}
	}
	return set, ok, nil
}

// denied adds to an error of Route 53 which permission it is about.
func denied(doing, permission string, err error) error {
	fault := classify(err)
	e := &store.Error{Doing: doing, Fault: fault, Err: err}
	if fault == store.Denied {
		e.Remedy = "allow the role " + permission + " (docs/iam.md, Restores), or name another site's zone with --record-zone"
	}
	if fault == store.NotFound {
		e.Remedy = "name a zone that is there with --record-zone"
	}
	return e
}

// simple refuses what is not one plain CNAME.
func (z zone) simple(s types.ResourceRecordSet) error {
	name := dotless(aws.ToString(s.Name))
	var what string
	switch {
	case s.AliasTarget != nil:
		what = "an alias"
	case aws.ToString(s.SetIdentifier) != "":
		what = "one of several that Route 53 chooses from"
	case s.Type != types.RRTypeCname:
		what = "of type " + string(s.Type)
	case len(s.ResourceRecords) != 1:
		what = "without a value"
	default:
		return nil
	}
	return &store.Error{
		Doing: "find the record " + name + " in zone " + z.id, Fault: store.Invalid,
		Err: fmt.Errorf("it is %s", what), Remedy: "name a plain CNAME record of the cache's endpoint",
	}
}

// valueOf gives where a CNAME points.
func valueOf(s types.ResourceRecordSet) string {
	if len(s.ResourceRecords) != 1 || s.Type != types.RRTypeCname || aws.ToString(s.SetIdentifier) != "" {
		return ""
	}
	return dotless(aws.ToString(s.ResourceRecords[0].Value))
}

// change points records elsewhere, all of them or none, and none that is not any more
// as it was seen.
func (z zone) change(ctx context.Context, from []types.ResourceRecordSet, to []string, why string) (string, error) {
	batch := &types.ChangeBatch{Comment: aws.String(why)}
	for i := range from {
		next := from[i]
		next.ResourceRecords = []types.ResourceRecord{{Value: aws.String(to[i])}}
		batch.Changes = append(batch.Changes,
			types.Change{Action: types.ChangeActionDelete, ResourceRecordSet: &from[i]},
			types.Change{Action: types.ChangeActionCreate, ResourceRecordSet: &next})
	}
	out, err := z.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{HostedZoneId: &z.id, ChangeBatch: batch})
	if err != nil {
		return "", denied("change records of zone "+z.id, "route53:ChangeResourceRecordSets", err)
	}
	return strings.TrimPrefix(aws.ToString(out.ChangeInfo.Id), "/change/"), nil
}

// inSync reports whether all name servers know a change. One that Route 53 has
// forgotten is long known.
func (z zone) inSync(ctx context.Context, change string) (bool, error) {
	out, err := z.GetChange(ctx, &route53.GetChangeInput{Id: &change})
	switch {
	case hasCode(err, "NoSuchChange"):
		return true, nil
	case err != nil:
		return false, denied("look at change "+change+" of zone "+z.id, "route53:GetChange", err)
	}
	return out.ChangeInfo.Status == types.ChangeStatusInsync, nil
}

// mentions reports whether a host is one of a cache's: its name is a label of it, as it
// is or with what tells nodes and readers apart behind it.
func mentions(host, cache string) bool {
	return slices.ContainsFunc(strings.Split(host, "."), func(label string) bool {
		return label == cache || strings.HasPrefix(label, cache+"-")
	})
}
