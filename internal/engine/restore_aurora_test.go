package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/aurora"
)

const booksDaily = oneSite + `
  daily:
    match: {kinds: [aurora], name: "^books$"}
    every: 1d
    keep: {last: 4, floor: 2}
`

// bookshelf starts a process that knows clusters alone.
func (w *world) bookshelf(text string) *process {
	w.Helper()
	c, f := w.Client(), parseAll(w, text)
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: c, Credentials: session.Static(prod), Version: "test",
	}, f.Sites)
	return &process{Engine: &engine.Engine{
		File: f, Stores: []*store.Store{store.New(aurora.New(sessions))}, Reach: sessions.Confirm, Clock: w.clock,
	}, client: c}
}

// putClusters puts in clusters, and the groups that they name.
func (w *world) putClusters(all map[string]sandbox.SeedDBCluster) {
	w.Helper()
	w.must(w.Seed(sandbox.Seed{Accounts: map[string]sandbox.SeedAccount{prod: {Regions: map[string]sandbox.SeedRegion{region: {
		SubnetGroups:             map[string][]string{"private": {"subnet-1", "subnet-2"}},
		ParameterGroups:          map[string]string{"member-tuned": "aurora-mysql8.0"},
		DBClusterParameterGroups: map[string]string{"tuned": "aurora-mysql8.0"},
		DBClusters:               all,
	}}}}}))
}

const secondRole = "arn:aws:iam::111111111111:role/export"

// fullBooks is an Aurora cluster with settings that no snapshot carries, and three
// members.
func fullBooks() sandbox.SeedDBCluster {
	days := 14
	return sandbox.SeedDBCluster{
		Engine: "aurora-mysql", Size: 100, Age: sandbox.Age(1000 * 24 * time.Hour), Key: "alias/data", User: "master", DBName: "books", Port: 3310,
		SubnetGroup: "private", ParameterGroup: "tuned", SecurityGroups: []string{"sg-2", "sg-1"}, Logs: []string{"audit", "slowquery"},
		Retention: &days, BackupWindow: "02:00-02:30", MaintenanceWindow: "tue:04:00-tue:04:30", CopyTags: true, Protected: true, IAM: true,
		HTTP: true, Backtrack: 3600, MinCapacity: "0.5", MaxCapacity: "16", StorageType: "aurora-iopt1",
		Roles:    map[string]string{"s3Import": "arn:aws:iam::111111111111:role/import", "s3Export": secondRole},
		Insights: true, InsightsDays: 465, InsightsMode: "advanced", LocalWrites: true, SecretKey: "alias/aws/secretsmanager",
		Endpoints: []string{"reports"}, Global: "world", Tags: map[string]string{"team": "shop"},
		Members: map[string]sandbox.SeedDBMember{
			"books-1": {Class: "db.r6g.xlarge", Tier: 1, Zone: "us-east-1b", MaintenanceWindow: "wed:04:00-wed:04:30"},
			"books-2": {
				Class: "db.r6g.2xlarge", Tier: 0, Writer: true, Zone: "us-east-1a", ParameterGroup: "member-tuned", Insights: true,
				MonitoringInterval: 15, MonitoringRole: "arn:aws:iam::111111111111:role/monitor", Tags: map[string]string{"role": "first one"},
			},
			"reporting": {Class: "db.serverless", Tier: 15, Zone: "us-east-1c", Public: true},
		},
	}
}

// plainBooks is one whose restore takes as few calls as it can.
func plainBooks() sandbox.SeedDBCluster {
	return sandbox.SeedDBCluster{
		Age: sandbox.Age(1000 * 24 * time.Hour), Size: 100, Protected: true, DBName: "books",
		Members: map[string]sandbox.SeedDBMember{"books-1": {Writer: true}, "books-2": {Tier: 1}},
	}
}

// books puts in a cluster of that name, and a good snapshot of it.
func (w *world) books(c sandbox.SeedDBCluster) {
	w.Helper()
	if c.Key != "" {
		_, err := w.PutKey(prod, region, sandbox.SeedKey{Name: c.Key})
		w.must(err)
	}
	w.putClusters(map[string]sandbox.SeedDBCluster{"books": c})
	w.clean(w.bookshelf(booksDaily).RunAndWait(w.Context(), time.Minute))
}

func booksInPlace() engine.RestoreWish {
	return engine.RestoreWish{Resource: "books", From: "latest", KeepOld: 24 * time.Hour}
}

// dbClusters gives the DB clusters by name, but those that are being deleted.
func (w *world) dbClusters() map[string]types.DBCluster {
	w.Helper()
	out, err := w.rdsConsole().DescribeDBClusters(context.WithoutCancel(w.Context()), &sdk.DescribeDBClustersInput{})
	w.must(err)
	all := map[string]types.DBCluster{}
	for _, c := range out.DBClusters {
		if aws.ToString(c.Status) != "deleting" {
			all[aws.ToString(c.DBClusterIdentifier)] = c
		}
	}
	return all
}

func membersOf(c types.DBCluster) []string {
	var out []string
	for _, m := range c.DBClusterMembers {
		out = append(out, aws.ToString(m.DBInstanceIdentifier))
	}
	slices.Sort(out)
	return out
}

// captured gives the settings of a cluster as they are captured.
func (w *world) captured(p *process, name string) map[string]string {
	w.Helper()
	for _, r := range p.Observe(context.WithoutCancel(w.Context())).Resources {
		if r.Ref.ID == name {
			is, err := r.Config.Settings()
			w.must(err)
			return is
		}
	}
	w.Fatalf("there is no cluster %s", name)
	return nil
}

// sameCluster compares what was captured with what the new one has, field by field:
// a difference is printed beforehand, or there is none.
func (w *world) sameCluster(r engine.Restoring, was, is map[string]string) {
	w.Helper()
	told := func(setting string) bool {
		return slices.ContainsFunc(r.Losses, func(l string) bool {
			key, _, _ := strings.Cut(l, " ")
			return key == setting || key == "members" && strings.HasPrefix(setting, "member.")
		})
	}
	for name, value := range was {
		if name != "resource-id" && is[name] != value && !told(name) {
			w.Errorf("%s is %q, was %q", name, is[name], value)
		}
	}
	for name, value := range is {
		if was[name] == "" && !told(name) {
			w.Errorf("%s is %q, was not set", name, value)
		}
	}
}

func (w *world) restored(p *process, r engine.Restoring) {
	w.Helper()
	res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
	w.must(err)
	if res.Outcome != saga.Finished {
		w.Fatalf("%+v", res)
	}
}

// In place: the new cluster has the name, the members' names and the configuration of
// the old one, and the data of the snapshot; the old one is kept with its members.
func TestRestoreAuroraInPlace(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("rename-first=%v", first), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.books(fullBooks())
				p := w.bookshelf(booksDaily)
				was, before := w.captured(p, "books"), w.dbClusters()["books"]
				wish := booksInPlace()
				wish.RenameFirst = first
				r := w.planRestore(p, wish)
				for _, want := range []string{"global world", "endpoints reports"} {
					if !slices.Contains(r.Losses, want) {
						t.Errorf("losses %q do not hold %q", r.Losses, want)
					}
				}
				if len(r.Notes) < 3 || !strings.HasPrefix(r.Notes[1], "custom endpoints stay with the old one") || !strings.Contains(r.Needs, "3 more DB instances") {
					t.Errorf("notes %q, needs %q", r.Notes, r.Needs)
				}
				w.restored(p, r)
				w.sameCluster(r, was, w.captured(p, "books"))
				w.auroraEndsWell(r, saga.Result{Outcome: saga.Finished})
				now := w.dbClusters()["books"]
				if aws.ToString(now.DbClusterResourceId) == aws.ToString(before.DbClusterResourceId) {
					t.Error("it is still the old one")
				}
				if m := now.DBClusterMembers[slices.IndexFunc(now.DBClusterMembers, func(m types.DBClusterMember) bool { return aws.ToBool(m.IsClusterWriter) })]; aws.ToString(m.DBInstanceIdentifier) != "books-2" {
					t.Errorf("the writer is %s", aws.ToString(m.DBInstanceIdentifier))
				}
			})
		})
	}
}

// auroraEndsWell: one cluster serves under the name, with members under theirs: either
// the original, alone and without a mark, or the restored one, beside the original.
func (w *world) auroraEndsWell(r engine.Restoring, res saga.Result) {
	w.Helper()
	all := w.dbClusters()
	c, ok := all["books"]
	if !ok || aws.ToString(c.Status) != "available" {
		w.Fatalf("nothing serves as books: %v (%+v)", slices.Sorted(mapKeys(all)), res)
	}
	for _, tag := range c.TagList {
		if aws.ToString(tag.Key) == dr.TagRestore {
			w.Errorf("books still bears a mark (%+v)", res)
		}
	}
	instances := w.instances()
	for _, name := range membersOf(c) {
		if strings.Contains(name, "-new-") || strings.Contains(name, "-old-") {
			w.Errorf("%s is a member of books (%+v)", name, res)
		}
		for _, tag := range instances[name].TagList {
			if aws.ToString(tag.Key) == dr.TagRestore {
				w.Errorf("%s still bears a mark (%+v)", name, res)
			}
		}
	}
	data, err := w.DBClusterData(prod, region, "books")
	w.must(err)
	n := len(c.DBClusterMembers)
	switch {
	case data.Snapshot == "" && len(all) == 1 && len(instances) == n && n > 0:
	case strings.Contains(data.Snapshot, r.Request.From.Ref.ID) && len(all) == 2 && len(instances) == 2*n && n > 0:
		w.oldAuroraIsKept(all)
	default:
		w.Errorf("books holds %q, and there are %v with %v (%+v)", data.Snapshot, slices.Sorted(mapKeys(all)), names(instances), res)
	}
}

func (w *world) oldAuroraIsKept(all map[string]types.DBCluster) {
	w.Helper()
	for name, c := range all {
		if name == "books" {
			continue
		}
		tags := map[string]string{}
		for _, t := range c.TagList {
			tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
		}
		if tags[dr.TagExpires] == "" || tags[dr.TagKeeper] != "test" || tags[dr.TagReplaced] != "books" || tags[dr.TagRestore] != "" {
			w.Errorf("the old one has the tags %v", tags)
		}
		for _, m := range membersOf(c) {
			kept := slices.ContainsFunc(w.instances()[m].TagList, func(t types.Tag) bool {
				return aws.ToString(t.Key) == dr.TagKeeper && aws.ToString(t.Value) == "test"
			})
			if !strings.Contains(m, "-old-") || !kept {
				w.Errorf("the old one has the member %s (kept: %v)", m, kept)
			}
		}
	}
}

// As a new one: its members have names of their own, and a cluster that never had a
// database of its own name is restored as well.
func TestRestoreAuroraAsNew(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		c := fullBooks()
		c.DBName, c.Members["odd"] = "", c.Members["reporting"]
		delete(c.Members, "reporting")
		w.books(c)
		p := w.bookshelf(booksDaily)
		was := w.captured(p, "books")
		r := w.planRestore(p, engine.RestoreWish{Resource: "books", From: "latest", As: "books-copy"})
		w.restored(p, r)
		got := w.dbClusters()["books-copy"]
		if m := membersOf(got); !slices.Equal(m, []string{"books-copy-1", "books-copy-2", "books-copy-3"}) || aws.ToString(got.DatabaseName) != "" {
			t.Errorf("it has the members %v and the database %q", m, aws.ToString(got.DatabaseName))
		}
		is := w.captured(p, "books-copy")
		is["members"] = was["members"]
		w.sameCluster(r, was, is)
		if len(w.dbClusters()) != 2 || len(w.instances()) != 6 {
			t.Errorf("there are %v with %v", slices.Sorted(mapKeys(w.dbClusters())), names(w.instances()))
		}
		if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), engine.RestoreWish{Resource: "books", As: "books-copy"}); err == nil {
			t.Error("a name that is taken is planned with")
		}
	})
}

// A Multi-AZ DB cluster has its instances by itself, under names that AWS gives them.
func TestRestoreMultiAZCluster(t *testing.T) {
	for _, wish := range []engine.RestoreWish{booksInPlace(), {Resource: "books", KeepOld: time.Hour, RenameFirst: true}, {Resource: "books", As: "copy"}} {
		t.Run(fmt.Sprintf("as=%q rename-first=%v", wish.As, wish.RenameFirst), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.books(sandbox.SeedDBCluster{
					Engine: "postgres", Class: "db.m6gd.large", Size: 200, Iops: 3000, StorageType: "io1", Protected: true, Public: true,
					MonitoringInterval: 30, MonitoringRole: "arn:aws:iam::111111111111:role/monitor", Insights: true, BackupWindow: "02:00-02:30",
				})
				p := w.bookshelf(booksDaily)
				was := w.captured(p, "books")
				r := w.planRestore(p, wish)
				w.restored(p, r)
				w.sameCluster(r, was, w.captured(p, r.Request.Name))
				if len(w.dbClusters()) != 2 || len(w.instances()) != 6 {
					t.Errorf("there are %v with %v", slices.Sorted(mapKeys(w.dbClusters())), names(w.instances()))
				}
			})
		})
	}
}

// A cluster without members is restored without.
func TestRestoreHeadlessAurora(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		c := plainBooks()
		c.Members = nil
		w.books(c)
		p := w.bookshelf(booksDaily)
		w.restored(p, w.planRestore(p, booksInPlace()))
		if all := w.dbClusters(); len(all) != 2 || len(w.instances()) != 0 {
			t.Errorf("there are %v with %v", slices.Sorted(mapKeys(all)), names(w.instances()))
		}
	})
}

// The members of today are not those of the snapshot: what is restored has those of the
// snapshot, and the others go with the old one. Someone else's name is refused.
func TestRestoreAuroraOtherMembers(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.books(plainBooks())
		c := w.rdsConsole()
		_, err := c.CreateDBInstance(w.Context(), &sdk.CreateDBInstanceInput{
			DBInstanceIdentifier: aws.String("books-3"), DBClusterIdentifier: aws.String("books"), Engine: aws.String("aurora-postgresql"), DBInstanceClass: aws.String("db.r6g.large"),
		})
		w.must(err)
		_, err = c.DeleteDBInstance(w.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("books-2"), SkipFinalSnapshot: aws.Bool(true)})
		w.must(err)
		w.sleep(time.Hour)
		w.must(w.PutDBInstance(prod, region, "books-2", sandbox.SeedDatabase{}))
		p := w.bookshelf(booksDaily)
		_, err = p.PlanRestore(w.Context(), p.Observe(w.Context()), booksInPlace())
		if err == nil || !strings.Contains(err.Error(), "DB instance books-2 already") {
			t.Fatalf("%v", err)
		}
		_, err = c.DeleteDBInstance(w.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("books-2"), SkipFinalSnapshot: aws.Bool(true)})
		w.must(err)
		w.sleep(time.Hour)
		r := w.planRestore(p, booksInPlace())
		if len(r.Notes) == 0 || !strings.Contains(r.Notes[0], "books-3") {
			t.Errorf("notes %q", r.Notes)
		}
		w.restored(p, r)
		w.auroraEndsWell(r, saga.Result{})
		if m := membersOf(w.dbClusters()["books"]); !slices.Equal(m, []string{"books-1", "books-2"}) {
			t.Errorf("its members are %v", m)
		}
	})
}

// What cannot be renamed is not begun with.
func TestRestoreStoppedAurora(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.books(plainBooks())
		w.must(w.SetDBClusterStatus(prod, region, "books", "stopped"))
		p := w.bookshelf(booksDaily)
		_, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), booksInPlace())
		if err == nil || !strings.Contains(err.Error(), "books is stopped") || store.Remedy(err) == "" {
			t.Fatalf("%v", err)
		}
	})
}

// TestRestoreEveryCallAurora: in both orders.
func TestRestoreEveryCallAurora(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("rename-first=%v", first), func(t *testing.T) {
			wish := booksInPlace()
			wish.RenameFirst = first
			restoreScene{
				file: booksDaily, seed: func(w *world) { w.books(plainBooks()) }, wish: wish, open: (*world).bookshelf,
				poll: 2 * time.Minute, judge: (*world).auroraEndsWell,
			}.everyCall(t)
		})
	}
}

// A restore that a person takes back, at whatever step, leaves the original under its
// name, with its members under theirs, alone.
func TestRestoreAuroraAborted(t *testing.T) {
	for _, first := range []bool{false, true} {
		for _, step := range auroraSteps(t, first) {
			t.Run(fmt.Sprintf("rename-first=%v/%s", first, step), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.books(plainBooks())
					p := w.bookshelf(booksDaily)
					wish := booksInPlace()
					wish.RenameFirst = first
					r := w.planRestore(p, wish)
					ctx, cancel := context.WithCancel(w.Context())
					_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
						if (ev.Kind == saga.Began || ev.Kind == saga.Ended) && ev.Step.Name == step {
							cancel()
						}
					})
					w.must(err)
					q := w.bookshelf(booksDaily)
					found, err := q.Restores(w.Context(), q.Observe(w.Context()))
					w.must(err)
					if len(found) != 1 {
						w.Fatalf("%d restores under way", len(found))
					}
					res, err := q.AbortRestore(w.Context(), found[0], restorePoll, nil)
					w.must(err)
					w.auroraEndsWell(r, res)
					if res.Outcome != saga.RolledBack || len(w.dbClusters()) != 1 {
						w.Errorf("%+v", res)
					}
				})
			})
		}
	}
}

// auroraSteps gives the steps between the mark and the pivot.
func auroraSteps(t *testing.T, first bool) []string {
	t.Helper()
	var out []string
	bubble(t, sandbox.Options{}, func(w *world) {
		w.books(plainBooks())
		p := w.bookshelf(booksDaily)
		wish := booksInPlace()
		wish.RenameFirst = first
		for _, st := range w.planRestore(p, wish).Saga.Steps {
			if st.Pivot {
				return
			}
			out = append(out, st.Name)
		}
	})
	return out[1:]
}

// Reads that lag behind, at every call, do no harm.
func TestRestoreAuroraWithStaleReads(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.books(plainBooks())
		p := w.bookshelf(booksDaily)
		r := w.planRestore(p, booksInPlace())
		defer w.Inject(sandbox.Fault{Kind: sandbox.Stale, StaleBy: 40 * time.Second})()
		w.restored(p, r)
		w.sleep(time.Hour)
		w.auroraEndsWell(r, saga.Result{})
	})
}

// The old one is deleted with its members when its time has come, though it is protected
// from deletion, and after a final snapshot.
func TestRestoreAuroraRetired(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.books(plainBooks())
		p := w.bookshelf(booksDaily)
		w.restored(p, w.planRestore(p, booksInPlace()))
		w.sleep(25 * time.Hour)
		retired := 0
		for range 4 {
			for _, o := range w.clean(w.bookshelf(booksDaily).RunAndWait(w.Context(), time.Minute)).Outcomes {
				if o.Action.Verb == plan.Retire {
					retired++
				}
			}
			w.sleep(time.Hour)
		}
		all := w.dbClusters()
		if len(all) != 1 || len(w.instances()) != 2 || retired == 0 {
			t.Errorf("there are %v with %v", slices.Sorted(mapKeys(all)), names(w.instances()))
		}
	})
}

// Downtime of the cluster's endpoint: a tenth at most of what it is when the old one is
// renamed away first.
func TestRestoreAuroraDowntime(t *testing.T) {
	gone := map[bool]time.Duration{}
	for _, first := range []bool{false, true} {
		bubble(t, sandbox.Options{
			Latency:   20 * time.Millisecond,
			Durations: sandbox.Durations{Restore: sandbox.Duration{Base: 10 * time.Minute, PerGiB: 2 * time.Second}, Create: sandbox.Duration{Base: 7 * time.Minute}},
		}, func(w *world) {
			c := plainBooks()
			c.Size = 1024
			w.books(c)
			p := w.bookshelf(booksDaily)
			wish := booksInPlace()
			wish.RenameFirst = first
			r := w.planRestore(p, wish)
			down := w.unanswered(aws.ToString(w.dbClusters()["books"].Endpoint))
			w.restored(p, r)
			gone[first] = down()
		})
	}
	t.Logf("nobody answers for %s; with the old one renamed first for %s", gone[false], gone[true])
	if gone[false] == 0 || gone[false]*10 > gone[true] {
		t.Errorf("%s is more than a tenth of %s", gone[false], gone[true])
	}
}

// unanswered begins to ask every second whether anybody answers at an address, and
// gives how to end that and how long nobody did.
func (w *world) unanswered(address string) func() time.Duration {
	stop, down := make(chan struct{}), make(chan time.Duration)
	go func() {
		total := time.Duration(0)
		for {
			select {
			case <-stop:
				down <- total
				return
			case <-time.After(time.Second):
				if w.DBAnswering(address) == "" {
					total += time.Second
				}
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-down
	}
}
