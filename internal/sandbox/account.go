package sandbox

import (
	"fmt"
	"slices"
)

// place is one Region of one account, where most resources live.
type place struct{ account, region string }

// account is what is known of one AWS account.
type account struct {
	id string
	// roles holds the roles that exist; empty means that every name does.
	roles []string
	// denied holds the actions that no one in the account may do, such as
	// "rds:DeleteDBSnapshot" or "rds:*".
	denied []string
	quotas map[quotaKey]int
}

type quotaKey struct {
	region string
	quota  Quota
}

// Quota names a service quota.
type Quota string

// The quotas that are simulated, with the defaults of the Amazon RDS User Guide,
// "Quotas and constraints for Amazon RDS".
const (
	// QuotaManualSnapshots: manual DB instance snapshots per Region (L-272F1212).
	QuotaManualSnapshots Quota = "manual-snapshots"
	// QuotaInstances: DB instances per Region (L-7B6409FD).
	QuotaInstances Quota = "db-instances"
	// QuotaCopies: copies from other Regions in flight per destination Region.
	QuotaCopies Quota = "snapshot-copies"
	// QuotaSharedAccounts: accounts that one manual snapshot is shared with.
	QuotaSharedAccounts Quota = "shared-accounts"
	// QuotaManualDBClusterSnapshots: manual DB cluster snapshots per Region (L-9B510759).
	QuotaManualDBClusterSnapshots Quota = "manual-cluster-snapshots"
	// QuotaDBClusters: DB clusters per Region (L-952B80B8).
	QuotaDBClusters Quota = "db-clusters"
	// QuotaDBClusterCopies: copies of cluster snapshots from other Regions in flight
	// per destination Region.
	QuotaDBClusterCopies Quota = "cluster-snapshot-copies"
	// QuotaEBSSnapshots: EBS snapshots per Region (L-309BACF6).
	QuotaEBSSnapshots Quota = "ebs-snapshots"
	// QuotaEBSCopies: copies of EBS snapshots in flight per destination Region.
	QuotaEBSCopies Quota = "ebs-snapshot-copies"
	// QuotaCacheSnapshots: manual snapshots per node of ElastiCache in 24 hours.
	QuotaCacheSnapshots Quota = "cache-snapshots-per-node"
	// QuotaServerlessCacheSnapshots: snapshots per serverless cache in 24 hours.
	QuotaServerlessCacheSnapshots Quota = "serverless-cache-snapshots"
)

func defaultQuota(q Quota) (int, bool) {
	switch q {
	case QuotaManualSnapshots, QuotaManualDBClusterSnapshots:
		return 100, true
	case QuotaDBClusterCopies:
		return 5, true
	case QuotaInstances, QuotaDBClusters:
		return 40, true
	case QuotaCopies, QuotaSharedAccounts, QuotaEBSCopies, QuotaClusterSnapshots, QuotaServerlessSnapshots:
		return 20, true
	case QuotaCacheSnapshots:
		return manualSnapshotsPerNode, true
	case QuotaServerlessCacheSnapshots:
		return serverlessSnapshotsPerDay, true
	case QuotaClusterNodes:
		return defaultClusterNodes, true
	case QuotaVolumeStorage:
		return defaultVolumeStorage, true
	case QuotaEBSSnapshots:
		return 100_000, true
	default:
		return 0, false
	}
}

// SetQuota changes a quota of an account in one Region.
func (a *AWS) SetQuota(account, region string, q Quota, n int) error {
	if _, ok := defaultQuota(q); !ok {
		return fmt.Errorf("set quota of %s in %s: there is no quota %q", account, region, q)
	}
	if !isAccountID(account) {
		return fmt.Errorf("set quota %s: %q is not an account id of 12 digits", q, account)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(account).quotas[quotaKey{region, q}] = n
	return nil
}

// SetDenied makes the actions forbidden to everyone in the account, instead of
// those that were before. "rds:*" stands for all of a service's actions.
func (a *AWS) SetDenied(account string, actions ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.account(account).denied = slices.Clone(actions)
}

// account gives the account with this id and makes it if need be.
func (a *AWS) account(id string) *account {
	got, ok := a.accounts[id]
	if !ok {
		got = &account{id: id, quotas: map[quotaKey]int{}}
		a.accounts[id] = got
	}
	return got
}

func (a *AWS) quota(p place, q Quota) int {
	if n, ok := a.account(p.account).quotas[quotaKey{p.region, q}]; ok {
		return n
	}
	n, _ := defaultQuota(q)
	return n
}

// denies reports whether the account forbids an action.
func (acc *account) denies(service, action string) bool {
	return slices.Contains(acc.denied, service+":"+action) || slices.Contains(acc.denied, service+":*")
}

func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
