package store

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Fault sorts errors by what can be done about them.
type Fault string

// The sorts of errors.
const (
	// NotFound: what was named is not there.
	NotFound Fault = "not found"
	// Conflict: something else has the name.
	Conflict Fault = "conflict"
	// Busy: it is in a state that does not allow this; it may pass.
	Busy Fault = "busy"
	// Throttled: too many calls.
	Throttled Fault = "throttled"
	// Quota: a limit of the account is reached.
	Quota Fault = "quota"
	// Denied: the caller may not do this.
	Denied Fault = "denied"
	// NoCredentials: there is nobody to act as.
	NoCredentials Fault = "no credentials"
	// Invalid: the request itself is wrong.
	Invalid Fault = "invalid"
	// Unreachable: no answer came, or not in time.
	Unreachable Fault = "unreachable"
	// Stopped: holdfast itself was told to stop.
	Stopped Fault = "stopped"
	// Unknown is all else.
	Unknown Fault = "unknown"
)

// Remedy says what a person can do about errors of this sort; empty where that
// depends.
func (f Fault) Remedy() string {
	switch f {
	case NotFound:
		return "look whether it was renamed or deleted meanwhile; the next run sees what is there"
	case Conflict:
		return "a snapshot of this name exists and does not carry our claim; holdfast does not touch it: rename or delete it yourself"
	case Busy:
		return "the next run tries again"
	case Throttled:
		return "AWS limits the rate of calls; the next run tries again"
	case Quota:
		return "delete snapshots that nobody needs, keep fewer by policy, or ask AWS for a higher quota"
	case Denied:
		return "grant the permission to the role; `holdfast check` lists all that are missing"
	case NoCredentials:
		return "give credentials in the ways the AWS SDK knows (environment, profile, instance role), or a role in the policy file"
	case Unreachable:
		return "check network, Region and endpoint; the next run tries again"
	case Stopped:
		return "run again; what was begun is found and goes on"
	case Invalid, Unknown:
		return ""
	}
	return ""
}

// Error says what was being done to what, what went wrong and what to do.
type Error struct {
	// Doing says what was being done to what, and where.
	Doing string
	Fault Fault
	// Remedy says what a person can do; it may be empty.
	Remedy string
	Err    error
}

// Error gives one line without the remedy.
func (e *Error) Error() string { return e.Doing + ": " + Brief(e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Advice gives the remedy.
func (e *Error) Advice() string { return e.Remedy }

// Remedy gives what a person can do about an error; empty when nothing is known.
func Remedy(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Remedy
	}
	return ""
}

// FaultOf gives the sort of an error that came out of a Store.
func FaultOf(err error) Fault {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	return Unknown
}

// Brief says what an error is in few words. The SDK's own text holds operation,
// status, request id and host before it comes to the point; of an API error the
// code and the message are what a person can use.
func Brief(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		return "the time given for it is over"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if api.ErrorMessage() == "" {
			return api.ErrorCode()
		}
		return api.ErrorCode() + ": " + strings.TrimSpace(api.ErrorMessage())
	}
	if signed, ok := errors.AsType[*SignError](err); ok {
		return signed.Error()
	}
	if send, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return "no answer: " + send.Err.Error()
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return op.Err.Error()
	}
	return err.Error()
}
