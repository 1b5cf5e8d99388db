package sandbox

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ssmState is the Parameter Store of Systems Manager, in every account and Region.
type ssmState struct {
	aws     *AWS
	regions map[place][]*parameter
}

// parameter is a parameter with its versions, the first of which is 1.
type parameter struct {
	place
	name     string
	versions timeline[[]parameterVersion]
}

// parameterVersion is one value of a parameter.
type parameterVersion struct {
	kind, value, key, text, dataType, tier string
	changed                                time.Time
}

const (
	ssmString = "String"
	ssmList   = "StringList"
	ssmSecure = "SecureString"
)

// parameterName is what the name of a parameter is made of (AWS Systems Manager API
// Reference, PutParameter).
var parameterName = regexp.MustCompile(`^[a-zA-Z0-9_./-]+$`)

func newSSM(a *AWS) *ssmState { return &ssmState{aws: a, regions: map[place][]*parameter{}} }

// find gives a parameter by its name or ARN.
func (s *ssmState) find(p place, name string, when time.Time) (*parameter, bool) {
	for _, x := range s.regions[p] {
		if (x.name == name || x.arn() == name) && len(x.versions.get(when)) > 0 {
			return x, true
		}
	}
	return nil, false
}

func (x *parameter) arn() string {
	return "arn:aws:ssm:" + x.region + ":" + x.account + ":parameter/" + strings.TrimPrefix(x.name, "/")
}

// put gives a parameter one more version.
func (s *ssmState) put(p place, name string, v parameterVersion, now time.Time) *parameter {
	x, ok := s.find(p, name, now)
	if !ok {
		x = &parameter{place: p, name: name}
		s.regions[p] = append(s.regions[p], x)
	}
	v.changed = now
	x.versions.set(now, append(slices.Clone(x.versions.get(now)), v))
	return x
}

// checkParameterName says what is wrong with the name of a new parameter.
//
// AWS Systems Manager API Reference, PutParameter, Name: a name with a hierarchy begins
// with a slash; at most 15 levels; not "aws" or "ssm" at its beginning.
func checkParameterName(name string) error {
	bare := strings.ToLower(strings.TrimPrefix(name, "/"))
	switch {
	case !parameterName.MatchString(name), len(name) > 1011:
		return refuse("ValidationException", "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of "+
			"sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_")
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return refuse("ValidationException", "Parameter name must be a fully qualified name.")
	case strings.HasPrefix(bare, "aws"):
		return refuse("AccessDeniedException", "No access to reserved parameter name: %s.", name)
	case strings.HasPrefix(bare, "ssm"):
		return refuse("ValidationException", "Parameter name: can't be prefixed with \"ssm\" (case-insensitive).")
	case strings.Count(name, "/") > 15:
		return refuse("HierarchyLevelLimitExceededException", "A parameter name hierarchy can have a maximum of 15 levels.")
	}
	return nil
}

// SeedParameter is a parameter of Systems Manager: a String unless Type says otherwise.
type SeedParameter struct {
	Type  string `yaml:"type"`
	Value string `yaml:"value"`
	Key   string `yaml:"key"`
}

func (s *ssmState) seed(p place, in map[string]SeedParameter, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		q := in[name]
		v := parameterVersion{kind: or(q.Type, ssmString), value: q.Value, dataType: "text", tier: "Standard"}
		if err := checkParameterName(name); err != nil {
			return fmt.Errorf("parameter %s: %w", name, plain(err))
		}
		if _, taken := s.find(p, name, now); taken {
			return fmt.Errorf("parameter %s: there is one of this name already", name)
		}
		if v.kind == ssmSecure {
			key, ok := s.aws.keys.resolve(p, or(q.Key, ssmAlias))
			if !ok {
				return fmt.Errorf("parameter %s: there is no KMS key %q", name, q.Key)
			}
			v.key = key
		}
		s.put(p, name, v, now)
	}
	return nil
}

// ssmAlias is the key that AWS manages for Systems Manager.
const ssmAlias = "alias/aws/ssm"

// PutParameter makes a parameter exist in Systems Manager, as a seed does.
func (a *AWS) PutParameter(account, region, name string, in SeedParameter) error {
	return a.Seed(Seed{Accounts: map[string]SeedAccount{account: {Regions: map[string]SeedRegion{
		region: {Parameters: map[string]SeedParameter{name: in}},
	}}}})
}
