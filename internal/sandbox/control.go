package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// controlPrefix is where the control surface lies. No AWS service has such paths.
const controlPrefix = "/_sandbox/"

// control answers what is no call to AWS: the control surface, and people who
// point a browser here. It reports whether it did.
//
// The control surface answers on loopback only, and no web page, since it moves
// the clock and breaks things:
//
//	GET  /_sandbox/health          {"status":"ok","now":…}
//	GET  /_sandbox/calls           the log of calls
//	POST /_sandbox/advance?by=24h  moves the clock ahead
//	POST /_sandbox/faults          a SeedFault as JSON
func (a *AWS) control(w http.ResponseWriter, r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, controlPrefix) {
		if !onLoopback(r) {
			http.Error(w, "the sandbox is controlled from its own machine only", http.StatusForbidden)
			return true
		}
		a.controlMux().ServeHTTP(w, r)
		return true
	}
	if r.Method == http.MethodPost || r.Header.Get("Authorization") != "" || r.URL.Query().Has("Action") || r.URL.Query().Has("X-Amz-Credential") {
		return false
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "This is holdfast's sandbox: a simulated AWS.\n\n"+
		"Talk to it with an AWS SDK or the aws command line:\n\n"+
		"  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1\n"+
		"  aws --endpoint-url http://%s rds describe-db-instances\n\n"+
		"The access key \"test\" is account %s; 12 digits are that account.\n"+
		"See also %shealth and %scalls.\n", r.Host, DefaultAccount, controlPrefix, controlPrefix)
	return true
}

func (a *AWS) controlMux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPrefix+"health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"status": "ok", "now": a.Now()})
	})
	mux.HandleFunc("GET "+controlPrefix+"calls", func(w http.ResponseWriter, _ *http.Request) {
		calls := a.Calls()
		if calls == nil {
			calls = []Call{}
		}
		reply(w, calls)
	})
	mux.HandleFunc("POST "+controlPrefix+"advance", a.controlAdvance)
	mux.HandleFunc("POST "+controlPrefix+"faults", a.controlFaults)
	return mux
}

func (a *AWS) controlAdvance(w http.ResponseWriter, r *http.Request) {
	by, err := ParseAge(r.URL.Query().Get("by"))
	if err != nil {
		http.Error(w, "advance: by: "+err.Error(), http.StatusBadRequest)
		return
	}
	a.Advance(by)
	reply(w, map[string]any{"now": a.Now()})
}

func (a *AWS) controlFaults(w http.ResponseWriter, r *http.Request) {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	var f SeedFault
	err := dec.Decode(&f)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		http.Error(w, "fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	a.Inject(f.fault())
	reply(w, f)
}

func onLoopback(r *http.Request) bool {
	if r.Header.Get("Origin") != "" {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // The caller may be gone; there is no one to tell.
}
