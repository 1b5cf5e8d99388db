package redshift

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// The operations of the restore of one table: opTable makes it, and opTableEnd takes the
// mark off the cluster.
const (
	opTable    = "table"
	opTableEnd = "table-end"
)

// tableNameLimit is how long the name of a table may be (Amazon Redshift Database
// Developer Guide, "Names and identifiers": 127 bytes).
const tableNameLimit = 127

// tableSkew is how far AWS's clock may be behind the one that says when a restore began.
const tableSkew = 5 * time.Minute

// table names the table of a snapshot and what is made of it, in the same schema.
type table struct{ database, schema, name, as string }

// wantedTable reads what a person asked for.
func wantedTable(r store.Restore) (table, error) {
	part := strings.Split(r.With["table"], ".")
	if len(part) != 3 || part[0] == "" || part[1] == "" || part[2] == "" {
		return table{}, badTable(r, fmt.Errorf("--table %q is not a table", r.With["table"]), "name it with database and schema: dev.public.orders")
	}
	t := table{part[0], part[1], part[2], r.With["as-table"]}
	if t.as == "" { // Nobody has a table of that name.
		tail := "_" + strings.ReplaceAll(r.ID, "-", "_")
		t.as = strings.ToValidUTF8(t.name[:min(len(t.name), tableNameLimit-len(tail))], "") + tail
	}
	switch {
	case strings.Contains(t.as, "."):
		return table{}, badTable(r, fmt.Errorf("--as-table %q has a dot", t.as), "give only a name: the new table is made in the same schema")
	case len(t.as) > tableNameLimit:
		return table{}, badTable(r, fmt.Errorf("--as-table %q is longer than %d bytes", t.as, tableNameLimit), "choose a shorter name")
	}
	return t, nil
}

func badTable(r store.Restore, err error, remedy string) error {
	return &store.Error{Doing: "restore a table of " + r.Name, Fault: store.Invalid, Err: err, Remedy: remedy}
}

// planTable builds the steps. The table is made in the running cluster, under a name
// that is free: Redshift itself writes over none (RestoreTableFromClusterSnapshot).
func (w warehouses) planTable(ctx context.Context, r store.Restore) (store.Restoration, error) {
	if !r.InPlace || r.RenameFirst {
		return store.Restoration{}, badTable(r, errors.New("one table is restored into the running cluster"), "leave --as and --order out; --as-table names the new table")
	}
	t, err := wantedTable(r)
	if err != nil {
		return store.Restoration{}, err
	}
	c, found, err := w.Find(ctx, r.Name)
	if err != nil {
		return store.Restoration{}, fmt.Errorf("look at cluster %s: %w", r.Name, err)
	}
	if err := ofCluster(r, c, found); err != nil {
		return store.Restoration{}, err
	}
	return store.Restoration{
		Saga: tableSaga(r, t), Needs: "the room for the table in the cluster",
		Notes: []string{
			"views on the table and permissions for it are not restored with it",
			"a table with an interleaved sort key cannot be restored by itself",
		},
		Remains: fmt.Sprintf("Redshift can neither be told to stop restoring a table nor to drop one: %s.%s.%s may still appear in %s; drop it if nobody needs it",
			t.database, t.schema, t.as, r.Name),
	}, nil
}

// ofCluster refuses a snapshot that is not of the cluster as it is now (Amazon Redshift
// Management Guide, "Restoring a table from a snapshot": only from a snapshot that was
// taken of that cluster, and not of before a resize).
func ofCluster(r store.Restore, c *seen, found bool) error {
	const remedy = "restore the whole cluster under another name (--as), and copy the table from there"
	if !found || namespaceID(c.Cluster) != r.Old {
		return badTable(r, fmt.Errorf("cluster %s is not there", r.Name), remedy)
	}
	is := settings(c.Cluster)
	switch of := r.Settings["resource-id"]; {
	case of != "" && of != r.Old:
		return badTable(r, fmt.Errorf("snapshot %s is not of this cluster but of one that %s has replaced", r.From.Ref.ID, r.Name), remedy)
	case r.Settings["node"] != "" && r.Settings["node"] != is["node"]:
		return badTable(r, fmt.Errorf("snapshot %s was taken before the cluster was resized, of %s nodes, and they are %s now", r.From.Ref.ID, r.Settings["node"], is["node"]), remedy)
	}
	return nil
}

func tableSaga(r store.Restore, t table) saga.Saga {
	args := map[string]string{
		"id": r.ID, "old": r.Old, "name": r.Name, "owner": r.Owner, "snapshot": r.From.Ref.ID, "request": string(r.Request()),
		"begun": r.Begun.UTC().Format(time.RFC3339), "database": t.database, "schema": t.schema, "table": t.name, "as": t.as,
	}
	what := t.database + "." + t.schema + "." + t.name
	return saga.Saga{ID: r.ID, Title: fmt.Sprintf("restore table %s of %s from %s", what, r.Name, r.From.Ref.ID), Steps: []saga.Step{
		{Name: "mark", Title: "mark " + r.Name, Op: swap.OpMark, Args: args, Expect: 5 * time.Second, Deadline: 10 * time.Minute},
		{Name: "table", Title: "restore " + what + " as " + t.as, Op: opTable, Args: args, Expect: 5 * time.Minute, Deadline: 24 * time.Hour},
		{Name: "finish", Title: "take the mark off " + r.Name, Op: opTableEnd, Args: args, Expect: 5 * time.Second, Deadline: 10 * time.Minute},
	}}
}

// requested looks among the requests of a cluster for that of a step, and whether
// another is under way, for Redshift does one at a time.
func (w warehouses) requested(ctx context.Context, st saga.Step) (mine *types.TableRestoreStatus, other bool, err error) {
	begun, err := time.Parse(time.RFC3339, st.Args["begun"])
	if err != nil {
		return nil, false, saga.Hopeless(err)
	}
	pages := redshift.NewDescribeTableRestoreStatusPaginator(w.api, &redshift.DescribeTableRestoreStatusInput{
		ClusterIdentifier: aws.String(st.Args["name"]), MaxRecords: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, false, fmt.Errorf("look at the restores of tables of %s: %w", st.Args["name"], err)
		}
		for i := range page.TableRestoreStatusDetails {
			s := &page.TableRestoreStatusDetails[i]
			switch {
			case isRequest(s, st) && !aws.ToTime(s.RequestTime).Before(begun.Add(-tableSkew)):
				mine = s // The last, should there be several.
			case s.Status == types.TableRestoreStatusTypePending, s.Status == types.TableRestoreStatusTypeInProgress:
				other = true
			}
		}
	}
	return mine, other, nil
}

func isRequest(s *types.TableRestoreStatus, st saga.Step) bool {
	for arg, is := range map[string]*string{
		"snapshot": s.SnapshotIdentifier, "database": s.SourceDatabaseName, "schema": s.SourceSchemaName, "table": s.SourceTableName, "as": s.NewTableName,
	} {
		if !strings.EqualFold(aws.ToString(is), st.Args[arg]) {
			return false
		}
	}
	return true
}

func (k worker) probeTable(ctx context.Context, st saga.Step) (saga.Progress, error) {
	s, other, err := k.w.requested(ctx, st)
	if err != nil {
		return saga.Progress{}, err
	}
	if s == nil {
		return k.mayTable(ctx, st, other)
	}
	p := saga.Progress{State: saga.Underway, Note: string(s.Status)}
	if total := aws.ToInt64(s.TotalDataInMegaBytes); total > 0 {
		p.Percent = int(100 * aws.ToInt64(s.ProgressInMegaBytes) / total)
	}
	switch s.Status {
	case types.TableRestoreStatusTypeSucceeded:
		p.State = saga.Done
	case types.TableRestoreStatusTypeFailed, types.TableRestoreStatusTypeCanceled:
		return p, saga.Hopeless(&store.Error{
			Doing: "restore table " + st.Args["table"] + " as " + st.Args["as"], Fault: store.Invalid,
			Err:    fmt.Errorf("Redshift says %s: %s", s.Status, aws.ToString(s.Message)), //nolint:staticcheck // A name.
			Remedy: "if there is a table " + st.Args["as"] + ", choose another name (--as-table); else restore the whole cluster under another name (--as), and copy the table from there",
		})
	default:
	}
	return p, nil
}

// mayTable says whether the restore of a table can be begun now.
func (k worker) mayTable(ctx context.Context, st saga.Step, other bool) (saga.Progress, error) {
	c, found, err := k.w.Find(ctx, st.Args["name"])
	switch {
	case err != nil:
		return saga.Progress{}, fmt.Errorf("look at cluster %s: %w", st.Args["name"], err)
	case !found || namespaceID(c.Cluster) != st.Args["old"]:
		return saga.Progress{State: saga.NotBegun}, nil // To begin it says what is wrong.
	case other:
		return saga.Progress{State: saga.NotYet, Note: "another table is being restored"}, nil
	case !k.w.Facts(c).Changeable:
		return saga.Progress{State: saga.NotYet, Note: aws.ToString(c.ClusterStatus)}, nil
	}
	return saga.Progress{State: saga.NotBegun, Note: aws.ToString(c.ClusterStatus)}, nil
}

// restoreTable asks Redshift for the table.
func (w warehouses) restoreTable(ctx context.Context, st saga.Step) error {
	c, found, err := w.Find(ctx, st.Args["name"])
	switch {
	case err != nil:
		return fmt.Errorf("look at cluster %s: %w", st.Args["name"], err)
	case !found || namespaceID(c.Cluster) != st.Args["old"]:
		return fmt.Errorf("cluster %s is not the one any more whose snapshot %s is", st.Args["name"], st.Args["snapshot"])
	}
	in := &redshift.RestoreTableFromClusterSnapshotInput{
		ClusterIdentifier: c.ClusterIdentifier, SnapshotIdentifier: aws.String(st.Args["snapshot"]),
		SourceDatabaseName: aws.String(st.Args["database"]), SourceSchemaName: aws.String(st.Args["schema"]), SourceTableName: aws.String(st.Args["table"]),
		TargetDatabaseName: aws.String(st.Args["database"]), TargetSchemaName: aws.String(st.Args["schema"]), NewTableName: aws.String(st.Args["as"]),
	}
	if all := st.Args["database"] + st.Args["schema"] + st.Args["table"] + st.Args["as"]; all != strings.ToLower(all) {
		in.EnableCaseSensitiveIdentifier = aws.Bool(true)
	}
	_, err = w.api.RestoreTableFromClusterSnapshot(ctx, in)
	return err
}

// probeTableEnd: nothing is left on the cluster by which the end could be told from the
// beginning, so the table has to be there.
func (k worker) probeTableEnd(ctx context.Context, st saga.Step) (saga.Progress, error) {
	marked, err := k.Worker.Undone(ctx, saga.Step{Op: swap.OpMark, Args: st.Args})
	if err != nil || !marked {
		return saga.Progress{State: saga.NotBegun}, err
	}
	s, _, err := k.w.requested(ctx, st)
	if err != nil || s == nil || s.Status != types.TableRestoreStatusTypeSucceeded {
		return saga.Progress{State: saga.NotBegun}, err
	}
	return saga.Progress{State: saga.Done}, nil
}

var _ swap.Cloud[*seen] = warehouses{}

var _ store.Restorer = (*Driver)(nil)
