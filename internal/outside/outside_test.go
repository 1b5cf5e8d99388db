package outside

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCommandPrefersTheNamedDirectory(t *testing.T) {
	dir := t.TempDir()
	want := filepath.Join(dir, "sh")
	if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(ToolsEnv, dir)
	if got := Command(t, "sh"); got != want {
		t.Errorf("Command = %q, want %q", got, want)
	}
	t.Setenv(ToolsEnv, t.TempDir())
	if got := Command(t, "sh"); got == want || filepath.Base(got) != "sh" {
		t.Errorf("Command = %q, want the one in PATH", got)
	}
}

func TestMissingCommand(t *testing.T) {
	for _, c := range []struct{ name, ci, require, want string }{
		{"on a person's machine", "", "", "skip"},
		{"in CI", "true", "", "fatal"},
		{"where tools are required", "", "1", "fatal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			t.Setenv(RequireEnv, c.require)
			got := &ending{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				Command(got, "no-such-program-anywhere")
			}()
			<-done
			if got.how != c.want || !strings.Contains(got.why, "make outside") {
				t.Errorf("ended with %q (%s), want %q and a remedy", got.how, got.why, c.want)
			}
		})
	}
}

// ending is a test that remembers how it was ended.
type ending struct {
	testing.TB
	how, why string
}

func (e *ending) Helper() {}

func (e *ending) Skipf(format string, _ ...any) {
	e.how, e.why = "skip", format
	runtime.Goexit()
}

func (e *ending) Fatalf(format string, _ ...any) {
	e.how, e.why = "fatal", format
	runtime.Goexit()
}

func TestMotoAnswersAWSAndEndsWithTheTest(t *testing.T) {
	var endpoint string
	t.Run("running", func(t *testing.T) {
		endpoint = Moto(t)
		out, errs, exit := AWS(t, endpoint, "111111111111", "eu-west-1", "ec2", "create-volume",
			"--availability-zone", "eu-west-1a", "--size", "8")
		if exit != 0 {
			t.Fatalf("exit %d: %s", exit, errs)
		}
		var made struct{ VolumeId, AvailabilityZone string }
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatalf("not JSON: %v\n%s", err, out)
		}
		if made.VolumeId == "" || made.AvailabilityZone != "eu-west-1a" {
			t.Errorf("made %+v", made)
		}
		_, errs, exit = AWS(t, endpoint, "111111111111", "eu-west-1", "rds", "describe-db-instances",
			"--db-instance-identifier", "nobody")
		if exit == 0 || !strings.Contains(errs, "DBInstanceNotFound") {
			t.Errorf("a store that is not there: exit %d, %s", exit, errs)
		}
	})
	if endpoint == "" {
		t.Skip("moto did not run")
	}
	client := http.Client{Timeout: time.Second}
	if resp, err := client.Get(endpoint + "/moto-api/"); err == nil {
		_ = resp.Body.Close()
		t.Errorf("moto still answers at %s after its test", endpoint)
	}
}

func TestGatewayAnswersAWS(t *testing.T) {
	endpoint, dir := Gateway(t, "shop")
	client := http.Client{Timeout: 10 * time.Second}
	resp, err := client.Get(endpoint + "/shop")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without credentials it answers %s", resp.Status)
	}
	if _, err := os.Stat(filepath.Join(dir, "shop")); err != nil {
		t.Error(err)
	}
}

func TestCleanEnvHoldsNothingOfTheCaller(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("HTTPS_PROXY", "http://proxy.invalid:1")
	for _, kv := range cleanEnv(t) {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.Contains([]string{"PATH", "HOME", "LANG", "NO_PROXY", "PYTHONDONTWRITEBYTECODE"}, name) {
			t.Errorf("%s is passed on", name)
		}
	}
}
