package sandbox

import (
	"net/http"
	"sync/atomic"
)

// Client is one caller's connection to the simulated AWS, without a network. It
// is an http.RoundTripper and, having Do, an HTTP client for the SDK:
// aws.Config.HTTPClient takes it. A crash fault kills a Client for good; other
// Clients, and the state, live on.
type Client struct {
	aws    *AWS
	number int
	dead   atomic.Bool
}

// Client gives a new connection.
func (a *AWS) Client() *Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clients++
	return &Client{aws: a, number: a.clients}
}

// Crashed reports whether a crash fault has struck this connection.
func (c *Client) Crashed() bool { return c.dead.Load() }

// Do sends one request and gives its answer.
func (c *Client) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }

// RoundTrip sends one request and gives its answer.
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	got, err := c.aws.exchange(c, r)
	if err != nil {
		return nil, err
	}
	return got.response(r), nil
}
