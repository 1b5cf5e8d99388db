package sandbox

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// secretsState is all that there is in Secrets Manager, in every account and Region.
type secretsState struct {
	aws     *AWS
	regions map[place][]*secret
	made    int
}

// secret is a secret with its versions.
type secret struct {
	place
	name, arn, text string
	key             string // Empty for the key that AWS manages.
	created         time.Time
	versions        timeline[[]secretVersion]
	tags            timeline[tagSet]
	// state is "live", "deleting" while it can be had back, and "" when it is gone.
	state   status
	deleted time.Time
}

// secretVersion is one value of a secret. Versions are never written to once they are
// in a timeline.
type secretVersion struct {
	id, text string
	binary   []byte
	isText   bool
	stages   []string
	created  time.Time
}

func (v secretVersion) sameValue(o secretVersion) bool {
	return v.isText == o.isText && v.text == o.text && slices.Equal(v.binary, o.binary)
}

const (
	secretLive     = "live"
	secretDeleting = "deleting"
	stageCurrent   = "AWSCURRENT"
	stagePrevious  = "AWSPREVIOUS"
)

// secretName is what the name of a secret is made of (AWS Secrets Manager API Reference,
// CreateSecret).
var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]{1,512}$`)

func newSecrets(a *AWS) *secretsState { return &secretsState{aws: a, regions: map[place][]*secret{}} }

// find gives a secret by its name or ARN, which may lack the six characters at its end.
// One that is being deleted is there.
func (s *secretsState) find(p place, id string, when time.Time) (*secret, error) {
	for _, x := range s.regions[p] {
		if x.state.exists(when) && (x.name == id || x.arn == id || x.arn[:len(x.arn)-7] == id) {
			return x, nil
		}
	}
	return nil, refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

// live is find for those that need the secret not to be on its way out.
func (s *secretsState) live(p place, id string, when time.Time) (*secret, error) {
	x, err := s.find(p, id, when)
	if err == nil && x.state.in(when, secretDeleting) {
		return nil, refuse("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return x, err
}

func (s *secretsState) add(p place, name string, created time.Time) *secret {
	s.made++
	x := &secret{place: p, name: name, created: created}
	x.arn = "arn:aws:secretsmanager:" + p.region + ":" + p.account + ":secret:" + name + "-" + hashed(6, p.account, p.region, name, fmt.Sprint(s.made))
	x.state.set(created, secretLive)
	x.tags.set(created, tagSet{})
	s.regions[p] = append(s.regions[p], x)
	return x
}

// put gives a secret one more version, to which the stages move. What was current
// becomes the previous one.
//
// AWS Secrets Manager API Reference, PutSecretValue, VersionStages.
func (x *secret) put(v secretVersion, now time.Time) {
	var all []secretVersion
	for _, old := range x.versions.get(now) {
		had := slices.Contains(old.stages, stageCurrent)
		old.stages = slices.DeleteFunc(slices.Clone(old.stages), func(stage string) bool {
			return slices.Contains(v.stages, stage) || stage == stagePrevious && slices.Contains(v.stages, stageCurrent)
		})
		if had && slices.Contains(v.stages, stageCurrent) {
			old.stages = append(old.stages, stagePrevious)
		}
		if len(old.stages) > 0 { // Versions without a stage are deprecated, and go at some time.
			all = append(all, old)
		}
	}
	x.versions.set(now, append(all, v))
}

// keyName is the key that a secret is encrypted with.
func (x *secret) keyName() string { return or(x.key, "alias/aws/secretsmanager") }

// SeedSecret is a secret of Secrets Manager.
type SeedSecret struct {
	Value string            `yaml:"value"`
	Key   string            `yaml:"key"`
	Tags  map[string]string `yaml:"tags"`
}

func (s *secretsState) seed(p place, in map[string]SeedSecret, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		q := in[name]
		if _, err := s.find(p, name, now); err == nil {
			return fmt.Errorf("secret %s: there is one of this name already", name)
		}
		if !secretName.MatchString(name) {
			return fmt.Errorf("secret: %q is not a name for one", name)
		}
		key, ok := s.aws.keys.resolve(p, or(q.Key, "alias/aws/secretsmanager"))
		if !ok {
			return fmt.Errorf("secret %s: there is no KMS key %q", name, q.Key)
		}
		x := s.add(p, name, now)
		if x.tags.set(now, tagSet(maps.Clone(q.Tags))); q.Key != "" {
			x.key = key
		}
		x.put(secretVersion{id: hashedUUID(x.arn, "first"), text: q.Value, isText: true, stages: []string{stageCurrent}, created: now}, now)
	}
	return nil
}

// PutSecret makes a secret exist in Secrets Manager, as a seed does, and gives its ARN.
func (a *AWS) PutSecret(account, region, name string, in SeedSecret) (string, error) {
	err := a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{region: {Secrets: map[string]SeedSecret{name: in}}}}}})
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	x, err := a.secrets.find(place{account, region}, name, a.now())
	if err != nil {
		return "", fmt.Errorf("secret %s in %s of %s: %w", name, region, account, plain(err))
	}
	return x.arn, nil
}

func invalidRequest(format string, args ...any) error {
	return refuse("InvalidRequestException", format, args...)
}

func invalidParameter(message string) error {
	return refuse("InvalidParameterException", "%s", message)
}

// secretsResource names what a call is about, as messages about permissions do.
func secretsResource(r *request) string {
	v := r.params.values
	id := or(v.Get("SecretId"), or(v.Get("Name"), "*"))
	if strings.HasPrefix(id, "arn:") {
		return id
	}
	return "arn:aws:secretsmanager:" + r.region + ":" + r.who.account + ":secret:" + id
}
