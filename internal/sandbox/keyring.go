package sandbox

import (
	"regexp"
	"slices"
	"strings"
)

// keyring knows the KMS keys, as far as other services name them. A full KMS
// takes its place later; what it must answer is resolve and managed.
type keyring map[place]*keys

type keys struct {
	// declared holds the customer's keys and aliases that a seed named. Where
	// there are any, no others exist.
	declared []string
}

// managedAlias says that an alias is of a key that AWS manages, such as
// alias/aws/rds. Such keys cannot be used from another account.
func managedAlias(alias string) bool { return strings.HasPrefix(alias, "alias/aws/") }

// managed says that a key is the one that AWS manages for a service.
func managed(keyARN, service string) bool {
	part := strings.SplitN(keyARN, ":", 6)
	return len(part) == 6 && keyARN == aliasKey(place{part[4], part[3]}, "alias/aws/"+service)
}

// aliasKey gives the ARN of the key behind an alias.
func aliasKey(p place, alias string) string {
	return "arn:aws:kms:" + p.region + ":" + p.account + ":key/" + hashedUUID(p.account, p.region, alias)
}

// resolve gives the ARN of the key that a name means in a Region: a key id, a
// key's ARN, an alias or an alias's ARN. It reports false where there is no such
// key there that the account may use; keys of other accounts are not, as long as
// there are no grants.
func (k keyring) resolve(p place, name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, "arn:aws:kms:"); ok {
		part := strings.SplitN(rest, ":", 3)
		if len(part) != 3 || part[0] != p.region || part[1] != p.account {
			return "", false
		}
		name = strings.TrimPrefix(part[2], "key/")
	}
	id := keyPattern.MatchString(name)
	switch {
	case managedAlias(name):
		return aliasKey(p, name), true
	case !id && !strings.HasPrefix(name, "alias/"):
		return "", false
	}
	keyARN := "arn:aws:kms:" + p.region + ":" + p.account + ":key/" + name
	if !id {
		keyARN = aliasKey(p, name)
	}
	known := k[p]
	if known == nil || keyARN == aliasKey(p, "alias/aws/rds") {
		return keyARN, true
	}
	return keyARN, slices.Contains(known.declared, keyARN)
}

// declare makes customer keys exist in a Region, by key id or alias.
func (k keyring) declare(p place, names []string) {
	if len(names) == 0 {
		return
	}
	if k[p] == nil {
		k[p] = &keys{}
	}
	for _, name := range names {
		keyARN := aliasKey(p, name)
		if keyPattern.MatchString(name) {
			keyARN = "arn:aws:kms:" + p.region + ":" + p.account + ":key/" + name
		}
		k[p].declared = append(k[p].declared, keyARN)
	}
}

// keyPattern tells a key id: a UUID, or "mrk-" and 32 digits for a multi-Region
// key.
var keyPattern = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)
