package plan_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

type scene struct {
	name     string
	policies string
	inv      dr.Inventory
	lim      plan.Limits
}

func hold(s dr.Snapshot) dr.Snapshot { s.Claim.Keep = true; return s }

func owner(s dr.Snapshot, o string) dr.Snapshot { s.Claim.Owner = o; return s }

// hourly gives good snapshots of the hours from one slot to another.
func hourly(site dr.Site, of, from, to string) []dr.Snapshot {
	var out []dr.Snapshot
	for t := at(from); !t.After(at(to)); t = t.Add(time.Hour) {
		out = append(out, snap(site, of, "gold", t.Format("2006-01-02 15:04"), dr.Good))
	}
	return out
}

func scenes() []scene {
	tenOfTen := hourly(prod, "orders", "2026-11-19 20:00", "2026-11-20 14:00")
	return []scene{
		{name: "first-run", inv: dr.Inventory{Resources: []dr.Resource{ready("orders"), ready("billing")}}},
		{name: "nothing-due", inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders")},
			Snapshots: []dr.Snapshot{snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Good)},
		}},
		{name: "pending-holds-the-slot", inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders")},
			Snapshots: []dr.Snapshot{snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Pending)},
		}},
		{name: "failed-does-not-count", inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders")},
			Snapshots: []dr.Snapshot{
				snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Failed),
				snap(prod, "orders", "gold", "2026-11-20 12:00", dr.Failed),
				snap(prod, "orders", "gold", "2026-11-20 11:00", dr.Good),
			},
		}},
		{name: "expiry", inv: dr.Inventory{Resources: []dr.Resource{ready("orders")}, Snapshots: tenOfTen}, lim: all()},
		{name: "held-foreign-and-unreadable-stay", lim: all(), inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders")},
			Snapshots: append(hourly(prod, "orders", "2026-11-20 12:00", "2026-11-20 14:00"),
				hold(snap(prod, "orders", "gold", "2026-10-01 03:00", dr.Good)),
				owner(snap(prod, "orders", "gold", "2026-10-01 04:00", dr.Good), "other"),
				owner(snap(prod, "orders", "gold", "2026-10-01 05:00", dr.Good), ""),
				flawed(snap(prod, "orders", "gold", "2026-10-01 06:00", dr.Good)),
				snap(prod, "orders", "gold", "2026-10-01 07:00", dr.Unclear),
				snap(prod, "orders", "gold", "2026-10-01 08:00", dr.Going),
				snap(prod, "orders", "gold", "2026-10-01 09:00", dr.Good),
			),
		}},
		{name: "a-gap-suppresses-deletes", lim: all(), inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders")}, Snapshots: tenOfTen,
			Gaps: map[dr.Scope]error{
				{Kind: "rds", Site: prod}: errors.New("AccessDenied"),
				{Kind: "rds", Site: west}: errors.New("no answer"),
			},
		}},
		{name: "floor", policies: `
  gold: {match: {tags: {backup: gold}}, every: 1h, keep: {within: 2h, floor: 2}}
`, lim: all(), inv: dr.Inventory{
			// The database is gone: its snapshots expire down to the floor.
			Snapshots: hourly(prod, "orders", "2026-11-01 01:00", "2026-11-01 05:00"),
		}},
		{name: "policy-not-in-the-file", lim: all(), policies: `
  silver: {match: {name: nothing}, every: 1h, keep: {last: 1}}
`, inv: dr.Inventory{Snapshots: hourly(prod, "orders", "2026-11-01 01:00", "2026-11-01 03:00")}},
		{name: "too-many-deletes", inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders"), ready("billing"), db(west, "orders", dr.Ready, "available")},
			Snapshots: append(append(tenOfTen, hourly(west, "orders", "2026-11-20 07:00", "2026-11-20 14:00")...),
				hourly(prod, "billing", "2026-11-19 03:00", "2026-11-19 23:00")...),
		}},
		{name: "states", inv: dr.Inventory{Resources: []dr.Resource{
			ready("a-ready"), db(prod, "b-busy", dr.Busy, "backing-up"), db(prod, "c-stopped", dr.Blocked, "stopped"),
			db(prod, "d-leaving", dr.Leaving, "deleting"),
		}}},
		{name: "equal-names-at-two-sites", inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders"), db(west, "orders", dr.Ready, "available")},
			Snapshots: hourly(west, "orders", "2026-11-20 13:00", "2026-11-20 14:00"),
		}},
		{name: "two-policies", policies: gold + `
  archive: {match: {name: ".*"}, cron: "0 3 * * *", timezone: Europe/Berlin, keep: {monthly: 12}}
`, inv: dr.Inventory{Resources: []dr.Resource{ready("orders")}}},
		{name: "copies-of-a-kind-without-routes", policies: `
  gold:
    match: {sites: [prod], name: ".*"}
    every: 1h
    keep: {last: 3}
    copies: [{to: west, keep: {daily: 7}}]
`, inv: dr.Inventory{
			Resources: []dr.Resource{ready("orders")}, Snapshots: hourly(prod, "orders", "2026-11-20 13:00", "2026-11-20 14:00"), Sites: []dr.Site{prod, west},
		}},
	}
}

func all() plan.Limits { return plan.Limits{MaxDelete: plan.MaxDelete{IsSet: true, Percent: 100}} }

func flawed(s dr.Snapshot) dr.Snapshot {
	s.Claim, s.Flaw = dr.Claim{}, `tag holdfast:slot is not an RFC 3339 time: "yesterday"`
	return s
}

// TestBuild holds every reason that a plan can give in golden files.
func TestBuild(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			if s.policies == "" {
				s.policies = gold
			}
			f := parse(t, s.policies)
			p := plan.Build(now, f, s.inv, s.lim)
			if found := plan.Check(p, f, s.inv); len(found) > 0 {
				t.Errorf("the check objects to a plan of Build: %v", found)
			}
			golden(t, s.name, show(p))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (write it with -update)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// TestCreationCarriesAll looks at what an action holds beyond its reason.
func TestCreationCarriesAll(t *testing.T) {
	f := parse(t, gold)
	p := plan.Build(now, f, dr.Inventory{Resources: []dr.Resource{ready("orders")}}, plan.Limits{})
	want := dr.Claim{
		Owner: "test", Policy: "gold", Slot: at("2026-11-20 14:00"),
		Source: "rds/111111111111/us-east-1/orders", Config: "class=db.r6g.large+tag.backup=gold+tag.holdfast:policy=gold+tag.team=shop",
	}
	a := p.Actions[0]
	if a.Claim != want {
		t.Errorf("claim %+v, want %+v", a.Claim, want)
	}
	if diff := cmp.Diff(dr.Tags{"backup": "gold", "team": "shop"}, a.Tags); diff != "" {
		t.Errorf("the source's own tags (-want +got):\n%s", diff)
	}
	again := plan.Build(now.Add(20*time.Minute), f, dr.Inventory{Resources: []dr.Resource{ready("orders")}}, plan.Limits{})
	if again.Actions[0].Name != a.Name {
		t.Errorf("the same slot got the names %s and %s", a.Name, again.Actions[0].Name)
	}
}

// TestRetryHasAnotherName: a failed try keeps its name until it is deleted, so
// the next one must have another.
func TestRetryHasAnotherName(t *testing.T) {
	f := parse(t, gold)
	inv := dr.Inventory{Resources: []dr.Resource{ready("orders")}}
	names := map[string]bool{}
	for range 3 {
		p := plan.Build(now, f, inv, plan.Limits{})
		a := p.Actions[0]
		if names[a.Name] {
			t.Fatalf("name %s is used again while the failed one bears it", a.Name)
		}
		names[a.Name] = true
		failed := snap(prod, "orders", "gold", "2026-11-20 14:00", dr.Failed)
		failed.Ref.ID = a.Name
		inv.Snapshots = append(inv.Snapshots, failed)
		if n := p.Count(plan.Delete); n > 0 {
			t.Fatalf("%d failed tries of the current slot are deleted while nothing serves it", n)
		}
	}
}

// TestAsk: a snapshot that is asked for never stands in for a scheduled one.
func TestAsk(t *testing.T) {
	f := parse(t, gold)
	inv := dr.Inventory{Resources: []dr.Resource{ready("orders")}}
	p := plan.Ask(now, f, inv, plan.Wish{Resource: ready("orders"), Policy: "gold", Keep: true})
	if len(p.Actions) != 1 || !p.Actions[0].Claim.Keep || p.Actions[0].Claim.Slot != now {
		t.Fatalf("asked for one held snapshot of now, got %+v", p.Actions)
	}
	a := p.Actions[0]
	inv.Snapshots = []dr.Snapshot{{
		Ref: dr.Ref{Kind: "rds", Site: prod, ID: a.Name}, Of: a.From, Taken: now, State: dr.Good, Claim: a.Claim,
	}}
	if next := plan.Build(now, f, inv, plan.Limits{}); next.Count(plan.Create) != 1 {
		t.Errorf("the scheduled snapshot is no longer due:\n%s", show(next))
	}
}

func ExampleReason_String() {
	fmt.Println(plan.Reason{Code: plan.Held})
	// Output: held by a person
}

// TestEndedSchedule: nothing is due before a schedule begins or after it ends,
// and what was taken goes on expiring.
func TestEndedSchedule(t *testing.T) {
	f := parse(t, `
  gold: {match: {name: ".*"}, cron: "cron(0 3 * * ? 2030)", keep: {last: 2, floor: 1}}
`)
	inv := dr.Inventory{
		Resources: []dr.Resource{ready("orders")},
		Snapshots: hourly(prod, "orders", "2026-11-01 01:00", "2026-11-01 03:00"),
	}
	p := plan.Build(now, f, inv, all())
	if p.Count(plan.Create) != 0 || p.Count(plan.Delete) != 1 {
		t.Errorf("want no creates and one delete:\n%s", show(p))
	}
	if s := plan.Survey(now, f, inv)[0]; s.Next != at("2030-01-01 03:00") {
		t.Errorf("next due %v", s.Next)
	}
}
