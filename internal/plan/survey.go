package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Standard says how a resource stands against its recovery point objective.
type Standard string

// How a resource can stand.
const (
	// Met: the newest good snapshot is young enough.
	Met Standard = "met"
	// Missed: it is too old, or there is none.
	Missed Standard = "missed"
	// NoObjective: the policy states none.
	NoObjective Standard = "no-objective"
	// Uncovered: no policy covers the resource.
	Uncovered Standard = "uncovered"
	// Aside: it is only there because of a restore: being made, or kept for a while.
	Aside Standard = "aside"
	// Partly: a policy covers it, but not all of its parts.
	Partly Standard = "partly"
	// Gone: the resource is no longer there, but snapshots of it are.
	Gone Standard = "gone"
)

// Standing says how one resource stands under one policy.
type Standing struct {
	Resource dr.Ref `json:"resource"`
	Name     string `json:"name"`
	// Status is the service's own word for the state of the resource.
	Status   string   `json:"status,omitempty"`
	Policy   string   `json:"policy,omitempty"`
	Standard Standard `json:"standard"`
	// Newest is the good snapshot with the latest data, zero when there is none.
	Newest dr.Ref    `json:"newest,omitzero"`
	Taken  time.Time `json:"taken,omitzero"`
	// Age is how much would be lost if the resource were lost now.
	Age Seconds `json:"age_seconds,omitempty"`
	RPO Seconds `json:"rpo_seconds,omitempty"`
	// Good and Pending count holdfast's snapshots under the policy.
	Good    int `json:"good"`
	Pending int `json:"pending"`
	// Next is when the next snapshot is due: now or earlier when it is overdue.
	Next time.Time `json:"next,omitzero"`
	// Note says what else is to be known, such as why nothing covers it.
	Note string `json:"note,omitempty"`
	// Copies says how things stand at each destination of the policy.
	Copies []CopyStanding `json:"copies,omitempty"`
	// LeftOut are parts of the resource that the policy does not take.
	LeftOut []string `json:"left_out,omitempty"`
}

// CopyStanding says how the copies of one resource at one destination stand.
type CopyStanding struct {
	// To is the name of the site.
	To string `json:"to"`
	// Newest is the good copy with the latest data, zero when there is none.
	Newest dr.Ref    `json:"newest,omitzero"`
	Taken  time.Time `json:"taken,omitzero"`
	// Age is how much would be lost if all but the destination were lost now.
	Age Seconds `json:"age_seconds,omitempty"`
	// Behind is how much newer the newest good original is; 0 when it has been
	// copied.
	Behind Seconds `json:"behind_seconds"`
	// Lag is how long after the moment whose data it holds the newest copy was begun.
	Lag     Seconds `json:"lag_seconds,omitempty"`
	Good    int     `json:"good"`
	Pending int     `json:"pending"`
	// Unseen: the site could not be read, so nothing is known.
	Unseen bool `json:"unseen,omitempty"`
}

// Seconds is a duration that is written to JSON as whole seconds.
type Seconds time.Duration

// MarshalJSON writes whole seconds.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%d", int64(time.Duration(s)/time.Second)), nil
}

// Survey says how every resource stands: one entry for each policy that covers
// it, one for what none covers, and one for each source that is gone while
// snapshots of it remain.
func Survey(now time.Time, f policy.File, inv dr.Inventory) []Standing {
	b := newBuilder(now, f, inv)
	var out []Standing
	present := map[string]bool{}
	for _, c := range b.covers(sortedResources(inv)) {
		present[c.r.Ref.Source()] = true
		for _, part := range c.r.Parts { // A volume that is attached is not gone.
			present[dr.Ref{Kind: c.r.Ref.Kind, Site: c.r.Ref.Site, ID: part.ID}.Source()] = true
		}
		for _, p := range c.policies {
			out = append(out, b.standing(p, c.r))
		}
		if len(c.policies) == 0 {
			s := b.uncovered(c.r)
			if s.Note = c.note(); c.aside != "" {
				s.Standard = Aside
			}
			out = append(out, s)
		}
	}
	return append(out, b.gone(present)...)
}

// note says why no policy covers a resource, where that is more than that none
// was written for it.
func (c cover) note() string {
	switch {
	case c.aside != "":
		return c.aside
	case c.excluded:
		return "excluded by its tag " + dr.TagExclude
	case c.bad != nil:
		return "the policy in its tags cannot be read: " + c.bad.Error()
	default:
		return ""
	}
}

func (b *builder) standing(p policy.Policy, r *dr.Resource) Standing {
	s := b.uncovered(r)
	s.Policy, s.RPO = p.Name, Seconds(p.Objective.RPO)
	l := b.ix.originals(*r, p.Name)
	s.Good, s.Pending = b.count(l)
	for _, part := range r.Parts {
		if !p.Volumes.Take(part) {
			s.LeftOut = append(s.LeftOut, part.ID)
		}
	}
	s.Copies = b.copyStandings(p, r, l)
	slot := b.slot(p)
	s.Next = p.Schedule.Next(b.now)
	if !slot.IsZero() && !b.served(l, slot) {
		s.Next = slot
	}
	switch {
	case p.Objective.RPO == 0:
		s.Standard = NoObjective
	case s.Taken.IsZero() || time.Duration(s.Age) > p.Objective.RPO:
		s.Standard = Missed
	default:
		s.Standard = Met
	}
	return s
}

// copyStandings says how the copies of a resource stand, in the order of the policy.
func (b *builder) copyStandings(p policy.Policy, r *dr.Resource, originals *line) []CopyStanding {
	var out []CopyStanding
	newest := b.firstGood(originals)
	for i := range p.Copies {
		to, seen := b.destination(journey{policy: &p, to: &p.Copies[i]})
		if to.Name == r.Ref.Site.Name {
			continue
		}
		s := CopyStanding{To: to.Name, Unseen: !seen || !b.seesSnapshots(r.Ref.Kind, to)}
		l := b.copyLine(r.Ref.Source(), p.Name, to)
		s.Good, s.Pending = b.count(l)
		if c := b.firstGood(l); c != nil {
			s.Newest, s.Taken = c.Ref, dataOf(c)
			s.Age = Seconds(b.now.Sub(s.Taken))
			if c.Made.After(s.Taken) {
				s.Lag = Seconds(c.Made.Sub(s.Taken))
			}
		}
		if newest != nil {
			s.Behind = Seconds(max(dataOf(newest).Truncate(time.Second).Sub(s.Taken), 0))
			if s.Taken.IsZero() {
				s.Behind = Seconds(b.now.Sub(dataOf(newest)))
			}
		}
		out = append(out, s)
	}
	return out
}

// copyLine gives the copies of a source under a policy at a site.
func (b *builder) copyLine(source, policyName string, at dr.Site) *line {
	for _, n := range b.ix.bySource[source] {
		if l := &b.ix.lines[n]; l.key.policy == policyName && l.key.copy && l.key.stage == "" && b.ix.sites[l.key.site] == at {
			return l
		}
	}
	return &line{}
}

// firstGood gives the good snapshot of a line with the newest slot; nil when there
// is none.
func (b *builder) firstGood(l *line) *dr.Snapshot {
	for _, e := range l.snaps {
		if s := &b.ix.inv.Snapshots[e.at]; s.State == dr.Good {
			return s
		}
	}
	return nil
}

func (b *builder) uncovered(r *dr.Resource) Standing {
	s := Standing{Resource: r.Ref, Name: r.Name, Status: r.Status, Standard: Uncovered}
	if n := b.ix.newestGood(r.Ref.Source(), r.Ref.Site); n != nil {
		s.Newest, s.Taken, s.Age = n.Ref, n.Taken, Seconds(b.now.Sub(n.Taken))
	}
	return s
}

func (b *builder) count(l *line) (good, pending int) {
	for _, e := range l.snaps {
		switch b.ix.inv.Snapshots[e.at].State {
		case dr.Good:
			good++
		case dr.Pending:
			pending++
		case dr.Failed, dr.Going, dr.Unclear:
		}
	}
	return good, pending
}

// gone lists the sources of our snapshots that are no longer there. What lies in
// a gap is unknown, not gone.
func (b *builder) gone(present map[string]bool) []Standing {
	var out []Standing
	for n := range b.ix.lines {
		l := &b.ix.lines[n]
		if present[l.key.source] || l.key.stage != "" || l.key.copy && b.hasOriginals(l) {
			continue
		}
		first := &b.ix.inv.Snapshots[l.snaps[0].at]
		if _, gap := b.ix.inv.Gaps[first.Ref.Scope()]; gap {
			continue
		}
		s := Standing{Resource: first.Of, Name: first.Of.ID, Policy: l.key.policy, Standard: Gone}
		s.Good, s.Pending = b.count(l)
		n := b.ix.newestGood(l.key.source, first.Ref.Site)
		if l.key.policy == dr.PolicyFinal {
			n = b.firstGood(l)
		}
		if n != nil {
			s.Newest, s.Taken, s.Age = n.Ref, n.Taken, Seconds(b.now.Sub(n.Taken))
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, c Standing) int {
		if d := a.Resource.Compare(c.Resource); d != 0 {
			return d
		}
		return strings.Compare(a.Policy, c.Policy)
	})
	return out
}

// hasOriginals reports whether there are originals of what a line holds copies of, or
// may be, where they cannot be seen. Then they tell of their source.
func (b *builder) hasOriginals(copies *line) bool {
	for _, n := range b.ix.bySource[copies.key.source] {
		if l := &b.ix.lines[n]; l.key.policy == copies.key.policy && !l.key.copy {
			return true
		}
	}
	part := strings.Split(copies.key.source, "/")
	for gap := range b.ix.inv.Gaps {
		if len(part) == 4 && string(gap.Kind) == part[0] && (gap.Site.Account == "" || gap.Site.Account == part[1]) && gap.Site.Region == part[2] {
			return true
		}
	}
	return false
}

// judgeRPO notes a breach of the policy's recovery point objective.
func (b *builder) judgeRPO(p policy.Policy, r *dr.Resource) {
	s := b.standing(p, r)
	if s.Standard != Missed || r.State == dr.Leaving {
		return
	}
	why := Reason{Code: NeverTaken, Text: fmt.Sprintf("there is no good snapshot, and the objective is to lose at most %s", policy.FormatDuration(p.Objective.RPO))}
	if !s.Taken.IsZero() {
		why = Reason{Code: RPOBreached, Text: fmt.Sprintf("the newest good snapshot is %s old, and the objective is to lose at most %s",
			policy.FormatDuration(time.Duration(s.Age).Round(time.Minute)), policy.FormatDuration(p.Objective.RPO))}
	}
	b.plan.Breaches = append(b.plan.Breaches, Verdict{Ref: r.Ref, Name: r.Name, Policy: p.Name, Taken: s.Taken, Reason: why})
}
