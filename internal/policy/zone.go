package policy

import "time"

// zone answers what a time.Location does not promise: where the first of two
// equal wall times lies, and where one that does not exist goes.
type zone struct{ loc *time.Location }

func newZone(loc *time.Location) zone {
	if loc == nil {
		loc = time.UTC
	}
	return zone{loc}
}

// stretch is a time in which the clocks were not changed: from start until
// before end they showed UTC plus offset.
type stretch struct{ start, end, offset int64 }

func (z zone) at(unix int64) stretch {
	w := zoneWindow{loc: z.loc}
	w.move(unix)
	return stretch{w.start, w.end, w.offset}
}

// first gives the moment of a wall time, counted in seconds from 1970 as if it
// were in UTC: of two moments the first, and where the clocks jumped over it the
// moment as far after the jump as the wall time lies after the jump's beginning
// (02:30 becomes 03:30). In the latter case gap is where the jump is, else it is
// the moment itself.
func (z zone) first(wall int64) (at, gap int64) {
	s := z.at(wall - daySeconds) // No zone is a day away from UTC, so this lies before.
	for wall-s.offset >= s.end {
		n := z.at(s.end)
		if wall-n.offset < n.start {
			return wall - s.offset, n.start
		}
		s = n
	}
	return wall - s.offset, wall - s.offset
}

// midnight gives the moment at which a local day, counted from 1970-01-01,
// begins: the first that bears its date or, where there is none, a later one.
func (z zone) midnight(d int64) int64 {
	_, at := z.first(d * daySeconds)
	return at
}

// dayOf gives the last local day that has begun. That is not always today's
// date: where the clocks go back over midnight, the new day has begun already.
func (z zone) dayOf(at int64) int64 {
	d := floorDiv(at+z.at(at).offset, daySeconds) + 1
	for z.midnight(d) > at {
		d--
	}
	return d
}

// nextMidnight gives the first midnight after at, which lies on day d. Days that
// were skipped altogether begin together with the one after.
func (z zone) nextMidnight(d, at int64) int64 {
	for {
		d++
		if begin := z.midnight(d); begin > at {
			return begin
		}
	}
}

// The years over which the stretches of a schedule are measured. 28 years hold
// every combination of weekday, date and change of the clocks. They lie ahead so
// that rules which were given up long ago do not count.
const (
	measureFrom = 1767225600 // 2026-01-01T00:00Z
	measureTo   = 2650838400 // 2054-01-01T00:00Z
)

// shift gives by how much the clocks are set back at most.
func (z zone) shift() time.Duration {
	var most int64
	for s := z.at(measureFrom); s.end < measureTo; {
		n := z.at(s.end)
		most = max(most, s.offset-n.offset)
		s = n
	}
	return time.Duration(most) * time.Second
}
