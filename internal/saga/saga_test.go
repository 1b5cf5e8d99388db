package saga_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/saga"
)

// passing is the time of a synctest bubble.
type passing struct{}

func (passing) Now() time.Time { return time.Now() }

func (passing) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// world is what the steps of a test change: each is begun, and some time later done;
// taken back, and some time later gone.
type world struct {
	steps map[string]*place
	// calls are all that were made, in order.
	calls []string
	// fault is asked before (and after) every call.
	fault func(call string, after bool) error
	lasts time.Duration
	stuck map[string]bool
	never map[string]error
}

type place struct {
	begun, gone time.Time
}

func newWorld() *world {
	return &world{steps: map[string]*place{}, lasts: 3 * time.Minute, stuck: map[string]bool{}, never: map[string]error{}}
}

func (w *world) at(s saga.Step) *place {
	if w.steps[s.Name] == nil {
		w.steps[s.Name] = &place{}
	}
	return w.steps[s.Name]
}

func (w *world) call(what string, s saga.Step, f func()) error {
	name := what + " " + s.Name
	w.calls = append(w.calls, name)
	if w.fault != nil {
		if err := w.fault(name, false); err != nil {
			return err
		}
	}
	f()
	if w.fault != nil {
		return w.fault(name, true)
	}
	return nil
}

func (w *world) Probe(_ context.Context, s saga.Step) (p saga.Progress, err error) {
	if e := w.never[s.Name]; e != nil && !w.at(s).begun.IsZero() {
		return p, saga.Hopeless(e)
	}
	err = w.call("probe", s, func() {
		x := w.at(s)
		switch {
		case x.begun.IsZero() || !x.gone.IsZero():
		case s.Op == "check":
			p.State = saga.Done
		case w.stuck[s.Name] || time.Since(x.begun) < w.lasts:
			p.State = saga.Underway
		default:
			p.State = saga.Done
		}
	})
	return p, err
}

func (w *world) Do(_ context.Context, s saga.Step) error {
	return w.call("do", s, func() {
		if x := w.at(s); x.begun.IsZero() || !x.gone.IsZero() {
			*x = place{begun: time.Now()}
		}
	})
}

func (w *world) Undo(_ context.Context, s saga.Step) error {
	return w.call("undo", s, func() {
		if x := w.at(s); !x.begun.IsZero() && x.gone.IsZero() {
			x.gone = time.Now()
		}
	})
}

func (w *world) Undone(_ context.Context, s saga.Step) (ok bool, err error) {
	err = w.call("undone", s, func() {
		x := w.at(s)
		ok = x.begun.IsZero() || !x.gone.IsZero() && time.Since(x.gone) >= w.lasts
	})
	return ok, err
}

func (w *world) there(name string) bool {
	x := w.steps[name]
	return x != nil && !x.begun.IsZero() && x.gone.IsZero()
}

func five() saga.Saga {
	return saga.Saga{ID: "r-1", Title: "a test", Steps: []saga.Step{
		{Name: "beside", Op: "make"},
		{Name: "check", Op: "check"},
		{Name: "away", Op: "make"},
		{Name: "in", Op: "make"},
		{Name: "let-go", Op: "make", Pivot: true},
		{Name: "tidy", Op: "make"},
	}}
}

var errWorld = errors.New("the world said no")

func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

func TestRunsToTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		var told []string
		r := saga.Runner{Worker: w, Clock: passing{}, Watch: func(e saga.Event) {
			if e.Kind == saga.Ended {
				told = append(told, e.Step.Name)
			}
		}}
		if res := r.Run(t.Context(), five()); res.Outcome != saga.Finished || res.Err != nil {
			t.Fatalf("%+v", res)
		}
		if got := strings.Join(told, " "); got != "beside check away in let-go tidy" {
			t.Errorf("ended: %s", got)
		}
		if res := r.Run(t.Context(), five()); res.Outcome != saga.Finished {
			t.Errorf("again: %+v", res)
		}
		if n := strings.Count(strings.Join(w.calls, "\n"), "do "); n != 6+0 {
			t.Errorf("%d steps were begun in two runs, want 6", n)
		}
	})
}

func TestFailureBeforeThePivotLeavesNothing(t *testing.T) {
	for _, failing := range []string{"beside", "check", "away", "in"} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(failing, after), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					w := newWorld()
					w.never[failing] = errWorld // Begun, it never comes to be.
					w.fault = func(call string, late bool) error {
						if call == "do "+failing && late == after && !after {
							return errWorld
						}
						return nil
					}
					ctx, cancel := context.WithCancel(t.Context())
					r := saga.Runner{Worker: w, Clock: passing{}, Watch: func(e saga.Event) {
						if e.Kind == saga.Undoing {
							cancel() // Nobody can stop a rollback.
						}
					}}
					res := r.Run(ctx, five())
					if res.Outcome != saga.RolledBack || !errors.Is(res.Err, errWorld) || res.Step.Name != failing {
						t.Fatalf("%+v", res)
					}
					for name := range w.steps {
						if w.there(name) {
							t.Errorf("%s is left over", name)
						}
					}
				})
			})
		}
	}
}

func TestFailureAfterThePivotIsResumed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.never["let-go"] = errWorld
		r := saga.Runner{Worker: w, Clock: passing{}}
		if res := r.Run(t.Context(), five()); res.Outcome != saga.Stopped || !errors.Is(res.Err, errWorld) || !w.there("in") {
			t.Fatalf("%+v", res)
		}
		if res := r.Abort(t.Context(), five()); res.Outcome != saga.Stopped || !w.there("in") {
			t.Fatalf("abort after the pivot: %+v", res)
		}
		delete(w.never, "let-go")
		if res := r.Run(t.Context(), five()); res.Outcome != saga.Finished {
			t.Fatalf("%+v", res)
		}
	})
}

func TestHungStepFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		w.stuck["away"] = true
		s := five()
		s.Steps[2].Deadline = 20 * time.Minute
		begun := time.Now()
		r := saga.Runner{Worker: w, Clock: passing{}}
		res := r.Run(t.Context(), s)
		if res.Outcome != saga.RolledBack || !strings.Contains(res.Err.Error(), "longer than it may (20m0s)") {
			t.Fatalf("%+v", res)
		}
		if took := time.Since(begun); took > 40*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestStopIsNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		ctx, cancel := context.WithCancel(t.Context())
		r := saga.Runner{Worker: w, Clock: passing{}, Watch: func(e saga.Event) {
			if e.Kind == saga.Went && e.Step.Name == "away" {
				cancel()
			}
		}}
		if res := r.Run(ctx, five()); res.Outcome != saga.Stopped || !errors.Is(res.Err, context.Canceled) || !w.there("away") {
			t.Fatalf("%+v", res)
		}
		if res := (&saga.Runner{Worker: w, Clock: passing{}}).Abort(t.Context(), five()); res.Outcome != saga.RolledBack {
			t.Fatalf("%+v", res)
		}
		for name := range w.steps {
			if w.there(name) {
				t.Errorf("%s is left over", name)
			}
		}
	})
}

func TestTroubleThatPasses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		n := 0
		w.fault = func(string, bool) error {
			if n++; n%7 == 0 {
				return errWorld
			}
			return nil
		}
		r := saga.Runner{Worker: w, Clock: passing{}, Temporary: func(error) bool { return true }}
		if res := r.Run(t.Context(), five()); res.Outcome != saga.Finished {
			t.Fatalf("%+v", res)
		}
	})
}

func TestShapesThatAreRefused(t *testing.T) {
	for name, s := range map[string]saga.Saga{
		"no id":      {Steps: []saga.Step{{Name: "a", Op: "x"}}},
		"no steps":   {ID: "r"},
		"no name":    {ID: "r", Steps: []saga.Step{{Op: "x"}}},
		"twice":      {ID: "r", Steps: []saga.Step{{Name: "a", Op: "x"}, {Name: "a", Op: "x"}}},
		"two pivots": {ID: "r", Steps: []saga.Step{{Name: "a", Op: "x", Pivot: true}, {Name: "b", Op: "x", Pivot: true}}},
	} {
		if err := s.Validate(); err == nil {
			t.Errorf("%s is taken", name)
		}
		r := saga.Runner{Worker: newWorld(), Clock: passing{}}
		if res := r.Run(t.Context(), s); res.Outcome != saga.Stopped || res.Err == nil {
			t.Errorf("%s is run: %+v", name, res)
		}
	}
}

// errCrash ends a process: nothing after it happens.
var errCrash = errors.New("crash")

// TestAnyCrashEndsWell kills the process at any call of any kind, before or after it
// takes effect, time and again, lets steps fail for good or not, and then runs it
// undisturbed: it is finished, or nothing is left.
func TestAnyCrashEndsWell(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 6).Draw(rt, "crashes")
		late := rapid.Bool().Draw(rt, "after the effect")
		failing := rapid.SampledFrom([]string{"", "", "beside", "check", "away", "in"}).Draw(rt, "fails")
		synctest.Test(t, func(*testing.T) {
			w := newWorld()
			if failing != "" {
				w.never[failing] = errWorld
			}
			var last saga.Result
			for _, n := range append(seed, -1) {
				last = life(w, n, late)
			}
			for range 3 { // A rollback that was killed is seen as a step that is missing: run again.
				if last.Outcome != saga.Finished {
					last = life(w, -1, late)
				}
			}
			check(rt, w, last, failing)
		})
	})
}

// life runs one process that dies at its n-th call; -1: it does not.
func life(w *world, n int, late bool) (res saga.Result) {
	defer func() {
		if p := recover(); p != nil && !errors.Is(p.(error), errCrash) {
			panic(p)
		}
	}()
	calls := 0
	w.fault = func(_ string, after bool) error {
		if after == late {
			if calls == n {
				panic(errCrash)
			}
			calls++
		}
		return nil
	}
	r := saga.Runner{Worker: w, Clock: passing{}}
	return r.Run(context.Background(), five())
}

func check(t *rapid.T, w *world, last saga.Result, failing string) {
	switch {
	case failing == "" && last.Outcome != saga.Finished:
		t.Fatalf("not finished: %+v", last)
	case failing != "" && last.Outcome != saga.RolledBack:
		t.Fatalf("not rolled back: %+v", last)
	}
	for _, s := range five().Steps {
		if w.there(s.Name) != (failing == "") {
			t.Fatalf("%s there: %v", s.Name, w.there(s.Name))
		}
	}
}

// A step that looks done by itself does not hide that those before it are not.
func TestStepsThatOnlyLook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		s := five()
		s.Steps[1].Looks = true
		w.steps["check"] = &place{begun: time.Now().Add(-time.Hour)} // Nobody began it.
		r := &saga.Runner{Worker: w, Clock: passing{}}
		if res := r.Run(t.Context(), s); res.Outcome != saga.Finished || !w.there("beside") {
			t.Errorf("%+v; beside is there: %v", res, w.there("beside"))
		}
	})
}
