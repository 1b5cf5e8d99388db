package ebs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// An instance with three volumes of which one is left out is one recovery point of
// two snapshots, which bear the same set and their claim from the call itself.
func TestInstanceIsOneSet(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		calls := s.calls(func() { s.must(s.apply(a)) })
		if want := []string{"DescribeSnapshots", "DescribeInstances", "CreateSnapshots"}; !slices.Equal(calls, want) {
			t.Errorf("it took %v, want %v", calls, want)
		}
		raw := s.raw()
		if len(raw) != 2 {
			t.Fatalf("there are %d snapshots, want 2", len(raw))
		}
		for _, x := range raw {
			tags := map[string]string{}
			for _, tag := range x.Tags {
				tags[*tag.Key] = *tag.Value
			}
			if tags[dr.TagSet] != a.Name+"/2" || tags["team"] != "shop" || tags["Name"] != "web" || tags[dr.TagOwner] != "ns" {
				t.Errorf("%s bears %v", *x.SnapshotId, tags)
			}
			if _, held := tags[dr.TagKeep]; held {
				t.Errorf("%s is held, by the retention of its source", *x.SnapshotId)
			}
			if d := *x.Description; !strings.HasPrefix(d, "web ("+s.web+") - vol-") || !strings.HasSuffix(d, "(/dev/xvda) - us-east-1") {
				t.Errorf("it is described as %q", d)
			}
		}
		pending := s.only()
		if pending.State != dr.Pending || pending.Claim != a.Claim || pending.Ref.ID != a.Name || pending.Of != a.From {
			t.Errorf("just begun it is %+v", pending)
		}
		time.Sleep(time.Hour)
		done := s.only()
		if done.State != dr.Good || len(done.Members) != 2 || !slices.IsSorted(done.Members) || done.Bytes != 108<<30 || done.Percent != 100 {
			t.Errorf("done it is %+v", done)
		}
		if calls := s.calls(func() { s.must(s.apply(a)) }); !slices.Equal(calls, []string{"DescribeSnapshots"}) || len(s.raw()) != 2 {
			t.Errorf("again it took %v and there are %d", calls, len(s.raw()))
		}
	})
}

// Volumes are left out whichever they are.
func TestBootVolumeIsLeftOut(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		r := s.resource(s.web)
		a.Parts = nil
		for _, p := range r.Parts {
			if p.Device == "/dev/sdg" {
				a.Parts = []string{p.ID}
			}
			if p.Boot != (p.Device == "/dev/xvda") {
				t.Errorf("%+v", p)
			}
		}
		s.must(s.apply(a))
		if raw := s.raw(); len(raw) != 1 || *raw[0].VolumeId != a.Parts[0] {
			t.Errorf("taken were %+v", raw)
		}
	})
}

// What was planned together and is no longer is not taken in part.
func TestVolumeThatMovedAway(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		for _, p := range s.resource(s.web).Parts {
			if p.Device == "/dev/sdf" {
				_, err := s.ec2().DetachVolume(s.Context(), &ec2.DetachVolumeInput{VolumeId: aws.String(p.ID)})
				s.must(err)
				time.Sleep(time.Minute)
			}
		}
		s.wantFault(s.apply(a), store.Busy)
		if raw := s.raw(); len(raw) > 0 {
			t.Errorf("taken were %d", len(raw))
		}
	})
}

// A set with a member that failed is worth nothing, and can be cleaned up.
func TestFailedMember(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		a := s.creation(s.web)
		s.must(s.aws.FailNextEBSSnapshots(s.site.Account, s.site.Region, a.Parts[1], 1))
		s.must(s.apply(a))
		s.wantFault(s.apply(about(plan.Delete, s.only())), store.Busy)
		time.Sleep(time.Hour)
		x := s.only()
		if x.State != dr.Failed || x.Status != "error: An internal error occurred." || !x.Claim.Ours() {
			t.Errorf("it is %+v", x)
		}
		s.wantFault(s.apply(a), store.Busy) // The next attempt has another name.
		s.must(s.apply(about(plan.Delete, x)))
		if raw := s.raw(); len(raw) > 0 {
			t.Errorf("left are %d", len(raw))
		}
	})
}

func TestMissingMember(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		x := s.taken(s.web)
		_, err := s.ec2().DeleteSnapshot(s.Context(), &ec2.DeleteSnapshotInput{SnapshotId: aws.String(x.Members[0])})
		s.must(err)
		if got := s.only(); got.State != dr.Failed || got.Status != "incomplete: 1 of 2 volumes" {
			t.Errorf("it is %s (%s)", got.State, got.Status)
		}
	})
}

// A hold on any member, whatever its value and wherever its tag stands, holds the
// set; to release lifts it from all.
func TestHoldOnAnyMember(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		x := s.taken(s.web)
		for _, id := range x.Members {
			for _, value := range []string{"", "yes", "no", "legal case 7"} {
				_, err := s.ec2().CreateTags(s.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{
					{Key: aws.String(dr.TagKeep), Value: aws.String(value)}, {Key: aws.String("zzz"), Value: aws.String("last")},
				}})
				s.must(err)
				held := s.only()
				if !held.Claim.Keep || !held.Claim.Is(x.Claim) {
					t.Errorf("%s with %q: %+v", id, value, held.Claim)
				}
				s.wantFault(s.apply(about(plan.Delete, x)), store.Conflict) // Planned before it was held.
				s.must(s.apply(about(plan.Release, held)))
				if s.only().Claim != x.Claim {
					t.Errorf("released: %+v", s.only().Claim)
				}
			}
		}
		s.must(s.apply(about(plan.Hold, x)))
		for _, raw := range s.raw() {
			if !slices.ContainsFunc(raw.Tags, func(tag types.Tag) bool { return *tag.Key == dr.TagKeep }) {
				t.Errorf("%s is not held", *raw.SnapshotId)
			}
		}
	})
}

// A member whose claim was damaged takes the set out of holdfast's hands.
func TestDamagedMember(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		x := s.taken(s.web)
		_, err := s.ec2().DeleteTags(s.Context(), &ec2.DeleteTagsInput{
			Resources: x.Members[:1], Tags: []types.Tag{{Key: aws.String(dr.TagPolicy)}},
		})
		s.must(err)
		got := s.only()
		if got.Claim.Ours() || !strings.Contains(got.Flaw, x.Members[0]) || got.Ref != x.Ref {
			t.Errorf("it is %+v", got)
		}
		s.wantFault(s.apply(about(plan.Delete, x)), store.Conflict)
	})
}
