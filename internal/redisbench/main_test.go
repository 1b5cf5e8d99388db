//go:build unix

package redisbench

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/replica"
)

// childEnv says what the program of these tests is to do when it is started as a child.
const childEnv = "HOLDFAST_REDISBENCH_CHILD"

// TestMain makes the program of the tests serve as what it measures with.
func TestMain(m *testing.M) {
	children := map[string]func([]string) error{"measure": measure, "dump": dump}
	if child := children[os.Getenv(childEnv)]; child != nil {
		if err := child(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// cost is what a process took.
type cost struct {
	Seconds float64 `json:"seconds"`
	CPU     float64 `json:"cpu"`
	RSS     int64   `json:"rss"` // at its peak, in bytes
}

// measure runs a program and writes what it took. It is a process of its own because the
// peak that the system tells of a child begins with that of its parent, which here is small.
func measure(args []string) error {
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	failed := cmd.Run()
	took := time.Since(began)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not tell what a process took")
	}
	unit := int64(1024) // But for macOS, where it is bytes.
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	c := cost{
		Seconds: took.Seconds(), RSS: usage.Maxrss * unit,
		CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
	}
	out, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[0], out, 0o600); err != nil {
		return err
	}
	return failed
}

// costOf runs a program and gives what it took.
func costOf(t testing.TB, in io.Reader, program string, args ...string) cost {
	t.Helper()
	to := filepath.Join(t.TempDir(), "cost")
	cmd := exec.CommandContext(t.Context(), self(t), append([]string{to, program}, args...)...)
	cmd.Env = append(os.Environ(), childEnv+"=measure")
	cmd.Stdin = in
	out, failed := cmd.CombinedOutput()
	if failed != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, failed, out)
	}
	var c cost
	told, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(told, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// dump takes a snapshot into a file, as holdfast does: proven, counted, with its SHA-256,
// and on the disk when it says so.
func dump(args []string) error {
	f, err := os.Create(args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	ctx := context.Background()
	scan := rdb.NewPusher(ctx, rdb.Options{Level: rdb.Shallow})
	defer scan.Close()
	at := replica.Endpoint{Addresses: []string{args[0]}}
	r, err := replica.Dump(ctx, at, replica.Node{Address: args[0]}, replica.Target{To: f, Scan: scan}, replica.Options{SHA256: true})
	if err != nil {
		return err
	}
	found, err := scan.Close()
	if err != nil {
		return err
	}
	if r.SHA256 == "" || found.Keys == 0 || found.Bytes != r.Bytes {
		return fmt.Errorf("the snapshot was not counted: %d keys in %d of %d bytes, SHA-256 %q", found.Keys, found.Bytes, r.Bytes, r.SHA256)
	}
	return f.Sync()
}

// build makes the program that is measured.
func build(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "holdfast")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "../../cmd/holdfast")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // As it is released.
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// sumOf gives the SHA-256 of a file.
func sumOf(t testing.TB, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, bufio.NewReader(f)); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}
