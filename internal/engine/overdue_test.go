package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// A month of hourly runs, then a week of nothing: so much has expired that
// holdfast asks first, and then catches up in one run.
func TestOverdueAfterAWeekOff(t *testing.T) {
	const policies = oneSite + `
  hourly:
    match: {tags: {backup: gold}}
    every: 1h
    keep: {within: 12h, floor: 2}
`
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "catalog", "orders")
		f := parse(w, policies)
		days := 30
		if testing.Short() || raceDetector {
			days = 3
		}
		for range days * 24 {
			w.clean(w.process(f).RunOnce(w.Context()))
			w.sleep(time.Hour)
		}
		before := w.person(prod).good()
		if before < 2*12 || before > 2*13 {
			w.Fatalf("after the month there are %d", before)
		}
		w.sleep(7 * 24 * time.Hour)
		w.ResetCalls()

		r := w.process(f).RunAndWait(w.Context(), poll)
		if n := w.calls()["DeleteDBSnapshot"]; n != 0 || r.Whole() || len(r.Failed()) != 0 || len(r.Outcomes) != 2 {
			w.Fatalf("%d deletes, outcomes %v", n, r.Outcomes)
		}
		lines := trouble(r)
		want := fmt.Sprintf("%d of %d good snapshots would go at once, so none is deleted"+
			" → look at the plan; if that is what you mean, run once with --max-delete %[1]d", before-4, before)
		if len(lines) != 1 || !strings.Contains(lines[0], want) {
			w.Fatalf("it says %q, want %q", lines, want)
		}

		p := w.process(f)
		p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
		w.clean(p.RunOnce(w.Context()))
		w.sleep(time.Minute)
		// The floor holds for each: the newest, and the one before the week.
		if n := w.person(prod).good(); n != 4 {
			w.Errorf("%d are left, want 4", n)
		}
		w.converged(f)
	})
}
