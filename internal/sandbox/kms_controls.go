package sandbox

import (
	"fmt"
	"time"
)

// PutKey makes a KMS key exist, or changes one that does, as a seed does, and gives
// its ARN. From then on the Region has no keys but declared ones.
func (a *AWS) PutKey(account, region string, key SeedKey) (string, error) {
	err := a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{region: {Keys: []SeedKey{key}}}}}})
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	got, _ := a.keys.find(place{account, region}, key.Name, a.now())
	return got.arn(), nil
}

// SetKeyEnabled disables a key of a customer, or enables it again, be it one whose
// deletion was scheduled. It goes by its id, ARN or alias.
func (a *AWS) SetKeyEnabled(account, region, name string, enabled bool) error {
	return a.onKey(account, region, name, "set its state", func(key *kmsKey, now time.Time) error {
		state := keyDisabled
		if enabled {
			state = keyEnabled
		}
		key.state.set(now, state)
		return nil
	})
}

// ScheduleKeyDeletion has a key deleted after a while, of 7 to 30 days, during which
// it cannot be used.
func (a *AWS) ScheduleKeyDeletion(account, region, name string, in time.Duration) error {
	return a.onKey(account, region, name, "schedule its deletion", func(key *kmsKey, now time.Time) error {
		if err := checkDeletion(in); err != nil {
			return err
		}
		key.scheduleDeletion(now, now.Add(in))
		return nil
	})
}

// SetKeyPolicy gives a key of a customer a policy, as JSON. It may lock everyone out.
func (a *AWS) SetKeyPolicy(account, region, name, policy string) error {
	return a.onKey(account, region, name, "set its policy", func(key *kmsKey, now time.Time) error {
		return plain(a.keys.setPolicy(key, policy, rootOf(account), true, now))
	})
}

func (a *AWS) onKey(account, region, name, what string, do func(*kmsKey, time.Time) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	key, ok := a.keys.find(place{account, region}, name, now)
	if !ok || key.service != "" || key.account != account {
		return fmt.Errorf("KMS key %s in %s of %s: %s: there is no such key of a customer", name, region, account, what)
	}
	if err := do(key, now); err != nil {
		return fmt.Errorf("KMS key %s in %s of %s: %s: %w", name, region, account, what, err)
	}
	return nil
}
