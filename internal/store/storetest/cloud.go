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

	home, away         dr.Site
	abroad, awayAbroad dr.Site
	sessions           store.Sessions
}

// NewCloud makes an empty simulated AWS. It is to be called within a bubble.
func NewCloud(t *testing.T) *Cloud {
	t.Helper()
	noConfiguration(t)
	c := &Cloud{
		AWS:  sandbox.New(sandbox.Options{Latency: 10 * time.Millisecond}),
		home: dr.Site{Name: "home", Account: "111111111111", Region: "us-east-1"},
		away: dr.Site{Name: "away", Account: "222222222222", Region: "us-east-1"},

		abroad:     dr.Site{Name: "abroad", Account: "111111111111", Region: "us-west-2"},
		awayAbroad: dr.Site{Name: "away-abroad", Account: "222222222222", Region: "us-west-2"},
	}
	c.sessions = c.sessionsOver(c.AWS.Client())
	return c
}

func (c *Cloud) sessionsOver(client *sandbox.Client) store.Sessions {
	return session.New(session.Options{
		HTTPClient: client,
		Version:    "test",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: c.home.Account, SecretAccessKey: "secret"}, nil
		}),
	}, []policy.Site{{Site: c.home}, {Site: c.abroad}, {Site: c.away, Role: "holdfast"}, {Site: c.awayAbroad, Role: "holdfast"}})
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

// Abroad is in the account of Home, and in another Region.
func (c *Cloud) Abroad() dr.Site { return c.abroad }

// AwayAbroad is in the account of Away and the Region of Abroad.
func (c *Cloud) AwayAbroad() dr.Site { return c.awayAbroad }

// PutKey makes a customer's key exist at a site, which the other accounts may use
// too, and gives its ARN.
func (c *Cloud) PutKey(site dr.Site, alias string, others ...string) (string, error) {
	return c.AWS.PutKey(site.Account, site.Region, sandbox.SeedKey{Name: alias, Accounts: others})
}

// Mortal gives the sessions of a process that dies at a call, before or after it
// took effect, having made so many.
func (c *Cloud) Mortal(calls int, after bool) (sessions store.Sessions, died func() bool) {
	client, kind := c.AWS.Client(), sandbox.CrashBefore
	if after {
		kind = sandbox.CrashAfter
	}
	c.AWS.Inject(sandbox.Fault{Match: sandbox.Match{Client: client}, Skip: calls, Times: 1, Kind: kind})
	return c.sessionsOver(client), client.Crashed
}

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
