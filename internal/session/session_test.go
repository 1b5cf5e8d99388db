package session_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

const (
	mine   = "111111111111"
	theirs = "222222222222"
)

var (
	home = dr.Site{Name: "home", Account: mine, Region: "us-east-1"}
	away = dr.Site{Name: "away", Account: theirs, Region: "us-west-2"}
)

// wire is the simulated AWS, and writes down what comes over.
type wire struct {
	*sandbox.AWS
	client *sandbox.Client

	mu    sync.Mutex
	forms []url.Values
	heads []http.Header
	times []time.Time
}

func newWire(t *testing.T) *wire {
	t.Helper()
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, os.DevNull)
	}
	t.Setenv("AWS_PROFILE", "")
	a := sandbox.New(sandbox.Options{})
	return &wire{AWS: a, client: a.Client()}
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	w.forms, w.heads, w.times = append(w.forms, form), append(w.heads, r.Header.Clone()), append(w.times, time.Now())
	w.mu.Unlock()
	return w.client.Do(r)
}

// calls gives what was asked for by one action.
func (w *wire) calls(action string) []url.Values {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []url.Values
	for _, f := range w.forms {
		if f.Get("Action") == action {
			out = append(out, f)
		}
	}
	return out
}

func keys() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: mine, SecretAccessKey: "secret"}, nil
	})
}

func (w *wire) sessions(o session.Options, sites ...policy.Site) *session.Sessions {
	o.HTTPClient, o.Credentials = w, keys()
	return session.New(o, sites)
}

// bubble runs a test under virtual time.
func bubble(t *testing.T, run func(t *testing.T, w *wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { run(t, newWire(t)) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, s *session.Sessions, site dr.Site) *rds.Client {
	t.Helper()
	cfg, err := s.Config(t.Context(), site)
	check(t, err)
	return rds.NewFromConfig(cfg)
}

func TestOwnCredentials(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		id, err := w.sessions(session.Options{}, policy.Site{Site: home}).Identity(t.Context(), home)
		check(t, err)
		if id.Account != mine || id.ARN != "arn:aws:iam::111111111111:root" || len(w.calls("AssumeRole")) > 0 {
			t.Errorf("we are %+v", id)
		}
	})
}

func TestRoleForms(t *testing.T) {
	china := dr.Site{Name: "away", Account: theirs, Region: "cn-north-1"}
	gov := dr.Site{Name: "away", Account: theirs, Region: "us-gov-west-1"}
	for _, c := range []struct {
		site       dr.Site
		role, want string
	}{
		{away, "holdfast", "arn:aws:iam::222222222222:role/holdfast"},
		{away, "team/holdfast", "arn:aws:iam::222222222222:role/team/holdfast"},
		{away, "arn:aws:iam::333333333333:role/other", "arn:aws:iam::333333333333:role/other"},
		{china, "holdfast", "arn:aws-cn:iam::222222222222:role/holdfast"},
		{gov, "holdfast", "arn:aws-us-gov:iam::222222222222:role/holdfast"},
	} {
		bubble(t, func(t *testing.T, w *wire) {
			// Other partitions are not simulated: what is asked for is what counts.
			_, err := w.sessions(session.Options{}, policy.Site{Site: c.site, Role: c.role}).Identity(t.Context(), c.site)
			asked := w.calls("AssumeRole")
			if len(asked) != 1 {
				t.Fatalf("role %s in %s: %d roles were assumed, %v", c.role, c.site.Region, len(asked), err)
			}
			if got := asked[0].Get("RoleArn"); got != c.want || asked[0].Get("RoleSessionName") != "holdfast" || asked[0].Has("ExternalId") {
				t.Errorf("role %s in %s: asked for %v, want %s", c.role, c.site.Region, asked[0], c.want)
			}
			if simulated := c.site == away; simulated != (err == nil) {
				t.Errorf("role %s in %s: %v", c.role, c.site.Region, err)
			}
		})
	}
}

func TestExternalID(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		s := w.sessions(session.Options{}, policy.Site{Site: away, Role: "holdfast", ExternalID: "shop-42"})
		id, err := s.Identity(t.Context(), away)
		check(t, err)
		if got := w.calls("AssumeRole")[0].Get("ExternalId"); got != "shop-42" || id.Account != theirs {
			t.Errorf("external id %q, we are %+v", got, id)
		}
	})
}

func TestConfirm(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		nameless := dr.Site{Name: "nameless", Region: "us-east-1"}
		foreign := dr.Site{Name: "foreign", Account: theirs, Region: "us-east-1"}
		s := w.sessions(
			session.Options{}, policy.Site{Site: home}, policy.Site{Site: nameless}, policy.Site{Site: foreign}, policy.Site{Site: away, Role: "holdfast"},
		)
		for _, site := range []dr.Site{home, away} {
			if got, err := s.Confirm(t.Context(), site); err != nil || got != site {
				t.Errorf("%s: %v, %v", site, got, err)
			}
		}
		got, err := s.Confirm(t.Context(), nameless)
		if err != nil || got.Account != mine {
			t.Errorf("a site without an account becomes %v, %v", got, err)
		}
		_, err = s.Confirm(t.Context(), foreign)
		if err == nil || store.FaultOf(err) != store.Denied || store.Remedy(err) == "" || !strings.Contains(err.Error(), mine) {
			t.Errorf("credentials of the wrong account: %v (%s)", err, store.FaultOf(err))
		}
	})
}

func TestConfirmWithoutARole(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		check(t, w.Seed(sandbox.Seed{Accounts: map[string]sandbox.SeedAccount{theirs: {Roles: []string{"another"}}}}))
		s := w.sessions(session.Options{}, policy.Site{Site: away, Role: "holdfast"})
		_, err := s.Confirm(t.Context(), away)
		if store.FaultOf(err) != store.Denied || !strings.Contains(store.Remedy(err), "arn:aws:iam::222222222222:role/holdfast") {
			t.Errorf("a role that may not be assumed: %v (%s); remedy: %s", err, store.FaultOf(err), store.Remedy(err))
		}
	})
}

// Without credentials the error says so, and how to get some.
func TestNoCredentials(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
			t.Setenv(name, "")
		}
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		s := session.New(session.Options{HTTPClient: w}, []policy.Site{{Site: home}})
		_, err := s.Identity(t.Context(), home)
		if store.FaultOf(err) != store.NoCredentials || store.Remedy(err) == "" {
			t.Errorf("got %v (%s); remedy: %s", err, store.FaultOf(err), store.Remedy(err))
		}
	})
}

// The configuration of a site is made once: one role is assumed for all calls.
func TestCachedForEachSite(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		s := w.sessions(session.Options{}, policy.Site{Site: home}, policy.Site{Site: away, Role: "holdfast"})
		var wg sync.WaitGroup
		for range 20 {
			for _, site := range []dr.Site{home, away} {
				wg.Go(func() {
					cfg, err := s.Config(t.Context(), site)
					if err == nil {
						_, err = rds.NewFromConfig(cfg).DescribeDBInstances(t.Context(), nil)
					}
					if err != nil || cfg.Region != site.Region {
						t.Errorf("%s: Region %s, %v", site, cfg.Region, err)
					}
				})
			}
		}
		wg.Wait()
		if n := len(w.calls("AssumeRole")); n != 1 {
			t.Errorf("the role was assumed %d times", n)
		}
	})
}

// Assumed credentials are renewed before they end, over days.
func TestCredentialsAreRenewed(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		c := client(t, w.sessions(session.Options{}, policy.Site{Site: away, Role: "holdfast"}), away)
		for range 48 {
			_, err := c.DescribeDBInstances(t.Context(), nil)
			check(t, err)
			time.Sleep(time.Hour)
		}
	})
}

func TestFailedLoadIsNotCached(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wire) {
		file := filepath.Join(t.TempDir(), "config")
		t.Setenv("AWS_CONFIG_FILE", file)
		s := session.New(session.Options{}, []policy.Site{{Site: home, Profile: "shop"}}) // Nothing is called, only loaded.
		_, err := s.Config(t.Context(), home)
		if err == nil || store.ClassifyAWS(err, nil) != store.NoCredentials || !strings.Contains(err.Error(), "home") {
			t.Fatalf("without the profile: %v (%s)", err, store.ClassifyAWS(err, nil))
		}
		check(t, os.WriteFile(file, []byte("[profile shop]\nregion = eu-west-1\n"), 0o600))
		cfg, err := s.Config(t.Context(), home)
		if err != nil || cfg.Region != home.Region {
			t.Errorf("when it is there: Region %s, %v", cfg.Region, err)
		}
	})
}

func TestUnknownSite(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		_, err := w.sessions(session.Options{}, policy.Site{Site: home}).Config(t.Context(), away)
		if err == nil || !strings.Contains(err.Error(), `"away" is not in the policy file`) {
			t.Errorf("got %v", err)
		}
	})
}

// A bundle of certificates in the environment is for the SDK's own client, and
// must not break another.
func TestCertificatesInTheEnvironment(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	server.Close()
	file := filepath.Join(t.TempDir(), "bundle.pem")
	check(t, os.WriteFile(file, bundle, 0o600))
	t.Setenv("AWS_CA_BUNDLE", file)
	bubble(t, func(t *testing.T, w *wire) {
		_, err := w.sessions(session.Options{}, policy.Site{Site: home}).Identity(t.Context(), home)
		check(t, err)
	})
}

func TestUserAgent(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		c := client(t, w.sessions(session.Options{Version: "1.2.3"}, policy.Site{Site: away, Role: "holdfast"}), away)
		_, err := c.DescribeDBInstances(t.Context(), nil)
		check(t, err)
		for i, h := range w.heads { // The assumption of the role too.
			if got := h.Get("User-Agent"); !strings.Contains(got, "holdfast/1.2.3") {
				t.Errorf("%s has the user agent %q", w.forms[i].Get("Action"), got)
			}
		}
	})
}

// An endpoint of one's own is what all services are called at.
func TestEndpoint(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		var hosts []string
		s := session.New(session.Options{
			EndpointURL: "http://aws.example:4566", Credentials: keys(),
			HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
				hosts = append(hosts, r.URL.Host)
				return w.Do(r)
			}),
		}, []policy.Site{{Site: away, Role: "holdfast"}})
		_, err := client(t, s, away).DescribeDBInstances(t.Context(), nil)
		check(t, err)
		if strings.Join(hosts, " ") != "aws.example:4566 aws.example:4566" {
			t.Errorf("called %v", hosts)
		}
	})
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestRetriesEnd(t *testing.T) {
	for _, c := range []struct{ attempts, want int }{{0, 8}, {1, 1}, {3, 3}} {
		bubble(t, func(t *testing.T, w *wire) {
			w.Inject(sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling"})
			_, err := client(t, w.sessions(session.Options{Attempts: c.attempts}, policy.Site{Site: home}), home).DescribeDBInstances(t.Context(), nil)
			if n := len(w.calls("DescribeDBInstances")); err == nil || n != c.want {
				t.Errorf("with Attempts %d: %d tries, want %d; %v", c.attempts, n, c.want, err)
			}
		})
	}
}

// Many throttled calls must not use up a budget of retries that all share.
func TestRetriesHaveNoCommonBudget(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		c := client(t, w.sessions(session.Options{}, policy.Site{Site: home}), home)
		for i := range 200 {
			w.Inject(sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling", Times: 5})
			if _, err := c.DescribeDBInstances(t.Context(), nil); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
	})
}

// What is refused for good is not tried again.
func TestRefusalsAreNotTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		w.SetDenied(mine, "rds:*")
		_, err := client(t, w.sessions(session.Options{}, policy.Site{Site: home}), home).DescribeDBInstances(t.Context(), nil)
		if n := len(w.calls("DescribeDBInstances")); n != 1 || store.ClassifyAWS(err, nil) != store.Denied {
			t.Errorf("%d tries, %v", n, err)
		}
	})
}

var errCut = errors.New("the wire is cut")

// A caller that is gone for good is told so after all tries.
func TestNoNetwork(t *testing.T) {
	bubble(t, func(t *testing.T, w *wire) {
		s := session.New(session.Options{Credentials: keys(), Attempts: 2, HTTPClient: doer(func(*http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: "https://rds", Err: errCut}
		})}, []policy.Site{{Site: home}})
		_, err := s.Identity(t.Context(), home)
		if store.FaultOf(err) != store.Unreachable {
			t.Errorf("got %v (%s)", err, store.FaultOf(err))
		}
	})
}

// A role that cannot be assumed is tried as often as one call may be, and not
// once more for each try of the call that wants it.
func TestAssumingIsNotRetriedTwice(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wire) {
		s := session.New(session.Options{
			EndpointURL: "http://127.0.0.1:1", HTTPClient: deaf{}, Credentials: session.Static(home.Account),
		}, []policy.Site{{Site: away, Role: "holdfast"}})
		began := time.Now()
		_, err := s.Confirm(t.Context(), away)
		if took := time.Since(began); err == nil || took > 2*time.Minute {
			t.Errorf("it took %s: %v", took, err)
		}
		if store.FaultOf(err) != store.Unreachable {
			t.Errorf("got %s: %v", store.FaultOf(err), err)
		}
	})
}

// deaf is a network on which nobody answers.
type deaf struct{}

func (deaf) Do(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}
