package outside

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"regexp"
	"sync"
	"testing"
	"time"
)

const (
	motoDeadline = 60 * time.Second
	motoLogTail  = 8 << 10
)

// motoReady is the line that tells where moto listens: it picks a free port
// itself, so that no other process can come in between.
var motoReady = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// Moto starts a fresh moto server and gives its endpoint once it answers. The
// server ends with the test. The end of its log is shown if the test failed.
//
// Moto takes the account from the header x-moto-account-id or from assumed
// credentials, not from the access key id: without either it is 123456789012.
func Moto(t testing.TB) (endpoint string) {
	t.Helper()
	log := &motoLog{ready: make(chan string, 1)}
	cmd := exec.Command(Command(t, "moto_server"), "-H", "127.0.0.1", "-p", "0") //nolint:gosec,noctx // Ends in Cleanup.
	cmd.Env = append(
		cleanEnv(t),
		"MOTO_EC2_LOAD_DEFAULT_AMIS=false",
		"MOTO_RDS_SNAPSHOT_LIMIT=100000",
	)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = ownGroup()
	if err := cmd.Start(); err != nil {
		t.Fatalf("moto_server could not be started: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // It is killed, or its log says why it ended.
	}()
	t.Cleanup(func() {
		killGroup(cmd.Process)
		<-ended
		if t.Failed() {
			t.Logf("the end of moto's log:\n%s", log.tail())
		}
	})
	select {
	case endpoint = <-log.ready:
	case <-ended:
		t.Fatal("moto_server ended before it listened")
	case <-time.After(motoDeadline):
		t.Fatalf("moto_server did not listen within %v", motoDeadline)
	}
	if err := answers(t.Context(), endpoint); err != nil {
		t.Fatalf("moto_server does not answer: %v", err)
	}
	return endpoint
}

func answers(ctx context.Context, endpoint string) error {
	ctx, cancel := context.WithTimeout(ctx, motoDeadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/moto-api/", http.NoBody)
	if err != nil {
		return err
	}
	direct := &http.Transport{} // Without a proxy, and without connections kept.
	defer direct.CloseIdleConnections()
	resp, err := (&http.Client{Transport: direct}).Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// motoLog takes moto's output, tells when it is ready and keeps the end.
type motoLog struct {
	mu    sync.Mutex
	buf   []byte
	told  bool
	ready chan string
}

func (l *motoLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if m := motoReady.FindSubmatch(l.buf); m != nil && !l.told {
		l.told = true
		l.ready <- string(m[1])
	}
	if cut := len(l.buf) - motoLogTail; l.told && cut > 0 {
		l.buf = bytes.Clone(l.buf[cut:])
	}
	return len(p), nil
}

func (l *motoLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf)
}
