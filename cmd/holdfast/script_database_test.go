package main

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dr/holdfast/internal/check/checktest"
	"github.com/holdfast-dr/holdfast/internal/outside"
)

// scriptDatabase starts a real PostgreSQL, and a SOCKS5 proxy whose URL is in $PROXY and
// that leads to it whatever host is asked for.
func scriptDatabase(ts *testscript.TestScript, neg bool, args []string) {
	t, ok := worldOf(ts).env.T().(testing.TB)
	if neg || len(args) != 2 || !ok {
		ts.Fatalf("usage: database PASSWORD SEED")
	}
	port := outside.Postgres(t, args[0], strings.Split(strings.TrimSpace(ts.ReadFile(args[1])), "\n"))
	proxy := checktest.Always(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	ts.Setenv("PROXY", proxy.URL)
}

// scriptFill writes a file in which $NAME is what the environment has.
func scriptFill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fill FROM TO")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}
