package plan_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

var (
	shelf = dr.Site{Name: "shelf", Vault: "/var/lib/holdfast"}
	lake  = dr.Site{Name: "lake", Vault: "s3://acme/prod"}
)

// Files go from vault to vault in one step, and nowhere else.
func TestRoutesBetweenVaults(t *testing.T) {
	for _, tc := range []struct {
		means    plan.Means
		from, to dr.Site
		want     string
	}{
		{plan.ByVault, shelf, lake, "copy at lake"},
		{plan.ByVault, shelf, shelf, "the same vault"},
		{plan.ByVault, shelf, prod, "no vault"},
		{plan.ByVault, prod, lake, "in no vault"},
		{plan.ByCall, prod, lake, "are no files"},
		{plan.ByFile, prod, lake, "are no files"},
		{plan.BySetting, prod, lake, "are no files"},
		{plan.ByCall, shelf, prod, "are no files"},
	} {
		hops, detour := plan.Routing{Means: tc.means, Default: "alias/x"}.Route(plan.Trip{From: tc.from, To: tc.to, Key: "k"})
		got := ""
		for _, h := range hops {
			got += string(h.Verb) + " at " + h.At.Name + h.Key + h.With + h.Stage
		}
		if detour != nil {
			got = detour.Why
		}
		if !strings.Contains(got, tc.want) || len(hops) > 1 {
			t.Errorf("%s from %s to %s: %q, want %q", tc.means, tc.from.Name, tc.to.Name, got, tc.want)
		}
	}
}

const vaults = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  shelf: {vault: /var/lib/holdfast}
  lake: {vault: s3://acme/prod}
policies:
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: lake, keep: {last: 2}}]}
`

// What is in a vault is copied to another; what is in AWS cannot be, which is foretold
// before there is anything to copy, and refused when there is.
func TestPlansBetweenVaults(t *testing.T) {
	f, _, err := policy.Parse("test.yaml", []byte(vaults), policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lim := routes(0)
	lim.Routes["files"] = plan.Routing{Means: plan.ByVault, NameLimit: 120}
	lim.Quota = map[dr.Kind]int{"files": 1} // Nothing in a vault counts.
	filed := snap(shelf, "sessions", "gold", "2026-11-20 14:00", dr.Good)
	filed.Ref.Kind, filed.Of.Kind = "files", "files"
	filed.Claim.Source = filed.Of.Source()
	row := snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Good)
	carts := ready("carts")
	inv := dr.Inventory{Sites: []dr.Site{prod, shelf, lake}, Resources: []dr.Resource{carts}, Snapshots: []dr.Snapshot{filed, row}}
	p := plan.Build(at("2026-11-20 14:20"), f, inv, lim)
	if objections := plan.Check(p, f, inv); len(objections) > 0 {
		t.Errorf("objections: %v", objections)
	}
	var copies []plan.Action
	for _, a := range p.Actions {
		if a.Verb == plan.Copy {
			copies = append(copies, a)
		}
	}
	if len(copies) != 1 || copies[0].From != filed.Ref || copies[0].To != lake || copies[0].Key != "" || copies[0].Claim.Origin != filed.Ref.Origin() {
		t.Errorf("copies: %+v", copies)
	}
	if !strings.Contains(show(p), "cannot be copied to lake: site lake is a vault") {
		t.Errorf("it does not say why the other is not copied:\n%s", show(p))
	}
	if len(p.Foretold) != 1 || p.Foretold[0].Ref != carts.Ref {
		t.Errorf("foretold: %+v", p.Foretold)
	}
}
