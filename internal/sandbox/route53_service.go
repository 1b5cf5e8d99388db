package sandbox

func route53Service(s *route53State) *service {
	return &service{
		name: "route53", restXML: true, namespace: route53Namespace, resource: route53Resource,
		known: "ActivateKeySigningKey AssociateVPCWithHostedZone ChangeCidrCollection ChangeTagsForResource CreateHealthCheck " +
			"DeleteHostedZone TestDNSAnswer",
		operations: map[string]operation{
			"ListHostedZones":          reads(s.listZones),
			"ListHostedZonesByName":    reads(s.listZonesByName),
			"CreateHostedZone":         writes(s.createZone),
			"GetHostedZone":            reads(s.getZone),
			"ListResourceRecordSets":   reads(s.listRecords),
			"ChangeResourceRecordSets": writes(s.changeRecords),
			"GetChange":                reads(s.getChange),
		},
	}
}

// route53Resource names what a call is about, as messages about permissions do.
func route53Resource(r *request) string {
	kind := "hostedzone"
	if r.action == "GetChange" {
		kind = "change"
	}
	if id := r.params.values.Get("Id"); id != "" {
		return "arn:aws:route53:::" + kind + "/" + id
	}
	return "arn:aws:route53:::" + kind + "/*"
}

func invalidInput(format string, args ...any) error { return refuse("InvalidInput", format, args...) }

// readable says whether the body of a call could be read, and its parameters are known.
func (p *params) readable() error {
	if p.str(notXML) != "" {
		return refuse("MalformedInput", "The XML document is not well-formed.")
	}
	return p.check()
}
