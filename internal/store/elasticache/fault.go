package elasticache

import (
	"errors"

	"github.com/aws/smithy-go"

	"github.com/holdfast-dr/holdfast/internal/store"
)

var (
	// errFailedBefore: the snapshot that is to be taken exists and has failed.
	errFailedBefore = errors.New("the snapshot is there but failed")
	// errUnclear: there is a snapshot of the name, and whose it is cannot be seen.
	errUnclear = errors.New("a snapshot of this name is there, and its tags cannot be read yet")
	// errLeaving: an earlier snapshot of the name is being deleted.
	errLeaving = errors.New("a snapshot of this name is being deleted")
	// errHeld and errChanged: a snapshot is not what was to be deleted.
	errHeld    = errors.New("a person holds it")
	errChanged = errors.New("it does not carry the claim any more that was seen")
)

// The codes of ElastiCache's errors, by what they mean here. Some services of AWS
// write them with "Fault" at the end and some without; ElastiCache does both.
func codes() map[string]store.Fault {
	return map[string]store.Fault{
		"ReplicationGroupNotFoundFault":             store.NotFound,
		"CacheClusterNotFound":                      store.NotFound,
		"ServerlessCacheNotFoundFault":              store.NotFound,
		"SnapshotNotFoundFault":                     store.NotFound,
		"ServerlessCacheSnapshotNotFoundFault":      store.NotFound,
		"SnapshotAlreadyExistsFault":                store.Conflict,
		"ServerlessCacheSnapshotAlreadyExistsFault": store.Conflict,
		"InvalidReplicationGroupState":              store.Busy,
		"InvalidCacheClusterState":                  store.Busy,
		"InvalidServerlessCacheStateFault":          store.Busy,
		"InvalidSnapshotState":                      store.Busy,
		"InvalidServerlessCacheSnapshotStateFault":  store.Busy,
		"SnapshotQuotaExceededFault":                store.Quota,
		"ServerlessCacheSnapshotQuotaExceededFault": store.Quota,
		"TagQuotaPerResourceExceeded":               store.Quota,
		"SnapshotFeatureNotSupportedFault":          store.Invalid,
		"InvalidARN":                                store.Invalid,
		"InvalidKMSKeyFault":                        store.Denied,
		"ServiceLinkedRoleNotFoundFault":            store.Denied,
		"InvalidCredentialsException":               store.NoCredentials,
		"APICallRateForCustomerExceeded":            store.Throttled,
	}
}

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault { return classify(err) }

func classify(err error) store.Fault {
	switch {
	case errors.Is(err, errFailedBefore), errors.Is(err, errUnclear), errors.Is(err, errLeaving):
		return store.Busy
	case errors.Is(err, errHeld), errors.Is(err, errChanged):
		return store.Conflict
	}
	return store.ClassifyAWS(err, codes())
}

// hasCode reports whether AWS answered with this error.
func hasCode(err error, code string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == code
}
