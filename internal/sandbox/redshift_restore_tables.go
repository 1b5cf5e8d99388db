package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// tableName is a table in a cluster.
type tableName struct{ database, schema, table string }

func (n tableName) String() string { return n.database + "." + n.schema + "." + n.table }

func parseTable(s string) (tableName, error) {
	part := strings.Split(s, ".")
	if len(part) != 3 || part[0] == "" || part[1] == "" || part[2] == "" {
		return tableName{}, fmt.Errorf("%q is not a table such as dev.public.orders", s)
	}
	return tableName{part[0], part[1], part[2]}, nil
}

// clusterTable is what is known of a table: its size in GiB and, where it was restored,
// of what.
type clusterTable struct {
	size int
	data ClusterData
}

// clusterTables are the tables of a cluster. They are never written to once they are in a
// timeline. A table without a name says that its schema exists.
type clusterTables map[tableName]clusterTable

// tablesOf gives the tables of a namespace.
func (s *redshiftState) tablesOf(namespace string) *timeline[clusterTables] {
	got, ok := s.tables[namespace]
	if !ok {
		got = &timeline[clusterTables]{}
		s.tables[namespace] = got
	}
	return got
}

// seededTables gives the tables of a database, each named by schema and table.
func seededTables(database string, names []string) clusterTables {
	out := clusterTables{{database: database, schema: "public"}: {}}
	for _, name := range names {
		schema, table, ok := strings.Cut(name, ".")
		if !ok {
			schema, table = "public", name
		}
		out[tableName{database, schema, table}] = clusterTable{size: 1}
	}
	return out
}

func (ts clusterTables) has(n tableName) bool {
	_, ok := ts[n]
	return ok
}

// holds reports whether there is the schema of a table.
func (ts clusterTables) holds(n tableName) bool {
	for have := range ts {
		if have.database == n.database && have.schema == n.schema {
			return true
		}
	}
	return false
}

func (ts clusterTables) with(n tableName, t clusterTable) clusterTables {
	out := maps.Clone(ts)
	if out == nil {
		out = clusterTables{}
	}
	out[n] = t
	return out
}

// restoredFrom gives the tables as a cluster has them that was restored from a snapshot.
func (ts clusterTables) restoredFrom(snap *clusterSnapshot) clusterTables {
	out := clusterTables{}
	for n, t := range ts {
		out[n] = clusterTable{size: t.size, data: snap.data()}
	}
	return out
}

// PutClusterTable makes a table exist in a Redshift cluster, such as
// "dev.public.orders", or gives it other data, as SQL would.
func (a *AWS) PutClusterTable(account, region, cluster, table string, gib int) error {
	return a.onTables(account, region, cluster, table, func(_ clusterTables, n tableName) (change func(clusterTables) clusterTables, err error) {
		return func(ts clusterTables) clusterTables {
			return ts.with(tableName{n.database, n.schema, ""}, clusterTable{}).with(n, clusterTable{size: gib})
		}, nil
	})
}

// DropClusterTable drops a table of a Redshift cluster, as SQL would.
func (a *AWS) DropClusterTable(account, region, cluster, table string) error {
	return a.onTables(account, region, cluster, table, func(ts clusterTables, n tableName) (change func(clusterTables) clusterTables, err error) {
		if !ts.has(n) {
			return nil, errors.New("there is no such table")
		}
		return func(ts clusterTables) clusterTables {
			out := maps.Clone(ts)
			delete(out, n)
			return out
		}, nil
	})
}

// RenameClusterTable gives a table of a Redshift cluster another name in its schema, as
// ALTER TABLE does.
func (a *AWS) RenameClusterTable(account, region, cluster, table, to string) error {
	return a.onTables(account, region, cluster, table, func(ts clusterTables, n tableName) (change func(clusterTables) clusterTables, err error) {
		next := tableName{n.database, n.schema, to}
		switch {
		case !ts.has(n):
			return nil, errors.New("there is no such table")
		case ts.has(next):
			return nil, fmt.Errorf("there is a table %s already", next)
		}
		return func(ts clusterTables) clusterTables {
			out := ts.with(next, ts[n])
			delete(out, n)
			return out
		}, nil
	})
}

// ClusterTables gives the tables of a Redshift cluster, and of what each was restored.
func (a *AWS) ClusterTables(account, region, name string) (map[string]ClusterData, error) {
	out := map[string]ClusterData{}
	err := a.onCluster(account, region, name, func(c *cluster, now time.Time) {
		for n, t := range a.redshift.tablesOf(c.namespace).get(now) {
			if n.table != "" {
				out[n.String()] = t.data
			}
		}
	})
	return out, err
}

// FailNextTableRestores makes the next n restores of tables to a Redshift cluster end as
// "FAILED".
func (a *AWS) FailNextTableRestores(account, region, name string, n int) error {
	return a.onCluster(account, region, name, func(c *cluster, _ time.Time) { c.failTables = n })
}

// onTables changes the tables of a cluster, those to come included.
func (a *AWS) onTables(account, region, name, table string, do func(clusterTables, tableName) (func(clusterTables) clusterTables, error)) error {
	n, err := parseTable(table)
	if err != nil {
		return fmt.Errorf("cluster %s in %s of %s: %w", name, region, account, err)
	}
	found := a.onCluster(account, region, name, func(c *cluster, now time.Time) {
		tables := a.redshift.tablesOf(c.namespace)
		var change func(clusterTables) clusterTables
		if change, err = do(tables.get(now), n); err == nil {
			amend(tables, now, change)
		}
	})
	if err != nil {
		return fmt.Errorf("table %s of the cluster %s in %s of %s: %w", table, name, region, account, err)
	}
	return found
}
