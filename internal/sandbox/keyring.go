package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// keyring is all that there is in KMS, in every account and Region, and what the
// other services ask about the keys that they are to use.
type keyring struct {
	aws     *AWS
	regions map[place]*keyRegion
	made    int
	// seeding is set while a seed goes in: a key that it names comes into being
	// then, unless the Region's keys were declared.
	seeding bool
}

// keyRegion is what one account has in one Region.
type keyRegion struct {
	place
	keys    []*kmsKey
	aliases []*keyAlias
	// declared says that a seed has listed the keys here, so that it does not get
	// others by naming them.
	declared bool
}

// kmsKey is a key. The key material is not simulated.
type kmsKey struct {
	place
	id, description string
	// service is whose key it is, of one that AWS manages: "rds".
	service     string
	multiRegion bool
	created     time.Time
	state       status
	policy      timeline[keyPolicy]
	tags        timeline[tagSet]
	grants      []*keyGrant
}

// keyAlias is a name of a key. Its target is the key's id, "" once it is deleted.
type keyAlias struct {
	place
	name             string
	target           timeline[string]
	created, updated time.Time
}

// The states of keys that are simulated (AWS KMS Developer Guide, "Key states of
// AWS KMS keys").
const (
	keyEnabled  = "Enabled"
	keyDisabled = "Disabled"
	keyPending  = "PendingDeletion"
)

func newKeyring(a *AWS) *keyring { return &keyring{aws: a, regions: map[place]*keyRegion{}} }

// region gives what an account has in a Region, where the keys that AWS manages
// always are: AWS makes each when it is first needed.
func (k *keyring) region(p place) *keyRegion {
	got, ok := k.regions[p]
	if !ok {
		got = &keyRegion{place: p}
		k.regions[p] = got
		for _, service := range managingServices() {
			got.addManaged(service)
		}
	}
	return got
}

// managingServices lists the services that have a key of their own in an account.
func managingServices() []string {
	return []string{
		"backup", "dynamodb", "ebs", "elasticache", "lambda", "rds", "redshift", "s3", "secretsmanager", "sns", "sqs", "ssm",
	}
}

func (g *keyRegion) addManaged(service string) {
	alias, born := "alias/aws/"+service, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	key := &kmsKey{
		place: g.place, id: hashedUUID(g.account, g.region, alias), service: service, created: born,
		description: "Default key that protects what " + service + " stores when no other key is defined",
	}
	key.state.set(time.Time{}, keyEnabled)
	key.policy.set(time.Time{}, managedPolicy(key))
	key.tags.set(time.Time{}, tagSet{})
	g.keys = append(g.keys, key)
	g.name(alias, key.id, time.Time{}, born)
}

// name gives a key a further name.
func (g *keyRegion) name(alias, id string, from, shown time.Time) {
	x := &keyAlias{place: g.place, name: alias, created: shown, updated: shown}
	x.target.set(from, id)
	g.aliases = append(g.aliases, x)
}

func (k *kmsKey) arn() string { return "arn:aws:kms:" + k.region + ":" + k.account + ":key/" + k.id }

func (a *keyAlias) arn() string { return "arn:aws:kms:" + a.region + ":" + a.account + ":" + a.name }

// managedAlias says that an alias is of a key that AWS manages, such as
// alias/aws/rds. Such keys cannot be used from another account.
func managedAlias(alias string) bool { return strings.HasPrefix(alias, "alias/aws/") }

// managed says that a key is the one that AWS manages for a service.
func managed(keyARN, service string) bool {
	part := strings.SplitN(keyARN, ":", 6)
	return len(part) == 6 && keyARN == aliasKey(place{part[4], part[3]}, "alias/aws/"+service)
}

// aliasKey gives the ARN of the key that was first behind an alias that a seed or
// AWS made.
func aliasKey(p place, alias string) string {
	return "arn:aws:kms:" + p.region + ":" + p.account + ":key/" + hashedUUID(p.account, p.region, alias)
}

// find gives the key that a name means to an account in a Region, whatever its
// state: a key id, a key's ARN, an alias or an alias's ARN. Those of other accounts
// go by their ARN only.
func (k *keyring) find(p place, name string, when time.Time) (*kmsKey, bool) {
	if rest, ok := strings.CutPrefix(name, "arn:aws:kms:"); ok {
		part := strings.SplitN(rest, ":", 3)
		if len(part) != 3 || part[0] != p.region || !isAccountID(part[1]) {
			return nil, false
		}
		p.account, name = part[1], strings.TrimPrefix(part[2], "key/")
	}
	g := k.region(p)
	if a, ok := g.alias(name, when); ok {
		name = a.target.get(when)
	}
	for _, key := range g.keys {
		if key.id == name && key.state.exists(when) {
			return key, true
		}
	}
	return nil, false
}

// resolve gives the ARN of the key that a name means in a Region. It reports false
// where there is no such key that the account may use now. Who of the account asks
// is not known here, nor through which service: see use.
func (k *keyring) resolve(p place, name string) (string, bool) {
	now := k.aws.now()
	if k.seeding {
		return k.seeded(p, name, now)
	}
	got, err := k.use(keyUse{rootOf(p.account), anyService}, p.region, name, now, "DescribeKey", "CreateGrant")
	return got, err == nil
}

// seeded gives the ARN of the key that a seed names, which comes into being by
// that, unless the Region's keys were declared.
func (k *keyring) seeded(p place, name string, now time.Time) (string, bool) {
	if key, ok := k.find(p, name, now); ok {
		return key.arn(), true
	}
	g := k.region(p)
	if rest, ok := strings.CutPrefix(name, "arn:aws:kms:"+p.region+":"+p.account+":"); ok {
		name = strings.TrimPrefix(rest, "key/")
	}
	if g.declared || managedAlias(name) || !keyPattern.MatchString(name) && !aliasPattern.MatchString(name) {
		return "", false
	}
	return g.add(name, now).arn(), true
}

// add makes a customer's key, by its id or an alias, that was there for long.
func (g *keyRegion) add(name string, now time.Time) *kmsKey {
	born := now.Add(-remembered)
	key := &kmsKey{place: g.place, id: name, created: born, multiRegion: strings.HasPrefix(name, "mrk-")}
	if !keyPattern.MatchString(name) {
		key.id = hashedUUID(g.account, g.region, name)
		g.name(name, key.id, born, born)
	}
	key.state.set(born, keyEnabled)
	key.policy.set(born, defaultPolicy(g.account))
	key.tags.set(born, tagSet{})
	g.keys = append(g.keys, key)
	return key
}

// forget drops what has been gone for long.
func (g *keyRegion) forget(now time.Time) {
	old := now.Add(-remembered)
	g.keys = slices.DeleteFunc(g.keys, func(x *kmsKey) bool { return x.state.goneSince(old) })
	g.aliases = slices.DeleteFunc(g.aliases, func(a *keyAlias) bool {
		return a.target.last() == "" && a.target.get(old) == "" && a.created.Before(old)
	})
}

// keyPattern tells a key id: a UUID, or "mrk-" and 32 digits for a multi-Region
// key.
var keyPattern = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

// aliasPattern is AWS KMS API Reference, CreateAlias, AliasName.
var aliasPattern = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)
