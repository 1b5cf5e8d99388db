package policy

import (
	"fmt"
	"strings"
	"time"
)

// anchor is where slots are counted from: Monday 2001-01-01T00:00Z.
const (
	anchor    = 978307200
	anchorDay = anchor / daySeconds
)

// Every makes a schedule with slots of one length, written as a duration ("6h")
// or as AWS does ("rate(6 hours)").
//
// In UTC the slots are counted from Monday 2001-01-01. In another zone they
// either divide the day, and are counted from each local midnight in elapsed
// time, so that a day of 25 hours has more of them; or are whole days, from local
// midnight to local midnight, counted from the same date.
func Every(text string, loc *time.Location) (Schedule, error) {
	d, err := everyDuration(text)
	if err != nil {
		return Schedule{}, err
	}
	if d < MinEvery {
		return Schedule{}, fmt.Errorf("%q is too often; the shortest is %s", text, FormatDuration(MinEvery))
	}
	s := Schedule{text: "every " + text + zoneSuffix(loc)}
	length := int64(d / time.Second)
	switch {
	case loc == nil || loc == time.UTC:
		s.plan = everyUTC(length)
	case d%day == 0:
		s.plan = everyDays{newZone(loc), int64(d / day)}
	case day%d == 0:
		s.plan = everyPart{newZone(loc), length}
	default:
		return Schedule{}, fmt.Errorf("%q with a timezone must divide a day evenly (15m, 1h, 4h, 6h …) or be whole days; "+
			"without a timezone any duration is fine", text)
	}
	return s, nil
}

func everyDuration(text string) (time.Duration, error) {
	if strings.HasPrefix(text, "rate(") {
		return parseRate(text)
	}
	return ParseDuration(text)
}

// everyUTC is a length in seconds.
type everyUTC int64

func (e everyUTC) slot(at int64) (int64, bool) {
	return anchor + floorDiv(at-anchor, int64(e))*int64(e), true
}

func (e everyUTC) next(at int64) (int64, bool) {
	begin, _ := e.slot(at)
	return begin + int64(e), true
}

func (e everyUTC) stretches() (shortest, longest time.Duration) {
	d := time.Duration(e) * time.Second
	return d, d
}

// everyPart cuts each local day.
type everyPart struct {
	zone   zone
	length int64
}

func (e everyPart) slot(at int64) (int64, bool) {
	midnight := e.zone.midnight(e.zone.dayOf(at))
	return midnight + (at-midnight)/e.length*e.length, true
}

func (e everyPart) next(at int64) (int64, bool) {
	begin, _ := e.slot(at)
	return min(begin+e.length, e.zone.nextMidnight(e.zone.dayOf(at), at)), true
}

func (e everyPart) stretches() (shortest, longest time.Duration) {
	d := time.Duration(e.length) * time.Second
	if shift := e.zone.shift(); shift > 0 {
		return min(d, shift), d // What is left over of a longer or shorter day.
	}
	return d, d
}

// everyDays joins whole local days.
type everyDays struct {
	zone zone
	days int64
}

// first gives the first day of the slot that holds the given one.
func (e everyDays) first(d int64) int64 {
	return anchorDay + floorDiv(d-anchorDay, e.days)*e.days
}

func (e everyDays) slot(at int64) (int64, bool) {
	return e.zone.midnight(e.first(e.zone.dayOf(at))), true
}

func (e everyDays) next(at int64) (int64, bool) {
	for d := e.first(e.zone.dayOf(at)) + e.days; ; d += e.days {
		if begin := e.zone.midnight(d); begin > at {
			return begin, true
		}
	}
}

func (e everyDays) stretches() (shortest, longest time.Duration) {
	d := time.Duration(e.days) * day
	return d - e.zone.shift(), d + e.zone.shift()
}
