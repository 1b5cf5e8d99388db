package sandbox

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// ec2State is all that there is in EC2, in every account and Region.
type ec2State struct {
	aws     *AWS
	regions map[place]*ec2Region
	made    int
	// tokens are the calls that gave a client token, by place, action and token.
	tokens map[string]ec2Token
	// pageLimit bounds answers below what callers ask for; 0 does not.
	pageLimit int
}

// ec2Region is what one account has in one Region. The lists keep what is gone
// for a while, since a stale read may still show it.
type ec2Region struct {
	place
	instances []*ec2Instance
	volumes   []*ec2Volume
	snapshots []*ec2Snapshot
	rootTasks []*rootTask
}

func newEC2(a *AWS) *ec2State {
	return &ec2State{aws: a, regions: map[place]*ec2Region{}, tokens: map[string]ec2Token{}}
}

func (s *ec2State) region(p place) *ec2Region {
	got, ok := s.regions[p]
	if !ok {
		got = &ec2Region{place: p}
		s.regions[p] = got
	}
	return got
}

// newID gives the next id of a kind, such as "snap": the same in every run.
func (s *ec2State) newID(kind string, p place) string {
	s.made++
	return seedID(kind, p, strconv.Itoa(s.made))
}

// seedID gives the id of what a seed names.
func seedID(kind string, p place, name string) string {
	return kind + "-" + hashed(17, kind, p.account, p.region, name)
}

func (g *ec2Region) instance(id string, when time.Time) (*ec2Instance, error) {
	if !ec2ID.MatchString(id) {
		return nil, refuse("InvalidInstanceID.Malformed", "Invalid id: %q", id)
	}
	for _, in := range g.instances {
		if in.id == id && in.state.exists(when) {
			return in, nil
		}
	}
	return nil, refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
}

func (g *ec2Region) volume(id string, when time.Time) (*ec2Volume, error) {
	if !ec2ID.MatchString(id) {
		return nil, refuse("InvalidVolumeID.Malformed", "Invalid id: %q", id)
	}
	for _, v := range g.volumes {
		if v.id == id && v.state.exists(when) {
			return v, nil
		}
	}
	return nil, refuse("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
}

func (g *ec2Region) snapshot(id string, when time.Time) (*ec2Snapshot, error) {
	if !ec2ID.MatchString(id) {
		return nil, refuse("InvalidSnapshotID.Malformed", "Invalid id: %q", id)
	}
	for _, x := range g.snapshots {
		if x.id == id && x.state.exists(when) {
			return x, nil
		}
	}
	return nil, refuse("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", id)
}

// ec2ID is what an id looks like: 8 digits in old times, 17 now.
var ec2ID = regexp.MustCompile(`^[a-z]+-([0-9a-f]{8}|[0-9a-f]{17})$`)

// forget drops what has been gone for long.
func (g *ec2Region) forget(now time.Time) {
	old := now.Add(-remembered)
	g.instances = slices.DeleteFunc(g.instances, func(x *ec2Instance) bool { return x.state.goneSince(old) })
	g.volumes = slices.DeleteFunc(g.volumes, func(x *ec2Volume) bool { return x.state.goneSince(old) })
	g.snapshots = slices.DeleteFunc(g.snapshots, func(x *ec2Snapshot) bool { return x.state.goneSince(old) })
	g.rootTasks = slices.DeleteFunc(g.rootTasks, func(x *rootTask) bool { return x.ends().Before(old) })
}
