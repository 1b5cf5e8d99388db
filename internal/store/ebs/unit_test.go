package ebs_test

import (
	"fmt"
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

// A volume that is attached to nothing is a unit, and so is one with a policy in
// its own tags.
func TestVolumesByThemselves(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		loose := s.put(s.aws.PutVolume(s.site.Account, s.site.Region, "archive", sandbox.SeedVolume{
			Type: "st1", Size: 200, Tags: map[string]string{"Name": "archive"},
		}))
		own := s.resource(s.web).Parts[0]
		_, err := s.ec2().CreateTags(s.Context(), &ec2.CreateTagsInput{
			Resources: []string{own.ID}, Tags: []types.Tag{{Key: aws.String("holdfast:every"), Value: aws.String("6h")}},
		})
		s.must(err)
		if parts := s.resource(s.web).Parts; len(parts) != 2 {
			t.Errorf("the instance has the parts %+v", parts)
		}
		for id, want := range map[string]string{
			loose:  "archive - " + loose + " - us-east-1",
			own.ID: own.ID + " (" + s.web + ") - " + own.ID + " (" + own.Device + ") - us-east-1",
		} {
			r := s.resource(id)
			if len(r.Parts) != 1 || r.Parts[0].ID != id || r.State != dr.Ready || r.Bytes == 0 {
				t.Errorf("%+v", r)
			}
			a := s.creation(id)
			calls := s.calls(func() { s.must(s.apply(a)) })
			if want := []string{"DescribeSnapshots", "CreateSnapshot"}; !slices.Equal(calls, want) {
				t.Errorf("it took %v, want %v", calls, want)
			}
			raw := s.raw()
			i := slices.IndexFunc(raw, func(x types.Snapshot) bool { return *x.VolumeId == id })
			if got := *raw[i].Description; got != want {
				t.Errorf("it is described as %q, want %q", got, want)
			}
		}
		time.Sleep(time.Hour)
		for _, x := range s.snapshots() {
			if x.State != dr.Good || len(x.Members) != 1 || x.Of.ID != loose && x.Of.ID != own.ID {
				t.Errorf("%+v", x)
			}
		}
	})
}

func TestStatesOfInstances(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		for state, want := range map[string]dr.Readiness{
			"pending": dr.Busy, "running": dr.Ready, "stopping": dr.Busy, "stopped": dr.Ready, "shutting-down": dr.Leaving,
		} {
			id := s.put(s.aws.PutInstance(s.site.Account, s.site.Region, "in-"+state, sandbox.SeedInstance{
				State: state, Volumes: []sandbox.SeedVolume{{Device: "/dev/xvda", Boot: true}},
			}))
			if r := s.resource(id); r.State != want || r.Status != state || r.Name != "in-"+state {
				t.Errorf("%+v", r)
			}
		}
		ended := s.put(s.aws.PutInstance(s.site.Account, s.site.Region, "ended", sandbox.SeedInstance{State: "terminated"}))
		bare := s.put(s.aws.PutInstance(s.site.Account, s.site.Region, "bare", sandbox.SeedInstance{})) // Instance store alone.
		for _, r := range s.observe().Resources {
			if r.Ref.ID == ended || r.Ref.ID == bare {
				t.Errorf("%+v", r)
			}
		}
	})
}

// What a restore needs is captured with the instance.
func TestCapturedConfiguration(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		got, err := s.taken(s.web).Claim.Config.Settings()
		s.must(err)
		for k, want := range map[string]string{
			"type": "m7g.large", "zone": "us-east-1a", "security": "sg-0123456789abcdef0", "key-name": "ops", "root": "/dev/xvda",
			"profile": "arn:aws:iam::111111111111:instance-profile/web", "volumes": "3", "1-device": "/dev/sdf", "1-type": "io2",
			"1-gib": "100", "1-iops": "4000", "1-stays": "yes", "2-type": "gp3", "2-throughput": "125", "3-boot": "yes", "3-device": "/dev/xvda",
		} {
			if got[k] != want {
				t.Errorf("%s is %q, want %q", k, got[k], want)
			}
		}
		if !strings.HasPrefix(got["1-key"], "arn:aws:kms:us-east-1:111111111111:key/") || got["image"] == "" || got["subnet"] == "" {
			t.Errorf("%v", got)
		}
	})
}

// Snapshots of an instance that is gone are still seen, held and expired.
func TestInstanceGone(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		x := s.taken(s.web)
		_, err := s.ec2().TerminateInstances(s.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{s.web}})
		s.must(err)
		time.Sleep(48 * time.Hour)
		if got := s.only(); got.Of != x.Of || got.State != dr.Good || got.Claim != x.Claim {
			t.Errorf("it is %+v", got)
		}
		s.must(s.apply(about(plan.Hold, x)))
		s.must(s.apply(about(plan.Release, x)))
		s.must(s.apply(about(plan.Delete, x)))
		if n := len(s.raw()); n > 0 {
			t.Errorf("left are %d", n)
		}
	})
}

// Copies name a volume that does not exist. Whose they are says the claim, and a
// copy that somebody made with our tags is not ours.
func TestCopies(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		slot := time.Now().UTC().Truncate(time.Hour)
		claim := dr.Claim{Owner: "ns", Policy: "gold", Slot: slot, Source: "ebs/222222222222/us-west-2/i-0abc", Origin: "ebs/222222222222/us-west-2/there"}
		add := func(c dr.Claim, set string) {
			c.Set = set
			s.put(s.aws.PutEBSSnapshot(s.site.Account, s.site.Region, sandbox.SeedEBSSnapshot{Of: "vol-ffffffff", Size: 5, Tags: c.Tags()}))
			time.Sleep(time.Hour)
		}
		add(claim, "copy-1/2")
		add(claim, "copy-1/2")
		x := s.only()
		want := dr.Ref{Kind: "ebs", Site: dr.Site{Account: "222222222222", Region: "us-west-2"}, ID: "i-0abc"}
		if x.Ref.ID != "copy-1" || x.Of != want || x.State != dr.Good || len(x.Members) != 2 || x.Claim != claim {
			t.Errorf("it is %+v", x)
		}
		claim.Origin = ""
		add(claim, "other/1")
		for _, x := range s.snapshots() {
			if x.Ref.ID == "other" && (x.Claim.Ours() || !strings.Contains(x.Flaw, "copy")) {
				t.Errorf("a copy that a person made is %+v", x)
			}
		}
	})
}

// One that an AMI uses stays and is reported, the others go, and again so.
func TestUsedByAnImage(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		x := s.taken(s.web)
		s.must(s.aws.SetSnapshotImages(s.site.Account, s.site.Region, x.Members[0], "ami-0123456789abcdef0"))
		for range 2 {
			err := s.apply(about(plan.Delete, x))
			s.wantFault(err, store.Conflict)
			if !strings.Contains(err.Error(), "ami-0123456789abcdef0") || !strings.Contains(store.Remedy(err), "deregister the AMI") {
				t.Errorf("%v: %s", err, store.Remedy(err))
			}
			if raw := s.raw(); len(raw) != 1 || *raw[0].SnapshotId != x.Members[0] {
				t.Errorf("left are %d", len(raw))
			}
		}
		s.must(s.aws.SetSnapshotImages(s.site.Account, s.site.Region, x.Members[0]))
		s.must(s.apply(about(plan.Delete, s.only())))
		if n := len(s.raw()); n > 0 {
			t.Errorf("left are %d", n)
		}
	})
}

// Whatever the size of the pages, all is seen, and sets that lie across pages are
// whole.
func TestPages(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		s.aws.LimitEC2Pages(7)
		for i := range 40 {
			name := fmt.Sprintf("in-%02d", i)
			s.put(s.aws.PutInstance(s.site.Account, s.site.Region, name, sandbox.SeedInstance{
				Volumes: []sandbox.SeedVolume{{Device: "/dev/xvda", Boot: true}, {Device: "/dev/sdf"}},
			}))
		}
		for _, r := range s.observe().Resources {
			s.must(s.apply(s.creation(r.Ref.ID)))
		}
		time.Sleep(24 * time.Hour)
		calls := s.calls(func() {
			inv := s.observe()
			if len(inv.Resources) != 41 || len(inv.Snapshots) != 41 {
				t.Errorf("saw %d and %d", len(inv.Resources), len(inv.Snapshots))
			}
			for _, x := range inv.Snapshots {
				if x.State != dr.Good || len(x.Members) != 2 {
					t.Errorf("%+v", x)
				}
			}
		})
		if len(calls) != 6+12+12 { // 41 instances, 83 volumes, 82 snapshots.
			t.Errorf("it took %d calls", len(calls))
		}
	})
}

// Snapshots of others are known by their own ids, and can be held and deleted by
// them.
func TestForeignSnapshots(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		id := s.put(s.aws.PutEBSSnapshot(s.site.Account, s.site.Region, sandbox.SeedEBSSnapshot{Of: "web/dev/sdf", Tags: map[string]string{"a": "b"}}))
		s.put(s.aws.PutEBSSnapshot("222222222222", s.site.Region, sandbox.SeedEBSSnapshot{Of: "vol-00000001", Shared: []string{s.site.Account}}))
		x := s.only()
		if x.Ref.ID != id || x.Claim.Ours() || x.Flaw != "" || x.Of.ID == "" {
			t.Errorf("it is %+v", x)
		}
		s.must(s.apply(about(plan.Hold, x)))
		s.must(s.apply(about(plan.Release, x)))
		s.must(s.apply(about(plan.Delete, x)))
		s.must(s.apply(about(plan.Delete, x)))
	})
}

// What another tool made can be adopted once, and is then known by its own id.
func TestAdopt(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		id := s.put(s.aws.PutEBSSnapshot(s.site.Account, s.site.Region, sandbox.SeedEBSSnapshot{
			Of: "vol-ffffffff", Description: "web (i-0abc) - vol-0abc (/dev/xvda) - us-east-1", Tags: map[string]string{"Type": "Automated"},
		}))
		x := s.only()
		if x.Tags["Type"] != "Automated" || !strings.HasPrefix(x.Description, "web (i-0abc)") || x.Of != (dr.Ref{Kind: "ebs", Site: s.site}) {
			t.Errorf("it is %+v", x)
		}
		a := about(plan.Adopt, x)
		a.Claim = dr.Claim{Owner: "ns", Policy: "gold", Slot: x.Taken.Truncate(time.Hour), Source: "ebs/111111111111/us-east-1/vol-0abc", Keep: true, Retention: "within=7d"}
		s.must(s.apply(a))
		s.must(s.apply(a))
		got := s.only()
		if got.Claim != a.Claim || got.Ref.ID != id || got.Of.ID != "vol-0abc" || got.Tags != nil {
			t.Errorf("adopted it is %+v", got)
		}
		a.Claim.Owner = "another"
		s.wantFault(s.apply(a), store.Conflict)
		s.must(s.apply(about(plan.Release, got)))
		s.must(s.apply(about(plan.Delete, s.only())))
		if n := len(s.raw()); n > 0 {
			t.Errorf("left are %d", n)
		}
	})
}

// Every permission is tried by itself, and trying changes nothing.
func TestGrants(t *testing.T) {
	inScene(t, sandbox.Options{}, func(s *scene) {
		for _, g := range s.drv.Grants(s.Context(), s.site) {
			if g.Err != nil || g.Needed == "" {
				t.Errorf("%+v", g)
			}
			s.aws.SetDenied(s.site.Account, g.Permission)
			for _, now := range store.New(s.drv).Grants(s.Context(), s.site) {
				if denied := store.FaultOf(now.Err) == store.Denied; denied != (now.Permission == g.Permission) {
					t.Errorf("%s is denied: %s gives %v", g.Permission, now.Permission, now.Err)
				}
			}
			s.aws.SetDenied(s.site.Account)
		}
	})
}
