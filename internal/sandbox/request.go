package sandbox

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// request is one call on its way through the sandbox.
type request struct {
	client  *Client
	who     identity
	region  string
	service string
	action  string
	params  *params
	// s3 is what a call to S3 says, which has no parameters but method, path, query,
	// headers and body.
	s3 *s3Call
	// now is when the call takes effect, view the moment as of which reads are
	// answered: the same, unless a Stale fault holds reads back.
	now, view time.Time
}

func (r *request) place() place { return place{r.who.account, r.region} }

// scope is the credential scope of a SigV4 signature.
type scope struct{ accessKey, region, service string }

// readScope reads the scope from a request's Authorization header, or from the
// query of a presigned URL. Signatures themselves are not checked: no secret is
// known.
//
// AWS IAM User Guide, "Elements of an AWS API request signature".
func readScope(r *http.Request) (scope, error) {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if header := r.Header.Get("Authorization"); header != "" {
		var err error
		if credential, err = headerCredential(header); err != nil {
			return scope{}, err
		}
	}
	if credential == "" {
		return scope{}, forbid("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	part := strings.Split(credential, "/")
	if len(part) != 5 || part[4] != "aws4_request" || part[0] == "" || part[3] == "" {
		return scope{}, refuse("IncompleteSignature",
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
	}
	s := scope{accessKey: part[0], region: part[2], service: part[3]}
	if !regionPattern.MatchString(s.region) {
		return scope{}, forbid("SignatureDoesNotMatch", "Credential should be scoped to a valid region, not '%s'.", s.region)
	}
	return s, nil
}

func headerCredential(header string) (string, error) {
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != "AWS4-HMAC-SHA256" {
		return "", refuse("IncompleteSignature", "Unsupported AWS 'algorithm': '%s'.", algorithm)
	}
	found := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		found[k] = v
	}
	for _, need := range [...]string{"Credential", "SignedHeaders", "Signature"} {
		if found[need] == "" {
			return "", refuse("IncompleteSignature", "Authorization header requires '%s' parameter. Authorization=%s", need, algorithm)
		}
	}
	return found["Credential"], nil
}

// regionPattern tells what may be a Region: made-up ones are fine, mistakes such
// as a zone ("us-east-1a") or a blank are not.
var regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d+$`)
