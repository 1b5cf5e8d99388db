package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

const day = 24 * time.Hour

// ration is how many snapshots may be taken of a resource within a day, and when
// those of the last one were taken.
type ration struct {
	most  int
	taken []time.Time
}

// daily leaves creates for later that the service would refuse, because it allows
// so many snapshots of a resource within 24 hours; and foretells where schedules want
// more than that. Snapshots that others took count too. So do, for the service, those
// that were deleted within the day; these cannot be seen, so a create that is planned
// may still be refused, and is tried again by the next run.
func (b *builder) daily(covers []cover) {
	rations := map[dr.Ref]*ration{}
	for _, c := range covers {
		if c.r.Daily > 0 {
			rations[c.r.Ref] = &ration{most: c.r.Daily}
		}
	}
	if len(rations) == 0 {
		return
	}
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		r := rations[s.Of]
		if r == nil || s.Automated || s.Claim.Origin != "" { // Copies are not taken of it.
			continue
		}
		taken := s.Taken
		if taken.IsZero() && s.State == dr.Pending { // It has been begun, and does not say when.
			taken = b.now
		}
		if taken.After(b.now.Add(-day)) {
			r.taken = append(r.taken, taken)
		}
	}
	b.shareOut(rations)
	b.foretellDaily(covers)
}

// shareOut gives what is left of the rations to the oldest slots.
func (b *builder) shareOut(rations map[dr.Ref]*ration) {
	queues := map[dr.Ref][]int{}
	for i, a := range b.plan.Actions {
		if a.Verb == Create && rations[a.From] != nil {
			queues[a.From] = append(queues[a.From], i)
		}
	}
	later := make([]bool, len(b.plan.Actions))
	for ref, queue := range queues {
		slices.SortFunc(queue, func(i, j int) int {
			x, y := b.plan.Actions[i].Claim, b.plan.Actions[j].Claim
			return cmp.Or(x.Slot.Compare(y.Slot), strings.Compare(x.Policy, y.Policy))
		})
		r := rations[ref]
		for room := max(0, r.most-len(r.taken)); room > 0 && len(queue) > 0; room-- {
			r.taken = append(r.taken, b.now)
			queue = queue[1:]
		}
		slices.SortFunc(r.taken, time.Time.Compare)
		for n, i := range queue {
			later[i] = true
			b.plan.Waiting = append(b.plan.Waiting, r.verdict(b.plan.Actions[i], n))
		}
	}
	kept := b.plan.Actions[:0]
	for i, a := range b.plan.Actions {
		if !later[i] {
			kept = append(kept, a)
		}
	}
	b.plan.Actions = kept
}

// verdict says of the n-th create that waits, from 0 on, since when enough of those
// before it are a day old.
func (r *ration) verdict(a Action, n int) Verdict {
	first := r.taken[min(len(r.taken)-r.most+n, len(r.taken)-1)]
	return Verdict{
		Ref: a.From, Name: a.Of, Policy: a.Claim.Policy,
		Reason: Reason{Code: DailyFull, Text: fmt.Sprintf("%d of %d snapshots that %s allows of it within 24 hours are taken or about to be; there is room again at %s",
			len(r.taken), r.most, a.From.Kind, stamp(first.Add(day)))},
	}
}

// tight is what resources have in common of which the same policies want too many
// snapshots within a day.
type tight struct {
	scope     dr.Scope
	limit     int
	policies  string
	schedules string
}

// foretellDaily adds up what the policies on each resource want within a day.
func (b *builder) foretellDaily(covers []cover) {
	wants, at, others := map[string]int{}, map[tight]int{}, map[int]int{}
	for _, c := range covers {
		if c.r.Daily == 0 || len(c.policies) == 0 || c.r.State == dr.Blocked || c.r.State == dr.Leaving {
			continue
		}
		names, texts := map[string]bool{}, []string{}
		for _, p := range c.policies {
			names[p.Name] = true
			texts = append(texts, p.Schedule.String())
		}
		slices.Sort(texts)
		like := tight{c.r.Ref.Scope(), c.r.Daily, policyNames(names), strings.Join(texts, "\n")}
		n, known := wants[like.schedules]
		if !known {
			n = b.busiestDay(c.policies)
			wants[like.schedules] = n
		}
		if n <= c.r.Daily {
			continue
		}
		if i, told := at[like]; told { // Once is enough for all that are alike.
			others[i]++
			continue
		}
		at[like] = len(b.plan.Foretold)
		b.plan.Foretold = append(b.plan.Foretold, foretoldDaily(c.r, like.policies, n))
	}
	for i, n := range others {
		b.plan.Foretold[i].Reason.Text += fmt.Sprintf(" (and of %d more like it)", n)
	}
}

func foretoldDaily(r *dr.Resource, names string, n int) Verdict {
	return Verdict{
		Ref: r.Ref, Name: r.Name,
		Reason: Reason{Code: DailyForetold, Text: fmt.Sprintf("%s will want %d snapshots of it within 24 hours, and %s allows %d",
			names, n, r.Ref.Kind, r.Daily)},
		Remedy: fmt.Sprintf("take them less often: %d in 24 hours, by all policies on it together, is one every %s; what is too many waits until there is room",
			r.Daily, policy.FormatDuration(day/time.Duration(r.Daily))),
	}
}

// foresight is how far schedules are looked through: whatever the days of the week
// do to them shows within it.
const foresight = 8 * day

// busiestDay gives the most slots of some policies that begin within any 24 hours.
func (b *builder) busiestDay(ps []policy.Policy) int {
	var slots []time.Time
	for _, p := range ps {
		for t := p.Schedule.Next(b.now); !t.IsZero() && t.Before(b.now.Add(foresight)); t = p.Schedule.Next(t) {
			slots = append(slots, t)
		}
	}
	slices.SortFunc(slots, time.Time.Compare)
	most, from := 0, 0
	for i, t := range slots {
		for !slots[from].After(t.Add(-day)) {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}
