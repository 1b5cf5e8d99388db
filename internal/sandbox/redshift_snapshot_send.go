package sandbox

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// defaultCopyDays is for how long copies of automated snapshots are kept
// (EnableSnapshotCopy, RetentionPeriod: "Default: 7").
const defaultCopyDays = 7

// enableSnapshotCopy makes Redshift copy each new snapshot of a cluster, automated or
// manual, to one other Region.
//
// Amazon Redshift API Reference, EnableSnapshotCopy. Inferred: that the cluster has
// to be available, and that a grant is refused for a cluster without encryption.
func (s *redshiftState) enableSnapshotCopy(r *request) (any, error) {
	p := r.params
	to := SeedSnapshotCopy{Region: p.need("DestinationRegion"), Days: defaultCopyDays, Grant: strings.ToLower(p.str("SnapshotCopyGrantName"))}
	if days := p.number("RetentionPeriod"); days != nil {
		to.Days = *days
	}
	manual, manualErr := readRetention(p, "ManualSnapshotRetentionPeriod")
	to.ManualDays = manual
	g, c, err := s.namedCluster(r)
	if err := firstError(err, manualErr, checkCopyDays(to.Days)); err != nil {
		return nil, err
	}
	if err := s.maySend(g, c, to, r.now); err != nil {
		return nil, err
	}
	next := c.config.get(r.now)
	next.copies = to
	c.config.set(r.now, next)
	return clusterResult{s.showCluster(c, r.now)}, nil
}

// maySend says why the snapshots of a cluster cannot be copied so.
func (s *redshiftState) maySend(g *redshiftRegion, c *cluster, to SeedSnapshotCopy, now time.Time) error {
	of := c.config.get(now)
	switch {
	case of.copies.Region != "":
		return refuse("SnapshotCopyAlreadyEnabledFault", "Snapshot copy is already enabled on cluster %s.", of.name)
	case !c.status.in(now, statusAvailable):
		return invalidClusterState("The cluster %s is not in the available state.", of.name)
	case to.Region == g.region || !regionPattern.MatchString(to.Region):
		return refuse("UnknownSnapshotCopyRegionFault", "The region %s is not a region that snapshots of this cluster can be copied to.", to.Region)
	case to.Grant == "":
		return nil
	case of.key == "":
		return invalidCombination("SnapshotCopyGrantName cannot be specified for cluster %s, which is not encrypted.", of.name)
	}
	if _, ok := s.bare(place{g.account, to.Region}).grant(to.Grant, now); !ok {
		return copyGrantNotFound(to.Grant)
	}
	return nil
}

func checkCopyDays(days int) error {
	if days < 1 || days > 35 {
		return refuse("InvalidRetentionPeriodFault", "Invalid retention period. It must be at least 1 and no more than 35 days.")
	}
	return nil
}

// disableSnapshotCopy ends that. What has arrived stays, and so does what has been
// begun; what was not yet complete at the source is copied no more (inferred).
func (s *redshiftState) disableSnapshotCopy(r *request) (any, error) {
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	next := c.config.get(r.now)
	switch {
	case next.copies.Region == "":
		return nil, refuse("SnapshotCopyAlreadyDisabledFault", "Snapshot copy is already disabled on cluster %s.", next.name)
	case !c.status.in(r.now, statusAvailable):
		return nil, invalidClusterState("The cluster %s is not in the available state.", next.name)
	}
	there := s.bare(place{g.account, next.copies.Region})
	there.snapshots = slices.DeleteFunc(there.snapshots, func(x *clusterSnapshot) bool {
		return x.source != nil && x.namespace == c.namespace && x.started.After(r.now)
	})
	next.copies = SeedSnapshotCopy{}
	c.config.set(r.now, next)
	return clusterResult{s.showCluster(c, r.now)}, nil
}

// modifySnapshotCopyRetentionPeriod changes for how long copies are kept.
//
// Amazon Redshift API Reference, ModifySnapshotCopyRetentionPeriod: of automated
// snapshots also of those that have been copied already; with Manual of newly copied
// manual ones only.
func (s *redshiftState) modifySnapshotCopyRetentionPeriod(r *request) (any, error) {
	p := r.params
	days, manual := p.number("RetentionPeriod"), p.isSet("Manual")
	g, c, err := s.namedCluster(r)
	if err != nil {
		return nil, err
	}
	if days == nil {
		return nil, refuse("MissingParameter", "The request must contain the parameter RetentionPeriod.")
	}
	next := c.config.get(r.now)
	switch {
	case next.copies.Region == "":
		return nil, refuse("SnapshotCopyDisabledFault", "Snapshot copy is disabled on cluster %s.", next.name)
	case !c.status.in(r.now, statusAvailable):
		return nil, invalidClusterState("The cluster %s is not in the available state.", next.name)
	case manual:
		err, next.copies.ManualDays = checkRetention(days), *days
	default:
		err, next.copies.Days = checkCopyDays(*days), *days
	}
	if err != nil {
		return nil, err
	}
	c.config.set(r.now, next)
	if !manual {
		for _, x := range s.bare(place{g.account, next.copies.Region}).snapshots {
			if x.source != nil && x.namespace == c.namespace && !x.manual() {
				x.keep(*days, r.now)
			}
		}
	}
	return clusterResult{s.showCluster(c, r.now)}, nil
}

// send begins the copy of a snapshot to the Region to which its cluster copies, as
// soon as the snapshot is complete.
//
// Amazon Redshift Management Guide, "Copying a snapshot to another AWS Region": what
// is created while copying is on is copied. The name begins with "copy:", as people
// have shown it; the tags do not come along unless CopyClusterTags was called, since
// nobody says that they do. A copy is a manual snapshot if its original is, and
// counts against the quota of its Region; it fails where that is full, where a key
// is of no use or where its original is deleted before it is done (all inferred).
func (s *redshiftState) send(c *cluster, snap *clusterSnapshot) {
	to := snap.of.copies
	if to.Region == "" || snap.status.get(snap.ready) != statusAvailable {
		return
	}
	g := s.bare(place{snap.account, to.Region})
	made := &clusterSnapshot{
		place: g.place, name: "copy:" + snap.name, kind: snap.kind, of: snap.of, namespace: snap.namespace, source: snap,
		clusterCreated: snap.clusterCreated, taken: snap.taken, started: snap.ready,
		ready: snap.ready.Add(s.aws.options.Durations.RegionCopy.of(snap.of.size)),
	}
	outcome := statusAvailable
	if !s.arrives(g, c, made) {
		outcome = statusFailed
	}
	made.of.zone, made.of.vpc = g.region+"a", defaultVPC(g.place)
	made.status.set(made.started, statusCreating)
	made.status.then(made.ready, outcome)
	made.tags.set(made.started, tagSet{})
	if s.copyTags {
		made.tags.set(made.started, snap.tags.get(snap.ready))
	}
	days := cmp.Or(to.ManualDays, -1)
	if !made.manual() {
		days = cmp.Or(to.Days, defaultCopyDays)
	}
	made.keep(days, made.started)
	g.snapshots = append(g.snapshots, made)
}

// arrives gives a copy its key, and reports whether it will be made.
func (s *redshiftState) arrives(g *redshiftRegion, c *cluster, made *clusterSnapshot) bool {
	when := made.started
	if made.of.key != "" {
		// Without a grant the copy is under a default key (Management Guide,
		// "Configuring cross-Region snapshot copy for an AWS KMS–encrypted cluster").
		key := aliasKey(g.place, "alias/aws/redshift")
		if made.of.copies.Grant != "" {
			grant, ok := g.grant(made.of.copies.Grant, when)
			if !ok {
				return false
			}
			key = grant.key
		}
		if !s.aws.keys.works(made.of.key, when) || !s.aws.keys.works(key, when) {
			return false
		}
		made.of.key = key
	}
	if c.failCopies > 0 {
		c.failCopies--
		return false
	}
	return !made.manual() || s.roomForClusterSnapshot(g, made.name, when) == nil
}

// abandon fails the copies that are being made of a snapshot that is deleted.
func (s *redshiftState) abandon(snap *clusterSnapshot, now time.Time) {
	for _, g := range s.senders(snap.place) {
		for _, x := range g.snapshots {
			if x.source == snap && x.status.in(now, statusCreating) {
				x.status.set(now, statusFailed)
			}
		}
	}
}

// senders gives what the account of a Region has in each, which may send snapshots to
// any other, in a fixed order.
func (s *redshiftState) senders(p place) []*redshiftRegion {
	var all []*redshiftRegion
	for at, g := range s.regions {
		if at.account == p.account {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(x, y *redshiftRegion) int { return strings.Compare(x.region, y.region) })
	return all
}
