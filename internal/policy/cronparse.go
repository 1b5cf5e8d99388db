package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Cron makes a schedule from a cron expression: five fields (minute, hour, day of
// the month, month, day of the week), a name such as "@daily", or AWS's form
// "cron(0 8 ? * FRI *)" or "rate(2 hours)". loc is where its clock hangs; nil
// means UTC, as AWS has it.
func Cron(text string, loc *time.Location) (Schedule, error) {
	if strings.HasPrefix(text, "rate(") {
		return Every(text, loc)
	}
	if len(text) > 200 {
		return Schedule{}, errors.New("is longer than 200 characters")
	}
	c, err := parseCron(text)
	if err != nil {
		return Schedule{}, err
	}
	c.zone = newZone(loc)
	if err := c.check(); err != nil {
		return Schedule{}, err
	}
	return Schedule{text: "cron " + strconv.Quote(text) + zoneSuffix(loc), plan: c}, nil
}

func parseCron(text string) (*cronSlots, error) {
	inner, aws := strings.CutPrefix(text, "cron(")
	switch {
	case aws && !strings.HasSuffix(inner, ")"):
		return nil, errors.New(`lacks the closing ")"`)
	case aws:
		return parseAWS(strings.Fields(inner[:len(inner)-1]))
	case strings.Contains(text, "TZ="):
		return nil, errors.New(`must not set a zone; write it under the key "timezone"`)
	case strings.HasPrefix(text, "@"):
		return namedCron(text)
	}
	fields := strings.Fields(text)
	if len(fields) != 5 {
		hint := ""
		if len(fields) == 6 {
			hint = "; AWS's six fields are written cron(…), and seconds are not supported"
		}
		return nil, fmt.Errorf("has %d fields where 5 are expected (minute hour day-of-month month day-of-week)%s", len(fields), hint)
	}
	weekdays, err := renumber(fields[4], sundayIsZero)
	if err != nil {
		return nil, err
	}
	return parseFields(fields[0], fields[1], fields[2], fields[3], weekdays)
}

func namedCron(text string) (*cronSlots, error) {
	switch text {
	case "@hourly":
		return parseFields("0", "*", "*", "*", "*")
	case "@daily", "@midnight":
		return parseFields("0", "0", "*", "*", "*")
	case "@weekly":
		return parseFields("0", "0", "*", "*", "0")
	case "@monthly":
		return parseFields("0", "0", "1", "*", "*")
	case "@yearly", "@annually":
		return parseFields("0", "0", "1", "1", "*")
	}
	if strings.HasPrefix(text, "@every") {
		return nil, errors.New(`"@every" is not cron; write it under the key "every"`)
	}
	return nil, fmt.Errorf("%q is unknown; there are @hourly, @daily, @weekly, @monthly and @yearly", clip(text))
}

// starBit is what robfig/cron sets for a field that is a wildcard.
const starBit = 1 << 63

// parseFields lets robfig/cron read the five fields into bit masks.
func parseFields(minute, hour, dayOfMonth, month, dayOfWeek string) (*cronSlots, error) {
	fields := [...]struct{ name, text string }{
		{"minute", minute},
		{"hour", hour},
		{"day of the month", dayOfMonth},
		{"month", month},
		{"day of the week", dayOfWeek},
	}
	for i, f := range fields {
		if err := checkField(f.text); err != nil {
			return nil, fmt.Errorf("%s %q %w", f.name, clip(f.text), err)
		}
		alone := [...]string{"*", "*", "*", "*", "*"} // Alone, so that the error names the field.
		alone[i] = f.text
		if _, err := cron.ParseStandard(strings.Join(alone[:], " ")); err != nil {
			return nil, fmt.Errorf("%s %q: %w", f.name, clip(f.text), err)
		}
	}
	parsed, err := cron.ParseStandard(strings.Join([]string{minute, hour, dayOfMonth, month, dayOfWeek}, " "))
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("is no cron expression")
	}
	return &cronSlots{
		minutes:   spec.Minute &^ starBit,
		hours:     uint32(spec.Hour &^ starBit),
		everyHour: stepsOverAll(hour),
		dates: dateRule{
			months:     uint16(spec.Month &^ starBit),
			days:       uint32(spec.Dom &^ starBit),
			weekdays:   uint8(spec.Dow &^ starBit),
			anyDay:     spec.Dom&starBit != 0,
			anyWeekday: spec.Dow&starBit != 0,
		},
	}, nil
}

// checkField refuses what robfig/cron would pass over in silence.
func checkField(text string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*?,/-"
	if i := strings.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(letters, r) }); i >= 0 {
		return fmt.Errorf("must not hold %q", firstRune(text[i:]))
	}
	for term := range strings.SplitSeq(text, ",") {
		span, _, _ := strings.Cut(term, "/")
		if term == "" {
			return errors.New("has an empty place in its list")
		}
		if len(span) > 1 && strings.ContainsAny(span, "*?") {
			return fmt.Errorf("has %q where a number, a range or * was expected", clip(span))
		}
	}
	return nil
}

// stepsOverAll reports whether an hour field is a wildcard or a step over all
// hours.
func stepsOverAll(hour string) bool {
	span, _, _ := strings.Cut(hour, "/")
	switch span {
	case "*", "?", "0-23":
		return true
	}
	return span == "0" && strings.Contains(hour, "/")
}

// check refuses a cron that is never active, hardly ever, or all the time.
func (c *cronSlots) check() error {
	if c.minutes == 0 || c.hours == 0 {
		return errors.New("is never active")
	}
	if c.shortest() < MinEvery {
		return fmt.Errorf("is too often; the shortest is %s", FormatDuration(MinEvery))
	}
	if c.dates.years != nil {
		return c.checkYears()
	}
	const most = 5 * 366 * day
	if _, longest := c.stretches(); longest == 0 || longest > most {
		return errors.New("is not active even once in 5 years; does that date exist?")
	}
	return nil
}

func (c *cronSlots) checkYears() error {
	from, to := civil{firstYear, 1, 1}.days(), civil{lastYear + 1, 1, 1}.days()
	for d := from; d < to; d++ {
		if c.dates.has(d) {
			return nil
		}
	}
	return errors.New("is never active in those years")
}
