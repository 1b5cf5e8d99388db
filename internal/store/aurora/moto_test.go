package aurora_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/aurora"
)

// asAccount makes moto answer as an account.
type asAccount string

func (a asAccount) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("X-Moto-Account-Id", string(a))
	return http.DefaultClient.Do(r)
}

// moto knows nothing of holdfast. Its states change at once and its listings are
// never paged; creating, tags, what exists already and deleting are faithful.
func TestOnMoto(t *testing.T) {
	endpoint := outside.Moto(t)
	site := dr.Site{Name: "home", Account: "111111111111", Region: "us-east-1"}
	sessions := session.New(session.Options{
		EndpointURL: endpoint, HTTPClient: asAccount(site.Account), Credentials: session.Static("test"),
	}, []policy.Site{{Site: site}})
	cfg, err := sessions.Config(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	c := awsrds.NewFromConfig(cfg)
	makeClusters(t, c)
	drv := aurora.New(sessions)
	inv, err := drv.Observe(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Resources) != 1 || inv.Resources[0].Name != "ledger" || inv.Resources[0].State != dr.Ready || inv.Resources[0].Tags["team"] != "shop" {
		t.Fatalf("saw %+v, want ledger alone", inv.Resources)
	}
	r := inv.Resources[0]
	claim := dr.Claim{Owner: "moto", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC), Source: r.Ref.Source(), Config: r.Config}
	a := plan.Action{
		Verb: plan.Create, From: r.Ref, To: site, Claim: claim, Tags: r.Tags, Name: dr.SnapshotName(claim, r.Name, 0, r.NameLimit),
	}
	apply := func(a plan.Action, want store.Fault) {
		t.Helper()
		_, err := store.New(drv).Apply(t.Context(), a)
		if err == nil && want != "" || err != nil && store.FaultOf(err) != want {
			t.Fatalf("%s: %v (%s), want %q", a.Verb, err, store.FaultOf(err), want)
		}
	}
	apply(a, "")
	apply(a, "") // The same action twice is one snapshot.
	other := a
	other.Claim.Owner = "somebody-else"
	apply(other, store.Conflict)
	wantOne(t, drv, site, claim)

	about := a
	about.From = dr.Ref{Kind: aurora.Kind, Site: site, ID: a.Name}
	about.Verb, claim.Keep = plan.Hold, true
	apply(about, "")
	wantOne(t, drv, site, claim)
	about.Verb, claim.Keep = plan.Release, false
	apply(about, "")
	wantOne(t, drv, site, claim)
	about.Verb = plan.Delete
	apply(about, "")
	apply(about, "") // To delete what is not there is a success.
	if left, err := drv.Snapshots(t.Context(), site); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	a.From.ID = "nobody"
	apply(a, store.NotFound)
}

// makeClusters makes an Aurora cluster with an instance, and a Neptune cluster, which
// comes through the same calls.
func makeClusters(t *testing.T, c *awsrds.Client) {
	t.Helper()
	for name, engine := range map[string]string{"ledger": "aurora-postgresql", "graph": "neptune"} {
		_, err := c.CreateDBCluster(t.Context(), &awsrds.CreateDBClusterInput{
			DBClusterIdentifier: &name, Engine: &engine, MasterUsername: aws.String("app"), MasterUserPassword: aws.String("a-long-secret"),
			Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.CreateDBInstance(t.Context(), &awsrds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("ledger-1"), DBClusterIdentifier: aws.String("ledger"),
		DBInstanceClass: aws.String("db.r6g.large"), Engine: aws.String("aurora-postgresql"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wantOne fails the test unless there is one snapshot, with this claim.
func wantOne(t *testing.T, drv *aurora.Driver, site dr.Site, claim dr.Claim) {
	t.Helper()
	got, err := drv.Snapshots(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].State != dr.Good || got[0].Claim != claim {
		t.Fatalf("there is %+v, want one with the claim %+v", got, claim)
	}
}
