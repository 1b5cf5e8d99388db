package sandbox

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type (
	parameterJSON struct {
		ARN, DataType, Name, Type, Value string
		LastModifiedDate                 float64
		Selector                         string `json:",omitempty"`
		Version                          int
	}
	parameterResult  struct{ Parameter parameterJSON }
	parametersResult struct {
		Parameters        []parameterJSON
		InvalidParameters []string
	}
	parameterPut struct {
		Tier    string
		Version int
	}
	parametersGone   struct{ DeletedParameters, InvalidParameters []string }
	parameterRequest struct {
		name, pattern string
		overwrite     bool
		tagged        bool
		version       parameterVersion
	}
)

func parameterNotFound(name string) error {
	return refuse("ParameterNotFound", "Parameter %s not found.", name)
}

func readParameter(p *params) parameterRequest {
	q := parameterRequest{name: p.need("Name"), pattern: p.str("AllowedPattern"), overwrite: p.isSet("Overwrite")}
	q.version = parameterVersion{
		kind: p.str("Type"), value: p.need("Value"), key: p.str("KeyId"), text: p.str("Description"),
		dataType: or(p.str("DataType"), "text"), tier: or(p.str("Tier"), "Standard"),
	}
	for _, prefix := range p.members("Tags", "member") {
		q.tagged = true
		p.ignore(prefix+".Key", prefix+".Value")
	}
	return q
}

// putParameter makes a parameter, or gives one another value.
//
// AWS Systems Manager API Reference, PutParameter: 4 KB for standard parameters, 8 KB
// for advanced ones; tags only for new ones; the type of one that is there cannot be
// changed.
func (s *ssmState) putParameter(r *request) (any, error) {
	q := readParameter(r.params)
	if err := firstError(r.params.check(), checkParameterName(q.name), q.check()); err != nil {
		return nil, err
	}
	old, there := s.find(r.place(), q.name, r.now)
	if there {
		last := old.versions.get(r.now)
		q.version.kind = or(q.version.kind, last[len(last)-1].kind)
		switch {
		case !q.overwrite:
			return nil, refuse("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		case q.version.kind != last[len(last)-1].kind:
			return nil, refuse("HierarchyTypeMismatchException", "The type of a parameter can't be changed. You must create a new, unique parameter.")
		}
	}
	switch v := &q.version; {
	case v.kind == "":
		return nil, refuse("ValidationException", "A parameter type is required when you create a parameter.")
	case v.kind != ssmSecure && v.key != "":
		return nil, refuse("ValidationException", "KeyId is required for SecureString type parameter only.")
	case v.kind == ssmSecure:
		key, err := s.aws.keys.use(keyUse{r.who, "ssm"}, r.region, or(v.key, ssmAlias), r.now, "Encrypt")
		if err != nil {
			return nil, refuse("InvalidKeyId", "The KMS key cannot be used: %s.", err.Error())
		}
		v.key = key
	}
	x := s.put(r.place(), q.name, q.version, r.now)
	return parameterPut{q.version.tier, len(x.versions.get(r.now))}, nil
}

func (q parameterRequest) check() error {
	v := q.version
	most := map[string]int{"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}[v.tier]
	switch {
	case v.kind != "" && !slices.Contains([]string{ssmString, ssmList, ssmSecure}, v.kind):
		return refuse("ValidationException", "1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [SecureString, StringList, String]", v.kind)
	case v.value == "":
		return refuse("ValidationException", "1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case most == 0:
		return refuse("ValidationException", "There is no tier %q.", v.tier)
	case len(v.value) > most:
		return refuse("ValidationException", "%s tier parameters support a maximum parameter value of %d characters.", v.tier, most)
	case v.dataType != "text":
		return notSimulated("parameters of the data type %q", v.dataType)
	case q.tagged && q.overwrite:
		return refuse("ValidationException", "Invalid request: tags and overwrite can't be used together.")
	}
	if q.pattern == "" {
		return nil
	}
	pattern, err := regexp.Compile(q.pattern)
	switch {
	case err != nil:
		return refuse("InvalidAllowedPatternException", "The pattern %s is not valid.", q.pattern)
	case !pattern.MatchString(v.value):
		return refuse("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", q.pattern)
	}
	return nil
}

// show gives a version of a parameter. The value of a SecureString is shown encrypted,
// unless it is to be decrypted.
func (s *ssmState) show(name string, decrypt bool, r *request) (parameterJSON, error) {
	base, selector := name, ""
	if !strings.HasPrefix(name, "arn:") {
		base, selector, _ = strings.Cut(name, ":")
	}
	x, ok := s.find(r.place(), base, r.view)
	if !ok {
		return parameterJSON{}, parameterNotFound(name)
	}
	all := x.versions.get(r.view)
	n := len(all)
	if selector != "" {
		var err error
		if n, err = strconv.Atoi(selector); err != nil || n < 1 || n > len(all) {
			return parameterJSON{}, refuse("ParameterVersionNotFound", "Systems Manager could not find version %s of %s.", selector, base)
		}
		selector = ":" + selector
	}
	v := all[n-1]
	out := parameterJSON{
		ARN: x.arn(), DataType: v.dataType, Name: x.name, Type: v.kind, Value: v.value, LastModifiedDate: epoch(v.changed),
		Selector: selector, Version: n,
	}
	switch {
	case v.kind != ssmSecure:
	case !decrypt:
		out.Value = base64.StdEncoding.EncodeToString([]byte(hashed(64, v.key, v.value)))
	default:
		if _, err := s.aws.keys.use(keyUse{r.who, "ssm"}, r.region, v.key, r.now, "Decrypt"); err != nil {
			if !s.aws.keys.works(v.key, r.now) {
				return out, refuse("InvalidKeyId", "The KMS key cannot be used: %s.", err.Error())
			}
			return out, refuse("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, "+
				"does not exist in this region, or you are not allowed to access.")
		}
	}
	return out, nil
}

func (s *ssmState) getParameter(r *request) (any, error) {
	name, decrypt := r.params.need("Name"), r.params.isSet("WithDecryption")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	x, err := s.show(name, decrypt, r)
	if err != nil {
		return nil, err
	}
	return parameterResult{x}, nil
}

// getParameters gives up to ten parameters, and the names of those that there are not.
func (s *ssmState) getParameters(r *request) (any, error) {
	names, decrypt := r.params.list("Names", "member"), r.params.isSet("WithDecryption")
	if err := firstError(r.params.check(), checkNames(names)); err != nil {
		return nil, err
	}
	out := parametersResult{[]parameterJSON{}, []string{}}
	for _, name := range names {
		x, err := s.show(name, decrypt, r)
		switch code := codeOf(err); {
		case code == "ParameterNotFound", code == "ParameterVersionNotFound":
			out.InvalidParameters = append(out.InvalidParameters, name)
		case err != nil:
			return nil, err
		default:
			out.Parameters = append(out.Parameters, x)
		}
	}
	return out, nil
}

func checkNames(names []string) error {
	if len(names) < 1 || len(names) > 10 {
		return refuse("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length from 1 to 10")
	}
	return nil
}

func (s *ssmState) deleteParameter(r *request) (any, error) {
	name := r.params.need("Name")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	if !s.drop(name, r) {
		return nil, parameterNotFound(name)
	}
	return nil, nil
}

func (s *ssmState) deleteParameters(r *request) (any, error) {
	names := r.params.list("Names", "member")
	if err := firstError(r.params.check(), checkNames(names)); err != nil {
		return nil, err
	}
	out := parametersGone{[]string{}, []string{}}
	for _, name := range names {
		if s.drop(name, r) {
			out.DeletedParameters = append(out.DeletedParameters, name)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

// drop deletes a parameter with all its versions.
func (s *ssmState) drop(name string, r *request) bool {
	x, ok := s.find(r.place(), name, r.now)
	if ok {
		x.versions.set(r.now, nil)
	}
	return ok
}
