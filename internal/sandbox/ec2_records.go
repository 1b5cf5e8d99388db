package sandbox

import (
	"slices"
	"strings"
	"time"
)

// ec2Instance is an instance.
type ec2Instance struct {
	place
	id, image, class, zone, subnet, vpc string
	keyName, profile, rootDevice, ip    string
	groups                              []string
	launched                            time.Time
	state                               status
	tags                                timeline[tagSet]
	// noStop and noEnd are the protection from being stopped and terminated.
	noStop, noEnd timeline[bool]
	// booted is when it last came to run, reason why it stopped or ended by itself.
	booted time.Time
	reason timeline[string]
	// rootless says that a seed has given it no root volume.
	rootless bool
}

// ec2Volume is an EBS volume. Its state is that of its own; while it is attached,
// "available" shows as "in-use".
type ec2Volume struct {
	place
	id, kind, zone, key, snapshot string
	size, iops, throughput        int
	created                       time.Time
	state                         status
	tags                          timeline[tagSet]
	attached                      timeline[[]attachment]
	data                          VolumeData
	// failNext is how many of the next snapshots will end as "error".
	failNext int
}

// attachment is a volume's being attached to an instance. It is attaching until it is
// ready and, where it is leaving, detaching.
type attachment struct {
	instance, device string
	since, ready     time.Time
	deleteWithIt     bool
	leaving          bool
}

// The states of attachments (Amazon EC2 API Reference, VolumeAttachment).
const (
	stateAttaching = "attaching"
	stateAttached  = "attached"
	stateDetaching = "detaching"
)

func (a attachment) state(when time.Time) string {
	switch {
	case a.leaving:
		return stateDetaching
	case when.Before(a.ready):
		return stateAttaching
	}
	return stateAttached
}

func (v *ec2Volume) shown(when time.Time) string {
	if st := v.state.get(when); st != statusAvailable || len(v.attached.get(when)) == 0 {
		return st
	}
	return stateInUse
}

// on gives the attachment to an instance.
func (v *ec2Volume) on(instance string, when time.Time) (attachment, bool) {
	for _, a := range v.attached.get(when) {
		if a.instance == instance {
			return a, true
		}
	}
	return attachment{}, false
}

// attachedTo gives an instance's volumes in the order of their devices.
func (g *ec2Region) attachedTo(instance string, when time.Time) []*ec2Volume {
	var out []*ec2Volume
	for _, v := range g.volumes {
		if _, ok := v.on(instance, when); ok && v.state.exists(when) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(x, y *ec2Volume) int {
		a, _ := x.on(instance, when)
		b, _ := y.on(instance, when)
		return strings.Compare(a.device, b.device)
	})
	return out
}

// ec2Snapshot is a snapshot of a volume.
type ec2Snapshot struct {
	place
	id, volume, description, key string
	size                         int
	started, ready               time.Time
	state                        status
	message                      string // Why it is "error".
	tags                         timeline[tagSet]
	shared                       timeline[[]string]
	source                       *ec2Snapshot // Of copies.
	// images are the AMIs that use it; as long as there are any it cannot be deleted.
	images timeline[[]string]
}

// bogusVolume is the volume that copies name (Amazon EBS User Guide, "Copy an
// Amazon EBS snapshot": "have an arbitrary volume ID").
const bogusVolume = "vol-ffffffff"

func (x *ec2Snapshot) percent(when time.Time) int {
	switch {
	case x.state.get(when) == stateCompleted:
		return 100
	case !when.After(x.started) || !x.ready.After(x.started):
		return 0
	}
	return min(99, int(100*when.Sub(x.started)/x.ready.Sub(x.started)))
}

// usableBy reports whether an account may make volumes and copies from it.
func (x *ec2Snapshot) usableBy(account string, when time.Time) bool {
	return x.account == account || slices.Contains(x.shared.get(when), account) || slices.Contains(x.shared.get(when), everyone)
}

// States that the rules ask for, beside those that RDS has too.
const (
	stateInUse        = "in-use"
	statePending      = "pending"
	stateCompleted    = "completed"
	stateError        = "error"
	stateRunning      = "running"
	stateShuttingDown = "shutting-down"
	stateTerminated   = "terminated"
)

// gone is when a terminated instance is no longer shown (Amazon EC2 User Guide,
// "Terminate Amazon EC2 instances": "remains visible in the console for a short
// while").
const stillShown = time.Hour
