package turns

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Work for one key goes on one after the other, and for two keys side by side.
func TestTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		var wg sync.WaitGroup
		begun, busy := time.Now(), map[string]bool{}
		var mu sync.Mutex
		for _, key := range []string{"a", "a", "a", "b"} {
			wg.Go(func() {
				end, err := turns.Take(t.Context(), key)
				if err != nil {
					t.Error(err)
					return
				}
				defer end()
				mu.Lock()
				if busy[key] {
					t.Errorf("two are at work for %s", key)
				}
				busy[key] = true
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				busy[key] = false
				mu.Unlock()
			})
		}
		wg.Wait()
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("it took %v, want 3s", took)
		}
	})
}

// Who is told to stop waits no longer, and does not get in the way of others.
func TestTakeStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		end, err := turns.Take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := turns.Take(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		end()
		end, err = turns.Take(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		end()
	})
}
