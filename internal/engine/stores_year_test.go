package engine_test

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const yearPolicies = `namespace: test
sites:
  a: {account: "111111111111", region: us-east-1}
  b: {account: "111111111111", region: us-east-2}
  c: {account: "111111111111", region: us-west-2}
  d: {account: "111111111111", region: eu-west-1}
  e: {account: "111111111111", region: eu-central-1}
policies:
  last:    {match: {tags: {backup: last}}, every: 2d, keep: {last: 2, floor: 2}}
  daily:   {match: {tags: {backup: daily}}, every: 2d, keep: {daily: 2, floor: 1}}
  weekly:  {match: {tags: {backup: weekly}}, every: 2d, keep: {last: 1, weekly: 1, floor: 1}}
  monthly: {match: {tags: {backup: monthly}}, every: 2d, keep: {last: 1, weekly: 1, monthly: 1, floor: 1}}
`

// perSite is how many resources of each kind a site has to begin with: 200 at five
// sites. What two clusters of Redshift keep fits into the quota of 20.
func perSite() map[dr.Kind]int {
	return map[dr.Kind]int{"rds": 16, "aurora": 8, "ebs": 10, "redshift": 2, "elasticache": 4}
}

// year is a world and what should be in it: the recovery points that a plain
// account of what happened leaves.
type year struct {
	*world
	file    policy.File
	here    []dr.Ref
	stopped map[dr.Ref]bool
	failing map[dr.Ref]bool
	under   map[dr.Ref]*policy.Policy
	// points are the slots of each resource, newest first.
	points map[dr.Ref][]time.Time
	held   map[dr.Ref]time.Time
	// foreign are snapshots that are nobody's business.
	foreign []dr.Ref
	serial  int
}

// pace is how many days lie between two slots of the policies, and two runs.
// Nearly all of the time goes into reading what the services list at each run.
const pace = 2

// TestYear lets a year pass over 200 resources of every kind, with a run for each
// slot, each by a new process, and with what happens in a year. In the end there is what
// an account of it in a few lines says, snapshot for snapshot.
func TestYear(t *testing.T) {
	t.Parallel()
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	days := 365
	if testing.Short() || raceDetector {
		days = 26 // What failed on day 18 is cleaned up by then.
	}
	bubble(t, sandbox.Options{}, func(w *world) {
		y := newYear(w)
		for day := range days {
			y.happens(day)
			w.sleep(30 * time.Minute) // What was deleted is gone then.
			if off := day - days/2; day%pace == 0 && (off < 0 || off >= 7) {
				y.run()
			}
			w.sleep(23*time.Hour + 30*time.Minute)
			w.ResetCalls()
		}
		y.check()
	})
}

func newYear(w *world) *year {
	y := &year{
		world: w, file: parseAll(w, yearPolicies), stopped: map[dr.Ref]bool{}, failing: map[dr.Ref]bool{},
		under: map[dr.Ref]*policy.Policy{}, points: map[dr.Ref][]time.Time{}, held: map[dr.Ref]time.Time{},
	}
	for _, site := range y.file.Sites {
		for _, q := range []sandbox.Quota{
			sandbox.QuotaInstances, sandbox.QuotaManualSnapshots, sandbox.QuotaDBClusters, sandbox.QuotaManualDBClusterSnapshots,
		} {
			w.must(w.SetQuota(prod, site.Region, q, 1000))
		}
		for _, k := range everyKind() {
			for range perSite()[k] {
				y.comes(k, site.Site)
			}
		}
		y.others(site.Site)
	}
	return y
}

func (y *year) comes(k dr.Kind, site dr.Site) {
	y.serial++
	name := fmt.Sprintf("%s-%d", k, y.serial)
	p := &y.file.Policies[y.serial%len(y.file.Policies)]
	r := y.add(k, site, name, dr.Tags{"backup": p.Name})
	y.here, y.under[r] = append(y.here, r), p
}

// goes ends the oldest resource of a kind at a site; what was taken of it stays.
func (y *year) goes(k dr.Kind, site dr.Site) {
	i := y.first(k, site)
	y.remove(y.here[i])
	y.here = slices.Delete(y.here, i, i+1)
}

func (y *year) first(k dr.Kind, site dr.Site) int {
	return slices.IndexFunc(y.here, func(r dr.Ref) bool { return r.Kind == k && r.Site == site && !y.stopped[r] })
}

// others puts in snapshots that belong to another installation, and to nobody.
func (y *year) others(site dr.Site) {
	of := y.here[y.first("rds", site)]
	theirs := dr.Claim{Owner: "other", Policy: "daily", Slot: y.slot(1000), Source: of.Source()}
	old := sandbox.Age(2000 * time.Hour)
	for name, tags := range map[string]dr.Tags{"theirs": theirs.Tags(), "by-hand": nil} {
		y.must(y.PutDBSnapshot(prod, site.Region, sandbox.SeedSnapshot{Of: of.ID, Name: name, Age: old, Tags: tags}))
		y.foreign = append(y.foreign, dr.Ref{Kind: "rds", Site: site, ID: name})
	}
	cluster := y.here[y.first("redshift", site)]
	y.must(y.PutClusterSnapshot(prod, site.Region, sandbox.SeedClusterSnapshot{Of: cluster.ID, Name: "by-hand", Age: old}))
	cache := y.here[y.first("elasticache", site)]
	y.must(y.PutCacheSnapshot(prod, site.Region, sandbox.SeedCacheSnapshot{Of: cache.ID, Name: "by-hand", Age: old}))
	aurora := y.here[y.first("aurora", site)]
	y.must(y.PutDBClusterSnapshot(prod, site.Region, sandbox.SeedDBClusterSnapshot{Of: aurora.ID, Name: "by-hand", Age: old}))
	for _, k := range []dr.Kind{"redshift", "elasticache", "aurora"} {
		y.foreign = append(y.foreign, dr.Ref{Kind: k, Site: site, ID: "by-hand"})
	}
	id, err := y.PutEBSSnapshot(prod, site.Region, sandbox.SeedEBSSnapshot{Of: "vol-0123456789abcdef0", Age: old})
	y.must(err)
	y.foreign = append(y.foreign, dr.Ref{Kind: "ebs", Site: site, ID: id})
}

// happens is what a day brings before its run.
func (y *year) happens(day int) {
	sites := y.file.Sites
	site := sites[day%len(sites)].Site
	switch {
	case day%30 == 5:
		r := y.here[y.first("rds", site)]
		y.must(y.SetDBInstanceStatus(prod, r.Site.Region, r.ID, "stopped"))
		y.stopped[r] = true
	case day%30 == 15:
		for r := range y.stopped {
			y.must(y.SetDBInstanceStatus(prod, r.Site.Region, r.ID, "available"))
		}
		clear(y.stopped)
	case day%10 == 8:
		y.fails(site)
	case day%90 == 10:
		y.holds(site)
	case day%90 == 9:
		for _, k := range []dr.Kind{"rds", "aurora", "ebs", "elasticache"} {
			y.goes(k, site)
			y.comes(k, site)
		}
	}
}

// fails makes the next snapshots of some resources come to nothing.
func (y *year) fails(site dr.Site) {
	for _, k := range []dr.Kind{"rds", "aurora", "ebs", "elasticache"} {
		r := y.here[y.first(k, site)]
		y.failing[r] = true
		switch in := site.Region; k {
		case "rds":
			y.must(y.FailNextDBSnapshots(prod, in, r.ID, 1))
		case "aurora":
			y.must(y.FailNextDBClusterSnapshots(prod, in, r.ID, 1))
		case "elasticache":
			y.must(y.FailNextCacheSnapshots(prod, in, "group", r.ID, 1))
		default:
			y.must(y.FailNextEBSSnapshots(prod, in, y.volumeOf(r), 1))
		}
	}
}

func (y *year) volumeOf(r dr.Ref) string {
	for _, x := range y.sight(y.file).Resources {
		if x.Ref == r {
			return x.Parts[0].ID
		}
	}
	y.Fatalf("%s is not there", r)
	return ""
}

// holds marks the newest snapshot of one resource of each kind.
func (y *year) holds(site dr.Site) {
	p := y.fleet(y.file)
	inv := p.Observe(y.Context())
	for _, k := range everyKind() {
		r := y.here[y.first(k, site)]
		if _, twice := y.held[r]; twice {
			continue
		}
		s := goodOf(inv, y.file, r)[0]
		if o := p.Mark(y.Context(), plan.Hold, s); o.Err != nil {
			y.Errorf("hold %s: %v", s.Ref, o.Err)
		}
		y.held[r] = s.Claim.Slot
	}
}

// run lets a new process run, wants no trouble but that of what is stopped, and
// keeps the account.
func (y *year) run() {
	p := y.fleet(y.file)
	// Where a site has few resources of a kind, a month that ends lets more than half
	// of its snapshots go at once.
	p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
	r := p.RunOnce(y.Context())
	for _, o := range r.Failed() {
		y.Errorf("%s: failed: %v", y.clock.Now(), o.Err)
	}
	for _, v := range r.Plan.Refused {
		if !y.stopped[v.Ref] || v.Reason.Code != plan.Blocked {
			y.Errorf("%s: refused: %+v", y.clock.Now(), v)
		}
	}
	if len(r.Plan.Gaps)+len(r.Plan.Foretold)+len(r.Plan.Waiting) > 0 {
		y.Errorf("%s: gaps %v, foretold %v, waiting %v", y.clock.Now(), r.Plan.Gaps, r.Plan.Foretold, r.Plan.Waiting)
	}
	if y.Failed() {
		y.FailNow()
	}
	y.account()
}

// account notes what a run should have done: what no rule keeps goes, and of what
// is there and runs there is one more.
func (y *year) account() {
	for r, slots := range y.points {
		p := y.under[r]
		var points []policy.Point
		for _, s := range slots {
			points = append(points, policy.Point{Slot: s, Taken: s})
		}
		rules := p.Keep.Decide(y.clock.Now(), p.Location, points, nil)
		var left []time.Time
		for i, s := range slots {
			if held, ok := y.held[r]; rules[i] != 0 || ok && held.Equal(s) {
				left = append(left, s)
			}
		}
		y.points[r] = left
	}
	for _, r := range y.here {
		if !y.stopped[r] && !y.failing[r] {
			slot := y.under[r].Schedule.Slot(y.clock.Now()).UTC()
			y.points[r] = append([]time.Time{slot}, y.points[r]...)
		}
	}
	clear(y.failing)
}

// check compares the truth with the account.
func (y *year) check() {
	inv := y.sight(y.file)
	there := map[dr.Ref]bool{}
	ours := 0
	for _, s := range inv.Snapshots {
		there[s.Ref] = true
		if s.Claim.Owner == y.file.Namespace {
			ours++
		}
	}
	counted := 0
	for _, r := range slices.SortedFunc(maps.Keys(y.points), dr.Ref.Compare) {
		var got []time.Time
		for _, s := range goodOf(inv, y.file, r) {
			got = append(got, s.Claim.Slot)
		}
		counted += len(got)
		if !slices.EqualFunc(got, y.points[r], time.Time.Equal) {
			y.Errorf("%s has %v, want %v", r, got, y.points[r])
		}
	}
	for _, r := range y.foreign {
		if !there[r] {
			y.Errorf("%s is gone, and was none of ours", r)
		}
	}
	if counted != ours {
		y.Errorf("%d snapshots are ours, and %d are accounted for", ours, counted)
	}
	y.Logf("%d resources, %d recovery points, %d of them held; %d foreign", len(y.here), ours, len(y.held), len(y.foreign))
}
