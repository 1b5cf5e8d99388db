package replica

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dr/holdfast/internal/rdb"
)

func TestRealCluster(t *testing.T) {
	nodes := cluster(t, 3)
	for i := range 300 {
		name := fmt.Sprintf("key:%d", i)
		if err := nodes.client.Set(t.Context(), name, i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	at := Endpoint{Addresses: []string{nodes.addresses[1]}}
	for _, o := range []Options{{}, {ForksPerHost: -1}, {Forks: 2, ForksPerHost: -1}} {
		p, err := take(t, at, o)
		if err != nil {
			t.Fatal(err)
		}
		nodes.prove(t, p)
		var first, last time.Time
		for _, s := range p.results.Shards {
			if first.IsZero() || s.Taken.Before(first) {
				first = s.Taken
			}
			if s.Taken.After(last) {
				last = s.Taken
			}
		}
		if !p.results.Taken.Equal(first) || p.results.Skew != last.Sub(first) || p.results.Skew <= 0 {
			t.Errorf("taken %v, skew %v", p.results.Taken, p.results.Skew)
		}
	}

	// While a slot moves there is no snapshot.
	other := run(t, nodes.clients[2], "cluster", "myid")
	run(t, nodes.clients[0], "cluster", "setslot", "77", "migrating", other)
	if _, err := take(t, at, Options{}); ReasonOf(err) != Moving || !strings.Contains(err.Error(), "77") {
		t.Error(err)
	}
	run(t, nodes.clients[0], "cluster", "setslot", "77", "stable")

	// And none if one has moved until it is done.
	_, err := Take(t.Context(), at, func(_ context.Context, i int, _ Shard) (Target, error) {
		if i == 0 {
			for _, c := range nodes.clients {
				run(t, c, "cluster", "setslot", "16383", "node", run(t, nodes.clients[0], "cluster", "myid"))
			}
			run(t, nodes.clients[0], "cluster", "bumpepoch")
		}
		return Target{To: io.Discard}, nil
	}, Options{})
	if ReasonOf(err) != Moving {
		t.Error(err)
	}

	run(t, nodes.clients[1], "cluster", "delslots", "6000")
	if _, err := take(t, at, Options{}); ReasonOf(err) != Moving || !strings.Contains(err.Error(), "slot 6000") {
		t.Error(err)
	}
}

type testCluster struct {
	addresses []string
	clients   []*redis.Client
	client    *redis.ClusterClient
}

// prove holds the files of all shards against those whose data they are.
func (n testCluster) prove(t *testing.T, p taken) {
	t.Helper()
	if len(p.files) != len(n.addresses) {
		t.Fatalf("%d shards", len(p.files))
	}
	keys := uint64(0)
	for i, f := range p.files {
		if p.results.Shards[i].Address != n.addresses[i] || len(p.results.Shards[i].Slots) != 1 {
			t.Errorf("shard %d is at %s with %v", i, p.results.Shards[i].Address, p.results.Shards[i].Slots)
		}
		report, err := rdb.Verify(t.Context(), f, rdb.Options{Level: rdb.Shallow})
		if err != nil {
			t.Fatal(err)
		}
		keys += report.Keys
	}
	if keys != 300 {
		t.Errorf("%d keys", keys)
	}
}

// cluster makes one of primaries.
func cluster(t *testing.T, n int) testCluster {
	t.Helper()
	var out testCluster
	for range n {
		out.addresses = append(out.addresses, server(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(port(t))))
	}
	for i, a := range out.addresses {
		c := client(t, a)
		out.clients = append(out.clients, c)
		run(t, c, "cluster", "addslotsrange", i*slotCount/n, (i+1)*slotCount/n-1)
		run(t, c, "cluster", "set-config-epoch", i+1)
		if i == 0 {
			continue
		}
		host, p, _ := net.SplitHostPort(out.addresses[0])
		run(t, c, "cluster", "meet", host, p, run(t, out.clients[0], "config", "get", "cluster-port")[len("[cluster-port "):len(run(t, out.clients[0], "config", "get", "cluster-port"))-1])
	}
	for _, c := range out.clients {
		eventually(t, func() bool {
			info := run(t, c, "cluster", "info")
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", n))
		})
	}
	out.client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: out.addresses, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { out.client.Close() })
	return out
}

func port(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestRealFuzzyCluster(t *testing.T) {
	nodes := cluster(t, 2)
	for i := range 300 {
		if err := nodes.client.Set(t.Context(), fmt.Sprintf("key:%d", i), i, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range nodes.clients {
		run(t, c, "acl", "setuser", "default", "-psync", "-sync")
	}
	p, err := take(t, Endpoint{Addresses: nodes.addresses}, Options{AllowFuzzy: true})
	if err != nil {
		t.Fatal(err)
	}
	nodes.prove(t, p)
	if !p.results.Fuzzy || !slices.ContainsFunc(p.results.Shards, func(s ShardResult) bool { return s.Fuzzy }) {
		t.Errorf("%+v", p.results)
	}
}

// A slot that is on its way is known to its primary only, also where a replica is the source.
func TestMovingIsSeenBehindReplicas(t *testing.T) {
	line := "a a:1@2 %smaster - 0 0 1 connected 0-16383%s\nc c:1@2 %sslave a 0 0 1 connected\n"
	servers := map[string]*primary{}
	for address, c := range map[string][2]string{
		"a:1": {"role:master\r\ncluster_enabled:1", fmt.Sprintf(line, "myself,", " [7->-b]", "")},
		"c:1": {"role:slave\r\nmaster_link_status:up\r\ncluster_enabled:1", fmt.Sprintf(line, "", "", "myself,")},
	} {
		p := newPrimary(byMark(sample()))
		p.replies["INFO"], p.replies["CLUSTER NODES"] = bulk(c[0]), bulk(c[1])
		servers[address] = p
	}
	at := Endpoint{Addresses: []string{"c:1"}, PreferReplica: true, Dial: dialer(t, servers)}
	if _, err := take(t, at, Options{}); ReasonOf(err) != Moving || !strings.Contains(err.Error(), "[7]") {
		t.Error(err)
	}
	servers["a:1"].replies["CLUSTER NODES"] = bulk(fmt.Sprintf(line, "myself,", "", ""))
	p, err := take(t, at, Options{})
	if err != nil || p.results.Shards[0].Address != "c:1" || !p.results.Shards[0].Replica {
		t.Error(p.results, err)
	}
}
