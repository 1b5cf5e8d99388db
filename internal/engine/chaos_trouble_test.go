package engine_test

import (
	"fmt"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// breakThings sets faults for the calls of some processes. It tells how to end
// them, and whether one of them shows the past.
func (c *chaos) breakThings(processes []*process) (heal []func(), stale bool) {
	for i, p := range processes {
		if i > 0 && c.chance(60) { // The other's work does not show yet.
			heal = append(heal, c.Inject(sandbox.Fault{
				Match: sandbox.Match{Client: p.client, Action: "DescribeDBSnapshots"},
				Kind:  sandbox.Stale, StaleBy: 100*time.Second + c.upTo(20*time.Second),
			}))
			stale = true
			c.sum.faults++
		}
		for c.chance(55) {
			f := c.someFault()
			f.Client = p.client
			heal = append(heal, c.Inject(f))
			stale = stale || f.Kind == sandbox.Stale
			c.sum.faults++
		}
	}
	return heal, stale
}

func (c *chaos) someFault() sandbox.Fault {
	f := sandbox.Fault{Match: sandbox.Match{Action: pick(c, []string{
		"", "DescribeDBInstances", "DescribeDBSnapshots", "DescribeDBSnapshots", "CreateDBSnapshot", "DeleteDBSnapshot",
		"GetCallerIdentity", "AssumeRole",
	})}}
	if c.chance(50) {
		f.Account = pick(c, accounts())
	}
	f.Skip, f.Times = c.IntN(12), 1+c.IntN(12) // A call is tried 8 times.
	switch f.Kind = pick(c, []sandbox.FaultKind{
		sandbox.Fail, sandbox.Fail, sandbox.Timeout, sandbox.Stale, sandbox.Stale,
		sandbox.CrashBefore, sandbox.CrashAfter, sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Deny,
	}); f.Kind {
	case sandbox.Fail:
		f.Code = pick(c, []string{"InternalFailure", "Throttling"})
	case sandbox.Stale:
		f.Skip, f.Times = 0, 0
		f.StaleBy = 5*time.Second + c.upTo(115*time.Second)
	case sandbox.CrashBefore, sandbox.CrashAfter:
		f.Times = 1
	case sandbox.Timeout, sandbox.Deny:
	}
	return f
}

// somebodyActs lets a person or AWS itself do something, well before a run.
func (c *chaos) somebodyActs() {
	account, db := pick(c, accounts()), pick(c, databases())
	switch c.IntN(7) {
	case 0:
		c.must(c.SetDBInstanceStatus(account, region, db, pick(c, []string{"stopped", "failed", "storage-full", "backing-up"})))
	case 1, 2:
		c.must(c.SetDBInstanceStatus(account, region, db, "available"))
	case 3:
		c.must(c.FailNextDBSnapshots(account, region, db, 1+c.IntN(2)))
	case 4:
		c.theirs(account, db)
	default:
		c.handle(c.after)
	}
}

// foreign makes snapshots that are not ours: somebody's own, or those of another
// installation.
func (c *chaos) theirs(account, db string) {
	tags := dr.Tags{"made-by": "hand"}
	if c.chance(50) {
		tags = dr.Claim{Owner: "other", Policy: "hourly", Slot: c.slot(5), Source: "rds/" + account + "/" + region + "/" + db}.Tags()
	}
	c.put(account, db, fmt.Sprintf("theirs-%d", c.Uint64()), c.Now(), tags)
}

// handle lets a person do something to a snapshot that is complete.
func (c *chaos) handle(inv dr.Inventory) {
	var good []dr.Snapshot
	for _, s := range inv.Snapshots {
		if s.State == dr.Good && !c.byHand[s.Ref] {
			good = append(good, s)
		}
	}
	if len(good) == 0 {
		return
	}
	s := pick(c, good)
	who := c.people[s.Ref.Site.Account]
	switch n := c.IntN(10); {
	case n < 3 && s.Claim.Ours():
		who.tag(s.Ref.ID, dr.TagKeep, "yes")
		c.heldNow[s.Ref] = true
	case n < 6 && s.Claim.Keep:
		who.untag(s.Ref.ID, dr.TagKeep)
		delete(c.heldNow, s.Ref)
	case n < 7 && s.Claim.Ours():
		who.untag(s.Ref.ID, dr.TagOwner)
		c.freed[s.Ref] = true
	default:
		who.delete(s.Ref.ID)
		c.byHand[s.Ref] = true
	}
}

// getBetween lets a person act between a plan and its deletes: most likely on
// what is about to go.
func (c *chaos) getBetween(inv dr.Inventory) {
	if c.chance(70) {
		going := dr.Inventory{}
		for _, s := range inv.Snapshots {
			if c.mayGo[s.Ref] {
				going.Snapshots = append(going.Snapshots, s)
			}
		}
		inv = going
	}
	c.handle(inv)
}
