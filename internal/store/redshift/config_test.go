package redshift_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// What a restore needs is in the claim of the snapshot, letter for letter.
func TestCapturedConfiguration(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.must(f.aws.PutCluster(account, region, "dwh", rich(dr.Tags{"team": "bi"})))
		r := f.resource("dwh")
		a := action(r, dr.Ref{})
		f.must(f.apply(a))
		got, err := f.wantOne(a).Claim.Config.Settings()
		f.must(err)
		want := map[string]string{
			"resource-id": got["resource-id"], "node": "ra3.4xlarge", "nodes": "4", "version": "1.0", "zone": "us-east-1a", "multi-az": "yes", "relocation": "yes",
			"subnets": "private", "vpc": got["vpc"], "security": "sg-1,sg-2", "parameters": "tuned", "public": "yes", "enhanced": "yes",
			"network": "ipv4", "port": "5439", "db": "orders", "user": "master", "key": r.Key, "track": "current", "upgrade": "yes",
			"roles":       "arn:aws:iam::111111111111:role/copy,arn:aws:iam::111111111111:role/load",
			"maintenance": "sun:04:00-sun:04:30", "automated-days": "1", "manual-days": "-1", "schedule": "nightly",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			f.Errorf("settings (-want +got):\n%s", diff)
		}
	})
}

// A snapshot that another tool made is claimed once, and not if it is another's.
func TestAdopt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		f.must(f.aws.PutClusterSnapshot(account, region, sandbox.SeedClusterSnapshot{Of: "dwh", Name: "night", Tags: dr.Tags{"createdBy": "x"}}))
		_, manual := split(f.observe().Snapshots)
		if manual[0].Tags["createdBy"] != "x" || manual[0].Claim.Ours() {
			f.Fatalf("before: %+v", manual)
		}
		a := about(plan.Adopt, manual[0])
		a.Claim = action(r, dr.Ref{}).Claim
		f.must(f.apply(a))
		f.must(f.apply(a))
		f.wantOne(a)
		a.Claim.Owner = "other"
		f.wantFault(f.apply(a), store.Conflict)
		a.From.ID, a.Name = "none", "none"
		f.wantFault(f.apply(a), store.NotFound)
	})
}
