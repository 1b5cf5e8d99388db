// Package session gives the way to each site: which credentials, which Region,
// which endpoint, how often to try and at what pace.
package session

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Static gives credentials with an access key that needs no secret, for the
// simulated AWS.
func Static(accessKey string) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(accessKey, "none", "")
}

// Options say how to reach AWS. The zero value reaches the real one with the
// SDK's own search for credentials.
type Options struct {
	// EndpointURL replaces every service's endpoint. The SDK's environment
	// variables (AWS_ENDPOINT_URL and the like) work without it.
	EndpointURL string
	// HTTPClient replaces the SDK's; the simulated AWS is plugged in here.
	HTTPClient aws.HTTPClient
	// Credentials replace the SDK's search for them.
	Credentials aws.CredentialsProvider
	// Attempts bounds the tries of one call; 0 means 8.
	Attempts int
	// Pace bounds the calls per second and service at one site; the zero value
	// means 20 with bursts of 40.
	Pace Pace
	// Version is written to the user agent.
	Version string
}

// Sessions caches the configuration of each site. It may be used from several
// goroutines at once.
type Sessions struct {
	opts  Options
	sites map[string]policy.Site

	mu        sync.Mutex
	confirmed map[string]dr.Site // by the site's name
	ready     map[string]*entry  // by the site's name
}

// entry is made once for each site; a failure is not cached.
type entry struct {
	mu  sync.Mutex
	cfg *aws.Config
}

// New makes the sessions for the sites of a policy file.
func New(opts Options, sites []policy.Site) *Sessions {
	s := &Sessions{opts: opts, sites: map[string]policy.Site{}, ready: map[string]*entry{}, confirmed: map[string]dr.Site{}}
	for _, site := range sites {
		if site.Vault != "" {
			site.Region = site.Depot.Region
		}
		s.sites[site.Name] = site
	}
	return s
}

var _ store.Sessions = (*Sessions)(nil)

// Config gives the configuration of an SDK client for the site.
func (s *Sessions) Config(ctx context.Context, site dr.Site) (aws.Config, error) {
	s.mu.Lock()
	e := s.ready[site.Name]
	if e == nil {
		e = &entry{}
		s.ready[site.Name] = e
	}
	s.mu.Unlock()

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cfg == nil {
		cfg, err := s.load(ctx, site)
		if err != nil {
			return aws.Config{}, fmt.Errorf("reach site %s: %w", site, err)
		}
		e.cfg = &cfg
	}
	return *e.cfg, nil
}

func (s *Sessions) load(ctx context.Context, site dr.Site) (aws.Config, error) {
	known, ok := s.sites[site.Name]
	if !ok {
		return aws.Config{}, fmt.Errorf("site %q is not in the policy file", site.Name)
	}
	cfg, err := s.base(ctx, known)
	if err != nil {
		return aws.Config{}, &store.SignError{Err: err}
	}
	if s.opts.HTTPClient != nil {
		// Set afterwards: while loading, the SDK fits AWS_CA_BUNDLE to its client,
		// and fails where the client has no use for that.
		cfg.HTTPClient = s.opts.HTTPClient
	}
	cfg.Logger = logging.Nop{} // What matters comes back as an error.
	cfg.APIOptions = append(cfg.APIOptions, newPacer(s.opts.Pace).install, s.userAgent)
	cfg.Credentials = signer{cfg.Credentials}
	if known.Role != "" {
		cfg.Credentials = aws.NewCredentialsCache(tried{s.assume(cfg, known)})
	}
	return cfg, nil
}

// base gives the configuration before it is made ours. Where credentials are
// given nothing is looked for: files and environment do not matter then.
func (s *Sessions) base(ctx context.Context, site policy.Site) (aws.Config, error) {
	if s.opts.Credentials == nil {
		return config.LoadDefaultConfig(ctx, s.options(site)...)
	}
	cfg := aws.Config{Region: site.Region, Credentials: s.opts.Credentials, Retryer: s.retryer}
	if s.opts.EndpointURL != "" {
		cfg.BaseEndpoint = aws.String(s.opts.EndpointURL)
	}
	return cfg, nil
}

// tried keeps calls from trying anew what getting their credentials has tried
// often enough: eight times eight tries would take many minutes.
type tried struct{ aws.CredentialsProvider }

// Retrieve gives the credentials.
func (t tried) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := t.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = &finalError{err}
	}
	return creds, err
}

// finalError is not worth another try.
type finalError struct{ error }

// RetryableError tells the SDK's retryer.
func (*finalError) RetryableError() bool { return false }

// Unwrap gives the cause.
func (e *finalError) Unwrap() error { return e.error }

// signer says of the SDK's search for credentials that it found none.
type signer struct{ aws.CredentialsProvider }

// Retrieve gives the credentials.
func (s signer) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := s.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &store.SignError{Err: err}
	}
	return creds, err
}

func (s *Sessions) options(site policy.Site) []func(*config.LoadOptions) error {
	opts := []func(*config.LoadOptions) error{
		config.WithRegion(site.Region),
		config.WithRetryer(s.retryer),
	}
	if site.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(site.Profile))
	}
	if s.opts.EndpointURL != "" {
		opts = append(opts, config.WithBaseEndpoint(s.opts.EndpointURL))
	}
	return opts
}

// retryer is the SDK's standard one. Its own token bucket is off: it would stop
// retries for the whole process once many calls were throttled, and the pace is
// held by ours. (The adaptive retryer waits on a clock that stands still in
// tests under virtual time.)
func (s *Sessions) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 8
		if s.opts.Attempts > 0 {
			o.MaxAttempts = s.opts.Attempts
		}
		o.MaxBackoff = 20 * time.Second
		o.RateLimiter = ratelimit.None
	})
}

// assume gives credentials of the site's role.
func (s *Sessions) assume(cfg aws.Config, site policy.Site) aws.CredentialsProvider {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), roleARN(site), func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "holdfast"
		if site.ExternalID != "" {
			o.ExternalID = aws.String(site.ExternalID)
		}
	})
	return provider
}

// roleARN gives the ARN of the site's role, which may be written as its name.
func roleARN(site policy.Site) string {
	if strings.HasPrefix(site.Role, "arn:") {
		return site.Role
	}
	return "arn:" + site.Partition() + ":iam::" + site.Account + ":role/" + site.Role
}

// Identity is who holdfast is at a site.
type Identity struct{ Account, ARN string }

// Identity asks AWS who the caller is at a site.
func (s *Sessions) Identity(ctx context.Context, site dr.Site) (Identity, error) {
	cfg, err := s.Config(ctx, site)
	if err != nil {
		return Identity{}, err
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		fault := store.ClassifyAWS(err, nil)
		e := &store.Error{Doing: fmt.Sprintf("ask who we are at %s", site), Fault: fault, Err: err, Remedy: fault.Remedy()}
		if fault == store.Denied || fault == store.NoCredentials {
			e.Remedy = remedy(s.sites[site.Name])
		}
		return Identity{}, e
	}
	return Identity{aws.ToString(out.Account), aws.ToString(out.Arn)}, nil
}

func remedy(site policy.Site) string {
	if site.Role == "" {
		return "give credentials in the ways the AWS SDK knows (environment, profile, instance role), or a role: for the site"
	}
	return "let the caller assume " + roleARN(site) + ", and let that role trust the caller"
}

// Confirm asks who the caller is at a site and gives the site with its account
// filled in. It fails where the credentials are those of another account than
// the policy file says: claims would name the wrong source.
//
// AWS is asked once for each site: credentials do not change their account.
func (s *Sessions) Confirm(ctx context.Context, site dr.Site) (dr.Site, error) {
	s.mu.Lock()
	known, ok := s.confirmed[site.Name]
	s.mu.Unlock()
	if ok {
		return known, nil
	}
	id, err := s.Identity(ctx, site)
	if err != nil {
		return site, err
	}
	if site.Account != "" && site.Account != id.Account {
		return site, &store.Error{
			Doing: fmt.Sprintf("reach site %s", site), Fault: store.Denied,
			Err:    fmt.Errorf("the credentials are those of account %s (%s)", id.Account, id.ARN),
			Remedy: "give the site a role: in its account, or use that account's credentials",
		}
	}
	site.Account = id.Account
	s.mu.Lock()
	s.confirmed[site.Name] = site
	s.mu.Unlock()
	return site, nil
}
