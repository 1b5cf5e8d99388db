package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// checkEC2 says what is wrong with the part of a seed that is EC2's. in gives the
// path of what lies in the Region.
func (r SeedRegion) checkEC2(in func(...string) []string) error {
	for _, name := range slices.Sorted(maps.Keys(r.Instances)) {
		if err := r.Instances[name].check(); err != nil {
			return at(plain(err), in("instances", name)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Volumes)) {
		if err := r.Volumes[name].check(); err != nil {
			return at(plain(err), in("volumes", name)...)
		}
	}
	for i, x := range r.EBSSnapshots {
		if err := x.check(); err != nil {
			return at(plain(err), in("ebs-snapshots", fmt.Sprintf("[%d]", i))...)
		}
	}
	return nil
}

func (in SeedInstance) check() error {
	if !slices.Contains([]string{"", statePending, stateRunning, statusStopping, statusStopped, stateShuttingDown, stateTerminated}, in.State) {
		return fmt.Errorf("state: there is no state %q", in.State)
	}
	devices := map[string]bool{}
	for _, v := range in.Volumes {
		switch {
		case v.Device == "":
			return errors.New("volumes: the device of one is missing")
		case devices[v.Device]:
			return fmt.Errorf("volumes: there are two at %s", v.Device)
		}
		devices[v.Device] = true
		if err := v.check(); err != nil {
			return err
		}
	}
	return firstError(checkSeedID(in.ID), checkSeedEC2Tags(in.Tags))
}

func (v SeedVolume) check() error {
	if !slices.Contains([]string{"", statusCreating, statusAvailable, stateInUse, statusDeleting, stateError}, v.State) {
		return fmt.Errorf("state: there is no state %q", v.State)
	}
	if v.Size < 0 || v.Size > 65536 {
		return fmt.Errorf("size: %d is not 1 to 65536 GiB", v.Size)
	}
	return firstError(checkSeedID(v.ID), checkSeedEC2Tags(v.Tags))
}

func (x SeedEBSSnapshot) check() error {
	switch {
	case x.Of == "":
		return errors.New("of: the volume is missing")
	case !slices.Contains([]string{"", statePending, stateCompleted, stateError, "recoverable", "recovering"}, x.State):
		return fmt.Errorf("state: there is no state %q", x.State)
	}
	return firstError(checkSeedID(x.ID), checkSeedEC2Tags(x.Tags), checkDescription(x.Description))
}

func checkSeedID(id string) error {
	if id != "" && !ec2ID.MatchString(id) {
		return fmt.Errorf("id: %q is not an id of EC2", id)
	}
	return nil
}

// checkSeedEC2Tags checks tags. AWS's own are allowed: others put them there.
func checkSeedEC2Tags(tags map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		if awsTag(k) {
			continue
		}
		if err := checkEC2Tag(k, tags[k]); err != nil {
			return err
		}
	}
	return checkEC2TagCount(tags)
}
