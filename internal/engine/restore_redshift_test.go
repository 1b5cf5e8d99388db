package engine_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
)

const daily = oneSite + `
  daily:
    match: {kinds: [redshift], name: "^dwh$"}
    every: 1d
    keep: {last: 4, floor: 2}
`

// warehouse starts a process that knows Redshift alone.
func (w *world) warehouse(text string) *process {
	w.Helper()
	c, f := w.Client(), parseAll(w, text)
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: c, Credentials: session.Static(prod), Version: "test",
	}, f.Sites)
	return &process{Engine: &engine.Engine{
		File: f, Stores: []*store.Store{store.New(redshift.New(sessions, dr.Candidates{}))}, Reach: sessions.Confirm, Clock: w.clock,
	}, client: c}
}

func (w *world) redshiftConsole() *sdk.Client { return sdk.NewFromConfig(w.console(region)) }

// richWarehouse puts in a cluster with every setting that a snapshot does not carry, and
// a good snapshot of it.
func (w *world) richWarehouse() {
	w.Helper()
	for in, alias := range map[string]string{region: "alias/data", "us-west-2": "alias/west"} {
		_, err := w.PutKey(prod, in, sandbox.SeedKey{Name: alias})
		w.must(err)
	}
	w.must(w.PutSnapshotCopyGrant(prod, "us-west-2", "to-west", "alias/west"))
	days := 5
	w.must(w.PutCluster(prod, region, "dwh", sandbox.SeedCluster{
		Age: sandbox.Age(99 * time.Hour), NodeType: "ra3.4xlarge", Nodes: 4, Size: 1000, Key: "alias/data", User: "master", DBName: "sales",
		SubnetGroup: "private", ParameterGroup: "tuned", SecurityGroups: []string{"sg-2", "sg-1"},
		Roles:             []string{"arn:aws:iam::111111111111:role/load", "arn:aws:iam::111111111111:role/copy"},
		MaintenanceWindow: "sun:04:00-sun:04:30", Schedule: "nightly", Public: true, EnhancedRouting: true, MultiAZ: true, Relocation: true,
		Retention: &days, SnapshotCopy: sandbox.SeedSnapshotCopy{Region: "us-west-2", Days: 3, ManualDays: 30, Grant: "to-west"},
		Logging: sandbox.SeedLogging{To: "s3", Bucket: "audit-logs", Prefix: "dwh/", Exports: []string{"connectionlog", "userlog"}},
		Tags:    map[string]string{"team": "bi", "empty": "", "holdfast:policy": "daily"}, Tables: []string{"public.orders", "public.lines"},
	}))
	w.clean(w.warehouse(daily).RunAndWait(w.Context(), time.Minute))
}

// clusters gives the clusters by name.
func (w *world) clusters() map[string]types.Cluster {
	w.Helper()
	out, err := w.redshiftConsole().DescribeClusters(context.WithoutCancel(w.Context()), &sdk.DescribeClustersInput{})
	w.must(err)
	all := map[string]types.Cluster{}
	for _, c := range out.Clusters {
		if aws.ToString(c.ClusterStatus) != "deleting" {
			all[aws.ToString(c.ClusterIdentifier)] = c
		}
	}
	return all
}

func (w *world) clusterNames() []string { return slices.Sorted(maps.Keys(w.clusters())) }

func clusterTags(c types.Cluster) dr.Tags {
	out := dr.Tags{}
	for _, t := range c.Tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

func inPlaceOf(name string, first bool) engine.RestoreWish {
	return engine.RestoreWish{Resource: name, From: "latest", KeepOld: 24 * time.Hour, RenameFirst: first}
}

// marked gives what bears the mark of a restore, clusters and snapshots.
func (w *world) marked() []string {
	w.Helper()
	var out []string
	for name, c := range w.clusters() {
		if clusterTags(c)[dr.TagRestore] != "" {
			out = append(out, name)
		}
	}
	snaps, err := w.redshiftConsole().DescribeClusterSnapshots(context.WithoutCancel(w.Context()), &sdk.DescribeClusterSnapshotsInput{TagKeys: []string{dr.TagRestore}})
	w.must(err)
	for _, s := range snaps.Snapshots {
		out = append(out, aws.ToString(s.SnapshotIdentifier))
	}
	return out
}

// asItWas compares every captured setting, and the tags, with what a cluster has now.
func (w *world) asItWas(r engine.Restoring, name string) {
	w.Helper()
	lost := func(setting string) bool {
		return setting == "resource-id" || slices.ContainsFunc(r.Losses, func(l string) bool { return strings.HasPrefix(l, setting+" ") })
	}
	inv := w.warehouse(daily).Observe(context.WithoutCancel(w.Context()))
	i := slices.IndexFunc(inv.Resources, func(x dr.Resource) bool { return x.Ref.ID == name })
	if i < 0 {
		w.Fatalf("there is no %s", name)
	}
	is, err := inv.Resources[i].Config.Settings()
	w.must(err)
	logs, err := w.redshiftConsole().DescribeLoggingStatus(context.WithoutCancel(w.Context()), &sdk.DescribeLoggingStatusInput{ClusterIdentifier: &name})
	w.must(err)
	if aws.ToBool(logs.LoggingEnabled) {
		is["logging"], is["log-bucket"], is["log-prefix"] = string(logs.LogDestinationType), aws.ToString(logs.BucketName), aws.ToString(logs.S3KeyPrefix)
		is["log-exports"] = strings.Join(slices.Sorted(slices.Values(logs.LogExports)), ",")
	}
	if len(r.Request.Settings) < 20 {
		w.Errorf("only %v was captured", r.Request.Settings)
	}
	for setting := range maps.All(r.Request.Settings) {
		if want := r.Request.Settings[setting]; is[setting] != want && !lost(setting) {
			w.Errorf("%s is %q, was %q", setting, is[setting], want)
		}
	}
	for setting, value := range is {
		if r.Request.Settings[setting] != value && !lost(setting) {
			w.Errorf("%s is %q, was %q", setting, value, r.Request.Settings[setting])
		}
	}
	tags := inv.Resources[i].Tags
	want := dr.Tags{"team": "bi", "empty": "", "holdfast:policy": "daily", dr.TagRestored: r.Request.ID}
	if !maps.Equal(tags, want) {
		w.Errorf("its tags are %v, want %v", tags, want)
	}
}

// warehouseEndsWell: one cluster serves under the name, either the original, alone, or
// the restored one, beside the original that is kept; and nothing else is there.
func warehouseEndsWell(w *world, r engine.Restoring, res saga.Result) {
	w.Helper()
	c, ok := w.clusters()["dwh"]
	if !ok || aws.ToString(c.ClusterStatus) != "available" {
		w.Fatalf("nothing serves as dwh: %v (%+v)", w.clusterNames(), res)
	}
	if marked := w.marked(); len(marked) > 0 {
		w.Errorf("%v still bear a mark (%+v)", marked, res)
	}
	data, err := w.ClusterData(prod, region, "dwh")
	w.must(err)
	names := w.clusterNames()
	switch {
	case data.Snapshot == "" && len(names) == 1 && res.Outcome == saga.RolledBack: // The original, and nothing is left over.
	case data.Snapshot == "" && len(names) == 1: // It died before anything was changed.
	case strings.HasSuffix(data.Snapshot, "/"+r.Request.From.Ref.ID) && len(names) == 2 && strings.HasPrefix(names[1], "dwh-old-"):
		old := clusterTags(w.clusters()[names[1]])
		if old[dr.TagExpires] == "" || old[dr.TagKeeper] != "test" || old[dr.TagReplaced] != "dwh" || old["team"] != "bi" {
			w.Errorf("the old one bears %v", old)
		}
		w.asItWas(r, "dwh")
	default:
		w.Errorf("dwh holds %q, and there are %v (%+v)", data.Snapshot, names, res)
	}
}

// copyEndsWell: the original serves as before, and beside it the restored one, whole, or
// nothing.
func copyEndsWell(w *world, r engine.Restoring, res saga.Result) {
	w.Helper()
	data, err := w.ClusterData(prod, region, "dwh")
	w.must(err)
	names := w.clusterNames()
	if marked := w.marked(); len(marked) > 0 || data.Snapshot != "" {
		w.Errorf("%v still bear a mark, and dwh holds %q (%+v)", marked, data.Snapshot, res)
	}
	switch {
	case slices.Equal(names, []string{"dwh"}):
	case slices.Equal(names, []string{"dwh", "dwh-copy"}):
		if data, err := w.ClusterData(prod, region, "dwh-copy"); err != nil || !strings.HasSuffix(data.Snapshot, "/"+r.Request.From.Ref.ID) {
			w.Errorf("dwh-copy holds %q: %v", data.Snapshot, err)
		}
		w.asItWas(r, "dwh-copy")
	default:
		w.Errorf("there are %v (%+v)", names, res)
	}
}

// In place, in both orders: the new one has the name, the data and all settings, the old
// one is kept.
func TestRestoreRedshiftInPlace(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("rename-first=%v", first), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.richWarehouse()
				p := w.warehouse(daily)
				r := w.planRestore(p, inPlaceOf("dwh", first))
				if !slices.Equal(r.Losses, []string{"zone us-east-1a"}) {
					w.Errorf("losses: %v", r.Losses)
				}
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if res.Outcome != saga.Finished || len(w.clusters()) != 2 {
					w.Fatalf("%+v: %v", res, w.clusterNames())
				}
				warehouseEndsWell(w, r, res)
			})
		})
	}
}

func TestRestoreRedshiftAsNew(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richWarehouse()
		p := w.warehouse(daily)
		wish := engine.RestoreWish{Resource: "dwh", From: "latest", As: "dwh-copy"}
		r := w.planRestore(p, wish)
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		if res.Outcome != saga.Finished || len(w.clusters()) != 2 {
			w.Fatalf("%+v: %v", res, w.clusterNames())
		}
		copyEndsWell(w, r, res)
		for _, as := range []string{"dwh-copy", "x-new-r1121t0633-ab12"} {
			wish.As = as
			if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish); err == nil || store.Remedy(err) == "" {
				w.Errorf("a restore as %s is planned: %v", as, err)
			}
		}
	})
}

// Whichever call fails, loses its answer or is the last before a crash: all is whole in
// the end, or as it was.
func TestRestoreEveryCallRedshift(t *testing.T) {
	sc := restoreScene{file: daily, seed: (*world).richWarehouse, open: (*world).warehouse, poll: 2 * time.Minute}
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("rename-first=%v", first), func(t *testing.T) {
			sc.wish, sc.judge = inPlaceOf("dwh", first), warehouseEndsWell
			sc.everyCall(t)
		})
	}
	t.Run("as new", func(t *testing.T) {
		sc.wish, sc.judge = engine.RestoreWish{Resource: "dwh", From: "latest", As: "dwh-copy"}, copyEndsWell
		sc.everyCall(t)
	})
}

// stopAt runs a restore until a step is begun, and gives it as another machine finds it.
func (w *world) stopAt(wish engine.RestoreWish, step string) (*process, engine.Restoring) {
	w.Helper()
	p := w.warehouse(daily)
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	_, err := p.RunRestore(ctx, w.planRestore(p, wish), restorePoll, func(ev saga.Event) {
		if ev.Kind == saga.Began && ev.Step.Name == step {
			cancel()
		}
	})
	w.must(err)
	q := w.warehouse(daily)
	found, err := q.Restores(w.Context(), q.Observe(w.Context()))
	w.must(err)
	if len(found) != 1 {
		w.Fatalf("%d restores under way", len(found))
	}
	return q, found[0]
}

// A restore that a person takes back leaves the original under its name, alone.
func TestRestoreRedshiftAborted(t *testing.T) {
	asNew := engine.RestoreWish{Resource: "dwh", From: "latest", As: "dwh-copy"}
	for name, tc := range map[string]struct {
		wish  engine.RestoreWish
		steps []string
	}{
		"beside":       {inPlaceOf("dwh", false), []string{"restore", "logging", "copies", "away", "in"}},
		"rename-first": {inPlaceOf("dwh", true), []string{"away", "restore", "copies", "in"}},
		"as new":       {asNew, []string{"restore", "logging", "in", "finish"}},
	} {
		for _, step := range tc.steps {
			t.Run(name+" "+step, func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.richWarehouse()
					q, r := w.stopAt(tc.wish, step)
					res, err := q.AbortRestore(w.Context(), r, restorePoll, nil)
					w.must(err)
					if res.Outcome != saga.RolledBack || len(w.clusters()) != 1 {
						w.Errorf("%+v: %v", res, w.clusterNames())
					}
					warehouseEndsWell(w, r, res)
				})
			})
		}
	}
}

// Downtime: with the new one beside, two renames; with the old one renamed first, the
// restore too.
func TestRestoreRedshiftDowntime(t *testing.T) {
	gone := map[bool]time.Duration{}
	for _, first := range []bool{false, true} {
		bubble(t, sandbox.Options{
			Latency:   20 * time.Millisecond,
			Durations: sandbox.Durations{Redshift: sandbox.RedshiftDurations{Restore: sandbox.Duration{Base: 15 * time.Minute, PerGiB: 2 * time.Second}}},
		}, func(w *world) {
			w.must(w.PutCluster(prod, region, "dwh", sandbox.SeedCluster{Age: sandbox.Age(99 * time.Hour), Size: 2048}))
			p := w.warehouse(daily)
			w.clean(p.RunAndWait(w.Context(), time.Minute))
			address := aws.ToString(w.clusters()["dwh"].Endpoint.Address)
			stop, down := make(chan struct{}), make(chan time.Duration)
			go func() { // Asks every second whether anybody answers at the address.
				total := time.Duration(0)
				for {
					select {
					case <-stop:
						down <- total
						return
					case <-time.After(time.Second):
						if w.ClusterAnswering(address) == "" {
							total += time.Second
						}
					}
				}
			}()
			res, err := p.RunRestore(w.Context(), w.planRestore(p, inPlaceOf("dwh", first)), restorePoll, nil)
			w.must(err)
			close(stop)
			if gone[first] = <-down; res.Outcome != saga.Finished {
				w.Errorf("%+v", res)
			}
		})
	}
	t.Logf("nobody answers for %s; with the old one renamed first for %s", gone[false], gone[true])
	if gone[false] < 20*time.Minute || gone[false] > 22*time.Minute || gone[true] < 3*gone[false] {
		t.Error("want the two renames of ten minutes, and three times that at least with the old one renamed first")
	}
}

// Where the process dies between the call that makes the cluster and the one that marks
// it, the cluster is known by its name: it can be resumed and taken back. What only has
// such a name and was not made by a restore is never touched.
func TestRestoreRedshiftUnmarked(t *testing.T) {
	asNew := engine.RestoreWish{Resource: "dwh", From: "latest", As: "dwh-copy"}
	for name, wish := range map[string]engine.RestoreWish{"in place": inPlaceOf("dwh", false), "as new": asNew} {
		for _, resume := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, resume=%v", name, resume), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.richWarehouse()
					p := w.warehouse(daily)
					r := w.planRestore(p, wish)
					w.Inject(sandbox.Fault{Match: sandbox.Match{Action: "RestoreFromClusterSnapshot", Client: p.client}, Kind: sandbox.CrashAfter, Times: 1})
					_, err := p.RunRestore(w.Context(), r, restorePoll, nil)
					w.must(err)
					made := clusterTags(w.clusters()[r.Request.Beside(63)])
					if made["holdfast:slot"] == "" || made[dr.TagRole] == dr.RoleNew {
						w.Fatalf("it has the tags %v", made)
					}
					q := w.warehouse(daily)
					found, err := q.Restores(w.Context(), q.Observe(w.Context()))
					w.must(err)
					if len(found) != 1 {
						w.Fatalf("%d restores under way", len(found))
					}
					do, want := q.AbortRestore, saga.RolledBack
					if resume {
						do, want = q.RunRestore, saga.Finished
					}
					res, err := do(w.Context(), found[0], restorePoll, nil)
					w.must(err)
					if res.Outcome != want {
						w.Errorf("%+v", res)
					}
					if wish.As != "" {
						copyEndsWell(w, r, res)
					} else {
						warehouseEndsWell(w, r, res)
					}
				})
			})
		}
	}
	t.Run("a stranger's", func(t *testing.T) {
		bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
			w.richWarehouse()
			p := w.warehouse(daily)
			r := w.planRestore(p, inPlaceOf("dwh", false))
			w.must(w.PutCluster(prod, region, r.Request.Beside(63), sandbox.SeedCluster{Tags: map[string]string{"of": "somebody"}}))
			res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
			w.must(err)
			if res.Outcome != saga.RolledBack || len(w.clusters()) != 2 || len(w.marked()) > 0 {
				w.Errorf("%+v: %v", res, w.clusterNames())
			}
		})
	})
}

// Reads that lag behind, and a policy that goes on taking snapshots of the original,
// which cannot be renamed meanwhile, do not spoil a restore.
func TestRestoreRedshiftLate(t *testing.T) {
	for seed := range uint64(12) {
		bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
			w.richWarehouse()
			p := w.warehouse(daily)
			r := w.planRestore(p, inPlaceOf("dwh", seed%2 == 1))
			defer w.Inject(sandbox.Fault{
				Match: sandbox.Match{Client: p.client}, Kind: sandbox.Stale, StaleBy: 40 * time.Second, Probability: 0.5, Rand: rand.New(rand.NewPCG(seed, 1)).Float64,
			})()
			res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
				if ev.Kind == saga.Ended && (ev.Step.Name == "ready" || ev.Step.Name == "mark") {
					name := "by-hand"
					_, err := w.redshiftConsole().CreateClusterSnapshot(w.Context(), &sdk.CreateClusterSnapshotInput{ClusterIdentifier: aws.String("dwh"), SnapshotIdentifier: &name})
					if err != nil && ev.Step.Name == "mark" {
						w.Error(err)
					}
				}
			})
			w.must(err)
			if res.Outcome != saga.Finished {
				w.Errorf("%d: %+v", seed, res)
			}
			warehouseEndsWell(w, r, res)
		})
	}
}

// An old one whose time has come is deleted, after a snapshot of it; the restored one
// stays.
func TestRestoreRedshiftRetires(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richWarehouse()
		p := w.warehouse(daily)
		res, err := p.RunRestore(w.Context(), w.planRestore(p, inPlaceOf("dwh", false)), restorePoll, nil)
		w.must(err)
		if res.Outcome != saga.Finished || len(w.clusters()) != 2 {
			w.Fatalf("%+v: %v", res, w.clusterNames())
		}
		for range 3 {
			w.sleep(12 * time.Hour)
			w.clean(w.warehouse(daily).RunAndWait(w.Context(), time.Minute))
		}
		if names := w.clusterNames(); !slices.Equal(names, []string{"dwh"}) {
			w.Errorf("there are %v", names)
		}
		if data, err := w.ClusterData(prod, region, "dwh"); err != nil || data.Snapshot == "" {
			w.Errorf("dwh holds %+v: %v", data, err)
		}
	})
}

// What cannot be restored is refused while planning, with a remedy.
func TestRestoreRedshiftRefused(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richWarehouse()
		w.must(w.PutNamespace(prod, region, "sales", sandbox.SeedNamespace{}))
		p := w.warehouse(strings.ReplaceAll(daily, "^dwh$", "dwh|sales"))
		w.clean(p.RunAndWait(w.Context(), time.Minute))
		refused := func(word string, wish engine.RestoreWish) {
			w.Helper()
			_, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish)
			if err == nil || !strings.Contains(err.Error(), word) || store.Remedy(err) == "" {
				w.Errorf("want %q and a remedy: %v; %q", word, err, store.Remedy(err))
			}
		}
		table := func(with ...string) engine.RestoreWish {
			wish := inPlaceOf("dwh", false)
			wish.With = map[string]string{"table": with[0]}
			if len(with) > 1 {
				wish.With["as-table"] = with[1]
			}
			return wish
		}
		refused("Redshift Serverless", engine.RestoreWish{Resource: "sales", From: "latest", As: "sales-copy"})
		refused("not a table", table("orders"))
		refused("has a dot", table("sales.public.orders", "public.orders"))
		refused("longer", table("sales.public.orders", strings.Repeat("x", 128)))
		elsewhere := table("sales.public.orders")
		elsewhere.As = "dwh-copy"
		refused("running cluster", elsewhere)
		w.must(w.SetClusterStatus(prod, region, "dwh", "paused"))
		refused("paused", inPlaceOf("dwh", false))
		w.must(w.SetClusterStatus(prod, region, "dwh", "hardware-failure"))
		refused("hardware-failure", inPlaceOf("dwh", false))
		w.must(w.SetClusterStatus(prod, region, "dwh", "resizing"))
		refused("resizing", table("sales.public.orders"))
	})
}

func oneTable(as string) engine.RestoreWish {
	wish := inPlaceOf("dwh", false)
	wish.With = map[string]string{"table": "sales.public.orders"}
	if as != "" {
		wish.With["as-table"] = as
	}
	return wish
}

// tableEndsWell: the table is there, once, or not at all; nothing else is changed.
func tableEndsWell(w *world, r engine.Restoring, res saga.Result) {
	w.Helper()
	tables, err := w.ClusterTables(prod, region, "dwh")
	w.must(err)
	as := "sales.public.orders_" + strings.ReplaceAll(r.Request.ID, "-", "_")
	if marked := w.marked(); len(marked) > 0 || tables["sales.public.orders"].Snapshot != "" || len(w.clusters()) != 1 {
		w.Errorf("%v still bear a mark; there are %v in %v (%+v)", marked, tables, w.clusterNames(), res)
	}
	restored, there := tables[as]
	switch {
	case there && len(tables) == 3 && strings.HasSuffix(restored.Snapshot, "/"+r.Request.From.Ref.ID):
	case !there && len(tables) == 2 && res.Outcome != saga.Finished:
	default:
		w.Errorf("the tables are %v (%+v)", tables, res)
	}
	if tags := clusterTags(w.clusters()["dwh"]); !maps.Equal(tags, dr.Tags{"team": "bi", "empty": "", "holdfast:policy": "daily"}) {
		w.Errorf("dwh has the tags %v", tags)
	}
}

func TestRestoreRedshiftTable(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richWarehouse()
		p := w.warehouse(daily)
		r := w.planRestore(p, oneTable(""))
		percent := 0
		res, err := p.RunRestore(w.Context(), r, 15*time.Second, func(ev saga.Event) { percent = max(percent, ev.Progress.Percent) })
		w.must(err)
		tableEndsWell(w, r, res)
		if res.Outcome != saga.Finished || percent == 0 {
			w.Errorf("%+v, %d%%", res, percent)
		}
		// It was there before, it fails by itself: nothing is written over, and it is said.
		for _, fails := range []struct {
			wish engine.RestoreWish
			word string
		}{{oneTable("lines"), "already exists"}, {oneTable("again"), "internal error"}} {
			if fails.word == "internal error" {
				w.must(w.FailNextTableRestores(prod, region, "dwh", 1))
			}
			r := w.planRestore(p, fails.wish)
			res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
			w.must(err)
			if res.Outcome != saga.RolledBack || !strings.Contains(fmt.Sprint(res.Err), fails.word) || r.Remains == "" || len(w.marked()) > 0 {
				w.Errorf("%+v", res)
			}
		}
		if tables, _ := w.ClusterTables(prod, region, "dwh"); len(tables) != 3 || tables["sales.public.lines"].Snapshot != "" {
			w.Errorf("the tables are %v", tables)
		}
	})
}

// One table at a time: where another is being restored, it waits.
func TestRestoreRedshiftTableWaits(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richWarehouse()
		p := w.warehouse(daily)
		r := w.planRestore(p, oneTable(""))
		_, err := w.redshiftConsole().RestoreTableFromClusterSnapshot(w.Context(), &sdk.RestoreTableFromClusterSnapshotInput{
			ClusterIdentifier: aws.String("dwh"), SnapshotIdentifier: &r.Request.From.Ref.ID, SourceDatabaseName: aws.String("sales"),
			SourceTableName: aws.String("lines"), NewTableName: aws.String("theirs"),
		})
		w.must(err)
		waited := ""
		res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
			if ev.Progress.State == saga.NotYet {
				waited = ev.Progress.Note
			}
		})
		w.must(err)
		if res.Outcome != saga.Finished || !strings.Contains(waited, "another table") {
			w.Errorf("%+v; it waited for %q", res, waited)
		}
	})
}

// A table of a snapshot of a cluster that was replaced since cannot be restored alone.
func TestRestoreRedshiftTableOfReplaced(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.richWarehouse()
		p := w.warehouse(daily)
		_, err := p.RunRestore(w.Context(), w.planRestore(p, inPlaceOf("dwh", false)), restorePoll, nil)
		w.must(err)
		_, err = p.PlanRestore(w.Context(), p.Observe(w.Context()), oneTable(""))
		if err == nil || !strings.Contains(err.Error(), "has replaced") || store.Remedy(err) == "" {
			w.Errorf("%v", err)
		}
	})
}

func TestRestoreEveryCallRedshiftTable(t *testing.T) {
	restoreScene{file: daily, seed: (*world).richWarehouse, wish: oneTable(""), open: (*world).warehouse, judge: tableEndsWell}.everyCall(t)
}

// Taken back at each step: the cluster bears no mark. A table that is being made cannot
// be stopped.
func TestRestoreRedshiftTableAborted(t *testing.T) {
	for _, step := range []string{"table", "finish"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.richWarehouse()
				q, r := w.stopAt(oneTable(""), step)
				res, err := q.AbortRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				w.sleep(time.Hour)
				if res.Outcome != saga.RolledBack || r.Remains == "" {
					w.Errorf("%+v", res)
				}
				tableEndsWell(w, r, res)
			})
		})
	}
}
