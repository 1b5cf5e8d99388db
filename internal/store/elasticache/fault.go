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
	// errTaken: something of ours has the name that has another claim.
	errTaken = errors.New("what is there under this name has another claim")
	// errExporting and errNotDone: a snapshot cannot be exported, or files cannot be
	// copied or deleted, now.
	errExporting = errors.New("ElastiCache is exporting it")
	errNotDone   = errors.New("it is not complete")
	// errGone: what was to be copied or held is not there.
	errGone = errors.New("it is not there")
	// errUnread: whose a cache is cannot be seen while it is busy.
	errUnread = errors.New("its tags cannot be read now")
	// errDiffers: a copy is not the same as what it was made from. It is deleted.
	errDiffers = errors.New("the copy differs from what it was made from, and was deleted")
	// errNoBucket: the policy file names no bucket for a site.
	errNoBucket = errors.New("it names none")
	// errLongKey: what is to be said of a snapshot does not fit into the key of an
	// object.
	errLongKey = errors.New("the claim is too long for the key of an object")
)

// The codes of ElastiCache's errors, by what they mean here. Some services of AWS
// write them with "Fault" at the end and some without; ElastiCache does both.
func codes() map[string]store.Fault {
	return map[string]store.Fault{
		"ReplicationGroupNotFoundFault":                store.NotFound,
		"CacheClusterNotFound":                         store.NotFound,
		"ServerlessCacheNotFoundFault":                 store.NotFound,
		"SnapshotNotFoundFault":                        store.NotFound,
		"ServerlessCacheSnapshotNotFoundFault":         store.NotFound,
		"SnapshotAlreadyExistsFault":                   store.Conflict,
		"ReplicationGroupAlreadyExists":                store.Conflict,
		"CacheClusterAlreadyExists":                    store.Conflict,
		"ServerlessCacheAlreadyExistsFault":            store.Conflict,
		"NodeQuotaForCustomerExceeded":                 store.Quota,
		"NodeQuotaForClusterExceeded":                  store.Quota,
		"ClusterQuotaForCustomerExceeded":              store.Quota,
		"ServerlessCacheQuotaForCustomerExceededFault": store.Quota,
		"InsufficientCacheClusterCapacity":             store.Quota,
		"NoSuchHostedZone":                             store.NotFound,
		"NoSuchChange":                                 store.NotFound,
		"PriorRequestNotComplete":                      store.Busy,
		"InvalidChangeBatch":                           store.Busy, // The records are not as they were listed, which can lag behind.
		"ServerlessCacheSnapshotAlreadyExistsFault":    store.Conflict,
		"InvalidReplicationGroupState":                 store.Busy,
		"InvalidCacheClusterState":                     store.Busy,
		"InvalidServerlessCacheStateFault":             store.Busy,
		"InvalidSnapshotState":                         store.Busy,
		"InvalidServerlessCacheSnapshotStateFault":     store.Busy,
		"SnapshotQuotaExceededFault":                   store.Quota,
		"ServerlessCacheSnapshotQuotaExceededFault":    store.Quota,
		"TagQuotaPerResourceExceeded":                  store.Quota,
		"SnapshotFeatureNotSupportedFault":             store.Invalid,
		"InvalidARN":                                   store.Invalid,
		"InvalidKMSKeyFault":                           store.Denied,
		"ServiceLinkedRoleNotFoundFault":               store.Denied,
		"InvalidCredentialsException":                  store.NoCredentials,
		"APICallRateForCustomerExceeded":               store.Throttled,
		"NoSuchBucket":                                 store.NotFound,
		"NoSuchKey":                                    store.NotFound,
		"NotFound":                                     store.NotFound, // Answers to HEAD have no code of their own.
		"NoSuchUpload":                                 store.NotFound,
		"Forbidden":                                    store.Denied,
		"PermanentRedirect":                            store.Invalid,
		"AuthorizationHeaderMalformed":                 store.Invalid,
		"KMS.DisabledException":                        store.Denied,
		"KMS.NotFoundException":                        store.Denied,
		"KMS.KMSInvalidStateException":                 store.Denied,
	}
}

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault { return classify(err) }

func classify(err error) store.Fault {
	switch said := store.FaultOf(err); { // What is about a bucket has been sorted where it arose.
	case said != store.Unknown:
		return said
	case errors.Is(err, errFailedBefore), errors.Is(err, errUnclear), errors.Is(err, errLeaving),
		errors.Is(err, errExporting), errors.Is(err, errNotDone), errors.Is(err, errUnread):
		return store.Busy
	case errors.Is(err, errHeld), errors.Is(err, errChanged), errors.Is(err, errTaken):
		return store.Conflict
	case errors.Is(err, errGone):
		return store.NotFound
	case errors.Is(err, errNoBucket), errors.Is(err, errLongKey):
		return store.Invalid
	}
	return store.ClassifyAWS(err, codes())
}

// hasCode reports whether AWS answered with this error.
func hasCode(err error, code string) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == code
}
