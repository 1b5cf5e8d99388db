package engine_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const restorePoll = 30 * time.Second

// rich puts in a database with settings that no snapshot carries, and a good
// snapshot of it.
func (w *world) rich() {
	w.Helper()
	w.must(w.PutDBInstance(prod, region, "orders", sandbox.SeedDatabase{
		Age: sandbox.Age(1000 * 24 * time.Hour), Tags: map[string]string{"backup": "gold", "team": "shop"},
		Class: "db.r6g.xlarge", Size: 100, MaxSize: 500, MultiAZ: true, CopyTags: true, IAM: true, Protected: true,
		MaintenanceWindow: "sun:04:00-sun:05:00", BackupWindow: "02:00-03:00",
	}))
	w.clean(w.process(parse(w, oneSite+hourly)).RunAndWait(w.Context(), time.Minute))
}

// instances gives the DB instances by name.
func (w *world) instances() map[string]types.DBInstance {
	w.Helper()
	out, err := w.rdsConsole().DescribeDBInstances(context.WithoutCancel(w.Context()), &sdk.DescribeDBInstancesInput{})
	w.must(err)
	all := map[string]types.DBInstance{}
	for _, in := range out.DBInstances {
		if aws.ToString(in.DBInstanceStatus) != "deleting" {
			all[aws.ToString(in.DBInstanceIdentifier)] = in
		}
	}
	return all
}

func (w *world) rdsConsole() *sdk.Client { return sdk.NewFromConfig(w.console(region)) }

func (w *world) planRestore(p *process, wish engine.RestoreWish) engine.Restoring {
	w.Helper()
	r, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), wish)
	w.must(err)
	return r
}

func inPlace() engine.RestoreWish {
	return engine.RestoreWish{Resource: "orders", From: "latest", KeepOld: 24 * time.Hour}
}

// In place: the new one has the old one's name and configuration and the data of the
// snapshot; the old one is kept under another name.
func TestRestoreInPlace(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		before := w.instances()["orders"]
		p := w.process(parse(w, oneSite+hourly))
		r := w.planRestore(p, inPlace())
		gone, back := time.Time{}, time.Time{}
		res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
			switch {
			case ev.Kind == saga.Began && ev.Step.Name == "away":
				gone = time.Now()
			case ev.Kind == saga.Ended && ev.Step.Name == "in":
				back = time.Now()
			}
		})
		w.must(err)
		if res.Outcome != saga.Finished {
			t.Fatalf("%+v", res)
		}
		all := w.instances()
		if len(all) != 2 {
			t.Errorf("there are %v", slices.Sorted(mapKeys(all)))
		}
		data, err := w.DBInstanceData(prod, region, "orders")
		w.must(err)
		if !strings.Contains(data.Snapshot, r.Request.From.Ref.ID) {
			t.Errorf("orders holds the data of %q", data.Snapshot)
		}
		w.sameSettings(p, r, before)
		t.Logf("without its name for %s", back.Sub(gone).Round(time.Second))
	})
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// sameSettings compares what was captured before with what the new one has.
func (w *world) sameSettings(p *process, r engine.Restoring, before types.DBInstance) {
	w.Helper()
	want := r.Request.Settings
	inv := p.Observe(context.WithoutCancel(w.Context()))
	for _, res := range inv.Resources {
		if res.Ref.ID != "orders" {
			continue
		}
		is, err := res.Config.Settings()
		w.must(err)
		for name, value := range want {
			if name != "resource-id" && is[name] != value && !slices.ContainsFunc(r.Losses, func(l string) bool { return strings.HasPrefix(l, name+" ") }) {
				w.Errorf("%s is %q, was %q", name, is[name], value)
			}
		}
		if res.Tags["team"] != "shop" {
			w.Errorf("its tags are %v", res.Tags)
		}
	}
	if now := w.instances()["orders"]; aws.ToString(now.DbiResourceId) == aws.ToString(before.DbiResourceId) {
		w.Error("it is still the old one")
	}
}

// As a new one: beside what is there, with the captured configuration.
func TestRestoreAsNew(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		p := w.process(parse(w, oneSite+hourly))
		r := w.planRestore(p, engine.RestoreWish{Resource: "orders", From: "latest", As: "orders-copy"})
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		all := w.instances()
		if res.Outcome != saga.Finished || len(all) != 2 || aws.ToString(all["orders-copy"].DBInstanceClass) != "db.r6g.xlarge" {
			t.Fatalf("%+v: %v", res, all)
		}
		if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), engine.RestoreWish{Resource: "orders", As: "orders-copy"}); err == nil {
			t.Error("a name that is taken is planned with")
		}
	})
}

// restoreScene is a restore whose every call is disturbed.
type restoreScene struct {
	// file is the policy file; seed puts in what is restored, with a good snapshot of it.
	file string
	seed func(*world)
	wish engine.RestoreWish
	// open starts a process of holdfast under the file; nil: one that knows RDS alone.
	open func(*world, string) *process
	// poll is how often steps are looked at; 0: restorePoll.
	poll time.Duration
	// judge looks, when all is over, whether the original or the new one serves, and
	// nothing is left over.
	judge func(*world, engine.Restoring, saga.Result)
	// watch, unless it is nil, is told what happens.
	watch func(*world, saga.Event)
}

func (sc restoreScene) watching(w *world) func(saga.Event) {
	if sc.watch == nil {
		return nil
	}
	return func(ev saga.Event) { sc.watch(w, ev) }
}

func (sc restoreScene) process(w *world) *process {
	w.Helper()
	if sc.open != nil {
		return sc.open(w, sc.file)
	}
	return w.process(parse(w, sc.file))
}

// everyCall fails, loses the answer of, or crashes at each call of a restore in turn;
// then another machine resumes what it finds.
func (sc restoreScene) everyCall(t *testing.T) {
	t.Helper()
	t.Parallel()
	faults := []sandbox.Fault{
		{Kind: sandbox.CrashBefore, Times: 1},
		{Kind: sandbox.CrashAfter, Times: 1},
		{Kind: sandbox.Timeout, Times: 8},
		{Kind: sandbox.Fail, Times: 8},
	}
	calls, every, count := sc.calls(t), 1, 0
	if testing.Short() || raceDetector {
		every = max(calls/2, 20)
	}
	for n := 0; n < calls; n += every {
		for _, f := range faults {
			f.Skip = n
			count++
			t.Run(fmt.Sprintf("%d/%s", n, f.Kind), func(t *testing.T) { sc.disturbed(t, f) })
		}
	}
	t.Logf("%d points of %d calls", count, calls)
}

// calls counts the calls of the undisturbed restore.
func (sc restoreScene) calls(t *testing.T) (n int) {
	t.Helper()
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		sc.seed(w)
		p := sc.process(w)
		r := w.planRestore(p, sc.wish)
		w.ResetCalls()
		res, err := p.RunRestore(w.Context(), r, cmp.Or(sc.poll, restorePoll), sc.watching(w))
		w.must(err)
		if res.Outcome != saga.Finished {
			t.Fatalf("%+v", res)
		}
		n = len(w.Calls())
		sc.judge(w, r, res)
	})
	return n
}

func (sc restoreScene) disturbed(t *testing.T, f sandbox.Fault) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		sc.seed(w)
		p := sc.process(w)
		r := w.planRestore(p, sc.wish)
		f.Client = p.client
		defer w.Inject(f)()
		res, err := p.RunRestore(w.Context(), r, cmp.Or(sc.poll, restorePoll), sc.watching(w))
		w.must(err)
		for range 3 { // Another machine finds it by its marks and goes on.
			q := sc.process(w)
			found, err := q.Restores(w.Context(), q.Observe(w.Context()))
			w.must(err)
			if len(found) == 0 {
				break
			}
			res, err = q.RunRestore(w.Context(), found[0], cmp.Or(sc.poll, restorePoll), sc.watching(w))
			w.must(err)
		}
		sc.judge(w, r, res)
	})
}

// TestRestoreEveryCall: of an RDS instance, in both orders.
func TestRestoreEveryCall(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("rename-first=%v", first), func(t *testing.T) {
			wish := inPlace()
			wish.RenameFirst = first
			restoreScene{file: oneSite + hourly, seed: (*world).rich, wish: wish, judge: (*world).endsWell}.everyCall(t)
		})
	}
}

// endsWell: one database serves under the name, either the original, alone and without
// a mark, or the restored one, beside the original that is kept.
func (w *world) endsWell(r engine.Restoring, res saga.Result) {
	w.Helper()
	all := w.instances()
	in, ok := all["orders"]
	if !ok || aws.ToString(in.DBInstanceStatus) != "available" && aws.ToString(in.DBInstanceStatus) != "backing-up" {
		w.Fatalf("nothing serves as orders: %v (%+v)", names(all), res)
	}
	for name, x := range all {
		for _, tag := range x.TagList {
			if k := aws.ToString(tag.Key); k == "holdfast:restore" && name == "orders" {
				w.Errorf("orders still bears the mark of a restore (%+v)", res)
			}
		}
	}
	data, err := w.DBInstanceData(prod, region, "orders")
	w.must(err)
	switch {
	case data.Snapshot == "" && len(all) == 1: // The original, and nothing is left over.
	case strings.Contains(data.Snapshot, r.Request.From.Ref.ID) && len(all) == 2:
	default:
		w.Errorf("orders holds %q, and there are %v (%+v)", data.Snapshot, names(all), res)
	}
}

func names(all map[string]types.DBInstance) []string { return slices.Sorted(mapKeys(all)) }

// While a restore is under way, and as long as an old one is kept, no policy takes
// snapshots of what is only there because of it.
func TestRestoredAsideIsNotProtected(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		file := parse(w, oneSite+hourly)
		p := w.process(file)
		r := w.planRestore(p, inPlace())
		taken := func() []string {
			w.sleep(time.Hour)
			var of []string
			for _, o := range w.process(file).RunOnce(w.Context()).Outcomes {
				if o.Action.Verb == plan.Create {
					of = append(of, o.Action.From.ID)
				}
			}
			return of
		}
		ctx, cancel := context.WithCancel(w.Context())
		res, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Began && ev.Step.Name == "settle" {
				cancel()
			}
		})
		w.must(err)
		if got := taken(); res.Outcome != saga.Stopped || !slices.Equal(got, []string{"orders"}) {
			w.Errorf("%s; snapshots were taken of %v", res.Outcome, got)
		}
		q := w.process(file)
		found, err := q.Restores(w.Context(), q.Observe(w.Context()))
		w.must(err)
		if len(found) != 1 {
			w.Fatalf("%d restores under way", len(found))
		}
		res, err = q.RunRestore(w.Context(), found[0], restorePoll, nil)
		w.must(err)
		if got := taken(); res.Outcome != saga.Finished || !slices.Equal(got, []string{"orders"}) {
			w.Errorf("%s; snapshots were taken of %v", res.Outcome, got)
		}
	})
}

// A restore that a person takes back leaves the original under its name, alone.
func TestRestoreAborted(t *testing.T) {
	for _, step := range []string{"restore", "settle", "away", "in"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.rich()
				file := parse(w, oneSite+hourly)
				p := w.process(file)
				r := w.planRestore(p, inPlace())
				ctx, cancel := context.WithCancel(w.Context())
				_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == step {
						cancel()
					}
				})
				w.must(err)
				q := w.process(file)
				found, err := q.Restores(w.Context(), q.Observe(w.Context()))
				w.must(err)
				if len(found) != 1 {
					w.Fatalf("%d restores under way", len(found))
				}
				res, err := q.AbortRestore(w.Context(), found[0], restorePoll, nil)
				w.must(err)
				data, err := w.DBInstanceData(prod, region, "orders")
				w.must(err)
				if all := w.instances(); res.Outcome != saga.RolledBack || len(all) != 1 || data.Snapshot != "" {
					w.Errorf("%+v: %v", res, names(all))
				}
				w.endsWell(r, res)
			})
		})
	}
}

// Downtime: with realistic times for two TiB the name is gone for a twentieth at most
// of what it is when the old one is renamed away first.
func TestRestoreDowntime(t *testing.T) {
	gone := map[bool]time.Duration{}
	for _, first := range []bool{false, true} {
		bubble(t, sandbox.Options{
			Latency:   20 * time.Millisecond,
			Durations: sandbox.Durations{Restore: sandbox.Duration{Base: 10 * time.Minute, PerGiB: 7 * time.Second}},
		}, func(w *world) {
			w.must(w.PutDBInstance(prod, region, "orders", sandbox.SeedDatabase{
				Age: sandbox.Age(1000 * 24 * time.Hour), Tags: map[string]string{"backup": "gold"}, Size: 2048,
			}))
			p := w.process(parse(w, oneSite+hourly))
			w.clean(p.RunAndWait(w.Context(), time.Minute))
			address := aws.ToString(w.instances()["orders"].Endpoint.Address)
			wish := inPlace()
			wish.RenameFirst = first
			stop := make(chan struct{})
			down := make(chan time.Duration)
			go func() { // Asks every second whether anybody answers at the address.
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
			res, err := p.RunRestore(w.Context(), w.planRestore(p, wish), restorePoll, nil)
			w.must(err)
			close(stop)
			if gone[first] = <-down; res.Outcome != saga.Finished {
				w.Errorf("%+v", res)
			}
		})
	}
	t.Logf("nobody answers for %s; with the old one renamed first for %s", gone[false], gone[true])
	if gone[false] == 0 || gone[false]*20 > gone[true] {
		t.Errorf("%s is more than a twentieth of %s", gone[false], gone[true])
	}
}
