package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// numbering is how a dialect of cron counts the days of the week.
type numbering struct{ sunday, last int }

var (
	// sundayIsZero is crontab's: 0 to 6, and 7 for Sunday again.
	sundayIsZero = numbering{sunday: 0, last: 7}
	// sundayIsOne is AWS's: 1 to 7.
	sundayIsOne = numbering{sunday: 1, last: 7}
)

// renumber rewrites the numbers in a day of the week for robfig/cron, which knows
// 0 to 6 only. Steps and names stay as they are.
func renumber(field string, n numbering) (string, error) {
	terms := strings.Split(field, ",")
	for i, term := range terms {
		span, step, stepped := strings.Cut(term, "/")
		low, high, ranged := strings.Cut(span, "-")
		from, err := n.number(low)
		if err != nil {
			return "", err
		}
		to, err := n.number(high)
		if err != nil {
			return "", err
		}
		out := from
		switch {
		case ranged && to == "7" && stepped:
			return "", fmt.Errorf("day of the week %q: write a list instead of a step up to 7", clip(term))
		case ranged && from == "7":
			out = "0-" + to
		case ranged && to == "7":
			out = from + "-6,0"
		case ranged:
			out = from + "-" + to
		case from == "7":
			out = "0"
		}
		if stepped {
			out += "/" + step
		}
		terms[i] = out
	}
	return strings.Join(terms, ","), nil
}

// number counts one day from Sunday as 0; what is no number stays.
func (n numbering) number(s string) (string, error) {
	v, notANumber := strconv.Atoi(s)
	if notANumber != nil {
		return s, nil //nolint:nilerr // A name of a day is no error.
	}
	if v < n.sunday || v > n.last {
		return "", fmt.Errorf("day of the week %q: days go from %d to %d", clip(s), n.sunday, n.last)
	}
	return strconv.Itoa(v - n.sunday), nil
}
