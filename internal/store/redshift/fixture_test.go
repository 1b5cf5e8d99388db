package redshift_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsredshift "github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
)

const account, region = "111111111111", "us-east-1"

func home() dr.Site { return dr.Site{Name: "home", Account: account, Region: region} }

// fixture is a simulated AWS with a driver.
type fixture struct {
	*testing.T
	aws  *sandbox.AWS
	sess store.Sessions
	drv  store.Driver
}

// inBubble runs a test a year into virtual time.
func inBubble(t *testing.T, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, aws: sandbox.New(sandbox.Options{Latency: 10 * time.Millisecond})}
		time.Sleep(365 * 24 * time.Hour)
		f.restart()
		test(f)
	})
}

// restart gives a new process: a new driver and a new connection.
func (f *fixture) restart() {
	f.sess = session.New(session.Options{
		HTTPClient: f.aws.Client(), Version: "test",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: account, SecretAccessKey: "secret"}, nil
		}),
	}, []policy.Site{{Site: home()}, {Site: west()}})
	f.drv = redshift.New(f.sess, dr.Candidates{Namespace: "prod", Policies: []string{"gold", "silver"}})
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) client() *awsredshift.Client {
	f.Helper()
	cfg, err := f.sess.Config(f.Context(), home())
	f.must(err)
	return awsredshift.NewFromConfig(cfg)
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

// split gives the automated snapshots and the others.
func split(all []dr.Snapshot) (automated, manual []dr.Snapshot) {
	for _, s := range all {
		if s.Automated {
			automated = append(automated, s)
		} else {
			manual = append(manual, s)
		}
	}
	return automated, manual
}

func newest(all []dr.Snapshot) dr.Snapshot {
	best := all[0]
	for _, s := range all {
		if s.Taken.After(best.Taken) {
			best = s
		}
	}
	return best
}

// action is what a plan asks for: a create, or where from is not zero a promotion.
func action(r dr.Resource, from dr.Ref) plan.Action {
	claim := dr.Claim{
		Owner: "prod", Policy: "gold", Slot: time.Now().UTC().Truncate(12 * time.Hour), Source: r.Ref.Source(), Config: r.Config,
	}
	a := plan.Action{
		Verb: plan.Create, From: r.Ref, To: home(), Claim: claim, Tags: dr.Tags{"team": "shop"},
		Name: dr.SnapshotName(claim, r.Name, 0, r.NameLimit),
	}
	if from != (dr.Ref{}) {
		a.Verb, a.From = plan.Promote, from
	}
	return a
}

func about(verb plan.Verb, s dr.Snapshot) plan.Action {
	return plan.Action{Verb: verb, From: s.Ref, To: home(), Name: s.Ref.ID, Claim: s.Claim}
}

func (f *fixture) apply(a plan.Action) error {
	_, err := f.drv.Apply(f.Context(), a)
	return err
}

// wantOne fails the test unless there is one manual snapshot, good and with the
// claim of the action.
func (f *fixture) wantOne(a plan.Action) dr.Snapshot {
	f.Helper()
	time.Sleep(time.Hour)
	_, manual := split(f.observe().Snapshots)
	if len(manual) != 1 || manual[0].Claim != a.Claim || manual[0].State != dr.Good {
		f.Fatalf("the manual snapshots are %+v, want one with the claim %+v", manual, a.Claim)
	}
	return manual[0]
}

func (f *fixture) wantFault(err error, want store.Fault) {
	f.Helper()
	if got := f.drv.Classify(err); err == nil || got != want {
		f.Fatalf("%v is sorted as %q, want %q", err, got, want)
	}
}

func crashed(err error) bool { return errors.Is(err, sandbox.ErrCrashed) }

// rich is a cluster with all the configuration that the simulation knows.
func rich(tags dr.Tags) sandbox.SeedCluster {
	return sandbox.SeedCluster{
		NodeType: "ra3.4xlarge", Nodes: 4, Size: 2000, Key: "alias/holdfast", Tags: tags, User: "master", DBName: "orders",
		SubnetGroup: "private", ParameterGroup: "tuned", SecurityGroups: []string{"sg-2", "sg-1"},
		Roles:             []string{"arn:aws:iam::111111111111:role/load", "arn:aws:iam::111111111111:role/copy"},
		MaintenanceWindow: "sun:04:00-sun:04:30", Schedule: "nightly", Public: true, EnhancedRouting: true, MultiAZ: true, Relocation: true,
	}
}
