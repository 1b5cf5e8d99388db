package store

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// awsCodes sorts the error codes that all services of AWS share (Amazon EC2 API
// Reference, "Common client errors"; Amazon RDS API Reference, "Common errors").
func awsCodes() map[string]Fault {
	return map[string]Fault{
		"Throttling":                  Throttled,
		"ThrottlingException":         Throttled,
		"ThrottledException":          Throttled,
		"RequestLimitExceeded":        Throttled,
		"RequestThrottled":            Throttled,
		"RequestThrottledException":   Throttled,
		"TooManyRequestsException":    Throttled,
		"SlowDown":                    Throttled,
		"AccessDenied":                Denied,
		"AccessDeniedException":       Denied,
		"UnauthorizedOperation":       Denied,
		"NotAuthorized":               Denied,
		"OptInRequired":               Denied,
		"AuthFailure":                 NoCredentials,
		"ExpiredToken":                NoCredentials,
		"ExpiredTokenException":       NoCredentials,
		"RequestExpired":              NoCredentials,
		"InvalidClientTokenId":        NoCredentials,
		"UnrecognizedClientException": NoCredentials,
		"SignatureDoesNotMatch":       NoCredentials,
		"IncompleteSignature":         NoCredentials,
		"MissingAuthenticationToken":  NoCredentials,
		"InternalFailure":             Unreachable,
		"InternalError":               Unreachable,
		"ServiceUnavailable":          Unreachable,
		"RequestTimeout":              Unreachable,
		"ValidationError":             Invalid,
		"InvalidParameterValue":       Invalid,
		"InvalidParameterCombination": Invalid,
		"MissingParameter":            Invalid,
		"InvalidAction":               Invalid,
	}
}

// ClassifyAWS sorts an error of the SDK: first by the codes that are the
// service's own, then by those that all services share, then by what happened to
// the connection.
func ClassifyAWS(err error, own map[string]Fault) Fault {
	var signed *SignError
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if f, ok := own[api.ErrorCode()]; ok {
			return f
		}
		if f, ok := awsCodes()[api.ErrorCode()]; ok {
			return f
		}
		if api.ErrorFault() == smithy.FaultServer {
			return Unreachable
		}
		return Unknown
	}
	var dns *net.DNSError
	var attempts *retry.MaxAttemptsError
	var netErr net.Error
	switch {
	case errors.As(err, &signed):
		return NoCredentials
	case errors.Is(err, context.Canceled):
		return Stopped
	case errors.As(err, &attempts), errors.As(err, &dns), errors.As(err, &netErr), errors.Is(err, context.DeadlineExceeded):
		return Unreachable
	}
	return Unknown
}

// SignError is what a session gives when it has no credentials to sign with.
type SignError struct{ Err error }

// Error says that there are no credentials, and why. That the last place where
// the SDK looks, the machine's own role, has none either says nothing of why.
func (e *SignError) Error() string {
	if strings.Contains(e.Err.Error(), "no EC2 IMDS role found") {
		return "no credentials were found: not in the environment, not in AWS's files, not as a role of this machine"
	}
	return "no credentials: " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *SignError) Unwrap() error { return e.Err }
