package plan

import (
	"fmt"
	"maps"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// quota refuses the creates for which there is no room in a scope, and foretells
// where retention wants more than fits.
func (b *builder) quota(lim Limits, covers []cover) {
	if len(lim.Quota) == 0 {
		return
	}
	used := map[dr.Scope]int{}
	for i := range b.ix.inv.Snapshots {
		if s := &b.ix.inv.Snapshots[i]; counts(s) {
			used[s.Ref.Scope()]++
		}
	}
	room := map[dr.Scope]int{}
	for scope, n := range used {
		room[scope] = -n
	}
	for _, t := range b.settled {
		if s := &b.ix.inv.Snapshots[t.at]; t.code >= expired && counts(s) {
			room[s.Ref.Scope()]++
		}
	}
	free := b.uncounted()
	kept := b.plan.Actions[:0]
	for _, a := range b.plan.Actions {
		scope := dr.Scope{Kind: a.From.Kind, Site: a.To}
		most, limited := lim.Quota[scope.Kind]
		if !limited || a.Verb == Adopt || free[a.From] { // What is adopted is there already.
			kept = append(kept, a)
			continue
		}
		if room[scope]+most > 0 {
			room[scope]--
			kept = append(kept, a)
			continue
		}
		b.plan.Refused = append(b.plan.Refused, Verdict{
			Ref: a.From, Name: a.From.ID, Policy: a.Claim.Policy,
			Reason: Reason{Code: QuotaFull, Text: fmt.Sprintf("all %d manual snapshots that the account may have there are in use or spoken for", most)},
			Remedy: "delete snapshots that nobody needs, keep fewer by policy, or, where AWS grants more, say so with --quota " + string(scope.Kind) + "=N",
		})
	}
	b.plan.Actions = kept
	b.foretell(lim, covers, used)
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

// foretell adds up what the policies will keep of each kind at each site once
// they have run long enough, one more while the next is taken, and what others
// made.
func (b *builder) foretell(lim Limits, covers []cover, used map[dr.Scope]int) {
	want, names := b.others(used), map[dr.Scope]map[string]bool{}
	for _, c := range covers {
		scope := c.r.Ref.Scope()
		if _, limited := lim.Quota[scope.Kind]; !limited || c.r.Uncounted {
			continue
		}
		for _, p := range c.policies {
			most, bounded := b.most(p)
			if !bounded {
				most = lim.Quota[scope.Kind]
			}
			want[scope] += max(most, p.Keep.Floor) + 1
			if names[scope] == nil {
				names[scope] = map[string]bool{}
			}
			names[scope][p.Name] = true
		}
	}
	for _, scope := range sortedScopes(want) {
		if most, limited := lim.Quota[scope.Kind]; limited && want[scope] > most {
			b.plan.Foretold = append(b.plan.Foretold, Verdict{
				Ref: dr.Ref{Kind: scope.Kind, Site: scope.Site}, Name: string(scope.Kind) + " snapshots",
				Reason: Reason{Code: QuotaForetold, Text: fmt.Sprintf("%s will want to keep %d manual snapshots there, and the quota is %d",
					policyNames(names[scope]), want[scope], most)},
				Remedy: "keep fewer, or ask AWS for a higher quota and say so with --quota " + string(scope.Kind) + "=N",
			})
		}
	}
}

// others takes out of what is used that which the policies will replace by what
// they keep: ours, and what will be ours once it is claimed, unless it is held.
func (b *builder) others(used map[dr.Scope]int) map[dr.Scope]int {
	left := maps.Clone(used)
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		ours := s.Claim.Owner == b.file.Namespace && !s.Claim.Keep || s.Presumed != nil && s.Presumed.Owner == b.file.Namespace
		if ours && counts(s) {
			left[s.Ref.Scope()]--
		}
	}
	return left
}

// most gives how many snapshots of a resource a policy keeps at most.
func (b *builder) most(p policy.Policy) (int, bool) {
	if p.Keep.Within == 0 { // The schedule does not matter, and it is dear to ask.
		return p.Keep.Most(policy.MinEvery)
	}
	return p.Keep.Most(p.Schedule.Shortest())
}
