package sandbox

import (
	"strconv"
	"strings"
	"time"
)

// tableRestore is a request to restore one table.
type tableRestore struct {
	id, cluster  string
	into         *cluster
	from         *clusterSnapshot
	source, to   tableName
	asked        time.Time
	begins, done time.Time
	status       timeline[string]
	message      string
	size         int
}

// The statuses of such requests (Amazon Redshift API Reference, TableRestoreStatus).
const (
	tablePending   = "PENDING"
	tableRunning   = "IN_PROGRESS"
	tableSucceeded = "SUCCEEDED"
	tableFailed    = "FAILED"
	tableCanceled  = "CANCELED"
)

type (
	tableRestoreXML struct {
		TableRestoreRequestId, Status, Message                string
		RequestTime, ClusterIdentifier, SnapshotIdentifier    string
		ProgressInMegaBytes, TotalDataInMegaBytes             int
		SourceDatabaseName, SourceSchemaName, SourceTableName string
		TargetDatabaseName, TargetSchemaName, NewTableName    string
	}
	tableRestoreResult  struct{ TableRestoreStatus tableRestoreXML }
	tableRestoresResult struct {
		TableRestoreStatusDetails struct{ TableRestoreStatus []tableRestoreXML }
		Marker                    string `xml:",omitempty"`
	}
)

// restoreTable makes a table of one in a snapshot of the same cluster.
//
// Amazon Redshift API Reference, RestoreTableFromClusterSnapshot; Management Guide,
// "Restoring a table from a snapshot": only to an active, running cluster, and from a
// snapshot of that cluster; one table at a time; not from a snapshot before a resize,
// unless the type of nodes is the same. The target is by default in the same database
// and schema (inferred).
func (s *redshiftState) restoreTable(r *request) (any, error) {
	p := r.params
	name := p.need("SnapshotIdentifier")
	fold := strings.ToLower
	if p.isSet("EnableCaseSensitiveIdentifier") {
		fold = func(x string) string { return x }
	}
	source := tableName{fold(p.need("SourceDatabaseName")), fold(or(p.str("SourceSchemaName"), "public")), fold(p.need("SourceTableName"))}
	to := tableName{
		fold(or(p.str("TargetDatabaseName"), source.database)), fold(or(p.str("TargetSchemaName"), source.schema)), fold(p.need("NewTableName")),
	}
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	snap, err := s.tableSource(g, c, name, source, r.now)
	if err != nil {
		return nil, err
	}
	t := s.beginTable(c, snap, source, to, r.now)
	g.tableRestores = append(g.tableRestores, t)
	return tableRestoreResult{t.show(r.now)}, nil
}

// tableSource finds the snapshot of a table, if it can be restored now.
func (s *redshiftState) tableSource(g *redshiftRegion, c *cluster, name string, source tableName, now time.Time) (*clusterSnapshot, error) {
	snap, ok := g.snapshot(name, now)
	of := c.config.get(now)
	switch {
	case !ok:
		return nil, clusterSnapshotNotFound(name)
	case !c.status.in(now, statusAvailable):
		return nil, invalidClusterState("The cluster %s is not in the available state.", of.name)
	case !snap.status.in(now, statusAvailable):
		return nil, invalidClusterSnapshotState("The snapshot %s is not in the available state.", snap.name)
	case snap.namespace != c.namespace:
		return nil, tableArgument("The snapshot %s was not created from the cluster %s.", snap.name, of.name)
	case snap.of.nodeType != of.nodeType:
		return nil, refuse("UnsupportedOperation", "The snapshot %s was taken before the cluster was resized.", snap.name)
	}
	if _, there := s.tablesOf(snap.namespace).get(snap.taken)[source]; !there {
		return nil, tableArgument("The table %s does not exist in the snapshot %s.", source, snap.name)
	}
	for _, t := range g.tableRestores {
		if t.into == c && now.Before(t.done) {
			return nil, refuse("InProgressTableRestoreQuotaExceededFault", "A table is being restored to the cluster %s already.", of.name)
		}
	}
	return snap, nil
}

func tableArgument(format string, args ...any) error {
	return refuse("InvalidTableRestoreArgument", format, args...)
}

// beginTable begins to restore a table. One that cannot be made fails later. (That the
// target is looked at only then is inferred.)
func (s *redshiftState) beginTable(c *cluster, snap *clusterSnapshot, source, to tableName, now time.Time) *tableRestore {
	d := s.aws.options.Durations.Redshift
	s.aws.serial++
	tables := s.tablesOf(c.namespace)
	size := s.tablesOf(snap.namespace).get(snap.taken)[source].size
	t := &tableRestore{
		id: hashedUUID(c.namespace, source.String(), to.String(), strconv.Itoa(s.aws.serial)), cluster: c.config.get(now).name, into: c, from: snap,
		source: source, to: to, asked: now, begins: now.Add(d.TableWait.Base), size: size,
	}
	t.done = t.begins.Add(d.Table.of(size))
	t.status.set(now, tablePending)
	t.status.set(t.begins, tableRunning)
	switch before := tables.get(now); {
	case before.has(to):
		t.message = "A table named " + to.String() + " already exists."
	case !before.holds(to):
		t.message = "The schema " + to.database + "." + to.schema + " does not exist."
	case c.failTables > 0:
		c.failTables--
		t.message = "An internal error occurred."
	}
	if t.message != "" {
		t.status.set(t.done, tableFailed)
		return t
	}
	t.status.set(t.done, tableSucceeded)
	tables.set(t.done, tables.get(now).with(to, clusterTable{size: size, data: snap.data()}))
	return t
}

// state is how far a request is. It ends with the cluster.
func (t *tableRestore) state(when time.Time) string {
	if gone, ok := t.into.goneAt(); ok && gone.Before(t.done) && !when.Before(gone) {
		return tableCanceled
	}
	return t.status.get(when)
}

func (t *tableRestore) show(when time.Time) tableRestoreXML {
	x := tableRestoreXML{
		TableRestoreRequestId: t.id, Status: t.state(when), RequestTime: stamp(t.asked), ClusterIdentifier: t.cluster,
		SnapshotIdentifier: t.from.name, TotalDataInMegaBytes: t.size * 1024,
		SourceDatabaseName: t.source.database, SourceSchemaName: t.source.schema, SourceTableName: t.source.table,
		TargetDatabaseName: t.to.database, TargetSchemaName: t.to.schema, NewTableName: t.to.table,
	}
	switch x.Status {
	case tableFailed:
		x.Message = t.message
	case tableSucceeded:
		x.ProgressInMegaBytes = x.TotalDataInMegaBytes
	case tableRunning:
		x.ProgressInMegaBytes = int(float64(x.TotalDataInMegaBytes) * float64(when.Sub(t.begins)) / float64(t.done.Sub(t.begins)))
	}
	return x
}

// describeTableRestoreStatus lists requests, the oldest first.
func (s *redshiftState) describeTableRestoreStatus(r *request) (any, error) {
	p := r.params
	name, id := p.str("ClusterIdentifier"), p.str("TableRestoreRequestId")
	pg, err := readPage(p)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	g := s.region(r.place(), r.now)
	c, ok := g.cluster(name, r.view)
	if name != "" && !ok {
		return nil, clusterNotFound(name)
	}
	var found []*tableRestore
	for _, t := range g.tableRestores {
		if !t.asked.After(r.view) && (name == "" || t.into == c) && (id == "" || t.id == id) {
			found = append(found, t)
		}
	}
	if id != "" && len(found) == 0 {
		return nil, refuse("TableRestoreNotFoundFault", "The table restore request %s was not found.", id)
	}
	var out tableRestoresResult
	found, out.Marker = cut(found, func(t *tableRestore) string { return stamp(t.asked) + t.id }, pg)
	for _, t := range found {
		out.TableRestoreStatusDetails.TableRestoreStatus = append(out.TableRestoreStatusDetails.TableRestoreStatus, t.show(r.view))
	}
	return out, nil
}
