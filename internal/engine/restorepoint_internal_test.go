package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

var (
	prodSite = dr.Site{Name: "prod", Account: "111111111111", Region: "us-east-1"}
	farSite  = dr.Site{Name: "far", Account: "222222222222", Region: "us-west-2"}
)

// shot is a good recovery point of ours of so many hours ago, at a site.
func shot(name string, of dr.Ref, at dr.Site, hours int) dr.Snapshot {
	s := dr.Snapshot{
		Ref: dr.Ref{Kind: of.Kind, Site: at, ID: name}, Of: dr.Ref{Kind: of.Kind, Site: at, ID: of.ID},
		ARN: "arn:" + name, Taken: noon.Add(-time.Duration(hours) * time.Hour), State: dr.Good, Status: "available",
		Claim: dr.Claim{Owner: "test", Policy: "gold", Source: of.Source()},
	}
	if at != of.Site {
		s.Claim.Origin = dr.Ref{Kind: of.Kind, Site: of.Site, ID: name}.Origin()
	}
	return s
}

func with(s dr.Snapshot, change func(*dr.Snapshot)) dr.Snapshot {
	change(&s)
	return s
}

func at(kind dr.Kind, site dr.Site, id string) dr.Ref { return dr.Ref{Kind: kind, Site: site, ID: id} }

func there(refs ...dr.Ref) []dr.Resource {
	var out []dr.Resource
	for _, r := range refs {
		out = append(out, dr.Resource{Ref: r, Name: r.ID, ARN: "arn:" + r.ID})
	}
	return out
}

func TestRecoveryPoint(t *testing.T) {
	orders, orders2 := at("rds", prodSite, "orders"), at("rds", prodSite, "orders-2")
	farOrders, cluster := at("rds", farSite, "orders"), at("aurora", prodSite, "orders")
	server := at("ebs", prodSite, "i-0a")
	seen := []dr.Site{prodSite, farSite}
	home := map[dr.Scope]error{{Kind: "rds", Site: prodSite}: errors.New("no route")}
	nameless := prodSite
	nameless.Account = ""
	at12, at11 := shot("s12", orders, prodSite, 0), shot("s11", orders, prodSite, 1)
	copied := shot("c11", orders, farSite, 1)
	pending := with(shot("s13", orders, prodSite, -1), func(s *dr.Snapshot) { s.State, s.Status, s.Percent = dr.Pending, "creating", 40 })
	staged := with(shot("way", orders, prodSite, 0), func(s *dr.Snapshot) { s.Claim.Stage = "rekey" })
	alien := with(shot("alien", orders, prodSite, 0), func(s *dr.Snapshot) { s.Claim.Owner = "other" })
	manual := with(shot("manual", orders, prodSite, 0), func(s *dr.Snapshot) { s.Claim = dr.Claim{} })
	failed := with(shot("broken", orders, prodSite, 0), func(s *dr.Snapshot) { s.State, s.Status = dr.Failed, "failed" })
	named := with(shot("set", server, farSite, 1), func(s *dr.Snapshot) {
		s.Claim.Config = (&dr.Resource{Config: "type=large", Tags: dr.Tags{"Name": "web"}}).Captured()
		s.Members = []string{"snap-1", "snap-2"}
	})
	for _, c := range []struct {
		name  string
		wish  RestoreWish
		res   []dr.Resource
		snaps []dr.Snapshot
		gaps  map[dr.Scope]error
		want  string // The snapshot, or what the error says.
		say   string // What the notes or the remedy say.
	}{
		{name: "the newest", res: there(orders), snaps: []dr.Snapshot{at11, at12}, want: "s12"},
		{name: "by what is gone", snaps: []dr.Snapshot{at11, at12}, want: "s12"},
		{name: "by its ARN", wish: RestoreWish{Resource: "arn:orders"}, res: there(orders), snaps: []dr.Snapshot{at11}, want: "s11"},
		{name: "by its whole name", wish: RestoreWish{Resource: orders.Source()}, snaps: []dr.Snapshot{at11}, want: "s11"},
		{name: "by a time", wish: RestoreWish{From: "2026-11-20 11:30"}, snaps: []dr.Snapshot{at11, at12}, want: "s11"},
		{name: "of a time to the second", wish: RestoreWish{From: "2026-11-20T11:00:00Z"}, snaps: []dr.Snapshot{at11, at12}, want: "s11"},
		{name: "before all", wish: RestoreWish{From: "2026-11-20 10:00"}, snaps: []dr.Snapshot{at11, at12}, want: "no good snapshot of orders that can be used (--from 2026-11-20 10:00); s12 at prod is of 2026-11-20 12:00Z", say: "later time"},
		{name: "never a like name", wish: RestoreWish{Resource: "orders-2"}, res: there(orders, orders2), snaps: []dr.Snapshot{at12}, want: "no good snapshot of orders-2"},
		{name: "nor a longer one", res: there(orders2), snaps: []dr.Snapshot{shot("x", orders2, prodSite, 0)}, want: "no good snapshot of orders that"},
		{name: "nor an ending", wish: RestoreWish{Resource: "ders"}, snaps: []dr.Snapshot{at12}, want: "no good snapshot of ders"},
		{name: "home before a newer copy", res: there(orders), snaps: []dr.Snapshot{at11, shot("c12", orders, farSite, 0)}, want: "s11"},
		{name: "another site by name", wish: RestoreWish{Site: "far"}, res: there(orders), snaps: []dr.Snapshot{at12, copied}, want: "c11"},
		{name: "nobody is moved", res: there(orders), snaps: []dr.Snapshot{copied}, want: "no good snapshot at prod, where it lives; there are recovery points at far, the newest of 2026-11-20 11:00Z", say: "--site far"},
		{name: "home cannot be seen", snaps: []dr.Snapshot{copied}, gaps: home, want: "prod, where orders lives, cannot be seen (no route); there are recovery points at far", say: "--site far"},
		{name: "home of an unknown account cannot be seen", snaps: []dr.Snapshot{copied}, gaps: map[dr.Scope]error{{Kind: "rds", Site: nameless}: errors.New("no route")}, want: "prod, where orders lives, cannot be seen", say: "--site far"},
		{name: "home cannot be seen, and the site is said", wish: RestoreWish{Site: "far"}, snaps: []dr.Snapshot{copied}, gaps: home, want: "c11"},
		{name: "nothing is seen", gaps: home, want: "no good snapshot of orders that can be used (--from latest); prod could not be seen (no route)"},
		{name: "at the wrong site", wish: RestoreWish{Site: "far"}, res: there(orders), snaps: []dr.Snapshot{at12}, want: "no good snapshot of orders at far"},
		{name: "two kinds", res: there(orders, cluster), snaps: []dr.Snapshot{at12}, want: "may mean 2 resources: aurora/111111111111/us-east-1/orders (aurora at prod), rds/111111111111/us-east-1/orders (rds at prod)", say: "--kind"},
		{name: "two kinds, and which", wish: RestoreWish{Kind: "rds"}, res: there(orders, cluster), snaps: []dr.Snapshot{at12}, want: "s12"},
		{name: "two sites", res: there(orders, farOrders), snaps: []dr.Snapshot{at12, shot("f12", farOrders, farSite, 0)}, want: "may mean 2 resources", say: "--site"},
		{name: "two sites, and which", wish: RestoreWish{Site: "prod"}, res: there(orders, farOrders), snaps: []dr.Snapshot{at12, shot("f12", farOrders, farSite, 0)}, want: "s12"},
		{name: "its own and a copy's at one site", wish: RestoreWish{Site: "far"}, res: there(orders, farOrders), snaps: []dr.Snapshot{copied, shot("f12", farOrders, farSite, 0)}, want: "may mean 2 resources"},
		{name: "only the copy's", wish: RestoreWish{Site: "far"}, res: there(orders, farOrders), snaps: []dr.Snapshot{copied}, want: "c11", say: "this is the data of " + orders.Source()},
		{name: "a newer one is pending", res: there(orders), snaps: []dr.Snapshot{at11, pending}, want: "s11", say: "a newer one, s13 of 2026-11-20 13:00Z, is still being made"},
		{name: "only pending", res: there(orders), snaps: []dr.Snapshot{pending}, want: "s13 is still being made (40%)", say: "wait"},
		{name: "staged and of others are none", res: there(orders), snaps: []dr.Snapshot{staged, alien, manual, failed}, want: "no good snapshot of orders that can be used", say: "--from"},
		{name: "named", wish: RestoreWish{From: "s11"}, snaps: []dr.Snapshot{at11, at12}, want: "s11"},
		{name: "named by its ARN", wish: RestoreWish{From: "arn:s11"}, snaps: []dr.Snapshot{at11, at12}, want: "s11"},
		{name: "named by half", wish: RestoreWish{From: "s1"}, snaps: []dr.Snapshot{at11, at12}, want: "there is no snapshot s1", say: "holdfast snapshots orders --all"},
		{name: "named at the wrong site", wish: RestoreWish{From: "s11", Site: "far"}, snaps: []dr.Snapshot{at11}, want: "there is no snapshot s11 at far"},
		{name: "named and pending", wish: RestoreWish{From: "s13"}, snaps: []dr.Snapshot{pending}, want: "snapshot s13 is still being made (40%)", say: "wait"},
		{name: "named and failed", wish: RestoreWish{From: "broken"}, snaps: []dr.Snapshot{failed}, want: "snapshot broken is failed and cannot be restored from", say: "another"},
		{name: "named and staged", wish: RestoreWish{From: "way"}, snaps: []dr.Snapshot{staged}, want: "only a stop on the way of a copy (rekey)"},
		{name: "named, of another installation", wish: RestoreWish{From: "alien"}, snaps: []dr.Snapshot{alien}, want: "alien", say: "another installation of holdfast (other)"},
		{name: "named, of nobody", wish: RestoreWish{From: "manual"}, res: there(orders), snaps: []dr.Snapshot{manual}, want: "manual", say: "was not made by holdfast"},
		{name: "named, of another resource", wish: RestoreWish{From: "x"}, snaps: []dr.Snapshot{shot("x", orders2, prodSite, 0)}, want: "snapshot x is of orders-2, not of orders", say: "holdfast restore orders-2"},
		{name: "named twice", wish: RestoreWish{From: "s11"}, snaps: []dr.Snapshot{at11, shot("s11", orders, farSite, 1)}, want: "there are 2 snapshots of that name: rds s11 at prod, rds s11 at far", say: "--site"},
		{name: "of what people called it", wish: RestoreWish{Resource: "web", Site: "far"}, snaps: []dr.Snapshot{named}, want: "set"},
		{name: "by a member", wish: RestoreWish{Resource: "web", From: "snap-2"}, snaps: []dr.Snapshot{named}, want: "set"},
		{name: "with a form before its name", wish: RestoreWish{Resource: "sales", Kind: "redshift"}, snaps: []dr.Snapshot{shot("ns", at("redshift", prodSite, "serverless:sales"), prodSite, 1)}, want: "ns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.wish
			if w.Resource == "" {
				w.Resource = "orders"
			}
			inv := dr.Inventory{Resources: c.res, Snapshots: c.snaps, Gaps: c.gaps, Sites: seen}
			if c.gaps != nil {
				inv.Sites = []dr.Site{farSite}
			}
			p, err := recoveryPoint("test", inv, w)
			got, said := p.Ref.ID, fmt.Sprint(p.notes)
			if err != nil {
				got, said = err.Error(), store.Remedy(err)
			}
			if err == nil && got != c.want || err != nil && !strings.Contains(got, c.want) {
				t.Errorf("%s (%v), want %s", got, err, c.want)
			}
			if !strings.Contains(said, c.say) {
				t.Errorf("it says %q, want %q", said, c.say)
			}
		})
	}
}
