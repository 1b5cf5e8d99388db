package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// PutInstance makes an EC2 instance exist, as a seed does, and gives its id.
func (a *AWS) PutInstance(account, region, name string, in SeedInstance) (string, error) {
	return putEC2(a, account, region, "instance "+name, in.check, func(p place, now time.Time) (string, error) {
		return a.ec2.seedInstance(p, name, in, now)
	})
}

// PutVolume makes a volume exist that is not attached, as a seed does, and gives
// its id. It has no Name tag but that of its tags.
func (a *AWS) PutVolume(account, region, name string, in SeedVolume) (string, error) {
	return putEC2(a, account, region, "volume "+name, in.check, func(p place, now time.Time) (string, error) {
		v, err := a.ec2.seedVolume(p, name, in, now)
		if err != nil {
			return "", err
		}
		return v.id, nil
	})
}

// PutEBSSnapshot makes a snapshot exist, as a seed does, and gives its id. Quotas
// do not stop it.
func (a *AWS) PutEBSSnapshot(account, region string, in SeedEBSSnapshot) (string, error) {
	return putEC2(a, account, region, "EBS snapshot", in.check, func(p place, now time.Time) (string, error) {
		return a.ec2.seedEBSSnapshot(p, in, now)
	})
}

// putEC2 puts one thing in.
func putEC2(a *AWS, account, region, what string, check func() error, do func(place, time.Time) (string, error)) (string, error) {
	if err := check(); err != nil {
		return "", fmt.Errorf("%s in %s of %s: %w", what, region, account, plain(err))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.keys.whileSeeding()()
	id, err := do(place{account, region}, a.now())
	if err != nil {
		return "", fmt.Errorf("%s in %s of %s: %w", what, region, account, plain(err))
	}
	return id, nil
}

// SetVolumeState puts a volume into a state, such as "creating" or "error", where
// it stays until a call or this function changes it.
func (a *AWS) SetVolumeState(account, region, id, state string) error {
	return a.onVolume(account, region, id, "set its state", func(v *ec2Volume, now time.Time) error {
		if state == "" {
			return errors.New("no state given")
		}
		v.state.set(now, state)
		return nil
	})
}

// FailNextEBSSnapshots makes the next n snapshots of a volume end as "error".
func (a *AWS) FailNextEBSSnapshots(account, region, volume string, n int) error {
	return a.onVolume(account, region, volume, "make snapshots fail", func(v *ec2Volume, _ time.Time) error {
		v.failNext = n
		return nil
	})
}

func (a *AWS) onVolume(account, region, id, what string, do func(*ec2Volume, time.Time) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	v, err := a.ec2.region(place{account, region}).volume(id, now)
	if err == nil {
		err = do(v, now)
	}
	if err != nil {
		return fmt.Errorf("volume %s in %s of %s: %s: %w", id, region, account, what, plain(err))
	}
	return nil
}

// SetSnapshotImages says which AMIs use a snapshot; while there are any it cannot
// be deleted.
func (a *AWS) SetSnapshotImages(account, region, id string, images ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	x, err := a.ec2.region(place{account, region}).snapshot(id, now)
	if err != nil {
		return fmt.Errorf("EBS snapshot %s in %s of %s: set its images: %w", id, region, account, plain(err))
	}
	x.images.set(now, images)
	return nil
}

// LimitEC2Pages makes answers of EC2 hold at most n things, however many a caller
// asks for, which AWS may do at any time; 0 ends that.
func (a *AWS) LimitEC2Pages(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ec2.pageLimit = n
}
