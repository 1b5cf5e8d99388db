package sandbox

import "time"

// Duration is how long a piece of work takes, by the size of the storage.
type Duration struct {
	Base   time.Duration
	PerGiB time.Duration
}

// of gives the duration for a size.
func (d Duration) of(gib int) time.Duration {
	return d.Base + time.Duration(gib)*d.PerGiB
}

// Durations says how long AWS's own work takes. A zero entry means its default;
// for "at once" give a Base of one nanosecond.
type Durations struct {
	// Snapshot is for the first snapshot of a database, Increment for later ones.
	Snapshot, Increment Duration
	// BackingUp is the part of a snapshot's time, in percent, in which the
	// database shows "backing-up" and takes no other snapshot.
	BackingUp int
	// Copy is for a copy within a Region, RegionCopy for one between Regions.
	Copy, RegionCopy Duration
	// SnapshotDelete is how long a deleted snapshot is still shown.
	SnapshotDelete Duration
	// Create, Backup, Modify, Optimize, Start, Stop and Delete are for databases:
	// their creation, the first backup after it, a change, the storage
	// optimization after a change of storage, and so on.
	Create, Backup, Modify, Optimize, Start, Stop, Delete Duration
	// Restore is until what is restored from a snapshot or a point in time answers; its
	// first backup comes after that.
	Restore Duration
	// Settle is how long a database still shows its old status after a change of it was
	// accepted, Configure how long a change takes that needs no restart, and Reboot one
	// restart.
	Settle, Configure, Reboot Duration
	// Rename is until what is being renamed goes by its new name. From then until its
	// new endpoint answers, and it is available again, Redirect passes for an instance
	// and ClusterRedirect for a cluster.
	Rename, Redirect, ClusterRedirect Duration
	// InSync is how long a change of records in Route 53 takes to reach all name servers.
	InSync Duration
	// EBS and Redshift are for what those do beside.
	EBS      EBSDurations
	Redshift RedshiftDurations
}

func (d Durations) withDefaults() Durations {
	or := func(set *Duration, base, perGiB time.Duration) {
		if *set == (Duration{}) {
			*set = Duration{base, perGiB}
		}
	}
	or(&d.Snapshot, time.Minute, 1500*time.Millisecond)
	or(&d.Increment, 45*time.Second, 100*time.Millisecond)
	or(&d.Copy, 2*time.Minute, 500*time.Millisecond)
	or(&d.RegionCopy, 5*time.Minute, 3*time.Second)
	or(&d.SnapshotDelete, 5*time.Second, 0)
	or(&d.Create, 4*time.Minute, 500*time.Millisecond)
	or(&d.Backup, 2*time.Minute, 500*time.Millisecond)
	or(&d.Modify, 3*time.Minute, 0)
	or(&d.Optimize, time.Hour, 10*time.Second)
	or(&d.Start, 4*time.Minute, 0)
	or(&d.Stop, 5*time.Minute, 0)
	or(&d.Delete, 4*time.Minute, 0)
	or(&d.Restore, 8*time.Minute, 300*time.Millisecond)
	or(&d.Settle, 10*time.Second, 0)
	or(&d.Configure, 30*time.Second, 0)
	or(&d.Reboot, time.Minute, 0)
	// "The new DNS name for the renamed DB instance becomes effective in about 10
	// minutes", that of a Multi-AZ DB cluster "in about two minutes". (Amazon RDS User
	// Guide, "Renaming a DB instance" and "Renaming a Multi-AZ DB cluster".) When the
	// identifier itself changes is inferred.
	or(&d.Rename, time.Minute, 0)
	or(&d.Redirect, 9*time.Minute, 0)
	or(&d.ClusterRedirect, time.Minute, 0)
	// "Within 60 seconds under normal conditions" (Amazon Route 53 API Reference,
	// ChangeResourceRecordSets).
	or(&d.InSync, time.Minute, 0)
	d.EBS, d.Redshift = d.EBS.withDefaults(), d.Redshift.withDefaults()
	if d.BackingUp == 0 {
		d.BackingUp = 50
	}
	return d
}
