package main

import (
	"cmp"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
)

// restoreBars shows, on a terminal, a bar for each step as it is begun, and one for
// the whole. A step is looked at seldom, so that in between its bar moves with the
// time that it takes as a rule.
type restoreBars struct {
	clock engine.Clock
	pool  *mpb.Progress
	stop  chan struct{}
	moved sync.WaitGroup

	mu    sync.Mutex
	steps []saga.Step
	// step is that of the bar that moves; back: it is being taken back.
	step  int
	back  bool
	begun time.Time
	// note and percent are what the last look at it showed.
	note    string
	percent int
	bar     *saidBar
	whole   *saidBar
}

// finely is how many parts a bar has.
const finely = 1000

func newRestoreBars(out io.Writer, clock engine.Clock) *restoreBars {
	b := &restoreBars{
		clock: clock, stop: make(chan struct{}),
		pool: mpb.New(mpb.WithOutput(out), mpb.WithWidth(24), mpb.WithRefreshRate(200*time.Millisecond)),
	}
	b.moved.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-b.stop:
				return
			case <-tick.C:
				b.mu.Lock()
				b.move()
				b.mu.Unlock()
			}
		}
	})
	return b
}

// saidBar is a bar with a text behind it. The text is kept apart, because the bar is
// drawn by another goroutine, which must not wait for whoever changes it.
type saidBar struct {
	*mpb.Bar
	text atomic.Pointer[string]
}

func (b *restoreBars) add(title string, priority int) *saidBar {
	s := &saidBar{}
	s.say("")
	s.Bar = b.pool.AddBar(finely, mpb.BarPriority(priority),
		mpb.PrependDecorators(decor.Name(title, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *s.text.Load() })))
	return s
}

func (s *saidBar) say(text string) { s.text.Store(&text) }

func (b *restoreBars) watch(ev saga.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole == nil {
		b.steps = ev.Saga.Steps
		b.whole = b.add("in all", 2*len(b.steps)+1)
	}
	switch ev.Kind {
	case saga.Found:
		b.open(ev, "")
		b.close("done before", true)
	case saga.Began, saga.Went:
		b.went(ev)
	case saga.Ended:
		b.went(ev)
		b.close("done in "+brief(ev.Elapsed), true)
	case saga.Failed:
		b.went(ev)
		b.close("FAILED", false)
		fmt.Fprintf(b.pool, "%s: %v\n", ev.Step.Title, ev.Err) // Above the bars: the rollback may take long.
	case saga.Undoing:
		b.back = true
		b.open(ev, "take back: ")
	case saga.Undone:
		b.close("taken back", true)
	case saga.Stuck:
		b.close("STUCK", false)
	}
	b.move()
}

// went shows how far a step has come.
func (b *restoreBars) went(ev saga.Event) {
	if b.bar == nil {
		b.open(ev, "")
		b.begun = b.clock.Now().Add(-ev.Elapsed)
	}
	b.note, b.percent = cmp.Or(ev.Progress.Note, b.note), ev.Progress.Percent
}

// open begins the bar of a step.
func (b *restoreBars) open(ev saga.Event, what string) {
	b.step, b.begun, b.note, b.percent = ev.Index, b.clock.Now(), "", 0
	order := ev.Index
	if b.back {
		order = 2*len(b.steps) - ev.Index
	}
	b.bar = b.add(fmt.Sprintf("%d/%d %s%s", ev.Index+1, len(b.steps), what, ev.Step.Title), order)
}

// close ends it.
func (b *restoreBars) close(text string, well bool) {
	if b.bar == nil {
		return
	}
	b.bar.say(text)
	if well {
		b.bar.SetCurrent(finely)
	} else {
		b.bar.Abort(false)
	}
	b.bar = nil
	if well && !b.back {
		b.step++
	}
}

// move moves the bars with the time.
func (b *restoreBars) move() {
	if b.whole == nil {
		return
	}
	done := expected(b.steps[:min(b.step, len(b.steps))])
	left := expected(b.steps) - done
	if b.bar != nil {
		took, expect := b.clock.Now().Sub(b.begun), b.steps[b.step].Expect
		left -= min(took, expect)
		b.bar.SetCurrent(b.share(took, expect))
		b.bar.say(b.telling(took, expect))
	}
	switch all := expected(b.steps); {
	case b.back:
		b.whole.say("going back; Ctrl-C waits")
	case all > 0:
		b.whole.SetCurrent(min(int64(finely*(all-left)/all), finely-1))
		b.whole.say(soon(left) + " left; Ctrl-C is safe")
	}
}

// share is how much of a step is done: as the service says, or by the time. It is all
// of it only when the step says so.
func (b *restoreBars) share(took, expect time.Duration) int64 {
	switch {
	case b.percent > 0:
		return min(int64(b.percent)*finely/100, finely-1)
	case expect > 0 && !b.back:
		return min(int64(finely*took/expect), finely*98/100)
	default:
		return 0
	}
}

func (b *restoreBars) telling(took, expect time.Duration) string {
	text := brief(took)
	if expect >= time.Minute && !b.back {
		text += " of about " + policy.FormatDuration(expect.Round(time.Minute))
	}
	if b.note != "" {
		text = b.note + ", " + text
	}
	return text
}

// end leaves the bars as they are and gives the terminal back.
func (b *restoreBars) end() {
	close(b.stop)
	b.moved.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		b.bar.Abort(false)
	}
	if b.whole != nil {
		b.whole.Abort(true)
	}
	b.pool.Wait()
}

// expected is how long steps take as a rule.
func expected(steps []saga.Step) time.Duration {
	all := time.Duration(0)
	for _, s := range steps {
		all += s.Expect
	}
	return all
}

// brief writes how long something took, to the second.
func brief(d time.Duration) string { return d.Round(time.Second).String() }

func soon(d time.Duration) string {
	if d < time.Minute {
		return "less than a minute"
	}
	return "about " + policy.FormatDuration(d.Round(time.Minute))
}
