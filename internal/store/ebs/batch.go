package ebs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// filterValues is how many values one filter may have (Amazon EC2 User Guide,
// "Filter your resources").
const filterValues = 200

// lookLasts is how long a look at many may be used. What another process makes
// meanwhile is a duplicate, which a later run has to retire, and what is attached
// meanwhile comes along unasked.
const lookLasts = 30 * time.Second

// glance is what one look at many saw: the recovery points of some names, and some
// instances; the copies of some originals, and the originals.
type glance struct {
	at        time.Time
	points    []dr.Snapshot
	instances []types.Instance
	copies    []*set
	originals map[dr.Site]originals
}

// Begin looks once for all that creates and copies are about: one call for a page of
// snapshots and one for a page of instances, instead of both for each; and one for a
// page of originals at each site that something is copied from.
func (d *Driver) Begin(ctx context.Context, site dr.Site, actions []plan.Action) (store.Doer, error) {
	r, err := d.region(ctx, site)
	if err != nil {
		return nil, err
	}
	seen := &glance{at: time.Now()}
	if err := r.glance(ctx, seen, actions); err != nil {
		return nil, err
	}
	if err := d.glanceCopies(ctx, r, seen, actions); err != nil {
		return nil, err
	}
	return func(ctx context.Context, a plan.Action) (dr.Ref, error) {
		switch {
		case a.To != site:
			return d.Apply(ctx, a)
		case a.Verb == plan.Create:
			return dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}, d.create(ctx, r, a, seen)
		case a.Verb == plan.Copy:
			return d.copy(ctx, r, a, seen)
		}
		return d.Apply(ctx, a)
	}, nil
}

func (r region) glance(ctx context.Context, seen *glance, actions []plan.Action) error {
	var marks, ids []string
	for _, a := range actions {
		if a.Verb != plan.Create {
			continue
		}
		marks = append(marks, pattern(a.Name))
		if isInstance(a.From.ID) && !slices.Contains(ids, a.From.ID) {
			ids = append(ids, a.From.ID)
		}
	}
	for some := range slices.Chunk(marks, filterValues) {
		found, err := r.marked(ctx, some...)
		if err != nil {
			return err
		}
		seen.points = append(seen.points, found...)
	}
	for some := range slices.Chunk(ids, filterValues) {
		// Asked for by their ids, one that is gone would fail the call for all.
		found, err := r.listInstances(ctx, &ec2.DescribeInstancesInput{
			MaxResults: aws.Int32(pageSize), Filters: []types.Filter{{Name: aws.String("instance-id"), Values: some}},
		})
		if err != nil {
			return err
		}
		seen.instances = append(seen.instances, found...)
	}
	return nil
}

// glanceCopies looks for the copies that there are, then at the originals of those
// that are to be made.
func (d *Driver) glanceCopies(ctx context.Context, r region, seen *glance, actions []plan.Action) error {
	var origins []string
	for _, a := range actions {
		if a.Verb == plan.Copy && !slices.Contains(origins, a.Claim.Origin) {
			origins = append(origins, a.Claim.Origin)
		}
	}
	for some := range slices.Chunk(origins, filterValues) {
		found, err := r.copiesOf(ctx, some...)
		if err != nil {
			return err
		}
		seen.copies = append(seen.copies, found...)
	}
	wanted := map[dr.Site][]string{}
	for _, a := range actions {
		if a.Verb == plan.Copy && !chooseCopy(seen.copiesOf(a.Claim.Origin), a).complete {
			wanted[a.From.Site] = append(wanted[a.From.Site], a.Members...)
		}
	}
	seen.originals = map[dr.Site]originals{}
	for _, site := range slices.SortedFunc(maps.Keys(wanted), dr.Site.Compare) {
		seen.originals[site] = d.originals(ctx, site, r.site.Account, wanted[site])
	}
	return nil
}

// copiesOf gives the copies of an original.
func (g *glance) copiesOf(origin string) []*set {
	return slices.DeleteFunc(slices.Clone(g.copies), func(s *set) bool { return s.members[0].tags[dr.TagOrigin] != origin })
}

// usable reports whether a look is good enough to take a snapshot on, of which the
// turn before ended at some time. It is not if what was made then may be missing.
func (g *glance) usable(before time.Time) bool {
	return g != nil && before.Before(g.at) && time.Since(g.at) <= lookLasts
}

// find gives the recovery point of a name.
func (g *glance) find(name string) (dr.Snapshot, error) {
	i := slices.IndexFunc(g.points, func(x dr.Snapshot) bool { return x.Ref.ID == name })
	if i < 0 {
		return dr.Snapshot{}, fmt.Errorf("%w: %s", errNotThere, name)
	}
	return g.points[i], nil
}

// instance gives the instance of an id, or none.
func (g *glance) instance(id string) []types.Instance {
	i := slices.IndexFunc(g.instances, func(in types.Instance) bool { return aws.ToString(in.InstanceId) == id })
	if i < 0 {
		return nil
	}
	return g.instances[i : i+1]
}
