package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/engine"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// trouble gives every line that a person would read about a run, with what to do
// about it.
func trouble(r engine.Report) []string {
	var out []string
	for _, g := range r.Plan.Gaps {
		out = append(out, g.Error+" → "+g.Remedy)
	}
	for _, v := range r.Plan.Refused {
		out = append(out, fmt.Sprintf("%s %s: %s → %s", v.Ref.Site.Name, v.Name, v.Reason, v.Remedy))
	}
	for _, o := range r.Failed() {
		out = append(out, o.Err.Error()+" → "+store.Remedy(o.Err))
	}
	return out
}

const longName = "a-database-whose-name-has-as-many-characters-as-rds-will-accept"

const secondIDs = "second (222222222222 us-east-1)"

// Each trouble is told in one line with a remedy, and all the rest goes on.
func TestTroubleStaysWhereItIs(t *testing.T) {
	for _, tc := range []struct {
		name  string
		begin func(w *world, p *process)
		// say is what the one line must be; "*" stands for a snapshot's name.
		say string
		// taken is how many of the five databases are good in the end.
		taken int
	}{
		{"no trouble", func(*world, *process) {}, "", 5},
		{
			"failed",
			func(w *world, _ *process) { w.must(w.SetDBInstanceStatus(prod, region, "orders", "failed")) },
			"prod orders: it is failed, and no snapshot can be taken of it → bring it back to available, or leave it out of policy hourly (or by its tag holdfast:exclude)", 4,
		},
		{
			"stopped",
			func(w *world, _ *process) { w.must(w.SetDBInstanceStatus(second, region, "orders", "stopped")) },
			"second orders: it is stopped, and no snapshot can be taken of it → bring it back to available, or leave it out of policy hourly (or by its tag holdfast:exclude)", 4,
		},
		{
			"snapshot ends failed",
			func(w *world, _ *process) { w.must(w.FailNextDBSnapshots(prod, region, "orders", 1)) },
			"take snapshot * of rds orders at prod: it ended failed → look at the events of the database; the next run tries again under another name", 4,
		},
		{
			"quota full",
			func(w *world, _ *process) {
				w.must(w.SetQuota(second, region, sandbox.QuotaManualSnapshots, 1))
				w.taken(second, "catalog", "hourly", w.slot(0))
			},
			"take snapshot * of rds orders at " + secondIDs + ": SnapshotQuotaExceeded: Cannot create more than 1 manual snapshots" +
				" → delete snapshots that nobody needs, keep fewer by policy, or ask AWS for a higher quota", 4,
		},
		{
			"throttled for a while",
			func(w *world, p *process) {
				w.fault(p, "DescribeDBSnapshots", sandbox.Fault{Kind: sandbox.Fail, Code: "Throttling", Times: 7})
			}, "", 5,
		},
		{
			"throttled for ever",
			func(w *world, p *process) {
				w.Inject(sandbox.Fault{
					Match: sandbox.Match{Client: p.client, Account: second, Action: "DescribeDBSnapshots"},
					Kind:  sandbox.Fail, Code: "Throttling", Message: "Rate exceeded",
				})
			},
			"read rds at " + secondIDs + ": Throttling: Rate exceeded → AWS limits the rate of calls; the next run tries again", 3,
		},
		{
			"may not look",
			func(w *world, _ *process) { w.SetDenied(second, "rds:DescribeDBInstances") },
			"read rds at " + secondIDs + ": AccessDenied: User: arn:aws:sts::222222222222:assumed-role/holdfast/holdfast is not authorized to perform: " +
				"rds:DescribeDBInstances on resource: arn:aws:rds:us-east-1:222222222222:db:* because no identity-based policy allows the rds:DescribeDBInstances action" +
				" → grant the permission to the role; `holdfast check` lists all that are missing", 3,
		},
		{
			"may not assume the role",
			func(w *world, _ *process) { w.SetDenied(prod, "sts:AssumeRole") },
			"ask who we are at " + secondIDs + ": AccessDenied: User: arn:aws:iam::111111111111:root is not authorized to perform: " +
				"sts:AssumeRole on resource: arn:aws:iam::222222222222:role/holdfast because no identity-based policy allows the sts:AssumeRole action" +
				" → let the caller assume arn:aws:iam::222222222222:role/holdfast, and let that role trust the caller", 3,
		},
		{
			"name belongs to somebody else",
			func(w *world, _ *process) {
				c := dr.Claim{
					Owner: "test", Policy: "hourly", Slot: w.slot(0),
					Source: "rds/111111111111/us-east-1/orders",
				}
				w.put(prod, "orders", dr.SnapshotName(c, "orders", 0, 255), w.slot(0), dr.Tags{"made-by": "hand"})
			},
			"take snapshot * of rds orders at prod (111111111111 us-east-1): DBSnapshotAlreadyExists: Cannot create the snapshot because " +
				"a snapshot with the identifier * already exists. → a snapshot of this name exists and does not carry our claim; " +
				"holdfast does not touch it: rename or delete it yourself", 5, // The other's is good, too.
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, sandbox.Options{}, func(w *world) {
				w.gold(prod, "catalog", "orders", longName)
				w.gold(second, "catalog", "orders")
				p := w.process(parse(w, twoSites+hourly))
				tc.begin(w, p)
				r := p.RunAndWait(w.Context(), poll)
				w.checkTrouble(r, tc.say)
				if n := w.person(prod).good() + w.person(second).good(); n != tc.taken {
					w.Errorf("%d good snapshots, want %d", n, tc.taken)
				}
			})
		})
	}
}

func (w *world) checkTrouble(r engine.Report, want string) {
	w.Helper()
	got := trouble(r)
	if want == "" {
		if len(got) > 0 || !r.Whole() {
			w.Errorf("trouble: %q", got)
		}
		return
	}
	if r.Whole() || r.Nothing() {
		w.Errorf("whole %t, nothing %t; it was done in part", r.Whole(), r.Nothing())
	}
	if len(got) != 1 {
		w.Fatalf("%d lines, want 1:\n%s", len(got), strings.Join(got, "\n"))
	}
	for _, o := range r.Failed() {
		got[0] = strings.ReplaceAll(got[0], o.Action.Name, "*")
	}
	if got[0] != want {
		w.Errorf("it says\n%s\nand should\n%s", got[0], want)
	}
}

// Two accounts have databases of equal names: each has its own snapshots, and
// expiring one leaves the other alone.
func TestEqualNamesInTwoAccounts(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, "orders")
		w.gold(second, "orders")
		f := parse(w, twoSites+hourly)
		for range 10 {
			w.sleep(time.Hour)
			w.clean(w.process(f).RunAndWait(w.Context(), poll))
		}
		w.clean(w.process(f).RunOnce(w.Context())) // What the last one has replaced.
		for _, account := range []string{prod, second} {
			if n := w.person(account).good(); n != 4 {
				w.Errorf("account %s has %d good snapshots, want 4", account, n)
			}
		}
		for name := range w.person(prod).statuses() {
			if _, both := w.person(second).statuses()[name]; both {
				w.Errorf("both accounts have a snapshot %s", name)
			}
		}
	})
}

// A name of 63 characters, the longest that RDS takes, still gives snapshots
// names of their own.
func TestLongestName(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.gold(prod, longName, longName[:62]+"x")
		f := parse(w, oneSite+hourly)
		for range 3 {
			w.clean(w.process(f).RunAndWait(w.Context(), poll))
			w.sleep(time.Hour)
		}
		if n := w.person(prod).good(); n != 6 || len(longName) != 63 {
			w.Errorf("%d good snapshots, want 6; the name has %d characters", n, len(longName))
		}
	})
}
