package main

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// progress shows a run as it goes.
type progress interface {
	watch(ev engine.Event)
	end()
}

// newProgress shows bars on a terminal and lines elsewhere. wait says whether the
// run waits until the snapshots are available.
func newProgress(s streams, wait bool) progress {
	if s.terminal() {
		return newBars(s.out, wait)
	}
	return &lineProgress{out: s.out, seen: map[dr.Scope]bool{}, left: map[string]bool{}}
}

type quietProgress struct{}

func (quietProgress) watch(engine.Event) {}
func (quietProgress) end()               {}

// lineProgress writes a line for each thing that is done, for logs.
type lineProgress struct {
	out  io.Writer
	seen map[dr.Scope]bool
	left map[string]bool
}

func (l *lineProgress) watch(ev engine.Event) {
	a := ev.Outcome.Action
	switch {
	case ev.Err != nil:
		return // Said at the end, with the remedy.
	case ev.Kind == engine.Observed && !l.seen[ev.Scope]:
		l.seen[ev.Scope] = true
		fmt.Fprintf(l.out, "seen    %s at %s: %s, %s\n", ev.Scope.Kind, ev.Scope.Site.Name,
			number(ev.Resources, "resource", "resources"), number(ev.Snapshots, "snapshot", "snapshots"))
	case ev.Kind == engine.Settled && a.Verb == plan.Copy:
		fmt.Fprintf(l.out, "ready   %s at %s\n", a.Name, a.To.Name)
	case ev.Kind == engine.Settled:
		fmt.Fprintf(l.out, "ready   %s\n", a.Name)
	case ev.Kind == engine.Ended && ev.Outcome.Left != "" && l.left[a.Name]:
		return // Said at an earlier look.
	case ev.Kind == engine.Ended && ev.Outcome.Left != "":
		l.left[a.Name] = true
		fmt.Fprintf(l.out, "left    %s: %s\n", a.Name, ev.Outcome.Left)
	case ev.Kind == engine.Ended:
		fmt.Fprintln(l.out, past(a))
	}
}

func (*lineProgress) end() {}

// past says what an action did.
func past(a plan.Action) string {
	switch a.Verb {
	case plan.Create:
		return fmt.Sprintf("taking  %s of %s at %s", a.Name, sourceName(a), a.To.Name)
	case plan.Promote:
		return fmt.Sprintf("keeping %s as %s at %s", a.From.ID, a.Name, a.To.Name)
	case plan.Adopt:
		return fmt.Sprintf("adopted %s: %s", a.Name, a.Reason)
	case plan.Configure:
		return fmt.Sprintf("set     %s to be copied, %s, by the service itself", sourceName(a), bound(a))
	case plan.Copy:
		return fmt.Sprintf("copying %s of %s, %s", a.Name, cmp.Or(a.Of, a.From.ID), bound(a))
	case plan.Share:
		return fmt.Sprintf("sharing %s with account %s", a.From.ID, a.With)
	case plan.Withdraw:
		return fmt.Sprintf("ended   the share of %s with account %s", a.From.ID, a.With)
	case plan.Delete:
		return fmt.Sprintf("deleted %s: %s", a.Name, a.Reason)
	case plan.Retire:
		return fmt.Sprintf("deleted %s at %s: %s", sourceName(a), a.To.Name, a.Reason)
	case plan.Hold:
		return "held    " + a.Name
	case plan.Release:
		return "released " + a.Name
	}
	return string(a.Verb)
}

// bound says where a copy goes.
func bound(a plan.Action) string {
	if a.Claim.Stage != "" {
		return "within " + a.To.Name + " (" + a.Claim.Stage + ")"
	}
	return a.From.Site.Name + " → " + a.To.Name
}

// bars shows one bar for each thing there is to do and, while it is waited for,
// how far each snapshot has come.
type bars struct {
	wait bool
	pool *mpb.Progress
	all  map[plan.Verb]*mpb.Bar
	each map[string]*mpb.Bar
	// ready counts the snapshots that are available, where there are too many for
	// a bar each.
	ready *mpb.Bar
	// copies is how many copies were begun: they come bit by bit, as what they are
	// made of becomes complete.
	copies int64
}

// mostBars is how many snapshots get a bar of their own: more would not fit on a
// screen.
const mostBars = 20

func newBars(out io.Writer, wait bool) *bars {
	return &bars{
		wait: wait,
		pool: mpb.New(mpb.WithOutput(out), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond)),
		all:  map[plan.Verb]*mpb.Bar{}, each: map[string]*mpb.Bar{},
	}
}

func (b *bars) watch(ev engine.Event) {
	a := ev.Outcome.Action
	switch ev.Kind {
	case engine.Planned:
		b.begin(ev.Plan, plan.Create, "taking snapshots  ")
		b.begin(ev.Plan, plan.Promote, "promoting         ")
		b.begin(ev.Plan, plan.Adopt, "adopting          ")
		if !b.wait {
			b.begin(ev.Plan, plan.Copy, "copying           ")
		}
		b.begin(ev.Plan, plan.Delete, "deleting expired  ")
		b.begin(ev.Plan, plan.Retire, "deleting replaced ")
	case engine.Ended:
		b.ended(ev)
	case engine.Progressed:
		if bar := b.bar(a); bar != nil {
			bar.SetCurrent(int64(ev.Percent))
		}
	case engine.Settled:
		b.settle(a, ev.Err)
	case engine.Observed, engine.Began:
	}
}

func (b *bars) ended(ev engine.Event) {
	a := ev.Outcome.Action
	switch {
	case b.wait && a.Verb == plan.Copy:
		if ev.Err == nil && ev.Outcome.Left == "" {
			b.onTheWay(a, 1, 0)
		}
	case b.all[a.Verb] != nil:
		b.all[a.Verb].Increment()
	}
}

// onTheWay counts copies that were begun and that have arrived. There is no knowing
// beforehand how many will come: each is begun when what it is made of is complete.
func (b *bars) onTheWay(a plan.Action, begun, arrived int64) {
	if a.Verb != plan.Copy || a.Claim.Stage != "" {
		return
	}
	if b.all[plan.Copy] == nil {
		b.all[plan.Copy] = b.counter(0, "copies arrived    ", "%d of %d begun")
	}
	b.copies += begun
	b.all[plan.Copy].SetTotal(b.copies, false)
	b.all[plan.Copy].IncrInt64(arrived)
}

func (b *bars) settle(a plan.Action, err error) {
	if err == nil {
		b.onTheWay(a, 0, 1)
	}
	if b.ready != nil && a.Verb != plan.Copy {
		b.ready.Increment()
	}
	switch bar := b.bar(a); {
	case bar == nil:
	case err != nil:
		bar.Abort(false)
	default:
		bar.SetCurrent(100)
	}
}

func (b *bars) begin(p plan.Plan, verb plan.Verb, title string) {
	n := p.Count(verb)
	if n == 0 || b.all[verb] != nil {
		return
	}
	b.all[verb] = b.counter(n, title, "%d of %d")
	if verb == plan.Create && n > mostBars && b.wait {
		b.ready = b.counter(n, "available         ", "%d of %d")
	}
}

func (b *bars) counter(n int, title, count string) *mpb.Bar {
	return b.pool.AddBar(int64(n),
		mpb.PrependDecorators(decor.Name(title)),
		mpb.AppendDecorators(decor.CountersNoUnit(count)))
}

// bar gives the bar of a snapshot; nil where there are too many.
func (b *bars) bar(a plan.Action) *mpb.Bar {
	key, title := a.Name+"\x00"+a.To.Name, cmp.Or(a.Of, a.From.ID)
	if a.Verb == plan.Copy {
		title += ", " + bound(a)
	}
	bar := b.each[key]
	if bar == nil && b.ready == nil && len(b.each) < mostBars {
		bar = b.pool.AddBar(100,
			mpb.PrependDecorators(decor.Name("  "+title, decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.OnAbort(decor.OnComplete(decor.Percentage(), "available"), "failed")))
		b.each[key] = bar
	}
	return bar
}

// end leaves the bars as they are and gives the terminal back.
func (b *bars) end() {
	for _, bar := range b.all {
		bar.Abort(false)
	}
	if b.ready != nil {
		b.ready.Abort(false)
	}
	for _, bar := range b.each {
		bar.Abort(false)
	}
	b.pool.Wait()
}
