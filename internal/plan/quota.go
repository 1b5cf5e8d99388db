package plan

import (
	"fmt"
	"maps"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// room is what is known of the quotas of each scope.
type room struct {
	// used counts what counts there now, made what the plan makes; planned is both
	// less what the plan deletes.
	used, made, planned map[dr.Scope]int
	// others is what is used but for that which the policies will replace by what they
	// keep: ours, and what will be ours once it is claimed, unless it is held.
	others map[dr.Scope]int
}

func (b *builder) measure(lim Limits) {
	used, ours := tally{into: map[dr.Scope]int{}}, tally{into: map[dr.Scope]int{}}
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		if !counts(s) {
			continue
		}
		used.add(s.Ref)
		if s.Claim.Owner == b.file.Namespace && !s.Claim.Keep || s.Presumed != nil && s.Presumed.Owner == b.file.Namespace {
			ours.add(s.Ref)
		}
	}
	b.room = room{used: used.counts(), made: map[dr.Scope]int{}, planned: maps.Clone(used.counts()), others: maps.Clone(used.counts())}
	for scope, n := range ours.counts() {
		b.room.others[scope] -= n
	}
	for _, t := range b.settled {
		if s := &b.ix.inv.Snapshots[t.at]; t.code >= expired && counts(s) && (!lim.Keeping || s.Claim.Stage != "") {
			b.room.planned[s.Ref.Scope()]--
		}
	}
}

// tally counts by scope. What is listed one after the other is mostly of one scope,
// so the map is seldom asked.
type tally struct {
	into  map[dr.Scope]int
	scope dr.Scope
	n     int
}

func (t *tally) add(r dr.Ref) {
	if scope := r.Scope(); scope != t.scope {
		t.counts()
		t.scope = scope
	}
	t.n++
}

func (t *tally) counts() map[dr.Scope]int {
	if t.n != 0 {
		t.into[t.scope] += t.n
		t.n = 0
	}
	return t.into
}

// allowance gives how many manual snapshots may be in a scope: what was configured,
// else what AWS told, else the default, unless there are more than that already:
// then AWS has granted more.
func (b *builder) allowance(lim Limits, scope dr.Scope) (int, bool) {
	if n, ok := lim.Quota[scope.Kind]; ok {
		return n, true
	}
	if n := b.ix.inv.Quotas[scope].Snapshots; n > 0 {
		return n, true
	}
	n := lim.Defaults[scope.Kind].Snapshots
	return n, n > 0 && b.room.used[scope] <= n
}

// full takes the room for one snapshot, or reports that there is none and how many
// the account may have there.
func (b *builder) full(lim Limits, scope dr.Scope) (most int, full bool) {
	most, limited := b.allowance(lim, scope)
	if limited && b.room.planned[scope] >= most {
		return most, true
	}
	b.occupy(scope)
	return most, false
}

func (b *builder) occupy(scope dr.Scope) {
	b.room.planned[scope]++
	b.room.made[scope]++
}

// cramped takes the room for one copy, unless there is none before something has been
// deleted: a copy can wait for that, and is not asked for in vain.
func (b *builder) cramped(lim Limits, scope dr.Scope) (most int, full, later bool) {
	most, limited := b.allowance(lim, scope)
	switch {
	case limited && b.room.planned[scope] >= most:
		return most, true, false
	case limited && b.room.used[scope]+b.room.made[scope] >= most:
		b.room.planned[scope]++ // It is spoken for.
		return most, false, true
	}
	b.occupy(scope)
	return most, false, false
}

// quota refuses the creates for which there is no room in a scope, and foretells
// where retention wants more than fits.
func (b *builder) quota(lim Limits, covers []cover) {
	b.measure(lim)
	free := b.uncounted()
	kept := b.plan.Actions[:0]
	for _, a := range b.plan.Actions {
		scope := dr.Scope{Kind: a.From.Kind, Site: a.To}
		if a.Verb == Adopt || free[a.From] { // What is adopted is there already.
			kept = append(kept, a)
			continue
		}
		most, full := b.full(lim, scope)
		if !full {
			kept = append(kept, a)
			continue
		}
		b.plan.Refused = append(b.plan.Refused, Verdict{
			Ref: a.From, Name: a.From.ID, Policy: a.Claim.Policy,
			Reason: Reason{Code: QuotaFull, Text: fullText(most)}, Remedy: fullRemedy(scope.Kind),
		})
	}
	b.plan.Actions = kept
	b.foretell(lim, covers)
}

func fullText(most int) string {
	return fmt.Sprintf("all %d manual snapshots that the account may have there are in use or spoken for", most)
}

func fullRemedy(k dr.Kind) string {
	return "delete snapshots that nobody needs, keep fewer by policy, or, where AWS grants more, say so with --quota " + string(k) + "=N"
}

// counts reports whether a snapshot counts against the quota of its kind.
func counts(s *dr.Snapshot) bool { return !s.Automated && !s.Uncounted && s.State != dr.Going }

// uncounted gives the resources and the service's own snapshots of which what is
// made does not count against the quota.
func (b *builder) uncounted() map[dr.Ref]bool {
	free := map[dr.Ref]bool{}
	for i := range b.ix.inv.Resources {
		if r := &b.ix.inv.Resources[i]; r.Uncounted {
			free[r.Ref] = true
		}
	}
	for _, all := range b.ix.automated {
		for _, at := range all {
			if s := &b.ix.inv.Snapshots[at]; s.Uncounted {
				free[s.Ref] = true
			}
		}
	}
	return free
}

// forecast is how many snapshots will be wanted in each scope, and by which
// policies.
type forecast struct {
	want  map[dr.Scope]int
	names map[dr.Scope]map[string]bool
}

func (f forecast) add(scope dr.Scope, policyName string, n int) {
	f.want[scope] += n
	if f.names[scope] == nil {
		f.names[scope] = map[string]bool{}
	}
	f.names[scope][policyName] = true
}

// foretell adds up what the policies will keep of each kind at each site, their
// copies included, once they have run long enough, one more while the next is taken,
// and what others made.
func (b *builder) foretell(lim Limits, covers []cover) {
	f := forecast{b.room.others, map[dr.Scope]map[string]bool{}}
	for _, c := range covers {
		if !c.r.Uncounted {
			b.forecast(lim, f, c)
		}
	}
	for _, scope := range sortedScopes(f.want) {
		if most, limited := b.allowance(lim, scope); limited && f.want[scope] > most && f.names[scope] != nil {
			b.plan.Foretold = append(b.plan.Foretold, Verdict{
				Ref: dr.Ref{Kind: scope.Kind, Site: scope.Site}, Name: string(scope.Kind) + " snapshots",
				Reason: Reason{Code: QuotaForetold, Text: fmt.Sprintf("%s will want to keep %d manual snapshots there, and the quota is %d",
					policyNames(f.names[scope]), f.want[scope], most)},
				Remedy: "keep fewer, or ask AWS for a higher quota and say so with --quota " + string(scope.Kind) + "=N",
			})
		}
	}
}

// forecast adds what the policies of one resource will keep, where that is limited.
func (b *builder) forecast(lim Limits, f forecast, c cover) {
	here := c.r.Ref.Scope()
	for _, p := range c.policies {
		if _, limited := b.allowance(lim, here); limited {
			f.add(here, p.Name, b.most(p.Keep, p.Schedule, b.ix.originals(*c.r, p.Name)))
		}
		for i := range p.Copies {
			to, _ := b.destination(journey{policy: &p, to: &p.Copies[i]})
			there := dr.Scope{Kind: here.Kind, Site: to}
			_, limited := b.allowance(lim, there)
			means := lim.Routes[here.Kind].Means
			arrive := means == ByCall || means == BySetting && to.Account == here.Site.Account
			if !limited || to.Name == here.Site.Name || !arrive {
				continue
			}
			pace := p.Copies[i].Schedule
			if pace.IsZero() || means == BySetting { // Then all arrive.
				pace = p.Schedule
			}
			f.add(there, p.Name, b.most(p.Copies[i].Keep, pace, b.copyLine(c.r.Ref.Source(), p.Name, to)))
		}
	}
}

// most gives how many snapshots of a resource a retention keeps at most, and one
// more while the next is made. Where it knows no bound it will fill any quota one day;
// what is told is the week to come.
func (b *builder) most(keep policy.Retention, pace policy.Schedule, there *line) int {
	shortest := policy.MinEvery
	if keep.Within > 0 || keep.Forever { // Else the schedule does not matter, and it is dear to ask.
		shortest = pace.Shortest()
	}
	n, bounded := keep.Most(shortest)
	if !bounded {
		good, pending := b.count(there)
		n = good + pending
		if shortest > 0 {
			n += int(week / shortest)
		}
	}
	return max(n, keep.Floor) + 1
}

// week is how far ahead a quota that will be full is foretold, where nothing else says
// when.
const week = 7 * 24 * time.Hour
