package ebs

import (
	"errors"

	"github.com/holdfast-dr/holdfast/internal/store"
)

// Classify sorts an error.
func (*Driver) Classify(err error) store.Fault { return classify(err) }

// classify knows the codes of EC2 (Amazon EC2 API Reference, "Error codes").
func classify(err error) store.Fault {
	var own *store.Error
	switch {
	case errors.As(err, &own):
		return own.Fault
	case errors.Is(err, errNotThere), errors.Is(err, errNoInstance):
		return store.NotFound
	case errors.Is(err, errUseless), errors.Is(err, errMoved), errors.Is(err, errPending),
		errors.Is(err, errUnshared), errors.Is(err, errIncomplete), errors.Is(err, errRuns),
		errors.Is(err, errUnfinished), errors.Is(err, errUnmarked):
		return store.Busy
	}
	return store.ClassifyAWS(err, map[string]store.Fault{
		"InvalidInstanceID.NotFound":            store.NotFound,
		"InvalidInstanceID.Malformed":           store.NotFound,
		"InvalidVolume.NotFound":                store.NotFound,
		"InvalidVolumeID.Malformed":             store.NotFound,
		"InvalidSnapshot.NotFound":              store.NotFound,
		"InvalidSnapshotID.Malformed":           store.NotFound,
		"InvalidSnapshot.InUse":                 store.Conflict,
		"VolumeInUse":                           store.Busy,
		"IdempotentParameterMismatch":           store.Busy, // The volume that is there by this token will show.
		"InsufficientInstanceCapacity":          store.Busy,
		"VolumeLimitExceeded":                   store.Quota,
		"MaxIOPSLimitExceeded":                  store.Quota,
		"InvalidZone.NotFound":                  store.Invalid,
		"IncorrectState":                        store.Busy,
		"IncorrectInstanceState":                store.Busy,
		"ConcurrentSnapshotLimitExceeded":       store.Busy,
		"SnapshotCreationPerVolumeRateExceeded": store.Throttled,
		"SnapshotLimitExceeded":                 store.Quota,
		"ResourceLimitExceeded":                 store.Quota,
		"OperationNotPermitted":                 store.Invalid,
		"TagLimitExceeded":                      store.Invalid,
	})
}
