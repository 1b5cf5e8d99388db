package replica

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Point is one recovery point: the snapshots of all shards.
type Point struct {
	Shards []ShardResult
	// Taken is the moment of the oldest of them, and Skew how much later the youngest is:
	// a cluster has no moment that is the same for all.
	Taken time.Time
	Skew  time.Duration
	// Fuzzy says that one of them is.
	Fuzzy bool
}

// ShardResult is the snapshot of one shard.
type ShardResult struct {
	Slots []Slots
	Result
}

// Take takes the snapshots of all shards, at once as far as forks are allowed. open tells
// where each goes, by its place in the order of slots; it is called by several goroutines.
// Either all are there, and not torn by slots that moved meanwhile, or there is an error.
func Take(ctx context.Context, at Endpoint, open func(context.Context, int, Shard) (Target, error), o Options) (Point, error) {
	o = o.withDefaults()
	var t Topology
	err := patiently(ctx, o.Retry, func(ctx context.Context) (err error) {
		t, err = Discover(ctx, at)
		return err
	})
	if err != nil {
		return Point{}, err
	}
	if len(t.Moving) > 0 {
		return Point{}, torn(at, fmt.Sprintf("slots are being moved from node to node: %v", few(t.Moving)))
	}
	point := Point{Shards: make([]ShardResult, len(t.Shards))}
	forks := newForks(o, len(t.Shards))
	group, each := errgroup.WithContext(ctx)
	for i, s := range t.Shards {
		group.Go(func() error {
			to, err := open(each, i, s)
			if err != nil {
				return fmt.Errorf("opening what takes the snapshot of shard %d: %w", i, err)
			}
			r, err := at.takeShard(each, s, to, o, forks)
			point.Shards[i] = ShardResult{Slots: s.Slots, Result: r}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return point, err
	}
	if err := at.sameSlots(ctx, t); err != nil {
		return point, err
	}
	point.state()
	return point, nil
}

// state tells of the whole what is known of the parts.
func (p *Point) state() {
	byTaken := func(a, b ShardResult) int { return a.Taken.Compare(b.Taken) }
	p.Taken = slices.MinFunc(p.Shards, byTaken).Taken
	p.Skew = slices.MaxFunc(p.Shards, byTaken).Taken.Sub(p.Taken)
	p.Fuzzy = slices.ContainsFunc(p.Shards, func(s ShardResult) bool { return s.Fuzzy })
}

// takeShard takes one, in its turn.
func (e Endpoint) takeShard(ctx context.Context, s Shard, to Target, o Options, forks *forks) (Result, error) {
	from := s.Source(e.PreferReplica)
	from.Address = withPort(from.Address, serverPort)
	free, err := forks.take(ctx, host(from.Address))
	if err != nil {
		return Result{Address: from.Address}, err
	}
	defer free()
	d := &dump{at: e, node: from, to: to, o: o, received: free}
	if e.anyManaged() { // A cluster's nodes may be known by their numbers only.
		err = e.unmanaged(ctx, e.Addresses[0])
	}
	r := Result{Address: from.Address}
	if err == nil {
		r, err = d.run(ctx)
	}
	if o.AllowFuzzy && Refuses(err) {
		free() // It needs no fork.
		return Fuzzy(ctx, e, from, to, o)
	}
	return r, err
}

func (e Endpoint) anyManaged() bool { return slices.ContainsFunc(e.Addresses, managed) }

// sameSlots proves that no slot moved since: a key that moves could be in both files, or
// in none.
func (e Endpoint) sameSlots(ctx context.Context, before Topology) error {
	if !before.Cluster {
		return nil
	}
	after, err := Discover(ctx, e)
	if err != nil {
		return fmt.Errorf("looking whether slots have moved: %w", err)
	}
	if len(after.Moving) > 0 || after.layout() != before.layout() {
		return torn(e, "slots moved from node to node while the snapshot was taken")
	}
	return nil
}

func torn(e Endpoint, what string) error {
	return &Error{
		Reason: Moving, Address: cmp.Or(e.Addresses...), Doing: "taking a snapshot of the cluster", What: what,
		Remedy: "keys that move could be missing: take it again when that is done (redis-cli --cluster check)",
	}
}

// few gives the first of many.
func few(all []int) []int { return all[:min(len(all), 8)] }

// forks lets only so many fork at once, and only so many on one host.
type forks struct {
	all     chan struct{}
	perHost int
	mu      sync.Mutex
	hosts   map[string]chan struct{}
}

func newForks(o Options, shards int) *forks {
	return &forks{all: make(chan struct{}, max(or(o.Forks, shards), 1)), perHost: o.ForksPerHost, hosts: map[string]chan struct{}{}}
}

// take waits for its turn; free ends it, and may be called more than once.
func (f *forks) take(ctx context.Context, host string) (free func(), err error) {
	queues := []chan struct{}{f.all}
	if f.perHost > 0 {
		// Who waits for its host does not keep others from theirs.
		queues = []chan struct{}{f.host(host), f.all}
	}
	var held []chan struct{}
	free = sync.OnceFunc(func() {
		for _, q := range held {
			<-q
		}
	})
	for _, q := range queues {
		select {
		case q <- struct{}{}:
			held = append(held, q)
		case <-ctx.Done():
			free()
			return nil, context.Cause(ctx)
		}
	}
	return free, nil
}

func (f *forks) host(name string) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := f.hosts[name]
	if q == nil {
		q = make(chan struct{}, f.perHost)
		f.hosts[name] = q
	}
	return q
}
