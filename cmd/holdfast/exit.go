package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// The exit codes.
const (
	exitFine    = 0 // all done, or nothing to do
	exitFailed  = 1 // nothing was done
	exitUsage   = 2 // wrong usage or configuration; nothing was tried
	exitPart    = 3 // some things failed or were refused, the rest was done
	exitChanges = 4 // plan or status found changes to make or breaches
)

// exitError carries an exit code out of a command. An empty text says that all
// was said already.
type exitError struct {
	code   int
	err    error
	remedy string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// silently ends a command with a code whose reason was printed already.
func silently(code int) error {
	if code == exitFine {
		return nil
	}
	return &exitError{code: code}
}

func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// exitCode finds the code of an error, and prints what is still to be said.
func exitCode(err error, asJSON bool, stderr io.Writer) int {
	if err == nil {
		return exitFine
	}
	code, remedy := exitFailed, store.Remedy(err)
	if coded, ok := errors.AsType[*exitError](err); ok {
		code, remedy = coded.code, cmp.Or(coded.remedy, remedy)
	}
	if text := err.Error(); text != "" {
		printError(stderr, text, remedy, asJSON)
	}
	return code
}

func printError(w io.Writer, text, remedy string, asJSON bool) {
	if asJSON {
		out, _ := json.Marshal(struct { //nolint:errchkjson // Two strings always marshal.
			Error  string `json:"error"`
			Remedy string `json:"remedy,omitempty"`
		}{text, remedy})
		fmt.Fprintf(w, "%s\n", out)
		return
	}
	fmt.Fprintf(w, "holdfast: %s\n", text)
	if remedy != "" {
		fmt.Fprintf(w, "  → %s\n", remedy)
	}
}

// runCode gives the exit code for what a run did.
func runCode(r engine.Report) int {
	switch {
	case r.Whole():
		return exitFine
	case r.Nothing():
		return exitFailed
	default:
		return exitPart
	}
}
