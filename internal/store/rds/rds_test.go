package rds

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awsrds "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T) storetest.World { return newWorld(t) },
		Calls: storetest.Calls{
			ListResources: "rds:DescribeDBInstances", ListSnapshots: "rds:DescribeDBSnapshots",
			Create: "rds:CreateDBSnapshot", Delete: "rds:DeleteDBSnapshot",
			Tag: "rds:AddTagsToResource", Untag: "rds:RemoveTagsFromResource",
		},
		Statuses: map[dr.Readiness][]string{
			dr.Ready:   {"available", "storage-optimization"},
			dr.Busy:    {"backing-up", "modifying", "a-status-of-tomorrow"},
			dr.Blocked: {"stopped", "storage-full", "incompatible-parameters"},
			dr.Leaving: {"deleting"},
		},
		ResourceName: 63,
		MaxTags:      50,
		SpareTags:    2,
		NamesAreKeys: true,
		Copies:       &storetest.CopyCalls{Copy: "rds:CopyDBSnapshot", Share: "rds:ModifyDBSnapshotAttribute"},
		Retires:      &storetest.RetireCalls{Delete: "rds:DeleteDBInstance", Unprotect: "rds:ModifyDBInstance"},
	})
}

// world is the simulated RDS.
type world struct {
	*storetest.Cloud
	t *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{storetest.NewCloud(t), t}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Driver() store.Driver { return w.Over(w.Sessions()) }

func (w *world) Over(s store.Sessions) store.Driver { return New(s) }

func (w *world) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	w.t.Helper()
	db := sandbox.SeedDatabase{Tags: r.Tags, Key: r.Key}
	if r.Rich {
		db = rich(r.Tags)
	}
	w.must(w.AWS.PutDBInstance(site.Account, site.Region, r.Name, db))
	return dr.Ref{Kind: Kind, Site: site, ID: r.Name}
}

// rich is a database with all the configuration that the simulation knows.
func rich(tags dr.Tags) sandbox.SeedDatabase {
	return sandbox.SeedDatabase{
		Engine: "postgres", Version: "16.4", Class: "db.r6g.large", Size: 500, MaxSize: 2000,
		StorageType: "gp3", Iops: 14000, Throughput: 600, Key: "alias/holdfast", Tags: tags,
		MultiAZ: true, Public: true, User: "master", DBName: "orders",
		SecurityGroups: []string{"sg-0123456789abcdef0", "sg-0fedcba9876543210"},
		Logs:           []string{"postgresql", "upgrade"}, BackupWindow: "03:00-03:30", MaintenanceWindow: "sun:04:00-sun:04:30",
		CopyTags: true, Protected: true, IAM: true, MonitoringInterval: 60,
		MonitoringRole: "arn:aws:iam::111111111111:role/rds-monitoring-role", Insights: true,
	}
}

func (w *world) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	w.t.Helper()
	w.must(w.AWS.PutDBSnapshot(site.Account, site.Region, sandbox.SeedSnapshot{
		Of: s.Of.ID, Name: s.Name, Tags: s.Tags, Age: sandbox.Age(s.Age),
	}))
	return dr.Ref{Kind: Kind, Site: site, ID: s.Name}
}

func (w *world) SetStatus(r dr.Ref, status string) {
	w.t.Helper()
	w.must(w.AWS.SetDBInstanceStatus(r.Site.Account, r.Site.Region, r.ID, status))
}

func (w *world) FailNext(r dr.Ref) {
	w.t.Helper()
	w.must(w.AWS.FailNextDBSnapshots(r.Site.Account, r.Site.Region, r.ID, 1))
}

func (w *world) SetQuota(site dr.Site, n int) {
	w.t.Helper()
	w.must(w.AWS.SetQuota(site.Account, site.Region, sandbox.QuotaManualSnapshots, n))
}

func (w *world) client(site dr.Site) *awsrds.Client {
	w.t.Helper()
	cfg, err := w.Sessions().Config(w.t.Context(), site)
	w.must(err)
	return awsrds.NewFromConfig(cfg)
}

func (w *world) SnapshotTags(ref dr.Ref) dr.Tags {
	w.t.Helper()
	arn := "arn:aws:rds:" + ref.Site.Region + ":" + ref.Site.Account + ":snapshot:" + ref.ID
	out, err := w.client(ref.Site).ListTagsForResource(w.t.Context(), &awsrds.ListTagsForResourceInput{ResourceName: &arn})
	w.must(err)
	tags := dr.Tags{}
	for _, t := range out.TagList {
		tags[*t.Key] = *t.Value
	}
	return tags
}

func (w *world) SharedWith(x dr.Snapshot) []string {
	w.t.Helper()
	out, err := w.client(x.Ref.Site).DescribeDBSnapshotAttributes(w.t.Context(), &awsrds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: &x.Ref.ID})
	w.must(err)
	var with []string
	for _, a := range out.DBSnapshotAttributesResult.DBSnapshotAttributes {
		with = append(with, a.AttributeValues...)
	}
	return with
}

func (w *world) Sees(at dr.Site, x dr.Snapshot) bool {
	w.t.Helper()
	kind := "shared"
	out, err := w.client(at).DescribeDBSnapshots(w.t.Context(), &awsrds.DescribeDBSnapshotsInput{SnapshotType: &kind})
	w.must(err)
	return slices.ContainsFunc(out.DBSnapshots, func(s types.DBSnapshot) bool { return *s.DBSnapshotArn == x.ARN })
}

// Instances that belong to a cluster are the cluster's business.
func TestClusterMembersAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		home := w.Home()
		for name, db := range map[string]sandbox.SeedDatabase{
			"orders": {}, "ledger-1": {Engine: "aurora-postgresql", Cluster: "ledger"}, "multi-1": {Cluster: "multi"},
		} {
			w.must(w.AWS.PutDBInstance(home.Account, home.Region, name, db))
		}
		inv, err := w.Driver().Observe(t.Context(), home)
		w.must(err)
		if len(inv.Resources) != 1 || inv.Resources[0].Name != "orders" {
			t.Errorf("saw %+v, want orders alone", inv.Resources)
		}
	})
}

// Snapshots that RDS or AWS Backup makes are theirs.
func TestOnlyManualSnapshotsAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		home := w.Home()
		w.must(w.AWS.PutDBInstance(home.Account, home.Region, "orders", sandbox.SeedDatabase{}))
		w.must(w.AWS.PutDBInstance(w.Away().Account, home.Region, "theirs", sandbox.SeedDatabase{}))
		for _, s := range []sandbox.SeedSnapshot{
			{Of: "orders", Name: "mine"},
			{Of: "orders", Type: "automated"},
			{Of: "orders", Name: "awsbackup-job-1", Type: "awsbackup"},
		} {
			w.must(w.AWS.PutDBSnapshot(home.Account, home.Region, s))
		}
		w.must(w.AWS.PutDBSnapshot(w.Away().Account, home.Region, sandbox.SeedSnapshot{
			Of: "theirs", Name: "shared", Shared: []string{home.Account, "all"},
		}))
		got, err := w.Driver().Snapshots(t.Context(), home)
		w.must(err)
		if len(got) != 1 || got[0].Ref.ID != "mine" {
			t.Errorf("saw %+v, want mine alone", got)
		}
	})
}

// Each site is reached as the one that the policy file says.
func TestRolesOfSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, site := range []dr.Site{w.Home(), w.Away()} {
			w.PutResource(site, storetest.Resource{Name: "orders"})
			if _, err := w.Driver().Observe(t.Context(), site); err != nil {
				t.Fatal(err)
			}
		}
		callers := map[string]bool{}
		for _, c := range w.AWS.Calls() {
			if c.Service == "rds" {
				callers[c.Account+" "+c.Region+" "+c.Caller] = true
			}
		}
		want := []string{
			"111111111111 us-east-1 arn:aws:iam::111111111111:root",
			"222222222222 us-east-1 arn:aws:sts::222222222222:assumed-role/holdfast/holdfast",
		}
		if got := slices.Sorted(maps.Keys(callers)); !slices.Equal(got, want) {
			t.Errorf("calls were made as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A site whose role may not be assumed is a gap, and the one grant that is
// missing.
func TestRoleDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Strike(storetest.Trouble{Kind: storetest.Denied, Call: "sts:AssumeRole"})
		inv := store.New(w.Driver()).Observe(t.Context(), w.Away())
		err := inv.Gaps[dr.Scope{Kind: Kind, Site: w.Away()}]
		if store.FaultOf(err) != store.Denied || !strings.Contains(err.Error(), "sts:AssumeRole") {
			t.Errorf("the gap is %v (%s)", err, store.FaultOf(err))
		}
		for _, g := range store.New(w.Driver()).Grants(t.Context(), w.Away()) {
			if store.FaultOf(g.Err) != store.Denied {
				t.Errorf("%s: %v", g.Permission, g.Err)
			}
		}
	})
}

// A snapshot that cannot do without options gets the option group of the same name
// at the destination; where there is none, that is said.
func TestPersistentOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		home, abroad := w.Home(), w.Abroad()
		w.must(w.AWS.Seed(sandbox.Seed{Accounts: map[string]sandbox.SeedAccount{home.Account: {Regions: map[string]sandbox.SeedRegion{
			home.Region: {Snapshots: []sandbox.SeedSnapshot{{Of: "orders", Name: "first", Age: sandbox.Age(time.Hour)}}},
		}}}}))
		a := plan.Action{
			Verb: plan.Copy, From: dr.Ref{Kind: Kind, Site: home, ID: "first"}, To: abroad, Name: "copy",
			ARN: "arn:aws:rds:us-east-1:111111111111:snapshot:first",
			Claim: dr.Claim{
				Owner: "prod", Policy: "gold", Slot: time.Now().UTC(), Source: "rds/111111111111/us-east-1/orders", Origin: "rds/111111111111/us-east-1/first",
				Config: dr.NewConfig(map[string]string{"options": "audited"}),
			},
		}
		refuse := func() {
			w.AWS.Inject(sandbox.Fault{
				Match: sandbox.Match{Action: "CopyDBSnapshot"}, Kind: sandbox.Fail, Times: 1, Code: "InvalidParameterValue",
				Message: "The snapshot requires a target option group with the following options: [Timezone]",
			})
		}
		refuse()
		_, err := store.New(w.Driver()).Apply(t.Context(), a)
		if store.FaultOf(err) != store.Invalid || !strings.Contains(store.Remedy(err), "audited") || !strings.Contains(store.Remedy(err), abroad.Name) {
			t.Errorf("got %v (%s), remedy %q", err, store.FaultOf(err), store.Remedy(err))
		}
		w.must(w.AWS.Seed(sandbox.Seed{Accounts: map[string]sandbox.SeedAccount{home.Account: {Regions: map[string]sandbox.SeedRegion{
			abroad.Region: {OptionGroups: map[string]sandbox.SeedOptionGroup{"audited": {Engine: "postgres", Major: "16"}}},
		}}}}))
		refuse()
		_, err = store.New(w.Driver()).Apply(t.Context(), a)
		w.must(err)
		out, err := w.client(abroad).DescribeDBSnapshots(t.Context(), &awsrds.DescribeDBSnapshotsInput{})
		w.must(err)
		if len(out.DBSnapshots) != 1 || *out.DBSnapshots[0].OptionGroupName != "audited" {
			t.Errorf("there is %+v", out.DBSnapshots)
		}
	})
}
