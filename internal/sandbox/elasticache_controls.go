package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// SetCacheStatus puts a cache into a status, such as "modifying" or
// "create-failed", where it stays until a call or this function changes it. form
// is that of a SeedCache.
func (a *AWS) SetCacheStatus(account, region, form, name, status string) error {
	return a.onCache(account, region, form, name, "set its status", func(c *cache, now time.Time) error {
		if status == "" {
			return errors.New("no status given")
		}
		c.status.set(now, status)
		return nil
	})
}

// FailNextCacheSnapshots makes the next n snapshots of a cache end as "failed".
func (a *AWS) FailNextCacheSnapshots(account, region, form, name string, n int) error {
	return a.onCache(account, region, form, name, "make snapshots fail", func(c *cache, _ time.Time) error {
		c.failNext = n
		return nil
	})
}

func (a *AWS) onCache(account, region, form, name, what string, do func(*cache, time.Time) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	kind, err := seedForm(form)
	if err != nil {
		return err
	}
	c, ok := a.elasticache.region(place{account, region}).cache(kind, name, now)
	if !ok {
		return fmt.Errorf("cache %s in %s of %s: %s: there is no such cache", name, region, account, what)
	}
	if err := do(c, now); err != nil {
		return fmt.Errorf("cache %s in %s of %s: %s: %w", name, region, account, what, err)
	}
	return nil
}

// PutCache makes a cache exist, as a seed does.
func (a *AWS) PutCache(account, region, name string, c SeedCache) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {Caches: map[string]SeedCache{name: c}},
	}}}})
}

// PutCacheSnapshot makes a snapshot of a cache exist, with any age, status and
// type, as a seed does. Quotas do not stop it.
func (a *AWS) PutCacheSnapshot(account, region string, s SeedCacheSnapshot) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {CacheSnapshots: []SeedCacheSnapshot{s}},
	}}}})
}

// CacheSnapshotTags gives the tags of a snapshot of nodes or, of a serverless
// cache, whatever its status.
func (a *AWS) CacheSnapshotTags(account, region, name string, serverless bool) (map[string]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	snap, ok := a.elasticache.region(place{account, region}).snapshot(serverless, name, now)
	if !ok {
		return nil, fmt.Errorf("snapshot %s in %s of %s: there is no such snapshot", name, region, account)
	}
	return snap.tags.get(now).with(nil), nil
}
