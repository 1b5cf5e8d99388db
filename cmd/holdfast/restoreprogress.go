package main

import (
	"fmt"
	"io"
	"time"

	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
)

// restoreShow shows a restore as it goes.
type restoreShow interface {
	watch(ev saga.Event)
	end()
}

// newRestoreShow shows bars on a terminal and lines elsewhere.
func newRestoreShow(s streams) restoreShow {
	if s.terminal() {
		return newRestoreBars(s.out, wallClock{})
	}
	return &restoreLines{out: s.out}
}

type noRestoreShow struct{}

func (noRestoreShow) watch(saga.Event) {}
func (noRestoreShow) end()             {}

// restoreLines writes a line for each thing that happens.
type restoreLines struct {
	out  io.Writer
	note string
	// said is how long the step had taken when something was last said of it.
	said time.Duration
}

// sayEvery is how often a step that takes long is spoken of.
const sayEvery = 5 * time.Minute

func (l *restoreLines) watch(ev saga.Event) {
	total := len(ev.Saga.Steps)
	step := fmt.Sprintf("%d/%d %s", ev.Index+1, total, ev.Step.Title)
	switch ev.Kind {
	case saga.Found:
		fmt.Fprintf(l.out, "found    %s: done before\n", step)
	case saga.Began:
		l.note, l.said = "", 0
		fmt.Fprintf(l.out, "begins   %s%s\n", step, about(ev.Step.Expect))
	case saga.Went:
		if ev.Progress.Note != l.note || ev.Elapsed-l.said >= sayEvery {
			l.note, l.said = ev.Progress.Note, ev.Elapsed
			fmt.Fprintf(l.out, "         %s after %s%s\n", l.note, ev.Elapsed.Round(time.Second), remaining(ev))
		}
	case saga.Ended:
		fmt.Fprintf(l.out, "done     %s (%s)\n", step, ev.Elapsed.Round(time.Second))
	case saga.Failed:
		fmt.Fprintf(l.out, "FAILED   %s: %v\n", step, ev.Err)
	case saga.Undoing:
		fmt.Fprintf(l.out, "undoing  %s\n", step)
	case saga.Undone:
	case saga.Stuck:
		fmt.Fprintf(l.out, "STUCK    %s: %v\n", step, ev.Err)
	}
}

func (*restoreLines) end() {}

// remaining estimates how much longer a step takes.
func remaining(ev saga.Event) string {
	if left := ev.Step.Expect - ev.Elapsed; left >= time.Minute {
		return about(left) + " left"
	}
	return ""
}

func about(d time.Duration) string {
	if d < time.Minute {
		return ""
	}
	return ", about " + policy.FormatDuration(d.Round(time.Minute))
}
