package sandbox

import (
	"errors"
	"slices"
)

type (
	clusterAttributesResult struct {
		DBClusterSnapshotAttributesResult clusterAttributesXML
	}
	clusterAttributesXML struct {
		DBClusterSnapshotIdentifier string
		DBClusterSnapshotAttributes struct{ DBClusterSnapshotAttribute []attributeXML }
	}
)

func showClusterAttributes(name string, values []string) clusterAttributesResult {
	attribute := attributeXML{AttributeName: "restore"}
	attribute.AttributeValues.AttributeValue = values
	out := clusterAttributesXML{DBClusterSnapshotIdentifier: name}
	out.DBClusterSnapshotAttributes.DBClusterSnapshotAttribute = []attributeXML{attribute}
	return clusterAttributesResult{out}
}

func (s *rdsState) describeDBClusterSnapshotAttributes(r *request) (any, error) {
	name := r.params.need("DBClusterSnapshotIdentifier")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	snap, ok := s.region(r.place()).dbClusterSnapshot(name, r.view)
	if !ok {
		return nil, dbClusterSnapshotNotFound(name)
	}
	return showClusterAttributes(snap.name, snap.shared.get(r.view)), nil
}

// modifyDBClusterSnapshotAttribute shares a manual snapshot with other accounts,
// under the same rules as DB snapshots.
//
// Amazon Aurora User Guide, "Sharing a DB cluster snapshot".
func (s *rdsState) modifyDBClusterSnapshotAttribute(r *request) (any, error) {
	p := r.params
	name, attribute := p.need("DBClusterSnapshotIdentifier"), p.need("AttributeName")
	add, remove := p.list("ValuesToAdd", "AttributeValue"), p.list("ValuesToRemove", "AttributeValue")
	if err := p.check(); err != nil {
		return nil, err
	}
	snap, ok := s.region(r.place()).dbClusterSnapshot(name, r.now)
	if !ok {
		return nil, dbClusterSnapshotNotFound(name)
	}
	both := slices.Concat(add, remove)
	if err := firstError(checkShare(&snap.dbSnapshot, attribute, both), mayShare(&snap.dbSnapshot, add, r)); err != nil {
		return nil, ofCluster(err)
	}
	with := slices.Concat(snap.shared.get(r.now), add)
	with = slices.DeleteFunc(with, func(a string) bool { return slices.Contains(remove, a) })
	slices.Sort(with)
	with = slices.Compact(with)
	accounts := len(with)
	if slices.Contains(with, everyone) {
		accounts--
	}
	if accounts > s.aws.quota(r.place(), QuotaSharedAccounts) {
		return nil, refuse("SharedSnapshotQuotaExceeded", "You have exceeded the maximum number of accounts that you can share a manual DB snapshot with.")
	}
	snap.shared.set(r.now, with)
	return showClusterAttributes(snap.name, with), nil
}

// ofCluster gives the error of a rule that DB snapshots and snapshots of clusters
// have in common the code that it has for the latter.
func ofCluster(err error) error {
	if api, ok := errors.AsType[*apiError](err); ok && api.code == "InvalidDBSnapshotState" {
		return &apiError{"InvalidDBClusterSnapshotStateFault", api.status, api.message}
	}
	return err
}
