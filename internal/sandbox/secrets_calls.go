package sandbox

import (
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

type (
	secretNamed struct {
		ARN, Name     string
		VersionId     string   `json:",omitempty"`
		VersionStages []string `json:",omitempty"`
		DeletionDate  float64  `json:",omitempty"`
	}
	secretValue struct {
		ARN, Name, VersionId string
		VersionStages        []string
		SecretString         *string `json:",omitempty"`
		SecretBinary         []byte  `json:",omitempty"`
		CreatedDate          float64
	}
	secretDescribed struct {
		ARN, Name          string
		Description        string `json:",omitempty"`
		KmsKeyId           string `json:",omitempty"`
		CreatedDate        float64
		LastChangedDate    float64
		DeletedDate        float64             `json:",omitempty"`
		Tags               []secretTag         `json:",omitempty"`
		VersionIdsToStages map[string][]string `json:",omitempty"`
	}
	secretTag struct{ Key, Value string }
)

// readSecretValue reads the value of a new version: a text or bytes.
//
// AWS Secrets Manager API Reference, PutSecretValue: one of both, of at most 65,536
// bytes; ClientRequestToken has 32 to 64 characters and becomes the version's id.
func readSecretValue(p *params, now time.Time) (secretVersion, error) {
	v := secretVersion{id: p.str("ClientRequestToken"), created: now, stages: []string{stageCurrent}}
	if v.isText = p.has("SecretString"); v.isText {
		v.text = p.str("SecretString")
	}
	if p.has("SecretBinary") {
		v.binary = p.blob("SecretBinary")
	}
	switch n := len(v.text) + len(v.binary); {
	case len(v.id) < 32 || len(v.id) > 64:
		return v, invalidParameter("ClientRequestToken must be 32-64 characters long.")
	case v.isText && v.binary != nil:
		return v, invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case n > 65536:
		return v, invalidParameter("Member must have length less than or equal to 65536")
	}
	return v, nil
}

// createSecret makes a secret, with a value if there is one. The same call again gives
// the one that is there.
func (s *secretsState) createSecret(r *request) (any, error) {
	p := r.params
	name, text, key := p.need("Name"), p.str("Description"), p.str("KmsKeyId")
	v, err := readSecretValue(p, r.now)
	tags := tagSet{}
	for _, prefix := range p.members("Tags", "member") {
		tags[p.str(prefix+".Key")] = p.str(prefix + ".Value")
	}
	switch paramErr := p.check(); {
	case paramErr != nil:
		return nil, paramErr
	case err != nil:
		return nil, err
	case !secretName.MatchString(name):
		return nil, refuse("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	case utf8.RuneCountInString(text) > 2048, len(tags) > maxTags:
		return nil, invalidParameter("The description or the list of tags is too long.")
	}
	if there, err := s.find(r.place(), name, r.now); err == nil && there.name == name {
		return s.createAgain(there, v, r)
	}
	full, err := s.mayEncrypt(or(key, "alias/aws/secretsmanager"), r)
	if err != nil {
		return nil, err
	}
	x := s.add(r.place(), name, r.now)
	if x.text = text; key != "" {
		x.key = full
	}
	x.tags.set(r.now, tags)
	out := secretNamed{ARN: x.arn, Name: x.name}
	if v.isText || v.binary != nil {
		x.put(v, r.now)
		out.VersionId = v.id
	}
	return out, nil
}

func (s *secretsState) createAgain(x *secret, v secretVersion, r *request) (any, error) {
	if x.state.in(r.now, secretDeleting) {
		return nil, invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	for _, old := range x.versions.get(r.now) {
		if old.id == v.id && old.sameValue(v) {
			return secretNamed{ARN: x.arn, Name: x.name, VersionId: v.id}, nil
		}
	}
	return nil, refuse("ResourceExistsException", "The operation failed because the secret %s already exists.", x.name)
}

// mayEncrypt gives the key to encrypt with.
//
// AWS Secrets Manager User Guide, "Secret encryption and decryption in AWS Secrets
// Manager": kms:GenerateDataKey and kms:Decrypt.
func (s *secretsState) mayEncrypt(name string, r *request) (string, error) {
	key, err := s.aws.keys.use(keyUse{r.who, "secretsmanager"}, r.region, name, r.now, "GenerateDataKey", "Decrypt")
	if err != nil {
		return "", refuse("EncryptionFailure", "Secrets Manager can't encrypt the protected secret text using the provided KMS key: %s.", err.Error())
	}
	return key, nil
}

// mayDecrypt says why the caller may not read a secret. A caller whom the key's policy
// does not let is told so, one whose key is disabled otherwise.
func (s *secretsState) mayDecrypt(x *secret, r *request) error {
	_, err := s.aws.keys.use(keyUse{r.who, "secretsmanager"}, r.region, x.keyName(), r.now, "Decrypt")
	switch {
	case err == nil:
		return nil
	case s.aws.keys.works(x.key, r.now):
		return refuse("AccessDeniedException", "Access to KMS is not allowed")
	}
	return refuse("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
}

func (s *secretsState) getSecretValue(r *request) (any, error) {
	p := r.params
	id, version, stage := p.need("SecretId"), p.str("VersionId"), p.str("VersionStage")
	if err := p.check(); err != nil {
		return nil, err
	}
	x, err := s.live(r.place(), id, r.view)
	if err != nil {
		return nil, err
	}
	if version == "" {
		stage = or(stage, stageCurrent)
	}
	for _, v := range x.versions.get(r.view) {
		if version != "" && v.id != version || stage != "" && !slices.Contains(v.stages, stage) {
			continue
		}
		if err := s.mayDecrypt(x, r); err != nil {
			return nil, err
		}
		out := secretValue{
			ARN: x.arn, Name: x.name, VersionId: v.id, VersionStages: v.stages, SecretBinary: v.binary, CreatedDate: epoch(v.created),
		}
		if v.isText {
			out.SecretString = &v.text
		}
		return out, nil
	}
	return nil, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: %s", or(stage, version))
}

func (s *secretsState) putSecretValue(r *request) (any, error) {
	p := r.params
	id, stages := p.need("SecretId"), p.list("VersionStages", "member")
	v, err := readSecretValue(p, r.now)
	if err := firstError(p.check(), err); err != nil {
		return nil, err
	}
	if !v.isText && v.binary == nil {
		return nil, invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	x, err := s.live(r.place(), id, r.now)
	if err != nil {
		return nil, err
	}
	if len(stages) > 0 {
		v.stages = stages
	}
	out := secretNamed{ARN: x.arn, Name: x.name, VersionId: v.id, VersionStages: v.stages}
	for _, old := range x.versions.get(r.now) {
		switch {
		case old.id == v.id && old.sameValue(v):
			return out, nil
		case old.id == v.id:
			return nil, refuse("ResourceExistsException", "You can't modify a secret version: the version %s has another value.", v.id)
		}
	}
	if _, err := s.mayEncrypt(x.keyName(), r); err != nil {
		return nil, err
	}
	x.put(v, r.now)
	return out, nil
}

func (s *secretsState) describeSecret(r *request) (any, error) {
	id := r.params.need("SecretId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	x, err := s.find(r.place(), id, r.view)
	if err != nil {
		return nil, err
	}
	out := secretDescribed{
		ARN: x.arn, Name: x.name, Description: x.text, KmsKeyId: x.key, CreatedDate: epoch(x.created), LastChangedDate: epoch(x.created),
		VersionIdsToStages: map[string][]string{},
	}
	tags := x.tags.get(r.view)
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, secretTag{k, tags[k]})
	}
	for _, v := range x.versions.get(r.view) {
		out.VersionIdsToStages[v.id] = v.stages
		out.LastChangedDate = max(out.LastChangedDate, epoch(v.created))
	}
	if x.state.in(r.view, secretDeleting) {
		out.DeletedDate = epoch(x.deleted)
	}
	return out, nil
}

// deleteSecret lets a secret go after a while in which it can be had back, or at once.
//
// AWS Secrets Manager API Reference, DeleteSecret: 7 to 30 days, by default 30.
func (s *secretsState) deleteSecret(r *request) (any, error) {
	p := r.params
	id, force, days := p.need("SecretId"), p.isSet("ForceDeleteWithoutRecovery"), p.number("RecoveryWindowInDays")
	if err := p.check(); err != nil {
		return nil, err
	}
	wait := 30
	switch {
	case force && days != nil:
		return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days != nil:
		wait = *days
	}
	if wait < 7 || wait > 30 {
		return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	x, err := s.find(r.place(), id, r.now)
	switch {
	case err != nil && force:
		return secretNamed{Name: id, DeletionDate: epoch(r.now)}, nil
	case err != nil:
		return nil, err
	case x.state.in(r.now, secretDeleting) && !force:
		return nil, invalidRequest("You can't perform this operation on the secret because it was already scheduled for deletion.")
	}
	gone := r.now.AddDate(0, 0, wait)
	if force {
		gone = r.now.Add(s.aws.options.Durations.SnapshotDelete.Base)
	}
	x.deleted = r.now
	x.state.set(r.now, secretDeleting)
	x.state.then(gone, "")
	return secretNamed{ARN: x.arn, Name: x.name, DeletionDate: epoch(gone)}, nil
}

func (s *secretsState) restoreSecret(r *request) (any, error) {
	id := r.params.need("SecretId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	x, err := s.find(r.place(), id, r.now)
	if err != nil {
		return nil, err
	}
	x.state.set(r.now, secretLive)
	return secretNamed{ARN: x.arn, Name: x.name}, nil
}
