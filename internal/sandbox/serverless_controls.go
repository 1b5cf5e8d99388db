package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// SeedNamespace is a namespace of Redshift Serverless with its workgroup.
type SeedNamespace struct {
	// Workgroup is by default the namespace's name; "none" for none.
	Workgroup      string            `yaml:"workgroup"`
	Base           int               `yaml:"base-capacity"`
	Size           int               `yaml:"size"` // GiB
	Status         string            `yaml:"status"`
	Key            string            `yaml:"key"`
	Age            Age               `yaml:"age"`
	Tags           map[string]string `yaml:"tags"`
	User           string            `yaml:"user"`
	DBName         string            `yaml:"db-name"`
	Roles          []string          `yaml:"roles"`
	Logs           []string          `yaml:"logs"`
	Subnets        []string          `yaml:"subnets"`
	SecurityGroups []string          `yaml:"security-groups"`
	Public         bool              `yaml:"public"`
}

func (s *serverlessState) seed(p place, in SeedRegion, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(in.Namespaces)) {
		if err := s.seedNamespace(p, name, in.Namespaces[name], now); err != nil {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	return nil
}

func (s *serverlessState) seedNamespace(p place, name string, in SeedNamespace, now time.Time) error {
	g, c := s.region(p, now), namespaceConfig{
		user: or(in.User, "admin"), dbName: or(in.DBName, "dev"), roles: in.Roles, logs: in.Logs, workgroup: or(in.Workgroup, name),
		track: "current", base: in.Base, port: 5439, public: in.Public, subnets: in.Subnets, groups: in.SecurityGroups, size: in.Size,
	}
	if _, err := g.namespace(name, now); err == nil {
		return errors.New("there is one of this name already")
	}
	if in.Key != "" {
		key, ok := s.aws.keys.resolve(p, in.Key)
		if !ok {
			return fmt.Errorf("there is no KMS key %q", in.Key)
		}
		c.key = key
	}
	if in.Workgroup == "none" {
		c.workgroup = ""
	}
	if c.base == 0 {
		c.base = 128
	}
	if c.size == 0 {
		c.size = 50
	}
	created := now.Add(-time.Duration(in.Age))
	c.workgroupCreated = created
	n := s.addNamespace(g, name, c, tagSet(maps.Clone(in.Tags)), &request{now: created})
	n.status.set(now, or(in.Status, namespaceAvailable))
	return nil
}

// checkServerless says what is wrong with the namespaces of a seed.
func (r SeedRegion) checkServerless(path ...string) error {
	for _, name := range slices.Sorted(maps.Keys(r.Namespaces)) {
		if err := firstError(checkNamespaceName("name", name), checkRedshiftSeedTags(r.Namespaces[name].Tags)); err != nil {
			return at(plain(err), append(slices.Clone(path), "redshift-namespaces", name)...)
		}
	}
	return nil
}

// PutNamespace makes a namespace of Redshift Serverless exist, as a seed does.
func (a *AWS) PutNamespace(account, region, name string, n SeedNamespace) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {Namespaces: map[string]SeedNamespace{name: n}},
	}}}})
}

// SetNamespaceStatus puts a namespace into a status, such as "MODIFYING", where it
// stays until a call or this function changes it.
func (a *AWS) SetNamespaceStatus(account, region, name, status string) error {
	return a.onNamespace(account, region, name, func(n *namespace, now time.Time) { n.status.set(now, status) })
}

// FailNextNamespaceSnapshots makes the next n snapshots of a namespace end as
// "FAILED".
func (a *AWS) FailNextNamespaceSnapshots(account, region, name string, n int) error {
	return a.onNamespace(account, region, name, func(x *namespace, _ time.Time) { x.failNext = n })
}

// PutNamespaceSnapshot makes a manual snapshot of a namespace exist. Quotas do not
// stop it.
func (a *AWS) PutNamespaceSnapshot(account, region, of, name string, age Age, tags map[string]string) error {
	if err := checkServerlessSnapshot(name, nil); err != nil {
		return fmt.Errorf("snapshot %s of namespace %s: %w", name, of, plain(err))
	}
	return a.onNamespace(account, region, of, func(n *namespace, now time.Time) {
		a.serial++
		taken := now.Add(-time.Duration(age))
		snap := &namespaceSnapshot{
			place: n.place, name: name, of: n, config: n.config.get(now), started: taken, ready: taken,
			id: hashedUUID(account, region, name, stamp(taken), strconv.Itoa(a.serial), "snapshot"),
		}
		snap.status.set(taken, snapshotAvailable)
		snap.tags.set(taken, tagSet(maps.Clone(tags)))
		snap.days.set(taken, -1)
		g := a.serverless.regions[n.place]
		g.snapshots = append(g.snapshots, snap)
	})
}

func (a *AWS) onNamespace(account, region, name string, do func(*namespace, time.Time)) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	n, err := a.serverless.region(place{account, region}, now).namespace(name, now)
	if err != nil {
		return fmt.Errorf("namespace %s in %s of %s: %w", name, region, account, plain(err))
	}
	do(n, now)
	return nil
}
