package engine_test

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// monthPolicies copies 50 databases of three accounts to three sites. For each
// account some are in another account and Region, and some in another account or
// another Region only. Of each database one copy is kept, and one more is there while
// it comes, which just fits into the quota of 100.
const monthPolicies = `namespace: test
kinds: [rds]
sites:
  one: {account: "111111111111", region: us-east-1, key: alias/way}
  two: {account: "222222222222", region: eu-west-1, role: holdfast, key: alias/way}
  three: {account: "333333333333", region: us-west-2, role: holdfast, key: alias/way}
  west: {account: "444444444444", region: us-west-2, role: holdfast, key: alias/dr}
  safe: {account: "444444444444", region: eu-west-1, role: holdfast, key: alias/dr}
  back: {account: "111111111111", region: us-west-2, role: holdfast, key: alias/dr}
policies:
  hourly:
    match: {tags: {backup: gold}}
    every: 1h
    keep: {last: 1, floor: 1}
    copies:
      - {to: west, keep: {last: 1}}
      - {to: safe, keep: {last: 1}}
      - {to: back, keep: {last: 1}}
`

const (
	monthDatabases = 50
	monthSlots     = 20
	monthPoll      = 10 * time.Minute
)

// monthTakes is how long AWS takes here: copies of the databases, which have 20 to
// 155 GiB, between Regions from five minutes to a little less than a poll.
func monthTakes() sandbox.Durations {
	return sandbox.Durations{
		Snapshot: sandbox.Duration{Base: 2 * time.Minute}, Increment: sandbox.Duration{Base: 2 * time.Minute},
		Copy: sandbox.Duration{Base: 3 * time.Minute}, RegionCopy: sandbox.Duration{Base: 4 * time.Minute, PerGiB: 2 * time.Second},
	}
}

// month is a world whose databases are copied, and what was seen of it.
type month struct {
	*world
	p *process
	// trips are the copies that were made, by what they are called.
	trips map[dr.Ref]trip
	// originals say of each source and slot when it was taken.
	originals map[string]time.Time
	// age, lag and behind are the worst that a survey at the hour showed of each site.
	age, lag, behind map[string]time.Duration
	foretold         []plan.Verdict // by the last run
	refused          map[plan.Code]int
	// stopped counts the calls that AWS refused, by Region.
	stopped map[string]int
	made    int // calls in all
}

// trip is one copy: the moment whose data it holds, when it was begun and when it
// was there.
type trip struct {
	source                string
	to                    dr.Site
	distant               bool
	data, begun, complete time.Time
}

// TestCopiesMonth lets 50 databases of three accounts be copied to three sites for
// 30 days, every hour, by one process that runs at the hour and every ten minutes
// until no copy has to wait for its turn. AWS is never asked for more than it gives,
// all copy slots are used, and a copy is there as soon as the slots allow.
// Nearly all of the time goes into the SDK's reading of what RDS lists.
func TestCopiesMonth(t *testing.T) {
	t.Parallel()
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	hours := 30 * 24
	if testing.Short() || raceDetector {
		hours = 3
	}
	bubble(t, sandbox.Options{Durations: monthTakes(), Latency: 20 * time.Millisecond}, func(w *world) {
		m := newMonth(w)
		for hour := range hours {
			m.hour(hour%24 == 2, m.runs)
		}
		m.slots()
		m.promptly()
		m.Logf("%d calls an hour", m.made/hours)
		if len(m.foretold)+len(m.refused)+len(m.stopped) > 0 {
			m.Errorf("foretold %v, refused %v; refused by AWS %v", m.foretold, m.refused, m.stopped)
		}
	})
}

// Where a destination has no room for what the policy wants, the first plan says
// so; what can be copied there is, each source in its turn, and all other sites go on
// as ever. Following copies ends. When AWS grants more, nothing is refused any longer.
func TestCopiesThatDoNotFit(t *testing.T) {
	if raceDetector {
		t.Skip("takes long with the race detector, and `make test` runs it without too")
	}
	bubble(t, sandbox.Options{Durations: monthTakes(), Latency: 20 * time.Millisecond}, func(w *world) {
		w.must(w.SetQuota(prod, "us-west-2", sandbox.QuotaManualSnapshots, 80))
		m := newMonth(w)
		m.p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
		for hour := range 3 {
			m.hour(false, m.waits)
			if got := codes(m.foretold); !slices.Equal(got, []plan.Code{plan.QuotaForetold}) || m.foretold[0].Ref.Site.Name != "back" {
				w.Errorf("hour %d: foretold %v", hour, m.foretold)
			}
			if n := m.refused[plan.QuotaFull]; (n > 0) != (hour > 0) || len(m.refused) > 1 {
				w.Errorf("hour %d: refused %v", hour, m.refused)
			}
		}
		turns := map[string]int{}
		for _, t := range m.to(m.destinations()[2]) {
			turns[t.source]++
		}
		for source, n := range turns {
			if n < 1 || n > 2 {
				m.Errorf("%s was copied %d times, and some could not be", source, n)
			}
		}
		if len(turns) != monthDatabases || len(m.stopped) > 0 {
			m.Errorf("%d sources at back; refused by AWS %v", len(turns), m.stopped)
		}
		w.must(w.SetQuota(prod, "us-west-2", sandbox.QuotaManualSnapshots, 150))
		m.hour(false, m.waits) // Quotas are believed for an hour.
		m.hour(false, m.waits)
		clear(m.refused)
		clear(m.stopped)
		m.hour(false, m.waits)
		if len(m.foretold)+len(m.refused)+len(m.stopped) > 0 {
			m.Errorf("foretold %v, refused %v; refused by AWS %v", m.foretold, m.refused, m.stopped)
		}
		for _, site := range m.destinations() {
			if site.Name != "back" && len(m.to(site)) != 5*monthDatabases {
				m.Errorf("%d copies at %s, want %d", len(m.to(site)), site, 5*monthDatabases)
			}
		}
	})
}

// newMonth puts in the databases: a third under the key that AWS manages, a third
// under a customer's, a third plain.
func newMonth(w *world) *month {
	w.Helper()
	f := parseAll(w, monthPolicies)
	m := &month{
		world: w, trips: map[dr.Ref]trip{}, originals: map[string]time.Time{}, refused: map[plan.Code]int{}, stopped: map[string]int{},
		age: map[string]time.Duration{}, lag: map[string]time.Duration{}, behind: map[string]time.Duration{},
	}
	everyone := []string{prod, second, "333333333333", "444444444444"}
	for _, s := range f.Sites {
		keys := []sandbox.SeedKey{{Name: s.Key, Accounts: everyone}}
		if s.Key == "alias/way" {
			keys = append(keys, sandbox.SeedKey{Name: "alias/app", Accounts: everyone})
		}
		for _, k := range keys {
			_, err := w.PutKey(s.Account, s.Region, k)
			w.must(err)
		}
	}
	for i := range monthDatabases {
		s := f.Sites[i%3]
		w.must(w.PutDBInstance(s.Account, s.Region, fmt.Sprintf("db-%02d", i/3), sandbox.SeedDatabase{
			Size: 20 + 15*(i%10), Key: []string{"alias/aws/rds", "alias/app", ""}[i/3%3],
			Age: sandbox.Age(1000 * time.Hour), Tags: map[string]string{"backup": "gold"},
		}))
	}
	w.sleep(w.clock.Now().Truncate(time.Hour).Add(time.Hour).Sub(w.clock.Now()))
	m.p = w.carrier(f)
	return m
}

// hour lets the process run at the hour and go on until all copies have begun, and
// notes what came of the hour before.
func (m *month) hour(counted bool, follow func(engine.Report, bool)) {
	m.Helper()
	begin := m.clock.Now()
	r := m.run(counted)
	m.note(r.Inventory)
	m.survey(r.Inventory)
	follow(r, counted)
	if m.Failed() {
		m.FailNow()
	}
	m.sleep(begin.Add(time.Hour).Sub(m.clock.Now()))
}

// run lets the process run once.
func (m *month) run(counted bool) engine.Report {
	m.Helper()
	m.ResetCalls()
	r := m.p.RunOnce(m.Context())
	if counted {
		m.wantCalls(r)
	}
	m.made += len(m.Calls())
	m.trouble(r)
	return r
}

// runs lets the process run until nothing is to be done that has not begun.
func (m *month) runs(r engine.Report, counted bool) {
	m.Helper()
	for slices.ContainsFunc(r.Plan.Waiting, func(v plan.Verdict) bool { return v.Reason.Code != plan.Copying }) || r.Plan.Count(plan.Create) > 0 {
		m.sleep(monthPoll)
		r = m.run(counted)
	}
}

// waits lets the process follow what it began until all is there.
func (m *month) waits(r engine.Report, _ bool) {
	m.Helper()
	m.ResetCalls()
	r = m.p.Settle(m.Context(), r, monthPoll)
	m.trouble(r)
	if len(r.Plan.Waiting) > 0 {
		m.Errorf("%s: waiting %v", m.clock.Now(), r.Plan.Waiting)
	}
}

// trouble wants none, but for what was refused, which it counts.
func (m *month) trouble(r engine.Report) {
	m.Helper()
	for _, o := range r.Failed() {
		m.Errorf("%s: failed: %v", m.clock.Now(), o.Err)
	}
	for _, v := range r.Plan.Refused {
		m.refused[v.Reason.Code]++
	}
	for _, o := range r.Outcomes {
		if o.Left != "" {
			m.Errorf("%s: %s %s was left: %s", m.clock.Now(), o.Action.Verb, o.Action.Name, o.Left)
		}
	}
	if len(r.Plan.Gaps) > 0 {
		m.Errorf("%s: gaps %v", m.clock.Now(), r.Plan.Gaps)
	}
	m.foretold = r.Plan.Foretold
	for _, c := range m.Calls() {
		if c.Code != "" {
			m.stopped[c.Region]++
		}
	}
}

// note takes in what an inventory shows of originals and of copies. What is copied
// in an hour is all there at the next.
func (m *month) note(inv dr.Inventory) {
	m.Helper()
	for _, s := range inv.Snapshots {
		if s.Claim.Origin == "" {
			m.originals[s.Claim.Source+s.Claim.Slot.String()] = s.Taken
		}
	}
	for _, s := range inv.Snapshots {
		if s.Claim.Origin != "" && s.Claim.Stage == "" {
			m.trips[s.Ref] = m.tripOf(s)
		}
	}
}

// tripOf works out from when a copy was begun, and from how long AWS takes here, when
// it was complete.
func (m *month) tripOf(s dr.Snapshot) trip {
	m.Helper()
	from := m.siteOf(s.Claim.Source)
	t := trip{source: s.Claim.Source, to: s.Ref.Site, distant: from.Region != s.Ref.Site.Region, begun: s.Made}
	t.data = m.originals[s.Claim.Source+s.Claim.Slot.String()]
	t.complete = s.Made.Add(m.copyTakes(s.Bytes, t.distant))
	if !s.Claim.Taken.Equal(t.data.Truncate(time.Second)) {
		m.Errorf("%s says that its data are of %s, and they are of %s", s.Ref, s.Claim.Taken, t.data)
	}
	return t
}

func (m *month) siteOf(source string) dr.Site {
	for _, s := range m.p.File.Sites {
		if strings.HasPrefix(source, dr.Ref{Kind: "rds", Site: s.Site}.Source()) {
			return s.Site
		}
	}
	m.Fatalf("nobody knows where %s is", source)
	return dr.Site{}
}

func (m *month) copyTakes(bytes int64, distant bool) time.Duration {
	d := monthTakes().Copy
	if distant {
		d = monthTakes().RegionCopy
	}
	return d.Base + time.Duration(bytes>>30)*d.PerGiB
}

// survey keeps the worst that holdfast says of each destination at the hour.
func (m *month) survey(inv dr.Inventory) {
	for _, s := range plan.Survey(m.clock.Now(), m.p.File, inv) {
		for _, c := range s.Copies {
			m.age[c.To] = max(m.age[c.To], time.Duration(c.Age))
			m.lag[c.To] = max(m.lag[c.To], time.Duration(c.Lag))
			m.behind[c.To] = max(m.behind[c.To], time.Duration(c.Behind))
		}
	}
}

// slots wants no more copies from other Regions on their way at once than there are
// slots, and, where copies wait, all slots used.
func (m *month) slots() {
	m.Helper()
	for _, site := range m.destinations() {
		type change struct {
			at time.Time
			by int
		}
		var all []change
		for _, t := range m.to(site) {
			if t.distant {
				all = append(all, change{t.begun, 1}, change{t.complete, -1})
			}
		}
		slices.SortFunc(all, func(x, y change) int {
			if c := x.at.Compare(y.at); c != 0 {
				return c
			}
			return x.by - y.by
		})
		now, most := 0, 0
		for _, c := range all {
			now += c.by
			most = max(most, now)
		}
		if most != monthSlots {
			m.Errorf("%d copies into %s at once, want %d", most, site, monthSlots)
		}
	}
}

func (m *month) destinations() []dr.Site {
	var out []dr.Site
	for _, s := range m.p.File.Sites[3:] {
		out = append(out, s.Site)
	}
	return out
}

// to gives the copies at a site in the order of their data.
func (m *month) to(site dr.Site) []trip {
	var out []trip
	for _, t := range m.trips {
		if t.to == site {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(x, y trip) int { return x.data.Compare(y.data) })
	return out
}

// promptly wants every recovery point at every destination, there as soon as the
// slots allow, and reports the worst.
func (m *month) promptly() {
	m.Helper()
	for _, site := range m.destinations() {
		trips := m.to(site)
		var lag, rpo time.Duration
		last := map[string]trip{}
		for _, t := range trips {
			lag = max(lag, t.complete.Sub(t.data))
			if before, ok := last[t.source]; ok {
				if gap := t.data.Sub(before.data); gap > time.Hour+time.Minute {
					m.Errorf("%s lacks what came before %s of %s", site, t.data, t.source)
				}
				rpo = max(rpo, t.complete.Sub(before.data))
			}
			last[t.source] = t
		}
		bound := m.bound(trips)
		m.Logf("%s: %d copies; worst lag %s of at most %s, worst RPO %s; at the hour the newest is at most %s old, %s behind, begun after %s",
			site, len(trips), lag.Round(time.Second), bound.Round(time.Second), rpo.Round(time.Second),
			m.age[site.Name].Round(time.Second), m.behind[site.Name], m.lag[site.Name])
		if lag > bound || rpo > time.Hour+time.Minute+bound {
			m.Errorf("%s: a copy came after %s, want %s; RPO %s", site, lag, bound, rpo)
		}
		if m.behind[site.Name] > 0 || m.age[site.Name] > time.Hour+time.Minute || m.lag[site.Name] > lag {
			m.Errorf("%s: at the hour %s old, %s behind, begun after %s", site, m.age[site.Name], m.behind[site.Name], m.lag[site.Name])
		}
	}
}

// bound is how long a copy may take. A poll after the snapshot begins 20 copies from
// other Regions, each further one the next 20, and none of them takes longer than a
// poll. While they go on, others are put under keys that can be shared. What calls
// take comes on top.
func (m *month) bound(trips []trip) time.Duration {
	const seen = monthPoll + 30*time.Second
	var longest time.Duration
	distant := map[time.Time]int{}
	most := 0
	for _, t := range trips {
		longest = max(longest, t.complete.Sub(t.begun))
		if t.distant {
			distant[t.data.Truncate(time.Hour)]++
			most = max(most, distant[t.data.Truncate(time.Hour)])
		}
	}
	waves := (most + monthSlots - 1) / monthSlots
	return time.Duration(waves)*seen + longest
}

// wantCalls wants what a run has called to be the pages of what is there, one call
// for each key, once an hour one for each quota, and the changes.
func (m *month) wantCalls(r engine.Report) {
	m.Helper()
	want := map[string]int{}
	made, deleted, there := map[dr.Site]int{}, map[dr.Site]int{}, map[dr.Site]int{}
	for _, o := range r.Outcomes {
		switch o.Action.Verb {
		case plan.Create:
			want["CreateDBSnapshot"]++
			made[o.Action.To]++
		case plan.Copy:
			want["CopyDBSnapshot"]++
			made[o.Action.To]++
		case plan.Delete:
			want["DeleteDBSnapshot"]++
			deleted[o.Action.To]++
		case plan.Share: // A look before its mark, and one after.
			want["DescribeDBSnapshots"] += 2
			want["ModifyDBSnapshotAttribute"]++
		case plan.Withdraw:
			want["DescribeDBSnapshots"]++
			want["ModifyDBSnapshotAttribute"]++
		default:
			m.Errorf("unexpected: %s", o.Action.Verb)
		}
	}
	keys := map[dr.KeyRef]bool{}
	for _, s := range r.Inventory.Snapshots {
		there[s.Ref.Site]++
		keys[dr.KeyRef{Site: s.Ref.Site, Name: s.Key}] = true
	}
	for _, x := range r.Inventory.Resources {
		keys[dr.KeyRef{Site: x.Ref.Site, Name: x.Key}] = true
	}
	for _, s := range m.p.File.Sites {
		keys[dr.KeyRef{Site: s.Site, Name: s.Key}] = true
		want["DescribeDBInstances"]++
		want["DescribeDBSnapshots"] += pages(there[s.Site])
		if deleted[s.Site] > 0 {
			want["DescribeDBSnapshots"] += pages(there[s.Site] + made[s.Site])
		}
	}
	for k := range keys {
		if k.Name != "" {
			want["DescribeKey"]++
		}
	}
	got := m.calls()
	for _, hourly := range []string{"AssumeRole", "GetServiceQuota"} { // For credentials and quotas, of each site.
		if got[hourly] > len(m.p.File.Sites) {
			m.Errorf("%d calls of %s", got[hourly], hourly)
		}
		delete(got, hourly)
	}
	// Where two sites of an account have a copy one after the other, the second share
	// finds the mark of the first.
	if n := got["AddTagsToResource"] + got["RemoveTagsFromResource"]; n > want["ModifyDBSnapshotAttribute"] {
		m.Errorf("%s: %d marks for %d shares", m.clock.Now(), n, want["ModifyDBSnapshotAttribute"])
	}
	delete(got, "AddTagsToResource")
	delete(got, "RemoveTagsFromResource")
	if !maps.Equal(got, want) {
		m.Errorf("%s: calls %v,\nwant %v", m.clock.Now(), got, want)
	}
}

// pages is how many calls it takes to list so many, a hundred at a time.
func pages(n int) int { return max((n+99)/100, 1) }
