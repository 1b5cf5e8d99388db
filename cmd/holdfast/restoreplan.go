package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/saga"
)

func printRestorePlan(w io.Writer, r engine.Restoring) {
	s := r.Request.From
	fmt.Fprintf(w, "Restore %s at %s from %s\n  data of %s\n\nSteps\n", r.Request.Name, r.Site.Name, s.Ref.ID, stamp(s.Taken))
	var rows [][]string
	total := time.Duration(0)
	for i, st := range r.Saga.Steps {
		total += st.Expect
		note := ""
		if st.Pivot {
			note = "from here on it only goes forward"
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), st.Title, strings.TrimPrefix(about(st.Expect), ", "), note})
	}
	table(w, rows)
	fmt.Fprintf(w, "\nIt takes about %s, and %s.\n", policy.FormatDuration(total.Round(time.Minute)), r.Needs)
	printSection(w, "What is checked", checkLines(r))
	printSection(w, "What the new one will not have", r.Losses)
	printSection(w, "What to know", r.Notes)
}

// checkLines gives the checks as people read them.
func checkLines(r engine.Restoring) []string {
	out := make([]string, 0, len(r.Checks))
	for _, c := range r.Checks {
		out = append(out, c.String()+", within "+policy.FormatDuration(c.Within))
	}
	return out
}

// printSection lists lines under a heading, if there are any.
func printSection(w io.Writer, heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", heading)
	for _, l := range lines {
		fmt.Fprintf(w, "  %s\n", l)
	}
}

type restorePlan struct {
	ID       string      `json:"id"`
	Site     string      `json:"site"`
	Kind     dr.Kind     `json:"kind"`
	Name     string      `json:"name"`
	Snapshot string      `json:"snapshot"`
	Taken    time.Time   `json:"taken"`
	Steps    []saga.Step `json:"steps"`
	Checks   []string    `json:"checks"`
	Losses   []string    `json:"losses"`
	Notes    []string    `json:"notes"`
	Needs    string      `json:"needs"`
}

func restorePlanJSON(r engine.Restoring) restorePlan {
	return restorePlan{
		ID: r.Request.ID, Site: r.Site.Name, Kind: r.Kind, Name: r.Final(), Snapshot: r.Request.From.Ref.ID, Taken: r.Request.From.Taken,
		Steps: r.Saga.Steps, Checks: checkLines(r), Losses: orEmpty(r.Losses), Notes: orEmpty(r.Notes), Needs: r.Needs,
	}
}

type restoreResult struct {
	restorePlan
	Outcome string `json:"outcome"`
	Step    string `json:"step,omitempty"`
	Error   string `json:"error,omitempty"`
	Undo    string `json:"undo_error,omitempty"`
}

func restoreJSON(r engine.Restoring, res saga.Result) restoreResult {
	out := restoreResult{restorePlan: restorePlanJSON(r), Outcome: res.Outcome.String(), Step: res.Step.Name}
	if res.Err != nil {
		out.Error = res.Err.Error()
	}
	if res.UndoErr != nil {
		out.Undo = res.UndoErr.Error()
	}
	return out
}
