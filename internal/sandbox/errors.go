package sandbox

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is an error that AWS answers with.
type apiError struct {
	code    string
	status  int
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// refuse makes an answer of status 400, which is what most refusals are.
func refuse(code, format string, args ...any) *apiError {
	return &apiError{code, http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// notFound makes an answer of status 404.
func notFound(code, format string, args ...any) *apiError {
	return &apiError{code, http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// forbid makes an answer of status 403.
func forbid(code, format string, args ...any) *apiError {
	return &apiError{code, http.StatusForbidden, fmt.Sprintf(format, args...)}
}

// notSimulated says that AWS knows what is asked for and the sandbox does not.
// It is never passed over in silence, nor answered as an internal error, which
// callers would try again.
func notSimulated(format string, args ...any) *apiError {
	return refuse("NotImplemented", "The sandbox does not simulate "+format+".", args...)
}

func invalidValue(format string, args ...any) *apiError {
	return refuse("InvalidParameterValue", format, args...)
}

func invalidCombination(format string, args ...any) *apiError {
	return refuse("InvalidParameterCombination", format, args...)
}

// ErrCrashed is what every call on a Client gives after a crash fault struck it.
var ErrCrashed error = crashed{}

// crashed is an error that the SDK does not try again: to it, the call was
// cancelled. There is no one left to try.
type crashed struct{}

func (crashed) Error() string       { return "sandbox: the caller has crashed" }
func (crashed) CanceledError() bool { return true }

// lostAnswer is the transport error of a call that took effect but whose answer
// never came.
type lostAnswer struct{ action string }

func (e lostAnswer) Error() string   { return "sandbox: " + e.action + ": timed out awaiting the answer" }
func (e lostAnswer) Timeout() bool   { return true }
func (e lostAnswer) Temporary() bool { return true }

// codeOf names an error for the call log.
func codeOf(err error) string {
	var api *apiError
	var lost lostAnswer
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.code
	case errors.As(err, &lost):
		return CodeTimeout
	case errors.Is(err, ErrCrashed):
		return CodeCrashed
	default:
		return "InternalFailure"
	}
}
