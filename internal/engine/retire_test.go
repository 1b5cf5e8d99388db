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
)

// replaced restores orders in place, and gives what it was called before and is now.
func (w *world) replaced(keep time.Duration) (old string, r engine.Restoring) {
	w.Helper()
	w.rich()
	p := w.process(parse(w, oneSite+hourly))
	wish := inPlace()
	wish.KeepOld = keep
	r = w.planRestore(p, wish)
	res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
	w.must(err)
	if res.Outcome != saga.Finished {
		w.Fatalf("%+v", res)
	}
	for name := range w.instances() {
		if name != "orders" {
			old = name
		}
	}
	return old, r
}

// finals gives the final snapshots by name, with their states.
func (w *world) finals() map[string]string {
	w.Helper()
	out := map[string]string{}
	got, err := w.rdsConsole().DescribeDBSnapshots(context.WithoutCancel(w.Context()), &sdk.DescribeDBSnapshotsInput{SnapshotType: aws.String("manual")})
	w.must(err)
	for _, s := range got.DBSnapshots {
		for _, t := range s.TagList {
			if aws.ToString(t.Key) == dr.TagPolicy && aws.ToString(t.Value) == dr.PolicyFinal {
				out[aws.ToString(s.DBSnapshotIdentifier)] = aws.ToString(s.Status)
			}
		}
	}
	return out
}

// tag changes the tags of an instance as a person would; an empty value takes one off.
func (w *world) tag(name, key, value string) {
	w.Helper()
	arn := w.instances()[name].DBInstanceArn
	var err error
	if value == "" {
		_, err = w.rdsConsole().RemoveTagsFromResource(w.Context(), &sdk.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: []string{key}})
	} else {
		_, err = w.rdsConsole().AddTagsToResource(w.Context(), &sdk.AddTagsToResourceInput{
			ResourceName: arn, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}},
		})
	}
	w.must(err)
}

func verbs(r engine.Report, id string) []plan.Verb {
	var out []plan.Verb
	for _, o := range r.Outcomes {
		if o.Action.From.ID == id && o.Err == nil && o.Left == "" {
			out = append(out, o.Action.Verb)
		}
	}
	return out
}

// After its time a final snapshot of the old one is taken, and then it is deleted,
// though it was protected; nothing else is, and nothing is left to do.
func TestRetiredByRuns(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		old, r := w.replaced(24 * time.Hour)
		if !aws.ToBool(w.instances()[old].DeletionProtection) {
			t.Fatal("the scene is not as it should be: the old one is not protected")
		}
		file := parse(w, oneSite+hourly)
		var did []string
		for hour := range 30 {
			rep := w.process(file).RunAndWait(w.Context(), time.Minute)
			w.clean(rep)
			for _, v := range verbs(rep, old) {
				did = append(did, string(v))
				if age := time.Since(r.Request.Begun); age < 24*time.Hour {
					t.Errorf("hour %d: %s after %s", hour, v, age)
				}
			}
			w.sleep(time.Hour)
		}
		if got := strings.Join(did, " "); got != "create retire" {
			t.Errorf("what was done to %s: %s", old, got)
		}
		if all := w.instances(); len(all) != 1 || !aws.ToBool(all["orders"].DeletionProtection) {
			t.Errorf("there are %v", names(all))
		}
		if f := w.finals(); len(f) != 1 || !strings.Contains(fmt.Sprint(f), "available") {
			t.Errorf("final snapshots: %v", f)
		}
		p := w.process(file)
		next, inv := p.Plan(w.Context())
		for _, a := range next.Actions {
			if strings.Contains(a.Name, "-old-") || a.Verb == plan.Retire {
				t.Errorf("there is still %s %s to do", a.Verb, a.Name)
			}
		}
		// The final snapshot is no recovery point of orders, nor is it chosen as one.
		again, err := p.PlanRestore(w.Context(), inv, inPlace())
		w.must(err)
		if again.Request.From.Claim.Policy == dr.PolicyFinal {
			t.Errorf("orders would be restored from %s", again.Request.From.Ref.ID)
		}
		for _, s := range plan.Survey(time.Now(), file, inv) {
			if strings.Contains(s.Resource.ID, "-old-") && s.Standard != plan.Gone {
				t.Errorf("%s stands as %s", s.Resource.ID, s.Standard)
			}
		}
	})
}

// A run after a week off does what is due, and another ends it.
func TestRetiredAfterAWeekOff(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		old, _ := w.replaced(24 * time.Hour)
		w.sleep(8 * 24 * time.Hour)
		file := parse(w, oneSite+hourly)
		first := w.process(file).RunAndWait(w.Context(), time.Minute)
		w.sleep(time.Hour)
		then := w.process(file).RunAndWait(w.Context(), time.Minute)
		if got := fmt.Sprint(verbs(first, old), verbs(then, old)); got != "[create] [retire]" || len(w.instances()) != 1 {
			t.Errorf("%s; there are %v", got, names(w.instances()))
		}
	})
}

// TestRetireEveryCall crashes, fails and times out at every call of the two runs that
// retire an old one; later runs end it.
func TestRetireEveryCall(t *testing.T) {
	file := oneSite + hourly
	rounds := func(w *world, f sandbox.Fault) {
		for i := range 6 {
			p := w.process(parse(w, file))
			end := func() {}
			if i == 0 {
				f.Client = p.client
				end = w.Inject(f)
			}
			p.RunAndWait(w.Context(), time.Minute)
			end()
			w.sleep(time.Hour)
		}
	}
	calls := 0
	for _, second := range []bool{false, true} { // In the run that takes the snapshot, and in the one that deletes.
		bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
			w.replaced(time.Hour)
			w.sleep(2 * time.Hour)
			if second {
				w.process(parse(w, file)).RunAndWait(w.Context(), time.Minute)
				w.sleep(time.Hour)
			}
			w.ResetCalls()
			w.process(parse(w, file)).RunAndWait(w.Context(), time.Minute)
			calls = len(w.Calls())
		})
		every := 1
		if testing.Short() || raceDetector {
			every = max(calls/3, 12)
		}
		for n := 0; n < calls; n += every {
			for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout, sandbox.Fail} {
				t.Run(fmt.Sprintf("%v/%d/%s", second, n, kind), func(t *testing.T) {
					bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
						w.replaced(time.Hour)
						w.sleep(2 * time.Hour)
						if second {
							w.process(parse(w, file)).RunAndWait(w.Context(), time.Minute)
							w.sleep(time.Hour)
						}
						rounds(w, sandbox.Fault{Kind: kind, Skip: n, Times: 1})
						w.retiredWell()
					})
				})
			}
		}
	}
}

// retiredWell: the old one is gone, one final snapshot is there, and orders serves.
func (w *world) retiredWell() {
	w.Helper()
	all, finals := w.instances(), w.finals()
	if len(all) != 1 || aws.ToString(all["orders"].DBInstanceStatus) == "" {
		w.Errorf("there are %v", names(all))
	}
	if len(finals) != 1 {
		w.Errorf("final snapshots: %v", finals)
	}
}

// What a person changes between the plan and the delete is seen.
func TestRetireLooksAgain(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, old string)
	}{
		{"kept longer", func(w *world, old string) {
			w.tag(old, dr.TagExpires, time.Now().UTC().Add(time.Hour).Format(time.RFC3339))
		}},
		{"kept for good", func(w *world, old string) { w.tag(old, dr.TagExpires, "") }},
		{"another's", func(w *world, old string) { w.tag(old, dr.TagKeeper, "other") }},
		{"the final snapshot is deleted", func(w *world, _ string) {
			for name := range w.finals() {
				_, err := w.rdsConsole().DeleteDBSnapshot(w.Context(), &sdk.DeleteDBSnapshotInput{DBSnapshotIdentifier: aws.String(name)})
				w.must(err)
			}
		}},
		{"orders is deleted", func(w *world, _ string) {
			_, err := w.rdsConsole().ModifyDBInstance(w.Context(), &sdk.ModifyDBInstanceInput{
				DBInstanceIdentifier: aws.String("orders"), DeletionProtection: aws.Bool(false), ApplyImmediately: aws.Bool(true),
			})
			w.must(err)
			_, err = w.rdsConsole().DeleteDBInstance(w.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("orders"), SkipFinalSnapshot: aws.Bool(true)})
			w.must(err)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				old, _ := w.replaced(time.Hour)
				file := parse(w, oneSite+hourly)
				w.sleep(2 * time.Hour)
				w.clean(w.process(file).RunAndWait(w.Context(), time.Minute))
				p := w.process(file).when(engine.Planned, func() { c.change(w, old) })
				rep := p.RunOnce(w.Context())
				if rep.Plan.Count(plan.Retire) != 1 {
					t.Fatalf("it was not to be deleted: %+v", rep.Plan.Actions)
				}
				if _, there := w.instances()[old]; !there || len(verbs(rep, old)) != 0 {
					t.Errorf("%s is deleted: %v", old, verbs(rep, old))
				}
			})
		})
	}
}

// A new one made of the old one's snapshot is not kept for a while as the old one is.
func TestRestoreOfAFinalStays(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		old, _ := w.replaced(time.Hour)
		file := parse(w, oneSite+hourly)
		w.sleep(2 * time.Hour)
		w.clean(w.process(file).RunAndWait(w.Context(), time.Minute))
		finals := slices.Collect(mapKeys(w.finals()))
		p := w.process(file)
		r := w.planRestore(p, engine.RestoreWish{From: finals[0], As: "orders-again"})
		res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		w.must(err)
		if res.Outcome != saga.Finished {
			t.Fatalf("%+v", res)
		}
		for range 4 {
			w.sleep(time.Hour)
			w.process(file).RunAndWait(w.Context(), time.Minute)
		}
		if got := names(w.instances()); !slices.Equal(got, []string{"orders", "orders-again"}) || old == "" {
			t.Errorf("there are %v", got)
		}
	})
}

// --keep-old 0: the command goes on until the old one is gone.
func TestRetireNow(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		_, r := w.replaced(0)
		p := w.process(parse(w, oneSite+hourly))
		if kept := p.KeptOnes(p.Observe(w.Context())); len(kept) != 1 || kept[0].ReplacedBy != "orders" {
			t.Errorf("kept: %+v", kept)
		}
		w.must(p.RetireNow(w.Context(), r, restorePoll))
		w.retiredWell()
		if kept := p.KeptOnes(p.Observe(w.Context())); len(kept) != 0 {
			t.Errorf("still kept: %+v", kept)
		}
	})
}

// What stops it leaves the rest to the next run; what cannot be is said.
func TestRetireNowStopped(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		_, r := w.replaced(0)
		file := parse(w, oneSite+hourly)
		p := w.process(file)
		ctx, cancel := context.WithTimeout(w.Context(), 20*time.Second)
		defer cancel()
		if err := p.RetireNow(ctx, r, restorePoll); err == nil || len(w.instances()) != 2 {
			t.Fatalf("%v: %v", err, names(w.instances()))
		}
		for range 3 {
			w.process(file).RunAndWait(w.Context(), time.Minute)
			w.sleep(time.Hour)
		}
		w.retiredWell()
	})
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		_, r := w.replaced(0)
		p := w.process(parse(w, oneSite+hourly))
		defer w.Inject(sandbox.Fault{Match: sandbox.Match{Client: p.client, Action: "CreateDBSnapshot"}, Kind: sandbox.Fail, Code: "SnapshotQuotaExceeded", Times: 99})()
		if err := p.RetireNow(w.Context(), r, restorePoll); err == nil || !strings.Contains(err.Error(), "SnapshotQuotaExceeded") || len(w.instances()) != 2 {
			t.Errorf("%v: %v", err, names(w.instances()))
		}
	})
}
