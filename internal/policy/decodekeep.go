package policy

import (
	"time"
)

const keepHint = "write for example keep: {daily: 7, weekly: 4}, or keep: forever"

func (d *decoder) keepFields(k *Retention) []field {
	return []field{
		{"last", d.countInto("last", &k.Last)},
		{"hourly", d.countInto("hourly", &k.Hourly)},
		{"daily", d.countInto("daily", &k.Daily)},
		{"weekly", d.countInto("weekly", &k.Weekly)},
		{"monthly", d.countInto("monthly", &k.Monthly)},
		{"yearly", d.countInto("yearly", &k.Yearly)},
		{"within", func(n *node) { k.Within = d.duration(n, "within") }},
		{"floor", d.countInto("floor", &k.Floor)},
	}
}

// keep reads a retention.
func (d *decoder) keep(n *node, m *marks) Retention {
	k := Retention{Floor: DefaultFloor}
	if n.shape == text {
		d.keepText(n, &k)
		return k
	}
	if n.shape == nothing || n.shape == mapping && len(n.entries) == 0 {
		d.fail(n.pos, keepHint, "keep: it does not say what to keep")
		return k
	}
	before := len(d.problems)
	if !d.object(n, "keep", d.keepFields(&k)) || len(d.problems) > before {
		return k // What follows would blame the same mistake again.
	}
	if most, ok := k.Most(MinEvery); ok && most == 0 {
		d.fail(n.pos, keepHint, "keep: no rule keeps anything")
		return k
	}
	if f := n.get("floor"); f != nil {
		m.floors = append(m.floors, floorMark{k, f.pos})
	}
	return k
}

// keepText reads a retention of one word.
func (d *decoder) keepText(n *node, k *Retention) {
	if n.text == "forever" {
		k.Forever = true
		return
	}
	hint := keepHint
	if _, err := ParseDuration(n.text); err == nil {
		hint = "write keep: {within: " + n.text + "}"
	} else if n.kind == "a number" {
		hint = "write keep: {last: " + clip(n.text) + "}"
	}
	d.fail(n.pos, hint, "keep: expected a mapping or forever, found %q", clip(n.text))
}

// checkFloors refuses floors that are above all that the rules can keep: one of
// the two numbers is a mistake.
func (d *decoder) checkFloors(p *draft) {
	if p.Schedule.IsZero() {
		return
	}
	shortest, known := time.Duration(0), false
	for _, f := range p.floors {
		if f.keep.Within > 0 && !known {
			shortest, _ = p.Schedule.plan.stretches()
			known = true
		}
		if most, ok := f.keep.Most(shortest); ok && f.keep.Floor > most {
			d.fail(f.pos, "lower the floor, or keep more", "floor: %d is above the %d that the rules of keep can hold", f.keep.Floor, most)
		}
	}
}
