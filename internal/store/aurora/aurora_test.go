package aurora_test

import (
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
	"github.com/holdfast-dr/holdfast/internal/store/aurora"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T) storetest.World { return newWorld(t) },
		Calls: storetest.Calls{
			ListResources: "rds:DescribeDBClusters", ListSnapshots: "rds:DescribeDBClusterSnapshots",
			Create: "rds:CreateDBClusterSnapshot", Delete: "rds:DeleteDBClusterSnapshot",
			Tag: "rds:AddTagsToResource", Untag: "rds:RemoveTagsFromResource",
		},
		Statuses: map[dr.Readiness][]string{
			dr.Ready:   {"available"},
			dr.Busy:    {"backing-up", "failing-over", "a-status-of-tomorrow"},
			dr.Blocked: {"stopped", "inaccessible-encryption-credentials", "migration-failed"},
			dr.Leaving: {"deleting"},
		},
		ResourceName: 63,
		MaxTags:      50,
		SpareTags:    2,
		NamesAreKeys: true,
		Copies:       &storetest.CopyCalls{Copy: "rds:CopyDBClusterSnapshot", Share: "rds:ModifyDBClusterSnapshotAttribute"},
		Retires:      &storetest.RetireCalls{Delete: "rds:DeleteDBCluster", Unprotect: "rds:ModifyDBCluster"},
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

func (w *world) Over(s store.Sessions) store.Driver { return aurora.New(s) }

func (w *world) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	w.t.Helper()
	c := sandbox.SeedDBCluster{Tags: r.Tags, Key: r.Key}
	switch {
	case r.Rich && len(r.Name) <= 52: // As long as the name of such a cluster may be.
		c = multiAZ(r.Tags)
	case r.Rich:
		c = rich(r.Tags)
	}
	w.must(w.AWS.PutDBCluster(site.Account, site.Region, r.Name, c))
	return dr.Ref{Kind: aurora.Kind, Site: site, ID: r.Name}
}

// rich is an Aurora cluster with all the configuration that the simulation knows.
func rich(tags dr.Tags) sandbox.SeedDBCluster {
	return sandbox.SeedDBCluster{
		Engine: "aurora-postgresql", Version: "16.4", Size: 500, StorageType: "aurora-iopt1", Key: "alias/holdfast", Tags: tags,
		User: "master", DBName: "orders", Port: 5433, SecurityGroups: []string{"sg-0123456789abcdef0", "sg-0fedcba9876543210"},
		Logs: []string{"postgresql"}, BackupWindow: "03:00-03:30", MaintenanceWindow: "sun:04:00-sun:04:30",
		CopyTags: true, Protected: true, IAM: true, HTTP: true, MinCapacity: "0.5", MaxCapacity: "16", Global: "world",
		Roles: map[string]string{"s3Import": "arn:aws:iam::111111111111:role/s3"},
	}
}

// multiAZ is a Multi-AZ DB cluster with its three instances.
func multiAZ(tags dr.Tags) sandbox.SeedDBCluster {
	return sandbox.SeedDBCluster{
		Engine: "postgres", Class: "db.m6gd.large", Size: 200, Iops: 3000, Key: "alias/holdfast", Tags: tags, Public: true,
		DBName: "orders", MonitoringInterval: 60, MonitoringRole: "arn:aws:iam::111111111111:role/rds-monitoring-role",
	}
}

func (w *world) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	w.t.Helper()
	w.must(w.AWS.PutDBClusterSnapshot(site.Account, site.Region, sandbox.SeedDBClusterSnapshot{
		Of: s.Of.ID, Name: s.Name, Tags: s.Tags, Age: sandbox.Age(s.Age),
	}))
	return dr.Ref{Kind: aurora.Kind, Site: site, ID: s.Name}
}

func (w *world) SetStatus(r dr.Ref, status string) {
	w.t.Helper()
	w.must(w.AWS.SetDBClusterStatus(r.Site.Account, r.Site.Region, r.ID, status))
}

func (w *world) FailNext(r dr.Ref) {
	w.t.Helper()
	w.must(w.AWS.FailNextDBClusterSnapshots(r.Site.Account, r.Site.Region, r.ID, 1))
}

func (w *world) SetQuota(site dr.Site, n int) {
	w.t.Helper()
	w.must(w.AWS.SetQuota(site.Account, site.Region, sandbox.QuotaManualDBClusterSnapshots, n))
}

func (w *world) client(site dr.Site) *awsrds.Client {
	w.t.Helper()
	cfg, err := w.Sessions().Config(w.t.Context(), site)
	w.must(err)
	return awsrds.NewFromConfig(cfg)
}

func (w *world) SharedWith(x dr.Snapshot) []string {
	w.t.Helper()
	out, err := w.client(x.Ref.Site).DescribeDBClusterSnapshotAttributes(w.t.Context(), &awsrds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: &x.Ref.ID})
	w.must(err)
	var with []string
	for _, a := range out.DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes {
		with = append(with, a.AttributeValues...)
	}
	return with
}

func (w *world) Sees(at dr.Site, x dr.Snapshot) bool {
	w.t.Helper()
	kind := "shared"
	out, err := w.client(at).DescribeDBClusterSnapshots(w.t.Context(), &awsrds.DescribeDBClusterSnapshotsInput{SnapshotType: &kind})
	w.must(err)
	return slices.ContainsFunc(out.DBClusterSnapshots, func(s types.DBClusterSnapshot) bool { return *s.DBClusterSnapshotArn == x.ARN })
}

func (w *world) SnapshotTags(ref dr.Ref) dr.Tags {
	w.t.Helper()
	arn := "arn:aws:rds:" + ref.Site.Region + ":" + ref.Site.Account + ":cluster-snapshot:" + ref.ID
	out, err := w.client(ref.Site).ListTagsForResource(w.t.Context(), &awsrds.ListTagsForResourceInput{ResourceName: &arn})
	w.must(err)
	tags := dr.Tags{}
	for _, t := range out.TagList {
		tags[*t.Key] = *t.Value
	}
	return tags
}

// A cluster is one resource, whatever it consists of; its instances are none, and
// neither are those that stand alone.
func TestMembersAreNoResources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		home := w.Home()
		w.must(w.AWS.PutDBInstance(home.Account, home.Region, "orders", sandbox.SeedDatabase{}))
		w.must(w.AWS.PutDBCluster(home.Account, home.Region, "multi", multiAZ(nil)))
		ledger := rich(nil)
		ledger.Members = map[string]sandbox.SeedDBMember{
			"ledger-1": {Class: "db.r6g.large", Tier: 1}, "ledger-2": {Class: "db.r6g.2xlarge", Writer: true, Tags: dr.Tags{"team": "shop"}},
		}
		w.must(w.AWS.PutDBCluster(home.Account, home.Region, "ledger", ledger))
		inv, err := w.Driver().Observe(t.Context(), home)
		w.must(err)
		if len(inv.Resources) != 2 || inv.Resources[0].Name != "ledger" || inv.Resources[1].Name != "multi" {
			t.Fatalf("saw %+v, want ledger and multi", inv.Resources)
		}
		got, err := inv.Resources[0].Config.Settings()
		w.must(err)
		for key, want := range map[string]string{
			"members": "ledger-2,ledger-1", "member.1.class": "db.r6g.large", "member.class": "db.r6g.2xlarge", "acu-max": "16",
			"member.0.tags": "team=shop", "http": "yes", "global": "world", "db": "orders", "port": "5433",
		} {
			if got[key] != want {
				t.Errorf("captured %s is %q, want %q; all: %v", key, got[key], want, got)
			}
		}
		got, err = inv.Resources[1].Config.Settings()
		w.must(err)
		if n := strings.Count(got["members"], ",") + 1; n != 3 || got["gib"] != "200" || got["class"] != "db.m6gd.large" {
			t.Errorf("captured of the Multi-AZ DB cluster: %v", got)
		}
	})
}

// Snapshots that RDS or AWS Backup makes are theirs, and those of DB instances are
// another store's.
func TestOnlyManualSnapshotsAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		home, away := w.Home(), w.Away()
		w.must(w.AWS.PutDBCluster(home.Account, home.Region, "orders", sandbox.SeedDBCluster{}))
		w.must(w.AWS.PutDBInstance(home.Account, home.Region, "single", sandbox.SeedDatabase{}))
		w.must(w.AWS.PutDBSnapshot(home.Account, home.Region, sandbox.SeedSnapshot{Of: "single", Name: "of-an-instance"}))
		for _, s := range []sandbox.SeedDBClusterSnapshot{
			{Of: "orders", Name: "mine"},
			{Of: "orders", Type: "automated"},
			{Of: "orders", Name: "awsbackup-job-1", Type: "awsbackup"},
		} {
			w.must(w.AWS.PutDBClusterSnapshot(home.Account, home.Region, s))
		}
		w.must(w.AWS.PutDBClusterSnapshot(away.Account, home.Region, sandbox.SeedDBClusterSnapshot{
			Of: "theirs", Name: "shared", Shared: []string{home.Account, "all"},
		}))
		got, err := w.Driver().Snapshots(t.Context(), home)
		w.must(err)
		if len(got) != 1 || got[0].Ref.ID != "mine" {
			t.Errorf("saw %+v, want mine alone", got)
		}
	})
}

// A snapshot is adopted once; one that bears a claim, or what is left of one, is not.
func TestAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		of := w.PutResource(w.Home(), storetest.Resource{Name: "orders"})
		claim := dr.Claim{Owner: "prod", Policy: "gold", Slot: time.Now().UTC(), Source: of.Source()}
		other := claim
		other.Owner = "somebody-else"
		for name, c := range map[string]struct {
			tags dr.Tags
			want store.Fault
		}{
			"free": {dr.Tags{"made-by": "cron"}, ""}, "theirs": {other.Tags(), store.Conflict}, "flawed": {dr.Tags{dr.TagOwner: "x"}, store.Conflict},
		} {
			ref := w.PutSnapshot(w.Home(), storetest.Snapshot{Of: of, Name: name, Tags: c.tags})
			for range 2 {
				_, err := store.New(w.Driver()).Apply(t.Context(), plan.Action{Verb: plan.Adopt, From: ref, To: w.Home(), Name: name, Claim: claim})
				if err == nil && c.want != "" || err != nil && store.FaultOf(err) != c.want {
					t.Errorf("%s: %v, want %q", name, err, c.want)
				}
			}
			if got := w.SnapshotTags(ref); c.want == "" && (got["made-by"] != "cron" || got[dr.TagOwner] != "prod") {
				t.Errorf("%s has the tags %v", name, got)
			}
		}
	})
}
