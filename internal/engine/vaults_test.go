package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/replica"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/session"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/all"
	"github.com/holdfast-dr/holdfast/internal/store/rds"
	"github.com/holdfast-dr/holdfast/internal/store/redis"
	"github.com/holdfast-dr/holdfast/internal/store/redis/redistest"
)

const twoVaults = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  shelf: {vault: %s}
  lake: {vault: %s, compress: zstd}
redis:
  sessions: {address: "sessions:6379", vault: shelf, tags: {backup: gold}}
  carts: {address: "carts:6379", vault: shelf, tags: {backup: gold}}
policies:
  gold:
    match: {kinds: [redis], tags: {backup: gold}}
    every: 1h
    keep: {within: 6h, daily: 2, floor: 2}
    copies: [{to: lake, every: 6h, keep: {last: 4, floor: 1}}]
    objective: {rpo: 2h}
  rows: {match: {kinds: [rds], tags: {backup: gold}}, every: 1d, keep: {daily: 2}}
`

// depots is two vaults, a database in AWS, and two servers that are not there.
type depots struct {
	*world
	*redistest.Fleet
	file policy.File
}

func newDepots(t *testing.T, test func(d *depots)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12*time.Hour + 3*time.Minute)
		text := fmt.Sprintf(twoVaults, t.TempDir(), t.TempDir())
		f, _, err := policy.Parse("test.yaml", []byte(text), policy.Options{Kinds: all.Kinds(), FileKinds: all.FileKinds()})
		if err != nil {
			t.Fatal(err)
		}
		d := &depots{&world{TB: t, AWS: sandbox.New(sandbox.Options{}), clock: passing{}}, redistest.NewFleet(), f}
		for _, name := range []string{"sessions", "carts"} {
			d.serve(name, nil)
		}
		d.gold(prod, "orders")
		test(d)
	})
}

func (d *depots) serve(name string, trouble error) {
	d.Put(name+":6379", redistest.Server{Keys: map[string]string{"name": name}, Takes: 40 * time.Second, Err: trouble})
}

// process is a new process of holdfast.
func (d *depots) process() *engine.Engine {
	sessions := session.New(session.Options{
		EndpointURL: "http://sandbox.invalid", HTTPClient: d.Client(), Credentials: session.Static(prod), Version: "test",
	}, d.file.Sites)
	return &engine.Engine{
		File: d.file, Reach: sessions.Confirm, Clock: d.clock, Limits: plan.Limits{Routes: all.Routes()},
		Stores: []*store.Store{store.New(rds.New(sessions)), store.New(redis.New(d.file, sessions, nil, redis.Servers{Discover: d.Discover, Take: d.Take}))},
	}
}

// at gives the snapshots of a server at a site, newest first.
func (d *depots) at(site, name string) []dr.Snapshot {
	d.Helper()
	inv := d.process().Observe(d.Context())
	if len(inv.Gaps) > 0 {
		d.Fatal(inv.Gaps)
	}
	var out []dr.Snapshot
	for _, s := range inv.Snapshots {
		if s.Ref.Site.Name == site && s.Of.ID == name {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b dr.Snapshot) int { return b.Claim.Slot.Compare(a.Claim.Slot) })
	return out
}

// hours runs a new process every half hour, for so many hours.
func (d *depots) hours(n int) (last engine.Report) {
	d.Helper()
	for range 2 * n {
		last = d.process().RunOnce(d.Context())
		for _, o := range last.Outcomes {
			if o.Err != nil {
				d.Errorf("%s %s: %v", o.Action.Verb, o.Action.Name, o.Err)
			}
		}
		d.sleep(30 * time.Minute)
	}
	return last
}

// Servers are protected as anything else is: snapshots by the hour, retention, copies at
// a pace of their own, and a status that says so.
func TestServersByPolicy(t *testing.T) {
	newDepots(t, func(d *depots) {
		d.hours(2 * 24)
		now := d.clock.Now()
		inv := d.process().Observe(d.Context())
		for _, s := range plan.Survey(now, d.file, inv) {
			if s.Resource.Kind == redis.Kind && (s.Standard != plan.Met || s.Pending != 0 || len(s.Copies) != 1 || s.Copies[0].Good != 4 || time.Duration(s.Copies[0].Behind) > 7*time.Hour) {
				t.Errorf("it stands %+v", s)
			}
		}
		for _, name := range []string{"sessions", "carts"} {
			// Within 6 h of slots each hour, and the last of yesterday.
			if here := d.at("shelf", name); len(here) < 7 || len(here) > 9 || here[0].State != dr.Good {
				t.Errorf("of %s there are %d at shelf", name, len(here))
			}
			for _, c := range d.at("lake", name) {
				if c.Claim.Origin == "" || c.Claim.Slot.Hour()%6 != 0 || c.State != dr.Good || c.Claim.Retention == "" {
					t.Errorf("the copy reads %+v", c)
				}
			}
		}
		if len(d.at("prod", "orders")) == 0 {
			t.Error("the database in AWS was forgotten")
		}
		if p, _ := d.process().Plan(d.Context()); p.Count(plan.Create) > 2 || len(p.Refused) > 0 || len(p.Foretold) > 0 {
			t.Errorf("it would do %+v", p)
		}
	})
}

// A server that does not answer keeps nothing from expiring, down to the floor, and the
// other goes on.
func TestServerIsGone(t *testing.T) {
	newDepots(t, func(d *depots) {
		d.hours(10)
		d.serve("sessions", &replica.Error{Reason: replica.Unreachable, Doing: "connecting", Err: errors.New("connection refused")})
		before := d.at("shelf", "sessions")
		last := d.hours(12)
		if !slices.ContainsFunc(last.Plan.Refused, func(v plan.Verdict) bool {
			return v.Ref.ID == "sessions" && strings.Contains(v.Reason.Text, "unreachable")
		}) {
			t.Errorf("refused: %+v", last.Plan.Refused)
		}
		after := d.at("shelf", "sessions")
		if len(after) >= len(before) || len(after) < 2 || after[0].Ref != before[0].Ref {
			t.Errorf("from %d it went to %d", len(before), len(after))
		}
		if carts := d.at("shelf", "carts"); d.clock.Now().Sub(carts[0].Taken) > 2*time.Hour {
			t.Errorf("the newest of the other is of %v", carts[0].Taken)
		}
	})
}

// A process that dies while files come leaves nothing that is seen; the next run takes it,
// and what was left behind goes in time.
func TestProcessDiesWhileFilesCome(t *testing.T) {
	newDepots(t, func(d *depots) {
		ctx, cancel := context.WithTimeout(d.Context(), 10*time.Second)
		defer cancel()
		r := d.process().RunOnce(ctx)
		if n := len(r.Outcomes); n == 0 || len(d.at("shelf", "sessions"))+len(d.at("shelf", "carts")) > 0 {
			t.Errorf("of %d outcomes something is seen", n)
		}
		d.hours(1)
		if len(d.at("shelf", "sessions")) != 1 || len(d.at("shelf", "carts")) != 1 {
			t.Error("the next run did not take them")
		}
	})
}

// Waiting has nothing to wait for but the copies, which it makes at once.
func TestWaitingForServers(t *testing.T) {
	newDepots(t, func(d *depots) {
		p := d.process()
		r := p.RunAndWait(d.Context(), time.Minute)
		if len(d.at("lake", "sessions")) != 1 || len(d.at("lake", "carts")) != 1 {
			t.Errorf("no copies: %+v", r.Plan)
		}
		for _, o := range r.Outcomes {
			if o.Err != nil || o.State != dr.Good && o.Action.From.Kind == redis.Kind {
				t.Errorf("%s: %s, %v", o.Action.Name, o.State, o.Err)
			}
		}
	})
}

// A vault in a bucket is reached with the credentials of its site, as all of AWS is.
func TestServersInBucket(t *testing.T) {
	newDepots(t, func(d *depots) {
		d.must(d.PutBucket(prod, region, "acme-lake"))
		for i := range d.file.Sites {
			if s := &d.file.Sites[i]; s.Name == "lake" {
				s.Vault, s.Depot = "s3://acme-lake/prod", policy.Depot{Region: region}
			}
		}
		d.hours(14)
		for _, name := range []string{"sessions", "carts"} {
			copies := d.at("lake", name)
			if len(copies) != 3 || copies[0].State != dr.Good || copies[0].Ref.Site.Vault != "s3://acme-lake/prod" {
				t.Errorf("of %s there are %d copies: %+v", name, len(copies), copies)
			}
		}
	})
}
