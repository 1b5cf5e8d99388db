package sandbox

import (
	"fmt"
	"time"
)

// VolumeData says whose data a volume was made with. It is zero where it began empty.
type VolumeData struct {
	// Snapshot is the id of the snapshot that was restored.
	Snapshot string
	// Volume is the id of the volume that was snapshotted first, whatever copies lie
	// between: copies themselves name one that does not exist.
	Volume string
	// At is the moment as of which the data is.
	At time.Time
}

// VolumeData says what a volume was made from.
func (a *AWS) VolumeData(account, region, id string) (VolumeData, error) {
	var got VolumeData
	err := a.onVolume(account, region, id, "tell whose data it holds", func(v *ec2Volume, _ time.Time) error {
		got = v.data
		return nil
	})
	return got, err
}

// data gives what a volume of this snapshot holds.
func (x *ec2Snapshot) data() VolumeData {
	first := x
	for first.source != nil {
		first = first.source
	}
	return VolumeData{Snapshot: x.id, Volume: first.volume, At: first.started}
}

// DeviceVolume gives the id of the volume that is attached to an instance as a device
// now; "" where there is none, or it is still coming or already going.
func (a *AWS) DeviceVolume(account, region, instance, device string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, g := a.now(), a.ec2.region(place{account, region})
	in, err := g.instance(instance, now)
	if err != nil {
		return "", fmt.Errorf("instance %s in %s of %s: tell what is attached as %s: %w", instance, region, account, device, plain(err))
	}
	v, ok := g.deviceOf(in, device, now)
	if !ok {
		return "", nil
	}
	if a, _ := v.on(in.id, now); a.state(now) != stateAttached {
		return "", nil
	}
	return v.id, nil
}
