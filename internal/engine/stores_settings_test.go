package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// bySetting is a policy for a service that copies by itself to another Region, and
// lets another account restore.
const bySetting = `namespace: test
sites:
  prod: {account: "111111111111", region: us-east-1}
  west: {account: "111111111111", region: us-west-2, key: alias/west}
  other: {account: "222222222222", region: us-east-1, role: holdfast}
policies:
  often:
    match: {kinds: [redshift]}
    every: 3h
    keep: {last: 4, floor: 2}
    copies:
      - {to: west, keep: {last: 6, floor: 1}}
      - {to: other, keep: {last: 2, floor: 1}}
`

// lending is a world with a cluster that another account can be let use, and gives
// the ARN of the key for the copies.
func lending(w *world) (f policy.File, key string) {
	w.Helper()
	_, err := w.PutKey(prod, region, sandbox.SeedKey{Name: "alias/home", Accounts: []string{second}})
	w.must(err)
	key, err = w.PutKey(prod, farRegion, sandbox.SeedKey{Name: "alias/west"})
	w.must(err)
	w.must(w.PutCluster(prod, region, "dwh", sandbox.SeedCluster{Key: "alias/home", Age: sandbox.Age(30 * time.Hour)}))
	return parseAll(w, bySetting), key
}

// times counts the calls that succeeded.
func (w *world) times(action string) int {
	n := 0
	for _, c := range w.Calls() {
		if c.Action == action && c.Code == "" {
			n++
		}
	}
	return n
}

// lentTo gives the accounts that can really restore from a snapshot.
func (w *world) lentTo(s dr.Snapshot) []string {
	w.Helper()
	got, err := redshift.NewFromConfig(w.hands(s.Ref.Site)).DescribeClusterSnapshots(w.Context(), &redshift.DescribeClusterSnapshotsInput{SnapshotIdentifier: &s.Ref.ID})
	w.must(err)
	var out []string
	for _, a := range got.Snapshots[0].AccountsWithRestoreAccess {
		out = append(out, *a.AccountId)
	}
	return out
}

// spread wants what the policy says, where it says it.
func (w *world) spread(f policy.File, key string) {
	w.Helper()
	var here, there []dr.Snapshot
	for _, s := range w.view(f).Snapshots {
		switch {
		case s.Automated:
		case s.Presumed != nil || s.Flaw != "" || s.State != dr.Good || s.Claim.Owner != f.Namespace:
			w.Errorf("left over: %+v, presumed %v", s, s.Presumed)
		case s.Ref.Site.Name == "prod":
			here = append(here, s)
		case s.Ref.Site.Name == "west":
			there = append(there, s)
		}
	}
	newest := func(x, y dr.Snapshot) int { return y.Claim.Slot.Compare(x.Claim.Slot) }
	slices.SortFunc(here, newest)
	slices.SortFunc(there, newest)
	if len(here) != 4 || len(there) != 6 {
		w.Fatalf("there are %d and %d copies, want 4 and 6", len(here), len(there))
	}
	for i, s := range here {
		if want := i < 2; slices.Contains(s.Shared, second) != want || slices.Contains(w.lentTo(s), second) != want {
			w.Errorf("number %d, of %s, is marked as shared with %v and is shared with %v", i, s.Claim.Slot, s.Shared, w.lentTo(s))
		}
		if !s.Claim.Slot.Equal(there[i].Claim.Slot) || there[i].Claim.Origin != s.Ref.Origin() {
			w.Errorf("%s has the copy %+v", s.Ref, there[i].Claim)
		}
	}
	for _, s := range there {
		settings, err := s.Claim.Config.Settings()
		if s.Key != key || s.Claim.Retention != "last=6 floor=1" || s.Claim.Taken.IsZero() || err != nil || settings["node"] == "" {
			w.Errorf("the copy does not stand alone: %+v", s)
		}
	}
}

// Some days of a cluster whose snapshots go to another Region by themselves and are
// lent to another account: all is set once, every copy is claimed and expires, and
// what is shared follows the newest.
func TestSettingsOverDays(t *testing.T) {
	bubble(t, sandbox.Options{Latency: 20 * time.Millisecond}, func(w *world) {
		f, key := lending(w)
		begun := w.clock.Now()
		for hour := range 5 * 24 {
			w.sleep(time.Until(begun.Add(time.Duration(hour) * time.Hour)))
			r := w.clean(w.carrier(f).RunOnce(w.Context()))
			if got := codes(r.Plan.Foretold); !slices.Equal(got, []plan.Code{plan.RestoreOnly}) {
				w.Fatalf("hour %d: foretold %v", hour, r.Plan.Foretold)
			}
			if want := min(hour, 1); hour < 2 && r.Plan.Count(plan.Configure) != 1-want {
				w.Errorf("hour %d: %v", hour, r.Plan.Actions)
			}
		}
		w.rest(f)
		w.spread(f, key)
		if w.times("EnableSnapshotCopy") != 1 || w.times("CreateSnapshotCopyGrant") != 1 || w.quotaErrors() > 0 {
			w.Errorf("%d settings, %d grants, %d times too many", w.times("EnableSnapshotCopy"), w.times("CreateSnapshotCopyGrant"), w.quotaErrors())
		}
		// The source is gone, and its copies keep what their own retention says.
		w.remove(dr.Ref{Kind: "redshift", Site: home(), ID: "dwh"})
		w.sleep(48 * time.Hour)
		w.rest(f)
		w.spread(f, key)
	})
}

// Whichever changing call a process dies at, before or after it took effect, the runs
// after it leave what the policy says, and nothing else.
func TestSettingsSurviveCrashes(t *testing.T) {
	actions := []string{
		"CreateSnapshotCopyGrant", "EnableSnapshotCopy", "CreateClusterSnapshot", "CreateTags", "AuthorizeSnapshotAccess",
		"RevokeSnapshotAccess", "DeleteTags", "DeleteClusterSnapshot",
	}
	for _, action := range actions {
		for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter} {
			for n := range 3 {
				if testing.Short() && n > 0 {
					continue
				}
				bubble(t, sandbox.Options{}, func(w *world) {
					f, key := lending(w)
					w.Inject(sandbox.Fault{Match: sandbox.Match{Service: "redshift", Action: action}, Kind: kind, Skip: n, Times: 1})
					for range 26 {
						w.carrier(f).RunOnce(w.Context())
						w.sleep(time.Hour)
					}
					w.rest(f)
					w.spread(f, key)
					if w.Failed() {
						w.Fatalf("it was %s %s %d", kind, action, n+1)
					}
				})
			}
		}
	}
}

// Another Region than the one that somebody has set is never switched to, and said.
func TestSettingsAreNotSwitched(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		w.must(w.PutCluster(prod, region, "dwh", sandbox.SeedCluster{SnapshotCopy: sandbox.SeedSnapshotCopy{Region: "eu-west-1"}}))
		w.must(w.PutNamespace(prod, region, "sales", sandbox.SeedNamespace{}))
		f := parseAll(w, bySetting)
		for range 12 {
			r := w.carrier(f).RunOnce(w.Context())
			if len(r.Failed()) > 0 || r.Plan.Count(plan.Configure) > 0 {
				w.Fatalf("failed %v of %v", r.Failed(), r.Plan.Actions)
			}
			if got := codes(r.Plan.Refused); !slices.Equal(got, []plan.Code{plan.NoRoute, plan.NoRoute, plan.NoRoute}) {
				w.Fatalf("refused: %+v", r.Plan.Refused)
			}
			w.sleep(time.Hour)
		}
		if w.times("DisableSnapshotCopy")+w.times("EnableSnapshotCopy") > 0 {
			w.Error("the setting was changed")
		}
	})
}
