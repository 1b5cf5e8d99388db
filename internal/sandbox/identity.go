package sandbox

import (
	"net/http"
	"time"
)

// identity is who calls.
type identity struct {
	account string
	arn     string
	userID  string
}

// session is the outcome of an AssumeRole.
type session struct {
	identity
	secret  string
	token   string
	expires time.Time
}

// identify finds out whose access key a request was signed with.
//
//   - An access key of 12 digits is the root user of that account.
//   - "test" and "sandbox" are the root user of DefaultAccount.
//   - Keys that AssumeRole handed out are its sessions, for as long as they last.
//   - Any other is unknown.
func (a *AWS) identify(key string, r *http.Request) (identity, error) {
	switch {
	case isAccountID(key):
		return rootOf(key), nil
	case key == "test", key == "sandbox":
		return rootOf(DefaultAccount), nil
	}
	unknown := forbid("InvalidClientTokenId", "The security token included in the request is invalid.")
	s, ok := a.sessions[key]
	if !ok {
		return identity{}, unknown
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = r.URL.Query().Get("X-Amz-Security-Token")
	}
	if token != s.token {
		return identity{}, unknown
	}
	if !a.callersTime().Before(s.expires) {
		return identity{}, forbid("ExpiredToken", "The security token included in the request is expired")
	}
	return s.identity, nil
}

// callersTime is the time without what Advance added. Sessions last by it: the
// caller, who renews its keys in time by its own clock, knows of no advance.
func (a *AWS) callersTime() time.Time { return a.options.Now().UTC() }

func rootOf(account string) identity {
	return identity{account: account, arn: "arn:aws:iam::" + account + ":root", userID: account}
}
