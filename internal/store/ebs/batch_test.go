package ebs_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// begin looks once for some actions.
func (s *scene) begin(actions ...plan.Action) func(plan.Action) error {
	do := store.New(s.drv).Begin(s.Context(), s.site, actions)
	return func(a plan.Action) error {
		_, err := do(s.Context(), a)
		return err
	}
}

// volume puts in a volume by itself and gives the action that takes it.
func (s *scene) volume(name string) plan.Action {
	s.Helper()
	return s.creation(s.put(s.aws.PutVolume(s.site.Account, s.site.Region, name, sandbox.SeedVolume{Size: 1})))
}

// One look serves for all, however many pages and filters it takes.
func TestOneLookForMany(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		s.aws.LimitEC2Pages(100)
		all := []plan.Action{s.creation(s.web)}
		one := s.volume("loose")
		for i := range 250 {
			a := one
			a.Claim.Slot = a.Claim.Slot.Add(-time.Duration(i) * time.Hour)
			a.Name = dr.SnapshotName(a.Claim, "loose", 0, 240)
			all = append(all, a)
		}
		var do func(plan.Action) error
		if calls := s.calls(func() { do = s.begin(all...) }); !slices.Equal(calls, []string{"DescribeSnapshots", "DescribeSnapshots", "DescribeInstances"}) {
			t.Errorf("the look took %v", calls)
		}
		calls := s.calls(func() {
			for _, a := range all[:4] {
				s.must(do(a))
			}
		})
		if want := []string{"CreateSnapshots", "CreateSnapshot", "CreateSnapshot", "CreateSnapshot"}; !slices.Equal(calls, want) {
			t.Errorf("the rest took %v", calls)
		}
		if calls := s.calls(func() { do = s.begin(all[1:3]...) }); len(calls) != 1 {
			t.Errorf("a look at volumes took %v", calls)
		}
		if calls := s.calls(func() { s.must(do(all[1])) }); len(calls) > 0 {
			t.Errorf("what was there took %v", calls)
		}
		if calls := s.calls(func() { s.begin(about(plan.Hold, s.snapshots()[0])) }); len(calls) != 1 { // The test's own.
			t.Errorf("a look at what makes nothing took %v", calls)
		}
	})
}

// What was not seen fails by itself, and what another made of the name is told.
func TestLookTellsEach(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		web, gone, other := s.creation(s.web), s.creation(s.web), s.volume("loose")
		gone.From.ID, gone.Name = "i-0123456789abcdef0", "gone"
		theirs := other
		theirs.Claim.Owner = "somebody"
		s.must(s.apply(theirs))
		do := s.begin(web, gone, other)
		s.wantFault(do(gone), store.NotFound)
		s.wantFault(do(other), store.Conflict)
		s.must(do(web))
		s.must(do(about(plan.Hold, s.snapshots()[1])))
		if n := len(s.raw()); n != 3 {
			t.Errorf("there are %d snapshots, want 3", n)
		}
	})
}

// A look that is too old, or from before somebody else in this process took it, is
// not relied on.
func TestLooksAge(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a, b := s.creation(s.web), s.volume("loose")
		first, second := s.begin(a, b), s.begin(a, b)
		s.must(first(a))
		s.must(second(a))
		var wg sync.WaitGroup
		for _, do := range []func(plan.Action) error{first, second} {
			wg.Go(func() {
				if err := do(b); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(s.raw()); n != 3 {
			t.Fatalf("there are %d snapshots, want 3", n)
		}
		c := s.volume("late")
		late := s.begin(c)
		mine := s.drv
		s.restart()
		s.must(s.apply(c)) // By another process.
		s.drv = mine
		time.Sleep(time.Minute)
		if calls := s.calls(func() { s.must(late(c)) }); !slices.Equal(calls, []string{"DescribeSnapshots"}) {
			t.Errorf("a minute later it took %v", calls)
		}
	})
}

// Killed before or after any call of a batch, or its answer lost, and run again:
// there is one set of each.
func TestBatchKilledAnywhere(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.CrashBefore, sandbox.CrashAfter, sandbox.Timeout, sandbox.Fail} {
		for call := range 4 {
			t.Run(fmt.Sprintf("%s at call %d", kind, call+1), func(t *testing.T) {
				inScene(t, sandbox.Options{}, func(s *scene) {
					web, loose := s.creation(s.web), s.volume("loose")
					s.inject(kind, "", call, 1)
					do := s.begin(web, loose)
					failed := errorsOf(do(web), do(loose))
					if crashed := kind == sandbox.CrashBefore || kind == sandbox.CrashAfter; crashed != (len(failed) > 0) {
						t.Fatalf("they ended with %v", failed)
					}
					s.restart()
					do = s.begin(web, loose)
					s.must(do(web))
					s.must(do(loose))
					if n := len(s.raw()); n != 3 || len(s.snapshots()) != 2 {
						t.Errorf("there are %d snapshots in %d sets", n, len(s.snapshots()))
					}
				})
			})
		}
	}
}

func errorsOf(all ...error) []error {
	return slices.DeleteFunc(all, func(err error) bool { return err == nil })
}

// A volume that was attached since the look comes along, and does not stay; one that
// was detached since makes the set worth nothing.
func TestVolumesThatMoveAfterTheLook(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a, extra := s.creation(s.web), s.put(s.aws.PutVolume(s.site.Account, s.site.Region, "extra", sandbox.SeedVolume{Size: 9}))
		do := s.begin(a)
		_, err := s.ec2().AttachVolume(s.Context(), &ec2.AttachVolumeInput{InstanceId: aws.String(s.web), VolumeId: aws.String(extra), Device: aws.String("/dev/sdx")})
		s.must(err)
		if calls := s.calls(func() { s.must(do(a)) }); !slices.Equal(calls, []string{"CreateSnapshots", "DeleteSnapshot"}) {
			t.Errorf("it took %v", calls)
		}
		time.Sleep(time.Hour)
		if x := s.only(); x.State != dr.Good || len(x.Members) != 2 || slices.ContainsFunc(s.volumesOf(x), func(v string) bool { return v == extra }) {
			t.Errorf("there is %+v of %v", x, s.volumesOf(x))
		}
	})
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		do := s.begin(a)
		parts := s.resource(s.web).Parts
		data := parts[slices.IndexFunc(parts, func(p dr.Part) bool { return p.Device == "/dev/sdf" })].ID
		_, err := s.ec2().DetachVolume(s.Context(), &ec2.DetachVolumeInput{VolumeId: aws.String(data)})
		s.must(err)
		time.Sleep(6 * time.Second) // Until it is off.
		s.must(do(a))
		time.Sleep(time.Hour)
		if x := s.only(); x.State != dr.Failed || len(x.Members) != 1 {
			t.Errorf("there is %+v", x)
		}
	})
}

// volumesOf gives the volumes that a recovery point holds.
func (s *scene) volumesOf(x dr.Snapshot) []string {
	var out []string
	for _, raw := range s.raw() {
		if slices.Contains(x.Members, aws.ToString(raw.SnapshotId)) {
			out = append(out, aws.ToString(raw.VolumeId))
		}
	}
	return out
}

// A delete that brings the members along is those calls and no other, and those that
// are gone already are no trouble.
func TestDeleteByMembers(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := about(plan.Delete, s.taken(s.web))
		a.Members = s.only().Members
		if calls := s.calls(func() { s.must(s.apply(a)) }); !slices.Equal(calls, []string{"DeleteSnapshot", "DeleteSnapshot"}) || len(s.raw()) > 0 {
			t.Errorf("it took %v, and left are %d", calls, len(s.raw()))
		}
		s.must(s.apply(a))
	})
}
