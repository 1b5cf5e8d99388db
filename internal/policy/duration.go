package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// day and week as durations: only what is counted in UTC or in elapsed time uses
// them, never local days.
const (
	day  = 24 * time.Hour
	week = 7 * day
)

// ParseDuration reads a duration as the policy file writes it: whole numbers of
// minutes, hours, days and weeks, such as "90m", "6h", "7d", "4w" or "1d12h".
// Each unit may stand once, the larger ones first. Zero is not a duration here.
func ParseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, durationError(s, "is empty")
	}
	var total, last time.Duration
	for rest := s; rest != ""; {
		digits := leadingDigits(rest)
		if digits == 0 {
			return 0, notNumber(s, rest)
		}
		letters := leadingLetters(rest[digits:])
		if letters == 0 && digits < len(rest) {
			return 0, notNumber(s, rest[digits:])
		}
		unit, hint := durationUnit(rest[digits : digits+letters])
		if hint != "" {
			return 0, durationError(s, hint)
		}
		if last != 0 && unit >= last {
			return 0, durationError(s, "units must go from large to small, each once, as in 1d12h")
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > int64(math.MaxInt64-total)/int64(unit) {
			return 0, durationError(s, "is too long; the longest is about 292 years")
		}
		total += time.Duration(n) * unit
		last = unit
		rest = rest[digits+letters:]
	}
	if total == 0 {
		return 0, durationError(s, "is zero; a duration must be longer than that")
	}
	return total, nil
}

func notNumber(s, rest string) error {
	switch {
	case rest[0] == '-' || rest[0] == '+':
		return durationError(s, "must not have a sign")
	case rest[0] == '.' || rest[0] == ',':
		return durationError(s, "must use whole numbers; write 90m for 1.5h")
	case strings.HasPrefix(rest, " "):
		return durationError(s, "must not hold spaces; write 1d12h")
	default:
		return durationError(s, fmt.Sprintf("has %q where a number was expected", firstRune(rest)))
	}
}

// durationUnit gives a unit's length, or a hint why it is none.
func durationUnit(u string) (time.Duration, string) {
	switch u {
	case "m":
		return time.Minute, ""
	case "h":
		return time.Hour, ""
	case "d":
		return day, ""
	case "w":
		return week, ""
	case "":
		return 0, "has a number without a unit; units are m (minutes), h (hours), d (days), w (weeks)"
	case "s", "sec", "second", "seconds", "ms", "us", "ns":
		return 0, "is too fine; the smallest unit is m (minutes)"
	case "mo", "mon", "month", "months", "M":
		return 0, "cannot count months, whose lengths differ; write 30d, or use monthly in keep"
	case "y", "yr", "year", "years", "Y":
		return 0, "cannot count years, whose lengths differ; write 365d, or use yearly in keep"
	default:
		return 0, fmt.Sprintf("has an unknown unit %q; units are m (minutes), h (hours), d (days), w (weeks)", u)
	}
}

func durationError(s, what string) error {
	return fmt.Errorf("%q %s", clip(s), what)
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func leadingLetters(s string) int {
	n := 0
	for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return n
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

// clip shortens what an error quotes, so that a message stays one readable line.
func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// FormatDuration writes a duration as ParseDuration reads it: "1d12h". What is
// finer than a minute is cut off.
func FormatDuration(d time.Duration) string {
	if d < time.Minute {
		return "0m"
	}
	if d < 2*day { // "24h" is what people write, and "25h" says more than "1d1h".
		return formatUnits(d, time.Hour)
	}
	if d%week == 0 {
		return strconv.FormatInt(int64(d/week), 10) + "w"
	}
	return formatUnits(d, day)
}

// formatUnits writes d in units no larger than the given one.
func formatUnits(d, largest time.Duration) string {
	var b strings.Builder
	for _, u := range [...]struct {
		d    time.Duration
		name byte
	}{{day, 'd'}, {time.Hour, 'h'}, {time.Minute, 'm'}} {
		if u.d > largest || d < u.d {
			continue
		}
		b.WriteString(strconv.FormatInt(int64(d/u.d), 10))
		b.WriteByte(u.name)
		d %= u.d
	}
	return b.String()
}
