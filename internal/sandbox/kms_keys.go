package sandbox

import (
	"strconv"
	"strings"
	"time"
)

type (
	keyMetadata struct {
		AWSAccountId, Arn, KeyId, Description           string
		CreationDate                                    float64
		DeletionDate                                    float64 `json:",omitempty"`
		Enabled, MultiRegion                            bool
		KeyState, KeyManager, KeyUsage, KeySpec, Origin string
		CustomerMasterKeySpec                           string
		EncryptionAlgorithms                            []string
	}
	keyMetadataResult struct{ KeyMetadata keyMetadata }
	keyDeletion       struct {
		KeyId, KeyState     string
		DeletionDate        float64
		PendingWindowInDays int
	}
	keyEntry struct{ KeyId, KeyArn string }
	keyList  struct {
		Keys []keyEntry
		kmsMarker
	}
)

// epoch writes a moment as the JSON protocol does: in seconds.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func showKey(key *kmsKey, when time.Time) keyMetadataResult {
	x := keyMetadata{
		AWSAccountId: key.account, Arn: key.arn(), KeyId: key.id, Description: key.description, CreationDate: epoch(key.created),
		Enabled: key.state.get(when) == keyEnabled, MultiRegion: key.multiRegion, KeyState: key.state.get(when), KeyManager: "CUSTOMER",
		KeyUsage: "ENCRYPT_DECRYPT", KeySpec: symmetric, Origin: "AWS_KMS", CustomerMasterKeySpec: symmetric, EncryptionAlgorithms: []string{symmetric},
	}
	if key.service != "" {
		x.KeyManager = "AWS"
	}
	if gone, ok := key.state.next(when); ok && x.KeyState == keyPending {
		x.DeletionDate = epoch(gone.at)
	}
	return keyMetadataResult{x}
}

const symmetric = "SYMMETRIC_DEFAULT"

// createKey makes a symmetric key for encryption, which is the only kind here.
func (k *keyring) createKey(r *request) (any, error) {
	p := r.params
	text, policy, multi, bypass := p.str("Description"), p.str("Policy"), p.isSet("MultiRegion"), p.isSet("BypassPolicyLockoutSafetyCheck")
	tags, err := readKMSTags(p)
	for name, only := range map[string]string{
		"KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": symmetric, "CustomerMasterKeySpec": symmetric, "Origin": "AWS_KMS",
	} {
		if got := p.str(name); got != "" && got != only {
			p.fail(notSimulated("keys with %s %s", name, got))
		}
	}
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	k.made++
	id := hashedUUID("key", r.who.account, r.region, strconv.Itoa(k.made))
	if multi {
		id = "mrk-" + strings.ReplaceAll(id, "-", "")
	}
	key := &kmsKey{place: r.place(), id: id, description: text, multiRegion: multi, created: r.now}
	key.policy.set(r.now, defaultPolicy(r.who.account))
	if policy != "" {
		if err := k.setPolicy(key, policy, r.who, bypass, r.now); err != nil {
			return nil, err
		}
	}
	key.state.set(r.now, keyEnabled)
	key.tags.set(r.now, tags)
	g := k.region(r.place())
	g.forget(r.now)
	g.keys = append(g.keys, key)
	return showKey(key, r.now), nil
}

// target finds the key that a call is about, which the caller must have permission
// for. Where mine is set, it must be of the caller's own account.
//
// AWS KMS API Reference, "Cross-account use" of each action.
func (k *keyring) target(r *request, name, action string, mine bool) (*kmsKey, error) {
	key, ok := k.find(r.place(), name, r.view)
	foreign := strings.HasPrefix(name, "arn:") && !strings.Contains(name, ":"+r.who.account+":")
	switch {
	case !ok && !foreign && strings.Contains(name, "alias/"):
		return nil, refuse("NotFoundException", "Alias %s is not found.", name)
	case !ok && !foreign:
		return nil, refuse("NotFoundException", "Key '%s' does not exist", name)
	case !ok, mine && key.account != r.who.account, !k.permits(key, keyUse{r.who, ""}, action, r.view):
		return nil, forbid("AccessDenied", "User: %s is not authorized to perform: kms:%s on resource: %s because the resource does not exist "+
			"in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access", r.who.arn, action, name)
	}
	return key, nil
}

// usable says why a key cannot be used in the state that it is in.
func (key *kmsKey) usable(when time.Time) error {
	switch key.state.get(when) {
	case keyDisabled:
		return refuse("DisabledException", "%s is disabled.", key.arn())
	case keyPending:
		return key.badState(when)
	}
	return nil
}

func (key *kmsKey) badState(when time.Time) error {
	if key.state.get(when) == keyPending {
		return refuse("KMSInvalidStateException", "%s is pending deletion.", key.arn())
	}
	return refuse("KMSInvalidStateException", "%s is not pending deletion.", key.arn())
}

// about reads the key of a call that has no other parameters, and finds it.
func (k *keyring) about(r *request, mine bool) (*kmsKey, error) {
	name := r.params.need("KeyId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	return k.target(r, name, r.action, mine)
}

func (k *keyring) describeKey(r *request) (any, error) {
	r.params.ignore("GrantTokens") // Grants hold here from the moment that they are made.
	r.params.members("GrantTokens", "member")
	key, err := k.about(r, false)
	if err != nil {
		return nil, err
	}
	return showKey(key, r.view), nil
}

func (k *keyring) listKeys(r *request) (any, error) {
	pg, err := readKMSPage(r.params, 100, 1000)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	var out keyList
	for _, key := range k.region(r.place()).keys {
		if key.state.exists(r.view) {
			out.Keys = append(out.Keys, keyEntry{key.id, key.arn()})
		}
	}
	out.Keys, out.kmsMarker = cutKMS(out.Keys, func(x keyEntry) string { return x.KeyId }, pg)
	return out, nil
}

func (k *keyring) enableKey(r *request) (any, error)  { return k.switchKey(r, keyEnabled) }
func (k *keyring) disableKey(r *request) (any, error) { return k.switchKey(r, keyDisabled) }

func (k *keyring) switchKey(r *request, to string) (any, error) {
	key, err := k.about(r, true)
	switch {
	case err != nil:
		return nil, err
	case key.state.get(r.now) == keyPending:
		return nil, key.badState(r.now)
	}
	key.state.set(r.now, to)
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

// scheduleKeyDeletion makes a key end after a while in which it cannot be used.
//
// AWS KMS API Reference, ScheduleKeyDeletion, PendingWindowInDays: 7 to 30, by
// default 30.
func (k *keyring) scheduleKeyDeletion(r *request) (any, error) {
	days := 30
	if n := r.params.number("PendingWindowInDays"); n != nil {
		days = *n
	}
	key, err := k.about(r, true)
	switch {
	case err != nil:
		return nil, err
	case days < 7 || days > 30:
		return nil, invalidValue("PendingWindowInDays must be from 7 to 30, got %d", days)
	case key.state.get(r.now) == keyPending:
		return nil, key.badState(r.now)
	}
	gone := r.now.AddDate(0, 0, days)
	key.scheduleDeletion(r.now, gone)
	return keyDeletion{key.arn(), keyPending, epoch(gone), days}, nil
}

// scheduleDeletion ends a key and its aliases at a moment to come (AWS KMS
// Developer Guide, "Deleting AWS KMS keys").
func (key *kmsKey) scheduleDeletion(now, gone time.Time) {
	key.state.set(now, keyPending)
	key.state.then(gone, "")
}

func (k *keyring) cancelKeyDeletion(r *request) (any, error) {
	key, err := k.about(r, true)
	switch {
	case err != nil:
		return nil, err
	case key.state.get(r.now) != keyPending:
		return nil, key.badState(r.now)
	}
	key.state.set(r.now, keyDisabled) // "When this operation succeeds, the key state of the KMS key is Disabled."
	return struct{ KeyId string }{key.arn()}, nil
}

func (k *keyring) getKeyPolicy(r *request) (any, error) {
	name := or(r.params.str("PolicyName"), "default")
	key, err := k.about(r, true)
	switch {
	case err != nil:
		return nil, err
	case name != "default":
		return nil, refuse("NotFoundException", "No such policy exists")
	}
	return struct{ Policy, PolicyName string }{key.policy.get(r.view).text, name}, nil
}

func (k *keyring) listKeyPolicies(r *request) (any, error) {
	if _, err := k.about(r, true); err != nil {
		return nil, err
	}
	return struct {
		PolicyNames []string
		kmsMarker
	}{[]string{"default"}, kmsMarker{}}, nil
}

func (k *keyring) putKeyPolicy(r *request) (any, error) {
	p := r.params
	name, text, bypass := or(p.str("PolicyName"), "default"), p.need("Policy"), p.isSet("BypassPolicyLockoutSafetyCheck")
	key, err := k.about(r, true)
	switch {
	case err != nil:
		return nil, err
	case name != "default":
		return nil, invalidValue("The only valid policy name is default, got %s", name)
	}
	return nil, k.setPolicy(key, text, r.who, bypass, r.now)
}
