package plan

import (
	"fmt"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Violation is an action that would break the promise that nothing good is lost.
type Violation struct {
	Action Action
	Why    string
	// Missing is set where a snapshot that is to be deleted was not seen at all.
	Missing bool
}

// Error names the action and what is wrong with it.
func (v Violation) Error() string {
	return fmt.Sprintf("%s %s: %s", v.Action.Verb, v.Action.Name, v.Why)
}

// Check looks at a plan once more, with code that shares nothing with Build, and
// reports every action that would lose something good or make something twice.
// An empty result is the condition for applying the plan.
func Check(p Plan, f policy.File, inv dr.Inventory) []Violation {
	c := checker{
		file:    f,
		inv:     inv,
		actions: p.Actions,
		going:   map[dr.Ref]int{},
		good:    make([]bool, len(p.Actions)),
		counts:  map[family]count{},
		names:   map[dr.Ref]bool{}, restoring: restoring(inv.Resources),
	}
	for i := range p.Actions {
		c.action(i)
	}
	c.lookAtSnapshots()
	c.unknownDeletes()
	c.floors()
	c.copies()
	c.retirements(p.At)
	return c.found
}

// family is the good snapshots among which a floor counts.
type family struct {
	source, policy string
	site           dr.Site
	copy           bool
	stage          string
}

// count is how many good snapshots a family has before and after.
type count struct{ before, left int }

type checker struct {
	file    policy.File
	inv     dr.Inventory
	actions []Action
	going   map[dr.Ref]int // deletes not yet matched with a snapshot
	good    []bool         // by action: the snapshot was seen to be good
	counts  map[family]count
	names   map[dr.Ref]bool
	// restoring are the snapshots from which restores are under way.
	restoring map[dr.Ref]string
	found     []Violation
}

func (c *checker) object(a *Action, format string, args ...any) {
	c.found = append(c.found, Violation{Action: *a, Why: fmt.Sprintf(format, args...)})
}

func (c *checker) action(i int) {
	a := &c.actions[i]
	switch a.Verb {
	case Delete:
		if _, twice := c.going[a.From]; twice {
			c.object(a, "the plan deletes it twice")
		}
		c.going[a.From] = i
		// Only families that lose something have to be counted.
		c.counts[family{a.Claim.Source, a.Claim.Policy, a.From.Site, a.Claim.Origin != "", a.Claim.Stage}] = count{}
	case Create, Promote, Copy:
		made := dr.Ref{Kind: a.From.Kind, Site: a.To, ID: a.Name}
		if c.names[made] {
			c.object(a, "the plan makes two snapshots of this name")
		}
		c.names[made] = true
		if a.Claim.Owner != c.file.Namespace || a.Claim.Owner == "" {
			c.object(a, "it would be claimed for %q, and this installation is %q", a.Claim.Owner, c.file.Namespace)
		}
	case Adopt:
		c.adoption(a)
	case Configure:
		c.configures(a)
	case Share, Withdraw, Retire: // They are looked at below.
	case Hold, Release:
		c.object(a, "a person's hold is never planned")
	}
}

// lookAtSnapshots passes over all snapshots once: what may not be deleted is
// objected to, and what would be left is counted.
func (c *checker) lookAtSnapshots() {
	if len(c.going) == 0 {
		return
	}
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		n, goes := c.going[s.Ref]
		if goes {
			c.mayGo(&c.actions[n], s)
			delete(c.going, s.Ref)
		}
		if s.State != dr.Good || s.Claim.Owner != c.file.Namespace {
			continue
		}
		if goes {
			c.good[n] = true
		}
		c.tally(s, goes)
	}
}

func (c *checker) tally(s *dr.Snapshot, goes bool) {
	fam := familyOf(s)
	n, counted := c.counts[fam]
	if !counted {
		return
	}
	n.before++
	if !goes {
		n.left++
	}
	c.counts[fam] = n
}

func familyOf(s *dr.Snapshot) family {
	return family{s.Claim.Source, s.Claim.Policy, s.Ref.Site, s.Claim.Origin != "", s.Claim.Stage}
}

func (c *checker) mayGo(a *Action, s *dr.Snapshot) {
	if s.Claim.Owner == "" || s.Claim.Owner != c.file.Namespace {
		c.object(a, "it is not ours (owner %q)", s.Claim.Owner)
	}
	if s.Flaw != "" {
		c.object(a, "its claim cannot be read: %s", s.Flaw)
	}
	if s.Claim.Keep {
		c.object(a, "a person holds it")
	}
	if s.State != dr.Good && s.State != dr.Failed {
		c.object(a, "it is %s", s.State)
	}
	if s.Claim != a.Claim {
		c.object(a, "the claim in the plan is not the one that was seen")
	}
	if id := c.restoring[s.Ref]; id != "" {
		c.object(a, "restore %s is under way from it", id)
	}
	if err, gap := c.inv.Gaps[dr.Scope{Kind: s.Ref.Kind, Site: s.Ref.Site}]; gap {
		c.object(a, "its scope could not be seen whole: %v", err)
	}
}

// unknownDeletes objects to deletes of what was not seen.
func (c *checker) unknownDeletes() {
	for _, a := range c.actions {
		if _, unmatched := c.going[a.From]; a.Verb == Delete && unmatched {
			c.found = append(c.found, Violation{Action: a, Why: "no such snapshot was seen", Missing: true})
		}
	}
}

// floors objects to every delete in a family that would be left with fewer good
// snapshots than its floor.
func (c *checker) floors() {
	for i := range c.actions {
		a := &c.actions[i]
		if a.Verb != Delete || !c.good[i] {
			continue
		}
		if a.Claim.Stage != "" {
			continue // It is no recovery point; see checkcopy.go.
		}
		fam := family{a.Claim.Source, a.Claim.Policy, a.From.Site, a.Claim.Origin != "", a.Claim.Stage}
		floor, known := c.floor(fam)
		n := c.counts[fam]
		switch {
		case !known:
			c.object(a, "no policy %q says that it may expire", fam.policy)
		case n.left < floor:
			c.object(a, "%d of %d good snapshots would be left, and the floor is %d", n.left, n.before, floor)
		}
	}
}

func (c *checker) floor(fam family) (int, bool) {
	if fam.copy {
		return c.copyFloor(fam)
	}
	if fam.policy == policy.TagPolicyName {
		return c.tagFloor(fam)
	}
	for _, p := range c.file.Policies {
		if p.Name != fam.policy {
			continue
		}
		return p.Keep.Floor, true
	}
	return 0, false
}

// Withhold takes out of a plan what Check objected to, and with it every delete:
// a plan that is wrong in one place is not trusted to delete in another. What is
// withheld is refused with its reason.
func Withhold(p Plan, found []Violation) Plan {
	if len(found) == 0 {
		return p
	}
	why := map[dr.Ref]string{}
	for _, v := range found {
		why[subject(v.Action)] = v.Why
	}
	kept := make([]Action, 0, len(p.Actions))
	for _, a := range p.Actions {
		text, objected := why[subject(a)]
		switch {
		case objected:
			text = "the check before applying objects: " + text
		case a.Verb == Delete || a.Verb == Retire:
			text = "the check before applying objects to another part of this plan, so nothing is deleted"
		default:
			kept = append(kept, a)
			continue
		}
		p.Refused = append(p.Refused, Verdict{
			Ref: a.From, Name: a.Name, Policy: a.Claim.Policy, Taken: a.Taken,
			Reason: Reason{Code: Guarded, Text: text},
			Remedy: "this is a fault of holdfast: report it with the output of `holdfast plan --json`",
		})
	}
	p.Actions = kept
	return p
}

// subject is the snapshot that an action makes or changes.
func subject(a Action) dr.Ref { return dr.Ref{Kind: a.From.Kind, Site: a.To, ID: a.Name} }

// tagFloor finds the floor of snapshots whose policy stands in the tags of their
// source, or stood there. Where several were written the highest counts.
func (c *checker) tagFloor(fam family) (floor int, known bool) {
	for i := range c.inv.Resources {
		r := &c.inv.Resources[i]
		if r.Ref.Source() != fam.source {
			continue
		}
		p, ok, err := c.file.Stated(*r)
		if err != nil {
			return 0, false
		}
		if ok && p.Name == policy.TagPolicyName {
			return p.Keep.Floor, true
		}
	}
	return c.writtenFloor(fam)
}

// writtenFloor gives the highest floor that was written with the snapshots of a
// family.
func (c *checker) writtenFloor(fam family) (floor int, known bool) {
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if s.Claim.Owner != c.file.Namespace || familyOf(s) != fam {
			continue
		}
		if keep, err := policy.ParseRetention(s.Claim.Retention); err == nil {
			floor, known = max(floor, keep.Floor), true
		}
	}
	return floor, known
}

// adoption objects to a claim on what is somebody's already, or was not seen.
func (c *checker) adoption(a *Action) {
	for i := range c.inv.Snapshots {
		s := &c.inv.Snapshots[i]
		if s.Ref != a.From {
			continue
		}
		if s.Claim.Ours() || s.Flaw != "" || s.Automated {
			c.object(a, "it is claimed already (owner %q), or the service's own", s.Claim.Owner)
		}
		if s.Presumed != nil && !s.Presumed.Is(a.Claim) {
			c.object(a, "its name stands for slot %s of %s under %s, and not for this claim", s.Presumed.Slot, s.Presumed.Source, s.Presumed.Policy)
		}
		if a.Claim.Owner != c.file.Namespace || a.Claim.Owner == "" {
			c.object(a, "it would be claimed for %q, and this installation is %q", a.Claim.Owner, c.file.Namespace)
		}
		return
	}
	c.object(a, "no such snapshot was seen")
}
