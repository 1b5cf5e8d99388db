package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// keyUse is who uses keys, and through which service: "" for a call to KMS
// itself, or a service's name in its endpoint, such as "rds".
type keyUse struct {
	who identity
	via string
}

// anyService stands for a service that is not known, which passes for each.
const anyService = "*"

// keyProblem is why a key cannot be used; who asks for it makes an error of it.
type keyProblem struct{ key, why string }

func (e keyProblem) Error() string { return "the KMS key " + e.key + " " + e.why }

// use gives the ARN of the key that a name means in a Region, or why it cannot be
// used for these actions.
func (k *keyring) use(u keyUse, region, name string, now time.Time, actions ...string) (string, error) {
	key, ok := k.find(place{u.who.account, region}, name, now)
	if !ok {
		return "", keyProblem{name, "does not exist"}
	}
	for _, action := range actions {
		if !k.permits(key, u, action, now) {
			return "", keyProblem{name, "does not let " + u.who.arn + " do kms:" + action}
		}
	}
	if state := key.state.get(now); state != keyEnabled {
		return "", keyProblem{name, "is " + state}
	}
	return key.arn(), nil
}

// works reports whether the key that something is encrypted with is there and
// enabled, or it is not encrypted at all.
func (k *keyring) works(keyARN string, now time.Time) bool {
	if keyARN == "" {
		return true
	}
	part := strings.SplitN(keyARN, ":", 6)
	key, ok := k.find(place{part[4], part[3]}, keyARN, now)
	return ok && key.state.get(now) == keyEnabled
}

// permits reports whether someone may do an action with a key: where nothing
// forbids it and the key's policy or a grant allows it. Identity policies are not
// simulated but for an account's denied actions, so that what a key's policy
// leaves to an account is allowed to everyone in it.
//
// AWS KMS Developer Guide, "Troubleshooting AWS KMS permissions".
func (k *keyring) permits(key *kmsKey, u keyUse, action string, when time.Time) bool {
	if k.aws.account(u.who.account).denies("kms", action) {
		return false
	}
	policy := key.policy.get(when)
	if policy.says("Deny", u, key, action) {
		return false
	}
	return policy.says("Allow", u, key, action) || key.granted(u, action, when)
}

// says reports whether a statement with this effect covers an action.
func (p keyPolicy) says(effect string, u keyUse, key *kmsKey, action string) bool {
	return slices.ContainsFunc(p.statements, func(s keyStatement) bool {
		return s.effect == effect &&
			slices.ContainsFunc(s.principals, func(p string) bool { return isPrincipal(p, u.who) }) &&
			slices.ContainsFunc(s.actions, func(a string) bool { return like("kms:"+action, a) }) &&
			!slices.ContainsFunc(s.conditions, func(c keyCondition) bool { return !c.met(u, key, action) })
	})
}

// isPrincipal reports whether a caller is meant by a principal of a policy.
func isPrincipal(principal string, who identity) bool {
	account, role, isRole := parseRoleARN(principal)
	switch {
	case principal == "*", principal == who.arn, principal == who.account, principal == rootOf(who.account).arn:
		return true
	case isRole:
		return account == who.account &&
			strings.HasPrefix(who.arn, "arn:aws:sts::"+account+":assumed-role/"+role[strings.LastIndex(role, "/")+1:]+"/")
	}
	return false
}

// met reports whether a condition holds. One about a service does not hold for a
// call to KMS itself, which has no such key in its context.
//
// AWS KMS Developer Guide, "AWS KMS condition keys".
func (c keyCondition) met(u keyUse, key *kmsKey, action string) bool {
	var got string
	switch c.key {
	case conditionCaller:
		got = u.who.account
	case conditionForAWS:
		// Services make their grants so; for actions about other things than grants
		// the key is not in the context.
		if !slices.Contains([]string{"CreateGrant", "ListGrants", "RevokeGrant"}, action) {
			return false
		}
		got = fmt.Sprint(u.via != "")
	case conditionVia:
		switch u.via {
		case "":
			return false
		case anyService:
			return true
		}
		got = u.via + "." + key.region + ".amazonaws.com"
	}
	return slices.ContainsFunc(c.values, func(v string) bool {
		if c.operator == "StringLike" {
			return wildcard(v, got)
		}
		return v == got
	})
}

// like reports whether an action is meant by one of a policy, where case does not
// count.
func like(action, pattern string) bool {
	return wildcard(strings.ToLower(pattern), strings.ToLower(action))
}

// wildcard reports whether a text fits a pattern of a policy, with * and ?.
func wildcard(pattern, text string) bool { return wild([]rune(pattern), []rune(text)) }
