package rds

import "github.com/holdfast-dr/holdfast/internal/store"

// Limits lists the quotas that the driver minds (AWS General Reference, "Amazon RDS
// endpoints and quotas": manual DB instance snapshots).
func (*Driver) Limits() []store.Limit {
	return []store.Limit{{Service: "rds", Code: "L-272F1212", Default: 100}}
}
