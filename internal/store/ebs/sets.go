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
	var all []types.Snapshot
	pages := ec2.NewDescribeSnapshotsPaginator(r, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list EBS snapshots: %w", err)
		}
		all = append(all, page.Snapshots...)
	}
	return assemble(r.site, all), nil
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
	mark    mark
	members []member
}

// together is how far apart the start times of snapshots that one call made can
// be. AWS makes them at once; this leaves room.
const together = 2 * time.Minute

// bogus is what copies name as their volume (Amazon EBS User Guide, "Copy an
// Amazon EBS snapshot").
const bogus = "vol-ffffffff"

// fits reports whether a member was made by the same call as those of the set. Of
// copies, which are made one by one and do not tell of which volume they are, only
// the number tells.
func (s *set) fits(m member) bool {
	if len(s.members) >= s.mark.members {
		return false
	}
	if aws.ToString(m.VolumeId) == bogus {
		return true
	}
	return m.started().Sub(s.members[0].started()) <= together &&
		!slices.ContainsFunc(s.members, func(o member) bool { return aws.ToString(o.VolumeId) == aws.ToString(m.VolumeId) })
}

func (m member) started() time.Time { return aws.ToTime(m.StartTime).UTC() }

// assemble puts the members of each recovery point together. Where one was taken
// twice, by calls of which neither knew of the other, there are two: the later has
// the name with "~2" behind it and the same claim, so that it can be retired.
func assemble(site dr.Site, all []types.Snapshot) []dr.Snapshot {
	var out []dr.Snapshot
	var order []string
	sets := map[string][]*set{}
	for _, m := range read(all) {
		if m.mark.name == "" {
			out = append(out, single(site, m))
			continue
		}
		key := m.tags[dr.TagOwner] + "\x00" + m.mark.String()
		if _, ok := sets[key]; !ok {
			order = append(order, key)
		}
		i := slices.IndexFunc(sets[key], func(s *set) bool { return s.fits(m) })
		if i < 0 {
			i = len(sets[key])
			sets[key] = append(sets[key], &set{mark: m.mark})
		}
		sets[key][i].members = append(sets[key][i].members, m)
	}
	for _, key := range order {
		for i, s := range sets[key] {
			x := s.snapshot(site)
			x.Ref.ID = numbered(s.mark.name, i)
			out = append(out, x)
		}
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
