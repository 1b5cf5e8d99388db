package ebs

import (
	"context"
	"maps"
	"sync"
	"time"
)

// turns lets one piece of work for each key go on at a time. Between the look
// whether a snapshot is there and the call that makes it, nobody else in this
// process may do the same; others are found, and retired, by later runs.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // Closed when the turn ends.
	// ended is when the last turn of each key ended, for as long as a look from
	// before that may be used.
	ended map[string]time.Time
}

// take waits for a turn, and tells when the one before it ended: zero where there
// was none, or none that matters any longer.
func (t *turns) take(ctx context.Context, key string) (before time.Time, end func(), err error) {
	for {
		t.mu.Lock()
		other, busy := t.taken[key]
		if !busy {
			if t.taken == nil {
				t.taken, t.ended = map[string]chan struct{}{}, map[string]time.Time{}
			}
			mine := make(chan struct{})
			t.taken[key] = mine
			before = t.ended[key]
			t.mu.Unlock()
			return before, func() { t.end(key, mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return time.Time{}, nil, ctx.Err()
		}
	}
}

func (t *turns) end(key string, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(t.ended, func(_ string, when time.Time) bool { return now.Sub(when) > lookLasts })
	t.ended[key] = now
	delete(t.taken, key)
	close(mine)
}
