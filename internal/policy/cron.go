package policy

// cronSlots is a cron schedule: every activation begins a slot.
//
// Activations are wall times. One that does not exist, because the clocks jump
// over it, happens as long after the jump as it lies after the jump's beginning.
// One that comes twice counts the first time only, except when the hours are a
// wildcard: then every real hour has its own.
type cronSlots struct {
	zone    zone
	minutes uint64 // bit 0 to 59
	hours   uint32 // bit 0 to 23
	// everyHour: the hours are a wildcard, or a step over all of them.
	everyHour bool
	dates     dateRule
}

// searchDays bounds the search for an activation: 29 February is 8 years from
// the next one around 2100, and a fifth weekday in February comes after 40.
const searchDays = 41 * 366

func (c *cronSlots) slot(at int64) (int64, bool) {
	// Tomorrow's first activation may lie before at where the clocks go back over
	// midnight; and one of the day before may lie after all of a day where they
	// jump. So the search begins a day late and ends a day after it found one.
	today := floorDiv(at+c.zone.at(at).offset, daySeconds)
	best, found := int64(0), false
	for d := today + 1; d > today-searchDays; d-- {
		done := found
		if t, ok := c.latest(d, at); ok && (!found || t > best) {
			best, found = t, true
		}
		if done {
			break
		}
	}
	return best, found
}

func (c *cronSlots) next(at int64) (int64, bool) {
	today := floorDiv(at+c.zone.at(at).offset, daySeconds)
	best, found := int64(0), false
	for d := today - 1; d < today+searchDays; d++ {
		done := found
		if t, ok := c.earliest(d, at); ok && (!found || t < best) {
			best, found = t, true
		}
		if done {
			break
		}
	}
	return best, found
}

// latest gives the last activation of a local day that is not after at.
func (c *cronSlots) latest(d, at int64) (int64, bool) {
	if !c.dates.has(d) {
		return 0, false
	}
	if s, ok := c.quiet(d); ok {
		second := min(at+s.offset-d*daySeconds, daySeconds-1)
		if second < 0 {
			return 0, false
		}
		m, ok := c.minuteUpTo(int(second / 60))
		return d*daySeconds + int64(m)*60 - s.offset, ok
	}
	best, found := int64(0), false
	c.each(d, func(t int64) {
		if t <= at && (!found || t > best) {
			best, found = t, true
		}
	})
	return best, found
}

// earliest gives the first activation of a local day that is after at.
func (c *cronSlots) earliest(d, at int64) (int64, bool) {
	if !c.dates.has(d) {
		return 0, false
	}
	if s, ok := c.quiet(d); ok {
		second := max(at+s.offset-d*daySeconds, -1)
		if second >= daySeconds {
			return 0, false
		}
		m, ok := c.minuteFrom(int(floorDiv(second, 60)) + 1)
		return d*daySeconds + int64(m)*60 - s.offset, ok
	}
	best, found := int64(0), false
	c.each(d, func(t int64) {
		if t > at && (!found || t < best) {
			best, found = t, true
		}
	})
	return best, found
}

// quiet reports that the clocks are not changed anywhere near the day, and what
// they show. Most days are quiet, and on those a wall time is a subtraction.
func (c *cronSlots) quiet(d int64) (stretch, bool) {
	noon := d*daySeconds + daySeconds/2
	s := c.zone.at(noon)
	return s, noon-2*daySeconds >= s.start && noon+2*daySeconds < s.end
}

// each visits all activations of a local day, in no order.
func (c *cronSlots) each(d int64, visit func(int64)) {
	for m, ok := c.minuteFrom(0); ok; m, ok = c.minuteFrom(m + 1) {
		wall := d*daySeconds + int64(m)*60
		at, _ := c.zone.first(wall)
		visit(at)
		if !c.everyHour {
			continue
		}
		for s := c.zone.at(at); s.end < wall+2*daySeconds; {
			s = c.zone.at(s.end)
			if again := wall - s.offset; again >= s.start && again < s.end && again > at {
				visit(again)
			}
		}
	}
}

// minuteUpTo gives the last minute of the day, not after m, that is in both
// masks.
func (c *cronSlots) minuteUpTo(m int) (int, bool) {
	for h := m / 60; h >= 0; h-- {
		if c.hours>>h&1 == 0 {
			continue
		}
		top := 59
		if h == m/60 {
			top = m % 60
		}
		for i := top; i >= 0; i-- {
			if c.minutes>>i&1 != 0 {
				return h*60 + i, true
			}
		}
	}
	return 0, false
}

// minuteFrom gives the first minute of the day, not before m, that is in both
// masks.
func (c *cronSlots) minuteFrom(m int) (int, bool) {
	for h := m / 60; h < 24; h++ {
		if c.hours>>h&1 == 0 {
			continue
		}
		from := 0
		if h == m/60 {
			from = m % 60
		}
		for i := from; i < 60; i++ {
			if c.minutes>>i&1 != 0 {
				return h*60 + i, true
			}
		}
	}
	return 0, false
}
