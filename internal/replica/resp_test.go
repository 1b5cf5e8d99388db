package replica

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hears gives a connection on which a server says something, whatever it is asked.
func hears(t testing.TB, said string) *conn {
	t.Helper()
	here, there := net.Pipe()
	c := newConn(t.Context(), here, here, "fake:1", time.Second)
	t.Cleanup(func() { c.Close(); there.Close() })
	go func() {
		io.WriteString(there, said)
		there.Close()
	}()
	return c
}

func TestReplies(t *testing.T) {
	for said, want := range map[string]string{
		"+OK\r\n":                         "{43 OK 0 [] false}",
		":-5\r\n":                         "{58 -5 -5 [] false}",
		"$3\r\na\r\n\r\n":                 "{36 a\r\n 3 [] false}",
		"$0\r\n\r\n":                      "{36  0 [] false}",
		"$-1\r\n":                         "{36 -1 -1 [] true}",
		"*-1\r\n":                         "{42 -1 -1 [] true}",
		"*2\r\n:1\r\n*1\r\n+x\r\n":        "{42 2 2 [{58 1 1 [] false} {42 1 1 [{43 x 0 [] false}] false}] false}",
		"-ERR no\r\n":                     "no error",
		"$3\r\nabcd\r\n":                  "no reply",
		"$3\r\nab":                        "closed",
		"$-2\r\n":                         "no reply",
		"*2\r\n:1\r\n":                    "closed",
		"\r\n":                            "no reply",
		"hello\r\n":                       "no reply",
		"$" + strings.Repeat("9", 20000):  "no reply",
		"$68719476736\r\n":                "larger",
		"*1048577\r\n":                    "larger",
		strings.Repeat("*1\r\n", 9) + ":": "larger",
	} {
		r, err := hears(t, said).receive("TEST")
		got := fmt.Sprint(r)
		if err != nil {
			got = err.Error()
		}
		if want == "no error" && r.kind == '-' && err != nil {
			continue
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", cut(said), got, want)
		}
	}
}

// What a length says takes no memory before the bytes are there.
func TestLengthsAreNotBelieved(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, said := range []string{"$60000000\r\nabc", "*1000000\r\n:1\r\n"} {
		if _, err := hears(t, said).receive("TEST"); err == nil {
			t.Error("no error")
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestMembers(t *testing.T) {
	const id, of = "07c37dfeb235213a872192d90877d0cd55635b91", "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca"
	for line, want := range map[string]string{
		id + " 127.0.0.1:30004@31004 slave " + of + " 0 1426238317239 4 connected":                         "127.0.0.1:30004 false false [] []",
		id + " 127.0.0.1:30001@31001,host-1 myself,master - 0 0 1 connected 0-5460 5462 [93-<-" + of + "]": "host-1:30001 true false [0-5460 5462] [93]",
		id + " :7000@17000 myself,master - 0 0 1 connected 0-16383":                                        "here:7000 true false [0-16383] []",
		id + " ::1:7000@17000 master,fail - 0 0 1 disconnected 0-1 [5->-" + of + "]":                       "[::1]:7000 true true [0-1] [5]",
		id + " 10.0.0.1:7000@17000,,shard-id=abc master,fail? - 0 0 1 connected":                           "10.0.0.1:7000 true false [] []",
		id + " 10.0.0.1:7000 master - 0 0 1 connected 7":                                                   "10.0.0.1:7000 true false [7] []",
		id + " :0@0 noaddr,slave " + of + " 0 0 1 disconnected":                                            "here:0 false true [] []",
		id + " 10.0.0.1:7000 master - 0 0 1 connected 5-x":                                                 "bad",
		id + " 10.0.0.1:7000 master - 0 0 1 connected 0-16384":                                             "bad",
		id + " 10.0.0.1:7000 master - 0 0 1 connected 9-5":                                                 "bad",
		id + " nowhere master - 0 0 1 connected":                                                           "bad",
		"short line":                                                                                       "bad",
	} {
		m, ok := parseMember(strings.Fields(line), "here")
		got := fmt.Sprint(m.address, " ", m.primary, " ", m.lost, " ", m.slots, " ", m.moving)
		if !ok {
			got = "bad"
		}
		if got != want {
			t.Errorf("%s:\n%s, want %s", line, got, want)
		}
	}
}

func TestSource(t *testing.T) {
	primary := Node{Address: "primary"}
	behind := Node{Address: "behind", LinkUp: true, Offset: 5}
	ahead := Node{Address: "ahead", LinkUp: true, Offset: 7}
	down := Node{Address: "down", Offset: 9}
	lost := Node{Address: "lost", LinkUp: true, Offset: 9, Err: io.EOF}
	loading := Node{Address: "loading", LinkUp: true, Offset: 9, Loading: true}
	gone := Node{Address: "gone", Err: io.EOF}
	for _, c := range []struct {
		shard  Shard
		prefer bool
		want   string
	}{
		{Shard{Primary: primary, Replicas: []Node{behind, ahead, down, lost, loading}}, true, "ahead"},
		{Shard{Primary: primary, Replicas: []Node{behind, ahead}}, false, "primary"},
		{Shard{Primary: primary, Replicas: []Node{down, lost, loading}}, true, "primary"},
		{Shard{Primary: gone, Replicas: []Node{down, behind}}, false, "behind"},
		{Shard{Primary: gone, Replicas: []Node{down}}, false, "gone"},
		{Shard{Replicas: []Node{down, behind}}, false, "behind"},
		{Shard{Replicas: []Node{down}}, false, "down"},
	} {
		if got := c.shard.Source(c.prefer).Address; got != c.want {
			t.Errorf("%+v: %s, want %s", c.shard, got, c.want)
		}
	}
}

// So many at once, and so many on a host.
func TestForks(t *testing.T) {
	f := newForks(Options{Forks: 3}.withDefaults(), 9)
	for _, h := range []string{"a", "b"} {
		if _, err := f.take(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.take(soon, "a"); err == nil {
		t.Error("two forks on one host")
	}
	free, err := f.take(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.take(soon, "d"); err == nil {
		t.Error("four forks")
	}
	free()
	free()
	if _, err := f.take(t.Context(), "d"); err != nil {
		t.Error(err)
	}
}

// watcher is a Sentinel that names a server, beside one that is that server.
func TestSentinels(t *testing.T) {
	named := "*2\r\n$7\r\nprimary\r\n$1\r\n1\r\n"
	for name, c := range map[string]struct {
		sentinel, role, replicas string
		prefer                   bool
		want                     string
	}{
		"fine":           {named, "master", "", false, "primary:1"},
		"unknown":        {"*-1\r\n", "master", "", false, "error: it watches none called"},
		"stale":          {named, "slave", "", false, "error: is a replica"},
		"odd":            {"*1\r\n$1\r\nx\r\n", "master", "", false, "error: no reply"},
		"no rights":      {"-NOPERM no\r\n", "master", "", false, "error: NOPERM"},
		"with replicas":  {named, "master", "*2\r\n*6\r\n+ip\r\n+replica\r\n+port\r\n+2\r\n+flags\r\n+slave\r\n*6\r\n+ip\r\n+dead\r\n+port\r\n+2\r\n+flags\r\n+slave,s_down\r\n", true, "replica:2"},
		"replicas error": {named, "master", "-NOPERM no\r\n", true, "error: NOPERM"},
	} {
		sentinel := newPrimary("")
		sentinel.replies["SENTINEL GET-MASTER-ADDR-BY-NAME it"] = c.sentinel
		sentinel.replies["SENTINEL REPLICAS it"] = "-ERR unknown subcommand 'REPLICAS'\r\n"
		sentinel.replies["SENTINEL SLAVES it"] = c.replicas
		servers := map[string]*primary{"watch:26379": sentinel}
		for address, info := range map[string]string{
			"primary:1": "role:" + c.role, "replica:2": "role:slave\r\nmaster_link_status:up", "dead:2": "role:slave\r\nmaster_link_status:up",
		} {
			servers[address] = newPrimary("")
			servers[address].replies["INFO"] = bulk(info)
		}
		topology, err := Discover(t.Context(), Endpoint{Addresses: []string{"watch"}, Sentinel: "it", PreferReplica: c.prefer, Dial: dialer(t, servers)})
		got := fmt.Sprint("error: ", err)
		if err == nil {
			got = topology.Shards[0].Source(c.prefer).Address
		}
		want, failed := strings.CutPrefix(c.want, "error: ")
		if failed != (err != nil) || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if len(servers["dead:2"].asked) > 0 {
			t.Error("one that is down was asked")
		}
	}
}

func dialer(t testing.TB, servers map[string]*primary) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		p := servers[address]
		if p == nil {
			return nil, fmt.Errorf("nobody is at %s", address)
		}
		return p.endpoint(t).Dial(ctx, network, address)
	}
}

// A cluster whose primary is lost is not whole, unless a replica can stand in.
func TestClusterWithoutAPrimary(t *testing.T) {
	nodes := "a lost:1@2 master,fail - 0 0 1 disconnected 0-8000\nb b:1@2 myself,master - 0 0 1 connected 8001-16383\nc c:1@2 slave a 0 0 1 connected\n"
	servers := map[string]*primary{}
	for address, info := range map[string]string{"b:1": "role:master\r\ncluster_enabled:1", "c:1": "role:slave\r\nmaster_link_status:up\r\ncluster_enabled:1"} {
		p := newPrimary(byMark(sample()))
		p.replies["INFO"] = bulk(info)
		p.replies["CLUSTER NODES"] = bulk(nodes)
		servers[address] = p
	}
	at := Endpoint{Addresses: []string{"nobody:1", "b:1"}, Dial: dialer(t, servers)}
	if _, err := take(t, at, Options{}); ReasonOf(err) != Unreachable || !strings.Contains(err.Error(), "lost:1") {
		t.Error(err)
	}
	at.PreferReplica = true
	p, err := take(t, at, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := p.results.Shards[0].Address, p.results.Shards[1].Address; a != "c:1" || b != "b:1" {
		t.Errorf("taken from %s and %s", a, b) // b has no replica.
	}
}
