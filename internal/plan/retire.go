package plan

import (
	"fmt"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// clockSkew is how far the service's clock may be behind the one that says that the
// time of an old one has come. AWS refuses requests whose time is further off.
const clockSkew = 15 * time.Minute

// Retiring plans what can be done now about old ones that a restore replaced, and
// nothing else.
func Retiring(now time.Time, f policy.File, inv dr.Inventory, refs ...dr.Ref) Plan {
	b := newBuilder(now, f, inv)
	wanted := map[dr.Ref]bool{}
	for _, r := range refs {
		wanted[r] = true
	}
	var mine []*dr.Resource
	for _, r := range sortedResources(inv) {
		if wanted[r.Ref] {
			mine = append(mine, r)
		}
	}
	b.retirements(mine)
	b.order()
	b.plan.Actions = append(b.plan.Actions, b.retired...)
	return b.plan
}

// retirements looks after the old ones that a restore replaced and that are kept for a
// while. When the time of one has come, a final snapshot is taken of it; when that is
// good, it is deleted.
func (b *builder) retirements(resources []*dr.Resource) {
	var places map[dr.Ref]*dr.Resource
	for _, r := range resources {
		text, kept := r.Tags[dr.TagExpires]
		if !kept || b.file.Namespace == "" || r.Tags[dr.TagKeeper] != b.file.Namespace {
			continue // Whoever keeps it looks after it.
		}
		if places == nil {
			places = placesIn(b.ix.inv)
		}
		until, err := parseExpiry(text)
		switch {
		case err != nil:
			b.stuck(r, fmt.Sprintf("its tag %s does not say until when: %v", dr.TagExpires, err),
				"write the tag as 2026-11-21T14:00:00Z, or take it off to keep the database for good")
		case r.State == dr.Leaving:
			b.retiresLater(r, Leaving, "it is being deleted")
		case b.now.Before(until):
			b.retiresLater(r, KeptUntil, "kept until "+stamp(until)+"; then a final snapshot is taken of it, and it is deleted")
		default:
			b.retire(r, places[dr.Ref{Kind: r.Ref.Kind, Site: r.Ref.Site, ID: r.Tags[dr.TagReplaced]}], until)
		}
	}
}

// placesIn finds resources by their own IDs and by those of their parts.
func placesIn(inv dr.Inventory) map[dr.Ref]*dr.Resource {
	at := map[dr.Ref]*dr.Resource{}
	for i := range inv.Resources {
		r := &inv.Resources[i]
		for _, part := range r.Parts {
			if ref := (dr.Ref{Kind: r.Ref.Kind, Site: r.Ref.Site, ID: part.ID}); at[ref] == nil {
				at[ref] = r
			}
		}
	}
	for i := range inv.Resources {
		at[inv.Resources[i].Ref] = &inv.Resources[i]
	}
	return at
}

// parseExpiry reads a moment as restores write it: it becomes the slot of a claim.
func parseExpiry(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not an RFC 3339 time", text)
	}
	if t = t.UTC(); t.Nanosecond() != 0 || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("%q is not a time in whole seconds", text)
	}
	return t, nil
}

func (b *builder) retiresLater(r *dr.Resource, code Code, text string) {
	b.plan.Waiting = append(b.plan.Waiting, about(r, dr.PolicyFinal, Reason{Code: code, Text: text}, ""))
}

func (b *builder) stuck(r *dr.Resource, text, remedy string) {
	b.plan.Refused = append(b.plan.Refused, about(r, dr.PolicyFinal,
		Reason{Code: NotRetired, Text: "a restore replaced it, and it is not deleted: " + text}, remedy))
}

// retire does the next thing about an old one whose time has come.
func (b *builder) retire(r, by *dr.Resource, until time.Time) {
	if b.hindered(r, by) {
		return
	}
	final, pending := b.finalOf(r, until)
	switch {
	case final == nil && pending != nil:
		b.retiresLater(r, FinalPending, "its final snapshot "+pending.Ref.ID+" is "+orWord(pending.Status, "still being made")+"; then it is deleted")
	case final == nil:
		b.takeFinal(r, until)
	case final.Taken.Before(until.Add(-clockSkew)):
		b.stuck(r, fmt.Sprintf("its final snapshot %s holds data of %s, and it was kept until %s", final.Ref.ID, stamp(final.Taken), stamp(until)),
			"see whether the clock here is right; delete that snapshot, and the next run takes another")
	default:
		b.retired = append(b.retired, Action{
			Verb: Retire, From: r.Ref, To: r.Ref.Site, Name: r.Ref.ID, Of: r.Name, Claim: final.Claim, Taken: final.Taken,
			Tags: dr.Tags{dr.TagExpires: r.Tags[dr.TagExpires], dr.TagKeeper: r.Tags[dr.TagKeeper], dr.TagReplaced: r.Tags[dr.TagReplaced]},
			Reason: Reason{Code: Replaced, Text: fmt.Sprintf("%s has its place, it was kept until %s, and snapshot %s holds its data",
				r.Tags[dr.TagReplaced], stamp(until), final.Ref.ID)},
		})
	}
}

func orWord(word, other string) string {
	if word == "" {
		return other
	}
	return word
}

// hindered reports whether an old one has to stay as it is, and says why.
func (b *builder) hindered(r, by *dr.Resource) bool {
	name := r.Tags[dr.TagReplaced]
	gap := b.ix.inv.Gaps[r.Ref.Scope()]
	switch {
	case gap != nil:
		b.retiresLater(r, Unseen, "its time has come, but its site could not be seen whole")
	case name == "":
		b.stuck(r, "no tag "+dr.TagReplaced+" says what replaced it",
			"delete it yourself, or take the tag "+dr.TagExpires+" off to keep it for good")
	case by == nil:
		b.stuck(r, name+", which replaced it, is not there",
			"if you deleted that on purpose, delete this one too; if this one is to be used again, take the tag "+dr.TagExpires+" off it")
	case by.Tags[dr.TagExpires] != "":
		b.stuck(r, name+", which replaced it, is itself kept only for a while",
			"take the tag "+dr.TagExpires+" off what is to be used again")
	case r.Tags[dr.TagRestore] != "" || by.Tags[dr.TagRestore] != "":
		b.retiresLater(r, Restoring, "its time has come, but a restore is still under way; `holdfast restore list` shows it")
	case by.State == dr.Blocked || by.State == dr.Leaving:
		b.stuck(r, fmt.Sprintf("%s, which replaced it, is %s", name, by.Status),
			"bring "+name+" back to available; until then this one is what there is")
	case r.State == dr.Busy:
		b.retiresLater(r, Busy, "it is "+r.Status+"; it is seen to when that is over")
	default:
		return false
	}
	return true
}

// finalOf finds the final snapshot of an old one, good or being made.
func (b *builder) finalOf(r *dr.Resource, until time.Time) (good, pending *dr.Snapshot) {
	for _, e := range b.ix.originals(*r, dr.PolicyFinal).snaps {
		s := &b.ix.inv.Snapshots[e.at]
		if e.slot != until.Unix() || s.Claim.Stage != "" {
			continue
		}
		switch {
		case s.State == dr.Good && (good == nil || s.Taken.After(good.Taken)):
			good = s
		case s.State == dr.Pending && pending == nil:
			pending = s
		}
	}
	return good, pending
}

// takeFinal plans the final snapshot of an old one.
func (b *builder) takeFinal(r *dr.Resource, until time.Time) {
	ids, some := parts(policy.Policy{}, r)
	switch {
	case r.State != dr.Ready:
		b.stuck(r, "it is "+r.Status+", and no final snapshot can be taken of it",
			"bring it back to available, or, if nobody needs its data, delete it yourself")
		return
	case !some:
		b.stuck(r, "all of its volumes are left out, so no final snapshot can be taken of it",
			"take the tag "+dr.TagExclude+" off its volumes, or delete it yourself")
		return
	}
	claim := dr.Claim{Owner: b.file.Namespace, Policy: dr.PolicyFinal, Slot: until, Source: r.Ref.Source(), Config: r.Config}
	why := Reason{Code: FinalSnapshot, Text: fmt.Sprintf("%s replaced it and it was kept until %s: a last one before it is deleted", r.Tags[dr.TagReplaced], stamp(until))}
	name, attempt := b.freeName(claim, r, b.ix.originals(*r, dr.PolicyFinal))
	if attempt > 0 {
		why.Text += "; the last try failed"
	}
	b.plan.Actions = append(b.plan.Actions, Action{
		Verb: Create, From: r.Ref, To: r.Ref.Site, Name: name, Of: r.Name, Claim: claim, Parts: ids, Tags: ownTags(r.Tags), Reason: why,
	})
}

// keepFinals keeps the final snapshots of what was replaced: they stay until a person
// deletes them. Tries that failed go when there is a good one or a later try.
func (b *builder) keepFinals(l *line) {
	served, tried := map[int64]bool{}, map[int64]bool{}
	for _, e := range l.snaps {
		if b.ix.inv.Snapshots[e.at].State == dr.Good {
			served[e.slot] = true
		}
	}
	for _, e := range l.snaps {
		s := &b.ix.inv.Snapshots[e.at]
		to := settlement{at: e.at, code: final}
		switch s.State {
		case dr.Good:
		case dr.Pending:
			to.code = unfinished
		case dr.Going:
			continue
		case dr.Unclear:
			to.code = odd
		case dr.Failed:
			if to.code = failedCurrent; served[e.slot] || tried[e.slot] {
				to.code = b.unlessHeld(s, broken)
			}
			tried[e.slot] = true
		}
		if s.Claim.Keep {
			to.code = held
		}
		b.settled = append(b.settled, to)
	}
}

// alsoRetired names, where resources would go in a scope too, what is counted with the
// snapshots.
func (b *builder) alsoRetired(scope dr.Scope) string {
	for i := range b.retired {
		if b.retired[i].From.Scope() == scope {
			return " and replaced ones"
		}
	}
	return ""
}
