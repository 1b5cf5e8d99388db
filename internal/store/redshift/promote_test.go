package redshift_test

import (
	"maps"
	"slices"
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
// snapshot with its claim: as a promotion, or, when the automated snapshot is gone
// meanwhile, by finishing what there is, or by taking another if there is nothing.
func TestPromoteInterrupted(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout} {
		for call := range 3 {
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
						if verb == plan.Create {
							time.Sleep(time.Hour)
							a = f.instead(a, r)
						}
						f.must(f.apply(a))
						f.wantOne(a)
					})
				})
			}
		}
	}
}

// instead gives the action that a plan asks for when the automated snapshot is gone.
func (f *fixture) instead(a plan.Action, r dr.Resource) plan.Action {
	f.Helper()
	a.Verb, a.From = plan.Create, r.Ref
	for _, s := range f.observe().Snapshots {
		if s.Presumed != nil && s.Presumed.Is(a.Claim) {
			a.Verb, a.From = plan.Adopt, s.Ref
		}
	}
	return a
}

// interrupted makes a promotion end between its two calls, and gives what it left.
func (f *fixture) interrupted(a plan.Action) dr.Snapshot {
	f.Helper()
	f.aws.Inject(sandbox.Fault{Match: sandbox.Match{Action: "CopyClusterSnapshot"}, Kind: sandbox.CrashAfter, Times: 1})
	if err := f.apply(a); !crashed(err) {
		f.Fatal(err)
	}
	f.restart()
	_, manual := split(f.observe().Snapshots)
	if len(manual) != 1 || manual[0].Claim.Ours() {
		f.Fatalf("left: %+v", manual)
	}
	return manual[0]
}

// What an interrupted promotion leaves is nobody's, and not taken up by an action
// for another cluster or under another name.
func TestPromotionLeftAlone(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		a := action(r, f.automated().Ref)
		f.interrupted(a)
		other := a
		other.Claim.Source = f.cluster("other").Ref.Source()
		f.wantFault(f.apply(other), store.Conflict)
		f.must(f.apply(a))
		f.wantOne(a)
	})
}

// Its name says what it was to be, however late that is read; then it can be
// claimed, once and with all that there is to write.
func TestPromotionIsFinished(t *testing.T) {
	inBubble(t, func(f *fixture) {
		r := f.cluster("dwh")
		a := action(r, f.automated().Ref)
		f.interrupted(a)
		time.Sleep(50 * time.Hour)
		_, manual := split(f.observe().Snapshots)
		left := manual[0]
		named := a.Claim
		named.Config = ""
		if left.Flaw != "" || left.Presumed == nil || *left.Presumed != named {
			f.Fatalf("it is presumed to be %+v (flaw %q), want %+v", left.Presumed, left.Flaw, named)
		}
		finish := about(plan.Adopt, left)
		finish.Claim, finish.Tags = *left.Presumed, a.Tags
		finish.Claim.Config = r.Config
		for range 2 {
			f.must(f.apply(finish))
		}
		if got := f.wantOne(a); got.Presumed != nil || got.Ref != left.Ref {
			f.Errorf("finished it reads %+v", got)
		}
	})
}

// Only what is without any tags and has exactly the name of one of this installation's
// claims is presumed to be its own.
func TestNotPresumed(t *testing.T) {
	for name, rename := range map[string]func(a plan.Action) string{
		"another namespace":     func(a plan.Action) string { a.Claim.Owner = "other"; return dr.SnapshotName(a.Claim, "dwh", 0, 255) },
		"a policy not known":    func(a plan.Action) string { a.Claim.Policy = "bronze"; return dr.SnapshotName(a.Claim, "dwh", 0, 255) },
		"another cluster":       func(a plan.Action) string { a.Claim.Source += "x"; return dr.SnapshotName(a.Claim, "dwh", 0, 255) },
		"another readable part": func(a plan.Action) string { return dr.SnapshotName(a.Claim, "dwx", 0, 255) },
		"another slot":          func(a plan.Action) string { return strings.Replace(a.Name, "t000000z", "t010000z", 1) },
		"a number too much":     func(a plan.Action) string { return a.Name + "-1" },
		"another hash":          func(a plan.Action) string { return a.Name[:len(a.Name)-8] + "00000000" },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				r := f.cluster("dwh")
				a := action(r, f.automated().Ref)
				a.Name = rename(a)
				if left := f.interrupted(a); left.Presumed != nil || left.Flaw == "" {
					f.Errorf("%s is presumed to be %+v", left.Ref.ID, left.Presumed)
				}
			})
		})
	}
	inBubble(t, func(f *fixture) { // Somebody has tagged it.
		r := f.cluster("dwh")
		for i, tags := range []dr.Tags{{"team": "bi"}, {dr.TagKeep: "yes"}} {
			name := dr.SnapshotName(action(r, dr.Ref{}).Claim, "dwh", i, 255)
			f.must(f.aws.PutClusterSnapshot(account, region, sandbox.SeedClusterSnapshot{Of: "dwh", Name: name, Tags: tags}))
		}
		a := action(r, f.automated().Ref)
		a.Name = dr.SnapshotName(a.Claim, "dwh", 9, 255)
		f.must(f.apply(a))
		f.must(f.strip(a))
		_, manual := split(f.observe().Snapshots)
		for _, s := range manual {
			if s.Presumed != nil || s.Flaw == "" {
				f.Errorf("%s is presumed to be %+v", s.Ref.ID, s.Presumed)
			}
		}
	})
}

// strip takes a claim off a snapshot. Its other tags stay.
func (f *fixture) strip(a plan.Action) error {
	keys := slices.Collect(maps.Keys(a.Claim.Tags()))
	arn := "arn:aws:redshift:" + region + ":" + account + ":snapshot:dwh/" + a.Name
	_, err := f.client().DeleteTags(f.Context(), &awsredshift.DeleteTagsInput{ResourceName: &arn, TagKeys: keys})
	return err
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
