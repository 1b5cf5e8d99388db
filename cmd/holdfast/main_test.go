package main

import (
	"os/exec"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary serve as holdfast itself: scripts and tests
// that start "holdfast" run the real main in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"holdfast": main})
}

// program gives the path of that holdfast.
func program(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("holdfast")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
