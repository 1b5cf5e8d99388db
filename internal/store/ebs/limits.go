package ebs

import "github.com/holdfast-dr/holdfast/internal/store"

// Limits lists the quotas that the driver minds (Amazon EBS User Guide, "Quotas for
// Amazon EBS": snapshots per Region). The one of concurrent copies into a Region is
// not among them: nothing that AWS publishes gives its code, and it is not to be
// changed in Service Quotas. Routing states it.
func (*Driver) Limits() []store.Limit {
	return []store.Limit{{Service: "ebs", Code: "L-309BACF6", Default: 100_000}}
}
