package storetest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Cloud is the simulated AWS with sessions into two of its accounts: the part of
// a World that all stores of AWS have in common. Home is reached with the
// caller's own keys, Away by assuming a role.
type Cloud struct {
	AWS *sandbox.AWS

	home, away dr.Site
	sessions   store.Sessions
}

// NewCloud makes an empty simulated AWS. It is to be called within a bubble.
func NewCloud(t *testing.T) *Cloud {
	t.Helper()
	noConfiguration(t)
	c := &Cloud{
		AWS:  sandbox.New(sandbox.Options{Latency: 10 * time.Millisecond}),
		home: dr.Site{Name: "home", Account: "111111111111", Region: "us-east-1"},
		away: dr.Site{Name: "away", Account: "222222222222", Region: "us-east-1"},
	}
	c.sessions = session.New(session.Options{
		HTTPClient: c.AWS.Client(),
		Version:    "test",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: c.home.Account, SecretAccessKey: "secret"}, nil
		}),
	}, []policy.Site{{Site: c.home}, {Site: c.away, Role: "holdfast"}})
	return c
}

// noConfiguration keeps the caller's own AWS configuration out of a test.
func noConfiguration(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, os.DevNull)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS", "AWS_ENDPOINT_URL_STS", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} {
		t.Setenv(name, "")
	}
}

// Sessions gives the way to both sites.
func (c *Cloud) Sessions() store.Sessions { return c.sessions }

// Home is reached with the caller's own keys.
func (c *Cloud) Home() dr.Site { return c.home }

// Away is in another account than Home, and in the same Region.
func (c *Cloud) Away() dr.Site { return c.away }

// Calls gives the calls that were made so far, those to get credentials left out.
func (c *Cloud) Calls() []string {
	var out []string
	for _, call := range c.AWS.Calls() {
		if call.Service != "sts" {
			out = append(out, call.Service+":"+call.Action)
		}
	}
	return out
}

// Strike makes something go wrong.
func (c *Cloud) Strike(t Trouble) (end func()) {
	f := sandbox.Fault{Skip: t.Skip, Times: t.Times, StaleBy: t.By}
	f.Service, f.Action, _ = strings.Cut(t.Call, ":")
	switch t.Kind {
	case Throttled:
		f.Kind, f.Code, f.Message = sandbox.Fail, "Throttling", "Rate exceeded"
	case Broken:
		f.Kind = sandbox.Fail
	case LostAnswer:
		f.Kind = sandbox.Timeout
	case Stale:
		f.Kind = sandbox.Stale
	case Denied:
		f.Kind = sandbox.Deny
	}
	return c.AWS.Inject(f)
}
