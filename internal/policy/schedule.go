package policy

import (
	"time"
)

// Schedule cuts time into slots. The zero Schedule has none. Schedules are made
// by [Every] and [Cron].
type Schedule struct {
	text string
	plan slots
}

// slots is what tells the sorts of schedules apart. Moments are seconds since
// 1970.
type slots interface {
	// slot gives the beginning of the slot in which the moment lies; ok is false
	// before the first.
	slot(at int64) (begin int64, ok bool)
	// next gives the beginning of the next slot; ok is false after the last.
	next(at int64) (begin int64, ok bool)
	// stretches gives the shortest and the longest time between two slots.
	stretches() (shortest, longest time.Duration)
}

// MinEvery is the shortest stretch between two slots that a policy may ask for.
// Snapshots of managed databases take minutes: more often only makes a queue.
const MinEvery = 5 * time.Minute

// Slot gives the beginning, in UTC, of the slot in which now lies. It is the
// zero time when no slot has begun yet, which only a cron with years can bring
// about (and the zero Schedule).
func (s Schedule) Slot(now time.Time) time.Time {
	if s.plan == nil {
		return time.Time{}
	}
	return moment(s.plan.slot(now.Unix()))
}

// Next gives the beginning, in UTC, of the next slot after now. It is the zero
// time when there is none, which only a cron with years can bring about (and the
// zero Schedule).
func (s Schedule) Next(now time.Time) time.Time {
	if s.plan == nil {
		return time.Time{}
	}
	return moment(s.plan.next(now.Unix()))
}

func moment(unix int64, ok bool) time.Time {
	if !ok {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

// Longest gives the longest stretch between the beginnings of two slots, changes
// of the clocks included. It takes a while: it is for checking a policy, not for
// every run.
func (s Schedule) Longest() time.Duration {
	if s.plan == nil {
		return 0
	}
	_, longest := s.plan.stretches()
	return longest
}

// Shortest gives the shortest stretch between the beginnings of two slots; like
// Longest it takes a while.
func (s Schedule) Shortest() time.Duration {
	if s.plan == nil {
		return 0
	}
	shortest, _ := s.plan.stretches()
	return shortest
}

// IsZero reports whether this is the zero Schedule.
func (s Schedule) IsZero() bool { return s.plan == nil }

// String gives the schedule as it was written: "every 1h" or
// `cron "0 3 * * *" Europe/Berlin`.
func (s Schedule) String() string { return s.text }

// Equal reports whether both were written the same.
func (s Schedule) Equal(o Schedule) bool { return s.text == o.text }

// zoneSuffix names the zone in a schedule's text; UTC goes without saying.
func zoneSuffix(loc *time.Location) string {
	if loc == nil || loc == time.UTC {
		return ""
	}
	return " " + loc.String()
}
