package ebs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/saga"
	"github.com/holdfast-dr/holdfast/internal/store"
	"github.com/holdfast-dr/holdfast/internal/store/internal/swap"
)

// restoreAPI is the part of the SDK's client that only restores use.
type restoreAPI interface {
	ec2.DescribeInstanceStatusAPIClient
	DescribeInstanceAttribute(context.Context, *ec2.DescribeInstanceAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceAttributeOutput, error)
	CreateVolume(context.Context, *ec2.CreateVolumeInput, ...func(*ec2.Options)) (*ec2.CreateVolumeOutput, error)
	DeleteVolume(context.Context, *ec2.DeleteVolumeInput, ...func(*ec2.Options)) (*ec2.DeleteVolumeOutput, error)
	AttachVolume(context.Context, *ec2.AttachVolumeInput, ...func(*ec2.Options)) (*ec2.AttachVolumeOutput, error)
	DetachVolume(context.Context, *ec2.DetachVolumeInput, ...func(*ec2.Options)) (*ec2.DetachVolumeOutput, error)
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
	StartInstances(context.Context, *ec2.StartInstancesInput, ...func(*ec2.Options)) (*ec2.StartInstancesOutput, error)
	ModifyInstanceAttribute(context.Context, *ec2.ModifyInstanceAttributeInput, ...func(*ec2.Options)) (*ec2.ModifyInstanceAttributeOutput, error)
}

// worker does the steps of restores at one site.
type worker struct {
	region
	ec2 restoreAPI

	mu sync.Mutex
	// made are the volumes that this process made or saw, by their snapshots, and when it
	// last knew of them; changed is when it last began a step, or began itself.
	made    map[string]known
	changed time.Time
}

// known is a volume that must be there.
type known struct {
	volume string
	at     time.Time
}

func (d *Driver) worker(ctx context.Context, site dr.Site) (*worker, error) {
	cfg, err := d.sessions.Config(ctx, site)
	if err != nil {
		return nil, err
	}
	r, err := d.region(ctx, site)
	if err != nil {
		return nil, err
	}
	return &worker{region: r, ec2: ec2.NewFromConfig(cfg), made: map[string]known{}, changed: time.Now()}, nil
}

// Worker does the steps of restores at a site.
func (d *Driver) Worker(ctx context.Context, site dr.Site) (saga.Worker, error) {
	w, err := d.worker(ctx, site)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Restore builds the steps of a restore: new volumes, one of each snapshot of the
// recovery point, and in place the change of the old for the new. Nothing is changed.
func (d *Driver) Restore(ctx context.Context, r store.Restore) (store.Restoration, error) {
	w, err := d.worker(ctx, r.From.Ref.Site)
	if err != nil {
		return store.Restoration{}, err
	}
	if planned(r) {
		j, err := jobOf(r)
		return store.Restoration{Saga: j.saga(r)}, err
	}
	if err := askable(r); err != nil {
		return store.Restoration{}, err
	}
	p := planning{worker: w, r: r}
	if err := p.plan(ctx); err != nil {
		return store.Restoration{}, err
	}
	r.With = p.job.with()
	j, err := jobOf(r)
	if err != nil {
		return store.Restoration{}, err
	}
	if err := p.fits(r); err != nil {
		return store.Restoration{}, err
	}
	return store.Restoration{Saga: j.saga(r), Losses: p.losses, Notes: p.notes, Needs: p.needs()}, nil
}

// askable refuses what EBS does not know.
func askable(r store.Restore) error {
	if err := r.Only(withZone); err != nil {
		return err
	}
	switch {
	case r.RenameFirst:
		return refusal(r, errors.New("volumes have no name that could be given away first"), "leave --order out: the new volumes are always made beside the old ones")
	case r.InPlace && r.With[withZone] != "":
		return refusal(r, errors.New("in place the new volumes have to be in the zone of the instance"), "leave --zone out, or restore under a name with --as")
	}
	return nil
}

func refusal(r store.Restore, err error, remedy string) error {
	return &store.Error{Doing: "restore " + r.Name, Fault: store.Invalid, Err: err, Remedy: remedy}
}

// Endpoint says that volumes have none.
func (*Driver) Endpoint(_ context.Context, _ dr.Site, name string) (store.Endpoint, error) {
	return store.Endpoint{}, &store.Error{
		Doing: "find where " + name + " answers", Fault: store.Invalid, Err: errors.New("an EBS volume answers nowhere"),
		Remedy: "attach it to an instance and look at its files there",
	}
}

// Marks finds the restores that are under way.
func (d *Driver) Marks(ctx context.Context, site dr.Site) ([]store.Mark, error) {
	r, err := d.region(ctx, site)
	if err != nil {
		return nil, err
	}
	bears := []types.Filter{{Name: aws.String("tag-key"), Values: []string{dr.TagRestore}}}
	marks := swap.Marks{Site: site}
	instances, err := r.listInstances(ctx, &ec2.DescribeInstancesInput{Filters: bears, MaxResults: aws.Int32(pageSize)})
	if err != nil {
		return nil, err
	}
	for i := range instances {
		marks.Add(aws.ToString(instances[i].InstanceId), plainTags(instances[i].Tags))
	}
	volumes, err := r.listVolumes(ctx, bears...)
	if err != nil {
		return nil, err
	}
	for i := range volumes {
		marks.Add(aws.ToString(volumes[i].VolumeId), plainTags(volumes[i].Tags))
	}
	return marks.All(), nil
}

// lasting is how many tags are written in the end, beside the mark that is taken off
// only then: until when an old one is kept, for whom, and what replaced it.
const lasting = 3

// fits refuses a request that is too long for the tags that it has to be written in,
// on the instance, or on a volume that bears tags of its own.
func (p *planning) fits(r store.Restore) error {
	mark := dr.RestoreMark(r.ID, dr.RoleNew, r.Request())
	got, _, err := store.ParseMark(mark)
	if err != nil || !maps.Equal(got.With, r.With) {
		return refusal(r, fmt.Errorf("%d volumes are too many for one restore", len(p.job.swaps)), "restore volume by volume, from snapshots of the volumes themselves")
	}
	for _, id := range slices.Sorted(maps.Keys(p.tags)) {
		if own := ownCount(p.tags[id]); own+len(mark)+lasting > maxTags {
			return refusal(r, fmt.Errorf("%s has %d tags, and the restore has to write %d on it; AWS allows %d", id, own, len(mark)+lasting, maxTags),
				fmt.Sprintf("take %d tags off %s first", own+len(mark)+lasting-maxTags, id))
		}
	}
	return nil
}

// ownCount gives how many of AWS's 50 tags are used: those of AWS itself do not count.
func ownCount(tags dr.Tags) (n int) {
	for k := range tags {
		if !strings.HasPrefix(strings.ToLower(k), "aws:") {
			n++
		}
	}
	return n
}

// listVolumes lists the volumes that filters let pass.
func (r region) listVolumes(ctx context.Context, filters ...types.Filter) ([]types.Volume, error) {
	var out []types.Volume
	pages := ec2.NewDescribeVolumesPaginator(r, &ec2.DescribeVolumesInput{Filters: filters, MaxResults: aws.Int32(pageSize)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list volumes: %w", err)
		}
		out = append(out, page.Volumes...)
	}
	return out, nil
}

// volumesByID lists volumes by their ids. One that is gone is left out: asked for
// without a filter it would fail the call.
func (r region) volumesByID(ctx context.Context, ids []string) ([]types.Volume, error) {
	var out []types.Volume
	for some := range slices.Chunk(ids, filterValues) {
		found, err := r.listVolumes(ctx, types.Filter{Name: aws.String("volume-id"), Values: some})
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
