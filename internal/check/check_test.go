package check_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/check"
	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// vault holds secrets and parameters.
type vault map[string]string

func (v vault) get(site dr.Site, name string) (string, error) {
	if text, ok := v[site.Name+" "+name]; ok {
		return text, nil
	}
	return "", errors.New("AccessDeniedException: not you")
}

func (v vault) Secret(_ context.Context, site dr.Site, id string) (string, error) {
	return v.get(site, id)
}

func (v vault) Parameter(_ context.Context, site dr.Site, name string) (string, error) {
	return v.get(site, name)
}

// Where passwords are found, and what is said where none is.
func TestCredentials(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	r := &check.Runner{Clock: wall{}, Getenv: env("PW", word, "EMPTY", ""), Secrets: vault{
		"prod plain": word, "prod rds": `{"username":"app","password":"` + word + `","port":5432}`, "prod other": `{"word":"` + word + `"}`,
		"prod list": `[1]`, "prod /shop/db": word,
	}}
	for _, c := range []struct {
		password policy.Password
		want     string
	}{
		{policy.Password{}, ""},
		{policy.Password{From: policy.FromEnv, Name: "PW"}, ""},
		{policy.Password{From: policy.FromEnv, Name: "EMPTY"}, "environment variable EMPTY is not set"},
		{policy.Password{From: policy.FromFile, Name: file(word + "\r\n")}, ""},
		{policy.Password{From: policy.FromFile, Name: file("\n")}, "is empty"},
		{policy.Password{From: policy.FromFile, Name: file(strings.Repeat("x", 1<<17))}, "too long"},
		{policy.Password{From: policy.FromFile, Name: "/nothing"}, "no such file"},
		{policy.Password{From: policy.FromSecret, Name: "plain"}, ""},
		{policy.Password{From: policy.FromSecret, Name: "list"}, ""},
		{policy.Password{From: policy.FromSecret, Name: "plain", Key: "word"}, "no JSON object"},
		{policy.Password{From: policy.FromSecret, Name: "rds"}, ""},
		{policy.Password{From: policy.FromSecret, Name: "rds", Key: "port"}, "no text under the key port; there is password, port, username"},
		{policy.Password{From: policy.FromSecret, Name: "other", Key: "word"}, ""},
		{policy.Password{From: policy.FromSecret, Name: "other"}, "no text under the key password"},
		{policy.Password{From: policy.FromSecret, Name: "none"}, "read secret none at prod: AccessDenied"},
		{policy.Password{From: policy.FromParameter, Name: "/shop/db"}, ""},
		{policy.Password{From: policy.FromParameter, Name: "/none"}, "read parameter /none at prod: AccessDenied"},
	} {
		err := r.Ready(t.Context(), policy.Check{Kind: policy.CheckSQL, SQL: "select 1", Expect: "1", Password: c.password}, check.Target{Site: home})
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: got %v, want %q", c.password, err, c.want)
		case err != nil && strings.Contains(err.Error(), word):
			t.Errorf("it tells the password: %v", err)
		}
	}
}

// A check waits until the store answers, no longer than it may, and can be stopped.
func TestWaiting(t *testing.T) {
	addr := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := addr(l)
	_ = l.Close()
	c := policy.Check{Kind: policy.CheckTCP, Within: 20 * time.Second}
	at := check.Target{Site: home, Endpoint: store.Endpoint{Host: "127.0.0.1", Port: port}}
	time.AfterFunc(300*time.Millisecond, func() {
		if again, err := net.Listen("tcp", l.Addr().String()); err == nil {
			t.Cleanup(func() { _ = again.Close() })
		}
	})
	if err := runner().Run(t.Context(), c, at); err != nil {
		t.Error(err)
	}
	at.Endpoint.Port = 1
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := runner().Run(ctx, c, at); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopped from outside: %v", err)
	}
}

// In virtual time: nobody answers for as long as the check may take, and it says so.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := runner()
		r.Pause, r.Proxies = time.Minute, map[string]string{"prod": "socks5://127.0.0.1:1"}
		begun := time.Now()
		err := r.Run(t.Context(), policy.Check{Kind: policy.CheckTCP, Within: 30 * time.Minute}, check.Target{Site: home, Endpoint: store.Endpoint{Host: "db.example", Port: 5432}})
		if took := time.Since(begun); took != 30*time.Minute || err == nil || !strings.Contains(err.Error(), `"its port answers" at db.example:5432: not passed within 30m: `) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
