package engine_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

var (
	chaosSeed = flag.Uint64("chaos.seed", 0, "seed of TestChaos; 0 takes another each time")
	chaosRuns = flag.Int("chaos.runs", 0, "runs of TestChaos; 0 means 1000, or 200 with -short or -race")
)

const chaosPolicies = twoSites + `
  hourly:
    match: {tags: {backup: gold}}
    every: 1h
    keep: {last: 2, floor: 2}
  daily:
    match: {tags: {backup: gold}}
    every: 1d
    keep: {daily: 2, floor: 2}
`

// TestChaos runs holdfast through weeks in which everything goes wrong that the
// simulated AWS can let go wrong, and asks after every run that the promises were
// held. What is drawn at random is printed as one number, with which it can be
// drawn again; how goroutines interleave is not part of that.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed, runs := *chaosSeed, *chaosRuns
	if seed == 0 {
		seed = rand.Uint64()
	}
	if runs == 0 {
		runs = 1000
		if testing.Short() || raceDetector {
			runs = 60
		}
	}
	t.Logf("to repeat: -run TestChaos -chaos.seed %d -chaos.runs %d", seed, runs)
	var mu sync.Mutex
	var sum totals
	t.Run("worlds", func(t *testing.T) {
		for i := range worlds {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				got := chaosIn(t, rand.New(rand.NewPCG(seed, uint64(i))), runs/worlds)
				mu.Lock()
				defer mu.Unlock()
				sum.add(got)
			})
		}
	})
	t.Log(sum)
}

// worlds is how many worlds there are, side by side: each is short enough that
// it does not fill up with what is held and foreign.
const worlds = 5

// chaosIn is the chaos of one world.
func chaosIn(t *testing.T, r *rand.Rand, runs int) totals {
	var c *chaos
	synctest.Test(t, func(t *testing.T) {
		c = newChaos(t, r)
		for c.sum.runs < runs && !t.Failed() {
			c.step()
		}
		if !t.Failed() {
			c.calm()
		}
	})
	return c.sum
}

// chaos is a world in which things go wrong.
type chaos struct {
	*world
	sum totals
	*rand.Rand
	file    policy.File
	truth   *process // sees what is, through no fault
	people  map[string]*person
	clients int // how many connections are not holdfast's own

	// before is what was there when the first plan was made and nothing was yet
	// applied, after what the last run left.
	before *dr.Inventory
	after  dr.Inventory

	mu      sync.Mutex
	mayGo   map[dr.Ref]bool // what a plan on the truth would delete
	byHand  map[dr.Ref]bool // what people deleted
	freed   map[dr.Ref]bool // what people took the claim from
	heldNow map[dr.Ref]bool // what people held between a plan and its deletes
}

type totals struct {
	runs, calls, faults, crashes, creates, deletes, failures int
	days                                                     float64
}

func (n *totals) add(o totals) {
	n.runs += o.runs
	n.calls += o.calls
	n.faults += o.faults
	n.crashes += o.crashes
	n.creates += o.creates
	n.deletes += o.deletes
	n.failures += o.failures
	n.days += o.days
}

func (n totals) String() string {
	return fmt.Sprintf("%d runs in %.0f days: %d calls, %d faults set, %d crashes, %d creates, %d deletes, %d outcomes failed",
		n.runs, n.days, n.calls, n.faults, n.crashes, n.creates, n.deletes, n.failures)
}

func databases() []string { return []string{"billing", "catalog", "orders", "payments", "sessions"} }

func accounts() []string { return []string{prod, second} }

func newChaos(t *testing.T, r *rand.Rand) *chaos {
	c := &chaos{
		world: &world{TB: t, AWS: sandbox.New(sandbox.Options{Latency: 20 * time.Millisecond}), clock: passing{}},
		Rand:  r, file: parse(t, chaosPolicies), people: map[string]*person{},
	}
	c.forget()
	c.truth = c.process(c.file)
	for _, a := range accounts() {
		c.people[a] = c.person(a)
		c.must(c.SetQuota(a, region, sandbox.QuotaManualSnapshots, 100_000))
		c.gold(a, databases()...)
	}
	c.clients = 1 + len(accounts())
	return c
}

// chance is true in so many of a hundred cases.
func (c *chaos) chance(percent int) bool { return c.IntN(100) < percent }

func (c *chaos) upTo(d time.Duration) time.Duration { return time.Duration(c.Int64N(int64(d))) }

func pick[T any](c *chaos, from []T) T { return from[c.IntN(len(from))] }

// step is one run, or two at once, and what happens around it.
func (c *chaos) step() {
	for c.chance(40) {
		c.somebodyActs()
	}
	wait := 10*time.Minute + c.upTo(80*time.Minute)
	c.sleep(wait)
	c.sum.days += wait.Hours() / 24

	c.forget()
	c.ResetCalls()
	processes := []*process{c.process(c.file)}
	if c.chance(12) {
		processes = append(processes, c.process(c.file))
	}
	heal, stale := c.breakThings(processes)
	c.runAll(processes, len(processes) == 1 && !stale)
	for _, h := range heal {
		h()
	}
	c.count(processes)
	c.after = c.see()
	c.check(*c.before, c.after)
}

// forget begins the notes of a run.
func (c *chaos) forget() {
	c.before = nil
	c.mayGo, c.byHand, c.freed, c.heldNow = map[dr.Ref]bool{}, map[dr.Ref]bool{}, map[dr.Ref]bool{}, map[dr.Ref]bool{}
}

// see gives the snapshots that are really there.
func (c *chaos) see() dr.Inventory {
	var inv dr.Inventory
	for _, site := range c.file.Sites {
		snaps, err := c.truth.Stores[0].Snapshots(c.Context(), site.Site)
		if err != nil {
			c.Fatalf("the truth cannot be seen: %v", err)
		}
		inv.Snapshots = append(inv.Snapshots, snaps...)
	}
	return inv
}

// runAll runs the processes, one or two at once.
func (c *chaos) runAll(processes []*process, alone bool) {
	type run struct {
		delay   time.Duration
		waits   bool
		between bool
	}
	runs := make([]run, len(processes))
	for i := range runs {
		runs[i] = run{c.upTo(100 * time.Second), c.chance(8), alone && c.chance(30)}
	}
	var wg sync.WaitGroup
	for i, p := range processes {
		p.when(engine.Planned, func() { c.planned(runs[i].between) })
		wg.Go(func() {
			c.sleep(runs[i].delay)
			var r engine.Report
			if runs[i].waits {
				r = c.runAndWait(p)
			} else {
				r = p.RunOnce(c.Context())
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			c.sum.failures += len(r.Failed())
		})
	}
	wg.Wait()
	c.sum.runs += len(processes)
}

// runAndWait waits with a limit: some database may be busy for ever.
func (c *chaos) runAndWait(p *process) engine.Report {
	ctx, cancel := context.WithTimeout(c.Context(), 15*time.Minute)
	defer cancel()
	return p.RunAndWait(ctx, 90*time.Second)
}

// planned notes what a plan on the truth of this moment would delete, however
// many that are. Then somebody may get in between.
func (c *chaos) planned(between bool) {
	inv := c.see()
	p := plan.Build(time.Now(), c.file, inv, plan.Limits{MaxDelete: plan.MaxDelete{Percent: 100, IsSet: true}})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before == nil {
		c.before = &inv
	}
	for _, a := range p.Actions {
		if a.Verb == plan.Delete {
			c.mayGo[a.From] = true
		}
	}
	if between {
		c.getBetween(inv)
	}
}

// count adds up what the run came to.
func (c *chaos) count(processes []*process) {
	for _, p := range processes {
		if p.client.Crashed() {
			c.sum.crashes++
		}
	}
	for _, call := range c.Calls() {
		if call.Client > c.clients {
			c.sum.calls++
		}
	}
}

// calm ends all faults and asks that holdfast then comes to rest.
func (c *chaos) calm() {
	for _, a := range accounts() {
		for _, db := range databases() {
			c.must(c.SetDBInstanceStatus(a, region, db, "available"))
			c.must(c.FailNextDBSnapshots(a, region, db, 0))
		}
	}
	// There is then a slot of which no one has touched a snapshot, and time enough
	// before the next.
	c.sleep(time.Until(time.Now().Truncate(time.Hour).Add(25*time.Hour + 3*time.Minute)))
	for range 2 {
		p := c.process(c.file)
		p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
		c.clean(p.RunAndWait(c.Context(), poll))
	}
	p, inv := c.truth.Plan(c.Context())
	if len(p.Actions)+len(p.Waiting)+len(p.Refused)+len(p.Gaps) > 0 {
		c.Errorf("it does not come to rest: actions %v, waiting %v, refused %v, gaps %v", p.Actions, p.Waiting, p.Refused, p.Gaps)
	}
	c.holdsCurrentSlots(inv)
}

func (c *chaos) holdsCurrentSlots(inv dr.Inventory) {
	holds := map[recovery]int{}
	for _, s := range inv.Snapshots {
		if s.State == dr.Good {
			holds[recoveryOf(s)]++
		}
	}
	for _, r := range inv.Resources {
		for _, p := range c.file.Policies {
			want := recovery{r.Ref.Source(), p.Name, p.Schedule.Slot(time.Now()), r.Ref.Site}
			if holds[want] != 1 {
				c.Errorf("%d good snapshots hold %v, want 1", holds[want], want)
			}
		}
	}
	if len(inv.Resources) != len(accounts())*len(databases()) {
		c.Errorf("%d databases are seen", len(inv.Resources))
	}
}
