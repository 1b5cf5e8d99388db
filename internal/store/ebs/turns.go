package ebs

import (
	"context"
	"sync"
)

// turns lets one piece of work for each key go on at a time. Between the look
// whether a snapshot is there and the call that makes it, nobody else in this
// process may do the same; others are found, and retired, by later runs.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // Closed when the turn ends.
}

// take waits for a turn.
func (t *turns) take(ctx context.Context, key string) (end func(), err error) {
	for {
		t.mu.Lock()
		before, busy := t.taken[key]
		if !busy {
			if t.taken == nil {
				t.taken = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			t.taken[key] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.taken, key)
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
