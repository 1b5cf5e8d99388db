package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dr/holdfast/internal/outside"
)

// scriptRedis starts a real Redis whose address is then in $NAME, and gives it some data
// of every type; what follows the name are its options.
func scriptRedis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: redis NAME [OPTION...]")
	}
	address := startRedis(ts, args[1:]...)
	ts.Setenv(args[0], address)
	for _, line := range []string{
		"debug populate 2000 session 60", "set " + args[0] + " 1", "set later x ex 100000", "rpush list a b c", "sadd set 1 2 3",
		"hset hash f v", "zadd zset 1 a 2.5 b", "xadd stream * k v",
	} {
		tell(ts, address, line)
	}
}

func startRedis(ts *testscript.TestScript, options ...string) string {
	t, ok := worldOf(ts).env.T().(testing.TB)
	if !ok {
		ts.Fatalf("not run by go test")
	}
	return fmt.Sprintf("127.0.0.1:%d", outside.Redis(t, append([]string{"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"}, options...)...))
}

// tell has a server do a command, and gives what it says.
func tell(ts *testscript.TestScript, address, line string) string {
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2, DisableIdentity: true})
	defer c.Close()
	words := strings.Fields(line)
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = w
	}
	out, err := c.Do(context.Background(), args...).Result()
	ts.Check(err)
	return fmt.Sprint(out)
}

// scriptSays insists on what a server says to a command.
func scriptSays(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: says ADDRESS COMMAND TEXT")
	}
	if out := tell(ts, args[0], args[1]); strings.Contains(out, args[2]) == neg {
		ts.Fatalf("%s said %s", args[0], out)
	}
}

// scriptHolds insists that a file, the one that fits a pattern, is taken by redis-check-rdb, and that a server
// which starts from it has the data of another.
func scriptHolds(ts *testscript.TestScript, neg bool, args []string) {
	t, ok := worldOf(ts).env.T().(testing.TB)
	if neg || len(args) != 2 || !ok {
		ts.Fatalf("usage: holds PATTERN ADDRESS")
	}
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("%s fits %v, want one file", args[0], files)
	}
	file, err := os.ReadFile(files[0])
	ts.Check(err)
	if out, err := exec.CommandContext(context.Background(), outside.Command(t, "redis-check-rdb"), files[0]).CombinedOutput(); err != nil {
		ts.Fatalf("redis-check-rdb: %v\n%s", err, out)
	}
	dump := outside.ServerFile(t, "dump.rdb", string(file))
	started := startRedis(ts, "--dir", filepath.Dir(dump), "--dbfilename", "dump.rdb")
	if here, there := tell(ts, started, "debug digest"), tell(ts, args[1], "debug digest"); here != there || here == "" {
		ts.Fatalf("a server that starts from %s has the digest %s, and not %s", files[0], here, there)
	}
}
