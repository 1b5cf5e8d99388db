package redshift_test

import (
	"strings"
	"testing"
	"time"

	awsredshift "github.com/aws/aws-sdk-go-v2/service/redshift"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// cluster makes a cluster that has had automated snapshots for a while.
func (f *fixture) cluster(name string) dr.Resource {
	f.Helper()
	f.must(f.aws.PutCluster(account, region, name, sandbox.SeedCluster{Age: sandbox.Age(100 * time.Hour)}))
	return f.resource(name)
}

func (f *fixture) automated() dr.Snapshot {
	f.Helper()
	automated, _ := split(f.observe().Snapshots)
	if len(automated) == 0 {
		f.Fatal("there are no automated snapshots")
	}
	return newest(automated)
}

func TestPromote(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		automated, _ := split(f.observe().Snapshots)
		if len(automated) != 3 || automated[0].State != dr.Good || automated[0].Of != r.Ref || !strings.HasPrefix(automated[0].Ref.ID, "rs:dwh-") {
			f.Fatalf("automated snapshots of a day: %+v", automated)
		}
		a := action(r, newest(automated).Ref)
		for range 2 {
			f.must(f.apply(a))
		}
		if got := f.wantOne(a); !got.Taken.Equal(newest(automated).Taken) {
			f.Errorf("it was taken at %v, want that of the automated one, %v", got.Taken, newest(automated).Taken)
		}
		time.Sleep(30 * 24 * time.Hour) // The automated one is long gone.
		f.wantOne(a)
		f.must(f.apply(a))
	})
}

// Whenever a promotion is interrupted, the next try of the same slot makes it one
// snapshot with its claim: as a promotion, or as a create when the automated
// snapshot is gone meanwhile.
func TestPromoteInterrupted(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout} {
		for call := range 2 {
			for _, verb := range []plan.Verb{plan.Promote, plan.Create} {
				t.Run(string(kind)+" "+string(verb)+" "+string(rune('1'+call)), func(t *testing.T) {
					inBubble(t, func(f *fixture) {
						r := f.cluster("dwh")
						a := action(r, f.automated().Ref)
						f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "redshift"}, Kind: kind, Skip: call, Times: 1})
						if err := f.apply(a); crashed(err) == (kind == sandbox.Timeout) || kind == sandbox.Timeout && err != nil {
							f.Fatalf("interrupted: %v", err)
						}
						f.restart()
						f.observe()
						if verb == plan.Create {
							time.Sleep(time.Hour)
							a.Verb, a.From = plan.Create, r.Ref
						}
						f.must(f.apply(a))
						f.wantOne(a)
					})
				})
			}
		}
	}
}

// What an interrupted promotion leaves says so, is nobody's, and is not taken up
// by an action for another cluster or under another name.
func TestPromotionLeftAlone(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		a := action(r, f.automated().Ref)
		f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CopyClusterSnapshot"}, Kind: sandbox.CrashAfter, Times: 1})
		if err := f.apply(a); !crashed(err) {
			f.Fatal(err)
		}
		f.restart()
		_, manual := split(f.observe().Snapshots)
		if len(manual) != 1 || manual[0].Claim.Ours() || !strings.Contains(manual[0].Flaw, "interrupted") {
			f.Fatalf("left: %+v", manual)
		}
		other := a
		other.Claim.Source = f.cluster("other").Ref.Source()
		f.wantFault(f.apply(other), store.Conflict)
		f.must(f.apply(a))
		f.wantOne(a)
	})
}

// A snapshot of a person that has the name is not touched.
func TestPromoteOntoForeign(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		a := action(r, f.automated().Ref)
		theirs := a.Claim
		theirs.Owner = "other"
		f.must(f.aws.PutClusterSnapshot(account, region, sandbox.SeedClusterSnapshot{Of: "dwh", Name: a.Name, Tags: theirs.Tags()}))
		f.wantFault(f.apply(a), store.Conflict)
		a.Name = "by-hand"
		f.must(f.aws.PutClusterSnapshot(account, region, sandbox.SeedClusterSnapshot{Of: "dwh", Name: a.Name}))
		f.wantFault(f.apply(a), store.Conflict)
	})
}

func TestPromoteFaults(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		a := action(r, f.automated().Ref)
		gone := a
		gone.From.ID = "rs:dwh-2001-01-01-00-00-00"
		f.wantFault(f.apply(gone), store.NotFound)
		f.must(f.aws.SetQuota(account, region, sandbox.QuotaClusterSnapshots, 0))
		f.wantFault(f.apply(a), store.Quota)
		f.must(f.aws.SetQuota(account, region, sandbox.QuotaClusterSnapshots, 20))
		f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Service: "redshift"}, Kind: sandbox.Fail, Code: "Throttling", Times: 3})
		f.must(f.apply(a))
		f.wantOne(a)
	})
}

// While a cluster is paused no snapshot can be taken of it, and its newest
// automated one cannot be promoted; while it is resized it is busy.
func TestPausedAndResizing(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r, name := f.cluster("dwh"), "dwh"
		before, _ := split(f.observe().Snapshots)
		_, err := f.client().PauseCluster(f.Context(), &awsredshift.PauseClusterInput{ClusterIdentifier: &name})
		f.must(err)
		if got := f.resource("dwh"); got.State != dr.Busy || got.Status != "pausing" {
			f.Errorf("pausing: %s %s", got.State, got.Status)
		}
		time.Sleep(time.Hour)
		if got := f.resource("dwh"); got.State != dr.Blocked || got.Status != "paused" {
			f.Errorf("paused: %s %s", got.State, got.Status)
		}
		f.wantFault(f.apply(action(r, dr.Ref{})), store.Busy)
		paused, _ := split(f.observe().Snapshots)
		all, err := f.drv.Snapshots(f.Context(), home())
		f.must(err)
		every, _ := split(all)
		if len(paused) != len(before) || len(every) != len(before)+1 {
			f.Fatalf("%d automated before, %d while paused, %d in all", len(before), len(paused), len(every))
		}
		f.wantFault(f.apply(action(r, newest(every).Ref)), store.Busy)
		f.must(f.apply(action(r, newest(paused).Ref)))
		_, err = f.client().ResumeCluster(f.Context(), &awsredshift.ResumeClusterInput{ClusterIdentifier: &name})
		f.must(err)
		time.Sleep(time.Hour)
		nodes := int32(4)
		_, err = f.client().ResizeCluster(f.Context(), &awsredshift.ResizeClusterInput{ClusterIdentifier: &name, NumberOfNodes: &nodes})
		f.must(err)
		if got := f.resource("dwh"); got.State != dr.Busy || got.Status != "resizing" {
			f.Errorf("resizing: %s %s", got.State, got.Status)
		}
		time.Sleep(time.Hour)
		if got := f.resource("dwh"); got.State != dr.Ready {
			f.Errorf("resized: %s %s", got.State, got.Status)
		}
	})
}
