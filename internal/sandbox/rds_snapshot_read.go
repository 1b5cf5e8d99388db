package sandbox

import (
	"slices"
	"strings"
	"time"
)

// snapshotQuery is what a DescribeDBSnapshots call asks for.
type snapshotQuery struct {
	name, of, resource, kind string
	shared, public           bool
	filters                  filters
}

// describeDBSnapshots lists snapshots.
//
// Amazon RDS API Reference, DescribeDBSnapshots: without SnapshotType manual and
// automated ones, and others' too where IncludeShared or IncludePublic ask for
// them; neither applies to SnapshotType manual or automated. "If this identifier is
// for an automated snapshot, the SnapshotType parameter must also be specified."
func (s *rdsState) describeDBSnapshots(r *request) (any, error) {
	p := r.params
	q := snapshotQuery{
		name: strings.ToLower(p.str("DBSnapshotIdentifier")), of: strings.ToLower(p.str("DBInstanceIdentifier")),
		resource: p.str("DbiResourceId"), kind: p.str("SnapshotType"),
		shared: p.isSet("IncludeShared"), public: p.isSet("IncludePublic"),
	}
	var err, pageErr error
	q.filters, err = readFilters(p, "db-instance-id", "db-snapshot-id", "dbi-resource-id", "snapshot-type", "engine")
	pg, pageErr := readPage(p)
	if err := firstError(p.check(), err, pageErr); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "manual", "automated", "shared", "public", "awsbackup"}, q.kind) {
		return nil, invalidValue("Invalid snapshot type: %s", q.kind)
	}
	var found []seenSnapshot
	for _, g := range s.regions {
		if g.region == r.region {
			found = append(found, s.matching(g, q, r)...)
		}
	}
	if q.name != "" && len(found) == 0 {
		return nil, snapshotNotFound(q.name)
	}
	var out snapshotsResult
	found, out.Marker = cut(found, func(x seenSnapshot) string { return x.id }, pg)
	for _, x := range found {
		out.DBSnapshots.DBSnapshot = append(out.DBSnapshots.DBSnapshot, x.show(r))
	}
	return out, nil
}

// seenSnapshot is a snapshot as the caller sees it: under which name, and of what
// type.
type seenSnapshot struct {
	*dbSnapshot
	id, seenAs string
}

func (x seenSnapshot) show(r *request) snapshotXML {
	if x.account == r.who.account {
		return showSnapshot(x.dbSnapshot, r.view)
	}
	return showForeign(x.dbSnapshot, x.seenAs, r.view)
}

// matching gives the snapshots of one account that a query finds.
func (s *rdsState) matching(g *rdsRegion, q snapshotQuery, r *request) []seenSnapshot {
	var out []seenSnapshot
	for _, snap := range g.snapshots {
		if !snap.exists(r.view) || !q.selects(snap) {
			continue
		}
		kind, ok := q.seenAs(snap, r.who.account, r.view)
		switch {
		case !ok:
		case g.account == r.who.account:
			out = append(out, seenSnapshot{snap, snap.name, kind})
		default:
			out = append(out, seenSnapshot{snap, snap.arn().String(), kind})
		}
	}
	return out
}

// selects applies everything but whose and of what type a snapshot is.
func (q snapshotQuery) selects(s *dbSnapshot) bool {
	instance := arn{"rds", s.place, "db", s.of.name}
	return (q.name == "" || q.name == s.name || q.name == s.arn().String()) &&
		(q.of == "" || q.of == s.of.name || q.of == instance.String()) &&
		(q.resource == "" || q.resource == s.resource) &&
		(len(q.filters) == 0 || q.filters.allow("db-instance-id", s.of.name, instance.String()) &&
			q.filters.allow("db-snapshot-id", s.name, s.arn().String()) &&
			q.filters.allow("dbi-resource-id", s.resource) &&
			q.filters.allow("engine", s.of.engine))
}

// seenAs says as which type of snapshot an account sees one, and whether the
// query asks for that type. Another account's is only known by its full name.
func (q snapshotQuery) seenAs(s *dbSnapshot, account string, when time.Time) (string, bool) {
	if s.account == account {
		ok := q.kind == s.kind || q.kind == "" && (s.manual() || s.kind == "automated" && q.name == "") ||
			q.kind == "public" && s.public(when)
		return s.kind, ok && q.filters.allow("snapshot-type", s.kind)
	}
	if q.name != "" && q.name != s.arn().String() {
		return "", false
	}
	switch {
	case slices.Contains(s.shared.get(when), account):
		ok := q.kind == "shared" || q.kind == "" && q.shared
		return "shared", ok && q.filters.allow("snapshot-type", "shared")
	case s.public(when):
		ok := q.kind == "public" || q.kind == "" && q.public
		return "public", ok && q.filters.allow("snapshot-type", "public")
	}
	return "", false
}
