package rds

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/outside"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// TestMoto holds the driver against an emulator that knows nothing of holdfast.
// Its states change at once, it gives no pages, and it neither throttles nor
// denies: what hangs on those only the simulated AWS can show.
func TestMoto(t *testing.T) {
	endpoint := outside.Moto(t)
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_PROFILE", "")
	m := &moto{
		// Moto's account for callers without a role, and one that a role leads into.
		home: dr.Site{Name: "home", Account: "123456789012", Region: "us-east-1"},
		away: dr.Site{Name: "away", Account: "222222222222", Region: "eu-west-1"},

		abroad: dr.Site{Name: "abroad", Account: "123456789012", Region: "us-west-2"},
	}
	m.sessions = session.New(session.Options{
		EndpointURL: endpoint, Version: "test",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "secret"}, nil
		}),
	}, []policy.Site{{Site: m.home}, {Site: m.abroad}, {Site: m.away, Role: "holdfast"}})
	m.drv = New(m.sessions)
	m.store = store.New(m.drv)

	// In this order: each has a database of its own, and takes its snapshots away.
	t.Run("observe", m.observe)
	t.Run("claim and configuration come with the create call", m.claim)
	t.Run("the same action twice is one snapshot", m.twice)
	t.Run("a name that somebody else has taken is a conflict", m.taken)
	t.Run("tags that the instance would hand on do not add to those given", m.copyTags)
	t.Run("hold and release leave all other tags alone", m.hold)
	t.Run("deleting twice is a success", m.delete)
	t.Run("what is not there", m.missing)
	t.Run("grants change nothing", m.grants)
	t.Run("two accounts", m.accounts)
	t.Run("copy to another Region", m.copyAbroad)
	t.Run("share and take back", m.share)
	t.Run("restored as a new one", m.restoreAsNew)
	t.Run("restored in place, taken back, and again", m.restoreInPlace)
}

type moto struct {
	home, away dr.Site
	abroad     dr.Site
	sessions   *session.Sessions
	drv        *Driver
	store      *store.Store
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *moto) client(t *testing.T, site dr.Site) *awsrds.Client {
	t.Helper()
	cfg, err := m.sessions.Config(t.Context(), site)
	check(t, err)
	return awsrds.NewFromConfig(cfg)
}

// db makes a database and gives it as the driver sees it.
func (m *moto) db(t *testing.T, site dr.Site, name string, change ...func(*awsrds.CreateDBInstanceInput)) dr.Resource {
	t.Helper()
	in := &awsrds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: aws.String("db.t4g.medium"), Engine: aws.String("postgres"),
		EngineVersion: aws.String("16.4"), AllocatedStorage: aws.Int32(20),
		MasterUsername: aws.String("app"), MasterUserPassword: aws.String("correct-horse"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
	}
	for _, c := range change {
		c(in)
	}
	_, err := m.client(t, site).CreateDBInstance(t.Context(), in)
	check(t, err)
	inv, err := m.drv.Observe(t.Context(), site)
	check(t, err)
	for _, r := range inv.Resources {
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("the database %s is not seen: %+v", name, inv.Resources)
	return dr.Resource{}
}

func creation(r dr.Resource) plan.Action {
	claim := dr.Claim{
		Owner: "moto", Policy: "gold", Slot: time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC),
		Source: r.Ref.Source(), Config: r.Config,
	}
	return plan.Action{
		Verb: plan.Create, From: r.Ref, To: r.Ref.Site, Claim: claim, Tags: r.Tags,
		Name: dr.SnapshotName(claim, r.Name, 0, r.NameLimit),
	}
}

func (m *moto) apply(t *testing.T, verb plan.Verb, a plan.Action) dr.Ref {
	t.Helper()
	if verb != plan.Create {
		a.From = dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}
	}
	a.Verb = verb
	ref, err := m.store.Apply(t.Context(), a)
	check(t, err)
	return ref
}

func (m *moto) snapshots(t *testing.T, site dr.Site) []dr.Snapshot {
	t.Helper()
	all, err := m.drv.Snapshots(t.Context(), site)
	check(t, err)
	return all
}

// made takes a snapshot, which must then be the only one, and takes it away with
// the test.
func (m *moto) made(t *testing.T, a plan.Action) dr.Snapshot {
	t.Helper()
	if a.Verb == plan.Copy {
		_, err := m.store.Apply(t.Context(), a)
		check(t, err)
	} else {
		m.apply(t, plan.Create, a)
	}
	t.Cleanup(func() {
		_, err := m.store.Apply(context.Background(), plan.Action{Verb: plan.Delete, To: a.To, Name: a.Name})
		check(t, err)
	})
	return m.only(t, a.To)
}

func (m *moto) only(t *testing.T, site dr.Site) dr.Snapshot {
	t.Helper()
	all := m.snapshots(t, site)
	if len(all) != 1 {
		t.Fatalf("there are %d snapshots, want 1: %+v", len(all), all)
	}
	return all[0]
}

func (m *moto) tags(t *testing.T, s dr.Snapshot) dr.Tags {
	t.Helper()
	out, err := m.client(t, s.Ref.Site).ListTagsForResource(t.Context(), &awsrds.ListTagsForResourceInput{ResourceName: &s.ARN})
	check(t, err)
	tags := dr.Tags{}
	for _, tag := range out.TagList {
		tags[*tag.Key] = *tag.Value
	}
	return tags
}

func (m *moto) observe(t *testing.T) {
	r := m.db(t, m.home, "observed")
	if r.State != dr.Ready || r.Tags["team"] != "shop" || r.Bytes != 20<<30 || r.ARN != "arn:aws:rds:us-east-1:123456789012:db:observed" {
		t.Errorf("the database reads %+v", r)
	}
	got, err := r.Config.Settings()
	check(t, err)
	for k, want := range map[string]string{"class": "db.t4g.medium", "engine": "postgres", "version": "16.4", "gib": "20", "user": "app"} {
		if got[k] != want {
			t.Errorf("captured %s=%q, want %q", k, got[k], want)
		}
	}
}

func (m *moto) claim(t *testing.T) {
	a := creation(m.db(t, m.home, "claimed"))
	s := m.made(t, a)
	if s.Claim != a.Claim || s.State != dr.Good || s.Of != a.From || s.Ref.ID != a.Name || s.Flaw != "" {
		t.Errorf("the snapshot reads %+v, want the claim %+v", s, a.Claim)
	}
	want := a.Claim.Tags()
	want["team"] = "shop"
	if diff := cmp.Diff(want, m.tags(t, s)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func (m *moto) twice(t *testing.T) {
	a := creation(m.db(t, m.home, "twice"))
	first := m.made(t, a)
	if again := m.apply(t, plan.Create, a); again != first.Ref {
		t.Errorf("first %v, then %v", first.Ref, again)
	}
	if diff := cmp.Diff(first, m.only(t, m.home)); diff != "" {
		t.Errorf("doing it again changed the snapshot (-before +after):\n%s", diff)
	}
}

func (m *moto) taken(t *testing.T) {
	a := creation(m.db(t, m.home, "taken"))
	s := m.made(t, a)
	before := m.tags(t, s)
	a.Claim.Owner = "somebody-else"
	_, err := m.store.Apply(t.Context(), a)
	if store.FaultOf(err) != store.Conflict {
		t.Errorf("got %v (%s), want a conflict", err, store.FaultOf(err))
	}
	if diff := cmp.Diff(before, m.tags(t, m.only(t, m.home))); diff != "" {
		t.Errorf("tags changed (-before +after):\n%s", diff)
	}
}

func (m *moto) copyTags(t *testing.T) {
	a := creation(m.db(t, m.home, "copied", func(in *awsrds.CreateDBInstanceInput) { in.CopyTagsToSnapshot = aws.Bool(true) }))
	a.Tags = nil
	if diff := cmp.Diff(a.Claim.Tags(), m.tags(t, m.made(t, a))); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func (m *moto) hold(t *testing.T) {
	a := creation(m.db(t, m.home, "held"))
	s := m.made(t, a)
	before := m.tags(t, s)
	for range 2 {
		m.apply(t, plan.Hold, a)
		if held := m.only(t, m.home).Claim; !held.Keep || !held.Is(a.Claim) {
			t.Errorf("held, the claim reads %+v", held)
		}
	}
	for range 2 {
		m.apply(t, plan.Release, a)
		if diff := cmp.Diff(before, m.tags(t, m.only(t, m.home))); diff != "" {
			t.Errorf("tags after hold and release (-want +got):\n%s", diff)
		}
	}
}

func (m *moto) delete(t *testing.T) {
	a := creation(m.db(t, m.home, "deleted"))
	m.made(t, a)
	m.apply(t, plan.Delete, a)
	m.apply(t, plan.Delete, a)
	if all := m.snapshots(t, m.home); len(all) > 0 {
		t.Errorf("left are %+v", all)
	}
}

func (m *moto) missing(t *testing.T) {
	r := m.db(t, m.home, "missed")
	a := creation(r)
	a.From.ID = "never"
	for _, verb := range []plan.Verb{plan.Create, plan.Hold, plan.Release} {
		a.Verb = verb
		if _, err := m.store.Apply(t.Context(), a); store.FaultOf(err) != store.NotFound {
			t.Errorf("%s: got %v (%s), want not found", verb, err, store.FaultOf(err))
		}
	}
}

func (m *moto) grants(t *testing.T) {
	m.made(t, creation(m.db(t, m.home, "granted")))
	for _, site := range []dr.Site{m.home, m.away} {
		before, err := m.drv.Observe(t.Context(), site)
		check(t, err)
		for _, g := range m.store.Grants(t.Context(), site) {
			if g.Err != nil {
				t.Errorf("%s at %s: %v", g.Permission, site, g.Err)
			}
		}
		after, err := m.drv.Observe(t.Context(), site)
		check(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("trying the permissions changed what is at %s (-before +after):\n%s", site, diff)
		}
	}
}

func (m *moto) accounts(t *testing.T) {
	home, away := creation(m.db(t, m.home, "both")), creation(m.db(t, m.away, "both"))
	if home.Name == away.Name || home.Claim.Is(away.Claim) {
		t.Errorf("%+v and %+v are taken for one", home, away)
	}
	if s := m.made(t, home); s.Claim != home.Claim {
		t.Errorf("at home: %+v", s)
	}
	s := m.made(t, away)
	if want := "arn:aws:rds:eu-west-1:222222222222:snapshot:" + away.Name; s.Claim != away.Claim || s.ARN != want {
		t.Errorf("away: %+v, want %s", s, want)
	}
}

// copyAbroad copies to another Region of the account: twice, and against a name that
// somebody else has taken there.
func (m *moto) copyAbroad(t *testing.T) {
	r := m.db(t, m.home, "abroad")
	x := m.made(t, creation(r))
	claim := x.Claim
	claim.Origin, claim.Taken = x.Ref.Source(), x.Taken.Truncate(time.Second)
	a := plan.Action{
		Verb: plan.Copy, From: x.Ref, To: m.abroad, Claim: claim, Tags: r.Tags, ARN: x.ARN, Key: "alias/aws/rds",
		Name: dr.SnapshotName(claim, r.Name, 0, r.NameLimit),
	}
	before := m.tags(t, x)
	for range 2 {
		s := m.made(t, a)
		if s.Claim != claim || s.State != dr.Good || s.Ref.ID != a.Name || !s.Taken.Equal(claim.Taken) || s.Made.IsZero() {
			t.Errorf("the copy reads %+v, want the claim %+v", s, claim)
		}
		want := claim.Tags()
		want["team"] = "shop"
		if diff := cmp.Diff(want, m.tags(t, s)); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
		if dr.KeyAccount(s.Key) != m.abroad.Account || !strings.Contains(s.Key, m.abroad.Region) {
			t.Errorf("it is under %q", s.Key)
		}
	}
	if diff := cmp.Diff(before, m.tags(t, m.only(t, m.home))); diff != "" {
		t.Errorf("tags of the original (-want +got):\n%s", diff)
	}
	a.Claim.Owner = "somebody-else"
	if _, err := m.store.Apply(t.Context(), a); store.FaultOf(err) != store.Conflict {
		t.Errorf("got %v (%s), want a conflict", err, store.FaultOf(err))
	}
	a.Name, a.ARN = "another", x.ARN+"-never"
	if _, err := m.store.Apply(t.Context(), a); store.FaultOf(err) != store.NotFound {
		t.Errorf("got %v (%s), want not found", err, store.FaultOf(err))
	}
}

func (m *moto) share(t *testing.T) {
	x := m.made(t, creation(m.db(t, m.home, "shared")))
	a := plan.Action{From: x.Ref, To: m.home, Name: x.Ref.ID, Claim: x.Claim, With: m.away.Account}
	for _, verb := range []plan.Verb{plan.Share, plan.Share, plan.Withdraw, plan.Withdraw} {
		m.apply(t, verb, a)
		out, err := m.client(t, m.home).DescribeDBSnapshotAttributes(t.Context(), &awsrds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &x.Ref.ID})
		check(t, err)
		var with []string
		for _, attribute := range out.DBSnapshotAttributesResult.DBSnapshotAttributes {
			with = append(with, attribute.AttributeValues...)
		}
		marked := m.only(t, m.home).Shared
		if shared := verb == plan.Share; len(with) > 0 != shared || len(marked) > 0 != shared {
			t.Errorf("after %s it is shared with %v and marked %v", verb, with, marked)
		}
	}
}
