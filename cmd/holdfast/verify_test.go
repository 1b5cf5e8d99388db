package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

// TestVerifyStops sends the signal of Ctrl-C while nothing comes any more.
func TestVerifyStops(t *testing.T) {
	for _, command := range []string{"verify", "inspect"} {
		t.Run(command, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program(t), command, "-")
			var said bytes.Buffer
			cmd.Stderr = &said
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// More than a pipe holds: when it is gone the program is reading.
			file := rdbtest.New("REDIS0011").Raw(254).Len(0).Key(0, "key").Len(1 << 20).Bytes()
			if _, err := in.Write(append(file, make([]byte, 512<<10)...)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			impatient := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
			defer impatient.Stop()
			var failed *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &failed) || failed.ExitCode() != exitFailed {
				t.Errorf("ended with %v", err)
			}
			if want := "holdfast: " + command + " standard input: stopped after "; !strings.HasPrefix(said.String(), want) {
				t.Errorf("said %q, want %q", &said, want)
			}
		})
	}
}

// TestReadingLines writes what a log gets to see of a long file.
func TestReadingLines(t *testing.T) {
	var out bytes.Buffer
	l := &readingLines{out: &out, src: rdbSource{name: "dump.rdb", size: 700e6}, every: time.Hour}
	l.watch(rdb.Progress{Bytes: 350e6, Keys: 1500000})
	l.watch(rdb.Progress{Bytes: 400e6, Keys: 1700000})
	l.end()
	if want := "read    dump.rdb: 350.0 MB of 700.0 MB, 1,500,000 keys\n"; out.String() != want {
		t.Errorf("said %q, want %q once", &out, want)
	}
}

// TestReadingBar shows one for a file of known and of unknown size.
func TestReadingBar(t *testing.T) {
	for _, size := range []int64{0, 100} {
		b := newReadingBar(io.Discard, rdbSource{name: "dump.rdb", size: size})
		b.watch(rdb.Progress{Bytes: 50})
		b.end()
	}
}

// TestSourcesAgainst holds a file against what was written down when it was taken.
func TestSourcesAgainst(t *testing.T) {
	name := filepath.Join(t.TempDir(), "dump.rdb")
	if err := os.WriteFile(name, rdbtest.Redis5(), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	g := &globals{streams: streams{out: io.Discard, err: io.Discard}, json: true}
	for _, other := range []bool{false, true} {
		src := fileSource(name, info)
		src.against = func(r rdb.Report) error {
			if other {
				return &mismatchError{"the number of keys", "9", "8"}
			}
			return nil
		}
		p := g.read(context.Background(), src, rdb.Options{Level: rdb.Deep})
		if v := verdictOf(p, 0); v.Sound == other || v.damaged != other {
			t.Errorf("another file: %v, and it is said to be sound: %v, damaged: %v (%s)", other, v.Sound, v.damaged, v.Error)
		}
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1500: "1.5 kB", 700812345: "700.8 MB", 12e9: "12.0 GB"} {
		if got := sizeOf(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 3021455: "3,021,455"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
