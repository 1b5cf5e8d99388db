package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// keyPolicy is the policy of a key.
type keyPolicy struct {
	text       string
	statements []keyStatement
}

// keyStatement is a statement of a policy. It covers what fits one each of its
// principals and actions, and all of its conditions.
type keyStatement struct {
	effect              string
	principals, actions []string
	conditions          []keyCondition
}

type keyCondition struct {
	operator, key string
	values        []string
}

// The condition keys that are simulated.
const (
	conditionCaller = "kms:CallerAccount"
	conditionVia    = "kms:ViaService"
	conditionForAWS = "kms:GrantIsForAWSResource"
)

// policyJSON is a policy as it is written.
type policyJSON struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement list[policyEntry] `json:"Statement"`
}

type policyEntry struct {
	Sid       string `json:"Sid,omitempty"`
	Effect    string
	Principal principalJSON
	Action    list[string]
	Resource  list[string]
	Condition map[string]map[string]list[string] `json:"Condition,omitempty"`
}

// list is what policies write as one value or as a list of them. Values of
// conditions may be booleans too.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return strictly(b, (*[]T)(l))
	}
	if b[0] == 't' || b[0] == 'f' {
		b = []byte(`"` + string(b) + `"`)
	}
	var one T
	err := strictly(b, &one)
	*l = list[T]{one}
	return err
}

// principalJSON is "*" or accounts and roles under AWS.
type principalJSON struct{ AWS list[string] }

func (p *principalJSON) UnmarshalJSON(b []byte) error {
	if string(b) == `"*"` {
		p.AWS = list[string]{"*"}
		return nil
	}
	type plain principalJSON
	return strictly(b, (*plain)(p))
}

// strictly reads JSON without passing over what it does not know.
func strictly(b []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func badPolicy(format string, args ...any) *apiError {
	return refuse("MalformedPolicyDocumentException", format, args...)
}

// maxPolicy is AWS KMS API Reference, PutKeyPolicy: "The key policy size quota is 32
// kilobytes (32768 bytes)."
const maxPolicy = 32768

// readPolicy reads a policy for a key. What AWS would take and the sandbox does not
// simulate is refused: a policy half understood would flatter or block the caller.
func (k *keyring) readPolicy(key *kmsKey, text string) (keyPolicy, error) {
	var doc policyJSON
	if len(text) > maxPolicy {
		return keyPolicy{}, refuse("LimitExceededException", "The key policy is larger than %d bytes.", maxPolicy)
	}
	if !json.Valid([]byte(text)) {
		return keyPolicy{}, badPolicy("The policy is not valid JSON.")
	}
	if err := strictly([]byte(text), &doc); err != nil {
		return keyPolicy{}, notSimulated("this key policy: %s", err)
	}
	out := keyPolicy{text: text}
	for _, s := range doc.Statement {
		if err := k.checkStatement(key, s); err != nil {
			return keyPolicy{}, err
		}
		conditions, err := readConditions(s.Condition)
		if err != nil {
			return keyPolicy{}, err
		}
		out.statements = append(out.statements, keyStatement{s.Effect, s.Principal.AWS, s.Action, conditions})
	}
	if len(out.statements) == 0 {
		return keyPolicy{}, badPolicy("The policy has no statement.")
	}
	return out, nil
}

func (k *keyring) checkStatement(key *kmsKey, s policyEntry) error {
	switch {
	case s.Effect != "Allow" && s.Effect != "Deny":
		return badPolicy("Effect must be Allow or Deny, got %q.", s.Effect)
	case len(s.Principal.AWS) == 0:
		return badPolicy("A statement of a key policy must have a Principal.")
	case len(s.Action) == 0:
		return badPolicy("A statement must have an Action.")
	case len(s.Resource) != 1 || s.Resource[0] != "*" && s.Resource[0] != key.arn():
		return badPolicy("The Resource of a key policy must be the key itself, \"*\".")
	}
	for _, a := range s.Action {
		if a != "*" && !strings.HasPrefix(strings.ToLower(a), "kms:") {
			return badPolicy("The action %s is not one of AWS KMS.", a)
		}
	}
	for _, p := range s.Principal.AWS {
		if !k.knows(p) {
			return badPolicy("Policy contains a statement with one or more invalid principals.")
		}
	}
	return nil
}

// knows reports whether a principal exists: everyone, an account, or a role of an
// account that has it. Users are not simulated.
func (k *keyring) knows(principal string) bool {
	account, role, isRole := parseRoleARN(principal)
	if isRole {
		roles := k.aws.account(account).roles
		return len(roles) == 0 || slices.Contains(roles, role)
	}
	id := strings.TrimSuffix(strings.TrimPrefix(principal, "arn:aws:iam::"), ":root")
	return principal == "*" || isAccountID(principal) || isAccountID(id) && principal == rootOf(id).arn
}

// readConditions reads the conditions that are simulated.
func readConditions(in map[string]map[string]list[string]) ([]keyCondition, error) {
	var out []keyCondition
	for _, operator := range slices.Sorted(maps.Keys(in)) {
		for _, key := range slices.Sorted(maps.Keys(in[operator])) {
			c := keyCondition{operator, key, in[operator][key]}
			known := false
			for _, name := range [...]string{conditionCaller, conditionVia, conditionForAWS} {
				if strings.EqualFold(name, key) {
					c.key = name
					known = (operator == "Bool") == (name == conditionForAWS) &&
						slices.Contains([]string{"Bool", "StringEquals", "StringLike"}, operator)
				}
			}
			if !known {
				return nil, notSimulated("the condition %s of %s in key policies", operator, key)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// allow makes a statement.
func allow(sid, principal string, actions []string, conditions ...keyCondition) policyEntry {
	s := policyEntry{Sid: sid, Effect: "Allow", Principal: principalJSON{list[string]{principal}}, Action: actions, Resource: list[string]{"*"}}
	for _, c := range conditions {
		if s.Condition == nil {
			s.Condition = map[string]map[string]list[string]{}
		}
		if s.Condition[c.operator] == nil {
			s.Condition[c.operator] = map[string]list[string]{}
		}
		s.Condition[c.operator][c.key] = c.values
	}
	return s
}

func policyOf(id string, statements ...policyEntry) keyPolicy {
	// What consists of texts alone cannot fail to be written.
	text, _ := json.MarshalIndent(policyJSON{"2012-10-17", id, statements}, "", "  ") //nolint:errchkjson // See above.
	out := keyPolicy{text: string(text)}
	for _, s := range statements {
		conditions, _ := readConditions(s.Condition)
		out.statements = append(out.statements, keyStatement{s.Effect, s.Principal.AWS, s.Action, conditions})
	}
	return out
}

// defaultPolicy gives the account everything (AWS KMS Developer Guide, "Default key
// policy": what a key has that was made without a policy).
func defaultPolicy(account string) keyPolicy {
	return policyOf("key-default-1", allow("Enable IAM User Permissions", rootOf(account).arn, []string{"kms:*"}))
}

// sharedPolicy is the default policy and what the console adds for each of "Other
// AWS accounts" (AWS KMS Developer Guide, "Allowing users in other accounts to use a
// KMS key").
func sharedPolicy(account string, others []string) keyPolicy {
	all := []policyEntry{allow("Enable IAM User Permissions", rootOf(account).arn, []string{"kms:*"})}
	for _, other := range others {
		root := rootOf(other).arn
		all = append(
			all,
			allow("Allow use of the key", root, []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"}),
			allow(
				"Allow attachment of persistent resources", root, []string{"kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"},
				keyCondition{"Bool", conditionForAWS, []string{"true"}},
			),
		)
	}
	return policyOf("key-consolepolicy-3", all...)
}

// managedPolicy lets those of the account use a key that AWS manages, through its
// service alone (AWS KMS Developer Guide, "AWS managed keys").
func managedPolicy(key *kmsKey) keyPolicy {
	host := key.service
	if host == "ebs" {
		host = "ec2"
	}
	return policyOf(
		"auto-"+key.service+"-2",
		allow(
			"Allow access through the service for all principals in the account that may use it", "*",
			[]string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"},
			keyCondition{"StringEquals", conditionCaller, []string{key.account}},
			keyCondition{"StringEquals", conditionVia, []string{host + "." + key.region + ".amazonaws.com"}},
		),
		allow(
			"Allow direct access to key metadata to the account", rootOf(key.account).arn,
			[]string{"kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"},
		),
	)
}

// setPolicy gives a key a policy. The caller must not lock itself out, unless it
// says that it means to.
//
// AWS KMS API Reference, PutKeyPolicy, Policy and BypassPolicyLockoutSafetyCheck.
func (k *keyring) setPolicy(key *kmsKey, text string, who identity, bypass bool, now time.Time) error {
	policy, err := k.readPolicy(key, text)
	if err != nil {
		return err
	}
	u := keyUse{who, ""}
	if !bypass && (!policy.says("Allow", u, key, "PutKeyPolicy") || policy.says("Deny", u, key, "PutKeyPolicy")) {
		return badPolicy("The new key policy will not allow you to update the key policy in the future.")
	}
	key.policy.set(now, policy)
	return nil
}
