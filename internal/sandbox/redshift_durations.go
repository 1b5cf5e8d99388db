package sandbox

import "time"

// RedshiftDurations says how long the work of Redshift takes that the other services
// do not have. A zero entry means its default.
type RedshiftDurations struct {
	// Restore is until a cluster that is restored from a snapshot is available.
	Restore Duration
	// Rename is until a cluster goes by its new name and can be reached by it.
	Rename Duration
	// Configure is how long a change takes that needs no restart, and Roles a change of
	// IAM roles.
	Configure, Roles Duration
	// Reboot is how long a restart takes.
	Reboot Duration
	// TableWait is how long a table waits for its restore, which takes Table.
	TableWait, Table Duration
}

func (d RedshiftDurations) withDefaults() RedshiftDurations {
	or := func(set *Duration, base, perGiB time.Duration) {
		if *set == (Duration{}) {
			*set = Duration{base, perGiB}
		}
	}
	or(&d.Restore, 10*time.Minute, 200*time.Millisecond)
	// "The new DNS name for the renamed cluster becomes effective within about 10
	// minutes" (Amazon Redshift Management Guide, "Renaming a cluster").
	or(&d.Rename, 10*time.Minute, 0)
	or(&d.Configure, time.Minute, 0)
	or(&d.Roles, 30*time.Second, 0)
	or(&d.Reboot, 3*time.Minute, 0)
	or(&d.TableWait, 30*time.Second, 0)
	or(&d.Table, 2*time.Minute, 100*time.Millisecond)
	return d
}
