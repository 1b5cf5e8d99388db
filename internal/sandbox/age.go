package sandbox

import (
	"fmt"
	"strconv"
	"time"
)

// Age is a duration that is written with days and weeks: 90m, 6h, 7d, 4w, 3d2h.
type Age time.Duration

// UnmarshalText reads an Age.
func (a *Age) UnmarshalText(text []byte) error {
	got, err := ParseAge(string(text))
	if err != nil {
		return err
	}
	*a = Age(got)
	return nil
}

// MarshalText writes an Age.
func (a Age) MarshalText() ([]byte, error) { return []byte(time.Duration(a).String()), nil }

// ParseAge reads a duration such as 90m, 6h, 7d, 4w or 3d2h.
func ParseAge(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as 90m, 6h, 7d, 4w or 3d2h", s)
	if s == "" {
		return 0, bad
	}
	var sum time.Duration
	for rest := s; rest != ""; {
		i := 0
		for i < len(rest) && rest[i] >= '0' && rest[i] <= '9' {
			i++
		}
		if i == 0 || i == len(rest) {
			return 0, bad
		}
		n, err := strconv.ParseInt(rest[:i], 10, 32)
		if err != nil {
			return 0, bad
		}
		unit, ok := ageUnit(rest[i])
		if !ok || n > int64(maxAge/unit) {
			return 0, bad
		}
		sum += time.Duration(n) * unit
		rest = rest[i+1:]
	}
	if sum > maxAge {
		return 0, bad
	}
	return sum, nil
}

// maxAge keeps sums of ages far from overflowing.
const maxAge = 100 * 365 * 24 * time.Hour

func ageUnit(b byte) (time.Duration, bool) {
	switch b {
	case 's':
		return time.Second, true
	case 'm':
		return time.Minute, true
	case 'h':
		return time.Hour, true
	case 'd':
		return 24 * time.Hour, true
	case 'w':
		return 7 * 24 * time.Hour, true
	default:
		return 0, false
	}
}
