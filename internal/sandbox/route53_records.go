package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

type (
	dnsChangeXML struct {
		ID          string `xml:"Id"`
		Status      string
		SubmittedAt string
		Comment     string `xml:",omitempty"`
	}
	changeInfoXML struct{ ChangeInfo dnsChangeXML }
	recordXML     struct {
		Name            string
		Type            string
		SetIdentifier   string `xml:",omitempty"`
		Weight          *int
		TTL             *int
		ResourceRecords *recordValuesXML
		AliasTarget     *aliasXML
	}
	recordValuesXML struct{ ResourceRecord []recordValueXML }
	recordValueXML  struct{ Value string }
	aliasXML        struct {
		HostedZoneID         string `xml:"HostedZoneId"`
		DNSName              string
		EvaluateTargetHealth bool
	}
	recordsXML struct {
		ResourceRecordSets   struct{ ResourceRecordSet []recordXML }
		IsTruncated          bool
		NextRecordName       string `xml:",omitempty"`
		NextRecordType       string `xml:",omitempty"`
		NextRecordIdentifier string `xml:",omitempty"`
		MaxItems             string
	}
)

func (d dnsRecord) key() string { return reversed(d.name) + " " + d.kind + " " + d.set }

// listRecords lists the records of a zone, in the order of their reversed names.
func (s *route53State) listRecords(r *request) (any, error) {
	p := r.params
	id, name, kind, set := p.need("Id"), p.str("name"), p.str("type"), p.str("identifier")
	most, err := readItems(p, 300)
	if err := firstError(p.readable(), err); err != nil {
		return nil, err
	}
	z, err := s.zone(r.who.account, id, r.view)
	from := ""
	switch {
	case err != nil:
		return nil, err
	case kind != "" && name == "":
		return nil, invalidInput("StartRecordType cannot be specified without StartRecordName.")
	case set != "" && kind == "":
		return nil, invalidInput("StartRecordIdentifier cannot be specified without StartRecordName and StartRecordType.")
	case name != "":
		from = strings.TrimRight(dnsRecord{name: domain(name), kind: kind, set: set}.key(), " ")
	}
	out := recordsXML{MaxItems: strconv.Itoa(most)}
	for _, d := range sortedRecords(z.records.get(r.view)) {
		switch {
		case d.key() < from:
		case len(out.ResourceRecordSets.ResourceRecordSet) == most && !out.IsTruncated:
			out.IsTruncated, out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier = true, d.name, d.kind, d.set
		case !out.IsTruncated:
			out.ResourceRecordSets.ResourceRecordSet = append(out.ResourceRecordSets.ResourceRecordSet, d.show())
		}
	}
	return out, nil
}

func sortedRecords(all []dnsRecord) []dnsRecord {
	return slices.SortedFunc(slices.Values(all), func(a, b dnsRecord) int { return strings.Compare(a.key(), b.key()) })
}

func (d dnsRecord) show() recordXML {
	x := recordXML{Name: d.name, Type: d.kind, SetIdentifier: d.set, Weight: d.weight, TTL: d.ttl}
	if d.alias != nil {
		x.AliasTarget = &aliasXML{d.alias.zone, d.alias.name, d.alias.evaluate}
		return x
	}
	x.ResourceRecords = &recordValuesXML{}
	for _, v := range d.values {
		x.ResourceRecords.ResourceRecord = append(x.ResourceRecords.ResourceRecord, recordValueXML{v})
	}
	return x
}

// changeRecords changes records: all that a call asks for, or nothing.
//
// Amazon Route 53 API Reference, ChangeResourceRecordSets: up to 1,000 records; changes
// of one call are applied together.
func (s *route53State) changeRecords(r *request) (any, error) {
	p := r.params
	id, comment := p.need("Id"), p.str("ChangeBatch.Comment")
	changes := p.members("ChangeBatch.Changes", "Change")
	all := make([]recordChange, len(changes))
	for i, prefix := range changes {
		all[i] = readRecordChange(p, prefix)
	}
	if err := p.readable(); err != nil {
		return nil, err
	}
	z, err := s.zone(r.who.account, id, r.now)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, invalidInput("1 validation error detected: Value at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(all) > 1000:
		return nil, badBatch([]string{"Number of records limit of 1000 exceeded."})
	}
	next, wrong := slices.Clone(z.records.get(r.now)), []string(nil)
	for _, c := range all {
		if next, err = c.apply(z, next); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) > 0 {
		return nil, badBatch(wrong)
	}
	z.records.set(r.now, next)
	z.served.set(r.now.Add(s.aws.options.Durations.InSync.Base), next)
	return changeInfoXML{s.addChange(r, comment)}, nil
}

func badBatch(wrong []string) error {
	return &apiError{"InvalidChangeBatch", http.StatusBadRequest, "[" + strings.Join(wrong, ", ") + "]"}
}

func (s *route53State) addChange(r *request, comment string) dnsChangeXML {
	s.made++
	c := dnsChange{
		account: r.who.account, id: "C" + strings.ToUpper(hashed(20, "change", r.who.account, strconv.Itoa(s.made))),
		comment: comment, asked: r.now, done: r.now.Add(s.aws.options.Durations.InSync.Base),
	}
	s.changes = append(slices.DeleteFunc(s.changes, func(old dnsChange) bool { return old.done.Before(r.now.Add(-remembered)) }), c)
	return c.show(r.now)
}

func (c dnsChange) show(when time.Time) dnsChangeXML {
	x := dnsChangeXML{ID: "/change/" + c.id, Status: "PENDING", SubmittedAt: stamp(c.asked), Comment: c.comment}
	if !when.Before(c.done) {
		x.Status = "INSYNC"
	}
	return x
}

func (s *route53State) getChange(r *request) (any, error) {
	id := strings.TrimPrefix(r.params.need("Id"), "/change/")
	if err := r.params.readable(); err != nil {
		return nil, err
	}
	for _, c := range s.changes {
		if c.id == id && c.account == r.who.account && !c.asked.After(r.view) {
			return changeInfoXML{c.show(r.view)}, nil
		}
	}
	return nil, notFound("NoSuchChange", "A change with the specified change ID does not exist: %s", id)
}

// recordChange is one change of a batch.
type recordChange struct {
	action string
	record dnsRecord
}

func readRecordChange(p *params, prefix string) recordChange {
	c := recordChange{action: p.str(prefix + ".Action")}
	if !slices.Contains([]string{"CREATE", "DELETE", "UPSERT"}, c.action) {
		p.fail(invalidInput("1 validation error detected: Value '%s' at 'changeBatch.changes.member.action' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [CREATE, DELETE, UPSERT]", c.action))
	}
	prefix += ".ResourceRecordSet"
	d := dnsRecord{
		name: domain(p.str(prefix + ".Name")), kind: p.str(prefix + ".Type"), set: p.str(prefix + ".SetIdentifier"),
		weight: p.number(prefix + ".Weight"), ttl: p.number(prefix + ".TTL"),
	}
	for _, value := range p.members(prefix+".ResourceRecords", "ResourceRecord") {
		d.values = append(d.values, p.str(value+".Value"))
	}
	alias := prefix + ".AliasTarget"
	if p.has(alias + ".DNSName") {
		d.alias = &dnsAlias{p.str(alias + ".HostedZoneId"), domain(p.str(alias + ".DNSName")), p.isSet(alias + ".EvaluateTargetHealth")}
	}
	c.record = d
	return c
}

// apply makes one change to a list of records. The wording of what is wrong is AWS's, by
// which people search.
func (c recordChange) apply(z *hostedZone, all []dnsRecord) ([]dnsRecord, error) {
	d := c.record
	if err := d.check(z); err != nil {
		return all, err
	}
	i := slices.IndexFunc(all, func(x dnsRecord) bool { return x.name == d.name && x.kind == d.kind && x.set == d.set })
	shown := fmt.Sprintf("[name='%s', type='%s'", d.name, d.kind)
	if d.set != "" {
		shown += ", set identifier='" + d.set + "'"
	}
	shown += "]"
	own := d.name == z.name && (d.kind == "NS" || d.kind == "SOA")
	switch {
	case c.action == "DELETE" && i < 0:
		return all, dnsProblem("Tried to delete resource record set %s but it was not found", shown)
	case c.action == "DELETE" && !all[i].same(d):
		return all, dnsProblem("Tried to delete resource record set %s but the values provided do not match the current values", shown)
	case c.action == "DELETE" && own:
		return all, dnsProblem("A HostedZone must contain at least one %s record for the zone itself.", d.kind)
	case c.action == "DELETE":
		return slices.Delete(slices.Clone(all), i, i+1), nil
	case c.action == "CREATE" && i >= 0:
		return all, dnsProblem("Tried to create resource record set %s but it already exists", shown)
	}
	if err := d.conflict(all, z); err != nil {
		return all, err
	}
	if i < 0 {
		return append(slices.Clone(all), d), nil
	}
	all = slices.Clone(all)
	all[i] = d
	return all, nil
}

// same reports whether two records are alike in all, the order of values aside.
func (d dnsRecord) same(o dnsRecord) bool {
	number := func(n *int) int {
		if n == nil {
			return -1
		}
		return *n
	}
	if (d.alias == nil) != (o.alias == nil) || d.alias != nil && *d.alias != *o.alias {
		return false
	}
	sorted := func(v []string) []string { return slices.Sorted(slices.Values(v)) }
	return number(d.ttl) == number(o.ttl) && number(d.weight) == number(o.weight) && slices.Equal(sorted(d.values), sorted(o.values))
}

// check says what is wrong with a record by itself.
func (d dnsRecord) check(z *hostedZone) error {
	fatal := func(what string) error { return dnsProblem("Invalid Resource Record: 'FATAL problem: %s'", what) }
	switch {
	case d.name != z.name && !strings.HasSuffix(d.name, "."+z.name):
		return dnsProblem("RRSet with DNS name %s is not permitted in zone %s", d.name, z.name)
	case !slices.Contains([]string{"A", "AAAA", "CNAME", "TXT", "MX", "NS", "SOA", "SRV", "CAA", "PTR", "SPF"}, d.kind):
		return dnsProblem("Invalid request: the type %q is not one of Route 53, or is not simulated", d.kind)
	case d.kind == "CNAME" && d.name == z.name:
		return dnsProblem("RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s", d.name, z.name)
	case (d.set == "") != (d.weight == nil):
		return dnsProblem("Invalid request: Missing field 'SetIdentifier' or 'Weight' in Change with [name='%s', type='%s']", d.name, d.kind)
	case d.alias != nil && (d.ttl != nil || len(d.values) > 0):
		return dnsProblem("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]], but found more than one in Change with [name='%s', type='%s']", d.name, d.kind)
	case d.alias == nil && (d.ttl == nil || len(d.values) == 0):
		return dnsProblem("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]], but found none in Change with [name='%s', type='%s']", d.name, d.kind)
	case d.kind == "CNAME" && len(d.values) > 1:
		return fatal("CNAME record sets can have only one value")
	}
	seen := map[string]bool{}
	for _, v := range d.values {
		if seen[v] {
			return dnsProblem("Duplicate Resource Record: '%s'", v)
		}
		seen[v] = true
		if what := wrongValue(d.kind, v); what != "" {
			return fatal(what + " encountered with '" + v + "'")
		}
	}
	return nil
}

// wrongValue says what is wrong with the value of a record.
func wrongValue(kind, value string) string {
	addr, err := netip.ParseAddr(value)
	switch {
	case kind == "A" && (err != nil || !addr.Is4()):
		return "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
	case kind == "AAAA" && (err != nil || !addr.Is6()):
		return "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
	case kind == "CNAME" && (value == "" || strings.ContainsAny(value, " /:")):
		return "DomainLabelInvalid (Value is not a valid domain name)"
	case kind == "TXT" && !strings.HasPrefix(value, `"`):
		return "InvalidCharacterString (Value should be enclosed in quotation marks)"
	}
	return ""
}

// conflict says why a record cannot stand beside the others.
//
// Amazon Route 53 Developer Guide, "Supported DNS record types": a CNAME stands alone.
// "Values specific for weighted records": all records of a name and type are weighted,
// or there is one.
func (d dnsRecord) conflict(all []dnsRecord, z *hostedZone) error {
	for _, x := range all {
		if x.name != d.name {
			continue
		}
		switch {
		case x.kind == d.kind && (x.set == "") != (d.set == ""):
			return dnsProblem("RRSet with DNS name %s, type %s, SetIdentifier %s cannot be created as other RRSet exists with the same name and type.", d.name, d.kind, or(d.set, "null"))
		case x.kind != d.kind && (x.kind == "CNAME" || d.kind == "CNAME"):
			return dnsProblem("RRSet of type %s with DNS name %s is not permitted because a conflicting RRSet of type %s with the same DNS name already exists in zone %s", d.kind, d.name, x.kind, z.name)
		}
	}
	return nil
}

// batchProblem is what is wrong with a change of records, in the words of AWS.
type batchProblem string

func (e batchProblem) Error() string { return string(e) }

func dnsProblem(format string, args ...any) error { return batchProblem(fmt.Sprintf(format, args...)) }

// DNSAnswer gives what the name servers of a zone answer now, which is not yet what a
// change that is not in sync says. Of weighted records it gives those of any weight. An
// alias is answered by its target's name.
func (a *AWS) DNSAnswer(account, zone, name, kind string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	z, err := a.route53.zone(account, zone, now)
	if err != nil {
		return nil
	}
	found := map[string]bool{}
	for _, d := range z.served.get(now) {
		if d.name != domain(name) || d.kind != kind || d.weight != nil && *d.weight == 0 {
			continue
		}
		if d.alias != nil {
			found[d.alias.name] = true
		}
		for _, v := range d.values {
			found[v] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
