package replica

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Slots are some of a cluster's that lie beside each other.
type Slots struct{ First, Last int }

// slotCount is how many a cluster has.
const slotCount = 16384

// String gives them as Redis writes them.
func (s Slots) String() string {
	if s.First == s.Last {
		return strconv.Itoa(s.First)
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// discoverCluster asks a node for the others, and those for what they are.
func (e Endpoint) discoverCluster(ctx context.Context, n Node) (Topology, error) {
	t := Topology{Cluster: true}
	members, err := e.members(ctx, n.Address)
	if err != nil {
		return t, err
	}
	if t.Shards, err = shards(n.Address, members); err != nil {
		return t, err
	}
	var nodes []*Node
	for i := range t.Shards {
		nodes = append(nodes, &t.Shards[i].Primary)
		if !e.PreferReplica {
			continue
		}
		for j := range t.Shards[i].Replicas {
			nodes = append(nodes, &t.Shards[i].Replicas[j])
		}
	}
	e.lookAtAll(ctx, nodes)
	for _, s := range t.Shards {
		if source := s.Source(e.PreferReplica); source.Err != nil {
			return t, source.Err
		}
	}
	t.Moving, err = e.moving(ctx, t.Shards)
	return t, err
}

// moving gives the slots that are on their way. Only the primaries that give or take one
// know of that, each of its own.
func (e Endpoint) moving(ctx context.Context, shards []Shard) ([]int, error) {
	found := make([][]int, len(shards))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, s := range shards {
		if s.Primary.Err != nil { // A replica stands in for it.
			continue
		}
		group.Go(func() error {
			members, err := e.members(ctx, s.Primary.Address)
			for _, m := range members {
				found[i] = append(found[i], m.moving...)
			}
			return err
		})
	}
	err := group.Wait()
	all := slices.Concat(found...)
	slices.Sort(all)
	return slices.Compact(all), err
}

// member is a line of CLUSTER NODES.
type member struct {
	id, address, of string
	primary, lost   bool
	slots           []Slots
	moving          []int
}

// members asks a node whom it knows.
func (e Endpoint) members(ctx context.Context, address string) ([]member, error) {
	c, err := e.servers().connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	const doing = "CLUSTER NODES"
	if err := c.send([]string{"CLUSTER", "NODES"}); err != nil {
		return nil, err
	}
	r, err := c.receive(doing)
	if ReasonOf(err) == Strange && strings.Contains(err.Error(), "cluster support disabled") {
		return nil, &Error{
			Reason: Strange, Address: address, Doing: doing, What: "this is no cluster",
			Remedy: "leave out that it is one, or give the address of another",
		}
	}
	if err != nil {
		return nil, err
	}
	var out []member
	for line := range strings.Lines(r.text) {
		m, ok := parseMember(strings.Fields(line), host(address))
		if !ok {
			return nil, &Error{Reason: Strange, Address: address, Doing: doing, Said: line, What: "this line is none that is known", Remedy: "take a newer holdfast"}
		}
		out = append(out, m)
	}
	return out, nil
}

// parseMember reads a line: ID IP:PORT@BUS,NAME FLAGS PRIMARY PING PONG EPOCH LINK SLOT …
// (Redis documentation, "CLUSTER NODES"). A node that has not learnt its own address yet
// is at self.
func parseMember(f []string, self string) (member, bool) {
	if len(f) < 8 {
		return member{}, false
	}
	m := member{id: f[0], of: f[3]}
	where, names, _ := strings.Cut(f[1], ",")
	where, _, _ = strings.Cut(where, "@")
	at := strings.LastIndexByte(where, ':')
	if at < 0 {
		return m, false
	}
	ip, port := strings.Trim(where[:at], "[]"), where[at+1:]
	if name, _, _ := strings.Cut(names, ","); name != "" && !strings.Contains(name, "=") {
		ip = name // It stands there to be used instead (cluster-announce-hostname).
	}
	m.address = net.JoinHostPort(cmp.Or(ip, self), port)
	for flag := range strings.SplitSeq(f[2], ",") {
		m.primary = m.primary || flag == "master"
		m.lost = m.lost || flag == "fail" || flag == "noaddr" || flag == "handshake"
	}
	for _, s := range f[8:] {
		if moving, ok := strings.CutPrefix(s, "["); ok {
			slot, _, _ := strings.Cut(moving, "-")
			m.moving = append(m.moving, int(number(slot)))
			continue
		}
		first, last, two := strings.Cut(s, "-")
		if !two {
			last = first
		}
		a, errA := strconv.Atoi(first)
		b, errB := strconv.Atoi(last)
		if errA != nil || errB != nil || a < 0 || b < a || b >= slotCount {
			return m, false
		}
		m.slots = append(m.slots, Slots{a, b})
	}
	return m, true
}

// shards puts primaries that hold slots together with their replicas, in the order of
// their slots. Each slot has to have a home.
func shards(asked string, members []member) ([]Shard, error) {
	var out []Shard
	served := make([]bool, slotCount)
	for _, m := range members {
		if !m.primary || len(m.slots) == 0 {
			continue
		}
		s := Shard{Slots: m.slots, Primary: Node{Address: m.address}}
		if m.lost {
			s.Primary.Err = &Error{
				Reason: Unreachable, Address: m.address, Doing: "looking at the cluster", What: "its fellows have lost this primary",
				Remedy: "bring it back, or let a replica take over",
			}
		}
		for _, r := range members {
			if r.of == m.id && !r.lost {
				s.Replicas = append(s.Replicas, Node{Address: r.address, Replica: true})
			}
		}
		for _, span := range m.slots {
			for i := span.First; i <= span.Last; i++ {
				served[i] = true
			}
		}
		out = append(out, s)
	}
	if at := slices.Index(served, false); at >= 0 {
		return nil, &Error{
			Reason: Moving, Address: asked, Doing: "looking at the cluster", What: fmt.Sprintf("slot %d belongs to no node", at),
			Remedy: "a snapshot of it would not be whole: give the slots that are missing to a node (redis-cli --cluster check)",
		}
	}
	slices.SortFunc(out, func(a, b Shard) int { return cmp.Compare(a.Slots[0].First, b.Slots[0].First) })
	return out, nil
}

// layout tells which slots are together, whoever holds them.
func (t Topology) layout() string {
	var b strings.Builder
	for _, s := range t.Shards {
		for _, span := range s.Slots {
			b.WriteString(span.String() + " ")
		}
		b.WriteString("| ")
	}
	return b.String()
}
