package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// keyGrant lets a principal do operations with a key.
type keyGrant struct {
	id, name, token, grantee, retiring, issuer string
	operations                                 []string
	created                                    time.Time
	ended                                      timeline[bool]
}

type (
	grantEntry struct {
		CreationDate                     float64
		GrantId, GranteePrincipal, KeyId string
		IssuingAccount                   string
		Name, RetiringPrincipal          string `json:",omitempty"`
		Operations                       []string
	}
	grantList struct {
		Grants []grantEntry
		kmsMarker
	}
)

// granted reports whether a grant allows an action.
func (key *kmsKey) granted(u keyUse, action string, when time.Time) bool {
	return slices.ContainsFunc(key.grants, func(g *keyGrant) bool {
		return g.holds(when) && slices.Contains(g.operations, action) && isPrincipal(g.grantee, u.who)
	})
}

func (g *keyGrant) holds(when time.Time) bool { return !g.created.After(when) && !g.ended.get(when) }

// grantOperations are those of symmetric keys (AWS KMS Developer Guide, "Grants in
// AWS KMS", "Grant operations").
func grantOperations() []string {
	return []string{
		"CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo", "RetireGrant",
	}
}

// createGrant makes a grant, which holds at once. Constraints and service
// principals are not simulated.
//
// AWS KMS API Reference, CreateGrant, Name: a second grant that is the same in all,
// its name included, is the first.
func (k *keyring) createGrant(r *request) (any, error) {
	p := r.params
	g := &keyGrant{
		name: p.str("Name"), grantee: p.need("GranteePrincipal"), retiring: p.str("RetiringPrincipal"), issuer: r.who.account,
		operations: p.list("Operations", "member"), created: r.now,
	}
	dry := p.isSet("DryRun")
	p.list("GrantTokens", "member")
	key, err := k.about(r, false)
	if err == nil {
		err = firstError(key.usable(r.now), k.checkGrant(g), tried(dry))
	}
	if err != nil {
		return nil, err
	}
	for _, old := range key.grants {
		if g.name != "" && old.holds(r.now) && old.name == g.name && old.grantee == g.grantee && old.retiring == g.retiring &&
			slices.Equal(old.operations, g.operations) {
			return struct{ GrantId, GrantToken string }{old.id, old.token}, nil
		}
	}
	k.made++
	g.id = hashed(64, "grant", key.arn(), strconv.Itoa(k.made))
	g.token = "AQp" + hashed(64, "token", g.id)
	key.grants = append(key.grants, g)
	return struct{ GrantId, GrantToken string }{g.id, g.token}, nil
}

func (k *keyring) checkGrant(g *keyGrant) error {
	for _, principal := range [...]string{g.grantee, g.retiring} {
		if principal != "" && (!strings.HasPrefix(principal, "arn:aws:") || !k.knows(principal) && !strings.Contains(principal, ":assumed-role/")) {
			return refuse("InvalidArnException", "ARN does not refer to a valid principal: %s", principal)
		}
	}
	if len(g.operations) == 0 {
		return invalidValue("1 validation error detected: Value at 'operations' failed to satisfy constraint: Member must not be null")
	}
	for _, op := range g.operations {
		if !slices.Contains(grantOperations(), op) {
			return invalidValue("The operation %s is not one that a grant on a symmetric key can allow.", op)
		}
	}
	return nil
}

func (k *keyring) listGrants(r *request) (any, error) {
	p := r.params
	id, grantee := p.str("GrantId"), p.str("GranteePrincipal")
	pg, pageErr := readKMSPage(p, 50, 100)
	key, err := k.about(r, false)
	if err := firstError(err, pageErr); err != nil {
		return nil, err
	}
	var out grantList
	for _, g := range key.grants {
		if g.holds(r.view) && (id == "" || id == g.id) && (grantee == "" || grantee == g.grantee) {
			out.Grants = append(out.Grants, grantEntry{
				epoch(g.created), g.id, g.grantee, key.arn(), rootOf(g.issuer).arn, g.name, g.retiring, g.operations,
			})
		}
	}
	out.Grants, out.kmsMarker = cutKMS(out.Grants, func(x grantEntry) string { return x.GrantId }, pg)
	return out, nil
}

func (k *keyring) revokeGrant(r *request) (any, error) {
	id, dry := r.params.need("GrantId"), r.params.isSet("DryRun")
	key, err := k.about(r, false)
	if err != nil {
		return nil, err
	}
	for _, g := range key.grants {
		if g.id == id && g.holds(r.now) {
			if err := tried(dry); err != nil {
				return nil, err
			}
			g.ended.set(r.now, true)
			return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
		}
	}
	return nil, refuse("NotFoundException", "Grant ID %s not found", id)
}

// retireGrant ends a grant for one whom the grant itself lets do so: the retiring
// principal, a grantee that may, or the account that made it.
func (k *keyring) retireGrant(r *request) (any, error) {
	p := r.params
	token, id, full, dry := p.str("GrantToken"), p.str("GrantId"), p.str("KeyId"), p.isSet("DryRun")
	switch {
	case p.check() != nil:
		return nil, p.check()
	case (token == "") == (id == "" || full == ""):
		return nil, invalidValue("Either the grant token or both the key ARN and the grant id must be given.")
	case token == "" && !strings.HasPrefix(full, "arn:"):
		return nil, refuse("InvalidArnException", "%s is not the ARN of a key.", full)
	}
	for _, g := range k.regions {
		if g.region != r.region {
			continue
		}
		for _, key := range g.keys {
			for _, got := range key.grants {
				if !got.holds(r.now) || got.token != token && (got.id != id || key.arn() != full) {
					continue
				}
				return nil, got.retire(r, dry)
			}
		}
	}
	if token != "" {
		return nil, refuse("InvalidGrantTokenException", "The grant token is not valid.")
	}
	return nil, refuse("NotFoundException", "Grant ID %s not found", id)
}

func (g *keyGrant) retire(r *request, dry bool) error {
	may := g.retiring != "" && isPrincipal(g.retiring, r.who) || g.issuer == r.who.account ||
		slices.Contains(g.operations, "RetireGrant") && isPrincipal(g.grantee, r.who)
	if !may {
		return forbid("AccessDenied", "User: %s is not authorized to perform: kms:RetireGrant", r.who.arn)
	}
	if err := tried(dry); err != nil {
		return err
	}
	g.ended.set(r.now, true)
	return nil
}
