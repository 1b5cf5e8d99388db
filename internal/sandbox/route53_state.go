package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// route53State is all that there is in Route 53, in every account. It has no Regions.
type route53State struct {
	aws     *AWS
	zones   []*hostedZone
	changes []dnsChange
	made    int
}

// hostedZone is a hosted zone. records are what the API shows; name servers answer with
// served, which follows once a change is in sync.
type hostedZone struct {
	account, id, name, caller, comment string
	private                            bool
	created                            time.Time
	records, served                    timeline[[]dnsRecord]
}

// dnsRecord is a resource record set.
type dnsRecord struct {
	name, kind, set string
	weight          *int
	ttl             *int
	values          []string
	alias           *dnsAlias
}

// dnsAlias is the target of a record that has no values of its own.
type dnsAlias struct {
	zone, name string
	evaluate   bool
}

// dnsChange is a change of records, which is pending until it is in sync.
type dnsChange struct {
	account, id, comment string
	asked, done          time.Time
}

func newRoute53(a *AWS) *route53State { return &route53State{aws: a} }

// zone finds a hosted zone of an account by its id.
func (s *route53State) zone(account, id string, when time.Time) (*hostedZone, error) {
	id = strings.TrimPrefix(id, "/hostedzone/")
	for _, z := range s.zones {
		if z.account == account && z.id == id && !z.created.After(when) {
			return z, nil
		}
	}
	return nil, notFound("NoSuchHostedZone", "No hosted zone found with ID: %s", id)
}

// of gives the zones of an account in the order of their reversed names.
func (s *route53State) of(account string, when time.Time) []*hostedZone {
	var out []*hostedZone
	for _, z := range s.zones {
		if z.account == account && !z.created.After(when) {
			out = append(out, z)
		}
	}
	slices.SortFunc(out, func(a, b *hostedZone) int { return strings.Compare(a.key(), b.key()) })
	return out
}

func (z *hostedZone) key() string { return reversed(z.name) + " " + z.id }

// nameServers are those of a zone.
func (z *hostedZone) nameServers() []string {
	var out []string
	for i, end := range [...]string{"com", "net", "org", "co.uk"} {
		out = append(out, fmt.Sprintf("ns-%d.awsdns-%02d.%s", 100+512*i, i+1, end))
	}
	return out
}

// reversed gives a name by which records sort as Route 53 does: label by label, from
// the right (Amazon Route 53 API Reference, ListResourceRecordSets).
func reversed(name string) string {
	part := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(part)
	return strings.Join(part, ".") + "."
}

// domain gives a name as Route 53 keeps it: in lower case, with a dot at the end, and
// what is no letter, digit, hyphen or underscore as an octal code.
//
// Amazon Route 53 Developer Guide, "DNS domain name format".
func domain(name string) string {
	var b strings.Builder
	name = strings.ToLower(name)
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '\\' && i+3 < len(name):
			b.WriteString(name[i : i+4])
			i += 3
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "\\%03o", c)
		}
	}
	if b.Len() == 0 || !strings.HasSuffix(b.String(), ".") {
		b.WriteByte('.')
	}
	return b.String()
}

// addZone makes a zone with the records that each has.
func (s *route53State) addZone(account, id, name string, private bool, created time.Time) *hostedZone {
	s.made++
	z := &hostedZone{account: account, name: domain(name), private: private, created: created}
	z.id = or(id, "Z"+strings.ToUpper(hashed(20, "zone", account, name, fmt.Sprint(s.made))))
	servers, day, short := z.nameServers(), 172800, 900
	for i := range servers {
		servers[i] += "."
	}
	own := []dnsRecord{
		{name: z.name, kind: "NS", ttl: &day, values: servers},
		{name: z.name, kind: "SOA", ttl: &short, values: []string{servers[0] + " awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}},
	}
	z.records.set(created, own)
	z.served.set(created, own)
	s.zones = append(s.zones, z)
	return z
}
