package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// check says what is wrong with a seed by itself.
func (s Seed) check() error {
	for _, id := range slices.Sorted(maps.Keys(s.Accounts)) {
		if !isAccountID(id) {
			return at(fmt.Errorf("%q is not an account id of 12 digits", id), "accounts", id)
		}
		for _, name := range slices.Sorted(maps.Keys(s.Accounts[id].Zones)) {
			if err := s.Accounts[id].Zones[name].check(name); err != nil {
				return at(err, "accounts", id, "zones", name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.Accounts[id].Regions)) {
			if !regionPattern.MatchString(name) {
				return at(fmt.Errorf("%q is not a Region", name), "accounts", id, "regions", name)
			}
			if err := s.Accounts[id].Regions[name].check("accounts", id, "regions", name); err != nil {
				return err
			}
		}
	}
	for i, f := range s.Faults {
		if err := f.check(); err != nil {
			return at(err, "faults", fmt.Sprintf("[%d]", i))
		}
	}
	return nil
}

func (r SeedRegion) check(path ...string) error {
	in := func(more ...string) []string { return append(slices.Clone(path), more...) }
	for _, q := range slices.Sorted(maps.Keys(r.Quotas)) {
		if _, ok := defaultQuota(q); !ok {
			return at(fmt.Errorf("there is no quota %q", q), in("quotas", string(q))...)
		}
	}
	for i, key := range r.Keys {
		if err := key.check(); err != nil {
			return at(plain(err), in("keys", fmt.Sprintf("[%d]", i))...)
		}
	}
	if err := r.checkEC2(in); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(r.Databases)) {
		db := r.Databases[name]
		err := firstError(checkName("the database's name", name, maxInstanceName), db.check(), checkSeedTags(db.Tags))
		if err != nil {
			return at(plain(err), in("databases", name)...)
		}
	}
	if err := r.checkCaches(in); err != nil {
		return err
	}
	if err := r.checkDBClusters(in); err != nil {
		return err
	}
	for i, snap := range r.Snapshots {
		if err := firstError(snap.check(), checkSeedTags(snap.Tags)); err != nil {
			return at(plain(err), in("snapshots", fmt.Sprintf("[%d]", i))...)
		}
	}
	return r.checkRedshift(path...)
}

func (d SeedDatabase) check() error {
	if _, ok := engines()[or(d.Engine, "postgres")]; !ok && d.Cluster == "" {
		return fmt.Errorf("there is no engine %q", d.Engine)
	}
	return nil
}

func (s SeedSnapshot) check() error {
	if s.Of == "" {
		return errors.New("of: the database's name is missing")
	}
	if !slices.Contains([]string{"", "manual", "automated", "awsbackup"}, s.Type) {
		return fmt.Errorf("type: %q is none of manual, automated, awsbackup", s.Type)
	}
	if !slices.Contains([]string{"", statusAvailable, statusCreating, statusFailed}, s.Status) {
		return fmt.Errorf("status: %q is none of available, creating, failed", s.Status)
	}
	if s.Database != nil {
		if err := s.Database.check(); err != nil {
			return err
		}
	}
	switch s.Type {
	case "automated", "awsbackup":
		if rest, ok := strings.CutPrefix(s.Name, "rds:"); ok || s.Name == "" {
			return checkOptionalName(rest)
		}
		return checkName("name", strings.TrimPrefix(s.Name, "awsbackup:"), maxSnapshotName)
	default:
		return checkName("name", s.Name, maxSnapshotName)
	}
}

func checkOptionalName(name string) error {
	if name == "" {
		return nil
	}
	return checkName("name", name, maxSnapshotName)
}

// checkSeedTags checks tags. AWS's own are allowed: others put them there.
func checkSeedTags(tags map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if reservedTag(k) {
			continue
		}
		if err := checkTag(k, tags[k]); err != nil {
			return err
		}
	}
	return checkTagCount(tags)
}

func (f SeedFault) check() error {
	kinds := []FaultKind{Fail, Timeout, Stale, CrashBefore, CrashAfter, Deny}
	if !slices.Contains(kinds, f.Kind) {
		return fmt.Errorf("kind: %q is none of %v", f.Kind, kinds)
	}
	if f.Skip < 0 || f.Times < 0 || f.StaleBy < 0 {
		return errors.New("skip, times and stale-by must not be negative")
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status: %d is not an HTTP error", f.Status)
	}
	return nil
}

// plain takes an AWS error's words without its code.
func plain(err error) error {
	if api, ok := errors.AsType[*apiError](err); ok {
		return errors.New(api.message)
	}
	return err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
