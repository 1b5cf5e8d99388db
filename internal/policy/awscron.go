package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseAWS reads the six fields of AWS's cron(…): minute, hour, day of the month,
// month, day of the week (1 to 7 are Sunday to Saturday), year.
func parseAWS(f []string) (*cronSlots, error) {
	if len(f) != 6 {
		return nil, fmt.Errorf("has %d fields where AWS's cron(…) has 6 (minute hour day-of-month month day-of-week year)", len(f))
	}
	if free(f[2]) == free(f[4]) && !free(f[2]) {
		return nil, errors.New("states both a day of the month and a day of the week; AWS wants ? for one of them")
	}
	var special dateRule
	days, err := special.cutDays(f[2])
	if err != nil {
		return nil, err
	}
	weekdays, err := special.cutWeekdays(f[4])
	if err != nil {
		return nil, err
	}
	c, err := parseFields(f[0], f[1], orNone(days), f[3], orNone(weekdays))
	if err != nil {
		return nil, err
	}
	if days == "" {
		c.dates.days, c.dates.anyDay = 0, false
	}
	if weekdays == "" {
		c.dates.weekdays, c.dates.anyWeekday = 0, false
	}
	special.months, special.days, special.weekdays = c.dates.months, c.dates.days, c.dates.weekdays
	special.anyDay, special.anyWeekday = c.dates.anyDay, c.dates.anyWeekday
	c.dates = special
	c.dates.years, err = parseYears(f[5])
	return c, err
}

func free(field string) bool { return field == "*" || field == "?" }

// orNone stands in for a field whose every term was special.
func orNone(field string) string {
	if field == "" {
		return "*"
	}
	return field
}

// cutDays takes L, LW and 15W out of a day of the month and gives what is left.
func (r *dateRule) cutDays(field string) (string, error) {
	var left []string
	for term := range strings.SplitSeq(field, ",") {
		number, nearest := strings.CutSuffix(term, "W")
		switch {
		case term == "L":
			r.lastDay = true
		case term == "LW":
			r.lastWorkday = true
		case nearest:
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 31 {
				return "", fmt.Errorf("day of the month %q: W follows a day from 1 to 31, or L", clip(term))
			}
			r.nearest |= 1 << n
		default:
			left = append(left, term)
		}
	}
	return strings.Join(left, ","), nil
}

// cutWeekdays takes L, 6L and 6#3 out of a day of the week, and gives what is
// left, counted from Sunday as 0.
func (r *dateRule) cutWeekdays(field string) (string, error) {
	var left []string
	for term := range strings.SplitSeq(field, ",") {
		name, last := strings.CutSuffix(term, "L")
		of, count, nth := strings.Cut(term, "#")
		switch {
		case term == "L":
			r.weekdays |= 1 << 6
			left = append(left, "SAT")
		case nth:
			wd, err := awsWeekday(of)
			n, bad := strconv.Atoi(count)
			if err != nil || bad != nil || n < 1 || n > 5 {
				return "", fmt.Errorf("day of the week %q: # stands between a day (1 to 7 or SUN to SAT) and a count from 1 to 5", clip(term))
			}
			r.nth[wd] |= 1 << n
		case last:
			wd, err := awsWeekday(name)
			if err != nil {
				return "", fmt.Errorf("day of the week %q: L follows a day (1 to 7 or SUN to SAT)", clip(term))
			}
			r.lastOf |= 1 << wd
		default:
			left = append(left, term)
		}
	}
	return renumber(strings.Join(left, ","), sundayIsOne)
}

func awsWeekday(s string) (int, error) {
	for i, name := range [...]string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"} {
		if strings.EqualFold(s, name) {
			return i, nil
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 7 {
		return 0, errors.New("no day of the week")
	}
	return n - 1, nil
}

// parseYears reads a list of years, ranges and steps; nil means all.
func parseYears(field string) (*yearSet, error) {
	if free(field) {
		return nil, nil
	}
	years := &yearSet{}
	for term := range strings.SplitSeq(field, ",") {
		span, stepText, stepped := strings.Cut(term, "/")
		low, high, ranged := strings.Cut(span, "-")
		from, err1 := strconv.Atoi(low)
		to, step := from, 1
		var err2, err3 error
		switch {
		case free(span):
			from, to, err1 = firstYear, lastYear, nil
		case ranged:
			to, err2 = strconv.Atoi(high)
		case stepped:
			to = lastYear
		}
		if stepped {
			step, err3 = strconv.Atoi(stepText)
		}
		if err := errors.Join(err1, err2, err3); err != nil || from < firstYear || to > lastYear || from > to || step < 1 {
			return nil, fmt.Errorf("year %q: years go from %d to %d", clip(term), firstYear, lastYear)
		}
		for y := from; y <= to; y += min(step, lastYear) {
			years.add(y)
		}
	}
	return years, nil
}

// parseRate reads AWS's rate(2 hours).
func parseRate(text string) (time.Duration, error) {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(text, "rate("), ")")
	words := strings.Fields(inner)
	if !ok || len(words) != 2 {
		return 0, fmt.Errorf("%q is not of the form rate(2 hours)", clip(text))
	}
	units := map[string]string{"minute": "m", "hour": "h", "day": "d"}
	unit, ok := units[strings.TrimSuffix(words[1], "s")]
	if !ok {
		return 0, fmt.Errorf("%q: rate counts minutes, hours or days", clip(text))
	}
	return ParseDuration(words[0] + unit)
}
