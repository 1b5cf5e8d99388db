package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/policy"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

const ebsPolicies = oneSite + `
  hourly:
    match: {kinds: [ebs], tags: {backup: gold}}
    every: 1h
    keep: {last: 4, floor: 2}
    volumes: {exclude: {tags: {scratch: "*"}}}
`

// web puts in an instance with three volumes, of which one is left out by its tag.
func (w *world) web() dr.Ref {
	w.Helper()
	id, err := w.PutInstance(prod, region, "web", sandbox.SeedInstance{
		Age: sandbox.Age(100 * 24 * time.Hour), Tags: map[string]string{"backup": "gold"},
		Volumes: []sandbox.SeedVolume{
			{Device: "/dev/xvda", Boot: true, Size: 8},
			{Device: "/dev/sdf", Size: 100},
			{Device: "/dev/sdg", Size: 500, Tags: map[string]string{"scratch": "yes"}},
		},
	})
	w.must(err)
	return dr.Ref{Kind: "ebs", Site: home(), ID: id}
}

func (w *world) ec2() *ec2.Client { return ec2.NewFromConfig(w.console(region)) }

// rawSnapshots are the snapshots as EC2 tells of them.
func (w *world) rawSnapshots() []types.Snapshot {
	w.Helper()
	out, err := w.ec2().DescribeSnapshots(w.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	w.must(err)
	return out.Snapshots
}

// onePair wants one recovery point of two snapshots that bear the same set tag.
func (w *world) onePair(f policy.File, of dr.Ref) {
	w.Helper()
	good := goodOf(w.sight(f), f, of)
	if len(good) != 1 || len(good[0].Members) != 2 {
		w.Fatalf("recovery points %+v, want one of two", good)
	}
	sets := map[string]int{}
	for _, s := range w.rawSnapshots() {
		for _, t := range s.Tags {
			if aws.ToString(t.Key) == dr.TagSet {
				sets[aws.ToString(t.Value)]++
			}
		}
	}
	if len(sets) != 1 || len(w.rawSnapshots()) != 2 {
		w.Errorf("%d snapshots with the set tags %v, want two with one", len(w.rawSnapshots()), sets)
	}
}

// However a run is killed, before or after any of its calls, the next one leaves
// one set of two.
func TestInstanceSetSurvivesCrashes(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter} {
		for call, crashed := 0, true; crashed; call++ {
			if call > 20 {
				t.Fatal("a run does not end")
			}
			t.Run(fmt.Sprintf("%s call %d", kind, call+1), func(t *testing.T) {
				bubble(t, sandbox.Options{}, func(w *world) {
					web, f := w.web(), parseAll(w, ebsPolicies)
					p := w.fleet(f)
					w.fault(p, "", sandbox.Fault{Kind: kind, Skip: call, Times: 1})
					r := p.RunOnce(w.Context())
					if crashed = p.client.Crashed(); crashed == r.Whole() {
						w.Errorf("crashed %v, and the report is whole: %v", crashed, r.Whole())
					}
					w.sleep(time.Minute)
					w.once(f)
					w.sleep(20 * time.Minute)
					w.onePair(f, web)
				})
			})
		}
	}
}

// What a week without runs left over goes with the next run that may delete as
// much; what is held stays, on whichever member and among whichever tags the mark
// stands.
func TestInstanceSetsHeldAndCaughtUp(t *testing.T) {
	bubble(t, sandbox.Options{}, func(w *world) {
		web, f := w.web(), parseAll(w, ebsPolicies)
		for range 6 {
			w.once(f)
			w.sleep(time.Hour)
		}
		before := goodOf(w.sight(f), f, web)
		if len(before) != 5 { // The last was not done when the sixth was planned.
			w.Fatalf("%d recovery points, want 5", len(before))
		}
		w.mark(before[1].Members[0], "AAA-first", dr.TagKeep, "zzz-last")
		w.mark(before[3].Members[1], dr.TagKeep)
		w.mark(before[4].Members[0], "zz", "aa", dr.TagKeep)
		w.sleep(7 * 24 * time.Hour)
		for range 8 {
			p := w.fleet(f)
			p.Limits.MaxDelete = plan.MaxDelete{Percent: 100, IsSet: true}
			w.clean(p.RunOnce(w.Context()))
			w.sleep(time.Hour)
		}
		there := map[string]bool{}
		after := goodOf(w.sight(f), f, web)
		for _, s := range after {
			there[s.Ref.ID] = true
		}
		for i, s := range before {
			if held := i == 1 || i == 3 || i == 4; there[s.Ref.ID] != held {
				w.Errorf("%s, held %v: there %v", s.Ref, held, there[s.Ref.ID])
			}
		}
		if len(after) != 5+3 {
			w.Errorf("%d are left, want 5 and the 3 held", len(after))
		}
	})
}

// mark puts tags on one snapshot, one call for each, as people do.
func (w *world) mark(id string, keys ...string) {
	w.Helper()
	for _, k := range keys {
		_, err := w.ec2().CreateTags(w.Context(), &ec2.CreateTagsInput{
			Resources: []string{id}, Tags: []types.Tag{{Key: aws.String(k), Value: aws.String("")}},
		})
		w.must(err)
	}
}
