package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// gate is where copies from other Regions arrive: an account has so many slots for
// them in each Region and for each kind.
type gate struct {
	kind            dr.Kind
	account, region string
}

// admit puts the copies into the plan for which there are slots and room, the
// oldest slot first, and of one slot those first whose destination is furthest
// behind, so that no source always comes last; the others wait. It comes after the creates, which have had
// the first choice of the room.
func (b *builder) admit(lim Limits) {
	errands := b.copying.errands
	if len(errands) == 0 {
		return
	}
	slices.SortStableFunc(errands, func(x, y errand) int {
		return cmp.Or(x.copy.Claim.Slot.Compare(y.copy.Claim.Slot), cmp.Compare(x.newest, y.newest), x.copy.From.Compare(y.copy.From), x.copy.To.Compare(y.copy.To))
	})
	used, planned := b.slotsInUse(), map[dr.Ref]bool{}
	for i := range errands {
		e := &errands[i]
		made := dr.Ref{Kind: e.copy.From.Kind, Site: e.copy.To, ID: e.copy.Name}
		if planned[made] { // On the way to two destinations at once.
			continue
		}
		if !b.admits(lim, e, used) {
			continue
		}
		planned[made] = true
		b.addShare(e.share, planned)
		b.plan.Actions = append(b.plan.Actions, e.copy)
	}
}

// admits takes the slots and the room of one copy, or says why it has to wait.
func (b *builder) admits(lim Limits, e *errand, used map[gate]int) bool {
	scope := dr.Scope{Kind: e.copy.From.Kind, Site: e.copy.To}
	g := gate{scope.Kind, scope.Site.Account, scope.Site.Region}
	slots := cmp.Or(b.ix.inv.Quotas[scope].Copies, lim.Defaults[scope.Kind].Copies, lim.Routes[scope.Kind].Copies)
	// More volumes than slots go in one after the other, once all slots are free.
	if e.weight > 0 && slots > 0 && used[g] > 0 && used[g]+e.weight > slots {
		b.postpone(e, Reason{Code: CopySlots, Text: fmt.Sprintf("deferred: %d of %d copy slots into %s in use", used[g], slots, g.region)})
		return false
	}
	// Files in buckets and vaults count against no quota of snapshots.
	most, full, later := 0, false, false
	if means := lim.Routes[scope.Kind].Means; means != ByFile && means != ByVault {
		most, full, later = b.cramped(lim, scope)
	}
	switch {
	case later:
		b.postpone(e, Reason{Code: CopyRoom, Text: fmt.Sprintf("deferred: all %d manual snapshots at %s are in use until what has expired is deleted", most, e.copy.To.Name)})
		return false
	case full:
		b.plan.Refused = append(b.plan.Refused, Verdict{
			Ref: e.copy.From, Name: e.copy.From.ID, Policy: e.copy.Claim.Policy,
			Reason: Reason{Code: QuotaFull, Text: fmt.Sprintf("it cannot be copied to %s: %s", e.copy.To.Name, fullText(most))},
			Remedy: fullRemedy(scope.Kind),
		})
		return false
	}
	used[g] += e.weight
	return true
}

func (b *builder) postpone(e *errand, why Reason) {
	b.plan.Waiting = append(b.plan.Waiting, Verdict{
		Ref: e.copy.From, Name: e.copy.Of, Policy: e.copy.Claim.Policy, Taken: e.copy.Taken,
		Reason: Reason{Code: why.Code, Text: why.Text + "; the copy of slot " + stamp(e.copy.Claim.Slot) + " to " + e.copy.To.Name + " follows"},
	})
}

// addShare plans a share once, however many copies need it.
func (b *builder) addShare(a *Action, planned map[dr.Ref]bool) {
	if a == nil {
		return
	}
	key := a.From
	key.ID += "\x00" + a.With
	if !planned[key] {
		planned[key] = true
		b.plan.Actions = append(b.plan.Actions, *a)
	}
}

// slotsInUse counts the copies from other Regions that are being made, whoever
// makes them.
func (b *builder) slotsInUse() map[gate]int {
	used := map[gate]int{}
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		if s.State == dr.Pending && (s.CopyOf != "" || s.Claim.Origin != "") && originRegion(s) != s.Ref.Site.Region {
			used[gate{s.Ref.Kind, s.Ref.Site.Account, s.Ref.Site.Region}] += max(len(s.Members), 1)
		}
	}
	return used
}

// originRegion gives the Region that a copy comes from; empty where nothing tells.
func originRegion(s *dr.Snapshot) string {
	if s.Claim.Stage != "" {
		return s.Ref.Site.Region
	}
	if part := strings.Split(s.Claim.Origin, "/"); len(part) == 4 {
		return part[2]
	}
	if part := strings.Split(s.CopyOf, ":"); len(part) > 5 && part[0] == "arn" {
		return part[3]
	}
	return ""
}

// withdraw takes back the shares that no copy needs any longer. Where a site of the
// account cannot be seen, or it is not known whose a site is, they stay.
func (b *builder) withdraw() {
	var pending map[string]bool
	var going map[int]bool
	for i := range b.ix.inv.Snapshots {
		s := &b.ix.inv.Snapshots[i]
		if len(s.Shared) == 0 || s.Claim.Owner != b.file.Namespace || s.Claim.Owner == "" || s.State != dr.Good {
			continue
		}
		if pending == nil { // Most plans need to know neither.
			pending, going = b.pendingOrigins(), b.going()
		}
		if going[i] {
			continue // A share goes with its snapshot.
		}
		for _, account := range s.Shared {
			origin := cmp.Or(s.Claim.Origin, s.Ref.Origin())
			if slices.Contains(b.copying.shares[i], account) || pending[origin+"\x00"+account] || !b.seesAccount(s.Ref.Kind, account) {
				continue
			}
			why := "no copy of it is to be made there any more"
			if name := b.copying.unlent[i]; name != "" {
				why = "site " + name + " would not keep it any longer"
			}
			b.plan.Actions = append(b.plan.Actions, Action{
				Verb: Withdraw, From: s.Ref, To: s.Ref.Site, Name: s.Ref.ID, Of: b.called(s), Claim: s.Claim, Taken: s.Taken,
				With: account, Members: s.Members, Reason: Reason{Code: ShareOver, Text: why},
			})
		}
	}
}

// going gives the snapshots that the plan deletes, by their index.
func (b *builder) going() map[int]bool {
	going := map[int]bool{}
	for _, t := range b.settled {
		if t.code >= expired {
			going[t.at] = true
		}
	}
	return going
}

// pendingOrigins names the snapshots of which copies are being made, each with the
// account that makes it.
func (b *builder) pendingOrigins() map[string]bool {
	out := map[string]bool{}
	for i := range b.ix.inv.Snapshots {
		if s := &b.ix.inv.Snapshots[i]; s.State == dr.Pending && s.Claim.Origin != "" {
			out[s.Claim.Origin+"\x00"+s.Ref.Site.Account] = true
		}
	}
	return out
}

// seesAccount reports whether all sites of an account have been seen.
func (b *builder) seesAccount(k dr.Kind, account string) bool {
	known := map[string]string{}
	for _, s := range b.file.Sites {
		known[s.Name] = s.Account
	}
	for _, s := range b.ix.inv.Sites {
		known[s.Name] = s.Account
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if a := known[name]; (a == "" || a == account) && !b.seesSnapshots(k, dr.Site{Name: name}) {
			return false
		}
	}
	return true
}
