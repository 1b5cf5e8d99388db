package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// line is the snapshots of one resource under one policy at one site, copies
// apart from originals: what retention looks at.
type line struct {
	key   lineKey
	snaps []entry // newest slot first
}

type lineKey struct {
	source, policy string
	site           int // index into index.sites
	copy           bool
	stage          string // of what is only on the way of a copy
}

// entry points to a snapshot and holds what sorting needs, so that sorting does
// not have to look at the snapshots themselves.
type entry struct {
	slot int64 // Unix seconds
	at   int   // index into the inventory's snapshots
}

// index arranges an inventory for planning. Ours are the snapshots whose claim
// bears the namespace.
type index struct {
	inv      dr.Inventory
	sites    []dr.Site
	lines    []line // ordered by source, policy, site, originals before copies
	byKey    map[lineKey]int
	bySource map[string][]int // lines of a source
	ours     int
	flawed   []int // snapshots with unreadable marks
	// automated are good ones that the service made by itself, by resource.
	automated map[dr.Ref][]int
	// presumed are those that are ours by their name alone.
	presumed []int
}

// newIndex reads each snapshot once; the time it takes is linear but for the
// sorting within a line.
func newIndex(namespace string, inv dr.Inventory) *index {
	ix := &index{inv: inv, byKey: map[lineKey]int{}, bySource: map[string][]int{}, automated: map[dr.Ref][]int{}}
	siteIDs := map[dr.Site]int{}
	lineOf := make([]int32, len(inv.Snapshots))
	var sizes []int
	for i := range inv.Snapshots {
		s := &inv.Snapshots[i]
		lineOf[i] = -1
		if s.Flaw != "" {
			ix.flawed = append(ix.flawed, i)
		}
		if s.Automated {
			if s.State == dr.Good {
				ix.automated[s.Of] = append(ix.automated[s.Of], i)
			}
			continue
		}
		if s.Presumed != nil && s.Presumed.Owner == namespace {
			ix.presumed = append(ix.presumed, i)
		}
		if s.Claim.Owner != namespace || namespace == "" {
			continue
		}
		key := lineKey{s.Claim.Source, s.Claim.Policy, ix.siteID(siteIDs, s.Ref.Site), s.Claim.Origin != "", s.Claim.Stage}
		n, ok := ix.byKey[key]
		if !ok {
			n = len(ix.lines)
			ix.byKey[key] = n
			ix.lines = append(ix.lines, line{key: key})
			sizes = append(sizes, 0)
		}
		sizes[n]++
		lineOf[i] = int32(n) // There are never 2^31 lines.
		ix.ours++
	}
	ix.fill(lineOf, sizes)
	ix.sort()
	return ix
}

func (ix *index) siteID(ids map[dr.Site]int, s dr.Site) int {
	if n := len(ix.sites); n > 0 && ix.sites[n-1] == s {
		return n - 1
	}
	id, ok := ids[s]
	if !ok {
		id = len(ix.sites)
		ids[s] = id
		ix.sites = append(ix.sites, s)
	}
	return id
}

// fill hands every snapshot to its line; all lines share one allocation.
func (ix *index) fill(lineOf []int32, sizes []int) {
	all := make([]entry, ix.ours)
	at := 0
	for n := range ix.lines {
		ix.lines[n].snaps = all[at:at:(at + sizes[n])]
		at += sizes[n]
	}
	for i, n := range lineOf {
		if n >= 0 {
			l := &ix.lines[n]
			l.snaps = append(l.snaps, entry{ix.inv.Snapshots[i].Claim.Slot.Unix(), i})
		}
	}
}

// sort brings lines and their snapshots into an order that does not depend on
// the order in which they were seen.
func (ix *index) sort() {
	for n := range ix.lines {
		slices.SortFunc(ix.lines[n].snaps, ix.newestFirst)
	}
	slices.SortFunc(ix.lines, func(a, b line) int {
		return cmp.Or(
			strings.Compare(a.key.source, b.key.source),
			strings.Compare(a.key.policy, b.key.policy),
			ix.sites[a.key.site].Compare(ix.sites[b.key.site]),
			compareBool(a.key.copy, b.key.copy),
			strings.Compare(a.key.stage, b.key.stage),
		)
	})
	for n := range ix.lines {
		key := ix.lines[n].key
		ix.byKey[key] = n
		ix.bySource[key.source] = append(ix.bySource[key.source], n)
	}
	slices.SortFunc(ix.flawed, func(a, b int) int { return ix.inv.Snapshots[a].Ref.Compare(ix.inv.Snapshots[b].Ref) })
}

func (ix *index) newestFirst(a, b entry) int {
	if c := cmp.Compare(b.slot, a.slot); c != 0 {
		return c
	}
	x, y := &ix.inv.Snapshots[a.at], &ix.inv.Snapshots[b.at]
	if c := y.Taken.Compare(x.Taken); c != 0 {
		return c
	}
	return strings.Compare(x.Ref.ID, y.Ref.ID)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

// originals gives the line of a resource's own snapshots under a policy.
func (ix *index) originals(r dr.Resource, policy string) *line {
	for _, n := range ix.bySource[r.Ref.Source()] {
		l := &ix.lines[n]
		if l.key.policy == policy && !l.key.copy && ix.sites[l.key.site] == r.Ref.Site {
			return l
		}
	}
	return &line{}
}

// automatedSince gives the latest snapshot that the service made by itself of a
// resource at or after a moment; nil when there is none.
func (ix *index) automatedSince(r dr.Ref, since time.Time) *dr.Snapshot {
	var best *dr.Snapshot
	for _, i := range ix.automated[r] {
		s := &ix.inv.Snapshots[i]
		if s.Taken.Before(since) || best != nil && (s.Taken.Before(best.Taken) || s.Taken.Equal(best.Taken) && s.Ref.ID > best.Ref.ID) {
			continue
		}
		best = s
	}
	return best
}

// newestGood gives the good snapshot of a source with the latest data, whatever
// its policy, at one site; nil when there is none. Final snapshots are apart: what
// they were taken of is there no more, even where something else has its name. Within a line the latest slot
// has the latest data.
func (ix *index) newestGood(source string, site dr.Site) *dr.Snapshot {
	var best *dr.Snapshot
	for _, n := range ix.bySource[source] {
		l := &ix.lines[n]
		if ix.sites[l.key.site] != site || l.key.stage != "" || l.key.policy == dr.PolicyFinal {
			continue
		}
		for _, e := range l.snaps {
			s := &ix.inv.Snapshots[e.at]
			if s.State != dr.Good {
				continue
			}
			if best == nil || s.Taken.After(best.Taken) {
				best = s
			}
			break
		}
	}
	return best
}
