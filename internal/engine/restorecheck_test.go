package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/check"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// asked is hourly with checks.
const asked = hourly + `
    checks:
      - {sql: select count(*) from orders, at_least: 1000, password: {env: PW}, within: 2h}
      - {tcp: true}
`

// checker answers checks as a test wants, and remembers who passed all of them.
type checker struct {
	ready error
	// run answers a check of a store that was asked for the n-th time, from 1 on.
	run func(ctx context.Context, n int, t check.Target) error

	asked  map[string]int
	passed []string
	seen   []check.Target
}

func (c *checker) Ready(context.Context, policy.Check, check.Target) error { return c.ready }

func (c *checker) Run(ctx context.Context, what policy.Check, t check.Target) error {
	if c.asked == nil {
		c.asked = map[string]int{}
	}
	c.asked[t.Endpoint.Host]++
	c.seen = append(c.seen, t)
	if c.run != nil {
		if err := c.run(ctx, c.asked[t.Endpoint.Host], t); err != nil {
			return err
		}
	}
	if what.Kind == policy.CheckTCP { // The last one.
		c.passed = append(c.passed, place(t))
	}
	return nil
}

// place says which of the two a check was about.
func place(t check.Target) string {
	if strings.HasPrefix(t.Endpoint.Host, "orders-new-") {
		return "beside"
	}
	return "in place"
}

var errWrong = errors.New(`check "select count(*) from orders": found "12", wanted at least 1000`)

// What checks say decides: all is as it was, or the new one has the place.
func TestRestoreChecks(t *testing.T) {
	for _, c := range []struct {
		name   string
		run    func(w *world) func(ctx context.Context, n int, t check.Target) error
		want   saga.Outcome
		passed []string
		// away says whether the old one ever lost its name.
		away bool
	}{
		{"passing", func(*world) func(context.Context, int, check.Target) error { return nil }, saga.Finished, []string{"beside", "in place"}, true},
		{"failing before the swap", func(*world) func(context.Context, int, check.Target) error {
			return func(context.Context, int, check.Target) error { return errWrong }
		}, saga.RolledBack, nil, false},
		{"failing after the swap", func(*world) func(context.Context, int, check.Target) error {
			return func(_ context.Context, _ int, t check.Target) error {
				if t.Renamed {
					return errWrong
				}
				return nil
			}
		}, saga.RolledBack, []string{"beside"}, true},
		{"failing for a while", func(w *world) func(context.Context, int, check.Target) error {
			return func(ctx context.Context, n int, _ check.Target) error {
				if n == 2 {
					return nil
				}
				return w.clock.Sleep(ctx, 100*time.Minute)
			}
		}, saga.Finished, []string{"beside", "in place"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				fake := &checker{run: c.run(w)}
				w.checks = fake
				w.rich()
				p := w.process(parse(w, oneSite+asked))
				r := w.planRestore(p, inPlace())
				if len(r.Checks) != 2 || slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "check") }) {
					t.Errorf("checks %v, notes %q", r.Checks, r.Notes)
				}
				away := false
				res, err := p.RunRestore(w.Context(), r, restorePoll, func(ev saga.Event) {
					away = away || ev.Kind == saga.Began && ev.Step.Name == "away"
				})
				w.must(err)
				if res.Outcome != c.want || !slices.Equal(fake.passed, c.passed) || away != c.away {
					t.Errorf("%+v; passed %v; the old one was away: %v", res, fake.passed, away)
				}
				if c.want == saga.RolledBack && (!strings.Contains(res.Err.Error(), `found "12", wanted at least 1000`) || store.Remedy(res.Err) == "") {
					t.Errorf("%v; %s", res.Err, store.Remedy(res.Err))
				}
				for _, at := range fake.seen {
					if at.Endpoint.Port != 5432 || at.Settings["user"] == "" || at.Renamed != (place(at) == "in place") {
						t.Errorf("it was asked of %+v", at)
					}
				}
				w.endsWell(r, res)
			})
		})
	}
}

// As a new one, and renamed first: checked once, under the name itself.
func TestRestoreChecksOnce(t *testing.T) {
	for _, c := range []struct {
		wish engine.RestoreWish
		err  error
		want saga.Outcome
		left int
	}{
		{engine.RestoreWish{Resource: "orders", As: "orders-copy"}, nil, saga.Finished, 2},
		{engine.RestoreWish{Resource: "orders", As: "orders-copy"}, errWrong, saga.RolledBack, 1},
		{engine.RestoreWish{Resource: "orders", RenameFirst: true, KeepOld: time.Hour}, nil, saga.Finished, 2},
		{engine.RestoreWish{Resource: "orders", RenameFirst: true, KeepOld: time.Hour}, errWrong, saga.RolledBack, 1},
	} {
		bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
			fake := &checker{run: func(context.Context, int, check.Target) error { return c.err }}
			w.checks = fake
			w.rich()
			p := w.process(parse(w, oneSite+asked))
			r := w.planRestore(p, c.wish)
			res, err := p.RunRestore(w.Context(), r, restorePoll, nil)
			w.must(err)
			if all := w.instances(); res.Outcome != c.want || len(all) != c.left || fake.seen[0].Renamed != c.wish.RenameFirst {
				t.Errorf("%+v: %+v; there are %v", c.wish, res, names(all))
			}
		})
	}
}

// Where checks cannot be made nothing is begun, and the plan says so before.
func TestRestoreChecksNotReady(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.checks = &checker{ready: errors.New("environment variable PW is not set")}
		w.rich()
		p := w.process(parse(w, oneSite+asked))
		r := w.planRestore(p, inPlace())
		if n := len(r.Notes); n == 0 || !strings.Contains(r.Notes[n-1], "PW is not set") {
			t.Errorf("the plan notes %q", r.Notes)
		}
		w.ResetCalls()
		_, err := p.RunRestore(w.Context(), r, restorePoll, nil)
		if err == nil || !strings.Contains(err.Error(), "PW is not set") || store.Remedy(err) == "" {
			t.Errorf("it runs: %v", err)
		}
		for _, call := range w.Calls() {
			if !strings.HasPrefix(call.Action, "Describe") {
				t.Errorf("%s was called", call.Action)
			}
		}
		p.Checks = nil
		if _, err := p.RunRestore(w.Context(), r, restorePoll, nil); err == nil {
			t.Error("it runs where nobody can check")
		}
	})
}

// Checks can be skipped, and a policy may have none; both are said.
func TestRestoreWithoutChecks(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		w.rich()
		for file, want := range map[string]string{asked: "the checks of policy hourly are skipped", hourly: "policy hourly has no checks"} {
			wish := inPlace()
			wish.SkipChecks = file == asked
			r := w.planRestore(w.process(parse(w, oneSite+file)), wish)
			if !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.HasPrefix(n, want) }) {
				t.Errorf("notes %q, want %q", r.Notes, want)
			}
			if r.Request.Checks != "" || slices.ContainsFunc(r.Saga.Steps, func(st saga.Step) bool { return st.Op == store.OpCheck }) {
				t.Error("there is a step that checks")
			}
		}
	})
}

// A restore is not resumed with other checks than it was begun with, unless it is past
// them; it can be taken back all the same.
func TestRestoreChecksChanged(t *testing.T) {
	other := strings.Replace(asked, "1000", "1", 1)
	for _, c := range []struct {
		stop string
		runs bool
	}{{"restore", false}, {"away", false}, {"check-again", false}, {"finish", true}} {
		t.Run(c.stop, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				w.checks = &checker{}
				w.rich()
				p := w.process(parse(w, oneSite+asked))
				r := w.planRestore(p, inPlace())
				ctx, cancel := context.WithCancel(w.Context())
				_, err := p.RunRestore(ctx, r, restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == c.stop {
						cancel()
					}
				})
				w.must(err)
				q := w.process(parse(w, oneSite+other))
				found, err := q.Restores(w.Context(), q.Observe(w.Context()))
				w.must(err)
				if len(found) != 1 {
					t.Fatalf("%d restores under way", len(found))
				}
				res, err := q.RunRestore(w.Context(), found[0], restorePoll, nil)
				if c.runs {
					w.must(err)
					if res.Outcome != saga.Finished {
						t.Errorf("%+v", res)
					}
					w.endsWell(r, res)
					return
				}
				if err == nil || !strings.Contains(err.Error(), "begun with other checks than policy hourly has now") || !strings.Contains(store.Remedy(err), "abort "+r.Request.ID) {
					t.Fatalf("it goes on: %+v %v", res, err)
				}
				res, err = q.AbortRestore(w.Context(), found[0], restorePoll, nil)
				w.must(err)
				if all := w.instances(); res.Outcome != saga.RolledBack || len(all) != 1 {
					t.Errorf("%+v: %v", res, names(all))
				}
			})
		})
	}
}

// A resumed restore checks anew, also one that was stopped where all but the check
// looked done, and leaves out no step.
func TestRestoreChecksAfterResuming(t *testing.T) {
	for _, stop := range []string{"restore", "settle", "reboot", "check", "ready"} {
		t.Run(stop, func(t *testing.T) {
			bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
				fake := &checker{}
				w.checks = fake
				w.rich()
				before := w.instances()["orders"]
				file := parse(w, oneSite+asked)
				p := w.process(file)
				r := w.planRestore(p, inPlace())
				ctx, cancel := context.WithCancel(w.Context())
				watch := func(ev saga.Event) {
					if ev.Step.Name == stop && ev.Kind != saga.Found {
						cancel()
					}
				}
				_, err := p.RunRestore(ctx, r, restorePoll, watch)
				w.must(err)
				fake.passed = nil
				w.sleep(3 * time.Hour) // By then it is all there and available.
				q := w.process(file)
				found, err := q.Restores(w.Context(), q.Observe(w.Context()))
				w.must(err)
				res, err := q.RunRestore(w.Context(), found[0], restorePoll, func(ev saga.Event) {
					if ev.Kind == saga.Began && ev.Step.Name == "away" && len(fake.passed) == 0 {
						t.Error("the old one loses its name to one that was not checked")
					}
				})
				w.must(err)
				if res.Outcome != saga.Finished || !slices.Equal(fake.passed, []string{"beside", "in place"}) {
					t.Errorf("%+v; passed %v", res, fake.passed)
				}
				w.endsWell(r, res)
				w.sameSettings(q, r, before)
			})
		})
	}
}

// TestRestoreEveryCallChecked: whatever is disturbed, nothing that did not pass ever
// takes a place, and what takes it has every captured setting.
func TestRestoreEveryCallChecked(t *testing.T) {
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprintf("rename-first=%v", first), func(t *testing.T) {
			wish := inPlace()
			wish.RenameFirst = first
			restoreScene{
				file: oneSite + asked, wish: wish,
				seed: func(w *world) {
					w.checks = &checker{}
					w.rich()
				},
				judge: func(w *world, r engine.Restoring, res saga.Result) {
					w.endsWell(r, res)
					if all := w.instances(); len(all) == 2 {
						for name, in := range all {
							if name != "orders" {
								w.sameSettings(w.process(parse(w, oneSite+asked)), r, in)
							}
						}
					}
				},
				watch: (*world).passedBefore,
			}.everyCall(t)
		})
	}
}

// passedBefore insists that what is to be swapped, or to stay, has passed.
func (w *world) passedBefore(ev saga.Event) {
	fake, ok := w.checks.(*checker)
	if !ok || ev.Kind != saga.Began {
		return
	}
	need := ""
	switch {
	case ev.Step.Name == "away" && ev.Saga.Steps[1].Name != "away":
		need = "beside"
	case ev.Step.Name == "let-go":
		need = "in place"
	}
	if need != "" && !slices.Contains(fake.passed, need) {
		w.Errorf("%s begins, and %s nothing has passed", ev.Step.Name, need)
	}
}
