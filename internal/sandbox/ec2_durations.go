package sandbox

import "time"

// EBSDurations says how long the work of EC2 on volumes and instances takes. A zero
// entry means its default. AWS publishes none of them.
type EBSDurations struct {
	// Volume is until a new volume is available, FromSnapshot until one of a snapshot
	// is: its data comes later, while it is read.
	Volume, FromSnapshot Duration
	// Attach and Detach are until a volume is attached, and is available again.
	Attach, Detach Duration
	// Boot and Halt are until an instance runs, and is stopped. Check is how long after
	// that its status checks are "initializing".
	Boot, Halt, Check Duration
	// ReplaceRoot is until a root volume was replaced.
	ReplaceRoot Duration
}

func (d EBSDurations) withDefaults() EBSDurations {
	or := func(set *Duration, base time.Duration) {
		if *set == (Duration{}) {
			set.Base = base
		}
	}
	or(&d.Volume, time.Second)
	or(&d.FromSnapshot, 10*time.Second)
	or(&d.Attach, 3*time.Second)
	or(&d.Detach, 5*time.Second)
	or(&d.Boot, 20*time.Second)
	or(&d.Halt, time.Minute)
	or(&d.Check, 2*time.Minute)
	or(&d.ReplaceRoot, 2*time.Minute)
	return d
}
