package policy

import (
	"encoding/json"
	"strings"
)

// Rules is a set of retention rules: why a recovery point is kept.
type Rules uint16

// The rules, in the order in which they are named.
const (
	RuleLast Rules = 1 << iota
	RuleWithin
	RuleHourly
	RuleDaily
	RuleWeekly
	RuleMonthly
	RuleYearly
	RuleForever
	// RuleFloor: no other rule keeps the point, but it is among the newest so many.
	RuleFloor
)

// ruleName names a single rule as the policy file does.
func ruleName(r Rules) string {
	switch r {
	case RuleLast:
		return "last"
	case RuleWithin:
		return "within"
	case RuleHourly:
		return "hourly"
	case RuleDaily:
		return "daily"
	case RuleWeekly:
		return "weekly"
	case RuleMonthly:
		return "monthly"
	case RuleYearly:
		return "yearly"
	case RuleForever:
		return "forever"
	case RuleFloor:
		return "floor"
	default:
		return "unknown"
	}
}

// Names names the rules in the set; none for the empty set.
func (r Rules) Names() []string {
	var names []string
	for bit := RuleLast; bit <= RuleFloor; bit <<= 1 {
		if r&bit != 0 {
			names = append(names, ruleName(bit))
		}
	}
	return names
}

// Has reports whether all of the given rules are in the set.
func (r Rules) Has(o Rules) bool { return r&o == o }

// String gives the names: "daily, weekly"; "none" for the empty set.
func (r Rules) String() string {
	if r == 0 {
		return "none"
	}
	return strings.Join(r.Names(), ", ")
}

// MarshalJSON writes the names as a list.
func (r Rules) MarshalJSON() ([]byte, error) {
	names := r.Names()
	if names == nil {
		names = []string{}
	}
	return json.Marshal(names)
}
