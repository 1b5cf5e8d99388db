package ebs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// snapshots lists the account's own snapshots; those that others share are theirs.
func (r region) snapshots(ctx context.Context) ([]dr.Snapshot, error) {
	return r.list(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(pageSize)})
}

func (r region) list(ctx context.Context, in *ec2.DescribeSnapshotsInput) ([]dr.Snapshot, error) {
	all, err := r.read(ctx, in)
	if err != nil {
		return nil, err
	}
	return assemble(r.site, all), nil
}

// read lists single snapshots.
func (r region) read(ctx context.Context, in *ec2.DescribeSnapshotsInput) ([]member, error) {
	var all []types.Snapshot
	pages := ec2.NewDescribeSnapshotsPaginator(r, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list EBS snapshots: %w", err)
		}
		all = append(all, page.Snapshots...)
	}
	return read(all), nil
}

// member is one snapshot as it was read.
type member struct {
	*types.Snapshot
	tags  dr.Tags
	claim dr.Claim
	// err says why there is no claim.
	err  error
	mark mark
}

// set is a recovery point that is being put together.
type set struct {
	// id is what the recovery point is known by.
	id      string
	mark    mark
	members []member
}

// together is how far apart the start times of snapshots that one call made can
// be. AWS makes them at once; this leaves room.
const together = 2 * time.Minute

// bogus is what copies name as their volume (Amazon EBS User Guide, "Copy an
// Amazon EBS snapshot").
const bogus = "vol-ffffffff"

// fits reports whether a member is one that the set lacks: made by the same call as
// the others, or, of copies, which are made one by one, another part.
func (s *set) fits(m member) bool {
	if len(s.members) >= s.mark.members || s.has(m.part()) {
		return false
	}
	return m.copied() || m.started().Sub(s.members[0].started()) <= together
}

func (s *set) has(part string) bool {
	return slices.ContainsFunc(s.members, func(m member) bool { return m.part() == part })
}

func (m member) started() time.Time { return aws.ToTime(m.StartTime).UTC() }

func (m member) id() string { return aws.ToString(m.SnapshotId) }

// copied reports whether it is a copy, made by holdfast or by others.
func (m member) copied() bool { return aws.ToString(m.VolumeId) == bogus || m.claim.Origin != "" }

// part names what it holds: the volume, or what a copy of which nobody noted the
// volume is known by, itself.
func (m member) part() string {
	if noted := m.tags[dr.TagMember]; noted != "" {
		return noted
	}
	if volume := aws.ToString(m.VolumeId); volume != bogus {
		return volume
	}
	return m.id()
}

// assemble gives the recovery points that snapshots make up.
func assemble(site dr.Site, all []member) []dr.Snapshot {
	var out []dr.Snapshot
	for _, s := range collect(all) {
		out = append(out, s.snapshot(site))
	}
	return out
}

// collect puts the members of each recovery point together. Where one was taken
// twice, by calls of which neither knew of the other, there are two: the later has
// the name with "~2" behind it and the same claim, so that it can be retired.
func collect(all []member) []*set {
	var out []*set
	var order []string
	sets := map[string][]*set{}
	for _, m := range all {
		if m.mark.name == "" {
			out = append(out, &set{id: m.id(), mark: mark{members: 1}, members: []member{m}})
			continue
		}
		key := m.tags[dr.TagOwner] + "\x00" + m.mark.String()
		if _, ok := sets[key]; !ok {
			order = append(order, key)
		}
		i := slices.IndexFunc(sets[key], func(s *set) bool { return s.fits(m) })
		if i < 0 {
			i = len(sets[key])
			sets[key] = append(sets[key], &set{id: numbered(m.mark.name, i), mark: m.mark})
		}
		sets[key][i].members = append(sets[key][i].members, m)
	}
	for _, key := range order {
		out = append(out, sets[key]...)
	}
	return out
}

func numbered(name string, i int) string {
	if i == 0 {
		return name
	}
	return name + again + strconv.Itoa(i+1)
}

// again stands between a name and the number of a duplicate.
const again = "~"

// read reads tags and claims, in the order of time.
func read(all []types.Snapshot) []member {
	out := make([]member, len(all))
	for i := range all {
		m := member{Snapshot: &all[i], tags: plainTags(all[i].Tags)}
		m.claim, m.err = dr.ParseClaim(m.tags)
		if k, ok := parseMark(m.tags[dr.TagSet]); ok && m.tags[dr.TagOwner] != "" {
			m.mark, m.claim.Set = k, k.set
		}
		if m.err == nil && m.mark.name != "" && m.claim.Origin == "" && aws.ToString(m.VolumeId) == bogus {
			m.err = errCopied
		}
		if m.err != nil {
			m.claim = dr.Claim{}
		}
		out[i] = m
	}
	slices.SortFunc(out, func(x, y member) int {
		return cmp.Or(x.started().Compare(y.started()), strings.Compare(aws.ToString(x.SnapshotId), aws.ToString(y.SnapshotId)))
	})
	return out
}
