package redshift_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsredshift "github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
)

const other = "222222222222"

func west() dr.Site { return dr.Site{Name: "west", Account: account, Region: "us-west-2"} }

func (f *fixture) at(site dr.Site) *awsredshift.Client {
	f.Helper()
	cfg, err := f.sess.Config(f.Context(), site)
	f.must(err)
	return awsredshift.NewFromConfig(cfg)
}

func (f *fixture) lookAt(site dr.Site) []dr.Snapshot {
	f.Helper()
	inv, err := f.drv.Observe(f.Context(), site)
	f.must(err)
	return inv.Snapshots
}

func configure(r dr.Resource, key string) plan.Action {
	return plan.Action{
		Verb: plan.Configure, From: r.Ref, To: west(), Name: r.Ref.ID, Key: key,
		Claim: dr.Claim{Owner: "prod", Policy: "gold", Source: r.Ref.Source()},
	}
}

func TestConfigure(t *testing.T) {
	for name, c := range map[string]struct{ source, site, want string }{
		"plain":         {"", "", ""},
		"a key":         {"alias/home", "alias/dr", "alias/dr"},
		"a default key": {"alias/home", "alias/aws/redshift", "alias/aws/redshift"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				key, err := f.aws.PutKey(account, west().Region, sandbox.SeedKey{Name: "alias/dr"})
				f.must(err)
				f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{Key: c.source}))
				f.must(f.aws.PutCluster(account, region, "second", sandbox.SeedCluster{Key: c.source}))
				if r := f.resource("dwh"); r.SendsTo != "" {
					f.Fatalf("at first it copies to %s", r.SendsTo)
				}
				for _, id := range []string{"dwh", "dwh", "second"} { // Twice is once, and two share a grant.
					f.must(f.apply(configure(f.resource(id), c.site)))
				}
				to := f.copying("dwh")
				if *to.RetentionPeriod != 1 || *to.ManualSnapshotRetentionPeriod != -1 || f.resource("dwh").SendsTo != west().Region {
					f.Errorf("it copies %+v", to)
				}
				f.must(f.apply(action(f.resource("dwh"), dr.Ref{})))
				time.Sleep(time.Hour)
				got := f.lookAt(west())
				if len(got) != 1 || got[0].State != dr.Good || (got[0].Key == "") != (c.want == "") || c.want == "alias/dr" && got[0].Key != key {
					f.Errorf("arrived: %+v", got)
				}
			})
		})
	}
}

func (f *fixture) copying(id string) *types.ClusterSnapshotCopyStatus {
	f.Helper()
	out, err := f.client().DescribeClusters(f.Context(), &awsredshift.DescribeClustersInput{ClusterIdentifier: &id})
	f.must(err)
	return out.Clusters[0].ClusterSnapshotCopyStatus
}

func TestConfigureFails(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{Key: "alias/home", SnapshotCopy: sandbox.SeedSnapshotCopy{Region: "eu-west-1"}}))
		r := f.resource("dwh")
		f.wantFault(f.apply(configure(r, "alias/aws/redshift")), store.Conflict)
		f.wantFault(f.apply(configure(r, "alias/none")), store.Invalid)
		// A grant of the same name that was made for something else.
		out, err := f.at(west()).DescribeSnapshotCopyGrants(f.Context(), nil)
		f.must(err)
		name := *out.SnapshotCopyGrants[0].SnapshotCopyGrantName
		_, err = f.at(west()).DeleteSnapshotCopyGrant(f.Context(), &awsredshift.DeleteSnapshotCopyGrantInput{SnapshotCopyGrantName: &name})
		f.must(err)
		f.must(f.aws.PutSnapshotCopyGrant(account, west().Region, name, ""))
		f.wantFault(f.apply(configure(r, "alias/aws/redshift")), store.Conflict)
		if got := f.copying("dwh"); *got.DestinationRegion != "eu-west-1" {
			f.Errorf("it was switched: %+v", got)
		}
		r.Ref.ID = "none"
		r.Key = ""
		f.wantFault(f.apply(configure(r, "")), store.NotFound)
	})
}

// A copy is known by its name; should its tags have come along, by them. Claimed it
// is a copy like any other.
func TestArrival(t *testing.T) {
	for name, tagged := range map[string]bool{"by its name": false, "by its tags": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.aws.CopyClusterTags(tagged)
				f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{}))
				f.must(f.apply(configure(f.resource("dwh"), "")))
				f.must(f.switchTo(7))
				made := action(f.resource("dwh"), dr.Ref{})
				f.must(f.apply(made))
				time.Sleep(3 * time.Minute)
				if got := f.arrived(); got.State != dr.Pending {
					f.Errorf("it is on its way, and %s", got.State)
				}
				time.Sleep(time.Hour)
				got := f.arrived()
				original := dr.Ref{Kind: redshift.Kind, Site: home(), ID: made.Name}
				want := made.Claim
				want.Origin = original.Origin()
				if got.State != dr.Good || !got.Presumed.Is(want) || got.Presumed.Taken.IsZero() || got.Claim.Ours() || got.CopyOf == "" || got.Made.IsZero() {
					f.Fatalf("it is %+v, presumed %+v", got, got.Presumed)
				}
				a := plan.Action{Verb: plan.Adopt, From: got.Ref, To: west(), Name: got.Ref.ID, Claim: *got.Presumed, Tags: dr.Tags{"team": "shop"}}
				a.Claim.Retention, a.Claim.Config = "last=3", made.Claim.Config
				f.must(f.apply(a))
				f.must(f.apply(a))
				time.Sleep(10 * 24 * time.Hour) // The seven days are no matter to it.
				claimed := f.lookAt(west())
				if len(claimed) == 0 || claimed[0].Claim != a.Claim || claimed[0].Presumed != nil {
					f.Fatalf("claimed it is %+v", claimed)
				}
				a.Claim.Policy = "silver"
				f.wantFault(f.apply(a), store.Conflict)
				gone := about(plan.Delete, claimed[0])
				gone.To = west()
				f.must(f.apply(gone))
				if left := f.lookAt(west()); len(left) != 0 {
					f.Errorf("left: %+v", left)
				}
			})
		})
	}
}

// switchTo changes for how long manual copies are kept, as a person may.
func (f *fixture) switchTo(days int32) error {
	_, err := f.client().ModifySnapshotCopyRetentionPeriod(f.Context(), &awsredshift.ModifySnapshotCopyRetentionPeriodInput{
		ClusterIdentifier: aws.String("dwh"), RetentionPeriod: &days, Manual: aws.Bool(true),
	})
	return err
}

// arrived gives the one snapshot that has arrived, or is arriving.
func (f *fixture) arrived() dr.Snapshot {
	f.Helper()
	all := f.lookAt(west())
	if len(all) != 1 || all[0].Presumed == nil {
		f.Fatalf("in the other Region there are %+v", all)
	}
	return all[0]
}

// What others take arrives too, and is none of ours; copies of automated snapshots
// are not listed.
func TestArrivalsOfOthers(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{}))
		f.must(f.apply(configure(f.resource("dwh"), "")))
		a := action(f.resource("dwh"), dr.Ref{})
		for _, name := range []string{"by-hand", dr.SnapshotName(dr.Claim{Owner: "test", Policy: "gold", Slot: a.Claim.Slot, Source: a.Claim.Source}, "dwh", 0, 255)} {
			_, err := f.client().CreateClusterSnapshot(f.Context(), &awsredshift.CreateClusterSnapshotInput{ClusterIdentifier: aws.String("dwh"), SnapshotIdentifier: &name})
			f.must(err)
			time.Sleep(13 * time.Hour)
		}
		got := f.lookAt(west())
		if len(got) != 2 || slices.ContainsFunc(got, func(s dr.Snapshot) bool { return s.Presumed != nil || s.Claim.Ours() || s.Automated || s.Flaw != "" }) {
			f.Errorf("%+v", got)
		}
	})
}

func TestShares(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{}))
		a := action(f.resource("dwh"), dr.Ref{})
		f.must(f.apply(a))
		x := f.wantOne(a)
		with := func(verb plan.Verb, account string) error {
			s := about(verb, x)
			s.With = account
			return f.apply(s)
		}
		f.must(with(plan.Share, other))
		f.must(with(plan.Share, other))
		f.must(with(plan.Share, "333333333333"))
		if got := f.shares(x); !slices.Equal(got, []string{other, "333333333333"}) {
			f.Errorf("AWS shares it with %v", got)
		}
		if _, manual := split(f.observe().Snapshots); !slices.Equal(manual[0].Shared, f.shares(x)) || manual[0].Claim != x.Claim {
			f.Errorf("it shows as %+v", manual[0])
		}
		f.must(with(plan.Withdraw, "333333333333"))
		f.must(with(plan.Withdraw, "333333333333"))
		f.must(with(plan.Withdraw, "444444444444")) // No share of ours.
		if got := f.shares(x); !slices.Equal(got, []string{other}) {
			f.Errorf("AWS shares it with %v", got)
		}
		foreign := about(plan.Share, x)
		foreign.Claim.Owner, foreign.With = "test", other
		f.wantFault(f.apply(foreign), store.Conflict)
		f.must(f.apply(about(plan.Delete, x))) // Its share goes with it.
		if _, manual := split(f.observe().Snapshots); len(manual) != 0 {
			f.Errorf("left: %+v", manual)
		}
		f.must(with(plan.Withdraw, other))
		f.wantFault(with(plan.Share, other), store.NotFound)
	})
}

// What a person has shared is not taken back, and so it cannot be deleted.
func TestSharesOfOthers(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{}))
		a := action(f.resource("dwh"), dr.Ref{})
		f.must(f.apply(a))
		x := f.wantOne(a)
		_, err := f.client().AuthorizeSnapshotAccess(f.Context(), &awsredshift.AuthorizeSnapshotAccessInput{
			SnapshotIdentifier: &x.Ref.ID, AccountWithRestoreAccess: aws.String(other),
		})
		f.must(err)
		f.wantFault(f.apply(about(plan.Delete, x)), store.Busy)
		if got := f.shares(x); !slices.Equal(got, []string{other}) {
			f.Errorf("AWS shares it with %v", got)
		}
	})
}

func (f *fixture) shares(x dr.Snapshot) []string {
	f.Helper()
	out, err := f.client().DescribeClusterSnapshots(f.Context(), &awsredshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: &x.Ref.ID})
	f.must(err)
	var accounts []string
	for _, a := range out.Snapshots[0].AccountsWithRestoreAccess {
		accounts = append(accounts, *a.AccountId)
	}
	return accounts
}

// Wherever a process dies, doing it again leaves one grant, one setting, one claim and
// one share with its mark.
func TestCopiesSurviveCrashes(t *testing.T) {
	for n := range 8 {
		for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter} {
			inBubble(t, func(f *fixture) {
				f.must(f.aws.PutCluster(account, region, "dwh", sandbox.SeedCluster{Key: "alias/home"}))
				conf := configure(f.resource("dwh"), "alias/aws/redshift")
				made := action(f.resource("dwh"), dr.Ref{})
				f.crashing(n, kind, conf)
				f.must(f.apply(made))
				time.Sleep(time.Hour)
				got := f.arrived()
				claim := plan.Action{Verb: plan.Adopt, From: got.Ref, To: west(), Name: got.Ref.ID, Claim: *got.Presumed}
				f.crashing(n, kind, claim)
				_, manual := split(f.observe().Snapshots)
				share := about(plan.Share, manual[0])
				share.With = other
				f.crashing(n, kind, share)
				if got := f.lookAt(west()); len(got) != 1 || got[0].Claim != claim.Claim {
					f.Errorf("call %d, %s: claimed %+v", n, kind, got)
				}
				if _, manual := split(f.observe().Snapshots); len(manual) != 1 || !slices.Equal(manual[0].Shared, f.shares(manual[0])) || len(manual[0].Shared) != 1 {
					f.Errorf("call %d, %s: shared %+v", n, kind, manual)
				}
				share.Verb = plan.Withdraw
				f.crashing(n, kind, share)
				if _, manual := split(f.observe().Snapshots); len(manual[0].Shared) != 0 || len(f.shares(manual[0])) != 0 {
					f.Errorf("call %d, %s: still shared %+v", n, kind, manual)
				}
			})
		}
	}
}

// crashing applies an action in a process that dies at its call n, and then in one
// that does not.
func (f *fixture) crashing(n int, kind sandbox.FaultKind, a plan.Action) {
	f.Helper()
	end := f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "redshift"}, Kind: kind, Skip: n, Times: 1})
	if err := f.apply(a); err != nil && !crashed(err) {
		f.Fatal(err)
	}
	end()
	f.restart()
	f.must(f.apply(a))
}
