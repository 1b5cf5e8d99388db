package ebs

import (
	"context"
	"fmt"
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
// instances.
type glance struct {
	at        time.Time
	points    []dr.Snapshot
	instances []types.Instance
}

// Begin looks once for all that the creates are about: one call for a page of
// snapshots and one for a page of instances, instead of both for each.
func (d *Driver) Begin(ctx context.Context, site dr.Site, actions []plan.Action) (store.Doer, error) {
	r, err := d.region(ctx, site)
	if err != nil {
		return nil, err
	}
	seen, err := r.glance(ctx, actions)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, a plan.Action) (dr.Ref, error) {
		if a.Verb != plan.Create || a.To != site {
			return d.Apply(ctx, a)
		}
		return dr.Ref{Kind: Kind, Site: a.To, ID: a.Name}, d.create(ctx, r, a, seen)
	}, nil
}

func (r region) glance(ctx context.Context, actions []plan.Action) (*glance, error) {
	seen := &glance{at: time.Now()}
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
			return nil, err
		}
		seen.points = append(seen.points, found...)
	}
	for some := range slices.Chunk(ids, filterValues) {
		// Asked for by their ids, one that is gone would fail the call for all.
		found, err := r.listInstances(ctx, &ec2.DescribeInstancesInput{
			MaxResults: aws.Int32(pageSize), Filters: []types.Filter{{Name: aws.String("instance-id"), Values: some}},
		})
		if err != nil {
			return nil, err
		}
		seen.instances = append(seen.instances, found...)
	}
	return seen, nil
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
