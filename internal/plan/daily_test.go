package plan_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

// rationed is a resource of which so many snapshots may be taken in 24 hours.
func rationed(id string, daily int) dr.Resource {
	r := tagged(id, nil)
	r.Daily = daily
	return r
}

func dailyScenes() []scene {
	const often = `
  gold: {match: {name: "^(orders|billing|audit)$"}, every: 1h, keep: {within: 7d}}
  silver: {match: {name: "^orders$"}, every: 2h, keep: {within: 7d}}
`
	full := hourly(prod, "orders", "2026-11-19 15:00", "2026-11-20 13:00")[:20]
	foreign := owner(snap(prod, "orders", "gold", "2026-11-20 13:30", dr.Good), "")
	beginning := owner(snap(prod, "orders", "gold", "2026-11-20 13:40", dr.Pending), "")
	beginning.Taken = time.Time{}
	stopped := rationed("memcached", 20)
	stopped.State, stopped.Status = dr.Blocked, "without snapshots"
	leaving := snap(prod, "orders", "gold", "2026-11-19 20:00", dr.Going)
	return []scene{
		{name: "daily-full", policies: often, inv: dr.Inventory{Resources: []dr.Resource{rationed("orders", 20)}, Snapshots: full}},
		{name: "daily-oldest-slot-first", policies: often, inv: dr.Inventory{
			// One is free; the one of silver, whose slot is as old, comes second by name.
			Resources: []dr.Resource{rationed("orders", 20)}, Snapshots: full[1:],
		}},
		{name: "daily-all-count-but-automated", policies: often, inv: dr.Inventory{
			Resources: []dr.Resource{rationed("orders", 4), rationed("billing", 4), ready("audit")},
			Snapshots: []dr.Snapshot{
				foreign, beginning, leaving, snap(prod, "orders", "gold", "2026-11-20 12:00", dr.Failed),
				snap(prod, "orders", "gold", "2026-11-19 14:00", dr.Good), // A day and more ago.
				automated("billing", "2026-11-20 10:00"), automated("billing", "2026-11-20 11:00"),
				automated("billing", "2026-11-20 12:00"), automated("billing", "2026-11-20 13:00"),
			},
		}},
		{name: "daily-foretold", policies: `
  hourly: {match: {name: "^(one|two|three|memcached)$"}, every: 1h, keep: {within: 7d}}
  office: {match: {name: "^clerk$"}, cron: "*/30 8-18 * * MON-FRI", keep: {within: 7d}}
  rare: {match: {name: ".*"}, every: 8h, keep: {within: 7d}}
  fits: {match: {name: "^fits$"}, every: 72m, keep: {within: 7d}}
`, inv: dr.Inventory{Resources: []dr.Resource{
			rationed("one", 24), rationed("two", 24), rationed("three", 27), rationed("clerk", 20), stopped,
			rationed("fits", 23), rationed("unlimited", 0),
		}}},
	}
}

func TestDaily(t *testing.T) {
	for _, s := range dailyScenes() {
		t.Run(s.name, func(t *testing.T) {
			f := parse(t, s.policies)
			p := plan.Build(now, f, s.inv, s.lim)
			if found := plan.Check(p, f, s.inv); len(found) > 0 {
				t.Errorf("the check objects to a plan of Build: %v", found)
			}
			golden(t, s.name, show(p))
		})
	}
}

// TestDailyLimitHolds: however often runs come and whatever others take, no 24 hours
// see more snapshots than the limit, unless others alone took more; and nothing waits
// while there is room.
func TestDailyLimitHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := parse(t, `
  gold: {match: {name: ".*"}, every: 1h, keep: {within: 14d}}
  silver: {match: {name: ".*"}, every: 2h, keep: {within: 14d}}
  bronze: {match: {name: ".*"}, cron: "10 */3 * * *", keep: {within: 14d}}
`)
		limit := rapid.IntRange(1, 24).Draw(t, "limit")
		inv := dr.Inventory{Resources: []dr.Resource{rationed("orders", limit)}}
		for n := range rapid.IntRange(0, 6).Draw(t, "others") {
			x := owner(snap(prod, "orders", "gold", "2026-11-20 13:00", dr.Good), "")
			x.Ref.ID = fmt.Sprint("theirs-", n)
			x.Taken = now.Add(-time.Duration(rapid.IntRange(1, 30*60).Draw(t, "minutes")) * time.Minute)
			inv.Snapshots = append(inv.Snapshots, x)
		}
		at := now
		for range rapid.IntRange(1, 60).Draw(t, "runs") {
			p := plan.Build(at, f, inv, all())
			before, made := withinDay(inv, at), p.Count(plan.Create)
			if made > 0 && before+made > limit {
				t.Fatalf("%d within a day and %d more, limit %d:\n%s", before, made, limit, show(p))
			}
			waits := 0
			for _, v := range p.Waiting {
				if v.Reason.Code == plan.DailyFull {
					waits++
				}
			}
			if waits > 0 && before+made < limit {
				t.Fatalf("%d wait, though %d of %d are taken:\n%s", waits, before+made, limit, show(p))
			}
			inv = after(p, inv, dr.Good)
			at = at.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "pause")) * time.Minute)
		}
	})
}

func withinDay(inv dr.Inventory, at time.Time) int {
	n := 0
	for _, s := range inv.Snapshots {
		if s.Taken.After(at.Add(-24 * time.Hour)) {
			n++
		}
	}
	return n
}
