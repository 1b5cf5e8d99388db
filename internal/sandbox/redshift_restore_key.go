package sandbox

import "slices"

// keyWish is what a restore asks about encryption.
type keyWish struct {
	name      string
	encrypted *bool
}

// restoredKey gives the key of a cluster that is restored.
//
// Amazon Redshift API Reference, RestoreFromClusterSnapshot: Encrypted "enables support
// for restoring an unencrypted snapshot to a cluster encrypted"; KmsKeyId may change the
// key of an encrypted one in the same account. The data of a snapshot that is shared is
// encrypted anew, under the key that is named, else under aws/redshift (inferred). That
// encryption cannot be taken off by a restore is inferred too.
func (s *redshiftState) restoredKey(q keyWish, snap *clusterSnapshot, r *request) (string, error) {
	on := q.encrypted != nil && *q.encrypted
	off := q.encrypted != nil && !on
	name := q.name
	switch {
	case snap.of.key == "" && !on && name != "":
		return "", invalidCombination("KmsKeyId requires Encrypted to be true when the snapshot is not encrypted.")
	case snap.of.key == "" && !on:
		return "", nil
	case off:
		return "", invalidCombination("An encrypted snapshot cannot be restored to a cluster that is not encrypted.")
	case snap.of.key == "" || snap.account != r.who.account:
		name = or(name, "alias/aws/redshift")
	default:
		name = or(name, snap.of.key)
	}
	u := keyUse{r.who, "redshift"}
	if snap.of.key != "" {
		if _, err := s.aws.keys.use(u, r.region, snap.of.key, r.now, "DescribeKey", "Decrypt"); err != nil {
			return "", refuse("DependentServiceAccessDenied", "The key of the snapshot cannot be used: %s.", err.Error())
		}
	}
	key, err := s.aws.keys.use(u, r.region, name, r.now, "DescribeKey", "CreateGrant")
	if err != nil {
		return "", invalidValue("The KMS key %s does not exist or is not usable: %s.", name, err.Error())
	}
	return key, nil
}

// maxClusterRoles is how many IAM roles a cluster can have (Amazon Redshift Management
// Guide, "Quotas and limits in Amazon Redshift").
const maxClusterRoles = 50

func checkRoles(c clusterConfig) error {
	for _, role := range c.roles {
		if _, _, ok := parseRoleARN(role); !ok {
			return invalidValue("Invalid IAM role: %s", role)
		}
	}
	switch {
	case len(c.roles) > maxClusterRoles:
		return refuse("LimitExceededFault", "A cluster has at most %d IAM roles.", maxClusterRoles)
	case c.defaultRole != "" && !slices.Contains(c.roles, c.defaultRole):
		return invalidValue("The default IAM role %s is not associated with the cluster.", c.defaultRole)
	}
	return nil
}
