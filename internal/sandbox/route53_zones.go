package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

type (
	zoneXML struct {
		ID     string `xml:"Id"`
		Name   string
		Caller string `xml:"CallerReference"`
		Config struct {
			Comment     string `xml:",omitempty"`
			PrivateZone bool
		}
		Count int `xml:"ResourceRecordSetCount"`
	}
	zonesXML struct {
		HostedZones struct{ HostedZone []zoneXML }
		Marker      string `xml:",omitempty"`
		IsTruncated bool
		NextMarker  string `xml:",omitempty"`
		MaxItems    string
	}
	zonesByNameXML struct {
		HostedZones      struct{ HostedZone []zoneXML }
		DNSName          string `xml:",omitempty"`
		HostedZoneID     string `xml:"HostedZoneId,omitempty"`
		IsTruncated      bool
		NextDNSName      string `xml:",omitempty"`
		NextHostedZoneID string `xml:"NextHostedZoneId,omitempty"`
		MaxItems         string
	}
	delegationXML struct {
		NameServers struct{ NameServer []string }
	}
	oneZoneXML struct {
		HostedZone    zoneXML
		ChangeInfo    *dnsChangeXML
		DelegationSet *delegationXML
		VPCs          *zoneVPCsXML
	}
	zoneVPCsXML struct {
		VPC []struct{ VPCRegion, VPCId string }
	}
)

func showZone(z *hostedZone, when time.Time) zoneXML {
	x := zoneXML{ID: "/hostedzone/" + z.id, Name: z.name, Caller: or(z.caller, z.id), Count: len(z.records.get(when))}
	x.Config.Comment, x.Config.PrivateZone = z.comment, z.private
	return x
}

// readItems reads how much of a list is wanted. The lists of zones give at most 100,
// that of records 300, and more asked for is no mistake (Amazon Route 53 API Reference,
// ListHostedZones and ListResourceRecordSets).
func readItems(p *params, most int) (int, error) {
	n := p.number("maxitems")
	switch {
	case n == nil:
		return most, nil
	case *n < 1:
		return 0, invalidInput("1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1", *n)
	}
	return min(*n, most), nil
}

func (s *route53State) listZones(r *request) (any, error) {
	marker, kind := r.params.str("marker"), r.params.str("hostedzonetype")
	most, err := readItems(r.params, 100)
	if err := firstError(r.params.readable(), err); err != nil {
		return nil, err
	}
	zones := slices.DeleteFunc(s.of(r.who.account, r.view), func(z *hostedZone) bool { return kind == "PrivateHostedZone" && !z.private })
	slices.SortFunc(zones, func(a, b *hostedZone) int { return strings.Compare(a.id, b.id) })
	out := zonesXML{Marker: marker, MaxItems: strconv.Itoa(most)}
	for _, z := range zones {
		switch {
		case z.id < marker:
		case len(out.HostedZones.HostedZone) == most:
			out.IsTruncated, out.NextMarker = true, or(out.NextMarker, z.id)
		default:
			out.HostedZones.HostedZone = append(out.HostedZones.HostedZone, showZone(z, r.view))
		}
	}
	return out, nil
}

// listZonesByName lists zones from a name on, which need not be that of a zone.
func (s *route53State) listZonesByName(r *request) (any, error) {
	name, id := r.params.str("dnsname"), strings.TrimPrefix(r.params.str("hostedzoneid"), "/hostedzone/")
	most, err := readItems(r.params, 100)
	if err := firstError(r.params.readable(), err); err != nil {
		return nil, err
	}
	from := ""
	switch {
	case name == "" && id != "":
		return nil, invalidInput("HostedZoneId cannot be specified without DNSName.")
	case name != "":
		from = reversed(domain(name)) + " " + id
	}
	out := zonesByNameXML{DNSName: name, HostedZoneID: id, MaxItems: strconv.Itoa(most)}
	for _, z := range s.of(r.who.account, r.view) {
		switch {
		case z.key() < from:
		case len(out.HostedZones.HostedZone) == most && !out.IsTruncated:
			out.IsTruncated, out.NextDNSName, out.NextHostedZoneID = true, z.name, z.id
		case !out.IsTruncated:
			out.HostedZones.HostedZone = append(out.HostedZones.HostedZone, showZone(z, r.view))
		}
	}
	return out, nil
}

func (s *route53State) getZone(r *request) (any, error) {
	id := r.params.need("Id")
	if err := r.params.readable(); err != nil {
		return nil, err
	}
	z, err := s.zone(r.who.account, id, r.view)
	if err != nil {
		return nil, err
	}
	out := oneZoneXML{HostedZone: showZone(z, r.view)}
	if z.private {
		out.VPCs = &zoneVPCsXML{[]struct{ VPCRegion, VPCId string }{{"us-east-1", "vpc-" + hashed(17, "vpc", z.account, "us-east-1")}}}
		return out, nil
	}
	out.DelegationSet = &delegationXML{}
	out.DelegationSet.NameServers.NameServer = z.nameServers()
	return out, nil
}

// createZone makes a public zone.
//
// Amazon Route 53 API Reference, CreateHostedZone, CallerReference: "You must use a
// unique CallerReference string every time you submit a CreateHostedZone request."
func (s *route53State) createZone(r *request) (any, error) {
	p := r.params
	name, caller, comment := p.need("Name"), p.need("CallerReference"), p.str("HostedZoneConfig.Comment")
	if p.isSet("HostedZoneConfig.PrivateZone") {
		p.fail(notSimulated("CreateHostedZone of a private zone"))
	}
	if err := p.readable(); err != nil {
		return nil, err
	}
	for _, z := range s.of(r.who.account, r.now) {
		if z.caller == caller {
			return nil, &apiError{"HostedZoneAlreadyExists", 409, "A hosted zone has already been created with the specified caller reference."}
		}
	}
	z := s.addZone(r.who.account, "", name, false, r.now)
	z.caller, z.comment = caller, comment
	x := s.addChange(r, comment)
	out := oneZoneXML{HostedZone: showZone(z, r.now), ChangeInfo: &x, DelegationSet: &delegationXML{}}
	out.DelegationSet.NameServers.NameServer = z.nameServers()
	return out, nil
}
