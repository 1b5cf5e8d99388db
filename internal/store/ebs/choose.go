package ebs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/plan"
)

func isInstance(id string) bool { return strings.HasPrefix(id, "i-") }

// device is a volume as its instance has it.
type device struct{ volume, name string }

// choice is what of an instance is taken, and what is not.
type choice struct {
	taken    []device
	noBoot   bool
	excluded []string
}

// choose looks what is attached to the instance now, because CreateSnapshots is
// told what to leave out and takes all else: a volume that was attached since the
// plan was made would come along unasked.
func (r region) choose(ctx context.Context, a plan.Action, seen *glance) (choice, error) {
	found, err := r.instanceOn(ctx, seen, a.From.ID)
	if err != nil {
		return choice{}, fmt.Errorf("look at the instance: %w", err)
	}
	var c choice
	wanted := slices.Clone(a.Parts)
	for i := range found {
		wanted = c.add(&found[i], a, wanted)
	}
	switch {
	case len(wanted) > 0:
		return choice{}, fmt.Errorf("%w: %s is not attached to it", errMoved, strings.Join(wanted, ", "))
	case len(c.taken) == 0:
		return choice{}, fmt.Errorf("%w: nothing is attached to it", errMoved)
	}
	return c, nil
}

// instanceOn finds an instance on a look that was made already, or anew.
func (r region) instanceOn(ctx context.Context, seen *glance, id string) ([]types.Instance, error) {
	if seen == nil {
		return r.listInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	}
	found := seen.instance(id)
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s", errNoInstance, id)
	}
	return found, nil
}

// add sorts the volumes of the instance, and gives those that are wanted and not
// among them. An action without parts wants all.
func (c *choice) add(in *types.Instance, a plan.Action, wanted []string) []string {
	for _, m := range in.BlockDeviceMappings {
		if m.Ebs == nil {
			continue
		}
		d := device{aws.ToString(m.Ebs.VolumeId), aws.ToString(m.DeviceName)}
		switch {
		case len(a.Parts) == 0 || slices.Contains(a.Parts, d.volume):
			c.taken = append(c.taken, d)
		case d.name == aws.ToString(in.RootDeviceName):
			c.noBoot = true
		default:
			c.excluded = append(c.excluded, d.volume)
		}
		wanted = slices.DeleteFunc(wanted, func(id string) bool { return id == d.volume })
	}
	return wanted
}

func (c choice) specification(instance string) *types.InstanceSpecification {
	out := &types.InstanceSpecification{InstanceId: aws.String(instance), ExcludeDataVolumeIds: c.excluded}
	if c.noBoot {
		out.ExcludeBootVolume = aws.Bool(true)
	}
	return out
}

// maxDescription is how long a description may be.
const maxDescription = 255

// describeInstance gives the description that all snapshots of a set share, since
// CreateSnapshots takes one: "name (instance) - volume (device), … - region".
func describeInstance(a plan.Action, taken []device) string {
	parts := make([]string, len(taken))
	for i, d := range taken {
		parts[i] = d.volume + " (" + d.name + ")"
	}
	return describe(a.Tags["Name"], a.From.ID, strings.Join(parts, ", "), a.To.Region)
}

// describeVolume gives "name (instance) - volume (device) - region", as far as
// there is an instance.
func describeVolume(a plan.Action) string {
	volume, owner := a.From.ID, ""
	if s, err := a.Claim.Config.Settings(); err == nil {
		owner = s["instance"]
		if s["device"] != "" {
			volume += " (" + s["device"] + ")"
		}
	}
	return describe(a.Tags["Name"], owner, volume, a.To.Region)
}

// describeCopy gives the same of a copy, with what it was copied from.
func describeCopy(a plan.Action, m member) string {
	volume, owner := m.part(), ""
	if device := deviceOf(a.Claim.Config, volume); device != "" {
		volume += " (" + device + ")"
	}
	if part := strings.Split(a.Claim.Source, "/"); isInstance(part[len(part)-1]) {
		owner = part[len(part)-1]
	}
	return describe(a.Tags["Name"], owner, volume+", copied from "+m.id(), a.From.Site.Region)
}

// deviceOf finds in a captured configuration where a volume was attached.
func deviceOf(c dr.Config, volume string) string {
	s, err := c.Settings()
	if err != nil {
		return ""
	}
	for k, v := range s {
		if prefix, ok := strings.CutSuffix(k, "volume"); ok && v == volume {
			return s[prefix+"device"]
		}
	}
	return ""
}

// describe joins what there is, and cuts what is too long from the middle.
func describe(name, owner, volumes, region string) string {
	head := strings.TrimSpace(name)
	switch {
	case head != "" && owner != "":
		head += " (" + owner + ")"
	case owner != "":
		head = owner
	}
	if head != "" {
		head += " - "
	}
	tail := " - " + region
	runes := []rune(head + volumes)
	if room := maxDescription - len(tail); len(runes) > room {
		runes = append(runes[:room-1], '…')
	}
	return string(runes) + tail
}
