package sandbox

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func stsService(a *AWS) *service {
	s := stsCalls{a}
	return &service{
		name: "sts", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		operations: map[string]operation{
			"AssumeRole":        writes(s.assumeRole),
			"GetCallerIdentity": reads(s.getCallerIdentity),
		},
		known: "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage " +
			"GetAccessKeyInfo GetCallerIdentity GetDelegatedAccessToken GetFederationToken GetSessionToken GetWebIdentityToken",
		resource: func(r *request) string {
			if role := r.params.values.Get("RoleArn"); role != "" {
				return role
			}
			return "*"
		},
	}
}

var sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

type stsCalls struct{ aws *AWS }

func (s stsCalls) getCallerIdentity(r *request) (any, error) {
	if err := r.params.check(); err != nil {
		return nil, err
	}
	return struct{ UserId, Account, Arn string }{r.who.userID, r.who.account, r.who.arn}, nil
}

type (
	assumeRoleResult struct {
		Credentials     stsCredentials
		AssumedRoleUser stsRoleUser
	}
	stsCredentials struct{ AccessKeyId, SecretAccessKey, SessionToken, Expiration string }
	stsRoleUser    struct{ AssumedRoleId, Arn string }
)

// assumeRole hands out temporary keys. The role's trust policy is not simulated:
// every caller may assume every role that exists, unless a fault or the account's
// denied actions say otherwise.
//
// AWS STS API Reference, AssumeRole: the session name, 900 s to 12 h; one hour at
// most for a session that assumes a role in turn (role chaining).
func (s stsCalls) assumeRole(r *request) (any, error) {
	roleARN, name := r.params.need("RoleArn"), r.params.need("RoleSessionName")
	seconds := r.params.number("DurationSeconds")
	r.params.ignore("ExternalId")
	if err := r.params.check(); err != nil {
		return nil, err
	}
	account, role, ok := parseRoleARN(roleARN)
	if !ok {
		return nil, refuse("ValidationError", "%s is invalid", roleARN)
	}
	if !sessionNamePattern.MatchString(name) {
		return nil, refuse("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: "+
			`Member must satisfy regular expression pattern: [\w+=,.@-]*`, name)
	}
	lasts, err := sessionLength(r, seconds)
	if err != nil {
		return nil, err
	}
	acc := s.aws.account(account)
	if len(acc.roles) > 0 && !slices.Contains(acc.roles, role) {
		// A role that does not exist is answered like one that is not allowed.
		return nil, forbid("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", r.who.arn, roleARN)
	}
	return s.grant(account, role, name, lasts), nil
}

func sessionLength(r *request, seconds *int) (time.Duration, error) {
	if seconds == nil {
		return time.Hour, nil
	}
	limit := 12 * 3600
	if strings.Contains(r.who.arn, ":assumed-role/") {
		limit = 3600
	}
	switch {
	case *seconds < 900:
		return 0, refuse("ValidationError", "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: "+
			"Member must have value greater than or equal to 900", *seconds)
	case *seconds > limit && limit == 3600:
		return 0, refuse("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case *seconds > limit:
		return 0, refuse("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return time.Duration(*seconds) * time.Second, nil
}

func (s stsCalls) grant(account, role, name string, lasts time.Duration) assumeRoleResult {
	n := strconv.Itoa(s.aws.serial)
	roleID := "AROA" + strings.ToUpper(hashed(17, "role", account, role))
	got := session{
		identity: identity{
			account: account,
			arn:     "arn:aws:sts::" + account + ":assumed-role/" + role[strings.LastIndex(role, "/")+1:] + "/" + name,
			userID:  roleID + ":" + name,
		},
		secret:  hashed(40, "secret", n),
		token:   hashed(64, "token", n) + hashed(64, "token", n, "2"),
		expires: s.aws.callersTime().Add(lasts),
	}
	key := "ASIA" + strings.ToUpper(hashed(16, "key", n))
	s.aws.sessions[key] = got
	return assumeRoleResult{
		stsCredentials{key, got.secret, got.token, got.expires.Format("2006-01-02T15:04:05Z")},
		stsRoleUser{got.userID, got.arn},
	}
}

// parseRoleARN reads arn:aws:iam::ACCOUNT:role/PATH/NAME.
func parseRoleARN(s string) (account, role string, ok bool) {
	rest, ok := strings.CutPrefix(s, "arn:aws:iam::")
	if !ok {
		return "", "", false
	}
	account, role, ok = strings.Cut(rest, ":role/")
	return account, role, ok && isAccountID(account) && role != "" && !strings.HasSuffix(role, "/")
}
