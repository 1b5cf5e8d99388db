package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// SetDBInstanceStatus puts a database into a status, such as "stopped", "failed"
// or "storage-full", where it stays until a call or this function changes it.
func (a *AWS) SetDBInstanceStatus(account, region, name, status string) error {
	return a.onInstance(account, region, name, "set its status", func(d *dbInstance, now time.Time) error {
		if status == "" {
			return errors.New("no status given")
		}
		d.status.set(now, status)
		return nil
	})
}

// FailNextDBSnapshots makes the next n snapshots of a database end as "failed".
func (a *AWS) FailNextDBSnapshots(account, region, name string, n int) error {
	return a.onInstance(account, region, name, "make snapshots fail", func(d *dbInstance, _ time.Time) error {
		d.failNext = n
		return nil
	})
}

func (a *AWS) onInstance(account, region, name, what string, do func(*dbInstance, time.Time) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	d, ok := a.rds.region(place{account, region}).instance(name, now)
	if !ok {
		return fmt.Errorf("database %s in %s of %s: %s: there is no such database", name, region, account, what)
	}
	if err := do(d, now); err != nil {
		return fmt.Errorf("database %s in %s of %s: %s: %w", name, region, account, what, err)
	}
	return nil
}

// PutDBInstance makes a database exist, as a seed does.
func (a *AWS) PutDBInstance(account, region, name string, db SeedDatabase) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {Databases: map[string]SeedDatabase{name: db}},
	}}}})
}

// PutDBSnapshot makes a snapshot exist, with any age, status and type, as a seed
// does. Quotas do not stop it.
func (a *AWS) PutDBSnapshot(account, region string, s SeedSnapshot) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {Snapshots: []SeedSnapshot{s}},
	}}}})
}
