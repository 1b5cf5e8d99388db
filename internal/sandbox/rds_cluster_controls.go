package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// SetDBClusterStatus puts a cluster into a status, such as "stopped" or
// "inaccessible-encryption-credentials", where it stays until a call or this
// function changes it.
func (a *AWS) SetDBClusterStatus(account, region, name, status string) error {
	return a.onDBCluster(account, region, name, "set its status", func(c *dbCluster, now time.Time) error {
		if status == "" {
			return errors.New("no status given")
		}
		c.status.set(now, status)
		return nil
	})
}

// FailNextDBClusterSnapshots makes the next n snapshots of a cluster end as "failed".
func (a *AWS) FailNextDBClusterSnapshots(account, region, name string, n int) error {
	return a.onDBCluster(account, region, name, "make snapshots fail", func(c *dbCluster, _ time.Time) error {
		c.failNext = n
		return nil
	})
}

func (a *AWS) onDBCluster(account, region, name, what string, do func(*dbCluster, time.Time) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	c, ok := a.rds.region(place{account, region}).cluster(name, now)
	if !ok {
		return fmt.Errorf("cluster %s in %s of %s: %s: there is no such cluster", name, region, account, what)
	}
	if err := do(c, now); err != nil {
		return fmt.Errorf("cluster %s in %s of %s: %s: %w", name, region, account, what, err)
	}
	return nil
}

// PutDBCluster makes a cluster exist, as a seed does.
func (a *AWS) PutDBCluster(account, region, name string, c SeedDBCluster) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {DBClusters: map[string]SeedDBCluster{name: c}},
	}}}})
}

// PutDBClusterSnapshot makes a snapshot of a cluster exist, with any age, status and
// type, as a seed does. Quotas do not stop it.
func (a *AWS) PutDBClusterSnapshot(account, region string, s SeedDBClusterSnapshot) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {DBClusterSnapshots: []SeedDBClusterSnapshot{s}},
	}}}})
}
