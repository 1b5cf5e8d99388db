package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// process is a "holdfast sandbox" that serves.
type process struct {
	cmd      *exec.Cmd
	endpoint string
	errs     bytes.Buffer
	ended    bool
}

// startSandbox starts "holdfast sandbox" on a free port.
func startSandbox(name, dir string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, append([]string{"sandbox", "--listen", "127.0.0.1:0"}, args...)...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, []string{"HOME=" + dir}, &p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if _, endpoint, ok := strings.Cut(line, "Simulated AWS on "); ok {
		p.endpoint = strings.TrimSpace(endpoint)
	}
	return p, nil
}

// stop sends a signal and gives the exit code.
func (p *process) stop(sig os.Signal) int {
	p.ended = true
	_ = p.cmd.Process.Signal(sig) // It may have ended; then its code says so.
	impatient := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer impatient.Stop()
	_ = p.cmd.Wait() // The code says it.
	return p.cmd.ProcessState.ExitCode()
}

// serving starts "holdfast sandbox" for a test and gives its endpoint.
func serving(t *testing.T, args ...string) string {
	t.Helper()
	p, err := startSandbox(program(t), t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code := p.stop(os.Interrupt); code != 0 || p.endpoint == "" {
			t.Errorf("holdfast sandbox ended with %d: %s", code, p.errs.String())
		}
	})
	return p.endpoint
}

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	name, err := exec.LookPath("holdfast")
	ts.Check(err)
	p, err := startSandbox(name, ts.MkAbs("."), args...)
	ts.Check(err)
	worldOf(ts).process = p
	ts.Defer(func() {
		if !p.ended {
			p.stop(os.Kill)
		}
	})
	if neg || p.endpoint == "" {
		ts.Fatalf("holdfast sandbox does not serve: %s", p.errs.String())
	}
	point(ts, p.endpoint)
}

func scriptSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM}
	p := worldOf(ts).process
	if neg || len(args) != 1 || signals[args[0]] == nil || p == nil {
		ts.Fatalf("usage: signal interrupt|terminate, after serve")
	}
	if code := p.stop(signals[args[0]]); code != 0 || p.errs.Len() > 0 {
		ts.Fatalf("holdfast sandbox ended with %d: %s", code, p.errs.String())
	}
}

// advance lets time pass in a sandbox that serves.
func advance(t *testing.T, endpoint, by string) {
	t.Helper()
	resp, err := http.Post(endpoint+"/_sandbox/advance?by="+by, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("advance: %s", resp.Status)
	}
}
