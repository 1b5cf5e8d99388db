package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SeedKey is a KMS key of a customer. In a seed file its name alone will do.
type SeedKey struct {
	// Name is an alias or a key id.
	Name string `yaml:"name"`
	// State is enabled, the default, or disabled.
	State string `yaml:"state"`
	// DeletedIn schedules the key's deletion; 7d to 30d.
	DeletedIn Age `yaml:"deleted-in"`
	// Accounts may use the key too, by the policy that the console writes for them.
	// Policy is the key's policy in full, as JSON.
	Accounts []string          `yaml:"accounts"`
	Policy   string            `yaml:"policy"`
	Tags     map[string]string `yaml:"tags"`
}

// UnmarshalYAML reads a key, or the name of one.
func (s *SeedKey) UnmarshalYAML(read func(any) error) error {
	if read(&s.Name) == nil {
		return nil
	}
	type plain SeedKey
	return read((*plain)(s))
}

func (s SeedKey) check() error {
	switch {
	case managedAlias(s.Name):
		return fmt.Errorf("%s is a key that AWS manages, which is there without being declared", s.Name)
	case !keyPattern.MatchString(s.Name) && !aliasPattern.MatchString(s.Name):
		return fmt.Errorf("%q is neither an alias such as alias/holdfast nor a key id", s.Name)
	case !slices.Contains([]string{"", "enabled", "disabled"}, s.State):
		return fmt.Errorf("state: %q is none of enabled, disabled", s.State)
	case s.State != "" && s.DeletedIn != 0:
		return errors.New("a key to be deleted has no other state")
	case s.Policy != "" && len(s.Accounts) > 0:
		return errors.New("accounts and policy both say who may use the key: give one of them")
	}
	if s.DeletedIn != 0 {
		if err := checkDeletion(time.Duration(s.DeletedIn)); err != nil {
			return fmt.Errorf("deleted-in: %w", err)
		}
	}
	for _, account := range s.Accounts {
		if !isAccountID(account) {
			return fmt.Errorf("accounts: %q is not an account id of 12 digits", account)
		}
	}
	return nil
}

func checkDeletion(in time.Duration) error {
	const day = 24 * time.Hour
	if in < 7*day || in > 30*day || in%day != 0 {
		return fmt.Errorf("%s is not from 7 to 30 whole days", in)
	}
	return nil
}

// whileSeeding has keys come into being by being named, until what it gives is
// called.
func (k *keyring) whileSeeding() (end func()) {
	k.seeding = true
	return func() { k.seeding = false }
}

// declare makes customer keys exist in a Region, and only them.
func (k *keyring) declare(p place, keys []SeedKey, now time.Time) error {
	for _, in := range keys {
		if err := k.seedKey(p, in, now); err != nil {
			return fmt.Errorf("KMS key %s: %w", in.Name, plain(err))
		}
	}
	return nil
}

func (k *keyring) seedKey(p place, in SeedKey, now time.Time) error {
	g := k.region(p)
	g.declared = true
	key, ok := k.find(p, in.Name, now)
	if !ok {
		key = g.add(in.Name, now)
	}
	switch {
	case in.Policy != "":
		policy, err := k.readPolicy(key, in.Policy)
		if err != nil {
			return err
		}
		key.policy.set(now, policy)
	case len(in.Accounts) > 0:
		key.policy.set(now, sharedPolicy(p.account, in.Accounts))
	}
	if len(in.Tags) > 0 {
		key.tags.set(now, tagSet{}.with(in.Tags))
	}
	switch {
	case in.DeletedIn != 0:
		key.scheduleDeletion(now, now.Add(time.Duration(in.DeletedIn)))
	case in.State != "":
		key.state.set(now, map[string]string{"enabled": keyEnabled, "disabled": keyDisabled}[strings.ToLower(in.State)])
	}
	return nil
}
