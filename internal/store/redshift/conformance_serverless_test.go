package redshift_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/redshift"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
)

const (
	serverless = "serverless:"
	// idle ends the status of a namespace without a workgroup.
	idle = ", without a workgroup"
)

// spaceWorld is the simulated Redshift Serverless: a namespace with a workgroup of
// its name for each resource. Recovery points come every half hour.
type spaceWorld struct {
	*storetest.Cloud
	t *testing.T
}

func newSpaceWorld(t *testing.T) *spaceWorld {
	t.Helper()
	w := &spaceWorld{storetest.NewCloud(t), t}
	w.SetQuota(w.Home(), 1000)
	return w
}

func (w *spaceWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *spaceWorld) client(site dr.Site) *redshiftserverless.Client {
	w.t.Helper()
	cfg, err := w.Sessions().Config(w.t.Context(), site)
	w.must(err)
	return redshiftserverless.NewFromConfig(cfg)
}

func (w *spaceWorld) Driver() store.Driver { return driver(w.Cloud) }

func (w *spaceWorld) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	w.t.Helper()
	n := sandbox.SeedNamespace{Tags: r.Tags}
	if r.Rich {
		n = sandbox.SeedNamespace{
			Tags: r.Tags, Base: 32, Key: "alias/holdfast", User: "master", DBName: "orders", Logs: []string{"userlog"}, Public: true,
			Roles: []string{"arn:aws:iam::111111111111:role/load"}, Subnets: []string{"subnet-2", "subnet-1"}, SecurityGroups: []string{"sg-1"},
		}
	}
	w.must(w.AWS.PutNamespace(site.Account, site.Region, r.Name, n))
	return dr.Ref{Kind: redshift.Kind, Site: site, ID: serverless + r.Name}
}

func (w *spaceWorld) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	w.t.Helper()
	name, of := strings.TrimPrefix(s.Name, serverless), strings.TrimPrefix(s.Of.ID, serverless)
	w.must(w.AWS.PutNamespaceSnapshot(site.Account, site.Region, of, name, sandbox.Age(s.Age), s.Tags))
	return dr.Ref{Kind: redshift.Kind, Site: site, ID: serverless + name}
}

// SetStatus sets a status, and takes the workgroup away where it says so.
func (w *spaceWorld) SetStatus(r dr.Ref, status string) {
	w.t.Helper()
	name := strings.TrimPrefix(r.ID, serverless)
	w.must(w.AWS.SetNamespaceStatus(r.Site.Account, r.Site.Region, name, strings.TrimSuffix(status, idle)))
	if strings.HasSuffix(status, idle) {
		_, err := w.client(r.Site).DeleteWorkgroup(w.t.Context(), &redshiftserverless.DeleteWorkgroupInput{WorkgroupName: &name})
		w.must(err)
	}
}

func (w *spaceWorld) FailNext(r dr.Ref) {
	w.t.Helper()
	w.must(w.AWS.FailNextNamespaceSnapshots(r.Site.Account, r.Site.Region, strings.TrimPrefix(r.ID, serverless), 1))
}

func (w *spaceWorld) SetQuota(site dr.Site, n int) {
	w.t.Helper()
	w.must(w.AWS.SetQuota(site.Account, site.Region, sandbox.QuotaServerlessSnapshots, n))
}

func (w *spaceWorld) SnapshotTags(ref dr.Ref) dr.Tags {
	w.t.Helper()
	c, name := w.client(ref.Site), strings.TrimPrefix(ref.ID, serverless)
	got, err := c.GetSnapshot(w.t.Context(), &redshiftserverless.GetSnapshotInput{SnapshotName: &name})
	w.must(err)
	out, err := c.ListTagsForResource(w.t.Context(), &redshiftserverless.ListTagsForResourceInput{ResourceArn: got.Snapshot.SnapshotArn})
	w.must(err)
	tags := dr.Tags{}
	for _, t := range out.Tags {
		tags[*t.Key] = *t.Value
	}
	return tags
}
