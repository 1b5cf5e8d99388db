package sandbox

import (
	"slices"
)

type (
	attributesResult struct {
		DBSnapshotAttributesResult attributesXML
	}
	attributesXML struct {
		DBSnapshotIdentifier string
		DBSnapshotAttributes struct{ DBSnapshotAttribute []attributeXML }
	}
	attributeXML struct {
		AttributeName   string
		AttributeValues struct{ AttributeValue []string }
	}
)

func showAttributes(name string, values []string) attributesResult {
	attribute := attributeXML{AttributeName: "restore"}
	attribute.AttributeValues.AttributeValue = values
	out := attributesXML{DBSnapshotIdentifier: name}
	out.DBSnapshotAttributes.DBSnapshotAttribute = []attributeXML{attribute}
	return attributesResult{out}
}

func (s *rdsState) describeDBSnapshotAttributes(r *request) (any, error) {
	name := r.params.need("DBSnapshotIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	snap, ok := s.region(r.place()).snapshot(name, r.view)
	if !ok {
		return nil, snapshotNotFound(name)
	}
	return showAttributes(snap.name, snap.shared.get(r.view)), nil
}

// modifyDBSnapshotAttribute shares a manual snapshot with other accounts.
//
// Amazon RDS User Guide, "Sharing a DB snapshot": with up to 20 accounts; an
// encrypted snapshot not with everyone; not at all one that is encrypted with
// aws/rds (the code of that last refusal is inferred).
func (s *rdsState) modifyDBSnapshotAttribute(r *request) (any, error) {
	p := r.params
	name, attribute := p.need("DBSnapshotIdentifier"), p.need("AttributeName")
	add, remove := p.list("ValuesToAdd", "AttributeValue"), p.list("ValuesToRemove", "AttributeValue")
	if err := p.check(); err != nil {
		return nil, err
	}
	snap, ok := s.region(r.place()).snapshot(name, r.now)
	if !ok {
		return nil, snapshotNotFound(name)
	}
	if err := firstError(checkShare(snap, attribute, append(slices.Clone(add), remove...)), mayShare(snap, add, r)); err != nil {
		return nil, err
	}
	var with []string
	for _, a := range append(slices.Clone(snap.shared.get(r.now)), add...) {
		if !slices.Contains(remove, a) && !slices.Contains(with, a) {
			with = append(with, a)
		}
	}
	slices.Sort(with)
	accounts := len(with)
	if slices.Contains(with, everyone) {
		accounts--
	}
	if accounts > s.aws.quota(r.place(), QuotaSharedAccounts) {
		return nil, refuse("SharedSnapshotQuotaExceeded", "You have exceeded the maximum number of accounts that you can share a manual DB snapshot with.")
	}
	snap.shared.set(r.now, with)
	return showAttributes(snap.name, with), nil
}

// checkShare looks at what is asked for.
func checkShare(snap *dbSnapshot, attribute string, values []string) error {
	switch {
	case attribute != "restore":
		return invalidValue("Invalid attribute name: %s. The only valid attribute is restore.", attribute)
	case len(values) == 0:
		return invalidCombination("ValuesToAdd and ValuesToRemove cannot both be empty.")
	case !snap.manual():
		return refuse("InvalidDBSnapshotState", "Only manual snapshots can be shared; %s is %s.", snap.name, snap.kind)
	}
	for _, v := range values {
		if v != everyone && !isAccountID(v) {
			return invalidValue("Invalid account id: %s", v)
		}
	}
	return nil
}

// mayShare looks at whether the snapshot can be shared.
func mayShare(snap *dbSnapshot, add []string, r *request) error {
	switch {
	case !snap.status.in(r.now, statusAvailable):
		return refuse("InvalidDBSnapshotState", "The snapshot %s is not in the available state.", snap.name)
	case len(add) == 0 || snap.key == "":
		return nil
	case slices.Contains(add, everyone):
		return invalidValue("Encrypted snapshots cannot be shared publicly.")
	case managed(snap.key, "rds"):
		return invalidValue("Sharing snapshots encrypted with the default service key for RDS is currently not supported.")
	}
	return nil
}
