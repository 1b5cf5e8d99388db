package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Build plans what is to be done at now. It is total: whatever it cannot do or
// does not know becomes a verdict, not an error.
func Build(now time.Time, f policy.File, inv dr.Inventory, lim Limits) Plan {
	b := newBuilder(now, f, inv)
	covers := b.covers(sortedResources(inv))
	for _, c := range covers {
		b.protect(c)
	}
	b.retirements(sortedResources(inv))
	b.copies(lim)
	b.finish()
	b.retain()
	b.limitDeletes(lim)
	b.daily(covers)
	b.order()
	b.quota(lim, covers)
	b.keys()
	b.outlook(lim, covers)
	b.settings(lim, covers)
	b.admit(lim)
	b.withdraw()
	b.write()
	return b.plan
}

// Wish is a snapshot that a person asks for, whatever the schedule says.
type Wish struct {
	Resource dr.Resource
	// Policy is the one whose retention the snapshot falls under.
	Policy string
	// Keep marks it so that it never expires.
	Keep bool
}

// Ask plans the snapshots that a person asks for, and nothing else.
func Ask(now time.Time, f policy.File, inv dr.Inventory, wishes ...Wish) Plan {
	b := newBuilder(now, f, inv)
	for _, w := range wishes {
		b.grant(w)
	}
	b.order()
	return b.plan
}

type builder struct {
	now     time.Time
	file    policy.File
	ix      *index
	plan    Plan
	settled []settlement
	// stated is what resources state in their tags, by source.
	stated map[string]statement
	// slots remembers the current slot of each policy of the file.
	slots map[string]time.Time
	// bySource finds the resources that are there.
	bySource map[string]*dr.Resource
	copying  copying
	room     room
	// retired are the deletes of what restores replaced. They come last of all.
	retired []Action
	// Scratch space, used anew for every line.
	points []policy.Point
	rules  []policy.Rules
}

func newBuilder(now time.Time, f policy.File, inv dr.Inventory) *builder {
	return &builder{
		now: now.UTC(), file: f, ix: newIndex(f.Namespace, inv),
		plan:   Plan{At: now.UTC(), Gaps: Gaps(inv)},
		stated: map[string]statement{}, slots: map[string]time.Time{}, bySource: map[string]*dr.Resource{},
	}
}

// remedied is an error that knows what a person can do about it.
type remedied interface {
	error
	Advice() string
}

func sortedScopes(m map[dr.Scope]int) []dr.Scope {
	return slices.SortedFunc(maps.Keys(m), compareScopes)
}

func policyNames(set map[string]bool) string {
	names := slices.Sorted(maps.Keys(set))
	if len(names) == 1 {
		return "policy " + names[0]
	}
	return "policies " + strings.Join(names, ", ")
}

// Gaps lists the scopes that could not be seen, in order.
func Gaps(inv dr.Inventory) []Gap {
	out := make([]Gap, 0, len(inv.Gaps))
	for s, err := range inv.Gaps {
		g := Gap{Scope: s, Error: err.Error()}
		if r, ok := errors.AsType[remedied](err); ok {
			g.Remedy = r.Advice()
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Gap) int { return compareScopes(a.Scope, b.Scope) })
	return out
}

func compareScopes(a, b dr.Scope) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), a.Site.Compare(b.Site))
}

func sortedResources(inv dr.Inventory) []*dr.Resource {
	out := make([]*dr.Resource, len(inv.Resources))
	for i := range inv.Resources {
		out[i] = &inv.Resources[i]
	}
	slices.SortFunc(out, func(a, b *dr.Resource) int { return a.Ref.Compare(b.Ref) })
	return out
}

// protect plans a snapshot of a resource under each of its policies whose
// current slot nothing good or pending holds.
func (b *builder) protect(c cover) {
	if c.bad != nil {
		b.condemn(c)
	}
	for _, p := range c.policies {
		slot := b.slot(p)
		l := b.ix.originals(*c.r, p.Name)
		if !slot.IsZero() && !b.served(l, slot) { // A schedule may end, or not have begun.
			b.take(p, c.r, l, slot)
		}
		b.judgeRPO(p, c.r)
	}
}

// slot gives the current slot of a policy, which is worked out once for each of
// the file.
func (b *builder) slot(p policy.Policy) time.Time {
	if p.Name == policy.TagPolicyName {
		return p.Schedule.Slot(b.now)
	}
	slot, ok := b.slots[p.Name]
	if !ok {
		slot = p.Schedule.Slot(b.now)
		b.slots[p.Name] = slot
	}
	return slot
}

// served reports whether a good or pending snapshot holds the slot.
func (b *builder) served(l *line, slot time.Time) bool {
	for _, e := range l.snaps {
		if e.slot < slot.Unix() {
			return false
		}
		if s := &b.ix.inv.Snapshots[e.at]; e.slot == slot.Unix() && (s.State == dr.Good || s.State == dr.Pending) {
			return true
		}
	}
	return false
}

func (b *builder) take(p policy.Policy, r *dr.Resource, l *line, slot time.Time) {
	if b.ix.interrupted(r.Ref, p.Name, slot) {
		return // It is there, and serves the slot once it is finished.
	}
	if s := b.ix.automatedSince(r.Ref, slot); s != nil && !sent(p, r) {
		b.plan.Actions = append(b.plan.Actions, b.promotion(s, r, p, l, slot))
		return
	}
	ids, some := parts(p, r)
	if !some {
		b.plan.Refused = append(b.plan.Refused, about(r, p.Name,
			Reason{Code: NothingLeft, Text: "all of its volumes are left out, so there is nothing to take"},
			"take it out of policy "+p.Name+", or leave a volume in"))
		return
	}
	switch r.State {
	case dr.Ready:
		a := b.creation(r, p, l, slot)
		a.Parts = ids
		b.plan.Actions = append(b.plan.Actions, a)
	case dr.Blocked:
		b.plan.Refused = append(b.plan.Refused, about(r, p.Name,
			Reason{Code: Blocked, Text: "it is " + r.Status + ", and no snapshot can be taken of it"},
			"bring it back to available, or leave it out of policy "+p.Name+" (or by its tag "+dr.TagExclude+")"))
	case dr.Leaving:
		b.plan.Waiting = append(b.plan.Waiting, about(r, p.Name,
			Reason{Code: Leaving, Text: "it is being deleted"}, ""))
	case dr.Busy:
		b.plan.Waiting = append(b.plan.Waiting, about(r, p.Name,
			Reason{Code: Busy, Text: "it is " + r.Status + "; its snapshot is taken when that is over"}, ""))
	}
}

func about(r *dr.Resource, policyName string, why Reason, remedy string) Verdict {
	return Verdict{Ref: r.Ref, Name: r.Name, Policy: policyName, Reason: why, Remedy: remedy}
}

func (b *builder) creation(r *dr.Resource, p policy.Policy, l *line, slot time.Time) Action {
	why := Reason{Code: Due, Text: b.dueText(p, l, slot)}
	claim := dr.Claim{
		Owner: b.file.Namespace, Policy: p.Name, Slot: slot.UTC(),
		Source: r.Ref.Source(), Config: r.Captured(),
	}
	if p.Name == policy.TagPolicyName {
		claim.Retention = p.Keep.Tag()
	}
	name, attempt := b.freeName(claim, r, l)
	if attempt > 0 {
		why = Reason{Code: Retry, Text: fmt.Sprintf("the last try for slot %s failed", stamp(slot))}
	}
	return Action{Verb: Create, From: r.Ref, To: r.Ref.Site, Name: name, Of: r.Name, Claim: claim, Tags: ownTags(r.Tags), Reason: why}
}

// promotion turns a snapshot that the service took within the slot into the one
// that serves it, instead of taking another.
func (b *builder) promotion(s *dr.Snapshot, r *dr.Resource, p policy.Policy, l *line, slot time.Time) Action {
	a := b.creation(r, p, l, slot)
	a.Verb, a.From, a.Taken = Promote, s.Ref, s.Taken
	a.Reason = Reason{Code: AlreadyTaken, Text: fmt.Sprintf("slot %s (%s); the service took one at %s, which is kept instead of taking another",
		stamp(slot), p.Schedule, stamp(s.Taken))}
	return a
}

func (b *builder) dueText(p policy.Policy, l *line, slot time.Time) string {
	for _, e := range l.snaps {
		if s := &b.ix.inv.Snapshots[e.at]; s.State == dr.Good {
			return fmt.Sprintf("slot %s (%s); the newest good one is of %s", stamp(slot), p.Schedule, stamp(s.Taken))
		}
	}
	return fmt.Sprintf("slot %s (%s); there is no good one yet", stamp(slot), p.Schedule)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// freeName gives the first name for a claim that no snapshot of the same slot
// bears yet: a try that failed keeps its name until it is deleted.
func (b *builder) freeName(c dr.Claim, r *dr.Resource, l *line) (name string, attempt int) {
	limit := cmp.Or(r.NameLimit, 255)
	for {
		name = dr.SnapshotName(c, r.Name, attempt, limit)
		taken := slices.ContainsFunc(l.snaps, func(e entry) bool {
			return e.slot == c.Slot.Unix() && b.ix.inv.Snapshots[e.at].Ref.ID == name
		})
		if !taken && !b.ix.leftOver(r.Ref, name) {
			return name, attempt
		}
		attempt++
	}
}

// ownTags gives the tags of a resource that its snapshot may carry: those of AWS
// may not be written, and those of holdfast mean something else on a snapshot.
func ownTags(t dr.Tags) dr.Tags {
	var out dr.Tags
	for k, v := range t {
		if strings.HasPrefix(k, "aws:") || strings.HasPrefix(k, "rds:") || strings.HasPrefix(k, dr.TagPrefix) {
			continue
		}
		if out == nil {
			out = dr.Tags{}
		}
		out[k] = v
	}
	return out
}

// grant plans a snapshot that was asked for. Its slot is the moment itself, so
// it never stands in for a scheduled one.
func (b *builder) grant(w Wish) {
	r := &w.Resource
	if r.State != dr.Ready {
		b.plan.Refused = append(b.plan.Refused, about(r, w.Policy,
			Reason{Code: Blocked, Text: "it is " + r.Status + ", and no snapshot can be taken of it now"},
			"ask again when it is available"))
		return
	}
	claim := dr.Claim{
		Owner: b.file.Namespace, Policy: w.Policy, Slot: b.now.Truncate(time.Second),
		Source: r.Ref.Source(), Keep: w.Keep, Config: r.Captured(),
	}
	name, _ := b.freeName(claim, r, b.ix.originals(*r, w.Policy))
	p, _ := b.file.Policy(w.Policy)
	if w.Policy == policy.TagPolicyName {
		if stated, ok, err := b.file.Stated(*r); ok && err == nil {
			p, claim.Retention = stated, stated.Keep.Tag()
		}
	}
	ids, _ := parts(p, r)
	b.plan.Actions = append(b.plan.Actions, Action{
		Verb: Create, From: r.Ref, To: r.Ref.Site, Name: name, Of: r.Name, Claim: claim, Parts: ids, Tags: ownTags(r.Tags),
		Reason: Reason{Code: Asked, Text: "asked for now, under policy " + w.Policy},
	})
}

// order brings all but the deletes, which come after it and have an order of
// their own, into the order of what they are about.
func (b *builder) order() {
	byRef := func(x, y Action) int { return cmp.Or(x.From.Compare(y.From), strings.Compare(x.Name, y.Name)) }
	slices.SortStableFunc(b.plan.Actions, byRef)
	byVerdict := func(x, y Verdict) int {
		return cmp.Or(x.Ref.Compare(y.Ref), strings.Compare(x.Policy, y.Policy), strings.Compare(string(x.Reason.Code), string(y.Reason.Code)))
	}
	for _, list := range [][]Verdict{b.plan.Waiting, b.plan.Breaches} {
		slices.SortStableFunc(list, byVerdict)
	}
}
