package sandbox

import "slices"

// namedForSharing finds the snapshot that is to be shared or no longer, and with
// whom.
func (s *redshiftState) namedForSharing(r *request) (*clusterSnapshot, string, error) {
	p := r.params
	name, full, account := p.str("SnapshotIdentifier"), p.str("SnapshotArn"), p.need("AccountWithRestoreAccess")
	of := p.str("SnapshotClusterIdentifier")
	if err := p.check(); err != nil {
		return nil, "", err
	}
	// "Attempts to authorize or revoke access to your own account will receive an
	// error" (Management Guide, "Sharing a snapshot"); which one is inferred.
	if !isAccountID(account) || account == r.who.account {
		return nil, "", invalidValue("Invalid account id: %s", account)
	}
	for _, snap := range s.region(r.place(), r.now).snapshots {
		if snap.exists(r.now) && (snap.name == name || snap.arn().String() == full) && (of == "" || of == snap.of.name) {
			return snap, account, nil
		}
	}
	return nil, "", clusterSnapshotNotFound(or(name, full))
}

// authorizeSnapshotAccess lets another account restore a snapshot.
//
// Amazon Redshift Management Guide, "Sharing a snapshot": 20 accounts a snapshot and
// 100 a KMS key, counted over its snapshots. That only available manual ones can be shared, and not
// those under aws/redshift, is inferred.
func (s *redshiftState) authorizeSnapshotAccess(r *request) (any, error) {
	snap, account, err := s.namedForSharing(r)
	if err != nil {
		return nil, err
	}
	with := snap.shared.get(r.now)
	switch {
	case !snap.manual() || !snap.status.in(r.now, statusAvailable):
		return nil, invalidClusterSnapshotState("The snapshot %s is not a manual snapshot in the available state.", snap.name)
	case managed(snap.of.key, "redshift"):
		return nil, refuse("UnsupportedOperation", "The snapshot %s is encrypted with a key that cannot be used from another account.", snap.name)
	case slices.Contains(with, account):
		return nil, refuse("AuthorizationAlreadyExists", "The account %s is already authorized to restore %s.", account, snap.name)
	case len(with) >= restoreAccounts:
		return nil, refuse("AuthorizationQuotaExceeded", "A snapshot can be shared with at most %d accounts.", restoreAccounts)
	case snap.of.key != "" && s.sharesUnder(snap.of.key, r) >= keyShares:
		return nil, refuse("LimitExceededFault", "The encryption key has exceeded its grant limit in AWS KMS.")
	}
	with = append(slices.Clone(with), account)
	slices.Sort(with)
	snap.shared.set(r.now, with)
	return clusterSnapshotResult{showClusterSnapshot(snap, r.now)}, nil
}

// sharesUnder counts the shares of the snapshots that one key encrypts.
func (s *redshiftState) sharesUnder(key string, r *request) int {
	n := 0
	for _, snap := range s.bare(r.place()).snapshots {
		if snap.of.key == key && snap.exists(r.now) {
			n += len(snap.shared.get(r.now))
		}
	}
	return n
}

func (s *redshiftState) revokeSnapshotAccess(r *request) (any, error) {
	snap, account, err := s.namedForSharing(r)
	if err != nil {
		return nil, err
	}
	with := slices.Clone(snap.shared.get(r.now))
	i := slices.Index(with, account)
	if i < 0 {
		return nil, notFound("AuthorizationNotFound", "The account %s is not authorized to restore %s.", account, snap.name)
	}
	snap.shared.set(r.now, slices.Delete(with, i, i+1))
	return clusterSnapshotResult{showClusterSnapshot(snap, r.now)}, nil
}
