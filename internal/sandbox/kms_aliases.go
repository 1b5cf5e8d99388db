package sandbox

import "time"

type (
	aliasEntry struct {
		AliasName, AliasArn           string
		TargetKeyId                   string `json:",omitempty"`
		CreationDate, LastUpdatedDate float64
	}
	aliasList struct {
		Aliases []aliasEntry
		kmsMarker
	}
)

// alias finds an alias by its name.
func (g *keyRegion) alias(name string, when time.Time) (*keyAlias, bool) {
	for _, a := range g.aliases {
		if id := a.target.get(when); a.name == name && id != "" && g.has(id, when) {
			return a, true
		}
	}
	return nil, false
}

// has reports whether a key is there. The aliases of one that is gone are gone too.
func (g *keyRegion) has(id string, when time.Time) bool {
	for _, key := range g.keys {
		if key.id == id {
			return key.state.exists(when)
		}
	}
	return false
}

// readAlias reads an alias and the key that it is to name.
//
// AWS KMS API Reference, CreateAlias, AliasName: "cannot begin with alias/aws/";
// that UpdateAlias and DeleteAlias answer such names alike is inferred.
func (k *keyring) readAlias(r *request) (string, *kmsKey, error) {
	name, id := r.params.need("AliasName"), r.params.need("TargetKeyId")
	if err := r.params.check(); err != nil {
		return "", nil, err
	}
	if err := checkAlias(name); err != nil {
		return "", nil, err
	}
	key, err := k.target(r, id, r.action, true)
	switch {
	case err != nil:
		return "", nil, err
	case key.id != id && key.arn() != id:
		return "", nil, invalidValue("Aliases must refer to keys. Not aliases")
	case key.state.get(r.now) == keyPending:
		return "", nil, key.badState(r.now)
	}
	return name, key, nil
}

func checkAlias(name string) error {
	switch {
	case managedAlias(name):
		return refuse("NotAuthorizedException", "You can't create, update or delete an alias that begins with alias/aws/: %s", name)
	case !aliasPattern.MatchString(name):
		return refuse("InvalidAliasNameException", "The alias name %s is not valid.", name)
	}
	return nil
}

func aliasNotFound(r *request, name string) error {
	return refuse("NotFoundException", "Alias arn:aws:kms:%s:%s:%s is not found.", r.region, r.who.account, name)
}

func (k *keyring) createAlias(r *request) (any, error) {
	name, key, err := k.readAlias(r)
	if err != nil {
		return nil, err
	}
	g := k.region(r.place())
	if a, taken := g.alias(name, r.now); taken {
		return nil, refuse("AlreadyExistsException", "An alias with the name %s already exists", a.arn())
	}
	g.forget(r.now)
	g.name(name, key.id, r.now, r.now)
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

func (k *keyring) updateAlias(r *request) (any, error) {
	name, key, err := k.readAlias(r)
	if err != nil {
		return nil, err
	}
	a, ok := k.region(r.place()).alias(name, r.now)
	if !ok {
		return nil, aliasNotFound(r, name)
	}
	a.target.set(r.now, key.id)
	a.updated = r.now
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

func (k *keyring) deleteAlias(r *request) (any, error) {
	name := r.params.need("AliasName")
	if err := firstError(r.params.check(), checkAlias(name)); err != nil {
		return nil, err
	}
	a, ok := k.region(r.place()).alias(name, r.now)
	if !ok {
		return nil, aliasNotFound(r, name)
	}
	a.target.set(r.now, "")
	return nil, nil //nolint:nilnil // There is nothing to say but that it is done.
}

func (k *keyring) listAliases(r *request) (any, error) {
	id := r.params.str("KeyId")
	pg, err := readKMSPage(r.params, 50, 100)
	if err := firstError(r.params.check(), err); err != nil {
		return nil, err
	}
	if id != "" {
		key, err := k.target(r, id, r.action, true)
		if err != nil {
			return nil, err
		}
		id = key.id
	}
	var out aliasList
	g := k.region(r.place())
	for _, a := range g.aliases {
		if got := a.target.get(r.view); got != "" && (id == "" || id == got) && g.has(got, r.view) {
			out.Aliases = append(out.Aliases, aliasEntry{a.name, a.arn(), got, epoch(a.created), epoch(a.updated)})
		}
	}
	out.Aliases, out.kmsMarker = cutKMS(out.Aliases, func(x aliasEntry) string { return x.AliasName }, pg)
	return out, nil
}
