package main

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs the scripts in testdata/script. Besides the commands of
// testscript they know:
//
//	exit N command…          run it and insist on its exit code
//	sandbox [-quick] [SEED]  start a simulated AWS, for this script only, and
//	                         point the SDK at it: account 111111111111; SEED is
//	                         small, large or a file in which claim and ago work;
//	                         -quick makes a snapshot, a copy or a restore in no time
//	advance 24h              let time pass there
//	fault '{json}'           break something there
//	spoil DATABASE           let the next snapshot of it end as failed
//	calls ACTION N           insist on how often it was called there (* is any)
//	aws args…                the aws command line against it
//	serve args…              start "holdfast sandbox" and point the SDK at it
//	signal NAME              end that by a signal: it must exit with 0
//	mask FROM TO             write FROM with times, names and ports masked
//	quiet                    insist that nothing was said on standard error
//	json [-stderr] PATH RE   insist on a value in the JSON that was printed
//	receiver [-broken]       start a receiver of alerts, whose address is in $ALERTS
//	database PASSWORD SEED   start a real PostgreSQL, with the statements in SEED, and
//	                         a proxy to it for all hosts, whose URL is in $PROXY
//	redis NAME OPTION…       start a real Redis with some data, whose address is in $NAME
//	says ADDRESS COMMAND TEXT  insist on what such a server says
//	holds PATTERN ADDRESS    insist that a server starts from a file with the same data
//	fill FROM TO             write FROM with the variables of the environment in it
//	rdb NAME FILE [cut=N] [flip=N] [more=TEXT]
//	                         write a sample RDB file, damaged if so
//	heard RE…                insist on alerts that it was sent, in this order
//
// Their policies have slots of a day or more, and none begins while a script runs.
//
// With UPDATE_SCRIPTS=1 the expected texts are written anew.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			notAtMidnight()
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("NO_PROXY", "*")
			env.Values[worldKey{}] = &world{env: env}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":     scriptExit,
			"sandbox":  scriptSandbox,
			"advance":  scriptAdvance,
			"fault":    scriptFault,
			"spoil":    scriptSpoil,
			"calls":    scriptCalls,
			"aws":      scriptAWS,
			"serve":    scriptServe,
			"signal":   scriptSignal,
			"mask":     scriptMask,
			"json":     scriptJSON,
			"quiet":    scriptQuiet,
			"receiver": scriptReceiver,
			"heard":    scriptHeard,
			"database": scriptDatabase,
			"fill":     scriptFill,
			"redis":    scriptRedis,
			"says":     scriptSays,
			"holds":    scriptHolds,
			"rdb":      scriptRDB,
		},
		RequireExplicitExec: true,
		UpdateScripts:       update(),
	})
}

func scriptExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var failed *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &failed):
		got = failed.ExitCode()
	case err != nil:
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}
