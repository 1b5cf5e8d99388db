package replica

import (
	"context"
	"errors"
	"net"
	"strings"
)

// discoverWatched asks Sentinels for a primary and its replicas.
func (e Endpoint) discoverWatched(ctx context.Context) (Topology, error) {
	var errs []error
	for _, address := range e.Addresses {
		nodes, err := e.askSentinel(ctx, withPort(address, sentinelPort))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		return Topology{Shards: []Shard{e.group(ctx, nodes)}}, nil
	}
	if len(errs) == 0 {
		errs = append(errs, errors.New("replica: no Sentinel has an address; give one"))
	}
	return Topology{}, errors.Join(errs...)
}

// askSentinel gives the primary, and the replicas if they are wanted.
func (e Endpoint) askSentinel(ctx context.Context, address string) ([]Node, error) {
	c, err := e.sentinels().connect(ctx, address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r, err := c.do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", e.Sentinel)
	if err != nil {
		return nil, err
	}
	const doing = "asking Sentinel for the primary"
	if r.null {
		return nil, &Error{
			Reason: Unreachable, Address: address, Doing: doing, What: "it watches none called " + e.Sentinel,
			Remedy: "check the name (SENTINEL MASTERS)",
		}
	}
	if len(r.list) != 2 {
		return nil, c.strange([]byte(r.text))
	}
	primary := e.look(ctx, net.JoinHostPort(r.list[0].text, r.list[1].text))
	switch {
	case primary.Err != nil:
		return nil, primary.Err
	case primary.Replica:
		return nil, &Error{
			Reason: Moving, Address: address, Doing: doing,
			What:   "the one that it names, " + primary.Address + ", is a replica",
			Remedy: "a failover may be under way: try again when it is done",
		}
	}
	nodes := []Node{primary}
	if !e.PreferReplica {
		return nodes, nil
	}
	replicas, err := e.watchedReplicas(c)
	if err != nil {
		return nil, err
	}
	for _, at := range replicas {
		if n := e.look(ctx, at); n.Err == nil && n.Replica {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

func (e Endpoint) watchedReplicas(c *conn) ([]string, error) {
	r, err := c.do("SENTINEL", "REPLICAS", e.Sentinel)
	if ReasonOf(err) == Refused { // Before Redis 5 it had another name.
		r, err = c.do("SENTINEL", "SLAVES", e.Sentinel)
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, item := range r.list {
		fields := map[string]string{}
		for i := 0; i+1 < len(item.list); i += 2 {
			fields[item.list[i].text] = item.list[i+1].text
		}
		if fields["ip"] != "" && !strings.Contains(fields["flags"], "down") && !strings.Contains(fields["flags"], "disconnected") {
			out = append(out, net.JoinHostPort(fields["ip"], fields["port"]))
		}
	}
	return out, nil
}
