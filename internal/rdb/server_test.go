package rdb_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/rdb"
	"github.com/holdfast-dr/holdfast/internal/rdb/rdbtest"
)

var update = flag.Bool("update", false, "record the files of testdata anew, with the redis-server that is there")

// variants are the settings under which the same data are saved in other encodings.
var variants = map[string][]string{
	"small": nil,
	"large": {
		"--hash-max-listpack-entries", "0", "--zset-max-listpack-entries", "0", "--set-max-intset-entries", "0",
		"--list-max-listpack-size", "1", "--stream-node-max-entries", "1", "--rdbcompression", "no",
	},
	"unproven": {"--rdbchecksum", "no", "--maxmemory-policy", "allkeys-lfu"},
}

// fill gives a server some of everything; it is the same every time, but for times that
// servers take from their clocks. One item of a list has 16*n bytes.
func fill(t testing.TB, c *redis.Client, n int) {
	t.Helper()
	ctx := t.Context()
	long := strings.Repeat("compressible ", 30)
	do := func(args ...any) {
		t.Helper()
		if err := c.Do(ctx, args...).Err(); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}
	do("set", "string", "value", "pxat", "1999999999999")
	do("set", "int", "12345")
	do("set", "negative", "-70000")
	do("set", "large int", "1234567890123")
	do("set", "long", long)
	do("set", "empty", "")
	do("set", "binary\x00\xff{tag}", "\x00\x01\xfe\xff")
	do("set", strings.Repeat("long key ", 20), "x")
	do("rpush", "list", "a", "1", "-5", "70000", "5000000000", long, "", strings.Repeat("z", 300))
	do("rpush", "big item", strings.Repeat("0123456789abcdef", n))
	do("sadd", "ints", "1", "-2", "300")
	do("sadd", "ints32", "1", "100000")
	do("sadd", "ints64", "1", "10000000000")
	do("sadd", "set", "a", "b", "7")
	do("hset", "hash", "f", "v", "n", "17", "long", long)
	do("zadd", "zset", "1", "a", "2.5", "b", "-inf", "c", "inf", "d", "1e300", "e", "3", "3")
	do("xadd", "stream", "1-1", "temp", "20", "unit", "C")
	do("xadd", "stream", "2-1", "temp", "21", "unit", "C")
	do("xadd", "stream", "2-2", "other", long)
	do("xadd", "stream", "3-1", "temp", "22", "unit", "C")
	do("xdel", "stream", "2-1")
	do("xgroup", "create", "stream", "group", "0")
	do("xreadgroup", "group", "group", "alice", "count", "1", "streams", "stream", ">")
	do("xgroup", "createconsumer", "stream", "group", "bob")
	do("xgroup", "create", "stream", "idle", "$")
	do("xadd", "gone", "5-5", "a", "b")
	do("xdel", "gone", "5-5")
	do("function", "load", "#!lua name=mylib\nredis.register_function('f', function() return 1 end)")
	do("select", "3")
	do("set", "elsewhere", "1")
	do("select", "0")
}

// saved starts a server, fills it, and gives the file that it saves.
func saved(t testing.TB, options []string, n int) (*redis.Client, []byte) {
	t.Helper()
	port := outside.Redis(t, append(slices.Clone(options), "--enable-debug-command", "yes")...)
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port), PoolSize: 1, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { c.Close() })
	fill(t, c, n)
	return c, save(t, c)
}

func save(t testing.TB, c *redis.Client) []byte {
	t.Helper()
	ctx := t.Context()
	if err := c.Do(ctx, "save").Err(); err != nil {
		t.Fatal(err)
	}
	dir, err := c.ConfigGet(ctx, "dir").Result()
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.ReadFile(filepath.Join(dir["dir"], "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRecord writes testdata: what "go test ./internal/rdb -run TestRecord -update" gets
// from a redis-server 7.0.15.
func TestRecord(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	for name, options := range variants {
		_, p := saved(t, options, 10)
		if err := os.WriteFile(filepath.Join("testdata", "redis-7.0-"+name+".rdb"), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// recorded gives the files that a real server wrote, without the one that has no checksum.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name := range variants {
		p, err := os.ReadFile(filepath.Join("testdata", "redis-7.0-"+name+".rdb"))
		if err != nil {
			t.Fatal(err)
		}
		if name != "unproven" {
			out["redis-7.0-"+name] = p
		}
	}
	return out
}

// What a server saves is what it would DUMP, key by key, byte by byte.
func TestRawValuesAreWhatTheServerDumps(t *testing.T) {
	for name, options := range variants {
		t.Run(name, func(t *testing.T) {
			c, file := saved(t, options, 40000)
			version := binary.LittleEndian.AppendUint16(nil, 10)
			var payload []byte
			keys := 0
			err := rdb.NewReader(bytes.NewReader(file)).Walk(t.Context(), rdb.Visitor{
				Key: func(k *rdb.Key) (rdb.Want, error) {
					payload = []byte{k.Type.Code}
					return rdb.RawValue, nil
				},
				Raw: func(p []byte) error {
					payload = append(payload, p...)
					return nil
				},
				Done: func(k *rdb.Key) error {
					if k.DB != 0 {
						return nil
					}
					keys++
					payload = append(payload, version...)
					payload = binary.LittleEndian.AppendUint64(payload, rdbtest.Sum(payload))
					want, err := c.Dump(t.Context(), string(k.Name)).Bytes()
					if err == nil && !bytes.Equal(payload, want) {
						t.Errorf("%q: %x, and DUMP gives %x", k.Name, payload, want)
					}
					return err
				},
			})
			if err != nil || keys < 18 {
				t.Fatal(keys, err)
			}
		})
	}
}

// The same data in other encodings, with and without compression and checksum, have the
// same digest, and so have those that a server loaded and saved again.
func TestDigestsOfOneDataSet(t *testing.T) {
	digests := map[string]string{}
	for name, options := range variants {
		c, file := saved(t, options, 40000)
		r, err := verify(t, withoutClock(t, c, file), rdb.Deep)
		if err != nil {
			t.Fatal(name, err)
		}
		digests[name] = r.Digest.String()
		if err := c.Do(t.Context(), "debug", "reload").Err(); err != nil {
			t.Fatal(name, err)
		}
		again, err := verify(t, save(t, c), rdb.Deep)
		if err != nil {
			t.Fatal(name, err)
		}
		if again.Digest != r.Digest {
			t.Errorf("%s: %v, and when it was saved again %v", name, r.Digest, again.Digest)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		if digests[name] != digests["small"] {
			t.Errorf("%s: %s, and small: %s", name, digests[name], digests["small"])
		}
	}
}

// withoutClock takes away from a server's data what depends on when it was written: the
// time of a delivery.
func withoutClock(t testing.TB, c *redis.Client, _ []byte) []byte {
	t.Helper()
	if err := c.Do(t.Context(), "xclaim", "stream", "group", "alice", "0", "1-1", "time", "1700000000000", "retrycount", "1").Err(); err != nil {
		t.Fatal(err)
	}
	return save(t, c)
}

// What the writer of the samples writes is what Redis takes.
func TestSamplesAreWhatRedisTakes(t *testing.T) {
	check := outside.Command(t, "redis-check-rdb")
	for _, name := range []string{"old", "redis-5", "redis-6", "redis-7.0", "empty"} {
		path := filepath.Join(t.TempDir(), "sample.rdb")
		p := rdbtest.Samples()[name]
		if name == "empty" {
			p = rdbtest.New("REDIS0010").End()
		}
		if err := os.WriteFile(path, p, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), check, path).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("looks OK")) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// Under a checksum that fits, whatever Redis's own judge sees, a deep look sees too. It sees
// more: its judge takes streams that contradict themselves, and scores that are none.
func TestNothingIsMissedThatRedisSees(t *testing.T) {
	check := outside.Command(t, "redis-check-rdb")
	path := filepath.Join(t.TempDir(), "changed.rdb")
	for name, p := range map[string][]byte{
		"old": rdbtest.Samples()["old"], "redis-7.0": rdbtest.Samples()["redis-7.0"], "real": recorded(t)["redis-7.0-small"],
	} {
		for at := 9; at < len(p)-8; at += 9 {
			changed := bytes.Clone(p)
			changed[at] ^= 1 << (at / 9 % 8)
			changed = rdbtest.Reseal(changed)
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), check, path).CombinedOutput()
			r, seen := verify(t, changed, rdb.Deep)
			if sound := err == nil && bytes.Contains(out, []byte("looks OK")); !sound && seen == nil && len(r.Flaws) == 0 {
				t.Errorf("%s: byte %d as %#x: %v\n%s", name, at, changed[at], err, out)
			}
		}
	}
}

// The server is asked what its file holds.
func TestElementsAreWhatTheServerHas(t *testing.T) {
	for name, options := range variants {
		t.Run(name, func(t *testing.T) {
			c, file := saved(t, options, 40000)
			got := elements(t, file)
			for key, want := range map[string][]string{
				"list":     c.LRange(t.Context(), "list", 0, -1).Val(),
				"big item": c.LRange(t.Context(), "big item", 0, -1).Val(),
				"set":      c.SMembers(t.Context(), "set").Val(),
				"ints64":   c.SMembers(t.Context(), "ints64").Val(),
				"int":      {c.Get(t.Context(), "int").Val()},
				"long":     {c.Get(t.Context(), "long").Val()},
			} {
				have := got[key]
				if key == "set" || key == "ints64" {
					slices.Sort(have)
					slices.Sort(want)
				}
				if !slices.Equal(have, want) || len(want) == 0 {
					t.Errorf("%s: %q, and the server has %q", key, have, want)
				}
			}
			hash := c.HGetAll(t.Context(), "hash").Val()
			for i := 0; i+1 < len(got["hash"]); i += 2 {
				if hash[got["hash"][i]] != got["hash"][i+1] {
					t.Errorf("field %q: %q", got["hash"][i], got["hash"][i+1])
				}
			}
			scores := c.ZRangeWithScores(t.Context(), "zset", 0, -1).Val()
			if len(got["hash"]) != 2*len(hash) || len(got["zset"]) != 2*len(scores) {
				t.Errorf("%d parts of the hash, %d of the sorted set", len(got["hash"]), len(got["zset"]))
			}
		})
	}
}

// elements gives, of database 0, all strings and scores as text.
func elements(t testing.TB, file []byte) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	var now string
	var text []byte
	err := rdb.NewReader(bytes.NewReader(file)).Walk(t.Context(), rdb.Visitor{
		Key: func(k *rdb.Key) (rdb.Want, error) {
			now = string(k.Name)
			return rdb.Elements, nil
		},
		Element: func(e *rdb.Element) error {
			if e.Role == rdb.RoleScore {
				out[now] = append(out[now], fmt.Sprint(e.Score))
				return nil
			}
			text = e.AppendText(text)
			if !e.More {
				out[now] = append(out[now], string(text))
				text = text[:0]
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A pusher finds the end of what a primary sends, and leaves the mark that follows it.
func TestPushTakesWhatAPrimarySends(t *testing.T) {
	port := outside.Redis(t, "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes")
	c := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port), Protocol: 2, DisableIdentity: true})
	defer c.Close()
	fill(t, c, 100000)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 4096)
	mark := ""
	for _, line := range []string{"PING", "REPLCONF capa eof capa psync2", "REPLCONF rdb-only 1", "PSYNC ? -1", ""} {
		if line != "" {
			fmt.Fprintf(conn, "%s\r\n", line)
		}
		for mark = ""; mark == ""; mark = strings.TrimSpace(mark) {
			if mark, err = in.ReadString('\n'); err != nil {
				t.Fatal(line, err)
			}
		}
	}
	mark, ok := strings.CutPrefix(mark, "$EOF:")
	if !ok || len(mark) != 40 {
		t.Fatalf("the payload begins with %q", mark)
	}
	p := rdb.NewPusher(t.Context(), rdb.Options{Level: rdb.Deep})
	defer p.Close()
	buf := make([]byte, 10000)
	for done := false; !done; {
		n, err := in.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		used, ended, err := p.Push(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		if done = ended; done {
			rest, _ := io.ReadAll(io.MultiReader(bytes.NewReader(buf[used:n]), in))
			if string(rest) != mark {
				t.Errorf("behind the file stands %q, want %q", rest, mark)
			}
		}
	}
	r, err := p.Close()
	if err != nil || r.Checksum != rdb.ChecksumGood || r.Keys != 19 || len(r.Flaws) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
