package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/rds"
)

const (
	prod   = "111111111111"
	second = "222222222222"
	region = "us-east-1"
)

// oneSite and twoSites begin a policy file; the second account is reached by a
// role.
const (
	oneSite = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
policies:
`
	twoSites = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  second: {account: "222222222222", region: us-east-1, role: holdfast}
policies:
`
	hourly = `
  hourly:
    match: {tags: {backup: gold}}
    every: 1h
    keep: {last: 4, floor: 2}
`
)

func parse(t testing.TB, text string) policy.File {
	t.Helper()
	f, _, err := policy.Parse("test.yaml", []byte(text), policy.Options{Kinds: []dr.Kind{rds.Kind}})
	if err != nil {
		t.Fatalf("the policy file of the test: %v", err)
	}
	return f
}

// world is a simulated AWS and the time in it.
type world struct {
	testing.TB
	*sandbox.AWS
	clock engine.Clock
	// checks checks the data of restored stores; it may be nil.
	checks engine.Checker
}

// bubble runs a test under virtual time, from three minutes past noon on.
func bubble(t *testing.T, o sandbox.Options, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12*time.Hour + 3*time.Minute)
		test(&world{TB: t, AWS: sandbox.New(o), clock: passing{}})
	})
}

// passing is the time of the bubble.
type passing struct{}

func (passing) Now() time.Time { return time.Now() }

func (passing) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// process is one process of holdfast: an engine over a connection of its own.
type process struct {
	*engine.Engine
	client *sandbox.Client
}

func (w *world) process(f policy.File) *process {
	c := w.Client()
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: c,
		Credentials: credentials.NewStaticCredentialsProvider(prod, "none", ""), Version: "test",
	}, f.Sites)
	return &process{
		Engine: &engine.Engine{
			File: f, Stores: []*store.Store{store.New(rds.New(sessions))}, Reach: sessions.Confirm, Clock: w.clock, Checks: w.checks,
		},
		client: c,
	}
}

// when does something as soon as the plan is made, before any of it is applied.
func (p *process) when(kind engine.EventKind, do func()) *process {
	done := false
	p.Watch = func(ev engine.Event) {
		if ev.Kind == kind && !done {
			done = true
			do()
		}
	}
	return p
}

// gold puts in databases of 20 GiB that the policies match.
func (w *world) gold(account string, names ...string) {
	w.Helper()
	for _, name := range names {
		w.must(w.PutDBInstance(account, region, name, sandbox.SeedDatabase{
			Age: sandbox.Age(1000 * 24 * time.Hour), Tags: map[string]string{"backup": "gold"},
		}))
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// taken puts in a good snapshot of ours of a slot that began an age ago, and
// gives its name.
func (w *world) taken(account, of, policyName string, slot time.Time) string {
	w.Helper()
	site := dr.Site{Account: account, Region: region}
	c := dr.Claim{
		Owner: "test", Policy: policyName, Slot: slot.UTC(),
		Source: dr.Ref{Kind: rds.Kind, Site: site, ID: of}.Source(),
	}
	name := dr.SnapshotName(c, of, 0, 255)
	w.put(account, of, name, slot.Add(time.Minute), c.Tags())
	return name
}

func (w *world) put(account, of, name string, taken time.Time, tags dr.Tags) {
	w.Helper()
	w.must(w.PutDBSnapshot(account, region, sandbox.SeedSnapshot{
		Of: of, Name: name, Age: sandbox.Age(w.Now().Sub(taken)), Tags: tags,
	}))
}

// slot gives the beginning of the hour so many hours ago.
func (w *world) slot(hoursAgo int) time.Time {
	return w.clock.Now().UTC().Truncate(time.Hour).Add(-time.Duration(hoursAgo) * time.Hour)
}

// sleep lets time pass.
func (w *world) sleep(d time.Duration) {
	w.Helper()
	w.must(w.clock.Sleep(w.Context(), d))
}
