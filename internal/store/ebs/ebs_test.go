package ebs_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/sandbox"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/ebs"
	"github.com/holdfast-dr/holdfast/internal/store/storetest"
)

// The suite runs over volumes by themselves, whose states hold all that readiness
// can be; sets of an instance's volumes have tests of their own.
func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T) storetest.World { return newWorld(t) },
		Calls: storetest.Calls{
			ListResources: "ec2:DescribeVolumes", ListSnapshots: "ec2:DescribeSnapshots",
			Create: "ec2:CreateSnapshot", Delete: "ec2:DeleteSnapshot", Tag: "ec2:CreateTags", Untag: "ec2:DeleteTags",
		},
		Statuses: map[dr.Readiness][]string{
			dr.Ready:   {"available", "in-use"},
			dr.Busy:    {"creating", "a-status-of-tomorrow"},
			dr.Blocked: {"error"},
			dr.Leaving: {"deleting"},
		},
		ResourceName: 256,
		MaxTags:      50,
		NameTag:      "Name",
		NameMark:     dr.TagSet,
		SpareTags:    2,
		Probe:        "ec2:DescribeSnapshots",
		Copies: &storetest.CopyCalls{
			Copy: "ec2:CopySnapshot", Share: "ec2:ModifySnapshotAttribute", MemberMark: dr.TagMember, KeysLater: true,
		},
	})
}

// world is the simulated EC2.
type world struct {
	*storetest.Cloud
	t *testing.T
	// volumes are the ids of what was put in, by name.
	volumes map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{storetest.NewCloud(t), t, map[string]string{}}
	w.AWS.LimitEC2Pages(100) // As AWS may at any time: so listings have several pages.
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) Driver() store.Driver { return w.Over(w.Sessions()) }

func (w *world) Over(s store.Sessions) store.Driver { return ebs.New(s) }

func (w *world) PutResource(site dr.Site, r storetest.Resource) dr.Ref {
	w.t.Helper()
	v := sandbox.SeedVolume{Tags: map[string]string{"Name": r.Name}, Key: r.Key}
	maps.Copy(v.Tags, r.Tags)
	if r.Rich {
		v.Type, v.Size, v.Iops, v.Throughput, v.Key = "gp3", 500, 9000, 600, "alias/data"
	}
	id, err := w.AWS.PutVolume(site.Account, site.Region, r.Name, v)
	w.must(err)
	return dr.Ref{Kind: ebs.Kind, Site: site, ID: id}
}

func (w *world) PutSnapshot(site dr.Site, s storetest.Snapshot) dr.Ref {
	w.t.Helper()
	id, err := w.AWS.PutEBSSnapshot(site.Account, site.Region, sandbox.SeedEBSSnapshot{
		Of: s.Of.ID, Description: s.Name, Tags: s.Tags, Age: sandbox.Age(s.Age),
	})
	w.must(err)
	return dr.Ref{Kind: ebs.Kind, Site: site, ID: id}
}

func (w *world) SetStatus(r dr.Ref, status string) {
	w.t.Helper()
	w.must(w.AWS.SetVolumeState(r.Site.Account, r.Site.Region, r.ID, status))
}

func (w *world) FailNext(r dr.Ref) {
	w.t.Helper()
	w.must(w.AWS.FailNextEBSSnapshots(r.Site.Account, r.Site.Region, r.ID, 1))
}

func (w *world) SetQuota(site dr.Site, n int) {
	w.t.Helper()
	w.must(w.AWS.SetQuota(site.Account, site.Region, sandbox.QuotaEBSSnapshots, n))
}

// SnapshotTags gives the tags of the one member, by the id or by the name that the
// tag of the set begins with.
func (w *world) SnapshotTags(ref dr.Ref) dr.Tags {
	w.t.Helper()
	out, err := w.client(ref.Site).DescribeSnapshots(w.t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	w.must(err)
	for _, x := range out.Snapshots {
		tags := dr.Tags{}
		for _, t := range x.Tags {
			tags[*t.Key] = *t.Value
		}
		if aws.ToString(x.SnapshotId) == ref.ID || strings.HasPrefix(tags[dr.TagSet], ref.ID+"/") {
			return tags
		}
	}
	w.t.Fatalf("there is no snapshot %s", ref)
	return nil
}

func (w *world) client(site dr.Site) *ec2.Client {
	w.t.Helper()
	cfg, err := w.Sessions().Config(w.t.Context(), site)
	w.must(err)
	return ec2.NewFromConfig(cfg)
}

// SharedWith gives the accounts that may copy any member.
func (w *world) SharedWith(x dr.Snapshot) []string {
	w.t.Helper()
	var with []string
	for _, id := range x.Members {
		out, err := w.client(x.Ref.Site).DescribeSnapshotAttribute(w.t.Context(), &ec2.DescribeSnapshotAttributeInput{
			SnapshotId: aws.String(id), Attribute: types.SnapshotAttributeNameCreateVolumePermission,
		})
		w.must(err)
		for _, p := range out.CreateVolumePermissions {
			with = append(with, aws.ToString(p.UserId))
		}
	}
	slices.Sort(with)
	return slices.Compact(with)
}

// Sees reports whether all members show.
func (w *world) Sees(at dr.Site, x dr.Snapshot) bool {
	w.t.Helper()
	out, err := w.client(at).DescribeSnapshots(w.t.Context(), &ec2.DescribeSnapshotsInput{
		RestorableByUserIds: []string{"self"}, Filters: []types.Filter{{Name: aws.String("snapshot-id"), Values: x.Members}},
	})
	w.must(err)
	return len(out.Snapshots) == len(x.Members)
}
