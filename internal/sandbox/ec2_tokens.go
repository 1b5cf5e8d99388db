package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// ec2Token is a call that gave a client token: with what parameters, and what came of
// it.
type ec2Token struct{ asked, id string }

// token reads the client token of a call, and gives the id of what a call with the same
// one has made before, or "".
//
// Amazon EC2 API Reference, "Ensuring idempotency in Amazon EC2 API requests": with the
// same token and the same parameters nothing more is done, with others the call fails
// with IdempotentParameterMismatch.
func (s *ec2State) token(r *request) (string, error) {
	token := r.params.str("ClientToken")
	if token == "" {
		return "", nil
	}
	if len(token) > 64 {
		return "", invalidValue("The client token exceeds the maximum length of 64 characters")
	}
	before, ok := s.tokens[tokenKey(r, token)]
	switch {
	case !ok:
		return "", nil
	case before.asked != askedFor(r.params):
		return "", refuse("IdempotentParameterMismatch", "The client token '%s' was used before with other parameters.", token)
	}
	return before.id, nil
}

// keepToken remembers what came of a call.
func (s *ec2State) keepToken(r *request, id string) {
	if token := r.params.values.Get("ClientToken"); token != "" {
		s.tokens[tokenKey(r, token)] = ec2Token{askedFor(r.params), id}
	}
}

func tokenKey(r *request, token string) string {
	return strings.Join([]string{r.who.account, r.region, r.action, token}, " ")
}

// askedFor gives the parameters of a call as one text.
func askedFor(p *params) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p.values)) {
		if !strings.HasPrefix(k, "X-Amz-") {
			b.WriteString(k + "=" + strings.Join(p.values[k], ",") + "\n")
		}
	}
	return b.String()
}
