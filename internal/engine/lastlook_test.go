package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// keepThree keeps three, and not fewer.
const keepThree = oneSite + `
  hourly:
    match: {tags: {backup: gold}}
    every: 1h
    keep: {last: 3, floor: 3}
`

// Between the plan and its deletes somebody changes what the plan relied on.
func TestLastLook(t *testing.T) {
	for _, tc := range []struct {
		name string
		// act is given the names, newest first: 0 to 2 are kept, 3 and 4 expire.
		act  func(p *person, names []string)
		left map[int]string // what stays of those that expire, and why
	}{
		{"nothing happens", func(*person, []string) {}, nil},
		{
			"somebody holds one", func(p *person, n []string) { p.tag(n[3], dr.TagKeep, "till the audit") },
			map[int]string{3: "a person holds it"},
		},
		{
			"somebody strips the claim", func(p *person, n []string) { p.untag(n[4], dr.TagOwner) },
			map[int]string{4: `it is not ours (owner "")`},
		},
		{
			"another installation takes it over", func(p *person, n []string) { p.tag(n[3], dr.TagOwner, "other") },
			map[int]string{3: `it is not ours (owner "other")`},
		},
		{
			"its claim becomes unreadable", func(p *person, n []string) { p.tag(n[3], dr.TagSlot, "noon") },
			map[int]string{3: `it is not ours (owner "")`},
		},
		{
			"its policy changes", func(p *person, n []string) { p.tag(n[3], dr.TagPolicy, "yearly") },
			map[int]string{3: "the claim in the plan is not the one that was seen"},
		},
		{
			"one vanishes", func(p *person, n []string) { p.delete(n[3]); time.Sleep(time.Minute) },
			map[int]string{3: "it is gone already"},
		},
		{
			"one is being deleted", func(p *person, n []string) { p.delete(n[3]) },
			map[int]string{3: "it is going"},
		},
		{
			"the newest vanishes", func(p *person, n []string) { p.delete(n[0]); time.Sleep(time.Minute) },
			map[int]string{
				3: "2 of 4 good snapshots would be left, and the floor is 3",
				4: "2 of 4 good snapshots would be left, and the floor is 3",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.gold(prod, "orders")
				var names []string
				for ago := range 5 {
					names = append(names, w.taken(prod, "orders", "hourly", w.slot(ago)))
				}
				p := w.process(parse(w, keepThree))
				person := w.person(prod)
				var ended []string
				p.when(engine.Planned, func() { tc.act(person, names) })
				act := p.Watch
				p.Watch = func(ev engine.Event) {
					act(ev)
					if ev.Kind == engine.Ended {
						ended = append(ended, ev.Outcome.Action.Name)
					}
				}
				w.checkLeft(w.clean(p.RunOnce(w.Context())), names, tc.left)
				if len(ended) != 2 {
					w.Errorf("told of %v, want both", ended)
				}
				statuses := person.statuses()
				for i := range tc.left {
					if s := statuses[names[i]]; s == "deleting" && tc.left[i] != "it is going" {
						w.Errorf("%s is %s", names[i], s)
					}
				}
			})
		})
	}
}

func (w *world) checkLeft(r engine.Report, names []string, left map[int]string) {
	w.Helper()
	if len(r.Outcomes) != 2 {
		w.Fatalf("outcomes %+v", r.Outcomes)
	}
	for _, o := range r.Outcomes {
		want := left[slices.Index(names, o.Action.Name)]
		if o.Action.Verb != plan.Delete || o.Left != want {
			w.Errorf("%s %s: left because %q, want %q", o.Action.Verb, o.Action.Name, o.Left, want)
		}
	}
	if n := w.changingBy("DeleteDBSnapshot"); n != 2-len(left) {
		w.Errorf("%d deletes, want %d", n, 2-len(left))
	}
}

// changingBy counts the calls of an action that holdfast made, not a person.
func (w *world) changingBy(action string) int {
	n := 0
	for _, c := range w.Calls() {
		if c.Action == action && c.Client == 1 {
			n++
		}
	}
	return n
}

// Where the last look fails nothing is deleted, and each delete says why.
func TestLastLookFails(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault sandbox.Fault
		want  store.Fault
		say   string
	}{
		{"error 500", sandbox.Fault{Kind: sandbox.Fail}, store.Unreachable, "InternalFailure: An injected fault."},
		{"throttled", sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling"}, store.Throttled, "→ AWS limits the rate of calls; the next run tries again"},
		{"denied", sandbox.Fault{Kind: sandbox.Deny}, store.Denied, "AccessDenied: User:"},
		{"second page", sandbox.Fault{Kind: sandbox.Fail, Skip: 1}, store.Unreachable, "InternalFailure"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.gold(prod, "orders")
				for ago := range 5 {
					w.taken(prod, "orders", "hourly", w.slot(ago))
				}
				w.foreign("orders", 120) // So there is a second page.
				p := w.process(parse(w, keepThree))
				p.when(engine.Planned, func() { w.fault(p, "DescribeDBSnapshots", tc.fault) })
				r := p.RunOnce(w.Context())
				if n := w.changing(); n != 0 || len(r.Failed()) != 2 || r.Whole() {
					w.Fatalf("%d changing calls, failed %v", n, r.Failed())
				}
				for _, o := range r.Failed() {
					w.wantError(o.Err, tc.want, "read rds snapshots at prod (111111111111 us-east-1) again before deleting any: ", tc.say)
				}
			})
		})
	}
}

// A fault that passes is tried again within the look.
func TestLastLookSurvivesThrottling(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		for ago := range 5 {
			w.taken(prod, "orders", "hourly", w.slot(ago))
		}
		p := w.process(parse(w, keepThree))
		p.when(engine.Planned, func() {
			w.fault(p, "DescribeDBSnapshots", sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling", Times: 4})
		})
		w.clean(p.RunOnce(w.Context()))
		if n := w.calls()["DeleteDBSnapshot"]; n != 2 {
			w.Errorf("%d deletes, want 2", n)
		}
	})
}

// foreign puts in snapshots that somebody else made.
func (w *world) foreign(of string, n int) {
	w.Helper()
	for i := range n {
		w.put(prod, of, "by-hand-"+strings.Repeat("i", i+1), w.Now().Add(-time.Duration(i)*time.Hour), nil)
	}
}

// Deletes come in batches of 100, and each batch costs one more reading of the
// pages, not of each snapshot.
func TestLastLookOncePerBatch(t *testing.T) {
	atOnce := sandbox.Durations{SnapshotDelete: sandbox.Duration{Base: 1}}
	bubble(t, sandbox.Options{Durations: atOnce}, func(w *world) {
		w.gold(prod, "orders")
		for ago := range 250 {
			w.taken(prod, "orders", "hourly", w.slot(ago))
		}
		p := w.process(parse(w, keepThree))
		p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
		var before int
		p.when(engine.Planned, func() { before = w.calls()["DescribeDBSnapshots"] })
		w.clean(p.RunOnce(w.Context()))
		n := w.calls()
		// Three pages of 250, then again three, two of 150 and one of 50.
		if again := n["DescribeDBSnapshots"] - before; before != 3 || again != 3+2+1 || n["DeleteDBSnapshot"] != 247 {
			w.Errorf("%d pages for the plan, %d for the last looks, %d deletes; want 3, 6, 247", before, again, n["DeleteDBSnapshot"])
		}
		if got := w.person(prod).good(); got != 3 {
			w.Errorf("%d are left, want 3", got)
		}
	})
}
