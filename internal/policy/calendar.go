package policy

import "time"

// localTime is a moment and where the clocks stood then.
type localTime struct {
	unix   int64 // seconds since 1970 in UTC
	offset int64 // seconds east of UTC
}

const (
	hourSeconds = 60 * 60
	daySeconds  = 24 * hourSeconds
)

// zoneWindow turns moments into local times. It remembers the stretch between
// two changes of the clocks, because moments come in order and looking one up
// costs more than all the rest.
type zoneWindow struct {
	loc        *time.Location // nil: UTC
	known      bool
	start, end int64
	offset     int64
}

const (
	farPast   = -1 << 62
	farFuture = 1 << 62
)

func (w *zoneWindow) local(t time.Time) localTime {
	unix := t.Unix()
	if w.loc == nil || w.loc == time.UTC {
		return localTime{unix: unix}
	}
	w.move(unix)
	return localTime{unix: unix, offset: w.offset}
}

// move makes the window the one in which the moment lies.
func (w *zoneWindow) move(unix int64) {
	if w.known && unix >= w.start && unix < w.end {
		return
	}
	t := time.Unix(unix, 0).In(w.loc)
	start, end := t.ZoneBounds()
	_, offset := t.Zone()
	w.known, w.start, w.end, w.offset = true, farPast, farFuture, int64(offset)
	if !start.IsZero() {
		w.start = start.Unix()
	}
	if !end.IsZero() {
		w.end = end.Unix()
	}
	if w.end <= unix {
		// For years that follow from a rule, ZoneBounds ends each after 365 days: on
		// the last day of a leap year it gives an end that has passed.
		w.end = (floorDiv(unix, daySeconds) + 1) * daySeconds
	}
}

// The buckets of a count rule. Each grows with time; which number a bucket has
// means nothing.

// hourOf counts real hours that begin when the local clock shows a full one.
func hourOf(l localTime) int64 { return floorDiv(l.unix+l.offset%hourSeconds, hourSeconds) }

func dayOf(l localTime) int64 { return floorDiv(l.unix+l.offset, daySeconds) }

// weekOf counts from Monday to Sunday: 1970 began on a Thursday.
func weekOf(l localTime) int64 { return floorDiv(dayOf(l)+3, 7) }

func monthOf(l localTime) int64 {
	c := civilOf(dayOf(l))
	return int64(c.year)*12 + int64(c.month)
}

func yearOf(l localTime) int64 { return int64(civilOf(dayOf(l)).year) }

// civil is a date.
type civil struct{ year, month, day int }

// civilOf gives the date of a day counted from 1970-01-01. It counts in eras of
// 400 years that begin on the first of March, so that the leap day comes last.
func civilOf(days int64) civil {
	const era = 146097
	z := days + 719468
	n := floorDiv(z, era)
	doe := z - n*era
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	c := civil{year: int(yoe + n*400), month: int(mp + 3), day: int(doy - (153*mp+2)/5 + 1)}
	if mp >= 10 {
		c.month -= 12
		c.year++
	}
	return c
}

// days counts a date from 1970-01-01; it undoes civilOf.
func (c civil) days() int64 {
	return floorDiv(time.Date(c.year, time.Month(c.month), c.day, 0, 0, 0, 0, time.UTC).Unix(), daySeconds)
}

// monthDays gives how many days the date's month has.
func (c civil) monthDays() int {
	return time.Date(c.year, time.Month(c.month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// weekday gives the day of the week of a day counted from 1970-01-01; Sunday is 0.
func weekday(days int64) int { return int(days + 4 - floorDiv(days+4, 7)*7) }

// floorDiv divides and rounds down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
