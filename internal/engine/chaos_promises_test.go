package engine_test

import (
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// recovery is one recovery point: what there may be only one of.
type recovery struct {
	source, policy string
	slot           time.Time
	site           dr.Site
}

func recoveryOf(s dr.Snapshot) recovery {
	return recovery{s.Claim.Source, s.Claim.Policy, s.Claim.Slot, s.Ref.Site}
}

// family is the recovery points of one resource under one policy.
type family struct {
	source, policy string
	site           dr.Site
}

func familyOf(s dr.Snapshot) family { return family{s.Claim.Source, s.Claim.Policy, s.Ref.Site} }

func (c *chaos) ours(s dr.Snapshot) bool { return s.Claim.Owner == c.file.Namespace }

// check asks whether the promises were held from one moment to another.
func (c *chaos) check(before, after dr.Inventory) {
	there, tried := map[dr.Ref]bool{}, map[recovery]bool{}
	for _, s := range after.Snapshots {
		there[s.Ref] = s.State != dr.Going
		tried[recoveryOf(s)] = tried[recoveryOf(s)] || s.State != dr.Going
	}
	c.checkGone(before, there, tried)
	c.checkFloors(before, after)
	c.checkSingle(after)
	known := map[dr.Ref]bool{}
	for _, s := range before.Snapshots {
		known[s.Ref] = true
	}
	for _, s := range after.Snapshots {
		if !known[s.Ref] && c.ours(s) {
			c.sum.creates++
		}
	}
	if c.Failed() {
		c.Errorf("that was run %d, at %s", c.sum.runs, time.Now())
	}
}

// checkGone asks that nothing is gone but what may go. A failed one may also go once
// there is a later try, which a second process saw under way a moment before that
// failed too.
func (c *chaos) checkGone(before dr.Inventory, there map[dr.Ref]bool, tried map[recovery]bool) {
	for _, s := range before.Snapshots {
		if there[s.Ref] || c.byHand[s.Ref] || s.State == dr.Going {
			continue
		}
		c.sum.deletes++
		switch {
		case !c.ours(s):
			c.Errorf("%s is gone, and it was not ours: owner %q", s.Ref, s.Claim.Owner)
		case s.Claim.Keep || c.heldNow[s.Ref]:
			c.Errorf("%s is gone, and a person held it", s.Ref)
		case !c.mayGo[s.Ref] && (s.State != dr.Failed || !tried[recoveryOf(s)]):
			c.Errorf("%s (%s) is gone, and on what was there no plan would delete it", s.Ref, s.State)
		}
	}
}

// checkFloors asks that no family was left with fewer good ones than its floor,
// or than it had.
func (c *chaos) checkFloors(before, after dr.Inventory) {
	had, has := map[family]int{}, map[family]int{}
	for _, s := range before.Snapshots {
		if s.State == dr.Good && c.ours(s) && !c.byHand[s.Ref] && !c.freed[s.Ref] {
			had[familyOf(s)]++
		}
	}
	for _, s := range after.Snapshots {
		if s.State == dr.Good {
			has[familyOf(s)]++
		}
	}
	for fam, n := range had {
		p, ok := c.file.Policy(fam.policy)
		if !ok {
			c.Errorf("there is a policy %q", fam.policy)
		}
		if want := min(n, p.Keep.Floor); has[fam] < want {
			c.Errorf("%v has %d good snapshots, had %d, and must have %d", fam, has[fam], n, want)
		}
	}
}

// checkSingle asks that no two snapshots stand for the same recovery point.
func (c *chaos) checkSingle(after dr.Inventory) {
	first := map[recovery]dr.Ref{}
	for _, s := range after.Snapshots {
		if !c.ours(s) || s.State != dr.Good && s.State != dr.Pending {
			continue
		}
		if other, twice := first[recoveryOf(s)]; twice {
			c.Errorf("%s and %s hold the same slot", other, s.Ref)
		}
		first[recoveryOf(s)] = s.Ref
	}
}
