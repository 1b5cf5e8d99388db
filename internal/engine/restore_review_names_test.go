package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/check"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// tagsOf gives the tags of an instance.
func (w *world) tagsOf(name string) dr.Tags {
	w.Helper()
	out := dr.Tags{}
	for _, t := range w.instances()[name].TagList {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// inUse: the one that has the name bears nothing that would keep policies from covering it.
func (w *world) inUse(name string) {
	w.Helper()
	if why, aside := w.tagsOf(name).Aside(); aside {
		w.Errorf("no policy covers %s: %s", name, why)
	}
	for k := range w.tagsOf(name) {
		switch k {
		case dr.TagRestore, dr.TagRole, dr.TagRequest, dr.TagExpires, dr.TagKeeper, dr.TagReplaced:
			w.Errorf("%s bears %s", name, k)
		}
	}
}

// found gives the one restore that is under way.
func (w *world) found(p *process) engine.Restoring {
	w.Helper()
	all, err := p.Restores(w.Context(), p.Observe(w.Context()))
	w.must(err)
	if len(all) != 1 {
		w.Fatalf("%d restores are under way", len(all))
	}
	return all[0]
}

// A machine that dies while it lets go of the old one has written on it until when it is
// kept. Taken back, it is in use again.
func TestAbortedWhileLettingGo(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		file := parse(w, oneSite+hourly)
		p := w.process(file)
		_, err := p.RunRestore(w.Context(), w.planRestore(p, inPlace()), restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Began && ev.Step.Name == "let-go" {
				w.Inject(sandbox.Fault{Match: sandbox.Match{Action: "AddTagsToResource", Client: p.client}, Kind: sandbox.CrashAfter, Times: 1})
			}
		})
		w.must(err)
		q := w.process(file)
		res, err := q.AbortRestore(w.Context(), w.found(q), restorePoll, nil)
		w.must(err)
		w.endsWell(engine.Restoring{}, res)
		w.inUse("orders")
	})
}

// Two people restore the same database at once. One of them wins, and the other one is
// told so, soon and with nothing left over.
func TestTwoRestoreAtOnce(t *testing.T) {
	for _, first := range []bool{false, true} {
		for _, apart := range []time.Duration{time.Second, 20 * time.Second, 5 * time.Minute, 12 * time.Minute, 20 * time.Minute} {
			t.Run(fmt.Sprintf("rename-first=%v/%s", first, apart), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.rich()
					file := parse(w, oneSite+hourly)
					wish := inPlace()
					wish.RenameFirst = first
					var plans []engine.Restoring
					var ps []*process
					for range 2 {
						p := w.process(file)
						ps, plans = append(ps, p), append(plans, w.planRestore(p, wish))
						w.sleep(2 * time.Second)
					}
					begun, finished := time.Now(), 0
					var mu sync.Mutex
					var all sync.WaitGroup
					var said []string
					for i := range ps {
						all.Go(func() {
							w.sleep(time.Duration(i) * apart)
							res, err := ps[i].RunRestore(w.Context(), plans[i], restorePoll, nil)
							mu.Lock()
							defer mu.Unlock()
							said = append(said, fmt.Sprintf("%d after %s: %+v %v", i, time.Since(begun), res, err))
							if res.Outcome == saga.Finished {
								finished++
							}
						})
					}
					all.Wait()
					took := time.Since(begun)
					if finished != 1 || took > 2*time.Hour {
						t.Errorf("%d finished, after %s", finished, took)
					}
					q := w.process(file)
					left, err := q.Restores(w.Context(), q.Observe(w.Context()))
					if err != nil || len(left) != 0 {
						t.Errorf("%d are under way still (%v)", len(left), err)
					}
					if got := w.instances(); len(got) != 2 {
						t.Errorf("there are %v", names(got))
					}
					w.inUse("orders")
					if t.Failed() {
						t.Log(strings.Join(said, "\n"))
					}
				})
			})
		}
	}
}

// What a restore was planned for may have been replaced by the time that a person says
// yes.
func TestReplacedBeforeItBegan(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		file := parse(w, oneSite+hourly)
		late := w.process(file)
		planned := w.planRestore(late, inPlace())
		w.sleep(2 * time.Second)
		p := w.process(file)
		res, err := p.RunRestore(w.Context(), w.planRestore(p, inPlace()), restorePoll, nil)
		w.must(err)
		begun := time.Now()
		res2, err := late.RunRestore(w.Context(), planned, restorePoll, nil)
		t.Logf("%+v; the late one after %s: %+v %v", res, time.Since(begun), res2, err)
		if res2.Outcome == saga.Finished || time.Since(begun) > 10*time.Minute {
			t.Errorf("%s after %s", res2.Outcome, time.Since(begun))
		}
		if got := w.instances(); len(got) != 2 {
			t.Errorf("there are %v", names(got))
		}
		w.inUse("orders")
	})
}

// With so many tags that the mark just fits, the old one can still be let go.
func TestRestoreOfOneFullOfTags(t *testing.T) {
	for n := 40; n <= 50; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.rich()
				for i := len(w.tagsOf("orders")); i < n; i++ {
					w.tag("orders", fmt.Sprintf("t%02d", i), "x")
				}
				p := w.process(parse(w, oneSite+hourly))
				r, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), inPlace())
				if err != nil {
					return
				}
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				if res.Outcome == saga.Stopped {
					t.Errorf("%+v", res)
				}
				w.endsWell(r, res)
				w.inUse("orders")
				for i := 0; res.Outcome == saga.Finished && i < n; i++ {
					if key := fmt.Sprintf("t%02d", i); w.tagsOf("orders")[key] != w.tagsOf(awayName(w))[key] && !strings.Contains(strings.Join(r.Losses, " "), key) {
						t.Errorf("tag %s is lost without a word", key)
					}
				}
			})
		})
	}
}

func awayName(w *world) string {
	for name := range w.instances() {
		if name != "orders" {
			return name
		}
	}
	return ""
}

// The answer of the call that restores is lost, and what it made shows late.
func TestRestoreShowsLate(t *testing.T) {
	for _, times := range []int{1, 2, 3, 6} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.rich()
				p := w.process(parse(w, oneSite+hourly))
				r := w.planRestore(p, inPlace())
				res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == "restore" {
						w.Inject(sandbox.Fault{Match: sandbox.Match{Action: "RestoreDBInstanceFromDBSnapshot", Client: p.client}, Kind: sandbox.Timeout, Times: times})
						w.Inject(sandbox.Fault{Match: sandbox.Match{Action: "DescribeDBInstances", Client: p.client}, Kind: sandbox.Stale, StaleBy: 100 * time.Second, Times: 4})
					}
				})
				w.must(err)
				w.sleep(time.Hour)
				w.endsWell(r, res)
				w.inUse("orders")
			})
		})
	}
}

// Somebody deletes the new one in the middle: nobody waits a day for it.
func TestNewOneDeletedInTheMiddle(t *testing.T) {
	for _, step := range []string{"restore", "settle", "ready", "in"} {
		t.Run(step, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond, Durations: sandbox.Durations{Restore: sandbox.Duration{Base: 40 * time.Minute}}}, func(w *world) {
				w.rich()
				p := w.process(parse(w, oneSite+hourly))
				r := w.planRestore(p, inPlace())
				begun := time.Now()
				res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == step {
						go func() {
							_ = w.clock.Sleep(w.Context(), 2*time.Minute)
							for range 60 {
								_, err := w.rdsConsole().DeleteDBInstance(w.Context(), &sdk.DeleteDBInstanceInput{
									DBInstanceIdentifier: aws.String("orders-new-" + r.Request.ID), SkipFinalSnapshot: aws.Bool(true),
								})
								if err == nil {
									return
								}
								if w.clock.Sleep(w.Context(), 10*time.Second) != nil {
									return
								}
							}
						}()
					}
				})
				w.must(err)
				t.Logf("after %s: %+v", time.Since(begun), res)
				if time.Since(begun) > 4*time.Hour {
					t.Errorf("it took %s", time.Since(begun))
				}
				w.endsWell(r, res)
			})
		})
	}
}

// One takes a restore back while another machine still runs it.
func TestAbortedWhileItRuns(t *testing.T) {
	for _, step := range []string{"restore", "settle", "ready", "away", "in", "let-go", "finish"} {
		for _, after := range []time.Duration{0, 10 * time.Millisecond, 40 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 5 * time.Second, 40 * time.Second} {
			t.Run(fmt.Sprintf("%s/%s", step, after), func(t *testing.T) {
				bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
					w.rich()
					file := parse(w, oneSite+hourly)
					p := w.process(file)
					r := w.planRestore(p, inPlace())
					begun := time.Now()
					var all sync.WaitGroup
					var back saga.Result
					res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
						if ev.Kind != saga.Began || ev.Step.Name != step {
							return
						}
						all.Go(func() {
							time.Sleep(after)
							back, _ = w.process(file).AbortRestore(w.Context(), r, restorePoll, nil)
						})
					})
					w.must(err)
					all.Wait()
					took := time.Since(begun)
					if took > 4*time.Hour {
						t.Errorf("it took %s", took)
					}
					for range 2 {
						q := w.process(file)
						found, err := q.Restores(w.Context(), q.Observe(w.Context()))
						w.must(err)
						if len(found) > 0 {
							more, err := q.AbortRestore(w.Context(), found[0], restorePoll, nil)
							t.Logf("left over, and taken back: %+v %v", more, err)
							if more.Outcome != saga.RolledBack {
								more, err = q.RunRestore(w.Context(), found[0], restorePoll, nil)
								t.Logf("left over, and resumed: %+v %v", more, err)
							}
						}
					}
					w.endsWell(r, res)
					w.inUse("orders")
					if t.Failed() {
						t.Logf("after %s: %+v; taken back: %+v", took, res, back)
					}
				})
			})
		}
	}
}

// The snapshot is deleted after the old one was let go: there is no way back, so there
// has to be one on.
func TestSnapshotGoneAfterLettingGo(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		file := parse(w, oneSite+hourly)
		p := w.process(file)
		r := w.planRestore(p, inPlace())
		ctx, cancel := context.WithCancel(w.Context())
		_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Ended && ev.Step.Name == "let-go" {
				cancel()
			}
		})
		w.must(err)
		_, err = w.rdsConsole().DeleteDBSnapshot(w.Context(), &sdk.DeleteDBSnapshotInput{DBSnapshotIdentifier: aws.String(r.Request.From.Ref.ID)})
		w.must(err)
		w.sleep(time.Hour)
		q := w.process(file)
		res, err := q.RunRestore(w.Context(), w.found(q), restorePoll, nil)
		t.Logf("%+v %v", res, err)
		w.inUse("orders")
		if !aws.ToBool(w.instances()["orders"].DeletionProtection) {
			t.Error("orders is not protected as it was")
		}
	})
}

// As in TestAbortedWhileLettingGo, with a check before it, which leaves no trace of having
// been made.
func TestAbortedWhileLettingGoChecked(t *testing.T) {
	for _, again := range []string{"abort", "fail"} {
		t.Run(again, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				fake := &checker{}
				w.checks = fake
				w.rich()
				file := parse(w, oneSite+asked)
				p := w.process(file)
				_, err := p.RunRestore(w.Context(), w.planRestore(p, inPlace()), restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == "let-go" {
						w.Inject(sandbox.Fault{Match: sandbox.Match{Action: "AddTagsToResource", Client: p.client}, Kind: sandbox.CrashAfter, Times: 1})
					}
				})
				w.must(err)
				fake.run = func(context.Context, int, check.Target) error { return errWrong }
				q := w.process(file)
				do := q.RunRestore
				if again == "abort" {
					do = q.AbortRestore
				}
				res, err := do(w.Context(), w.found(q), restorePoll, nil)
				w.must(err)
				if res.Outcome != saga.RolledBack {
					t.Errorf("%+v", res)
				}
				w.endsWell(engine.Restoring{}, res)
				w.inUse("orders")
			})
		})
	}
}

// What is stopped or has failed cannot be renamed: nothing is restored for hours to end
// there, and where that happens in the middle it is soon taken back.
func TestRestoreOfOneThatCannotBeRenamed(t *testing.T) {
	for _, status := range []string{"stopped", "storage-full", "incompatible-parameters"} {
		t.Run(status, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.rich()
				p := w.process(parse(w, oneSite+hourly))
				r := w.planRestore(p, inPlace())
				begun := time.Now()
				res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == "restore" {
						w.must(w.SetDBInstanceStatus(prod, region, "orders", status))
					}
				})
				w.must(err)
				if res.Outcome != saga.RolledBack || time.Since(begun) > 3*time.Hour || len(w.instances()) != 1 {
					t.Errorf("after %s: %+v", time.Since(begun), res)
				}
				w.inUse("orders")
				if _, err := p.PlanRestore(w.Context(), p.Observe(w.Context()), inPlace()); err == nil {
					t.Error("it is planned once more")
				}
			})
		})
	}
}

// The new one is backed up just when it is to be protected: that is waited for.
func TestBackedUpWhileFinishing(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		p := w.process(parse(w, oneSite+hourly))
		r := w.planRestore(p, inPlace())
		res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
			if ev.Kind == saga.Ended && ev.Step.Name == "let-go" {
				w.must(w.SetDBInstanceStatus(prod, region, "orders", "backing-up"))
				go func() {
					if w.clock.Sleep(w.Context(), 20*time.Minute) == nil {
						_ = w.SetDBInstanceStatus(prod, region, "orders", "available")
					}
				}()
			}
		})
		w.must(err)
		w.sleep(time.Hour)
		if res.Outcome != saga.Finished || !aws.ToBool(w.instances()["orders"].DeletionProtection) {
			t.Errorf("%+v", res)
		}
		w.inUse("orders")
	})
}

// One takes a restore back while another machine checks the data under the name, and that
// one lets go of the old one before it has its name again.
func TestAbortedWhileItChecks(t *testing.T) {
	for lasts := 10 * time.Second; lasts <= 3*time.Minute; lasts += 10 * time.Second {
		t.Run(lasts.String(), func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				fake := &checker{}
				w.checks = fake
				w.rich()
				file := parse(w, oneSite+asked)
				p := w.process(file)
				r := w.planRestore(p, inPlace())
				var all sync.WaitGroup
				var back saga.Result
				fake.run = func(ctx context.Context, n int, at check.Target) error {
					if place(at) == "in place" && n == 1 {
						all.Go(func() { back, _ = w.process(file).AbortRestore(w.Context(), r, restorePoll, nil) })
						return w.clock.Sleep(ctx, lasts)
					}
					return nil
				}
				res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
				w.must(err)
				all.Wait()
				data, err := w.DBInstanceData(prod, region, "orders")
				w.must(err)
				if (res.Outcome == saga.Finished) != (data.Snapshot != "") || (back.Outcome == saga.RolledBack) != (data.Snapshot == "") {
					t.Errorf("orders holds %q: %s; taken back: %s", data.Snapshot, res.Outcome, back.Outcome)
				}
				w.endsWell(r, res)
				w.inUse("orders")
				if t.Failed() {
					t.Logf("%v; taken back: %v, %v", res.Err, back.Err, back.UndoErr)
				}
			})
		})
	}
}
