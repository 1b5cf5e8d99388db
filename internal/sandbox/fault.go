package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// FaultKind says what a fault does to a call.
type FaultKind string

// The kinds of faults.
const (
	// Fail: the call is answered with Code and Status and has no effect.
	Fail FaultKind = "fail"
	// Timeout: the call takes effect, but the caller gets a transport error.
	Timeout FaultKind = "timeout"
	// Stale: a read is answered as of StaleBy ago; writes are not affected.
	Stale FaultKind = "stale"
	// CrashBefore: the caller dies just before the call takes effect. Every later
	// call on its Client gives ErrCrashed.
	CrashBefore FaultKind = "crash-before"
	// CrashAfter: the caller dies just after the call took effect.
	CrashAfter FaultKind = "crash-after"
	// Deny: the call is refused as IAM does: AccessDenied, status 403.
	Deny FaultKind = "deny"
)

// Match says which calls a fault can strike; an empty field matches any.
type Match struct {
	Account, Region, Service, Action string
	Client                           *Client
}

// Fault is something that goes wrong.
type Fault struct {
	Match
	// Skip lets so many matching calls pass first.
	Skip int
	// Times is how often the fault strikes; 0 means for ever.
	Times int
	// Probability, with Rand, strikes only so many of the calls (0 to 1); Rand
	// gives numbers in [0,1), such as rand.New(rand.NewPCG(1, 2)).Float64. It is
	// called under the sandbox's lock. Without Rand every matching call is struck.
	Probability float64
	Rand        func() float64
	Kind        FaultKind
	// Code and Status are the error of a Fail. The default is an InternalFailure,
	// and for the status what AWS gives with the code.
	Code   string
	Status int
	// Message goes with Code.
	Message string
	// StaleBy is how old the answers of a Stale are; default 5 s.
	StaleBy time.Duration
}

type faultState struct {
	Fault
	seen, struck int
}

// Inject makes a fault happen until it has struck Times times, or until remove is
// called. Where several faults match a call the one injected first strikes.
func (a *AWS) Inject(f Fault) (remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inject(f)
}

// inject is Inject for those who hold the lock.
func (a *AWS) inject(f Fault) (remove func()) {
	if f.Code == "" {
		f.Code = "InternalFailure"
	}
	if f.Status == 0 {
		f.Status = statusOf(f.Code)
	}
	if f.Message == "" {
		f.Message = "An injected fault."
	}
	if f.StaleBy == 0 {
		f.StaleBy = 5 * time.Second
	}
	state := &faultState{Fault: f}
	a.faults = append(a.faults, state)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.faults = slices.DeleteFunc(a.faults, func(s *faultState) bool { return s == state })
	}
}

func statusOf(code string) int {
	switch code {
	case "InternalFailure", "InternalError", "InternalServerError":
		return http.StatusInternalServerError
	case "ServiceUnavailable", "RequestLimitExceeded", "SlowDown":
		return http.StatusServiceUnavailable
	case "AccessDenied", "UnauthorizedOperation", "ExpiredToken", "InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException":
		return http.StatusForbidden
	default:
		return http.StatusBadRequest
	}
}

// strike gives the fault that strikes a call, or nil.
func (a *AWS) strike(r *request) *Fault {
	for _, s := range a.faults {
		if !s.matches(r) {
			continue
		}
		s.seen++
		if s.seen <= s.Skip || s.Times > 0 && s.struck >= s.Times {
			continue
		}
		if s.Rand != nil && s.Rand() >= s.Probability {
			continue
		}
		s.struck++
		return &s.Fault
	}
	return nil
}

func (m Match) matches(r *request) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return is(m.Account, r.who.account) && is(m.Region, r.region) && is(m.Service, r.service) &&
		is(m.Action, r.action) && (m.Client == nil || m.Client == r.client)
}

// before gives the error of a call that has no effect.
func (f *Fault) before(r *request) error {
	switch f.Kind {
	case Fail:
		return &apiError{f.Code, f.Status, f.Message}
	case CrashBefore:
		return f.lose(r)
	default:
		return nil
	}
}

// losesAnswer says that the call takes effect and its answer does not arrive.
func (f *Fault) losesAnswer() bool { return f.Kind == Timeout || f.Kind == CrashAfter }

// lose gives the transport error of a call without an answer.
func (f *Fault) lose(r *request) error {
	if f.Kind == Timeout {
		return lostAnswer{r.action}
	}
	if r.client != nil {
		r.client.dead.Store(true)
	}
	return ErrCrashed
}
