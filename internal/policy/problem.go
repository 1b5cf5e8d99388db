package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a policy file, and where.
type Problem struct {
	File         string
	Line, Column int
	// Message says what is wrong and what was expected.
	Message string
	// Hint says what to do about it; empty where the message says it all.
	Hint string
}

// Error gives the problem on one line: "holdfast.yaml:12:7: message; hint".
func (p Problem) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Errors is all that is wrong with a policy file, in the order of its lines.
type Errors struct {
	Problems []Problem
	// More is how many problems were left out, so that a file of nonsense does not
	// fill the screen.
	More int
}

// maxProblems is how many problems are reported.
const maxProblems = 50

// Error gives one problem per line.
func (e *Errors) Error() string {
	lines := make([]string, 0, len(e.Problems)+1)
	for _, p := range e.Problems {
		lines = append(lines, p.Error())
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", e.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems one by one.
func (e *Errors) Unwrap() []error {
	out := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		out[i] = p
	}
	return out
}

// Warning is something in a valid policy file that is probably not meant.
type Warning Problem

// String gives the warning on one line, as Problem does.
func (w Warning) String() string { return Problem(w).Error() }

// reporter collects problems and warnings.
type reporter struct {
	file     string
	problems []Problem
	more     int
	warnings []Warning
}

func (r *reporter) fail(at Pos, hint, format string, args ...any) {
	if len(r.problems) >= 10*maxProblems { // Enough to sort by line; beyond, count only.
		r.more++
		return
	}
	r.problems = append(r.problems, r.problem(at, hint, format, args))
}

func (r *reporter) warn(at Pos, hint, format string, args ...any) {
	r.warnings = append(r.warnings, Warning(r.problem(at, hint, format, args)))
}

func (r *reporter) problem(at Pos, hint, format string, args []any) Problem {
	return Problem{r.file, at.Line, at.Column, fmt.Sprintf(format, args...), hint}
}

// err gives what was collected, sorted, or nil.
func (r *reporter) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, comparePlaces)
	shown := r.problems[:min(len(r.problems), maxProblems)]
	return &Errors{Problems: shown, More: r.more + len(r.problems) - len(shown)}
}

func (r *reporter) sortedWarnings() []Warning {
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return comparePlaces(Problem(a), Problem(b)) })
	return r.warnings
}

func comparePlaces(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
