package redshift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// clusterNameLimit is how long the name of a cluster may be
// (RestoreFromClusterSnapshot, ClusterIdentifier: "from 1 to 63").
const clusterNameLimit = 63

// nameFollows is how long a renamed cluster takes to answer under its new name (Amazon
// Redshift Management Guide, "Renaming a cluster": "within about 10 minutes"), beyond
// the minute that any rename is taken to last.
const nameFollows = 9 * time.Minute

// restoreAPI is the part of the SDK's client that restores use.
type restoreAPI interface {
	redshift.DescribeClustersAPIClient
	redshift.DescribeClusterSnapshotsAPIClient
	redshift.DescribeTableRestoreStatusAPIClient
	DescribeLoggingStatus(context.Context, *redshift.DescribeLoggingStatusInput, ...func(*redshift.Options)) (*redshift.DescribeLoggingStatusOutput, error)
	CreateTags(context.Context, *redshift.CreateTagsInput, ...func(*redshift.Options)) (*redshift.CreateTagsOutput, error)
	DeleteTags(context.Context, *redshift.DeleteTagsInput, ...func(*redshift.Options)) (*redshift.DeleteTagsOutput, error)
	RestoreFromClusterSnapshot(context.Context, *redshift.RestoreFromClusterSnapshotInput, ...func(*redshift.Options)) (*redshift.RestoreFromClusterSnapshotOutput, error)
	RestoreTableFromClusterSnapshot(context.Context, *redshift.RestoreTableFromClusterSnapshotInput, ...func(*redshift.Options)) (*redshift.RestoreTableFromClusterSnapshotOutput, error)
	ModifyCluster(context.Context, *redshift.ModifyClusterInput, ...func(*redshift.Options)) (*redshift.ModifyClusterOutput, error)
	RebootCluster(context.Context, *redshift.RebootClusterInput, ...func(*redshift.Options)) (*redshift.RebootClusterOutput, error)
	EnableLogging(context.Context, *redshift.EnableLoggingInput, ...func(*redshift.Options)) (*redshift.EnableLoggingOutput, error)
	EnableSnapshotCopy(context.Context, *redshift.EnableSnapshotCopyInput, ...func(*redshift.Options)) (*redshift.EnableSnapshotCopyOutput, error)
	DeleteCluster(context.Context, *redshift.DeleteClusterInput, ...func(*redshift.Options)) (*redshift.DeleteClusterOutput, error)
}

// warehouses are the clusters of one site.
type warehouses struct {
	api  restoreAPI
	site dr.Site
}

func (d *Driver) warehouses(ctx context.Context, site dr.Site) (warehouses, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return warehouses{}, err
	}
	return warehouses{redshift.NewFromConfig(cfg), site}, nil
}

// worker does the steps of restores: those that all stores have, and Redshift's own,
// which are about a snapshot or a table.
type worker struct {
	swap.Worker[*seen]
	w warehouses
}

// Worker does the steps of restores at a site.
func (d *Driver) Worker(ctx context.Context, site dr.Site) (saga.Worker, error) {
	w, err := d.warehouses(ctx, site)
	return worker{swap.Worker[*seen]{Cloud: w}, w}, err
}

// Probe looks how far a step has come. A cluster of which a snapshot is being taken
// shows as available and refuses every change, so that is looked for.
func (k worker) Probe(ctx context.Context, st saga.Step) (saga.Progress, error) {
	switch st.Op {
	case opNote:
		return k.w.probeNote(ctx, st)
	case opTable:
		return k.probeTable(ctx, st)
	case opTableEnd:
		return k.probeTableEnd(ctx, st)
	}
	p, err := k.Worker.Probe(ctx, st)
	changed := st.Args["name"]
	switch st.Op {
	case swap.OpRename:
		changed = st.Args["from"]
	case opSettle, opReboot, opCopies:
	default:
		return p, err
	}
	if err != nil || p.State != saga.NotBegun {
		return p, err
	}
	taking, err := k.w.snapshotting(ctx, changed)
	if taking {
		p = saga.Progress{State: saga.NotYet, Note: "a snapshot of it is being taken"}
	}
	return p, err
}

// Do begins a step.
func (k worker) Do(ctx context.Context, st saga.Step) error {
	switch st.Op {
	case opNote:
		return k.w.note(ctx, st)
	case opTable:
		return k.w.restoreTable(ctx, st)
	case opTableEnd:
		return k.Worker.Undo(ctx, saga.Step{Op: swap.OpMark, Args: st.Args})
	}
	return k.Worker.Do(ctx, st)
}

// Undo begins to take a step back. A table that is being restored cannot be stopped.
func (k worker) Undo(ctx context.Context, st saga.Step) error {
	switch st.Op {
	case opNote:
		return k.w.forget(ctx, st)
	case opTable, opTableEnd:
		return nil
	}
	return k.Worker.Undo(ctx, st)
}

// Undone looks whether a step is taken back.
func (k worker) Undone(ctx context.Context, st saga.Step) (bool, error) {
	switch st.Op {
	case opNote:
		noted, _, err := k.w.noted(ctx, st)
		return !noted, err
	case opTable, opTableEnd:
		return true, nil
	}
	return k.Worker.Undone(ctx, st)
}

// Restore builds the steps of a restore. Nothing is changed.
func (d *Driver) Restore(ctx context.Context, r store.Restore) (store.Restoration, error) {
	if err := r.Only("table", "as-table"); err != nil {
		return store.Restoration{}, err
	}
	if isServerless(r.From.Ref.ID) {
		return store.Restoration{}, noServerless(r)
	}
	w, err := d.warehouses(ctx, r.From.Ref.Site)
	if err != nil {
		return store.Restoration{}, err
	}
	if err := w.mayReplace(ctx, r); err != nil {
		return store.Restoration{}, err
	}
	if r.With["table"] != "" {
		return w.planTable(ctx, r)
	}
	if err := mayBeCalled(r); err != nil {
		return store.Restoration{}, err
	}
	if err := (swap.Worker[*seen]{Cloud: w}).Free(ctx, r, clusterNameLimit); err != nil {
		return store.Restoration{}, err
	}
	s := swap.New(r, clusterNameLimit)
	s.Answers = nameFollows
	// The call that makes a cluster takes no tags. What it makes is known by its name
	// until it bears its mark, so the name has to hold the ID of the restore.
	s.Beside = r.Beside(clusterNameLimit)
	return store.Restoration{
		Saga: s.Saga(func() { makeCluster(s) }, nil), Losses: losses(r), Notes: notes(r), Needs: needs(r),
	}, nil
}

// noServerless: RestoreFromSnapshot of Redshift Serverless writes over a namespace that
// is there, so nothing can be made beside it, checked, and swapped.
func noServerless(r store.Restore) error {
	name := strings.TrimPrefix(r.From.Ref.ID, serverlessPrefix)
	return &store.Error{
		Doing: "restore " + r.Name, Fault: store.Invalid,
		Err: errors.New("holdfast does not restore namespaces of Redshift Serverless: the service can only write over one that is there"),
		Remedy: "make a namespace and a workgroup for it, and run aws redshift-serverless restore-from-snapshot --snapshot-name " + name +
			" --namespace-name NEW --workgroup-name NEW",
	}
}

// mayReplace refuses what is restored in the place of a cluster, or into one, that
// cannot be renamed or is in another restore. What is under way was looked at when it
// was begun.
func (w warehouses) mayReplace(ctx context.Context, r store.Restore) error {
	if !r.InPlace {
		return nil
	}
	refuse := func(fault store.Fault, remedy, format string, args ...any) error {
		return &store.Error{Doing: "restore " + r.Name, Fault: fault, Err: fmt.Errorf(format, args...), Remedy: remedy}
	}
	if r.Old == "" {
		return refuse(store.Invalid, "restore under another name (--as)", "Redshift does not tell the namespace of cluster %s, by which it is known after a rename", r.Name)
	}
	c, found, err := w.Find(ctx, r.Name)
	if err != nil {
		return fmt.Errorf("look at cluster %s: %w", r.Name, err)
	}
	if !found || namespaceID(c.Cluster) != r.Old {
		return nil // It is on its way.
	}
	f := w.Facts(c)
	switch other := f.Tags[dr.TagRestore]; {
	case other == r.ID:
		return nil
	case other != "":
		return refuse(store.Conflict, "`holdfast restore resume "+other+"` goes on, `holdfast restore abort "+other+"` takes it back", "restore %s of cluster %s is under way", other, r.Name)
	case f.Status == "paused":
		return refuse(store.Busy, "resume it (aws redshift resume-cluster --cluster-identifier "+r.Name+"), or restore under another name (--as)", "cluster %s is paused", r.Name)
	case f.Broken != nil:
		return refuse(store.Busy, "restore under another name (--as)", "%w, and cannot be renamed", f.Broken)
	case r.With["table"] != "" && !f.Changeable:
		return refuse(store.Busy, "wait until it is available", "cluster %s is %s", r.Name, f.Status)
	case len(c.Tags)+len(dr.RestoreMark(r.ID, dr.RoleOld, r.Request())) > maxTags:
		return refuse(store.Quota, "take some tags off it", "cluster %s has %d tags of the %d that AWS allows, and a restore has to mark it", r.Name, len(c.Tags), maxTags)
	}
	return nil
}

// mayBeCalled refuses a name that would be taken for that of a cluster in the making.
func mayBeCalled(r store.Restore) error {
	if makingName.MatchString(r.Name) {
		return &store.Error{
			Doing: "restore as " + r.Name, Fault: store.Invalid, Err: errors.New("only restores that are under way give such names"),
			Remedy: "choose another name (--as)",
		}
	}
	return nil
}

// makeCluster restores the new one, gives it what the call does not take, and, where it
// does not take the place of one that still has the name, its name.
func makeCluster(s *swap.Steps) {
	r := s.Restore
	if !r.InPlace {
		s.Add(saga.Step{Name: "note", Title: "note on the snapshot what it is restored as", Op: opNote, Expect: 5 * time.Second, Deadline: 10 * time.Minute})
	}
	var own []string
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		own = append(own, ownTag+k, r.Tags[k])
	}
	gib := r.From.Bytes >> 30
	s.Make(saga.Step{
		Name: "restore", Title: "restore " + r.From.Ref.ID + " as " + s.Beside, Op: swap.OpRestore,
		Expect: 15*time.Minute + time.Duration(gib)*time.Second/2, Deadline: 24 * time.Hour,
	}, "key", otherKey(r))
	s.Make(saga.Step{Name: "tags", Title: "give it its tags, and not those of the snapshot", Op: opTags, Expect: 5 * time.Second, Deadline: time.Hour}, own...)
	s.Make(saga.Step{Name: "settle", Title: "see that it has its settings", Op: opSettle, Looks: true, Expect: time.Minute, Deadline: 12 * time.Hour})
	s.Make(saga.Step{Name: "reboot", Title: "reboot it if its parameter group asks for that", Op: opReboot, Looks: true, Expect: time.Minute, Deadline: 2 * time.Hour})
	if r.Settings["logging"] != "" {
		s.Make(saga.Step{Name: "logging", Title: "turn its audit logs on", Op: opLogging, Expect: 5 * time.Second, Deadline: time.Hour})
	}
	if r.Settings["copy-region"] != "" {
		s.Make(saga.Step{Name: "copies", Title: "have its snapshots copied to " + r.Settings["copy-region"], Op: opCopies, Expect: 5 * time.Second, Deadline: time.Hour})
	}
	if !r.InPlace || r.RenameFirst {
		s.Rename("in", s.Beside, r.Name, dr.RoleNew)
		s.Beside = r.Name
	}
}

// Marks finds the restores that are under way.
func (d *Driver) Marks(ctx context.Context, site dr.Site) ([]store.Mark, error) {
	w, err := d.warehouses(ctx, site)
	if err != nil {
		return nil, err
	}
	marks := swap.Marks{Site: site}
	clusters := redshift.NewDescribeClustersPaginator(w.api, &redshift.DescribeClustersInput{MaxRecords: aws.Int32(pageSize)})
	for clusters.HasMorePages() {
		page, err := clusters.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list clusters: %w", err)
		}
		for _, c := range page.Clusters {
			marks.Add(aws.ToString(c.ClusterIdentifier), plainTags(c.Tags))
		}
	}
	snapshots := redshift.NewDescribeClusterSnapshotsPaginator(w.api, &redshift.DescribeClusterSnapshotsInput{
		TagKeys: []string{dr.TagRestore}, MaxRecords: aws.Int32(pageSize),
	})
	for snapshots.HasMorePages() {
		page, err := snapshots.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the snapshots that are being restored: %w", err)
		}
		for _, s := range page.Snapshots {
			marks.Add(aws.ToString(s.SnapshotIdentifier), plainTags(s.Tags))
		}
	}
	return marks.All(), nil
}

// Endpoint gives where a cluster answers.
func (d *Driver) Endpoint(ctx context.Context, site dr.Site, name string) (store.Endpoint, error) {
	w, err := d.warehouses(ctx, site)
	if err != nil {
		return store.Endpoint{}, err
	}
	c, found, err := w.Find(ctx, name)
	switch {
	case err != nil:
		return store.Endpoint{}, err
	case !found || c.Endpoint == nil || c.Endpoint.Address == nil:
		return store.Endpoint{}, fmt.Errorf("cluster %s has no endpoint", name)
	}
	return store.Endpoint{Host: aws.ToString(c.Endpoint.Address), Port: int(aws.ToInt32(c.Endpoint.Port)), Engine: "redshift"}, nil
}

// retire deletes a cluster that was kept after a restore. A namespace never is one.
func (d *Driver) retire(ctx context.Context, a plan.Action) error {
	if isServerless(a.From.ID) {
		return fmt.Errorf("redshift cannot %s a namespace", a.Verb)
	}
	w, err := d.warehouses(ctx, a.From.Site)
	if err != nil {
		return err
	}
	return swap.Worker[*seen]{Cloud: w}.Retire(ctx, a)
}
