// Package account looks at what an account has besides its stores and that copies
// depend on: its KMS keys and its quotas. What it may not look at it says so, and
// nobody waits for it: a plan is made without.
package account

import (
	"sync"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Reader reads keys and quotas. It may be used from several goroutines at once.
type Reader struct {
	sessions store.Sessions
	// limits are the quotas that the stores mind.
	limits []Limit

	mu     sync.Mutex
	quotas map[string]readQuotas // by the site's name
}

// Limit is a quota of Service Quotas that a kind of store minds.
type Limit struct {
	Kind dr.Kind
	store.Limit
}

// New makes a reader that reaches sites through sessions.
func New(sessions store.Sessions, limits []Limit) *Reader {
	return &Reader{sessions: sessions, limits: limits, quotas: map[string]readQuotas{}}
}
