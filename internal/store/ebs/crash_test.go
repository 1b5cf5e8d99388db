package ebs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// Killed before or after any call of a create, or its answer lost, and run again:
// there is one set.
func TestKilledAnywhere(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout, sandbox.Fail} {
		for call := range 3 {
			t.Run(fmt.Sprintf("%s at call %d", kind, call+1), func(t *testing.T) {
				inScene(t, sandbox.Options{}, func(s *scene) {
					a := s.creation(s.web)
					s.inject(kind, "", call, 1)
					err := s.apply(a)
					crashed := kind == sandbox.CrashBefore || kind == sandbox.CrashAfter
					if crashed != (err != nil) {
						t.Fatalf("it ended with %v", err)
					}
					s.restart()
					s.must(s.apply(a))
					if x := s.only(); len(x.Members) != 2 || x.Claim != a.Claim || len(s.raw()) != 2 {
						t.Errorf("there is %+v", x)
					}
				})
			})
		}
	}
}

// Answers that are all lost make one set, though each try would make another.
func TestAllAnswersLost(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		s.inject(sandbox.Timeout, "CreateSnapshots", 0, 0)
		s.must(s.apply(s.creation(s.web)))
		if len(s.raw()) != 2 {
			t.Errorf("there are %d snapshots", len(s.raw()))
		}
	})
}

// Two processes that do the same at the same time make two sets. They show as the
// one and its duplicate, and to retire one twice does not strike the other.
func TestDuplicatesAreToldApart(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		s.must(s.apply(a))
		time.Sleep(time.Second)
		end := s.inject(sandbox.Stale, "DescribeSnapshots", 0, 0)
		s.must(s.apply(a))
		end()
		time.Sleep(time.Hour)
		all := s.snapshots()
		if len(all) != 2 || all[0].Ref.ID != a.Name || all[1].Ref.ID != a.Name+"~2" || all[0].Claim != a.Claim || all[1].Claim != a.Claim {
			t.Fatalf("there are %+v", all)
		}
		for _, x := range all {
			if x.State != dr.Good || len(x.Members) != 2 {
				t.Errorf("%+v", x)
			}
		}
		for range 3 {
			s.must(s.apply(about(plan.Delete, all[0])))
		}
		left := s.only()
		if left.Ref.ID != a.Name || fmt.Sprint(left.Members) != fmt.Sprint(all[1].Members) {
			t.Errorf("left is %+v, want %v", left, all[1].Members)
		}
		for range 2 {
			s.must(s.apply(about(plan.Delete, all[1]))) // Under the name that it had.
		}
		if n := len(s.raw()); n > 0 {
			t.Errorf("left are %d", n)
		}
	})
}

// Sets taken at different times are never mixed into one that looks whole.
func TestSetsAreNotMixed(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		s.must(s.apply(a))
		first := s.only()
		time.Sleep(time.Hour)
		end := s.aws.Inject(sandbox.Fault{Kind: sandbox.Stale, StaleBy: 2 * time.Hour, Match: sandbox.Match{Action: "DescribeSnapshots"}})
		s.must(s.apply(a))
		end()
		time.Sleep(time.Hour)
		all := s.snapshots()
		one := about(plan.Delete, all[0])
		s.must(s.aws.SetSnapshotImages(s.site.Account, s.site.Region, first.Members[0], "ami-1"))
		s.wantFault(s.apply(one), store.Conflict)
		all = s.snapshots()
		if len(all) != 2 || all[0].State != dr.Failed || all[1].State != dr.Good {
			t.Errorf("there are %+v", all)
		}
	})
}

// With AWS's own limits of the rate of calls, all is taken in the end.
func TestThrottled(t *testing.T) {
	inScene(t, sandbox.Options{Throttle: true}, func(s *scene) {
		a := s.creation(s.web)
		a.Parts = nil
		for i := range 4 {
			for j := range 40 {
				name := fmt.Sprintf("loose-%d-%d", i, j)
				s.put(s.aws.PutVolume(s.site.Account, s.site.Region, name, sandbox.SeedVolume{}))
			}
		}
		n := 0
		for _, r := range s.observe().Resources {
			if r.Ref.ID != s.web {
				c := a
				c.From, c.Claim.Source = r.Ref, r.Ref.Source()
				c.Name = dr.SnapshotName(c.Claim, r.Name, 0, r.NameLimit)
				s.must(s.apply(c))
				n++
			}
		}
		if got := len(s.snapshots()); got != n || n != 160 {
			t.Errorf("%d of %d were taken", got, n)
		}
	})
}
