package redshift

import "github.com/holdfast-dr/holdfast/internal/store"

// Limits lists the quotas that the driver minds: manual cluster snapshots, which
// Service Quotas calls "Snapshots". Those of namespaces do not count.
func (*Driver) Limits() []store.Limit {
	return []store.Limit{{Service: "redshift", Code: "L-2E428669", Default: DefaultQuota}}
}
