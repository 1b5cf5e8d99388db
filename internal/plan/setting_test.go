package plan_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

func settingRoutes() plan.Limits {
	return plan.Limits{
		MaxDelete: plan.MaxDelete{Count: 10_000, IsSet: true},
		Routes: map[dr.Kind]plan.Routing{"rds": {
			Means: plan.BySetting, Default: "alias/aws/service", PlainStaysPlain: true, NameLimit: 255, Off: "aws service end-copying --id",
		}},
	}
}

// sending is a resource whose snapshots are copied to a Region; policies come from the
// file alone.
func sending(id, region, key string) dr.Resource {
	r := ready(id)
	r.Tags, r.SendsTo, r.Key = dr.Tags{"team": "shop"}, region, key
	return r
}

// arrival is what shows of a snapshot in the Region to which the service copies.
func arrival(s dr.Snapshot, state dr.Condition) dr.Snapshot {
	x := copyOf(s, west, "", "", state)
	claim := x.Claim
	claim.Retention = ""
	x.Ref.ID, x.Presumed, x.Claim, x.Key = "copy:"+s.Ref.ID, &claim, dr.Claim{}, ""
	return x
}

func settingScenes() []scene {
	const (
		toWest = `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: west, keep: {last: 4}}]}
`
		toOther = `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 3}, copies: [{to: other, keep: {last: 2}}]}
`
	)
	lim := settingRoutes()
	sites := []dr.Site{prod, west, other, far}
	all := hourly(prod, "orders", "2026-11-20 11:00", "2026-11-20 14:00")
	last := all[2:]
	west2 := west.Region
	only := func(r ...dr.Resource) []dr.Resource { return r }
	busy := sending("orders", "", "")
	busy.State, busy.Status = dr.Busy, "resizing"
	stays := sending("orders", "", "")
	stays.Stays = "the service copies nothing of it"
	lent := append([]dr.Snapshot{}, all[1:]...)
	for i := range lent {
		lent[i].Shared = []string{"222222222222"}
	}
	claimed := copies(all[:1], west)
	failed := arrival(all[2], dr.Failed)
	failed.Status = "failed"
	held := all[3]
	held.Claim.Keep = true
	auto := dr.Snapshot{
		Ref: dr.Ref{Kind: "rds", Site: prod, ID: "rs:orders"}, Of: all[0].Of, Taken: at("2026-11-20 14:01"), State: dr.Good, Automated: true,
	}
	return []scene{
		{name: "setting-off", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: all, Resources: only(sending("orders", "", ""))}},
		{name: "setting-off-under-a-key", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: last, Resources: only(sending("orders", "", customerKey))}},
		{name: "setting-off-and-busy", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: last, Resources: only(busy)}},
		{name: "setting-on-elsewhere", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: last, Resources: only(sending("orders", "eu-west-1", ""))}},
		{name: "setting-for-two-regions", policies: `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: west, keep: {last: 4}}, {to: south, keep: {last: 4}}]}
`, lim: lim, inv: dr.Inventory{Sites: append([]dr.Site{{Name: "south", Account: prod.Account, Region: "sa-east-1"}}, sites...), Snapshots: last, Resources: only(sending("orders", "", ""))}},
		{name: "setting-stays", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: last, Resources: only(stays)}},
		{name: "setting-far", policies: strings.ReplaceAll(toWest, "west", "far"), lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: last, Resources: only(sending("orders", "", ""))}},
		{name: "setting-thins-out-nothing", policies: strings.ReplaceAll(toWest, "to: west,", "to: west, every: 1d,"), lim: lim, inv: dr.Inventory{
			Sites: sites, Snapshots: last, Resources: only(sending("orders", west2, ""), sending("billing", west2, "")),
		}},
		{name: "setting-key-disabled", policies: toWest, lim: lim, inv: dr.Inventory{
			Sites: sites, Snapshots: last, Resources: only(sending("orders", "", customerKey)),
			Keys: map[dr.KeyRef]dr.Key{{Site: west, Name: "alias/aws/service"}: {ARN: "arn:x", Trouble: "is disabled"}},
		}},
		{name: "arrivals", policies: toWest, lim: lim, inv: dr.Inventory{
			Sites: sites, Resources: only(sending("orders", west2, "")),
			Snapshots: []dr.Snapshot{all[0], claimed[0], all[1], arrival(all[1], dr.Good), all[2], arrival(all[2], dr.Pending), held},
		}},
		{name: "arrival-held", policies: toWest, lim: lim, inv: dr.Inventory{
			Sites: sites, Resources: only(sending("orders", west2, "")), Snapshots: []dr.Snapshot{held, arrival(held, dr.Good)},
		}},
		{name: "arrival-failed", policies: toWest, lim: lim, inv: dr.Inventory{
			Sites: sites, Resources: only(sending("orders", west2, "")), Snapshots: append(append([]dr.Snapshot{}, all...), failed),
		}},
		{name: "arrivals-nobody-wants", policies: toOther, lim: lim, inv: dr.Inventory{
			Sites: sites, Resources: only(sending("orders", west2, "")), Snapshots: []dr.Snapshot{all[3], arrival(all[3], dr.Good), arrival(all[2], dr.Good)},
		}},
		{name: "arrivals-of-what-is-gone", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: []dr.Snapshot{arrival(all[3], dr.Good)}}},
		{name: "before-copying-was-on", policies: toWest, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: all, Resources: only(sending("orders", west2, ""))}},
		{name: "arrivals-unseen", policies: toWest, lim: lim, inv: dr.Inventory{
			Sites: sites, Snapshots: all, Resources: only(sending("orders", west2, "")),
			Gaps: map[dr.Scope]error{{Kind: "rds", Site: west}: errors.New("no answer")},
		}},
		{name: "no-promotion-where-it-is-not-copied", policies: toWest, lim: lim, inv: dr.Inventory{
			Sites: sites, Snapshots: append([]dr.Snapshot{auto}, all[:3]...), Resources: only(sending("orders", west2, "")),
		}},
		{name: "lend", policies: toOther, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: all, Resources: only(sending("orders", "", customerKey))}},
		{name: "lent", policies: toOther, lim: lim, inv: dr.Inventory{Sites: sites, Snapshots: lent, Resources: only(sending("orders", "", ""), sending("billing", "", ""))}},
		{name: "lend-under-a-managed-key", policies: toOther, lim: lim, inv: dr.Inventory{
			Sites: sites, Snapshots: under(managedKey, last...), Resources: only(sending("orders", "", managedKey)),
			Keys: map[dr.KeyRef]dr.Key{{Site: prod, Name: managedKey}: {ARN: managedKey, Managed: true}},
		}},
		{name: "setting-quota-foretold", policies: strings.ReplaceAll(toWest, "last: 4", "last: 40"), lim: plan.Limits{
			Routes: lim.Routes, Defaults: map[dr.Kind]dr.Quota{"rds": {Snapshots: 20}},
		}, inv: dr.Inventory{Sites: sites, Snapshots: last, Resources: only(sending("orders", west2, ""))}},
	}
}

// TestSettings holds every reason about copies that a service makes by itself in
// golden files.
func TestSettings(t *testing.T) {
	for _, s := range settingScenes() {
		t.Run(s.name, func(t *testing.T) {
			f := parseCopies(t, s.policies)
			p := plan.Build(now, f, s.inv, s.lim)
			if found := plan.Check(p, f, s.inv); len(found) > 0 {
				t.Errorf("the check objects to a plan of Build: %v", found)
			}
			golden(t, s.name, show(p))
		})
	}
}

// TestCheckSettings hands Check settings that Build would never make, and deletes of
// what is being copied.
func TestCheckSettings(t *testing.T) {
	f := parseCopies(t, "\n  gold: {match: {name: \".*\"}, every: 1h, keep: {last: 2}, copies: [{to: west, keep: {last: 4}}]}\n")
	good := plan.Action{
		Verb: plan.Configure, From: sending("orders", "", "").Ref, To: west, Name: "orders", Claim: dr.Claim{Owner: "test", Policy: "gold"},
	}
	but := func(change func(*plan.Action)) plan.Action {
		a := good
		change(&a)
		return a
	}
	seen := dr.Inventory{Resources: []dr.Resource{sending("orders", "", "")}}
	one := snap(prod, "orders", "gold", "2026-11-20 10:00", dr.Good)
	for _, c := range []struct {
		name    string
		actions []plan.Action
		inv     dr.Inventory
		want    string
	}{
		{"as it should be", []plan.Action{good}, seen, ""},
		{"not seen", []plan.Action{good}, dr.Inventory{}, "no such resource"},
		{"set already", []plan.Action{good}, dr.Inventory{Resources: []dr.Resource{sending("orders", "eu-west-1", "")}}, "copied to eu-west-1 already"},
		{"another account", []plan.Action{but(func(a *plan.Action) { a.To = other })}, seen, "not in another Region of the same account"},
		{"its own Region", []plan.Action{but(func(a *plan.Action) { a.To.Region = prod.Region })}, seen, "not in another Region"},
		{"a foreign key", []plan.Action{but(func(a *plan.Action) { a.Key = "arn:aws:kms:us-west-2:333333333333:key/x" })}, seen, "a key of account 333333333333"},
		{"no key", []plan.Action{good}, dr.Inventory{Resources: []dr.Resource{sending("orders", "", customerKey)}}, "would name no key"},
		{"no policy", []plan.Action{but(func(a *plan.Action) { a.Claim.Policy = "silver" })}, seen, `no policy "silver" copies to west`},
		{"twice", []plan.Action{good, good}, seen, "sets it twice"},
		{
			"a delete of what is being copied",
			[]plan.Action{{Verb: plan.Delete, From: one.Ref, To: prod, Name: one.Ref.ID, Claim: one.Claim}},
			dr.Inventory{Snapshots: append(hourly(prod, "orders", "2026-11-20 10:00", "2026-11-20 14:00"), arrival(one, dr.Pending))},
			"a copy of it is being made at west",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := plan.Check(plan.Plan{At: now.Add(time.Second), Actions: c.actions}, f, c.inv)
			if c.want == "" {
				if len(found) > 0 {
					t.Errorf("found %v", found)
				}
				return
			}
			for _, v := range found {
				if strings.Contains(v.Error(), c.want) {
					return
				}
			}
			t.Errorf("found %v, want an objection about %q", found, c.want)
		})
	}
}
