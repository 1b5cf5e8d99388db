package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// journey is the snapshots of one source under one policy, and one destination.
type journey struct {
	policy *policy.Policy
	to     *policy.Copy
	lines  []line
	// newest is the newest slot that is at the destination, or coming.
	newest int64
}

// stop is one recovery point on its way: what there is of it, by index; -1 where
// there is nothing.
type stop struct {
	slot     int64
	point    policy.Point
	original int
	staged   int
	// pending are still being made.
	originalPending, stagePending bool
	// there says that a copy is at the destination, or coming.
	there, coming bool
	// failed are the tries at the destination and on the way that failed.
	failed, failedStage []int
}

// stops puts together what there is of each recovery point, newest first.
func (b *builder) stops(f journey, to dr.Site) []stop {
	bySlot := map[int64]*stop{}
	for i := range f.lines {
		l := &f.lines[i]
		site := b.ix.sites[l.key.site]
		if l.key.copy && l.key.stage == "" && site != to {
			continue // At another destination.
		}
		for _, e := range l.snaps {
			s := bySlot[e.slot]
			if s == nil {
				s = &stop{slot: e.slot, original: -1, staged: -1}
				bySlot[e.slot] = s
			}
			b.note(s, l, e.at)
		}
	}
	out := make([]stop, 0, len(bySlot))
	for _, s := range bySlot {
		if !s.point.Slot.IsZero() || s.originalPending {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(x, y stop) int { return cmp.Compare(y.slot, x.slot) })
	return out
}

// note takes one snapshot into the picture of its recovery point. Of several good
// ones of one slot the first, which is the newest, counts.
func (b *builder) note(s *stop, l *line, at int) {
	x := &b.ix.inv.Snapshots[at]
	good := x.State == dr.Good
	switch {
	case l.key.stage != "":
		if good && s.staged < 0 {
			s.staged = at
		}
		s.stagePending = s.stagePending || x.State == dr.Pending
		if x.State == dr.Failed {
			s.failedStage = append(s.failedStage, at)
		}
	case l.key.copy:
		s.there = s.there || good
		s.coming = s.coming || x.State == dr.Pending
		if x.State == dr.Failed {
			s.failed = append(s.failed, at)
		}
		good = good || x.State == dr.Pending
	default:
		if good && s.original < 0 {
			s.original = at
		}
		s.originalPending = s.originalPending || x.State == dr.Pending
	}
	if good && s.point.Slot.IsZero() {
		s.point = policy.Point{Slot: x.Claim.Slot, Taken: dataOf(x)}
	}
}

// dataOf gives the moment whose data a snapshot holds.
func dataOf(x *dr.Snapshot) time.Time {
	if !x.Claim.Taken.IsZero() {
		return x.Claim.Taken
	}
	return x.Taken
}

// wanted says which recovery points the destination's retention would keep, were
// they all there. Because a rule that keeps a point among all keeps it among fewer
// too, nothing is copied that would expire at once, and nothing that has expired
// there is copied again.
func (b *builder) wanted(f journey, stops []stop) []bool {
	in := b.paced(f, stops)
	points := make([]policy.Point, 0, len(stops))
	for i := range stops {
		if in[i] {
			points = append(points, stops[i].point)
		}
	}
	rules := f.to.Keep.Decide(b.now, f.policy.Location, points, nil)
	next := 0
	for i := range stops {
		if in[i] {
			in[i] = rules[next] != 0
			next++
		}
	}
	return in
}

// paced leaves out what a destination with a schedule of its own passes over: of
// each of its slots it takes the first recovery point, unless it has one already.
func (b *builder) paced(f journey, stops []stop) []bool {
	in := make([]bool, len(stops))
	served := map[time.Time]bool{}
	for i, s := range stops {
		in[i] = !s.point.Slot.IsZero()
		if s.there || s.coming {
			served[f.to.Schedule.Slot(s.point.Slot)] = true
		}
	}
	if f.to.Schedule.IsZero() {
		return in
	}
	for i := len(stops) - 1; i >= 0; i-- { // Oldest first.
		s := &stops[i]
		if !in[i] || s.there || s.coming {
			continue
		}
		slot := f.to.Schedule.Slot(s.point.Slot)
		in[i] = !served[slot]
		served[slot] = true
	}
	return in
}
