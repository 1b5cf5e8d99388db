package sandbox

import (
	"fmt"
	"time"
)

// PutCluster makes a Redshift cluster exist, as a seed does.
func (a *AWS) PutCluster(account, region, name string, c SeedCluster) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {Clusters: map[string]SeedCluster{name: c}},
	}}}})
}

// PutClusterSnapshot makes a manual snapshot of a Redshift cluster exist, as a
// seed does. Quotas do not stop it.
func (a *AWS) PutClusterSnapshot(account, region string, s SeedClusterSnapshot) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {ClusterSnapshots: []SeedClusterSnapshot{s}},
	}}}})
}

// SetClusterStatus puts a Redshift cluster into a status, such as "paused" or
// "storage-full", where it stays until a call or this function changes it.
func (a *AWS) SetClusterStatus(account, region, name, status string) error {
	return a.onCluster(account, region, name, func(c *cluster, now time.Time) { c.status.set(now, status) })
}

// FailNextClusterSnapshots makes the next n manual snapshots of a cluster end as
// "failed".
func (a *AWS) FailNextClusterSnapshots(account, region, name string, n int) error {
	return a.onCluster(account, region, name, func(c *cluster, _ time.Time) { c.failNext = n })
}

// FailNextSnapshotCopies makes the next n copies of the snapshots of a cluster to
// another Region end as "failed".
func (a *AWS) FailNextSnapshotCopies(account, region, name string, n int) error {
	return a.onCluster(account, region, name, func(c *cluster, _ time.Time) { c.failCopies = n })
}

// CopyClusterTags makes the copies that Redshift makes in other Regions from now on
// carry the tags of their originals. AWS does not say whether they do.
func (a *AWS) CopyClusterTags(yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.redshift.copyTags = yes
}

// PutSnapshotCopyGrant makes a snapshot copy grant exist, as a seed does.
func (a *AWS) PutSnapshotCopyGrant(account, region, name, key string) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {CopyGrants: map[string]string{name: key}},
	}}}})
}

// PutLogBucket makes a bucket exist to which the clusters of a Region may log. Of
// buckets nothing else is simulated for Redshift.
func (a *AWS) PutLogBucket(region, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.redshift.buckets[name] = region
}

func (a *AWS) onCluster(account, region, name string, do func(*cluster, time.Time)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	c, ok := a.redshift.region(place{account, region}, now).cluster(name, now)
	if !ok {
		return fmt.Errorf("cluster %s in %s of %s: there is no such cluster", name, region, account)
	}
	do(c, now)
	return nil
}
