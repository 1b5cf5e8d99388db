package ebs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// planning finds out what a restore comes to.
type planning struct {
	*worker
	r       store.Restore
	members []member
	// instance, in place, is where volumes change, and attached what it has.
	instance types.Instance
	attached []part
	// olds are the volumes that the snapshots are of, as far as they are there still.
	olds []types.Volume

	job job
	// tags are those of what the mark of the restore is written on.
	tags          map[string]dr.Tags
	losses, notes []string
}

func (p *planning) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

func (p *planning) refuse(remedy, format string, args ...any) error {
	return refusal(p.r, fmt.Errorf(format, args...), remedy)
}

func (p *planning) plan(ctx context.Context) (err error) {
	p.job, p.tags = job{id: p.r.ID, name: p.r.Name, inPlace: p.r.InPlace}, map[string]dr.Tags{}
	if len(p.r.From.Members) == 0 {
		return p.refuse("choose another recovery point with --from", "%s has no snapshots", p.r.From.Ref.ID)
	}
	p.members, err = p.read(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, SnapshotIds: p.r.From.Members})
	if err != nil {
		return err
	}
	for _, m := range p.members {
		if m.State != types.SnapshotStateCompleted {
			return p.refuse("wait until it is completed, or choose another recovery point with --from", "snapshot %s is %s", m.id(), m.State)
		}
	}
	if p.r.Checks != "" {
		p.note("the checks of the policy are not run: an EBS volume has no endpoint that could be asked")
	}
	p.note("a new volume is slow until each of its blocks has been read once from the snapshot")
	if slices.ContainsFunc(p.members, func(m member) bool { return !aws.ToBool(m.Encrypted) }) {
		p.note("what was not encrypted stays so, unless the account encrypts all new volumes")
	}
	if p.r.InPlace {
		return p.planInPlace(ctx)
	}
	return p.planNew(ctx)
}

// planNew plans volumes that are attached to nothing.
func (p *planning) planNew(ctx context.Context) error {
	if err := p.chooseZone(); err != nil {
		return err
	}
	if err := p.free(ctx); err != nil {
		return err
	}
	var parts []string
	for _, m := range p.members {
		s := p.swapOf(m)
		s.device, s.newEnds = "", false
		p.job.swaps = append(p.job.swaps, s)
		parts = append(parts, s.old)
	}
	var err error
	if p.olds, err = p.volumesByID(ctx, parts); err != nil {
		return err
	}
	p.loseTags()
	p.loseKeys()
	for _, s := range p.job.swaps {
		p.tags["the new volume of "+s.snapshot] = p.tagsAsNew(s)
		p.losses = append(p.losses, store.Lost(p.r.Settings, s.prefix()+"device", s.prefix()+"stays", s.prefix()+"boot")...)
	}
	if p.r.Settings["volumes"] != "" {
		p.losses = append(p.losses, store.Lost(p.r.Settings, instanceLevel(p.r.Settings)...)...)
		p.note("only the volumes are made, and attached to nothing: no instance")
	} else {
		p.losses = append(p.losses, store.Lost(p.r.Settings, "instance")...)
	}
	return nil
}

// chooseZone takes the zone that was asked for, or the captured one.
func (p *planning) chooseZone() error {
	captured := p.r.Settings["zone"]
	p.job.zone = p.r.With[withZone]
	if p.job.zone == "" {
		p.job.zone = captured
	}
	switch {
	case p.job.zone == "":
		return p.refuse("say where with --zone, such as "+p.site.Region+"a", "the snapshots do not say in which Availability Zone")
	case !strings.HasPrefix(p.job.zone, p.site.Region):
		return p.refuse("say where with --zone, such as "+p.site.Region+"a", "the Availability Zone %s is not in %s", p.job.zone, p.site.Region)
	case captured != "" && captured != p.job.zone:
		p.losses = append(p.losses, fmt.Sprintf("zone %s (it is %s)", captured, p.job.zone))
	}
	return nil
}

// instanceLevel gives the names of the settings that are the instance's own.
func instanceLevel(settings map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		if n, _, ok := strings.Cut(k, "-"); ok {
			if _, err := strconv.Atoi(n); err == nil {
				continue
			}
		}
		if k != "volumes" && k != "zone" {
			out = append(out, k)
		}
	}
	return out
}

// free refuses a name that something else goes by.
func (p *planning) free(ctx context.Context) error {
	named := types.Filter{Name: aws.String("tag:Name"), Values: []string{literal(p.r.Name)}}
	volumes, err := p.listVolumes(ctx, named)
	if err != nil {
		return err
	}
	var taken string
	for i := range volumes {
		taken = "a volume " + p.r.Name + " already, " + aws.ToString(volumes[i].VolumeId)
	}
	instances, err := p.listInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{named}, MaxResults: aws.Int32(pageSize)})
	if err != nil {
		return err
	}
	for i := range instances {
		if stateOf(&instances[i]) != types.InstanceStateNameTerminated {
			taken = "an instance " + p.r.Name + " already, " + aws.ToString(instances[i].InstanceId)
		}
	}
	if taken == "" {
		return nil
	}
	return &store.Error{
		Doing: "restore as " + p.r.Name, Fault: store.Conflict, Err: errors.New("there is " + taken),
		Remedy: "restore under another name (--as), or in its place (--in-place)",
	}
}

// swapOf gives what becomes of the volume of a member, as it was captured.
func (p *planning) swapOf(m member) swapped {
	number, captured := numberOf(p.r.Settings, m.part())
	s := swapped{number: number, snapshot: m.id(), old: m.part()}
	if !captured {
		s.number = noNumber + m.id()
		p.losses = append(p.losses, fmt.Sprintf("type of %s (it was not captured: the new one is gp3)", m.part()))
		return s
	}
	s.device = p.r.Settings[s.prefix()+"device"]
	s.newEnds = p.r.Settings[s.prefix()+"stays"] == ""
	return s
}

// loseTags names the volumes of which nobody knows the tags any more: a snapshot of an
// instance carries those of the instance.
func (p *planning) loseTags() {
	for _, s := range p.job.swaps {
		if s.number != "" && find(p.olds, s.old) == nil {
			p.losses = append(p.losses, fmt.Sprintf("tags of %s (they were not captured, and it is not there)", s.old))
		}
	}
}

// loseKeys says where a copy is under another key than the volume was.
func (p *planning) loseKeys() {
	if p.r.From.Claim.Origin == "" {
		return
	}
	for _, s := range p.job.swaps {
		i := slices.IndexFunc(p.members, func(m member) bool { return m.id() == s.snapshot })
		was, is := p.r.Settings[s.prefix()+"key"], aws.ToString(p.members[i].KmsKeyId)
		switch was {
		case is:
		case "":
			p.note("the new volume of %s is encrypted under the copy's key %s", s.snapshot, is)
		default:
			p.losses = append(p.losses, fmt.Sprintf("%skey %s (the copy is under %s)", s.prefix(), was, orNone(is)))
		}
	}
}

// newTags gives the tags that a new volume takes over: those of the volume whose place
// it takes or whose data it holds. captured are those of the resource, which stand in
// for them where that is a volume itself.
func newTags(olds []types.Volume, s swapped, captured dr.Tags) dr.Tags {
	if old := find(olds, s.old); old != nil {
		return plainTags(old.Tags).Lasting()
	}
	out := dr.Tags{}
	if s.number == "" {
		maps.Copy(out, captured)
	}
	return out
}

func find(volumes []types.Volume, id string) *types.Volume {
	for i := range volumes {
		if aws.ToString(volumes[i].VolumeId) == id {
			return &volumes[i]
		}
	}
	return nil
}

// needs says what it takes of the quota of storage.
func (p *planning) needs() string {
	gib := map[string]int{}
	for _, s := range p.job.swaps {
		n, _ := strconv.Atoi(p.r.Settings[s.prefix()+"gib"])
		gib[volumeType(p.r.Settings, s)] += n
	}
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(gib)) {
		out = append(out, fmt.Sprintf("%d GiB of %s", gib[kind], kind))
	}
	until := "for good"
	if p.r.InPlace {
		until = "until the old volumes are gone"
	}
	return strings.Join(out, " and ") + " more in the account's quota, and their price, " + until
}

func (p *planning) tagsAsNew(s swapped) dr.Tags {
	tags := newTags(p.olds, s, p.r.Tags)
	tags["Name"] = p.r.Name
	return tags
}
