// Package turns lets those who change the same thing in several calls do so one
// after the other, within one process.
package turns

import (
	"context"
	"sync"
)

// Turns lets one piece of work for each key go on at a time. The zero value is
// ready for use.
type Turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // Closed when the turn ends.
}

// Take waits for a turn, or until the context ends.
func (t *Turns) Take(ctx context.Context, key string) (end func(), err error) {
	for {
		before, mine := t.claim(key)
		if mine {
			return func() { t.end(key) }, nil
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// claim takes the turn if it is free, or gives what is closed when it may be.
func (t *Turns) claim(key string) (before <-chan struct{}, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, busy := t.taken[key]; busy {
		return before, false
	}
	if t.taken == nil {
		t.taken = map[string]chan struct{}{}
	}
	t.taken[key] = make(chan struct{})
	return nil, true
}

func (t *Turns) end(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.taken[key])
	delete(t.taken, key)
}
