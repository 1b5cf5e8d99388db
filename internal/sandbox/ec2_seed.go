package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// SeedInstance is an EC2 instance; its name is that of its Name tag, unless Tags
// have another. What is left out: a t3.medium that runs, whose boot volume is
// /dev/xvda.
type SeedInstance struct {
	ID      string            `yaml:"id"`
	Class   string            `yaml:"type"`
	Image   string            `yaml:"image"`
	Zone    string            `yaml:"zone"`
	Subnet  string            `yaml:"subnet"`
	Groups  []string          `yaml:"security-groups"`
	KeyName string            `yaml:"key-name"`
	Profile string            `yaml:"instance-profile"`
	State   string            `yaml:"state"`
	Age     Age               `yaml:"age"`
	Tags    map[string]string `yaml:"tags"`
	Volumes []SeedVolume      `yaml:"volumes"`
	// StopProtected and Protected say that it must not be stopped and terminated.
	StopProtected bool `yaml:"stop-protection"`
	Protected     bool `yaml:"termination-protection"`
}

// SeedVolume is an EBS volume. Of an instance's, Device says where it is attached
// and Boot that the instance starts from it.
type SeedVolume struct {
	ID         string            `yaml:"id"`
	Device     string            `yaml:"device"`
	Boot       bool              `yaml:"boot"`
	Type       string            `yaml:"type"`
	Size       int               `yaml:"size"`
	Iops       int               `yaml:"iops"`
	Throughput int               `yaml:"throughput"`
	Key        string            `yaml:"key"`
	Zone       string            `yaml:"zone"`
	State      string            `yaml:"state"`
	Age        Age               `yaml:"age"`
	Tags       map[string]string `yaml:"tags"`
}

// SeedEBSSnapshot is a snapshot of a volume.
type SeedEBSSnapshot struct {
	ID string `yaml:"id"`
	// Of is a volume's id, the name of a loose volume, or instance and device, such
	// as "web/dev/xvda". An id of a volume that is not there is that of one gone.
	Of          string            `yaml:"of"`
	State       string            `yaml:"state"`
	Description string            `yaml:"description"`
	Size        int               `yaml:"size"`
	Key         string            `yaml:"key"`
	Age         Age               `yaml:"age"`
	Tags        map[string]string `yaml:"tags"`
	Shared      []string          `yaml:"shared"`
	// Images are the AMIs that use it.
	Images []string `yaml:"images"`
}

func (s *ec2State) seed(p place, in SeedRegion, now time.Time) error {
	for _, name := range slices.Sorted(maps.Keys(in.Instances)) {
		if _, err := s.seedInstance(p, name, in.Instances[name], now); err != nil {
			return fmt.Errorf("instance %s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.Volumes)) {
		v := in.Volumes[name]
		v.Tags = named(v.Tags, name)
		if _, err := s.seedVolume(p, name, v, now); err != nil {
			return fmt.Errorf("volume %s: %w", name, err)
		}
	}
	for i, x := range in.EBSSnapshots {
		if _, err := s.seedEBSSnapshot(p, x, now); err != nil {
			return fmt.Errorf("EBS snapshot %d of %s: %w", i+1, x.Of, err)
		}
	}
	return nil
}

func (s *ec2State) seedInstance(p place, name string, in SeedInstance, now time.Time) (string, error) {
	g, born := s.region(p), now.Add(-time.Duration(in.Age))
	x := &ec2Instance{
		place: p, id: or(in.ID, seedID("i", p, name)), image: or(in.Image, "ami-"+hashed(17, "ami", p.region)),
		class: or(in.Class, "t3.medium"), zone: or(in.Zone, p.region+"a"), keyName: in.KeyName, profile: in.Profile,
		subnet: in.Subnet, groups: slices.Clone(in.Groups),
	}
	if _, err := g.instance(x.id, now); err == nil {
		return "", errors.New("there is one of this id already")
	}
	if err := s.launch(g, x, []deviceRequest{{name: defaultRoot, virtual: "none"}}, nil, born); err != nil {
		return "", err
	}
	x.state.set(born, or(in.State, stateRunning))
	x.tags.set(born, named(in.Tags, name))
	x.noStop.set(born, in.StopProtected)
	x.noEnd.set(born, in.Protected)
	x.rootless = !slices.ContainsFunc(in.Volumes, func(v SeedVolume) bool { return v.Boot || v.Device == defaultRoot })
	for _, v := range in.Volumes {
		v.Zone, v.Age = x.zone, max(v.Age, in.Age)
		got, err := s.seedVolume(p, name+v.Device, v, now)
		if err != nil {
			return "", fmt.Errorf("%s: %w", v.Device, err)
		}
		if v.Boot {
			x.rootDevice = v.Device
		}
		got.attached.set(got.created, []attachment{{instance: x.id, device: v.Device, since: got.created, deleteWithIt: v.Boot}})
	}
	return x.id, nil
}

func (s *ec2State) seedVolume(p place, name string, in SeedVolume, now time.Time) (*ec2Volume, error) {
	g, born := s.region(p), now.Add(-time.Duration(in.Age))
	id := or(in.ID, seedID("vol", p, name))
	if _, err := g.volume(id, now); err == nil {
		return nil, errors.New("there is one of this id already")
	}
	q := volumeRequest{
		kind: or(in.Type, "gp3"), zone: or(in.Zone, p.region+"a"), key: in.Key, size: in.Size, iops: in.Iops, throughput: in.Throughput,
		tags: tagSet(maps.Clone(in.Tags)),
	}
	if q.size == 0 {
		q.size = 20
	}
	v, err := s.addVolume(g, q, born)
	if err != nil {
		return nil, plain(err)
	}
	v.id = id
	v.state.set(born, or(in.State, statusAvailable))
	return v, nil
}

func (s *ec2State) seedEBSSnapshot(p place, in SeedEBSSnapshot, now time.Time) (string, error) {
	g, taken := s.region(p), now.Add(-time.Duration(in.Age))
	x := &ec2Snapshot{
		place: p, id: in.ID, volume: in.Of, description: in.Description, size: in.Size, started: taken, ready: taken.Add(time.Minute),
	}
	if x.id == "" {
		x.id = s.newID("snap", p)
	}
	if _, err := g.snapshot(x.id, now); err == nil {
		return "", errors.New("there is one of this id already")
	}
	if !strings.HasPrefix(in.Of, "vol-") {
		x.volume = seedID("vol", p, in.Of)
	}
	if v, err := g.volume(x.volume, now); err == nil {
		x.key = v.key
		if x.size == 0 {
			x.size = v.size
		}
	}
	if in.Key != "" {
		key, ok := s.aws.keys.resolve(p, in.Key)
		if !ok {
			return "", fmt.Errorf("there is no KMS key %q", in.Key)
		}
		x.key = key
	}
	x.state.set(taken, or(in.State, stateCompleted))
	if in.State == statePending {
		x.ready = now.Add(s.aws.options.Durations.Snapshot.of(x.size))
		x.state.then(x.ready, stateCompleted)
	}
	x.tags.set(taken, tagSet(maps.Clone(in.Tags)))
	x.shared.set(taken, slices.Clone(in.Shared))
	x.images.set(taken, slices.Clone(in.Images))
	g.snapshots = append(g.snapshots, x)
	return x.id, nil
}

// named gives tags with a Name.
func named(tags map[string]string, name string) tagSet {
	return tagSet{"Name": name}.with(tags)
}
