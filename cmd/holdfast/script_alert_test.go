package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// audience is somebody's chat service.
type audience struct {
	mu    sync.Mutex
	heard []string
}

// scriptReceiver starts a receiver of alerts and puts its address into $ALERTS; it
// answers with 500 where it is broken.
func scriptReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 || len(args) == 1 && args[0] != "-broken" {
		ts.Fatalf("usage: receiver [-broken]")
	}
	rc := &audience{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			Text string `json:"text"`
		}
		_ = json.NewDecoder(r.Body).Decode(&m) // What is no JSON is heard as nothing.
		rc.mu.Lock()
		defer rc.mu.Unlock()
		rc.heard = append(rc.heard, m.Text)
		if len(args) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	ts.Defer(srv.Close)
	ts.Setenv("ALERTS", srv.URL+"/token")
	ts.Value(worldKey{}).(*world).audience = rc
}

// scriptHeard insists that each expression matches an alert, in this order.
func scriptHeard(ts *testscript.TestScript, neg bool, args []string) {
	rc := ts.Value(worldKey{}).(*world).audience
	if neg || rc == nil {
		ts.Fatalf("usage: receiver, then heard RE…")
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rest := rc.heard
	for _, re := range args {
		i := slices.IndexFunc(rest, regexp.MustCompile(re).MatchString)
		if i < 0 {
			ts.Fatalf("no alert matches %q in:\n%s", re, strings.Join(rc.heard, "\n"))
		}
		rest = rest[i+1:]
	}
	rc.heard = nil
}
