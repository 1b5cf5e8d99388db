package store

import "github.com/holdfast-dr/holdfast/internal/dr"

// Filed is a Driver whose snapshots are files that are kept in vaults. Its sites are
// vaults, and no others; what it protects is shown at the vault in which its snapshots
// are kept.
type Filed interface {
	// Filed is never called.
	Filed()
}

// Lives reports whether stores of the kind can be at a site at all: those whose snapshots
// are files in vaults, and all others in accounts of AWS.
func (s *Store) Lives(site dr.Site) bool {
	_, filed := s.drv.(Filed)
	return filed == (site.Vault != "")
}
