package policy

import "time"

// spread gathers the shortest and the longest time between moments.
type spread struct {
	low, high, last int64
	started         bool
}

// to takes in the next moment; one not after the last is the same activation.
func (s *spread) to(at int64) {
	if s.started && at <= s.last {
		return
	}
	if s.started {
		gap := at - s.last
		if s.high == 0 || gap < s.low {
			s.low = gap
		}
		s.high = max(s.high, gap)
	}
	s.last, s.started = at, true
}

// stretches measures over 28 years. On a quiet day only its two ends are looked
// at, because between them all quiet days are alike.
func (c *cronSlots) stretches() (shortest, longest time.Duration) {
	var between spread
	inDay := c.inDay()
	first, _ := c.minuteFrom(0)
	last, _ := c.minuteUpTo(24*60 - 1)
	for d := int64(measureFrom / daySeconds); d < measureTo/daySeconds; d++ {
		if !c.dates.has(d) {
			continue
		}
		if s, ok := c.quiet(d); ok {
			between.to(d*daySeconds + int64(first)*60 - s.offset)
			between.last = d*daySeconds + int64(last)*60 - s.offset
			continue
		}
		for at, ok := c.earliest(d, farPast); ok; at, ok = c.earliest(d, at) {
			between.to(at)
		}
	}
	low, high := between.low, max(between.high, inDay.high)
	if low == 0 || inDay.high > 0 && inDay.low < low {
		low = inDay.low
	}
	return time.Duration(low) * time.Second, time.Duration(high) * time.Second
}

// inDay measures between the activations of one quiet day.
func (c *cronSlots) inDay() spread {
	var s spread
	for m, ok := c.minuteFrom(0); ok; m, ok = c.minuteFrom(m + 1) {
		s.to(int64(m) * 60)
	}
	return s
}

// shortest gives the shortest stretch on days on which the clocks are not
// changed, from one day to the next included.
func (c *cronSlots) shortest() time.Duration {
	s := c.inDay()
	first, _ := c.minuteFrom(0)
	s.to(daySeconds + int64(first)*60)
	return time.Duration(s.low) * time.Second
}
