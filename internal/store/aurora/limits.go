package aurora

import "github.com/holdfast-dr/holdfast/internal/store"

// Limits lists the quotas that the driver minds (AWS General Reference, "Amazon RDS
// endpoints and quotas": manual DB cluster snapshots).
func (*Driver) Limits() []store.Limit {
	return []store.Limit{{Service: "rds", Code: "L-9B510759", Default: 100}}
}
