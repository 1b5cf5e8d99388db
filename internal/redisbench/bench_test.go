//go:build unix

package redisbench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/outside"
)

var (
	size = flag.Int("size", 0, "about how many MB of data to compare with; 0 compares nothing")
	runs = flag.Int("runs", 5, "how often to run each program")
	to   = flag.String("to", "", "a file for lines that benchstat reads")
)

// contender is one way of doing something.
type contender struct {
	task, tool string
	// against is the tool of the same task that comes with Redis; "" for that itself.
	against string
	run     func(testing.TB) cost
	costs   []cost
}

// TestBench compares. All contenders take their turns, so that what else the machine does
// meets each of them.
func TestBench(t *testing.T) {
	if *size == 0 {
		t.Skip("run it with make bench-redis")
	}
	holdfast := build(t)
	address, version := server(t)
	began := time.Now()
	fill(t, address, *size*keysPerMB)
	fmt.Printf("Redis %s was filled with %d keys in %.0f s.\n", version, *size*keysPerMB, time.Since(began).Seconds())

	dir := t.TempDir()
	theirs, ours := filepath.Join(dir, "redis-cli.rdb"), filepath.Join(dir, "holdfast.rdb")
	port := address[strings.LastIndex(address, ":")+1:]
	snapshots := []*contender{
		{task: "snapshot", tool: "redis-cli", run: fresh(theirs, func(t testing.TB) cost {
			return costOf(t, nil, outside.Command(t, "redis-cli"), "-p", port, "--rdb", theirs)
		})},
		{task: "snapshot", tool: "holdfast", against: "redis-cli", run: fresh(ours, func(t testing.TB) cost {
			t.Helper()
			return costOf(t, nil, "/usr/bin/env", childEnv+"=dump", self(t), address, ours)
		})},
	}
	takeTurns(t, snapshots)
	info, err := os.Stat(ours)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := sumOf(t, theirs), sumOf(t, ours); a == b {
		t.Log("both snapshots are the same file")
	}
	proofs := []*contender{
		{task: "verify", tool: "redis-check-rdb", run: func(t testing.TB) cost {
			return costOf(t, nil, outside.Command(t, "redis-check-rdb"), ours)
		}},
	}
	for _, level := range []string{"framing", "shallow", "deep"} {
		proofs = append(proofs, &contender{task: "verify", tool: "holdfast-" + level, against: "redis-check-rdb", run: func(t testing.TB) cost {
			return costOf(t, nil, holdfast, "verify", "--level", level, ours)
		}})
	}
	proofs = append(proofs, &contender{task: "verify", tool: "holdfast-inspect", against: "redis-check-rdb", run: func(t testing.TB) cost {
		return costOf(t, nil, holdfast, "inspect", ours)
	}})
	takeTurns(t, proofs)
	report(t, os.Stdout, append(snapshots, proofs...), info.Size())
	stats(t, append(snapshots, proofs...), info.Size())
}

// fresh removes the file of the run before.
func fresh(path string, run func(testing.TB) cost) func(testing.TB) cost {
	return func(t testing.TB) cost {
		t.Helper()
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return run(t)
	}
}

// server starts one that begins at once to send to its replicas.
func server(t testing.TB) (address, version string) {
	t.Helper()
	address = fmt.Sprintf("127.0.0.1:%d", outside.Redis(t, "--repl-diskless-sync-delay", "0"))
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2, DisableIdentity: true})
	defer c.Close()
	info, err := c.Info(t.Context(), "server").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ = strings.Cut(info, "redis_version:")
	version, _, _ = strings.Cut(version, "\r\n")
	return address, version
}

// takeTurns runs each contender once to warm up, and then so often, in turns; every other
// time from the last to the first.
func takeTurns(t *testing.T, all []*contender) {
	t.Helper()
	for _, c := range all {
		c.run(t)
	}
	for i := range *runs {
		order := slices.Clone(all)
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			if t.Context().Err() != nil {
				t.Fatal(context.Cause(t.Context()))
			}
			c.costs = append(c.costs, c.run(t))
		}
	}
}

// median gives that of something of all runs.
func (c *contender) median(of func(cost) float64) float64 {
	var all []float64
	for _, one := range c.costs {
		all = append(all, of(one))
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

func seconds(c cost) float64 { return c.Seconds }
func cpu(c cost) float64     { return c.CPU }
func rss(c cost) float64     { return float64(c.RSS) }

func report(t *testing.T, w io.Writer, all []*contender, bytes int64) {
	t.Helper()
	byTool := map[string]*contender{}
	for _, c := range all {
		byTool[c.tool] = c
	}
	fmt.Fprintf(w, "\nMedians of %d runs in turns; a file of %.1f MB; %d CPUs, shared with the server.\n\n", *runs, float64(bytes)/1e6, runtime.NumCPU())
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TASK\tTOOL\tTIME\tCPU\tMB/s\tPEAK RSS\tTIME, RATIO\tSPEED, RATIO")
	for _, c := range all {
		s := c.median(seconds)
		slower, faster := "-", "-"
		if base := byTool[c.against]; base != nil {
			b := base.median(seconds)
			slower, faster = fmt.Sprintf("%.2f", s/b), fmt.Sprintf("%.1f", b/s)
		}
		fmt.Fprintf(tw, "%s\t%s\t%.2f s\t%.2f s\t%.0f\t%.0f MB\t%s\t%s\n", c.task, c.tool, s, c.median(cpu), float64(bytes)/s/1e6, c.median(rss)/1e6, slower, faster)
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
}

// stats writes each run as a line that benchstat reads.
func stats(t *testing.T, all []*contender, bytes int64) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/holdfast-dr/holdfast/internal/redisbench\n", runtime.GOOS, runtime.GOARCH)
	for _, c := range all {
		for _, one := range c.costs {
			fmt.Fprintf(&b, "BenchmarkRedis/task=%s/tool=%s 1 %.0f ns/op %.2f MB/s %.0f cpu-ns/op %d peak-rss-B\n",
				c.task, c.tool, one.Seconds*1e9, float64(bytes)/one.Seconds/1e6, one.CPU*1e9, one.RSS)
		}
	}
	if *to == "" {
		return
	}
	if err := os.WriteFile(*to, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
