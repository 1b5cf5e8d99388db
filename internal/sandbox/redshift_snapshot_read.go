package sandbox

import (
	"slices"
	"strings"
	"time"
)

// clusterSnapshotQuery is what a DescribeClusterSnapshots call asks for.
type clusterSnapshotQuery struct {
	of, name, arn, kind, owner string
	from, to                   time.Time
	tags                       tagFilter
	exists                     *bool
}

// describeClusterSnapshots lists snapshots.
//
// Amazon Redshift API Reference, DescribeClusterSnapshots: by default all
// snapshots of the caller's own account; OwnerAccount shows those of another
// account that the caller may restore. "Only snapshots that you own are returned in
// the response; shared snapshots are not returned with the tag key and tag value
// request parameters."
func (s *redshiftState) describeClusterSnapshots(r *request) (any, error) {
	p := r.params
	q := clusterSnapshotQuery{
		of: strings.ToLower(p.str("ClusterIdentifier")), name: strings.ToLower(p.str("SnapshotIdentifier")), arn: p.str("SnapshotArn"),
		kind: p.str("SnapshotType"), owner: or(p.str("OwnerAccount"), r.who.account), tags: readTagFilter(p), exists: p.flag("ClusterExists"),
	}
	var fromErr, toErr error
	q.from, fromErr = readTime(p, "StartTime")
	q.to, toErr = readTime(p, "EndTime")
	pg, err := readPage(p)
	if err := firstError(p.check(), fromErr, toErr, err); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"", "manual", "automated"}, q.kind) {
		return nil, invalidValue("Invalid snapshot type: %s", q.kind)
	}
	if q.exists != nil && *q.exists && q.of == "" {
		return nil, invalidCombination("ClusterIdentifier is required when ClusterExists is true.")
	}
	g := s.region(place{q.owner, r.region}, r.now)
	var found []*clusterSnapshot
	for _, snap := range g.snapshots {
		if snap.exists(r.view) && q.selects(g, snap, r) {
			found = append(found, snap)
		}
	}
	if (q.name != "" || q.arn != "") && len(found) == 0 {
		return nil, clusterSnapshotNotFound(or(q.name, q.arn))
	}
	var out clusterSnapshotsResult
	found, out.Marker = cut(found, func(x *clusterSnapshot) string { return x.name }, pg)
	for _, snap := range found {
		shown := showClusterSnapshot(snap, r.view)
		if snap.account != r.who.account {
			// AccountsWithRestoreAccess: "Visible only to the snapshot owner."
			shown.Tags, shown.AccountsWithRestoreAccess.AccountWithRestoreAccess = redshiftTagsXML{}, nil
		}
		out.Snapshots.Snapshot = append(out.Snapshots.Snapshot, shown)
	}
	return out, nil
}

func (q clusterSnapshotQuery) selects(g *redshiftRegion, s *clusterSnapshot, r *request) bool {
	if foreign := s.account != r.who.account; foreign && (!q.tags.empty() || !slices.Contains(s.shared.get(r.view), r.who.account)) {
		return false
	}
	if q.exists != nil {
		if _, there := g.cluster(s.of.name, r.view); there != *q.exists {
			return false
		}
	}
	return (q.of == "" || q.of == s.of.name) && (q.name == "" || q.name == s.name) &&
		(q.arn == "" || q.arn == s.arn().String()) && (q.kind == "" || q.kind == s.kind) &&
		!s.taken.Before(q.from) && (q.to.IsZero() || !s.taken.After(q.to)) && q.tags.allow(s.tags.get(r.view))
}

func readTime(p *params, name string) (time.Time, error) {
	text := p.str(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, invalidValue("Invalid value '%s' for the parameter %s: a time is needed.", text, name)
	}
	return t, nil
}

// describeClusters lists clusters.
func (s *redshiftState) describeClusters(r *request) (any, error) {
	p := r.params
	name, f := p.str("ClusterIdentifier"), readTagFilter(p)
	pg, err := readPage(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	g := s.region(r.place(), r.now)
	var found []clusterXML
	for _, c := range g.clusters {
		if c.exists(r.view) && f.allow(c.tags.get(r.view)) && (name == "" || strings.ToLower(name) == c.config.get(r.view).name) {
			found = append(found, s.showCluster(c, r.view))
		}
	}
	if name != "" && len(found) == 0 {
		return nil, clusterNotFound(name)
	}
	var out clustersResult
	out.Clusters.Cluster, out.Marker = cut(found, func(x clusterXML) string { return x.ClusterIdentifier }, pg)
	return out, nil
}
