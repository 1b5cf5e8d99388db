package ebs_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store/ebs"
)

// asAccount makes moto answer as an account.
type asAccount string

func (a asAccount) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Moto-Account-Id", string(a))
	return http.DefaultClient.Do(r)
}

// motoWorld is an account of moto with one volume that is attached to nothing.
// Instances and their sets are tried on the simulated AWS only.
type motoWorld struct {
	t    *testing.T
	site dr.Site
	// abroad is in another Region of the account.
	abroad dr.Site
	drv    *ebs.Driver
	c      *ec2.Client
}

func newMotoWorld(t *testing.T) motoWorld {
	t.Helper()
	site := dr.Site{Name: "home", Account: "111111111111", Region: "us-east-1"}
	abroad := dr.Site{Name: "abroad", Account: site.Account, Region: "us-west-2"}
	sessions := session.New(session.Options{
		EndpointURL: outside.Moto(t), HTTPClient: asAccount(site.Account), Credentials: session.Static("test"),
	}, []policy.Site{{Site: site}, {Site: abroad}})
	cfg, err := sessions.Config(t.Context(), site)
	w := motoWorld{t, site, abroad, ebs.New(sessions), ec2.NewFromConfig(cfg)}
	w.must(err)
	_, err = w.c.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(10),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
		}},
	})
	w.must(err)
	return w
}

func (w motoWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w motoWorld) apply(a plan.Action) {
	w.t.Helper()
	_, err := w.drv.Apply(w.t.Context(), a)
	w.must(err)
}

// wantOne fails the test unless there is one snapshot of ours, with this claim.
// moto lists snapshots of its own images too.
func (w motoWorld) wantOne(claim dr.Claim) dr.Snapshot {
	w.t.Helper()
	return w.wantOneAt(w.site, claim)
}

func (w motoWorld) wantOneAt(site dr.Site, claim dr.Claim) dr.Snapshot {
	w.t.Helper()
	all, err := w.drv.Snapshots(w.t.Context(), site)
	w.must(err)
	var ours []dr.Snapshot
	for _, s := range all {
		if s.Claim.Ours() {
			ours = append(ours, s)
		}
	}
	if len(ours) != 1 || ours[0].State != dr.Good || ours[0].Claim != claim {
		w.t.Fatalf("there is %+v, want one with the claim %+v", ours, claim)
	}
	return ours[0]
}

// creation is the action that takes the one volume.
func (w motoWorld) creation() plan.Action {
	w.t.Helper()
	inv, err := w.drv.Observe(w.t.Context(), w.site)
	w.must(err)
	if len(inv.Resources) != 1 || inv.Resources[0].State != dr.Ready || inv.Resources[0].Tags["team"] != "shop" {
		w.t.Fatalf("saw %+v, want the one volume", inv.Resources)
	}
	r := inv.Resources[0]
	claim := dr.Claim{Owner: "moto", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC), Source: r.Ref.Source(), Config: r.Config}
	return plan.Action{
		Verb: plan.Create, From: r.Ref, To: w.site, Claim: claim, Of: r.Name, Parts: []string{r.Parts[0].ID}, Tags: r.Tags,
		Name: dr.SnapshotName(claim, r.Name, 0, r.NameLimit),
	}
}

// TestCopyOnMoto copies a plain snapshot to another Region. In moto copies name the
// volume of the original, keys do not encrypt, a snapshot of another account cannot be
// copied, and RestorableByUserIds is passed over: so of keys and shares it tells
// nothing.
func TestCopyOnMoto(t *testing.T) {
	w := newMotoWorld(t)
	made := w.creation()
	w.apply(made)
	x := w.wantOne(made.Claim)
	claim := made.Claim
	claim.Origin, claim.Taken = x.Ref.Origin(), x.Taken.Truncate(time.Second)
	a := plan.Action{
		Verb: plan.Copy, From: x.Ref, To: w.abroad, Claim: claim, Of: made.Of, Tags: made.Tags, Members: x.Members, ARN: x.ARN,
		Name: dr.SnapshotName(claim, made.Of, 0, w.drv.Routing().NameLimit),
	}
	w.apply(a)
	w.apply(a) // The same action twice is one copy.
	got := w.wantOneAt(w.abroad, claim)
	if got.Ref.ID != a.Name || !got.Taken.Equal(claim.Taken) || got.Made.IsZero() || got.CopyOf != claim.Origin || len(got.Members) != 1 {
		t.Errorf("the copy is %+v", got)
	}
	if w.wantOne(made.Claim).Ref != x.Ref {
		t.Error("the original is another")
	}
}

// TestOnMoto: the driver against an emulator that knows nothing of holdfast.
func TestOnMoto(t *testing.T) {
	w := newMotoWorld(t)
	a := w.creation()
	claim := a.Claim
	w.apply(a)
	w.apply(a) // The same action twice is one snapshot.
	s := w.wantOne(claim)
	about := plan.Action{Verb: plan.Hold, From: s.Ref, To: w.site, Name: s.Ref.ID, Claim: s.Claim, Taken: s.Taken}
	w.apply(about)
	claim.Keep = true
	s = w.wantOne(claim)
	about.Verb, about.Claim = plan.Release, s.Claim
	w.apply(about)
	claim.Keep = false
	s = w.wantOne(claim)
	about.Verb, about.Claim = plan.Delete, s.Claim
	w.apply(about)
	w.apply(about) // To delete what is not there is a success.
	all, err := w.drv.Snapshots(t.Context(), w.site)
	w.must(err)
	for _, s := range all {
		if s.Claim.Ours() {
			t.Errorf("%s is left", s.Ref.ID)
		}
	}
}
