package replica

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// The names of programs.
const (
	programRedis  = "Redis"
	programValkey = "Valkey"
)

// Node is a server, and what it tells of itself. Only the address has to be there.
type Node struct {
	Address string
	Server  Server
	Replica bool
	// LinkUp says of a replica that it hears its primary.
	LinkUp  bool
	Loading bool
	// UsedMemory is what it needs for its data, in bytes; Keys is how many it has in each
	// database.
	UsedMemory int64
	Keys       map[int]uint64
	// ReplicationID and Offset say where in its history it is.
	ReplicationID string
	Offset        int64
	// Info is all that INFO told.
	Info map[string]string
	// Err is why it could not be asked.
	Err error

	clustered bool          // whether it is in one
	replicas  []string      // the addresses of those that it has
	secretive bool          // it does not tell who asks
	ahead     time.Duration // its clock's lead over ours
	clocked   bool          // whether that is known
}

// Shard is a primary with its replicas, and the slots of a cluster that they hold.
type Shard struct {
	Slots []Slots
	// Primary has no address where only replicas were given, or answered.
	Primary  Node
	Replicas []Node
}

// Source is the server to take a snapshot from: the primary, unless a replica is preferred
// and there is one whose link is up. Of several it is the one that has come furthest.
func (s Shard) Source(preferReplica bool) Node {
	fit := slices.DeleteFunc(slices.Clone(s.Replicas), func(n Node) bool { return n.Err != nil || !n.LinkUp || n.Loading })
	usable := s.Primary.Address != "" && s.Primary.Err == nil
	switch {
	case len(fit) > 0 && (preferReplica || !usable):
		return slices.MaxFunc(fit, func(a, b Node) int { return int(max(min(a.Offset-b.Offset, 1), -1)) })
	case s.Primary.Address == "" && len(s.Replicas) > 0:
		return s.Replicas[0]
	}
	return s.Primary
}

// Topology is what is behind an endpoint. What is not a cluster is one shard.
type Topology struct {
	Cluster bool
	Shards  []Shard
	// Moving are slots that are just being moved from one shard to another.
	Moving []int
}

// Discover tells what is behind an endpoint. A server that may not be asked for INFO is
// taken for one that stands alone.
func Discover(ctx context.Context, at Endpoint) (Topology, error) {
	if at.Sentinel != "" {
		return at.discoverWatched(ctx)
	}
	var nodes []Node
	var errs []error
	for _, address := range at.Addresses {
		n := at.look(ctx, withPort(address, serverPort))
		if n.Err != nil {
			errs = append(errs, n.Err)
			continue
		}
		if n.clustered || at.Cluster {
			t, err := at.discoverCluster(ctx, n)
			if err == nil {
				return t, nil
			}
			errs = append(errs, err)
			continue
		}
		nodes = append(nodes, n)
		if !n.Replica && !at.PreferReplica {
			break
		}
	}
	if len(nodes) == 0 {
		if len(at.Addresses) == 0 {
			errs = append(errs, errors.New("replica: the endpoint has no address; give one"))
		}
		return Topology{}, errors.Join(errs...)
	}
	return Topology{Shards: []Shard{at.group(ctx, nodes)}}, nil
}

// group makes a shard of servers that belong together, with the replicas that the primary
// knows of beside those.
func (e Endpoint) group(ctx context.Context, nodes []Node) Shard {
	var s Shard
	for _, n := range nodes {
		if n.Replica {
			s.Replicas = append(s.Replicas, n)
		} else if s.Primary.Address == "" {
			s.Primary = n
		}
	}
	if !e.PreferReplica {
		return s
	}
	for _, address := range s.Primary.replicas {
		if slices.ContainsFunc(nodes, func(n Node) bool { return n.Address == address }) {
			continue
		}
		if n := e.look(ctx, address); n.Err == nil && n.Replica {
			s.Replicas = append(s.Replicas, n)
		}
	}
	return s
}

// look asks a server what it is. What goes wrong stands in the node.
func (e Endpoint) look(ctx context.Context, address string) Node {
	n := Node{Address: address}
	c, err := e.servers().connect(ctx, address)
	if err != nil {
		n.Err = err
		return n
	}
	defer c.Close()
	n.Err = n.inspect(c)
	if ReasonOf(n.Err) == Denied {
		n.Err, n.secretive = nil, true
	}
	return n
}

// atOnce is how many servers are asked at the same time.
const atOnce = 16

// lookAtAll asks several servers, some at a time.
func (e Endpoint) lookAtAll(ctx context.Context, nodes []*Node) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, n := range nodes {
		if n.Err != nil { // Its fellows have given it up, whether we reach it or not.
			continue
		}
		group.Go(func() error {
			*n = e.look(ctx, n.Address)
			return nil
		})
	}
	_ = group.Wait() // None returns an error: each node has its own.
}

// inspect asks for INFO.
func (n *Node) inspect(c *conn) error {
	asked := time.Now()
	r, err := c.do("INFO")
	if err != nil {
		n.secretive = ReasonOf(err) == Denied
		return err
	}
	n.learn(infoFields(r.text), asked.Add(time.Since(asked)/2))
	return nil
}

func infoFields(text string) map[string]string {
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// learn takes from INFO what is of use; now is when that was written, by our clock.
func (n *Node) learn(info map[string]string, now time.Time) {
	n.Info = info
	n.Server = Server{Program: programRedis, Version: info["redis_version"]}
	if v := info["valkey_version"]; v != "" {
		n.Server = Server{Program: programValkey, Version: v}
	}
	n.Replica = info["role"] == "slave"
	n.LinkUp = info["master_link_status"] == "up"
	n.Loading = info["loading"] == "1"
	n.clustered = info["cluster_enabled"] == "1"
	n.ReplicationID = info["master_replid"]
	n.UsedMemory = number(info["used_memory"])
	n.Offset = number(info["master_repl_offset"])
	if n.Replica && info["slave_repl_offset"] != "" {
		n.Offset = number(info["slave_repl_offset"])
	}
	if us := number(info["server_time_usec"]); us > 0 {
		n.ahead, n.clocked = time.UnixMicro(us).Sub(now), true
	}
	n.Keys = map[int]uint64{}
	n.replicas = nil
	for name, value := range info {
		of := pairs(value)
		if db, err := strconv.Atoi(strings.TrimPrefix(name, "db")); err == nil && strings.HasPrefix(name, "db") {
			n.Keys[db] = uint64(max(number(of["keys"]), 0))
		}
		if _, err := strconv.Atoi(strings.TrimPrefix(name, "slave")); err == nil && of["ip"] != "" {
			n.replicas = append(n.replicas, net.JoinHostPort(of["ip"], of["port"]))
		}
	}
	slices.Sort(n.replicas)
}

// pairs reads "a=1,b=2".
func pairs(s string) map[string]string {
	m := map[string]string{}
	for part := range strings.SplitSeq(s, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			m[name] = value
		}
	}
	return m
}

// number reads a number; what is none counts as 0.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
