package elasticache_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store/elasticache"
)

const account, region = "111111111111", "us-east-1"

func home() dr.Site { return dr.Site{Name: "home", Account: account, Region: region} }

func gold() elasticache.Candidates {
	return elasticache.Candidates{Namespace: "prod", Policies: []string{"gold"}}
}

// fixture is a simulated AWS with a driver. A new driver is a new process.
type fixture struct {
	*testing.T
	aws *sandbox.AWS
	drv *elasticache.Driver
}

// inBubble runs a test a year into virtual time.
func inBubble(t *testing.T, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(365 * 24 * time.Hour)
		f := &fixture{T: t, aws: sandbox.New(sandbox.Options{Latency: 10 * time.Millisecond})}
		f.drv = f.process(gold())
		test(f)
	})
}

// process gives the driver of a process that has just been started.
func (f *fixture) process(known elasticache.Candidates) *elasticache.Driver {
	return elasticache.New(session.New(session.Options{
		HTTPClient: f.aws.Client(), Version: "test",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: account, SecretAccessKey: "secret"}, nil
		}),
	}, []policy.Site{{Site: home()}}), known, elasticache.Files{})
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) put(name string, c sandbox.SeedCache) {
	f.Helper()
	f.must(f.aws.PutCache(account, region, name, c))
}

func (f *fixture) observe() dr.Inventory {
	f.Helper()
	inv, err := f.drv.Observe(f.Context(), home())
	f.must(err)
	return inv
}

func (f *fixture) resource(id string) dr.Resource {
	f.Helper()
	for _, r := range f.observe().Resources {
		if r.Ref.ID == id {
			return r
		}
	}
	f.Fatalf("%s is not seen", id)
	return dr.Resource{}
}

func (f *fixture) snapshot(name string) dr.Snapshot {
	f.Helper()
	for _, s := range f.observe().Snapshots {
		if s.Ref.ID == name {
			return s
		}
	}
	f.Fatalf("snapshot %s is not seen", name)
	return dr.Snapshot{}
}

// creation is the action with which a plan asks for a snapshot.
func creation(r dr.Resource, slot time.Time) plan.Action {
	c := dr.Claim{Owner: "prod", Policy: "gold", Slot: slot.UTC().Truncate(time.Second), Source: r.Ref.Source(), Config: r.Config}
	return plan.Action{
		Verb: plan.Create, From: r.Ref, To: r.Ref.Site, Name: dr.SnapshotName(c, r.Name, 0, r.NameLimit), Claim: c,
	}
}

func about(verb plan.Verb, s dr.Snapshot) plan.Action {
	return plan.Action{Verb: verb, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Claim: s.Claim, Taken: s.Taken}
}

func (f *fixture) apply(a plan.Action) error {
	_, err := f.drv.Apply(f.Context(), a)
	return err
}

// taken takes a snapshot and waits for it.
func (f *fixture) taken(id string) dr.Snapshot {
	f.Helper()
	a := creation(f.resource(id), time.Now())
	f.must(f.apply(a))
	time.Sleep(time.Hour)
	return f.snapshot(a.Name)
}

// count counts the calls of an action that a piece of work makes.
func (f *fixture) count(action string, work func()) int {
	f.aws.ResetCalls()
	work()
	n := 0
	for _, c := range f.aws.Calls() {
		if c.Action == action || action == "" && c.Service == "elasticache" {
			n++
		}
	}
	return n
}

// rich is a cache with all the configuration that the simulation knows.
func rich(form string, tags dr.Tags) sandbox.SeedCache {
	c := sandbox.SeedCache{
		Form: form, Engine: "valkey", Version: "8.0.1", Node: "cache.r6gd.xlarge", Description: "Orders, hot", Tags: tags,
		Key: "alias/holdfast", TLS: true, Auth: true, AtRest: true, DataTiering: true, Port: 6380, Retention: 5,
		ParameterGroup: "orders.cluster.on", SubnetGroup: "private", SecurityGroups: []string{"sg-0123456789abcdef0", "sg-0fedcba9876543210"},
		UserGroups: []string{"app"}, Topic: "arn:aws:sns:us-east-1:111111111111:caches", SnapshotWindow: "02:00-03:00",
		Maintenance: "sat:05:00-sat:06:00", SlowLog: "/elasticache/orders", Size: 3, MaxSize: 10, MaxECPU: 5000,
		Subnets: []string{"subnet-1", "subnet-2"},
	}
	if form == "group" || form == "" {
		c.Shards, c.Replicas, c.MultiAZ = 2, 1, true
	}
	return c
}

func prefixOf(form string) string {
	if form == "cluster" || form == "serverless" {
		return form + ":"
	}
	return ""
}
