package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

const third = "333333333333"

// crossroads is two accounts whose snapshots go to two sites of a third.
const crossroads = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1, key: alias/way}
  second: {account: "222222222222", region: us-east-1, role: holdfast, key: alias/way}
  near: {account: "333333333333", region: us-east-1, role: holdfast, key: alias/near}
  far: {account: "333333333333", region: us-west-2, role: holdfast, key: alias/far}
policies:
  gold:
    match: {kinds: [rds], tags: {backup: gold}}
    every: 2h
    keep: {last: 3, floor: 2}
    copies:
      - {to: near, keep: {last: 4, floor: 2}}
      - {to: far, every: 6h, keep: {last: 2, floor: 1}}
`

// copyWorlds is how many worlds there are, and how long each lasts: two days are some
// fifty runs.
func copyWorlds() (n int, lasting time.Duration) {
	if testing.Short() || raceDetector {
		return 1, 12 * time.Hour
	}
	return 5, 48 * time.Hour
}

// TestCopiesInChaos lets everything go wrong that can for two days of copies from two
// accounts to two sites, and asks after every run that nothing good was lost. Then it
// is quiet, and every copy has to arrive, with nothing left on its way.
func TestCopiesInChaos(t *testing.T) {
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to repeat: -run TestCopiesInChaos -chaos.seed %d", seed)
	var mu sync.Mutex
	var sum totals
	t.Run("worlds", func(t *testing.T) {
		n, lasting := copyWorlds()
		for i := range n {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := newFerry(t, rand.New(rand.NewPCG(seed, uint64(i))))
					for end := time.Now().Add(lasting); time.Now().Before(end) && !t.Failed(); {
						f.step()
					}
					if !t.Failed() {
						f.calm()
					}
					mu.Lock()
					defer mu.Unlock()
					sum.add(f.sum)
				})
			})
		}
	})
	t.Log(sum)
}

// ferry is a world whose copies go wrong.
type ferry struct {
	*chaos
	// dark is a site that holdfast cannot reach, if any.
	dark *dr.Site
	// lifted end what somebody has brought about and what is over some day.
	lifted []func()
}

func newFerry(t *testing.T, r *rand.Rand) *ferry {
	w := &world{TB: t, AWS: sandbox.New(sandbox.Options{Latency: 20 * time.Millisecond}), clock: passing{}}
	f := &ferry{chaos: &chaos{world: w, Rand: r, file: parseAll(t, crossroads), people: map[string]*person{}}}
	f.forget()
	f.truth = w.carrier(f.file)
	for _, id := range accounts() {
		f.put3(id, region, wayKey, third)
		for i, key := range []string{"", "alias/aws/rds", wayKey} {
			w.secret("rds", dr.Site{Account: id, Region: region}, []string{"billing", "catalog", "orders"}[i], key, goldTags())
		}
		f.people[id] = w.person(id)
	}
	f.put3(third, region, "alias/near")
	f.put3(third, farRegion, farKey)
	f.clients = 1 + len(accounts())
	f.after = f.observe()
	return f
}

func (f *ferry) put3(id, in, name string, others ...string) {
	_, err := f.PutKey(id, in, sandbox.SeedKey{Name: name, Accounts: others})
	f.must(err)
}

// observe gives what is really there.
func (f *ferry) observe() dr.Inventory {
	inv := f.truth.Observe(context.Background())
	if len(inv.Gaps) > 0 {
		f.Fatalf("the truth cannot be seen: %v", inv.Gaps)
	}
	return inv
}

// step is one run, or two at once, and what happens around it.
func (f *ferry) step() {
	begun := time.Now()
	for f.chance(35) {
		f.meddle()
	}
	f.sleep(10*time.Minute + f.upTo(80*time.Minute))
	f.forget()
	f.ResetCalls()
	processes := []*process{f.carrier(f.file)}
	if f.chance(15) {
		processes = append(processes, f.carrier(f.file))
	}
	heal := f.breakCopies(processes)
	f.runFerries(processes)
	for _, h := range heal {
		h()
	}
	f.count(processes)
	f.sum.runs += len(processes)
	f.sum.days += time.Since(begun).Hours() / 24
	f.after = f.observe()
	f.checkFerry(*f.before, f.after)
	if f.chance(50) {
		for _, lift := range f.lifted {
			lift()
		}
		f.lifted = nil
	}
}

// breakCopies sets faults for the calls of some processes.
func (f *ferry) breakCopies(processes []*process) (heal []func()) {
	for _, p := range processes {
		if f.dark != nil {
			heal = append(heal, f.Inject(sandbox.Fault{
				Match: sandbox.Match{Client: p.client, Account: f.dark.Account, Region: f.dark.Region}, Kind: sandbox.Deny,
			}))
		}
		for f.chance(60) {
			fault := f.someFault()
			fault.Client, fault.Account = p.client, ""
			fault.Action = pick(f.chaos, []string{
				"", "", "DescribeDBInstances", "DescribeDBSnapshots", "DescribeDBSnapshots", "CreateDBSnapshot", "DeleteDBSnapshot", "AssumeRole",
				"CopyDBSnapshot", "CopyDBSnapshot", "ModifyDBSnapshotAttribute", "AddTagsToResource", "RemoveTagsFromResource", "DescribeKey", "GetServiceQuota",
			})
			if f.chance(50) {
				fault.Account = pick(f.chaos, []string{prod, second, third})
			}
			heal = append(heal, f.Inject(fault))
			f.sum.faults++
		}
	}
	return heal
}

// runFerries runs the processes, now and then as runs that wait.
func (f *ferry) runFerries(processes []*process) {
	var wg sync.WaitGroup
	for _, p := range processes {
		delay, waits := f.upTo(100*time.Second), f.chance(25)
		p.when(engine.Planned, func() { f.noted() })
		wg.Go(func() {
			f.sleep(delay)
			var r engine.Report
			if waits {
				r = f.runAndWait(p)
			} else {
				r = p.RunOnce(f.Context())
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.sum.failures += len(r.Failed())
			for _, v := range r.Plan.Refused {
				if v.Reason.Code == plan.Guarded {
					f.Errorf("the check objects to a plan of Build: %+v", v)
				}
			}
		})
	}
	wg.Wait()
	if f.before == nil { // None came as far as a plan.
		f.noted()
	}
}

// noted remembers what a plan on the truth of this moment would delete, however many
// that are.
func (f *ferry) noted() {
	inv := f.observe()
	p := plan.Build(time.Now(), f.file, inv, plan.Limits{
		MaxDelete: plan.MaxDelete{Percent: 100, IsSet: true}, Routes: f.truth.Limits.Routes, Defaults: f.truth.Limits.Defaults,
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before == nil {
		f.before = &inv
	}
	for _, a := range p.Actions {
		if a.Verb == plan.Delete {
			f.mayGo[a.From] = true
		}
	}
}

// meddle lets a person or AWS itself do something, well before a run.
func (f *ferry) meddle() {
	id, db := pick(f.chaos, accounts()), pick(f.chaos, []string{"billing", "catalog", "orders"})
	switch f.IntN(8) {
	case 0:
		f.must(f.FailNextDBSnapshots(id, region, db, 1))
	case 1:
		f.disable(third, pick(f.chaos, [][2]string{{region, "alias/near"}, {farRegion, farKey}}))
	case 2:
		f.disable(id, [2]string{region, wayKey})
	case 3:
		in := pick(f.chaos, []string{region, farRegion})
		f.must(f.SetQuota(third, in, sandbox.QuotaCopies, 1+f.IntN(4)))
		f.lifted = append(f.lifted, func() { f.must(f.SetQuota(third, in, sandbox.QuotaCopies, 20)) })
	case 4:
		f.alien("rds", pick(f.chaos, f.after.Sites), fmt.Sprintf("theirs-%d", f.Uint64()), dr.Tags{"made-by": "hand"})
	case 5:
		dark := pick(f.chaos, f.after.Sites)
		f.dark = &dark
		f.lifted = append(f.lifted, func() { f.dark = nil })
	default:
		f.undo()
	}
}

func (f *ferry) disable(id string, key [2]string) {
	f.must(f.SetKeyEnabled(id, key[0], key[1], false))
	f.lifted = append(f.lifted, func() { f.must(f.SetKeyEnabled(id, key[0], key[1], true)) })
}

// undo lets a person undo something by hand: take a share back, or delete a snapshot
// that a policy has made enough of.
func (f *ferry) undo() {
	var good []dr.Snapshot
	for _, s := range f.after.Snapshots {
		if s.State == dr.Good && f.ours(s) && !f.byHand[s.Ref] {
			good = append(good, s)
		}
	}
	if len(good) == 0 {
		return
	}
	s := pick(f.chaos, good)
	if len(s.Shared) > 0 && f.chance(60) {
		f.unshare(s, third)
		return
	}
	if s.Claim.Stage != "" || f.chance(30) {
		_ = f.throwAway(s) // It may have gone since.
	}
}

// checkFerry asks whether the promises were held from one moment to another.
func (f *ferry) checkFerry(before, after dr.Inventory) {
	there := map[dr.Ref]bool{}
	for _, s := range after.Snapshots {
		there[s.Ref] = s.State != dr.Going
	}
	f.nothingLost(before, after, there)
	f.floorsHeld(before, after)
	first := map[string]dr.Ref{}
	for _, s := range after.Snapshots {
		if !f.ours(s) || s.State != dr.Good && s.State != dr.Pending {
			continue
		}
		what := fmt.Sprint(s.Ref.Site, s.Claim.Source, s.Claim.Slot, s.Claim.Stage, s.Claim.Origin != "")
		if other, twice := first[what]; twice {
			f.Errorf("%s and %s hold the same", other, s.Ref)
		}
		first[what] = s.Ref
	}
	known := map[dr.Ref]bool{}
	for _, s := range before.Snapshots {
		known[s.Ref] = true
	}
	for ref := range there {
		if !known[ref] {
			f.sum.creates++
		}
	}
	if f.Failed() {
		f.Errorf("that was run %d, at %s", f.sum.runs, time.Now())
	}
}

// nothingLost asks that nothing is gone but what may go.
func (f *ferry) nothingLost(before, after dr.Inventory, there map[dr.Ref]bool) {
	for _, s := range before.Snapshots {
		if there[s.Ref] || s.State == dr.Going {
			continue
		}
		f.sum.deletes++
		switch {
		case !f.ours(s):
			f.Errorf("%s is gone, and it was not ours: owner %q", s.Ref, s.Claim.Owner)
		case s.Claim.Stage != "": // A run that waits clears it away as well.
			if s.State == dr.Good && !slices.ContainsFunc(after.Snapshots, func(o dr.Snapshot) bool { return replaces(o, s) }) {
				f.Errorf("%s is gone, and nothing holds data as new", s.Ref)
			}
			if i := slices.IndexFunc(after.Snapshots, func(o dr.Snapshot) bool { return comesOf(o, s) }); i >= 0 {
				f.Errorf("%s is gone, and %s is made from it", s.Ref, after.Snapshots[i].Ref)
			}
		case !f.mayGo[s.Ref]:
			f.Errorf("%s (%s) is gone, and on what was there no plan would delete it", s.Ref, s.State)
		}
	}
}

func replaces(o, s dr.Snapshot) bool {
	return o.State == dr.Good && o.Claim.Stage == "" && o.Claim.Source == s.Claim.Source && !o.Claim.Slot.Before(s.Claim.Slot)
}

func comesOf(o, stage dr.Snapshot) bool {
	return o.State == dr.Pending && o.Claim.Stage == "" && o.Claim.Origin == stage.Claim.Origin
}

// floorsHeld asks that no family was left with fewer good ones than its floor, or
// than it had.
func (f *ferry) floorsHeld(before, after dr.Inventory) {
	had, has := map[family]int{}, map[family]int{}
	for _, s := range before.Snapshots {
		if s.State == dr.Good && f.ours(s) && s.Claim.Stage == "" {
			had[familyOf(s)]++
		}
	}
	for _, s := range after.Snapshots {
		if s.State == dr.Good && s.Claim.Stage == "" {
			has[familyOf(s)]++
		}
	}
	for fam, n := range had {
		p, _ := f.file.Policy("gold")
		if want := min(n, floorAt(p, fam.site.Name)); has[fam] < want {
			f.Errorf("%v has %d good snapshots, had %d, and must have %d", fam, has[fam], n, want)
		}
	}
}

func floorAt(p policy.Policy, site string) int {
	for _, c := range p.Copies {
		if c.To == site {
			return c.Keep.Floor
		}
	}
	return p.Keep.Floor
}

// calm ends all faults and asks that everything then arrives.
func (f *ferry) calm() {
	for _, lift := range f.lifted {
		lift()
	}
	for _, id := range accounts() {
		for _, db := range []string{"billing", "catalog", "orders"} {
			f.must(f.FailNextDBSnapshots(id, region, db, 0))
		}
	}
	f.sleep(time.Until(time.Now().Truncate(2 * time.Hour).Add(26*time.Hour + 3*time.Minute)))
	for range 2 {
		p := f.carrier(f.file)
		p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
		if r := f.runAndWait(p); len(r.Failed())+len(r.Plan.Refused)+len(r.Plan.Gaps) > 0 {
			f.Errorf("in the quiet: %q", trouble(r))
		}
		f.sleep(10 * time.Second)
	}
	p, inv := f.truth.Plan(f.Context())
	if len(p.Actions)+len(p.Waiting)+len(p.Refused)+len(p.Gaps) > 0 {
		f.Errorf("it does not come to rest: actions %v, waiting %v, refused %v, gaps %v", p.Actions, p.Waiting, p.Refused, p.Gaps)
	}
	f.allArrived(carriedIn(inv, f.file), inv)
}

// allArrived asks that each copy stands alone, that nothing is left of its way, and
// that the newest of each source is at the site that wants all.
func (f *ferry) allArrived(c carried, inv dr.Inventory) {
	if text := c.String(); strings.Contains(text, "(") || len(c.staged) > 0 {
		f.Errorf("left over: %s", text)
	}
	f.wantNoShares(f.file)
	at := map[string]bool{}
	for _, y := range c.copies {
		what := fmt.Sprint(y.Ref.Site.Name, y.Claim.Source, y.Claim.Slot)
		if at[what] {
			f.Errorf("%s is there twice", what)
		}
		at[what] = true
		if y.Claim.Retention == "" || y.Claim.Taken.IsZero() || y.Claim.Config == "" || y.Key != "" && dr.KeyAccount(y.Key) != third {
			f.Errorf("a copy that does not stand alone: %+v", y)
		}
	}
	newest := map[string]dr.Snapshot{}
	for _, x := range c.originals { // Newest first.
		if _, known := newest[x.Claim.Source]; !known {
			newest[x.Claim.Source] = x
		}
	}
	if len(newest) != 6 || len(inv.Resources) != 6 {
		f.Errorf("%d sources have snapshots, of %d", len(newest), len(inv.Resources))
	}
	for source, x := range newest {
		if !at[fmt.Sprint("near", source, x.Claim.Slot)] {
			f.Errorf("%s is not at near", x.Ref)
		}
	}
}
