package ebs_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/ebs"
)

// scene is a simulated AWS with an instance of three volumes, and a driver.
type scene struct {
	*testing.T
	aws  *sandbox.AWS
	site dr.Site
	drv  *ebs.Driver
	// client is the connection of drv.
	client *sandbox.Client
	web    string
}

// inScene runs a test in a bubble, a year after its instance was made.
func inScene(t *testing.T, o sandbox.Options, run func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if o.Latency == 0 {
			o.Latency = 10 * time.Millisecond
		}
		s := &scene{T: t, aws: sandbox.New(o), site: dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}}
		s.restart()
		s.web = s.put(s.aws.PutInstance(s.site.Account, s.site.Region, "web", sandbox.SeedInstance{
			Class: "m7g.large", Groups: []string{"sg-0123456789abcdef0"}, KeyName: "ops", Profile: "arn:aws:iam::111111111111:instance-profile/web",
			Tags: map[string]string{"team": "shop", "holdfast:keep": "7d"},
			Volumes: []sandbox.SeedVolume{
				{Device: "/dev/xvda", Boot: true, Size: 8, Tags: map[string]string{"holdfast:keep": "yes"}},
				{Device: "/dev/sdf", Type: "io2", Size: 100, Iops: 4000, Key: "alias/data"},
				{Device: "/dev/sdg", Size: 500, Tags: map[string]string{"scratch": "yes"}},
			},
		}))
		time.Sleep(365 * 24 * time.Hour)
		run(s)
	})
}

// put fails the test where something could not be put into the sandbox.
func (s *scene) put(id string, err error) string {
	s.Helper()
	s.must(err)
	return id
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// restart gives a new process: another connection, another driver.
func (s *scene) restart() { s.drv, s.client = s.process() }

func (s *scene) process() (*ebs.Driver, *sandbox.Client) {
	c := s.aws.Client()
	return ebs.New(session.New(session.Options{
		HTTPClient: c, Version: "test", Credentials: session.Static(s.site.Account),
	}, []policy.Site{{Site: s.site}})), c
}

// ec2 is a client beside the driver's.
func (s *scene) ec2() *ec2.Client {
	return ec2.New(ec2.Options{
		Region: s.site.Region, HTTPClient: s.aws.Client(), BaseEndpoint: aws.String("http://sandbox.local"),
		Credentials: session.Static(s.site.Account),
	})
}

func (s *scene) observe() dr.Inventory {
	s.Helper()
	inv, err := s.drv.Observe(s.Context(), s.site)
	s.must(err)
	return inv
}

func (s *scene) resource(id string) dr.Resource {
	s.Helper()
	all := s.observe().Resources
	i := slices.IndexFunc(all, func(r dr.Resource) bool { return r.Ref.ID == id })
	if i < 0 {
		s.Fatalf("%s is not seen among %d resources", id, len(all))
	}
	return all[i]
}

func (s *scene) snapshots() []dr.Snapshot {
	s.Helper()
	all, err := s.drv.Snapshots(s.Context(), s.site)
	s.must(err)
	return all
}

// only gives the one recovery point that there must be.
func (s *scene) only() dr.Snapshot {
	s.Helper()
	all := s.snapshots()
	if len(all) != 1 {
		s.Fatalf("there are %d recovery points, want 1: %+v", len(all), all)
	}
	return all[0]
}

// raw gives all snapshots as EC2 tells.
func (s *scene) raw() []types.Snapshot {
	s.Helper()
	out, err := s.ec2().DescribeSnapshots(s.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	s.must(err)
	return out.Snapshots
}

// creation is the action with which a plan takes a resource without the scratch
// volume.
func (s *scene) creation(id string) plan.Action {
	s.Helper()
	r := s.resource(id)
	claim := dr.Claim{Owner: "ns", Policy: "gold", Slot: time.Now().UTC().Truncate(time.Hour), Source: r.Ref.Source(), Config: r.Config}
	a := plan.Action{
		Verb: plan.Create, From: r.Ref, To: s.site, Claim: claim, Tags: dr.Tags{"Name": r.Name, "team": "shop"},
		Name: dr.SnapshotName(claim, r.Name, 0, r.NameLimit),
	}
	for _, p := range r.Parts {
		if p.Tags["scratch"] == "" {
			a.Parts = append(a.Parts, p.ID)
		}
	}
	return a
}

// about is the action with which a plan changes a recovery point.
func about(verb plan.Verb, x dr.Snapshot) plan.Action {
	return plan.Action{Verb: verb, From: x.Ref, To: x.Ref.Site, Name: x.Ref.ID, Claim: x.Claim, Taken: x.Taken}
}

func (s *scene) apply(a plan.Action) error {
	_, err := store.New(s.drv).Apply(s.Context(), a)
	return err
}

func (s *scene) wantFault(err error, want store.Fault) {
	s.Helper()
	if got := store.FaultOf(err); err == nil || got != want {
		s.Fatalf("%v is %q, want %q", err, got, want)
	}
}

// taken takes a recovery point and waits until it is done.
func (s *scene) taken(id string) dr.Snapshot {
	s.Helper()
	a := s.creation(id)
	s.must(s.apply(a))
	time.Sleep(24 * time.Hour)
	for _, x := range s.snapshots() {
		if x.Ref.ID == a.Name {
			return x
		}
	}
	s.Fatalf("%s is not there", a.Name)
	return dr.Snapshot{}
}

// calls gives the actions of the calls that a piece of work made.
func (s *scene) calls(work func()) []string {
	s.aws.ResetCalls()
	work()
	var out []string
	for _, c := range s.aws.Calls() {
		out = append(out, c.Action)
	}
	return out
}

func (s *scene) inject(kind sandbox.FaultKind, action string, skip, times int) func() {
	return s.aws.Inject(sandbox.Fault{
		Match: sandbox.Match{Service: "ec2", Action: action, Client: s.client}, Kind: kind, Skip: skip, Times: times, StaleBy: time.Minute,
	})
}
