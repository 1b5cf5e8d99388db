package store

import "github.com/holdfast-dr/holdfast/internal/plan"

// Copier is a Driver whose snapshots can get to other sites.
type Copier interface {
	// Routing says how, from which all routes follow. It is the same for all sites.
	Routing() plan.Routing
}

// Routing says how snapshots get to other sites, and whether they can at all.
func (s *Store) Routing() (plan.Routing, bool) {
	c, ok := s.drv.(Copier)
	if !ok {
		return plan.Routing{}, false
	}
	return c.Routing(), true
}
