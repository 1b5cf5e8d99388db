package policy

import (
	"slices"
	"strings"
	"time"
)

// review warns of what is valid and probably not meant.
func (d *decoder) review() {
	if len(d.out.Policies) == 0 {
		d.warn(Pos{1, 1}, "write a policy, unless the tags of resources state them all", "there are no policies")
	}
	seen := map[string]Policy{}
	for i, p := range d.out.Policies {
		d.reviewObjective(p, d.marks[i].rpo)
		for _, f := range d.marks[i].floors {
			if f.keep.Floor == 0 {
				d.warn(f.pos, "leave floor out, or write 1 or more", "floor: 0 lets even the last good snapshot go")
			}
		}
		if c, ok := p.Schedule.plan.(*cronSlots); ok && c.dates.years != nil && !c.dates.years.has(lastYear) {
			d.warn(p.Pos, "write * for the year", "policy %s: its schedule ends; after that nothing is taken", p.Name)
		}
		match := p.Match.String()
		if first, twice := seen[match]; twice {
			d.warn(p.Pos, "join them, unless each is to keep its own snapshots",
				"policy %s matches the same resources as policy %s on line %d", p.Name, first.Name, first.Pos.Line)
		} else {
			seen[match] = p
		}
	}
	d.reviewSites()
}

// reviewObjective warns of an RPO that the schedule cannot hold: until the next
// snapshot is complete, the newest one is older than the stretch between two.
func (d *decoder) reviewObjective(p Policy, at Pos) {
	if p.Objective.RPO == 0 {
		return
	}
	longest := p.Schedule.Longest()
	if p.Objective.RPO > longest {
		return
	}
	hint := "write an rpo above " + FormatDuration(longest) + ", or a schedule with less between"
	every := strings.HasPrefix(p.Schedule.String(), "every ")
	if half := (p.Objective.RPO / 2).Truncate(time.Minute); every && half >= MinEvery {
		hint = "write every: " + FormatDuration(half) + ", or an rpo above " + FormatDuration(longest)
	}
	d.warn(at, hint, "rpo: %s cannot be held with up to %s from one snapshot to the next: "+
		"until that is complete, the newest is older", FormatDuration(p.Objective.RPO), FormatDuration(longest))
}

// reviewSites warns of sites that no policy uses. One that does not name sites
// takes resources from all.
func (d *decoder) reviewSites() {
	var used []string
	for _, p := range d.out.Policies {
		if len(p.Match.Sites) == 0 {
			return
		}
		used = append(used, p.Match.Sites...)
		for _, c := range p.Copies {
			used = append(used, c.To)
		}
	}
	if len(used) == 0 {
		return
	}
	for _, s := range d.out.Sites {
		if !slices.Contains(used, s.Name) {
			d.warn(s.Pos, "remove it, or name it in a policy", "site %s is not used by any policy", s.Name)
		}
	}
}
