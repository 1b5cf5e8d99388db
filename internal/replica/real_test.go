package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/rdb"
)

// server starts a Redis that tells its digest, and does not wait for more replicas.
func server(t testing.TB, options ...string) string {
	t.Helper()
	options = append([]string{"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"}, options...)
	return fmt.Sprintf("127.0.0.1:%d", outside.Redis(t, options...))
}

// client is somebody else's client, for a server.
func client(t testing.TB, address string, more ...func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: address, PoolSize: 4, Protocol: 2, DisableIdentity: true}
	for _, m := range more {
		m(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func run(t testing.TB, c *redis.Client, args ...any) string {
	t.Helper()
	r, err := c.Do(t.Context(), args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatalf("%v: %v", args, err)
	}
	return fmt.Sprint(r)
}

// fill gives a server some of everything.
func fill(t testing.TB, c *redis.Client) {
	t.Helper()
	long := strings.Repeat("compressible ", 200)
	for _, args := range [][]any{
		{"set", "string", "value"},
		{"set", "expires", "later", "pxat", "1999999999999"},
		{"set", "binary\x00\xff", "\x00\x01\xfe\xff\r\n"},
		{"set", "", "the empty key"},
		{"set", "long", long},
		{"set", "int", "12345"},
		{"rpush", "list", "a", "1", long},
		{"sadd", "set", "a", "b", "7"},
		{"sadd", "ints", "1", "2", "3"},
		{"hset", "hash", "f", "v", "long", long},
		{"zadd", "zset", "1", "a", "2.5", "b", "inf", "c"},
		{"xadd", "stream", "1-1", "temp", "20"},
		{"xgroup", "create", "stream", "group", "0"},
		{"function", "load", "#!lua name=mylib\nredis.register_function('f', function() return 1 end)"},
	} {
		run(t, c, args...)
	}
}

// fillMany adds so many small keys.
func fillMany(t testing.TB, c *redis.Client, n int) {
	t.Helper()
	run(t, c, "debug", "populate", strconv.Itoa(n), "many", "40")
}

func addDatabase(t testing.TB, c *redis.Client) {
	t.Helper()
	run(t, c, "eval", "redis.call('select', 5); return redis.call('set', 'elsewhere', '1')", "0")
}

// fetch takes a snapshot of one server as the driver would, and proves what it says of
// itself.
func fetch(t testing.TB, at Endpoint, o Options) (Result, []byte) {
	t.Helper()
	p, err := take(t, at, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.results.Shards) != 1 {
		t.Fatalf("%d shards", len(p.results.Shards))
	}
	r := p.results.Shards[0].Result
	proveFile(t, r, p.files[0].Bytes(), p.files[0].Bytes())
	return r, p.files[0].Bytes()
}

type taken struct {
	results Point
	files   []*bytes.Buffer
}

func take(t testing.TB, at Endpoint, o Options) (taken, error) {
	t.Helper()
	o.SHA256 = true
	var mu sync.Mutex
	var out taken
	p, err := Take(t.Context(), at, func(_ context.Context, i int, _ Shard) (Target, error) {
		mu.Lock()
		defer mu.Unlock()
		for len(out.files) <= i {
			out.files = append(out.files, new(bytes.Buffer))
		}
		return Target{To: out.files[i]}, nil
	}, o)
	out.results = p
	return out, err
}

// accepted holds the file against what others say: redis-check-rdb, and a server that is
// started from it and has to have the same digest.
func accepted(t testing.TB, file []byte, digest string, options ...string) *redis.Client {
	t.Helper()
	path := outside.ServerFile(t, "dump.rdb", string(file))
	out, err := exec.CommandContext(t.Context(), outside.Command(t, "redis-check-rdb"), path).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("looks OK")) {
		t.Fatalf("redis-check-rdb: %v\n%s", err, out)
	}
	c := client(t, server(t, append([]string{"--dir", filepath.Dir(path)}, options...)...))
	if got := run(t, c, "debug", "digest"); got != digest {
		t.Errorf("a server that loads it has digest %s, want %s", got, digest)
	}
	return c
}

func TestRealServer(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []string
		want    Framing
	}{
		{"diskless", []string{"--repl-diskless-sync", "yes"}, ByMark},
		{"by disk", []string{"--repl-diskless-sync", "no"}, ByLength},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := server(t, c.options...)
			redis := client(t, address)
			fill(t, redis)
			fillMany(t, redis, 20_000)
			addDatabase(t, redis)
			r, file := fetch(t, Endpoint{Addresses: []string{address}}, Options{})
			if r.Framing != c.want || r.Server != (Server{"Redis", "7.0.15"}) || r.Replica || r.Fuzzy {
				t.Errorf("%+v", r)
			}
			if !strings.Contains(run(t, redis, "info", "replication"), "master_replid:"+r.ReplicationID) {
				t.Errorf("%s is not the server's history", r.ReplicationID)
			}
			accepted(t, file, run(t, redis, "debug", "digest"))
			if got := run(t, redis, "info", "replication"); !strings.Contains(got, "connected_slaves:0") {
				t.Error("the server still has us:", got)
			}
		})
	}
}

// An empty server and one that writes no checksum.
func TestRealOddities(t *testing.T) {
	address := server(t, "--rdbchecksum", "no")
	redis := client(t, address)
	var out bytes.Buffer
	r, err := Dump(t.Context(), Endpoint{}, Node{Address: address}, Target{To: &out}, Options{})
	if err != nil || r.Checksum != 0 || r.Bytes != int64(out.Len()) {
		t.Fatalf("%v %+v", err, r)
	}
	accepted(t, out.Bytes(), run(t, redis, "debug", "digest"))
}

func TestRealUnderWrites(t *testing.T) {
	address := server(t)
	redis := client(t, address)
	fillMany(t, redis, 50_000)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for i := range 2 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				redis.Set(ctx, fmt.Sprintf("while:%d:%d", i, n), n, 0)
			}
		})
	}
	_, file := fetch(t, Endpoint{Addresses: []string{address}}, Options{})
	stop()
	writers.Wait()
	report, err := rdb.Verify(t.Context(), bytes.NewReader(file), rdb.Options{Level: rdb.Deep})
	if err != nil || report.Keys < 50_000 {
		t.Error(report.Keys, err)
	}
}

func password(p string) Secret {
	return func(context.Context) (string, error) { return p, nil }
}

func TestRealPasswords(t *testing.T) {
	address := server(t, "--requirepass", "right")
	redis := client(t, address, func(o *redis.Options) { o.Password = "right" })
	fill(t, redis)
	digest := run(t, redis, "debug", "digest")
	_, file := fetch(t, Endpoint{Addresses: []string{address}, Password: password("right")}, Options{})
	accepted(t, file, digest)
	for want, at := range map[string]Endpoint{
		"give it a user":                  {},
		"check user and password":         {Password: password("wrong")},
		"check user and password, and":    {User: "nobody", Password: password("right")},
		"reading the password: no secret": {Password: func(context.Context) (string, error) { return "", errors.New("no secret") }},
	} {
		at.Addresses = []string{address}
		if _, err := take(t, at, Options{}); ReasonOf(err) != Login || !strings.Contains(strings.ReplaceAll(err.Error(), " at "+address, ""), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The rights that are said to suffice do, and less is refused with a word about what.
func TestRealRights(t *testing.T) {
	address := server(t)
	redis := client(t, address)
	fill(t, redis)
	digest := run(t, redis, "debug", "digest")
	for user, rights := range map[string][]any{
		"few":     {"+psync", "+replconf", "+ping"},
		"more":    {"+psync", "+replconf", "+ping", "+info"},
		"nothing": {},
		"nopsync": {"+replconf", "+ping"},
		"noconf":  {"+psync", "+ping"},
		"noping":  {"+psync", "+replconf"},
	} {
		run(t, redis, append([]any{"acl", "setuser", user, "on", ">word"}, rights...)...)
		at := Endpoint{Addresses: []string{address}, User: user, Password: password("word")}
		switch user {
		case "few", "more", "noping":
			r, file := fetch(t, at, Options{})
			if (r.Server.Version == "7.0.15") != (user == "more") {
				t.Errorf("%s: %+v", user, r.Server)
			}
			accepted(t, file, digest)
		default:
			if _, err := take(t, at, Options{}); ReasonOf(err) != Denied || !strings.Contains(err.Error(), "+psync +replconf +ping") {
				t.Errorf("%s: %v", user, err)
			}
		}
	}
}

func TestRealRenamed(t *testing.T) {
	address := server(t, "--rename-command", "PSYNC", "secret-psync", "--rename-command", "REPLCONF", "secret-conf", "--rename-command", "SYNC", "secret-sync")
	redis := client(t, address)
	fill(t, redis)
	digest := run(t, redis, "debug", "digest")
	at := Endpoint{Addresses: []string{address}}
	if _, err := take(t, at, Options{}); ReasonOf(err) != Refused || !strings.Contains(err.Error(), "renamed") {
		t.Error(err)
	}
	at.PSync, at.Replconf = "secret-psync", "secret-conf"
	r, file := fetch(t, at, Options{})
	if r.Framing != ByMark || r.Offset != -1 { // This server takes it for SYNC.
		t.Errorf("%+v", r)
	}
	accepted(t, file, digest)

	only := Endpoint{Addresses: []string{address}, Sync: "secret-sync"} // Neither EOF nor rdb-only can be asked for.
	r, file = fetch(t, only, Options{})
	if r.Framing != ByLength || r.Offset != -1 {
		t.Errorf("%+v", r)
	}
	accepted(t, file, digest)
}

func TestRealReplicas(t *testing.T) {
	primary := server(t)
	host, port, _ := net.SplitHostPort(primary)
	replica := server(t, "--replicaof", host+" "+port)
	redis := client(t, primary)
	fill(t, redis)
	eventually(t, func() bool {
		return strings.Contains(run(t, client(t, replica), "info", "replication"), "master_link_status:up") && run(t, client(t, replica), "exists", "zset") == "1"
	})
	digest := run(t, redis, "debug", "digest")
	r, file := fetch(t, Endpoint{Addresses: []string{primary}, PreferReplica: true}, Options{})
	if r.Address != replica || !r.Replica {
		t.Errorf("%+v", r)
	}
	accepted(t, file, digest)
	if r, _ = fetch(t, Endpoint{Addresses: []string{replica, primary}}, Options{}); r.Address != primary {
		t.Errorf("%+v", r)
	}
	if r, _ = fetch(t, Endpoint{Addresses: []string{replica}}, Options{}); r.Address != replica {
		t.Errorf("%+v", r)
	}

	// One that has lost its primary gives nothing, and is not preferred.
	nobody := server(t, "--replicaof", "127.0.0.1 1")
	if _, err := take(t, Endpoint{Addresses: []string{nobody}}, Options{}); ReasonOf(err) != Broken || !strings.Contains(err.Error(), "lost its primary") {
		t.Error(err)
	}
	if r, _ = fetch(t, Endpoint{Addresses: []string{nobody, primary}, PreferReplica: true}, Options{}); r.Address == nobody {
		t.Errorf("%+v", r)
	}
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for begun := time.Now(); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatal("it did not come to be within 30 s")
		}
	}
}

func TestRealFullAndUnreachable(t *testing.T) {
	address := server(t, "--maxclients", "1")
	redis := client(t, address)
	eventually(t, func() bool { // Until who looked whether it listens is gone.
		hold := redis.Conn()
		t.Cleanup(func() { hold.Close() })
		return hold.Ping(t.Context()).Err() == nil
	})
	if _, err := take(t, Endpoint{Addresses: []string{address}}, Options{}); ReasonOf(err) != Busy || !strings.Contains(err.Error(), "maxclients") {
		t.Error(err)
	}
	if _, err := take(t, Endpoint{Addresses: []string{"127.0.0.1:1"}}, Options{}); ReasonOf(err) != Unreachable {
		t.Error(err)
	}
	if _, err := take(t, Endpoint{}, Options{}); err == nil {
		t.Error("there is no endpoint, and no error")
	}
	if _, err := take(t, Endpoint{Addresses: []string{server(t)}, Cluster: true}, Options{}); err == nil || !strings.Contains(err.Error(), "no cluster") {
		t.Error(err)
	}
}

// A server that dies while it sends.
func TestRealServerDies(t *testing.T) {
	address := server(t, "--rdb-key-save-delay", "1000", "--rdbcompression", "no")
	redis := client(t, address)
	run(t, redis, "debug", "populate", "3000", "many", "4000")
	watch := &watching{begun: make(chan struct{})}
	go func() {
		<-watch.begun
		redis.ShutdownNoSave(context.Background())
	}()
	_, err := Dump(t.Context(), Endpoint{}, Node{Address: address}, Target{To: watch, Scan: rdb.NewPusher(t.Context(), rdb.Options{})},
		Options{Spool: Spool{Memory: 1}, Progress: func(Progress) {}})
	if ReasonOf(err) != CutOff || !strings.Contains(err.Error(), "killed") {
		t.Error(err)
	}
}

// watching tells when it is first written to.
type watching struct {
	once  sync.Once
	begun chan struct{}
}

func (w *watching) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.begun) })
	return len(p), nil
}

func TestRealSentinel(t *testing.T) {
	primary := server(t)
	host, port, _ := net.SplitHostPort(primary)
	replica := server(t, "--replicaof", host+" "+port)
	redis := client(t, primary)
	fill(t, redis)
	watcher := sentinel(t, "sentinel monitor mymaster "+host+" "+port+" 1\nrequirepass guard\n")
	at := Endpoint{Addresses: []string{"127.0.0.1:1", watcher}, Sentinel: "mymaster", SentinelPassword: password("guard")}
	r, file := fetch(t, at, Options{})
	if r.Address != primary {
		t.Errorf("%+v", r)
	}
	accepted(t, file, run(t, redis, "debug", "digest"))
	at.PreferReplica = true
	eventually(t, func() bool {
		topology, err := Discover(t.Context(), at)
		return err == nil && len(topology.Shards[0].Replicas) == 1 && topology.Shards[0].Replicas[0].LinkUp
	})
	if r, _ = fetch(t, at, Options{}); r.Address != replica || !r.Replica {
		t.Errorf("%+v", r)
	}
	at.Sentinel = "another"
	if _, err := take(t, at, Options{}); err == nil || !strings.Contains(err.Error(), "none called another") {
		t.Error(err)
	}
}

// sentinel starts one, which writes to its configuration.
func sentinel(t testing.TB, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "sentinel.conf")
	text = "bind 127.0.0.1\nport " + port + "\ndir " + dir + "\n" + text
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(outside.Command(t, "redis-server"), conf, "--sentinel")
	var log bytes.Buffer
	cmd.Stdout = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return address
}

// Where replication is refused, keys are read one by one.
func TestRealFuzzy(t *testing.T) {
	address := server(t, "--rename-command", "PSYNC", "", "--rename-command", "SYNC", "")
	redis := client(t, address)
	fill(t, redis)
	fillMany(t, redis, 5_000)
	addDatabase(t, redis)
	run(t, redis, "set", "huge", strings.Repeat("0123456789abcdef", 300_000))
	run(t, redis, "acl", "setuser", "few", "on", ">word", "~*", "+ping", "+info", "+select", "+scan", "+dump", "+pexpiretime", "+pttl", "+time", "+function|dump", "+readonly", "+replconf")
	at := Endpoint{Addresses: []string{address}, User: "few", Password: password("word")}
	if _, err := take(t, at, Options{}); ReasonOf(err) != Refused {
		t.Error(err)
	}
	r, file := fetch(t, at, Options{AllowFuzzy: true})
	if !r.Fuzzy || r.Framing != ByKey || r.Keys != 5_014 || r.Offset != -1 {
		t.Errorf("%+v", r)
	}
	restored := accepted(t, file, run(t, redis, "debug", "digest"))
	if got := run(t, restored, "function", "list"); !strings.Contains(got, "mylib") {
		t.Error("the functions are not there:", got)
	}
	if got := run(t, restored, "pexpiretime", "expires"); got != "1999999999999" {
		t.Error("it expires at", got)
	}

	empty := server(t, "--rename-command", "PSYNC", "", "--rename-command", "SYNC", "")
	_, file = fetch(t, Endpoint{Addresses: []string{empty}}, Options{AllowFuzzy: true})
	accepted(t, file, run(t, client(t, empty), "debug", "digest"))

	run(t, redis, "acl", "setuser", "few", "-dump")
	if _, err := take(t, at, Options{AllowFuzzy: true}); ReasonOf(err) != Denied || !strings.Contains(err.Error(), "+dump") {
		t.Error(err)
	}
}
