package policy

import (
	"strconv"
	"strings"
	"time"
)

// DefaultFloor is the floor of a retention that states none.
const DefaultFloor = 1

// Retention says which recovery points to keep. A point is kept while any rule
// keeps it.
type Retention struct {
	// Last keeps the newest so many.
	Last int
	// Hourly to Yearly keep the newest of each of the most recent so many hours,
	// days, ISO weeks, months, years that have a point.
	Hourly, Daily, Weekly, Monthly, Yearly int
	// Within keeps all that were taken less than this ago.
	Within time.Duration
	// Forever keeps all.
	Forever bool
	// Floor is how many of the newest are kept even when nothing else keeps them.
	Floor int
}

// Point is one good recovery point.
type Point struct {
	// Slot is the slot that it serves: it decides hours, days, weeks, months and
	// years.
	Slot time.Time
	// Taken is the moment whose data it holds: it decides Within.
	Taken time.Time
}

// Decide says for each point by which rules it is kept; 0: by none. The points
// are given newest first by slot. The answers are appended to out.
//
// As with restic and borg, a count rule walks from the newest to the oldest and
// keeps the newest point of each hour, day … until it has kept as many as it
// counts; hours, days … without a point do not count. Where daylight saving
// repeats an hour, the two are two hours. loc is where days begin; nil means UTC.
func (k Retention) Decide(now time.Time, loc *time.Location, points []Point, out []Rules) []Rules {
	counts := [...]counter{
		{rule: RuleHourly, left: k.Hourly, of: hourOf},
		{rule: RuleDaily, left: k.Daily, of: dayOf},
		{rule: RuleWeekly, left: k.Weekly, of: weekOf},
		{rule: RuleMonthly, left: k.Monthly, of: monthOf},
		{rule: RuleYearly, left: k.Yearly, of: yearOf},
	}
	zone := zoneWindow{loc: loc}
	after := now.Add(-k.Within)
	for i, p := range points {
		var kept Rules
		if i < k.Last {
			kept |= RuleLast
		}
		if k.Within > 0 && p.Taken.After(after) {
			kept |= RuleWithin
		}
		if k.Forever {
			kept |= RuleForever
		}
		at := zone.local(p.Slot)
		for j := range counts {
			kept |= counts[j].keeps(at)
		}
		if kept == 0 && i < k.Floor {
			kept = RuleFloor
		}
		out = append(out, kept)
	}
	return out
}

// counter is one count rule under way.
type counter struct {
	rule    Rules
	left    int
	of      func(localTime) int64
	started bool
	last    int64
}

// keeps reports the rule when the point is the newest of a further bucket. A
// bucket counts as further only when it lies before the last one: where the
// clocks go back over midnight, a day comes up twice.
func (c *counter) keeps(at localTime) Rules {
	if c.left <= 0 {
		return 0
	}
	bucket := c.of(at)
	if c.started && bucket >= c.last {
		return 0
	}
	c.started, c.last = true, bucket
	c.left--
	return c.rule
}

// Most gives how many points the rules without the floor keep at most, where
// between two slots there are at least shortest; ok is false where there is no
// such number.
func (k Retention) Most(shortest time.Duration) (most int, ok bool) {
	if k.Forever || k.Within > 0 && shortest <= 0 {
		return 0, false
	}
	for _, n := range [...]int{k.Last, k.Hourly, k.Daily, k.Weekly, k.Monthly, k.Yearly} {
		most += n
	}
	if k.Within > 0 {
		most += int((k.Within + shortest - 1) / shortest)
	}
	return most, true
}

// Tag gives the retention as ParseRetention reads it: "within=24h daily=7 floor=1".
func (k Retention) Tag() string {
	if k.Forever {
		return "forever"
	}
	words := strings.ReplaceAll(strings.ReplaceAll(k.String(), ", ", "\n"), " ", "=")
	if k.Floor == DefaultFloor {
		words += "\nfloor=" + strconv.Itoa(k.Floor)
	}
	return strings.ReplaceAll(words, "\n", " ")
}

// String gives the retention as one reads it: "within 24h, daily 7, floor 2".
func (k Retention) String() string {
	var parts []string
	add := func(name string, n int) {
		if n > 0 {
			parts = append(parts, name+" "+strconv.Itoa(n))
		}
	}
	if k.Forever {
		parts = append(parts, "forever")
	}
	add("last", k.Last)
	if k.Within > 0 {
		parts = append(parts, "within "+FormatDuration(k.Within))
	}
	add("hourly", k.Hourly)
	add("daily", k.Daily)
	add("weekly", k.Weekly)
	add("monthly", k.Monthly)
	add("yearly", k.Yearly)
	if k.Floor != DefaultFloor {
		parts = append(parts, "floor "+strconv.Itoa(k.Floor))
	}
	return strings.Join(parts, ", ")
}
