package sandbox

import (
	"slices"
	"time"
)

// Codes of calls that got no answer.
const (
	CodeTimeout = "Timeout"
	CodeCrashed = "Crashed"
)

// Call is one call that reached the simulated AWS.
type Call struct {
	Time    time.Time `json:"time"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Service string    `json:"service"`
	Action  string    `json:"action"`
	// Caller is the caller's ARN.
	Caller string `json:"caller"`
	// Code is the error code of the answer; empty when the call succeeded.
	Code string `json:"code,omitempty"`
	// Client is the number of the Client that called; 0 over the network.
	Client int `json:"client,omitempty"`
}

// maxCalls bounds the log, so that a sandbox that is served for days does not
// grow without end. The oldest half is dropped.
const maxCalls = 200_000

// Calls gives the log of calls, oldest first.
func (a *AWS) Calls() []Call {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.calls)
}

// ResetCalls empties the log of calls.
func (a *AWS) ResetCalls() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = nil
}

func (a *AWS) logCall(r *request, err error) {
	if len(a.calls) >= maxCalls {
		a.calls = slices.Clone(a.calls[maxCalls/2:])
	}
	c := Call{
		Time: r.now, Account: r.who.account, Region: r.region, Service: r.service,
		Action: r.action, Caller: r.who.arn, Code: codeOf(err),
	}
	if r.client != nil {
		c.Client = r.client.number
	}
	a.calls = append(a.calls, c)
}
