package engine_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// twoHops is a policy whose copies take the longest way that there is: what is under
// a key of AWS's is put under another, shared, copied into another account and Region.
const twoHops = toFar + `
  daily:
    match: {kinds: [%s], tags: {backup: gold}}
    every: 1d
    keep: {last: 3, floor: 2}
    copies:
      - {to: far, keep: {daily: 14, floor: 2}}
`

// mishap is what may happen to a call.
type mishap struct {
	name string
	sandbox.Fault
	// reads says that it means something for calls that change nothing, too.
	reads bool
}

// mishaps are what may go wrong with a call. Those that strike several times defeat
// the retries of the SDK.
func mishaps() []mishap {
	return []mishap{
		{"crash before", sandbox.Fault{Kind: sandbox.CrashBefore, Times: 1}, false},
		{"crash after", sandbox.Fault{Kind: sandbox.CrashAfter, Times: 1}, true},
		{"one answer lost", sandbox.Fault{Kind: sandbox.Timeout, Times: 1}, false},
		{"all answers lost", sandbox.Fault{Kind: sandbox.Timeout, Times: 8}, false},
		{"500", sandbox.Fault{Kind: sandbox.Fail, Times: 8}, true},
		{"throttled", sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling", Times: 8}, false},
		{"denied", sandbox.Fault{Kind: sandbox.Deny, Times: 1}, true},
	}
}

// point is the n-th call of a kind on the way of a copy. Calls of one kind come one
// after the other, so the number means the same in every world.
type point struct {
	account, region, service, action string
	n                                int
}

// changes reports whether the call changes anything.
func (p point) changes() bool {
	for _, reading := range []string{"Describe", "List", "Get", "Assume"} {
		if strings.HasPrefix(p.action, reading) {
			return false
		}
	}
	return true
}

func (p point) String() string {
	return fmt.Sprintf("%s:%s %d in %s of %s", p.service, p.action, p.n+1, p.region, p.account)
}

// way is how holdfast is run on the way of a copy.
type way struct {
	name string
	// run goes as far as the process lives.
	run func(c *crossing)
}

func ways() []way {
	return []way{
		{"a run every ten minutes", func(c *crossing) {
			for range 5 {
				c.first.RunOnce(c.Context())
				if c.first.client.Crashed() {
					return
				}
				c.sleep(10 * time.Minute)
			}
		}},
		{"one run that waits", func(c *crossing) { c.first.RunAndWait(c.Context(), 10*time.Minute) }},
	}
}

// crossing is a world with one database whose snapshot has to cross into another
// account and Region.
type crossing struct {
	*world
	file  policy.File
	of    dr.Ref
	first *process
	// theirs are what is not to be touched.
	theirs map[dr.Ref]bool
}

func newCrossing(w *world, kind dr.Kind) *crossing {
	c := &crossing{world: w, file: parseAll(w, fmt.Sprintf(twoHops, kind)), theirs: map[dr.Ref]bool{}}
	w.keyed()
	c.of = w.secret(kind, home(), "orders", "alias/aws/"+serviceKey(kind), dr.Tags{"backup": "gold", "team": "shop"})
	other := dr.Claim{Owner: "other", Policy: "daily", Slot: w.slot(0), Source: c.of.Source()}
	gone := dr.Claim{Owner: "test", Policy: "gone", Slot: w.slot(0), Source: string(kind) + "/" + prod + "/" + region + "/elsewhere"}
	for i, tags := range []dr.Tags{{"made-by": "hand"}, other.Tags(), gone.Tags()} {
		for _, site := range []dr.Site{home(), farSite()} {
			w.alien(kind, site, fmt.Sprintf("theirs-%d", i), tags)
		}
	}
	for _, s := range w.view(c.file).Snapshots {
		c.theirs[s.Ref] = true
	}
	c.first = w.carrier(c.file)
	return c
}

func serviceKey(kind dr.Kind) string {
	if kind == "aurora" {
		return "rds"
	}
	return string(kind)
}

// cross runs a test in a fresh world, in a bubble of its own.
func cross(t *testing.T, kind dr.Kind, test func(c *crossing)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12*time.Hour + 3*time.Minute)
		test(newCrossing(&world{TB: t, AWS: sandbox.New(sandbox.Options{}), clock: passing{}}, kind))
	})
}

// points counts the calls of a way on which nothing happens.
func points(t *testing.T, kind dr.Kind, by way) []point {
	t.Helper()
	var out []point
	cross(t, kind, func(c *crossing) {
		c.ResetCalls()
		by.run(c)
		seen := map[point]int{}
		for _, call := range c.Calls() {
			p := point{account: call.Account, region: call.Region, service: call.Service, action: call.Action}
			n := seen[p]
			seen[p]++
			p.n = n
			out = append(out, p)
		}
		c.arrived()
	})
	slices.SortStableFunc(out, func(x, y point) int { return cmp.Or(strings.Compare(x.String(), y.String())) })
	return out
}

// arrived asks for the end of every way: the copy is there, once, and nothing is
// left of what was on its way.
func (c *crossing) arrived() {
	c.Helper()
	p := c.rest(c.file)
	if len(p.Refused)+len(p.Gaps) > 0 {
		c.Errorf("refused %v, gaps %v", p.Refused, p.Gaps)
	}
	inv := c.view(c.file)
	got := carriedIn(inv, c.file)
	there := map[dr.Ref]bool{}
	for _, s := range inv.Snapshots {
		there[s.Ref] = true
	}
	for ref := range c.theirs {
		if !there[ref] {
			c.Errorf("%s is gone, and was not ours to delete", ref)
		}
	}
	mine := func(s dr.Snapshot) bool { return c.theirs[s.Ref] }
	got.originals, got.copies = slices.DeleteFunc(got.originals, mine), slices.DeleteFunc(got.copies, mine)
	if got.String() != "1 originals, 0 on the way, 1 copies" {
		c.Errorf("there are %s", got)
		return
	}
	c.standsAlone(got.originals[0], got.copies[0], inv)
	for _, s := range []dr.Snapshot{got.originals[0], got.copies[0]} {
		if with := c.sharedWith(s); len(with) > 0 || len(s.Shared) > 0 {
			c.Errorf("%s is shared with %v, and marked so for %v", s.Ref, with, s.Shared)
		}
	}
}

// standsAlone asks that a copy needs nothing of where it came from.
func (c *crossing) standsAlone(x, y dr.Snapshot, inv dr.Inventory) {
	c.Helper()
	if x.Ref.Site != home() || x.Claim.Source != c.of.Source() || !inv.Keys[dr.KeyRef{Site: home(), Name: x.Key}].Managed {
		c.Errorf("the original is not what it was: %+v", x)
	}
	want := x.Claim
	want.Origin, want.Taken, want.Retention = x.Ref.Origin(), y.Claim.Taken, "daily=14 floor=2"
	if y.Claim != want {
		c.Errorf("the copy claims %+v, want %+v", y.Claim, want)
	}
	if y.Claim.Config == "" || y.Ref.Site != farSite() {
		c.Errorf("the copy is %+v", y)
	}
	if d := x.Taken.Sub(y.Claim.Taken); d < -time.Second || d > time.Second {
		c.Errorf("the copy says that its data are of %s, and the original was taken at %s", y.Claim.Taken, x.Taken)
	}
	key := inv.Keys[dr.KeyRef{Site: farSite(), Name: y.Key}].ARN
	if own := inv.Keys[dr.KeyRef{Site: farSite(), Name: farKey}].ARN; key == "" || key != own {
		c.Errorf("the copy is under %s (%s), and the key of its site is %s", y.Key, key, own)
	}
}

// TestCopiesSurviveEveryCall lets every call on the way of a copy fail in every way,
// or be the last of its process: the next runs bring the copy there all the same.
func TestCopiesSurviveEveryCall(t *testing.T) {
	t.Parallel()
	for _, kind := range []dr.Kind{"rds", "aurora", "ebs"} {
		for _, by := range ways() {
			t.Run(string(kind)+"/"+by.name, func(t *testing.T) {
				t.Parallel()
				all := points(t, kind, by)
				n := survive(t, kind, by, all)
				t.Logf("%d crash points on %d calls", n, len(all))
			})
		}
	}
}

// survive strikes every call, or every so many where time is short.
func survive(t *testing.T, kind dr.Kind, by way, all []point) int {
	t.Helper()
	thin := 1
	if testing.Short() || raceDetector {
		thin = 13 // No divisor of what repeats.
	}
	n, hit := 0, 0
	which := 0
	for _, at := range all {
		for _, m := range mishaps() {
			if !m.reads && !at.changes() {
				continue
			}
			if which++; which%thin != 0 {
				continue
			}
			n++
			struck := true
			cross(t, kind, func(c *crossing) { struck = c.strike(by, at, m) })
			if struck {
				hit++
			}
			if t.Failed() {
				t.Fatalf("that was %s at %s", m.name, at)
			}
		}
	}
	if hit < n {
		t.Errorf("only %d of %d calls were struck", hit, n)
	}
	return n
}

// strike lets a mishap befall one call of the first process, and new ones follow.
func (c *crossing) strike(by way, at point, m mishap) (struck bool) {
	c.ResetCalls()
	f := m.Fault
	f.Match = sandbox.Match{Account: at.account, Region: at.region, Service: at.service, Action: at.action, Client: c.first.client}
	f.Skip = at.n
	remove := c.Inject(f)
	by.run(c)
	remove()
	for _, call := range c.Calls() {
		struck = struck || call.Service == at.service && call.Action == at.action && call.Code != ""
	}
	c.arrived()
	return struck
}
