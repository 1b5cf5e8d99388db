package sandbox

import (
	"slices"
	"strings"
)

// describeDBClusterSnapshots lists snapshots of clusters, under the same rules as
// DescribeDBSnapshots.
//
// Amazon RDS API Reference, DescribeDBClusterSnapshots: a cluster and a snapshot
// cannot both be named.
func (s *rdsState) describeDBClusterSnapshots(r *request) (any, error) {
	p := r.params
	q := snapshotQuery{
		name: strings.ToLower(p.str("DBClusterSnapshotIdentifier")), of: strings.ToLower(p.str("DBClusterIdentifier")),
		resource: p.str("DbClusterResourceId"), kind: p.str("SnapshotType"),
		shared: p.isSet("IncludeShared"), public: p.isSet("IncludePublic"),
	}
	var err error
	q.filters, err = readFilters(p, "db-cluster-id", "db-cluster-snapshot-id", "snapshot-type", "engine")
	pg, pageErr := readPage(p)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains([]string{"", "manual", "automated", "shared", "public", "awsbackup"}, q.kind):
		return nil, invalidValue("Invalid snapshot type: %s", q.kind)
	case q.name != "" && q.of != "":
		return nil, invalidCombination("DBClusterIdentifier and DBClusterSnapshotIdentifier cannot be used together.")
	}
	var found []dbClusterSnapshotXML
	for _, g := range s.regions {
		if g.region == r.region {
			found = append(found, g.matchingClusters(q, r)...)
		}
	}
	if q.name != "" && len(found) == 0 {
		return nil, dbClusterSnapshotNotFound(q.name)
	}
	var out dbClusterSnapshotsResult
	out.DBClusterSnapshots.DBClusterSnapshot, out.Marker = cut(found, func(x dbClusterSnapshotXML) string { return x.DBClusterSnapshotIdentifier }, pg)
	return out, nil
}

// matchingClusters gives the snapshots of one account that a query finds, as the
// caller sees them.
func (g *rdsRegion) matchingClusters(q snapshotQuery, r *request) []dbClusterSnapshotXML {
	var out []dbClusterSnapshotXML
	for _, snap := range g.dbClusterSnapshots {
		if !snap.exists(r.view) || !q.selectsCluster(snap) {
			continue
		}
		kind, ok := q.seenAs(&snap.dbSnapshot, r.who.account, r.view)
		if !ok {
			continue
		}
		x := showDBClusterSnapshot(snap, r.view)
		if g.account != r.who.account { // Under its full name, and without its owner's tags.
			x.DBClusterSnapshotIdentifier, x.SnapshotType, x.TagList = x.DBClusterSnapshotArn, kind, tagListXML{}
		}
		out = append(out, x)
	}
	return out
}

// selectsCluster applies everything but whose and of what type a snapshot is.
func (q snapshotQuery) selectsCluster(s *dbClusterSnapshot) bool {
	full, cluster := s.arn().String(), arn{"rds", s.place, dbClusterARN, s.of.name}.String()
	return (q.name == "" || q.name == s.name || q.name == full) &&
		(q.of == "" || q.of == s.of.name || q.of == cluster) &&
		(q.resource == "" || q.resource == s.resource) &&
		q.filters.allow("db-cluster-id", s.of.name, cluster) &&
		q.filters.allow("db-cluster-snapshot-id", s.name, full) &&
		q.filters.allow("engine", s.of.engine)
}
