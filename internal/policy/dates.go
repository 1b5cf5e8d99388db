package policy

// dateRule says on which dates a cron is active.
type dateRule struct {
	months uint16 // bit 1 to 12
	// days and weekdays are what cron's fields give: bit 1 to 31, and bit 0 (Sunday)
	// to 6. Where both are restricted, either is enough; the any… are set where a
	// field is a wildcard.
	days       uint32
	weekdays   uint8
	anyDay     bool
	anyWeekday bool
	// What only AWS writes:
	lastDay     bool     // L: the month's last day
	lastWorkday bool     // LW: its last day from Monday to Friday
	nearest     uint32   // 15W: the day from Monday to Friday nearest to the 15th
	lastOf      uint8    // 6L: the month's last Friday
	nth         [7]uint8 // 6#3: its third Friday
	years       *yearSet // nil: all
}

// yearSet holds the years from firstYear to lastYear.
type yearSet [4]uint64

const (
	firstYear = 1970
	lastYear  = 2199
)

func (y *yearSet) add(year int)      { y[(year-firstYear)/64] |= 1 << ((year - firstYear) % 64) }
func (y *yearSet) has(year int) bool { return y[(year-firstYear)/64]>>((year-firstYear)%64)&1 != 0 }

// has reports whether the cron is active on a day counted from 1970-01-01.
func (r *dateRule) has(d int64) bool {
	date := civilOf(d)
	if r.months>>date.month&1 == 0 || !r.hasYear(date.year) {
		return false
	}
	switch {
	case r.anyDay && r.anyWeekday:
		return true
	case r.anyDay:
		return r.hasWeekday(date, weekday(d))
	case r.anyWeekday:
		return r.hasDay(date, weekday(d))
	default:
		return r.hasDay(date, weekday(d)) || r.hasWeekday(date, weekday(d))
	}
}

func (r *dateRule) hasYear(year int) bool {
	return r.years == nil || year >= firstYear && year <= lastYear && r.years.has(year)
}

func (r *dateRule) hasDay(date civil, wd int) bool {
	if r.days>>date.day&1 != 0 {
		return true
	}
	if !r.lastDay && !r.lastWorkday && r.nearest == 0 {
		return false
	}
	last := date.monthDays()
	if r.lastDay && date.day == last {
		return true
	}
	if wd == 0 || wd == 6 {
		return false
	}
	if r.lastWorkday && date.day == workdayNearest(last, last, date.day, wd) {
		return true
	}
	for want := 1; want <= last; want++ {
		if r.nearest>>want&1 != 0 && date.day == workdayNearest(want, last, date.day, wd) {
			return true
		}
	}
	return false
}

// workdayNearest gives the day from Monday to Friday that is nearest to the
// wanted one and in the same month, which has last days; day is a date of that
// month and wd its weekday.
func workdayNearest(want, last, day, wd int) int {
	switch ((want-day+wd)%7 + 7) % 7 {
	case 6: // Saturday: the Friday before, unless that is another month.
		if want == 1 {
			return 3
		}
		return want - 1
	case 0: // Sunday: the Monday after, unless that is another month.
		if want == last {
			return want - 2
		}
		return want + 1
	default:
		return want
	}
}

func (r *dateRule) hasWeekday(date civil, wd int) bool {
	if r.weekdays>>wd&1 != 0 {
		return true
	}
	if r.lastOf>>wd&1 != 0 && date.day+7 > date.monthDays() {
		return true
	}
	return r.nth[wd]>>((date.day-1)/7+1)&1 != 0
}
