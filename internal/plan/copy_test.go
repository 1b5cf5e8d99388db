package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// copyOf makes a copy of a snapshot as holdfast makes it, begun a while after it.
func copyOf(s dr.Snapshot, to dr.Site, stage, keep string, state dr.Condition) dr.Snapshot {
	c := s.Claim
	c.Origin, c.Stage, c.Retention, c.Taken = s.Ref.Origin(), stage, keep, s.Taken
	if s.Claim.Origin != "" {
		c.Origin = s.Claim.Origin
	}
	return dr.Snapshot{
		Ref: dr.Ref{Kind: "rds", Site: to, ID: dr.SnapshotName(c, s.Of.ID, 0, 255)}, Of: s.Of, Taken: s.Taken, Made: s.Taken.Add(time.Hour / 2),
		State: state, Status: string(state), Claim: c, CopyOf: "arn:" + s.Ref.Source(), Key: "arn:aws:kms:" + to.Region + ":" + to.Account + ":key/there",
	}
}

func under(key string, snaps ...dr.Snapshot) []dr.Snapshot {
	for i := range snaps {
		snaps[i].Key = key
	}
	return snaps
}

func copyScenes() []scene {
	const toOther = `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: other, keep: {daily: 14}}]}
`
	const toWest = `
  gold: {match: {name: ".*"}, every: 1h, keep: {last: 2}, copies: [{to: west, keep: {last: 4}}]}
`
	sites := []dr.Site{prod, west, other, far}
	two := func(key string) []dr.Snapshot {
		return under(key, hourly(prod, "orders", "2026-11-20 13:00", "2026-11-20 14:00")...)
	}
	keys := map[dr.KeyRef]dr.Key{{Site: prod, Name: managedKey}: {ARN: managedKey, Managed: true}}
	rekeyed := copyOf(two(managedKey)[1], prod, plan.RekeyStage, "", dr.Good)
	shared := rekeyed
	shared.Shared = []string{"222222222222"}
	broken := copyOf(two("")[1], west, "", "last=4 floor=1", dr.Failed)
	broken.Status, broken.Made = "error", at("2026-11-20 14:01")
	busy := make([]dr.Snapshot, 0, 2)
	for _, id := range []string{"a", "b"} {
		busy = append(busy, copyOf(snap(prod, id, "gold", "2026-11-20 14:00", dr.Good), west, "", "last=4 floor=1", dr.Pending))
	}
	return []scene{
		{name: "copy-to-another-region", policies: toWest, lim: routes(20), inv: dr.Inventory{Snapshots: two(customerKey), Sites: sites}},
		{name: "copy-shares-first", policies: toOther, lim: routes(20), inv: dr.Inventory{Snapshots: two(customerKey), Sites: sites}},
		{name: "copy-rekeys-first", policies: toOther, lim: routes(20), inv: dr.Inventory{Snapshots: two(managedKey), Sites: sites, Keys: keys}},
		{name: "copy-goes-on-from-the-rekeyed", policies: toOther, lim: routes(20), inv: dr.Inventory{Snapshots: append(two(managedKey), rekeyed), Sites: sites, Keys: keys}},
		{name: "copy-under-way", policies: toOther, lim: routes(20), inv: dr.Inventory{
			Snapshots: append(two(managedKey), shared, copyOf(shared, other, "", "daily=14 floor=1", dr.Pending)), Sites: sites, Keys: keys,
		}},
		{name: "copy-done", policies: toOther, lim: routes(20), inv: dr.Inventory{
			Snapshots: append(two(managedKey), shared, copyOf(shared, other, "", "daily=14 floor=1", dr.Good)), Sites: sites, Keys: keys,
		}},
		{name: "copy-slots", policies: toWest, lim: routes(2), inv: dr.Inventory{Snapshots: append(two(""), busy...), Sites: sites}},
		{name: "copy-failed", policies: toWest, lim: routes(20), inv: dr.Inventory{Snapshots: append(two(""), broken), Sites: sites}},
		{name: "copy-key-disabled", policies: toOther, lim: routes(20), inv: dr.Inventory{Snapshots: two(customerKey), Sites: sites, Keys: map[dr.KeyRef]dr.Key{
			{Site: other, Name: "alias/dr"}: {ARN: "arn:x", Trouble: "is disabled"},
		}}},
		{name: "copy-destination-unseen", policies: toWest, lim: routes(20), inv: dr.Inventory{
			Snapshots: hourly(prod, "orders", "2026-11-20 08:00", "2026-11-20 14:00"), Sites: sites,
			Gaps: map[dr.Scope]error{{Kind: "rds", Site: west}: errors.New("no answer")},
		}},
		{name: "copy-source-unseen", policies: toWest, lim: routes(20), inv: dr.Inventory{
			Snapshots: copies(hourly(prod, "orders", "2026-11-20 02:00", "2026-11-20 14:00"), west), Sites: sites,
			Gaps: map[dr.Scope]error{{Kind: "rds", Site: prod}: errors.New("no answer")},
		}},
		{name: "copies-of-a-policy-that-is-gone", policies: `
  silver: {match: {name: none}, every: 1h, keep: {last: 1}}
`, lim: routes(20), inv: dr.Inventory{Snapshots: copies(hourly(prod, "orders", "2026-11-20 08:00", "2026-11-20 14:00"), west), Sites: sites}},
	}
}

func copies(of []dr.Snapshot, to dr.Site) []dr.Snapshot {
	out := make([]dr.Snapshot, len(of))
	for i, s := range of {
		out[i] = copyOf(s, to, "", "last=3 floor=1", dr.Good)
	}
	return out
}

// TestCopies holds every reason about copies in golden files.
func TestCopies(t *testing.T) {
	for _, s := range copyScenes() {
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

// TestRoute holds every route: same or other account and Region, plain or under a
// key of the customer or of AWS, for services that differ in what they allow.
func TestRoute(t *testing.T) {
	kinds := []struct {
		name string
		plan.Routing
	}{
		{"keys on plain ones", plan.Routing{Means: plan.ByCall, Default: "alias/aws/rds"}},
		{"plain stays plain", plan.Routing{Means: plan.ByCall, Default: "alias/aws/rds", PlainStaysPlain: true}},
	}
	var b strings.Builder
	for _, k := range kinds {
		for _, to := range []dr.Site{prod, west, other, far} {
			for _, key := range []string{"", customerKey, managedKey} {
				for _, target := range []string{"", "alias/dr", "arn:aws:kms:" + to.Region + ":333333333333:key/x"} {
					trip := plan.Trip{Key: key, Managed: key == managedKey, From: prod, To: to, FromKey: "alias/shareable", ToKey: target}
					hops, detour := k.Route(trip)
					fmt.Fprintf(&b, "%s, to %s, %s, key there %q:\n%s", k.name, to.Name, keyWord(key), target, showRoute(hops, detour))
				}
			}
		}
	}
	hops, detour := kinds[0].Route(plan.Trip{Key: managedKey, Managed: true, From: prod, To: other})
	fmt.Fprintf(&b, "no key to share under:\n%s", showRoute(hops, detour))
	hops, detour = kinds[0].Route(plan.Trip{From: prod, To: dr.Site{Name: "cn", Account: "444444444444", Region: "cn-north-1"}})
	fmt.Fprintf(&b, "another partition:\n%s", showRoute(hops, detour))
	golden(t, "routes", b.String())
}

func keyWord(key string) string {
	switch key {
	case "":
		return "plain"
	case managedKey:
		return "AWS's key"
	default:
		return "customer's key"
	}
}

func showRoute(hops []plan.Hop, d *plan.Detour) string {
	if d != nil {
		return fmt.Sprintf("  none: %s\n  → %s\n", d.Why, d.Remedy)
	}
	var b strings.Builder
	for _, h := range hops {
		fmt.Fprintf(&b, "  %s at %s key %q with %q stage %q: %s\n", h.Verb, h.At.Name, h.Key, h.With, h.Stage, h.Why)
	}
	return b.String()
}
