package sandbox

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// bucketPolicy is the policy of a bucket; nil where there is none.
type bucketPolicy struct {
	text       []byte
	Version    string
	Statements policyList[policyStatement] `json:"Statement"`
}

type policyStatement struct {
	Sid, Effect  string
	Principal    policyPrincipal
	NotPrincipal json.RawMessage
	Action       policyList[string]
	NotAction    policyList[string]
	Resource     policyList[string]
	NotResource  policyList[string]
	Condition    map[string]map[string]policyList[string]
}

// policyList is written as one value or as a list of them.
type policyList[T any] []T

// UnmarshalJSON reads either form.
func (l *policyList[T]) UnmarshalJSON(data []byte) error {
	var one T
	if json.Unmarshal(data, &one) == nil {
		*l = policyList[T]{one}
		return nil
	}
	var many []T
	err := json.Unmarshal(data, &many)
	*l = many
	return err
}

// policyPrincipal says whom a statement is about, by kind: AWS, Service,
// CanonicalUser. "*" alone is everyone.
type policyPrincipal map[string]policyList[string]

// UnmarshalJSON reads either form.
func (p *policyPrincipal) UnmarshalJSON(data []byte) error {
	var everyone string
	if json.Unmarshal(data, &everyone) == nil {
		*p = policyPrincipal{"AWS": {everyone}}
		return nil
	}
	var kinds map[string]policyList[string]
	err := json.Unmarshal(data, &kinds)
	*p = kinds
	return err
}

// What a policy says of a call.
const (
	policySilent = iota
	policyAllows
	policyDenies
)

// decide gives what the policy says. A denial counts more than a permission.
func (p *bucketPolicy) decide(who caller, b *bucket, key, action string, r *request) int {
	out := policySilent
	if p == nil {
		return out
	}
	resource := bucketARN(b.name)
	if key != "" && !bucketAction(action) {
		resource += "/" + key
	}
	for _, s := range p.Statements {
		if !s.covers(who, action, resource) || !s.conditionsMet(who, r) {
			continue
		}
		if s.Effect == "Deny" {
			return policyDenies
		}
		out = policyAllows
	}
	return out
}

// covers reports whether a statement is about a call.
func (s policyStatement) covers(who caller, action, resource string) bool {
	acts := func(pattern string) bool { return like("s3:"+action, pattern) }
	is := func(pattern string) bool { return policyLike(pattern, resource) }
	if len(s.NotAction) > 0 && slices.ContainsFunc(s.NotAction, acts) || len(s.NotAction) == 0 && !slices.ContainsFunc(s.Action, acts) {
		return false
	}
	if len(s.NotResource) > 0 && slices.ContainsFunc(s.NotResource, is) || len(s.NotResource) == 0 && !slices.ContainsFunc(s.Resource, is) {
		return false
	}
	return s.Principal.means(who)
}

func (p policyPrincipal) means(who caller) bool {
	if who.service != "" {
		return slices.Contains(p["Service"], who.service) || slices.Contains(p["AWS"], "*")
	}
	return slices.ContainsFunc(p["AWS"], func(name string) bool { return isPrincipal(name, who.identity) }) ||
		slices.Contains(p["CanonicalUser"], who.canonical)
}

// conditionsMet reports whether all conditions of a statement hold.
func (s policyStatement) conditionsMet(who caller, r *request) bool {
	for operator, keys := range s.Condition {
		name, ifExists := strings.CutSuffix(operator, "IfExists")
		for key, wanted := range keys {
			got, known := conditionValue(key, who, r)
			if !known && ifExists {
				continue
			}
			if !conditionMet(name, got, known, wanted) {
				return false
			}
		}
	}
	return true
}

// conditionMet compares a value. One that is not known meets only the operators
// that say "not".
func conditionMet(operator, got string, known bool, wanted []string) bool {
	if operator == "Null" {
		return slices.Contains(wanted, "true") != known
	}
	plain := strings.Replace(operator, "Not", "", 1)
	fits := known && slices.ContainsFunc(wanted, func(want string) bool {
		switch plain {
		case "StringLike", "ArnLike", "ArnEquals":
			return policyLike(want, got)
		case "StringEquals":
			return want == got
		default: // StringEqualsIgnoreCase and Bool.
			return strings.EqualFold(want, got)
		}
	})
	return fits != strings.Contains(operator, "Not")
}

// policyLike reports whether a text fits a pattern with * and ?.
func policyLike(pattern, text string) bool { return wild([]rune(pattern), []rune(text)) }

func conditionOperators() []string {
	return []string{
		"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
		"ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike", "Bool", "Null",
	}
}

// conditionValue gives what a condition key stands for in a call.
//
// IAM User Guide, "AWS global condition context keys"; Service Authorization
// Reference, "Condition keys for Amazon S3".
func conditionValue(key string, who caller, r *request) (string, bool) {
	header := func(name string) (string, bool) {
		if r.s3 == nil {
			return "", false
		}
		v := r.s3.header.Get(name)
		return v, v != ""
	}
	lower := strings.ToLower(key)
	switch lower {
	case "aws:securetransport":
		return "true", true // As the sandbox stands for endpoints that are secure.
	case "aws:principalaccount":
		return who.account, who.service == ""
	case "aws:principalarn":
		return principalARN(who.identity), who.service == ""
	case "aws:sourceaccount":
		return r.who.account, who.service != ""
	case "aws:requestedregion":
		return r.region, true
	case "s3:prefix":
		if r.s3 == nil {
			return "", false
		}
		return r.s3.parameter("prefix")
	}
	if name, ok := strings.CutPrefix(lower, "s3:"); ok && strings.HasPrefix(name, "x-amz-") {
		return header(name)
	}
	return "", false
}

// principalARN gives the ARN of the role behind a session.
func principalARN(who identity) string {
	rest, ok := strings.CutPrefix(who.arn, "arn:aws:sts::"+who.account+":assumed-role/")
	if !ok {
		return who.arn
	}
	role, _, _ := strings.Cut(rest, "/")
	return "arn:aws:iam::" + who.account + ":role/" + role
}

// bucketAction reports whether an action is done to a bucket, and not to an object.
func bucketAction(action string) bool {
	return action != "AbortMultipartUpload" && action != "ListMultipartUploadParts" && !strings.Contains(action, "Object")
}

// parsePolicy reads the policy of a bucket.
//
// Amazon S3 User Guide, "Policies and permissions in Amazon S3". The messages are
// assumed.
func parsePolicy(b *bucket, text []byte) (*bucketPolicy, error) {
	bad := func(why string) error { return refuse("MalformedPolicy", "%s", why) }
	p := &bucketPolicy{text: text}
	switch {
	case len(text) > 20<<10:
		return nil, refuse("PolicyTooLarge", "Policy is larger than 20 KB.")
	case json.Unmarshal(text, p) != nil:
		return nil, bad("Policies must be valid JSON and the first byte must be '{'")
	case len(p.Statements) == 0:
		return nil, bad("Missing required field Statement")
	}
	for _, s := range p.Statements {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return nil, bad("Invalid effect: " + s.Effect)
		case len(s.NotPrincipal) > 0:
			return nil, notSimulated("NotPrincipal in the policies of buckets")
		case len(s.Principal) == 0:
			return nil, bad("Missing required field Principal")
		case len(s.Action)+len(s.NotAction) == 0:
			return nil, bad("Missing required field Action")
		case len(s.Resource)+len(s.NotResource) == 0:
			return nil, bad("Missing required field Resource")
		}
		if err := firstError(s.checkPrincipals(), s.checkActions(b), s.checkConditions()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s policyStatement) checkPrincipals() error {
	for kind, names := range s.Principal {
		for _, name := range names {
			ok := kind == "Service" && strings.HasSuffix(name, ".amazonaws.com") || kind == "CanonicalUser" && len(name) == 64 ||
				kind == "AWS" && (name == "*" || isAccountID(name) || iamPattern.MatchString(name))
			if kind == "Federated" {
				return notSimulated("federated principals in the policies of buckets")
			}
			if !ok {
				return refuse("MalformedPolicy", "Invalid principal in policy")
			}
		}
	}
	return nil
}

var iamPattern = regexp.MustCompile(`^arn:aws:(iam|sts)::\d{12}:(root|user/.+|role/.+|assumed-role/.+)$`)

// checkActions refuses what could never have an effect.
func (s policyStatement) checkActions(b *bucket) error {
	of := bucketARN(b.name)
	for _, r := range append(slices.Clone(s.Resource), s.NotResource...) {
		if r != "*" && r != of && !strings.HasPrefix(r, of+"/") && !policyLike(r, of) {
			return refuse("MalformedPolicy", "Policy has invalid resource")
		}
	}
	for _, full := range append(slices.Clone(s.Action), s.NotAction...) {
		action, ok := strings.CutPrefix(full, "s3:")
		switch {
		case full == "*":
			continue
		case !ok:
			return refuse("MalformedPolicy", "Policy has invalid action")
		case strings.ContainsAny(action, "*?") || len(s.Resource) == 0:
			continue
		}
		fits := func(r string) bool {
			return strings.ContainsAny(r, "*?") && !strings.Contains(r, "/") || strings.Contains(r, "/") != bucketAction(action)
		}
		if !slices.ContainsFunc(s.Resource, fits) {
			return refuse("MalformedPolicy", "Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}

func (s policyStatement) checkConditions() error {
	for operator := range s.Condition {
		if !slices.Contains(conditionOperators(), strings.TrimSuffix(operator, "IfExists")) {
			return notSimulated("the condition %s in the policies of buckets", operator)
		}
	}
	return nil
}

// public reports whether a policy lets everyone do something.
func (p *bucketPolicy) public() bool {
	return slices.ContainsFunc(p.Statements, func(s policyStatement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Principal["AWS"], "*") && len(s.Condition) == 0
	})
}
