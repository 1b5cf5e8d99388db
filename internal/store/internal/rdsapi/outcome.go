package rdsapi

import (
	"errors"
	"fmt"
	"slices"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

var (
	// errUnseen: a read that lags behind what was written.
	errUnseen = errors.New("a snapshot of this name exists, and does not show yet")
	// errUseless: it failed, or is on its way out, and has the name until it is gone.
	errUseless = errors.New("an earlier snapshot for the same slot has this name")
)

// made says what came of a call that makes a snapshot, from its error. The name is
// the idempotency key: an earlier try whose answer was lost, or another run, may
// have taken it already, and the claim tells. Such a snapshot shows in more than one
// way: while it begins its source is busy, it may be the last of the quota, and what
// it was made from may be gone meanwhile, or not shared any more.
func made(err error, claim dr.Claim, find func() (dr.Snapshot, error)) error {
	fault := Classify(err)
	if err == nil || !slices.Contains([]store.Fault{store.Conflict, store.Busy, store.Quota, store.NotFound}, fault) {
		return err
	}
	there, lookErr := find()
	unseen := lookErr != nil && Classify(lookErr) == store.NotFound
	switch {
	case unseen && fault == store.Conflict:
		return errUnseen
	case unseen:
		return err
	case lookErr != nil:
		return fmt.Errorf("it may exist already, and looking at it failed: %w", lookErr)
	case !there.Claim.Is(claim):
		return err
	case there.State != dr.Good && there.State != dr.Pending:
		return fmt.Errorf("%w: it is %s", errUseless, there.Status)
	}
	return nil
}

// removed says what came of a call that deletes a snapshot. One that is not there,
// or on its way out already, is as good as gone.
func removed(err error, find func() (dr.Snapshot, error)) error {
	if err == nil || Classify(err) == store.NotFound {
		return nil
	}
	if Classify(err) != store.Busy {
		return err
	}
	there, lookErr := find()
	if lookErr == nil && there.State == dr.Going || lookErr != nil && Classify(lookErr) == store.NotFound {
		return nil
	}
	return err
}

// Classify sorts an error by the codes of the service model of Amazon RDS, version
// 2014-10-31.
func Classify(err error) store.Fault {
	if errors.Is(err, errUnseen) || errors.Is(err, errUseless) || errors.Is(err, errUnmarked) {
		return store.Busy
	}
	if known, ok := errors.AsType[*store.Error](err); ok {
		return known.Fault
	}
	return store.ClassifyAWS(err, map[string]store.Fault{
		"DBInstanceNotFound":                  store.NotFound,
		"DBSnapshotNotFound":                  store.NotFound,
		"DBSnapshotNotFoundFault":             store.NotFound,
		"DBClusterNotFoundFault":              store.NotFound,
		"ResourceNotFoundFault":               store.NotFound,
		"DBClusterSnapshotNotFoundFault":      store.NotFound,
		"DBSnapshotAlreadyExists":             store.Conflict,
		"DBSnapshotAlreadyExistsFault":        store.Conflict,
		"DBClusterSnapshotAlreadyExistsFault": store.Conflict,
		"InvalidDBInstanceState":              store.Busy,
		"InvalidDBInstanceStateFault":         store.Busy,
		"InvalidDBSnapshotState":              store.Busy,
		"InvalidDBClusterStateFault":          store.Busy,
		"InvalidDBClusterSnapshotStateFault":  store.Busy,
		"InvalidGlobalClusterStateFault":      store.Busy,
		"InvalidResourceStateFault":           store.Busy,
		"SnapshotQuotaExceeded":               store.Quota,
		"SharedSnapshotQuotaExceeded":         store.Quota,
		"InstanceQuotaExceeded":               store.Quota,
		"StorageQuotaExceeded":                store.Quota,
		"DBClusterQuotaExceededFault":         store.Quota,
		"OptionGroupNotFoundFault":            store.Invalid,
		"KMSKeyNotAccessibleFault":            store.Denied,
		"InvalidDBInstance":                   store.Invalid,
		"InvalidParameterCombinationFault":    store.Invalid,
	})
}
